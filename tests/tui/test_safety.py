"""The nets: control characters, error reports, the first imports."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tests.tui.driving import driving
from tests.tui.fakes import FakeBucket
from tracetui.bucket.error_report import write_error_report
from tracetui.model import TracetuiError
from tracetui.tui.kit.safety import ControlFilter

BLACK = Color(0, 0, 0)


def test_filter_replaces_one_for_one() -> None:
    style = Style(bold=True)
    hostile = "a\x1b]52;c;eA==\x07\x9b31m\u202eb\u2066\ufeff\r\n\t"
    control = Segment("\x1b[2J", None, [(ControlType.CLEAR,)])
    out = ControlFilter(()).apply([Segment("fine", style), Segment(hostile, style), control], BLACK)
    assert out[0] == Segment("fine", style)
    assert len(out[1].text) == len(hostile)
    assert out[1].style is style
    assert not set(out[1].text) & set("\x1b\x07\x9b\u202e\u2066\ufeff\r\n\t")
    assert out[2] is control


def test_filter_applies_the_others_too() -> None:
    class Upper(LineFilter):
        def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
            return [Segment(part.text.upper(), part.style) for part in segments]

    assert ControlFilter([Upper()]).apply([Segment("a\x07")], BLACK)[0].text == "A␇"


def test_filter_draws_in_ascii_cell_for_cell() -> None:
    text = "╭─ Themes · 3 ─╮│ a…b ▂▆█ 日本 é"
    (out,) = ControlFilter((), ascii_only=True).apply([Segment(text)], BLACK)
    assert out.text == "+- Themes - 3 -+| a~b   # 日本 é"
    (same,) = ControlFilter(()).apply([Segment(text)], BLACK)
    assert same.text == text


@pytest.mark.parametrize("keys", [(), ("T",), ("question_mark",), ("J",), ("F",), ("m",), ("c",), ("y",), ("slash",)])
async def test_every_screen_is_ascii_where_that_is_asked_for(keys: tuple[str, ...]) -> None:
    async with driving(config={"ascii": True}, size=(100, 16)) as driver:
        await driver.press(*keys)
        drawn = driver.screen
        assert drawn.isascii(), sorted({char for char in drawn if not char.isascii()})


async def test_no_color_takes_every_colour_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driving() as driver:
        for strip in driver.app.screen._compositor.render_strips():
            for part in driver.app.get_line_filters()[0].apply(list(strip), BLACK):
                color = part.style.color if part.style else None
                assert color is None or color.is_default or len(set(color.get_truecolor())) == 1


def test_error_report_is_private_and_without_values(tmp_path: Path) -> None:
    secret = "sk-live-0123456789"

    def fails(value: str) -> None:
        local = value + "!"
        raise ValueError("first line\n" + local)

    try:
        try:
            fails(secret)
        except ValueError as error:
            raise RuntimeError("outer \x1b[31m") from error
    except RuntimeError as error:
        path = write_error_report(error, tmp_path / "errors")
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = path.read_text()
    assert secret not in text
    assert "\x1b" not in text
    assert "in fails" in text
    assert "ValueError: first line" in text
    assert "RuntimeError: outer" in text


def test_error_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "errors").write_text("a file")
    assert write_error_report(ValueError("x"), tmp_path / "errors") is None


async def test_an_unexpected_error_ends_with_a_report(tmp_path: Path) -> None:
    bucket = FakeBucket.filled(path=tmp_path)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is raised when the app is left
        async with driving(bucket) as driver:
            app = driver.app
            app.call_later(lambda: 1 // 0)
            await driver.settle()
    assert app.error_report is not None
    assert app.error_report.parent == tmp_path / "errors"
    assert app.return_code == 1


async def test_an_expected_error_of_a_worker_is_said() -> None:
    class Failing(FakeBucket):
        def stats(self, retention_days: Mapping[str, float] | None = None) -> dict[str, object]:
            raise TracetuiError("The disk is full [/] [@click=app.quit]x[/]")

    async with driving(Failing.filled()) as driver:
        assert driver.said == "The disk is full [/] [@click=app.quit]x[/]"
        assert driver.app.is_running


async def test_hostile_sessions_and_steps_do_nothing() -> None:
    import dataclasses

    hostile = "x\x1b]52;c;eA==\x07\x1b[2J\u202e[/] [bold] [@click=app.quit]quit[/] $background"
    bucket = FakeBucket.filled(3)
    bucket.rows = [
        dataclasses.replace(row, title=hostile, cwd="/" + hostile, branch=hostile, model=hostile, note=hostile)
        for row in bucket.rows
    ]
    for log, rows in bucket.steps_of.items():
        bucket.steps_of[log] = [dataclasses.replace(row, summary=hostile, tool=hostile) for row in rows]
    async with driving(bucket) as driver:
        await driver.press(
            "enter", "enter", "q", "z", "z", "q", "d", "d", "S", "m", "escape", "J", "x", "escape", "F", "x"
        )
        for line in driver.lines:
            assert not set(line) & {"\x1b", "\x07", "\u202e"}
        assert driver.app.is_running


def test_the_first_frame_imports_nothing_heavy() -> None:
    code = (
        "import sys, tracetui.bucket, tracetui.tui.app, tracetui.tui.browse.main;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}"
        " | {name for name in sys.modules if name.startswith(('tracetui.harness.', 'textual.widgets._'))}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    heavy = {"pygit2", "tree_sitter", "detect_secrets", "pygments", "re2", "ahocorasick", "zstandard", "markdown_it"}
    assert not found & heavy
    assert not {name for name in found if name.startswith("tracetui.harness.")}
    assert not found & {"textual.widgets._markdown", "textual.widgets._text_area", "textual.widgets._data_table"}
