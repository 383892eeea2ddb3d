"""The trail in the app, over a real repository, a real bucket and the process that works trails out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.tui.trails import EVIL, ONE, TWO, Story, trailing
from tracetui.bucket import Bucket
from tracetui.bucket.query import parse
from tracetui.text.safe import is_display_safe
from tracetui.tui.kit.trail_client import Question, TrailAnswer
from tracetui.tui.trail.blame import BlameScreen
from tracetui.tui.trail.commit import CommitScreen
from tracetui.tui.trail.controller import TrailController
from tracetui.tui.trail.diff_document import DiffDocument
from tracetui.tui.trail.session_diff import SessionDiffScreen

DIFF = ("3", "right_square_bracket", "right_square_bracket")


@pytest.fixture(autouse=True)
def trails(no_trails: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tracetui.tui.kit.trail_client.TrailService.enabled", True)
    monkeypatch.setattr("tracetui.tui.trail.controller._LIST_REST", 0.01)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


async def test_badges_on_edits_and_bars_in_the_list(story: Story) -> None:
    async with trailing(story) as driver:
        await driver.until(lambda: all(row.survival for row in driver.sessions.sessions))
        edits = [line for line in driver.lines if " edit " in line]
        assert [sign for line in edits for sign in "●◐○◌" if sign in line.split("edit")[1]] == ["●", "●", "◌"]
        bars = [line[:36] for line in driver.lines if "repo" in line[:36]]
        assert any("●●●●◌◌" in bar for bar in bars)
        assert any("○○○○○○" in bar for bar in bars)
    # Both are kept for lists and queries.
    bucket = Bucket.open(story.path)
    assert [row.id for row in bucket.sessions(parse("survival:lost"))] == [TWO]
    assert [row.id for row in bucket.sessions(parse("survival:pending,reverted"))] == [ONE]
    assert [row.id for row in bucket.sessions(parse("-survival:lost"))] == [ONE]
    bucket.close()


async def test_word_and_share_where_there_is_room(story: Story) -> None:
    async with trailing(story, size=(120, 30)) as driver:
        await driver.sees("◌")
        await driver.press("plus")
        await driver.sees("● alive", "◌ pending")


async def test_diff_tells_state_commit_and_what_stands(story: Story) -> None:
    async with trailing(story) as driver:
        await driver.press("e", *DIFF)
        await driver.sees("● alive", "stands letter by letter", story.helper[:7], "at HEAD today")
        document = driver.main.step_pane.text.document  # type: ignore[union-attr]
        assert isinstance(document, DiffDocument)
        assert "+ def helper(items, limit):" in document.source
        assert "● def helper(items, limit):" in document.source
        assert "● \n" not in document.source
        await driver.press("plus")
        await driver.sees("as written")
        await driver.press("s")
        await driver.until(lambda: "as written" not in driver.screen)
        await driver.press("s")
        await driver.sees("as written", "│")


async def test_old_and_new_side_by_side(story: Story) -> None:
    async with trailing(story, size=(150, 40)) as driver:
        await driver.press("e", "e", *DIFF, "plus")
        await driver.sees("-         total += value * 2", "+         total += scale_by_two(value)")
        # Until the pane is wide enough both stand below one another.
        await driver.until(lambda: any("│" in line for line in driver.lines if "value * 2" in line))
        row = next(line for line in driver.lines if "value * 2" in line)
        assert "scale_by_two(value)" in row.partition("│")[2]


async def test_from_a_hunk_to_its_commits_and_back(story: Story) -> None:
    async with trailing(story, session=TWO) as driver:
        await driver.press("e")
        await driver.until(lambda: driver.main.controller(TrailController).why_no_commit("landing") is None)
        await driver.press("L")
        await driver.sees("Greet", "app.py", "+1 -1", "Sessions behind it: 1 of 1 added line", "be polite")
        assert isinstance(driver.app.screen, CommitScreen)
        await driver.press("escape", "K")
        await driver.sees("Drop the greeting, take notes", "notes.txt")
        await driver.sees("No session is behind it")
        await driver.press("escape")
        # To the session behind a commit: from there to its step.
        await driver.press("L")
        await driver.sees("Sessions behind it")
        await driver.press("G", "enter")
        await driver.until(lambda: driver.app.screen is driver.main)
        assert driver.timeline.session is not None
        assert driver.timeline.session.id == TWO
        assert driver.timeline.current is not None
        assert driver.timeline.current.kind == "edit"


async def test_why_a_key_does_not_work(story: Story) -> None:
    async with trailing(story) as driver:
        await driver.sees("◌")
        await driver.press("L")
        assert driver.said == "There is no edit under the cursor; e goes to the next one."
        await driver.press("e", "K")
        assert driver.said == "No commit ended it: alive."
        await driver.press("e", "e", "L")
        assert driver.said == "No commit of this history holds it: pending."


async def test_blame_leads_to_sessions_or_says_that_there_is_none(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr("tracetui.tui.kit.clipboard.copy", lambda app, text, folder: copied.append(text) or "Copied.")
    async with trailing(story) as driver:
        await driver.press("B")
        await driver.sees("Newest commits", "Drop the greeting")
        await driver.type("HEAD~2..HEAD")
        await driver.press("enter")
        await driver.sees("Greet", "be polite", "no session is behind it", "from 1 session")
        await driver.press("y")
        await driver.until(lambda: bool(copied))
        assert "read it before you post it" in (driver.said or "")
        assert "## Sessions" in copied[0]
        await driver.press("slash")
        driver.app.screen.query_one("Input").value = ""  # type: ignore[attr-defined]
        await driver.type("app.py:20-22")
        await driver.press("enter")
        await driver.sees("● add a *helper*", "add a *helper* [/b] @team", "20      picked", "│", "22          raise")
        await driver.press("enter")
        await driver.until(lambda: driver.app.screen is driver.main)
        assert driver.timeline.session is not None
        assert driver.timeline.session.id == ONE
        await driver.press("B")
        await driver.sees("Newest commits")
        await driver.type("nowhere.py")
        await driver.press("enter")
        await driver.sees("nowhere.py is not a file")
        assert isinstance(driver.app.screen, BlameScreen)
        await driver.press("escape")


async def test_repository_is_named_and_remembered(tmp_path: Path) -> None:
    story = Story(tmp_path, elsewhere="/far/away/repo")
    async with trailing(story) as driver:
        await driver.press("e", *DIFF)
        await driver.sees("No repository found for", "Name one: R", "? unknown")
        await driver.press("plus")
        await driver.sees("No repository found for /far/away/repo. Name one: R")
        await driver.press("plus", "R")
        await driver.sees("No repository was found for /far/away/repo.")
        line = driver.app.screen.query_one("Input")
        line.value = f"~/{tmp_path}"  # type: ignore[attr-defined] # typed after the folder that stood there
        await driver.press("enter")
        await driver.sees("name one that is")
        assert str(driver.app.screen.query_one("#problem", Static).content).startswith(str(tmp_path))
        line.value = "~/src/re"  # type: ignore[attr-defined]
        line.cursor_position = 8  # type: ignore[attr-defined]
        await driver.until(lambda: "a repository" in driver.screen)
        await driver.press("tab")
        assert line.value == "~/src/repo/"  # type: ignore[attr-defined]
        await driver.press("enter")
        await driver.sees("● alive", "stands letter by letter")
        assert driver.app.bucket.setting("trail.repos") == {"/far/away/repo": str(story.scene.root)}
        await driver.press("R")
        await driver.sees("as you named it")


async def test_a_commit_changes_what_is_on_screen(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    async with trailing(story) as driver:
        await driver.sees("◌")
        driver.main.controller(TrailController).look_at_repository()
        await driver.settle()
        story.scene.commit("In the morning")
        driver.main.controller(TrailController).look_at_repository()
        await driver.until(lambda: "◌" not in driver.screen)


async def test_only_looked_at_asks_no_repository(story: Story) -> None:
    async with trailing(story, read_only=True) as driver:
        await driver.press("e", *DIFF)
        await driver.sees("This session is only looked at;", "Name the one to ask: R")
        assert "alive" not in driver.screen


async def test_hostile_names_and_messages_are_text(tmp_path: Path) -> None:
    story = Story(tmp_path, evil=True)
    async with trailing(story) as driver:
        await driver.sees("◌")

        def clean() -> None:
            assert all(is_display_safe(line) for line in driver.lines)

        await driver.press("e", "e", "e", *DIFF)
        await driver.sees("[@click=app.quit]q[/].py", "plant")
        clean()
        await driver.press("plus")
        await driver.sees("as written")
        clean()
        await driver.press("L")
        await driver.sees("[/bold]", "Sessions behind it", "*helper* [/b] @team", "[@click=app.quit]q[/].py")
        clean()
        files = [row for row in driver.app.screen.query_one("#commit-rows").source.rows if row.kind == "file"]  # type: ignore[attr-defined]
        assert EVIL in [row.text for row in files]
        await driver.press("escape", "B")
        await driver.sees("Newest commits")
        await driver.type("q[/]")
        clean()
        await driver.press("ctrl+u")
        await driver.type("HEAD~2")
        await driver.press("enter")
        await driver.sees("[/bold]", "add a *helper*")
        clean()


async def test_sort_by_what_survived_and_stop(story: Story) -> None:
    async with trailing(story) as driver:
        await driver.until(lambda: all(row.survival for row in driver.sessions.sessions))
        await driver.press("1", *("S",) * 7)
        assert driver.said == "Sessions most survived first."
        order = [item.session.id for item in driver.sessions.rows.source.items if item.session]  # type: ignore[attr-defined]
        assert order == [ONE, TWO]
        await driver.press("ctrl+x")
        assert "Nothing is being" in (driver.said or "")


async def test_the_repositories_and_a_folder_that_looks_like_one(tmp_path: Path) -> None:
    story = Story(tmp_path)
    async with trailing(story) as driver:
        await driver.press("ctrl+g")
        await driver.sees("Repositories", "~/src/repo", "lines by month", "files with most churn", "app.py")
        await driver.press("a")
        assert driver.said == "No other folder looks like this repository."
        await driver.press("escape")
        assert driver.app.screen is driver.main


async def test_one_diff_of_a_session_against_the_base_and_head(story: Story) -> None:
    async with trailing(story, session=TWO) as driver:
        await driver.press("D")
        await driver.sees("against the base, 1 file +1 -1", "app.py  +1 -1  1 edit", "+     greet_politely(name)")
        assert isinstance(driver.app.screen, SessionDiffScreen)
        assert any('-     print("hello", name)' in line for line in driver.lines)
        await driver.press("right_square_bracket")
        assert driver.said == "There is one file."
        await driver.press("b")
        await driver.sees("since, at HEAD", "0 of 1 line stand at HEAD.", "-     greet_politely(name)")
        assert "hello" not in driver.screen
        await driver.press("b")
        await driver.sees("against the base")
        await driver.press("escape")
        assert driver.app.screen is driver.main


async def test_one_diff_of_a_prompt_and_of_a_session_with_several_files(story: Story) -> None:
    async with trailing(story) as driver:
        await driver.press("g", "D")
        await driver.sees("prompt: add a *helper* [/b] @team", "2 files", "2 edits", "+ def helper(items, limit):")
        document = driver.app.screen.query_one("#session-diff").document  # type: ignore[attr-defined]
        # The second edit of the file is in the diff of the first: each line stands once.
        assert document.source.count("scale_by_two(value)") == 1
        assert document.source.count("app.py") == 1
        await driver.press("right_square_bracket")
        await driver.sees("notes.txt  +1 -0  1 edit", "wait for the morning")
        await driver.press("b")
        await driver.sees("0 of 1 line stand at HEAD.")


async def test_where_there_is_no_diff_one_line_says_why(story: Story) -> None:
    async with trailing(story) as driver:
        await driver.press("g")
        session, prompt = driver.timeline.session, driver.timeline.current
        assert session is not None
        assert prompt is not None
        assert driver.main.controller(TrailController).why_diff() is None
        driver.app.push_screen(SessionDiffScreen(session, prompt, "no-such-thread"))
        await driver.sees("This diff cannot be made.", "This prompt is not in the session any more")
        await driver.press("b")
        assert driver.said == "There is no diff yet to set against HEAD."
        await driver.press("escape")
        screen = SessionDiffScreen(session, replace(prompt, number=10_000))
        driver.app.push_screen(screen)
        await driver.sees("This prompt is not in the session any more")
        question = Question("diff", {}, 0, answer={"files": [], "commands": 2, "silent": 0, "repo": True, "head": None})
        screen.on_trail_answer(TrailAnswer(question))
        await driver.sees("No edit came of this prompt.", "2 commands may have changed files")
        await driver.press("b", "y")
        assert driver.said == "There is nothing to copy yet."


async def test_a_hostile_file_is_shown_harmlessly_in_the_diff(tmp_path: Path) -> None:
    async with trailing(Story(tmp_path, evil=True)) as driver:
        await driver.press("D")
        await driver.sees("def plant():")
        assert all(is_display_safe(line) for line in driver.lines)
