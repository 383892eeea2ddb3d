"""The step pane: what a step shows, its views and tabs, and what of it leaves the app."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.driving import Driver, driving
from tests.tui.fakes import NOW, FakeBucket, make_log, make_session, make_steps
from tracetui.harness.base import FileEdit
from tracetui.model import Source, Step, ToolUse
from tracetui.tui.browse.step_tabs import TabController
from tracetui.tui.kit import tabs
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.images import Image, find_images, kind_of
from tracetui.tui.kit.step_document import LoadedStep, diff_lines, document_of, parts

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + b"\x08\x02\0\0\0" + b"\0" * 20


def step(kind: str = "message", **values: object) -> Step:
    made: dict[str, object] = {"number": 1, "kind": kind, "key": "k", "sources": (Source(7, 0, 10),), "time": NOW}
    made.update(values)
    return Step(**made)  # type: ignore[arg-type]


def read(loaded: LoadedStep) -> str:
    return document_of(loaded, "read").source


async def shown(*steps: Step) -> FakeBucket:
    """A bucket of one session whose steps have these texts."""
    row = make_session(0, steps=len(steps))
    bucket = FakeBucket([row], {1: make_steps(len(steps), 1)})
    for number, one in enumerate(steps, 1):
        bucket.texts[1, number] = one
    return bucket


async def to_step(driver: Driver) -> None:
    await driver.press("enter", "3")


class TestReadable:
    def test_a_command_stands_before_its_output(self) -> None:
        tool = ToolUse("Bash", {"command": "pytest -q", "timeout": 5}, "2 failed\n", True, 1)
        text = read(LoadedStep(step("command", tool=tool)))
        assert (
            text.index("pytest -q") < text.index("timeout: 5") < text.index("output, 1 line") < text.index("2 failed")
        )

    def test_a_list_of_words_is_a_command_line(self) -> None:
        tool = ToolUse("shell", {"command": ["bash", "-lc", "ls -l | wc"]}, "3")
        assert "ls -l | wc\n" in read(LoadedStep(step("command", tool=tool)))

    def test_no_output_is_said_to_be_none(self) -> None:
        assert "no result" in read(LoadedStep(step("command", tool=ToolUse("Bash", {"command": "x"}))))
        assert "empty" in read(LoadedStep(step("command", tool=ToolUse("Bash", {"command": "x"}, ""))))

    def test_colour_codes_are_left_out_and_counted(self) -> None:
        tool = ToolUse("Bash", {"command": "ls"}, "\x1b[31mred\x1b[0m \x1b]0;title\x07")
        text = read(LoadedStep(step("command", tool=tool)))
        assert "red \x1b]0;title" in text
        assert "2 colour codes left out" in text

    def test_read_files_have_the_language_of_their_name(self) -> None:
        tool = ToolUse("Read", {"file_path": "/a/b.py"}, "def f(): pass")
        document = document_of(LoadedStep(step("read", tool=tool)), "read")
        section = document.sections[document.section_at(document.source.index("def f"))]
        assert section.language == "python"

    def test_an_edit_is_a_diff_that_needs_no_colour(self) -> None:
        edit = FileEdit("src/a.py", "update", "a\nb\nc\n", "a\nB\nc\n")
        text = read(LoadedStep(step("edit", tool=ToolUse("Edit", {"file_path": "src/a.py"}, "ok")), edits=[edit]))
        assert text.startswith("+1 -1\n")
        assert "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n" in text

    def test_images_are_named_not_shown(self) -> None:
        loaded = LoadedStep(step("read", images=2), images=[Image("png", PNG, (640, 480))])
        text = read(loaded)
        assert "PNG, 640 x 480" in text
        assert "1 image that this log names and does not hold" in text

    def test_a_prompt_stands_out(self) -> None:
        document = document_of(LoadedStep(step("prompt", text="do it")), "read")
        assert document.sections[0].style == "prompt"

    def test_spilled_output_takes_the_place_of_its_head(self) -> None:
        tool = ToolUse("Bash", {"command": "x"}, "head …")
        text = read(LoadedStep(step("command", tool=tool), spilled="all of it\n"))
        assert "all of it" in text
        assert "head …" not in text
        assert "read from the file beside the log" in text

    def test_raw_records_are_as_they_are(self) -> None:
        loaded = LoadedStep(step(text="x"), raw=[(Source(7, 0, 12), b'{"a":  "\\u001b"}\n')])
        assert '{"a":  "\\u001b"}' in document_of(loaded, "raw").source
        assert "line 7" in document_of(loaded, "raw").source

    def test_json_reads_back(self) -> None:
        import json

        tool = ToolUse("Bash", {"command": "a\nb"}, "o", False, 0, "c1", 12)
        row = make_session(1)
        made = json.loads(document_of(LoadedStep(step("command", tool=tool), row, make_log(row, 2)), "JSON").source)
        assert made["tool"]["input"] == {"command": "a\nb"}
        assert made["session"] == row.id
        assert made["time"] == "2026-05-12T14:00:00.000Z"
        assert made["source"] == {"path": row.path, "line": 7}

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=40),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=12,
        ),
        st.text(max_size=60) | st.none(),
        st.sampled_from(["command", "read", "edit", "search", "web", "agent", "plan", "tool"]),
    )
    def test_any_input_can_be_shown(self, value: object, output: str | None, kind: str) -> None:
        loaded = LoadedStep(step(kind, tool=ToolUse("T", value, output)))
        for view in ("read", "JSON", "raw"):
            document = document_of(loaded, view)
            assert len(document.shown) == len(document.source) > 0
        assert all(isinstance(text, str) for _, text in parts(loaded))


LINES = st.lists(st.sampled_from(["a", "b", "", "x y", "\r", "日"]), max_size=14).map(
    lambda ls: "".join(f"{x}\n" for x in ls)
)


class TestDiff:
    @given(LINES, LINES)
    def test_the_diff_leads_from_the_old_text_to_the_new(self, before: str, after: str) -> None:
        old, new = before.split("\n")[:-1], after.split("\n")[:-1]
        got: list[str] = []
        at = 0
        for line in diff_lines(FileEdit("f", "update", before, after)):
            if line.startswith("@@"):
                start, _, size = line.split()[1][1:].partition(",")
                first = int(start) - (size != "0")
                got += old[at:first]
                at = first
            elif line[0] == "+":
                got.append(line[1:])
            else:
                assert line[1:] == old[at]
                if line[0] == " ":
                    got.append(old[at])
                at += 1
        assert got + old[at:] == new

    def test_pieces_and_binaries(self) -> None:
        assert list(diff_lines(FileEdit("f", "update", pieces=(("a\nb", "a\nc"),)))) == [" a", "-b", "+c"]
        assert list(diff_lines(FileEdit("f", "update", binary=True))) == []
        assert list(diff_lines(FileEdit("f", "add", None, "new\n"))) == ["@@ -0,0 +1,1 @@", "+new"]


class TestImages:
    def test_kinds_are_told_by_their_bytes(self) -> None:
        assert kind_of(PNG) == "png"
        assert kind_of(b"\xff\xd8\xff\xe0rest") == "jpeg"
        assert kind_of(b"GIF89a...") == "gif"
        assert kind_of(b"RIFF\0\0\0\0WEBPVP8 ") == "webp"
        assert kind_of(b"<svg onload=x>") is None
        assert kind_of(b"#!/bin/sh\n") is None

    def test_every_harness_form_is_found_once(self) -> None:
        data = base64.b64encode(PNG).decode()
        record = {
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
                {"type": "input_image", "image_url": f"data:image/png;base64,{data}"},
                {"type": "image", "mimeType": "image/png", "data": data},
                {"type": "text", "text": data, "data": data},
            ]
        }
        assert [image.kind for image in find_images(record)] == ["png"]
        assert next(find_images(record)).size == (640, 480)

    def test_a_lie_about_the_type_does_not_help(self) -> None:
        data = base64.b64encode(b"#!/bin/sh\nrm -rf /\n" * 4).decode()
        [image] = find_images({"type": "image", "source": {"media_type": "image/png", "data": data}})
        assert image.kind is None
        assert "not an image" in image.label

    @given(st.binary(max_size=80))
    def test_any_bytes_are_measured_without_harm(self, data: bytes) -> None:
        for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF....WEBPVP8X"):
            encoded = base64.b64encode(head + data + b"\0" * 32).decode()
            for image in find_images({"mimeType": "image/png", "data": encoded}):
                assert image.label


async def test_a_step_shows_header_tabs_and_text() -> None:
    tool = ToolUse("Bash", {"command": "pytest -q"}, "2 failed\n", True, 1, "c", 4100)
    async with driving(await shown(step("command", tool=tool))) as driver:
        await to_step(driver)
        assert "Step  Ctx  Diff  Findings" in driver.screen
        assert "2 failed" in driver.screen
        assert "2026-05-12 13:00:00 UTC" in driver.screen


async def test_views_go_round() -> None:
    async with driving(await shown(step(text="plain words"))) as driver:
        await to_step(driver)
        pane = driver.main.step_pane
        assert pane is not None
        await driver.press("v")
        assert '"kind": "message"' in pane.text.document.source
        assert "JSON" in driver.screen
        await driver.press("v")
        assert '"made up"' in pane.text.document.source
        await driver.press("v")
        assert pane.text.document.source == "plain words\n"


async def test_every_tab_says_what_stands_there() -> None:
    async with driving(await shown(step(text="words"))) as driver:
        await to_step(driver)
        pane = driver.main.step_pane
        assert pane is not None
        for tab in tabs.TABS[1:]:
            await driver.press("right_square_bracket")
            assert pane.tab is tab
            # Of a prompt the Ctx tab knows more than that it holds nothing.
            told = "No model produced this step." if tab.id == "ctx" else tab.nothing[0][:20]
            assert told in driver.screen
            assert pane.controller(TabController).why_view() is not None
        await driver.press("right_square_bracket")
        assert pane.tab_at == 0
        await driver.press("left_square_bracket")
        assert pane.tab_at == len(tabs.TABS) - 1


def provided(ask: tabs.TabAsk) -> Document | None:
    """A provider for the test below."""
    return DocumentMaker().add(f"made for step {ask.loaded.step.number}").make()


async def test_a_later_module_fills_a_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "TABS", list(tabs.TABS))
    monkeypatch.setattr("tracetui.tui.browse.step.TABS", tabs.TABS)
    tabs.register(tabs.Tab("ctx", "Ctx", ("nothing",), f"{__name__}:provided"))
    async with driving(await shown(step(text="words"))) as driver:
        await to_step(driver)
        await driver.press("right_square_bracket")
        assert "made for step 1" in driver.screen


async def test_find_in_the_step() -> None:
    async with driving(await shown(step(text="alpha\nbeta [/] alpha\n" * 40))) as driver:
        await to_step(driver)
        await driver.press("slash", *"beta", "left_square_bracket")
        pane = driver.main.step_pane
        assert pane is not None
        assert len(pane.text.finding.matches) == 0
        await driver.press("backspace")
        assert len(pane.text.finding.matches) == 40
        assert "40 matches" in driver.screen
        await driver.press("enter", "n", "n")
        assert driver.app.focused is pane.text
        assert "3 of 40 found" in pane.title_line.text
        await driver.press("escape")
        assert pane.text.finding.text == ""
        assert driver.app.focused is pane.text, "the first escape ends the search"
        await driver.press("escape")
        assert driver.app.focused is driver.timeline.rows, "the second goes out"


async def test_next_and_previous_step_without_leaving() -> None:
    texts = [step("message", number=n, text=f"text number {n}") for n in (1, 2, 3)]
    bucket = await shown(*texts)
    bucket.steps_of[1] = [row for row in make_steps(12, 1) if row.kind in ("prompt", "thinking")][:1] + make_steps(
        3, 1
    )[1:]
    async with driving(bucket) as driver:
        await to_step(driver)
        await driver.press("full_stop")
        assert "text number 2" in driver.screen
        assert driver.app.focused is driver.main.step_pane.text  # type: ignore[union-attr]
        await driver.press("comma")
        assert "text number 1" in driver.screen


async def test_a_step_that_cannot_be_read_says_so() -> None:
    from tracetui.model import TracetuiError

    bucket = await shown(step(text="x"))

    def broken(log: int, number: int) -> Step:
        raise TracetuiError("The copy of this log is damaged; see: tracetui doctor")

    bucket.step = broken  # type: ignore[method-assign]
    async with driving(bucket) as driver:
        await to_step(driver)
        assert "This step cannot be read." in driver.screen
        assert "tracetui doctor" in driver.screen


class TestOutside:
    """Copying, editor and images, with programs that are not there or ours."""

    @pytest.fixture
    def copied(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        texts: list[str] = []
        monkeypatch.setattr("tracetui.tui.app.TracetuiApp.copy_text", lambda self, text: texts.append(text))
        return texts

    async def test_copy_takes_the_selection_or_all(self, copied: list[str]) -> None:
        async with driving(await shown(step(text="first words\nsecond"))) as driver:
            await to_step(driver)
            await driver.press("y")
            assert copied == ["first words\nsecond\n"]
            pane = driver.main.step_pane
            assert pane is not None
            x, y = pane.text.content_region.offset
            await driver.pilot.mouse_down(offset=(x + 6, y))
            await driver.pilot.hover(offset=(x + 10, y))
            await driver.pilot.mouse_up(offset=(x + 10, y))
            await driver.press("y")
            assert copied[1] == "words"
            await driver.press("ctrl+c")
            assert copied[2] == "words"

    async def test_parts_are_offered(self, copied: list[str]) -> None:
        tool = ToolUse("Bash", {"command": "ls -l"}, "out")
        async with driving(await shown(step("command", tool=tool))) as driver:
            await to_step(driver)
            await driver.press("Y")
            assert "Command" in driver.screen
            await driver.press("j", "enter")
            assert copied == ["ls -l"]
            await driver.press("Y", "escape")
            assert len(copied) == 1

    async def test_the_editor_gets_a_private_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[list[str], str, int]] = []

        def run(app: object, argv: list[str], cwd: str | None = None) -> int:
            path = Path(argv[-1])
            seen.append((argv[:-1], path.read_text(), path.stat().st_mode & 0o777))
            return 0

        monkeypatch.setattr("tracetui.tui.browse.step_actions.run_outside", run)
        monkeypatch.setenv("VISUAL", "my-editor --flag 'two words'")
        async with driving(await shown(step(text="a\x1b]0;x\x07b"))) as driver:
            await to_step(driver)
            await driver.press("o")
            assert seen == [(["my-editor", "--flag", "two words"], "a␛]0;x␇b\n", 0o600)]
            folder = driver.app.temp.folder()
            assert folder.stat().st_mode & 0o777 == 0o700
        assert not folder.exists(), "removed at exit"

    async def test_images_open_under_a_name_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[Path] = []
        monkeypatch.setattr("tracetui.tui.browse.step_actions.open_outside", lambda self, path: opened.append(path))
        bucket = await shown(step("read", images=1, tool=ToolUse("Read", {"file_path": "../../x.html"}, "")))
        data = base64.b64encode(PNG).decode()
        line = f'{{"content": [{{"type": "image", "mimeType": "image/png", "data": "{data}"}}]}}'.encode()
        bucket.raw = lambda log, source: line  # type: ignore[method-assign]
        async with driving(bucket) as driver:
            await to_step(driver)
            await driver.press("i")
            assert [path.name for path in opened] == ["image-1.png"]
            assert opened[0].read_bytes() == PNG
            assert opened[0].stat().st_mode & 0o777 == 0o600

    async def test_what_is_no_image_is_not_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tracetui.tui.browse.step_actions.open_outside", lambda self, path: pytest.fail("opened"))
        bucket = await shown(step("read", images=1, tool=ToolUse("Read", {}, "")))
        data = base64.b64encode(b"<html><script>" * 9).decode()
        bucket.raw = lambda log, source: f'{{"mimeType": "image/png", "data": "{data}"}}'.encode()  # type: ignore[method-assign]
        async with driving(bucket) as driver:
            await to_step(driver)
            await driver.press("i")
            assert "Only PNG, JPEG, GIF and WebP" in (driver.said or "")

    async def test_nothing_works_without_a_step_and_says_why(self) -> None:
        async with driving(FakeBucket([make_session(0, steps=0)], {1: []})) as driver:
            for key in ("y", "Y", "o", "O", "i"):
                await driver.press(key)
                assert "No step is shown" in (driver.said or "")
