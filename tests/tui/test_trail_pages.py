"""Pages, badges, rows and completions of the trail, without an app."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fakes import FakeBucket, make_session
from tracetui.model import Step, ToolUse
from tracetui.tui.browse.session_rows import survival_bar, survived
from tracetui.tui.kit.badges import badges_of, spans, tally
from tracetui.tui.kit.diff_page import DiffWriter, HighlightedText
from tracetui.tui.kit.paint import cells
from tracetui.tui.kit.reasons import REASONS
from tracetui.tui.kit.step_document import LoadedStep
from tracetui.tui.kit.styles import Look
from tracetui.tui.kit.tabs import TabAsk
from tracetui.tui.kit.wrap import char_cells
from tracetui.tui.trail.blame import complete_target
from tracetui.tui.trail.blame_rows import BlameRow, BlameRows, commit_rows, rows_of
from tracetui.tui.trail.diff_document import DiffDocument, commands_line, diff_document
from tracetui.tui.trail.repository import complete_folder

LOOK = Look({"foreground": "#ffffff"})
SHA = "0123456789abcdef0123456789abcdef01234567"


def state(**values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "session": "s", "agent": None, "step": 2, "call_id": "c", "hunk": 0, "path": "src/app.py", "tool": "Edit",
        "added": 1, "removed": 1, "state": "alive", "reason": "exact", "retention": 1.0, "landing": SHA,
        "commits": [SHA], "killer": None, "flag": None, "counted": True, "key": "k", "at_path": "src/app.py",
        "lines": [["src/app.py", 11]], "old": ["a = 1"], "new": ["a = 2"], "above": ["before"], "below": ["after"],
        "start": 11, "more": 0, "op": "update", "binary": False,
        "today": [{"path": "src/app.py", "lines": [[10, "before"], [11, "a = 2"]], "binary": False, "marked": [11]}],
    }  # fmt: skip
    return made | values


def answer(*hunks: dict[str, Any], **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "repo": {"git": "/r/.git", "work": "/r", "named": False}, "head": SHA, "states": list(hunks), "commands": 0,
        "hunks": list(hunks), "named_only": False,
        "commits": {SHA: {"subject": "Add it [/b]", "author": "Ada", "time": 1_700_000_000_000}},
    }  # fmt: skip
    return made | values


def ask(kind: str = "edit", *, failed: bool = False, **values: Any) -> TabAsk:
    step = Step(2, kind, "x", (), tool=ToolUse("Edit", {}, None, failed))  # type: ignore[arg-type]
    loaded = LoadedStep(step, make_session(0, cwd="/home/u/limit"))
    return TabAsk(loaded, FakeBucket(), lambda: False, **{"width": 60, **values})  # type: ignore[arg-type]


def page(found: dict[str, Any], asked: TabAsk | None = None) -> str:
    return diff_document(found, asked or ask()).source


def test_unified_reads_without_colour() -> None:
    text = page(answer(state()))
    assert "● alive  stands letter by letter\n" in text
    assert "landed   0123456 Add it [/b], 14 Nov 2023\n" in text
    assert "10   before\n   - a = 1\n11 + a = 2\n12   after\n" in text
    assert "at HEAD today, src/app.py, 1 line of it\n10   before\n11 ● a = 2\n" in text


def test_ascii_says_the_same() -> None:
    found = state(state="transformed", reason="edited", retention=0.62, killer=SHA)
    text = page(answer(found), ask(ascii=True))
    assert "~ transformed 62 %  its lines were edited since" in text
    assert "ended by 0123456" in text
    assert "11 + a = 2" in text
    assert text.isascii()
    assert page(answer(found), ask(ascii=True, side=True)).isascii()


def test_columns_stand_under_each_other() -> None:
    wide = state(old=["x" * 50, "日本語 " * 9, ""], new=["\ty = 1", "z"], above=["same"], below=[])
    text = page(answer(wide), ask(side=True))
    rows = [line for line in text.splitlines() if "│" in line]
    assert len(rows) >= 5
    for row in rows:
        left = row.partition("│")[0]
        assert sum(char_cells(char, 0) for char in left) == 29
        assert sum(char_cells(char, 0) for char in row) <= 60
    assert "    y = 1" in text  # a tab is four blanks here


def test_what_was_added_beside_what_stands() -> None:
    found = state(
        old=[], new=["one", "two", "three"], above=[], below=[], start=1, removed=0, added=3,
        today=[{"path": "src/app.py", "lines": [[1, "one"], [2, "TWO"], [3, "three"]], "binary": False,
                "marked": [1, 3]}],
    )  # fmt: skip
    lines = page(answer(found), ask(side=True)).splitlines()
    pairs = [tuple(part.strip() for part in line.split("│")) for line in lines if "│" in line]
    assert pairs == [("1 + one", "1 ● one"), ("2 + two", "2   TWO"), ("3 + three", "3 ● three")]
    assert any(line.startswith("as written") and "at HEAD today" in line for line in lines)


@pytest.mark.parametrize(
    ("found", "asked", "says"),
    [
        (answer(state(), repo=None, head=None), ask(), "No repository found for /home/u/limit. Name one: R"),
        (answer(named_only=True, repo=None), ask(), "Name the one to ask: R"),
        (answer(repo={"git": "/r", "work": None, "unsupported": True}), ask(), "cannot be read."),
        (answer(head=None), ask(), "no commit yet"),
        (answer(), ask(failed=True), "This edit failed; it changed nothing."),
        (answer(), ask(), "does not describe what this call changed"),
        (answer(commands=3), ask("command"), "This command may have changed files; the log does not say what."),
        (answer(commands=3), ask("message"), "3 commands may have changed files; the log does not say what."),
        (answer(state(binary=True)), ask(), "A binary file"),
        (answer(state(old=[], new=[])), ask(), "does not hold the text"),
        (answer(state(flag="worktree_removed")), ask(), "removed in the work tree"),
        (answer(state(counted=False)), ask(), "not counted"),
        (answer(state(today=[{"path": "b.py", "lines": None, "binary": False, "marked": []}])), ask(), "is not there"),
        (answer(state(today=[{"path": "b.py", "lines": [], "binary": False, "marked": []}])), ask(), "nothing of"),
    ],
)
def test_what_a_page_says(found: dict[str, Any], asked: TabAsk, says: str) -> None:
    assert says in page(found, asked)
    assert "human" not in page(found, asked)


def test_commands_are_counted_in_words() -> None:
    assert commands_line(1) == "1 command may have changed files; the log does not say what."


def test_every_reason_has_words() -> None:
    import ast

    from tracetui import trail

    known = set()
    for module in Path(trail.__file__).parent.glob("*.py"):
        known |= {node.value for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant)}
    assert set(REASONS) <= {word for word in known if isinstance(word, str)}


def test_where_the_hunks_are() -> None:
    document = diff_document(answer(state(), state(hunk=1, path="b.py")), ask())
    assert isinstance(document, DiffDocument)
    first, second = document.places
    assert document.source[first:].startswith("hunk 1 of 2, src/app.py:11")
    assert document.source[second:].startswith("hunk 2 of 2, b.py:11")
    assert [document.hunk_at(offset) for offset in (0, second - 1, second, 9999)] == [0, 0, 1, 1]


lines = st.lists(st.text(st.characters(exclude_characters="\n"), max_size=60), max_size=6)


@given(lines, lines, st.booleans(), st.integers(16, 130))
def test_any_text_makes_a_page(old: list[str], new: list[str], side: bool, width: int) -> None:
    document = diff_document(answer(state(old=old, new=new)), ask(side=side, width=width))
    assert len(document.source) == len(document.shown)
    assert "\x1b" not in document.shown
    low = 0
    for section in document.sections:
        assert section.start == low
        low = section.end
        found = document.tokens[0].between(section.start, section.end)
        assert all(start < end for start, end, _ in found)
        assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert low == len(document.source)


@given(st.text(st.characters(exclude_characters="\n"), max_size=80), st.integers(4, 40))
def test_rows_of_code_are_the_line_but_for_blanks(text: str, width: int) -> None:
    code = HighlightedText([text], "x.py")
    pieces = code.rows(0, width)
    assert "".join(code.lines[0][low:high] for low, high in pieces).replace(" ", "") == code.lines[0].replace(" ", "")


def test_colours_of_a_piece_are_those_of_the_line() -> None:
    code = HighlightedText(["x = 'a long string that goes on'"], "x.py")
    page = DiffWriter()
    page.put(">> ")
    page.code(code, 0, 4, 12)
    found = [(start, end) for start, end, _ in code.tokens(0, 4, 12)]
    assert found == [(4, 12)]
    source, _, _, tokens = page.end().make()
    assert source.startswith(">> 'a long ")
    assert [(start, end) for start, end, _ in tokens[0].between(0, 20)] == [(3, 11)]


# -- badges


def test_a_step_is_badged_by_most_of_its_lines() -> None:
    found = badges_of([
        state(added=1, removed=0, state="lost", retention=0.0),
        state(added=9, removed=0, state="transformed", retention=0.5),
        state(step=3, agent="a1"),
    ])  # fmt: skip
    mixed = found[None, 2]
    assert mixed.state == "transformed"
    assert mixed.counts == (("transformed", 1), ("lost", 1))
    assert mixed.retention == pytest.approx(0.45)
    assert found["a1", 3].state == "alive"
    assert "".join(text for text, _ in spans(mixed, LOOK, 20)) == "◐ 1 ○ 1"
    assert "".join(text for text, _ in spans(mixed, LOOK, 1)) == "◐"
    one = mixed._replace(counts=(("transformed", 1),))
    assert ["".join(text for text, _ in spans(one, LOOK, room)) for room in (20, 13, 4)] == [
        "◐ transformed 45 %", "◐ transformed", "◐",
    ]  # fmt: skip


def test_tallies_bars_and_shares() -> None:
    counts = {"alive": 3, "transformed": 1, "reverted": 0, "lost": 1, "pending": 0, "unknown": 2}
    assert "".join(text for text, _ in tally(counts, LOOK)) == "● 3 ◐ 1 ○ 1 ? 2"
    assert survived(counts) == pytest.approx(0.8)
    assert survived({"unknown": 3}) == survived(None) < 0
    assert sum(cells(text) for text, _ in survival_bar(counts, 6, LOOK)) == 6
    assert "".join(text for text, _ in survival_bar({"unknown": 3}, 6, LOOK)) == "?     "


# -- rows of blame


def share(**values: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": "s1", "title": "A\x1b[2J title", "prompt": "do [/it]", "steps": [4, 7], "agents": {}, "lines": 3,
        "survival": {"alive": 1},
    }  # fmt: skip
    return made | values


def test_rows_lead_to_the_first_step() -> None:
    blame: dict[str, Any] = {
        "commit": SHA, "path": None, "start": None, "end": None, "subject": "Say [/b]", "author": "Ada",
        "time": "2023-11-14T22:13:20.000Z", "added": 4, "removed": 0, "attributed": 3,
        "sessions": [share(), share(id="s2", steps=[], agents={"a1": [9]}, prompt=None)],
    }  # fmt: skip
    nobody = blame | {"sessions": [], "attributed": 0}
    found = rows_of({"rows": [blame, nobody, nobody | {"added": 0}], "harnesses": {"s1": "codex"}})
    assert [row.kind for row in found] == ["blame", "session", "session", "blame", "none", "blame", "none"]
    assert [row.place for row in found[:3]] == [None, ("s1", None, 4), ("s2", "a1", 9)]
    assert "no session is behind it" in found[4].text
    source = BlameRows(found)
    for width in (20, 60, 118):
        for at in range(len(source)):
            painted = source.paint(at, LOOK, width)
            assert len(painted) == source.height(at)
            assert all(strip.cell_length == width for strip in painted)
            assert not any("\x1b" in segment.text for strip in painted for segment in strip)


def test_a_commit_tells_its_files_and_who_is_behind() -> None:
    commit: dict[str, Any] = {
        "subject": "Say", "author": "Ada", "time": 1_700_000_000_000, "authored": 1_600_000_000_000, "sha": SHA,
        "message": "Say\n\nwhy\n", "parents": ["a", "b"], "more_files": 2,
        "files": [{"path": "b.py", "added": 2, "removed": 1, "source": "a.py"}],
    }  # fmt: skip
    texts = [row.text for row in commit_rows(commit, None, "Looking")]
    assert "3 files, +2 -1" in texts
    assert "a merge of 2 parents" in texts
    assert any(text.startswith("committed 2023-11-14") for text in texts)
    assert texts[-1] == "Looking"
    nobody = {"rows": [{"sessions": [], "attributed": 0, "added": 2}], "harnesses": {}}
    assert commit_rows(commit, nobody, "")[-1].text.startswith("No session is behind it")
    assert BlameRow("file", "x").place is None


# -- completion

PLACES = {
    "branches": ["main", "feature/x"],
    "commits": [{"sha": SHA, "subject": "Mend the boundary"}],
    "paths": ["src/main.py", "docs/about.md", "src/\x1bbad.py"],
}


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("", []),
        ("mai", ["main", "src/main.py"]),
        ("main..fea", ["feature/x"]),
        ("main...fea", ["feature/x"]),
        ("0123", [SHA[:9]]),
        ("boundary", [SHA[:9]]),
        ("src", ["src/main.py"]),
        ("ABOUT", ["docs/about.md"]),
        ("main", ["src/main.py"]),
    ],
)
def test_targets_are_completed(text: str, offered: list[str]) -> None:
    found = complete_target(text, len(text), PLACES)
    assert [target.text for target in found] == offered
    if "..." in text:
        assert text[: found[0].start] == "main..."


def test_folders_are_completed_repositories_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("apple", "avocado/.git", "berry", ".hidden", "a\x1bbad"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "afile").touch()
    found = complete_folder("~/a", 3)
    assert [(folder.text, folder.hint) for folder in found] == [("avocado/", "a repository"), ("apple/", "")]
    assert all(folder.start == 2 for folder in found)
    assert [folder.text for folder in complete_folder(f"{tmp_path}/", len(str(tmp_path)) + 1)] == [
        "avocado/", "apple/", "berry/",
    ]  # fmt: skip
    assert complete_folder("/nowhere/at/all/x", 17) == []
