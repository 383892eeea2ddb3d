"""The first screen on a new bucket: what was found where, a tick for each, and a question."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.browse.discovery import Discovery, Found, look_around
from tracetui.tui.browse.estimate import kept
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import Span, clip_middle, paint
from tracetui.tui.kit.styles import Look

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["FirstRunScreen"]


class _Row(NamedTuple):
    kind: str  # head, harness, project, blank
    found: Found


class _Ticks:
    """A `RowSource`: harnesses and projects with a tick each."""

    uniform = False

    def __init__(self, discovery: Discovery, home: str) -> None:
        self.discovery = discovery
        self.home = home
        self.harnesses_off: set[str] = set()
        self.projects_off: set[str] = set()
        self.rows: list[_Row] = [_Row("head", Found("", "harnesses"))]
        self.rows += [_Row("harness", found) for found in sorted(discovery.harnesses.values(), key=lambda f: -f.files)]
        self.rows += [_Row("blank", Found("", "")), _Row("head", Found("", "projects"))]
        self.rows += [_Row("project", found) for found in sorted(discovery.projects.values(), key=lambda f: -f.files)]

    def __len__(self) -> int:
        return len(self.rows)

    def on(self, row: int) -> bool:
        kind, found = self.rows[row]
        return found.name not in (self.harnesses_off if kind == "harness" else self.projects_off)

    def toggle(self, row: int) -> None:
        kind, found = self.rows[row]
        (self.harnesses_off if kind == "harness" else self.projects_off).symmetric_difference_update({found.name})

    def toggle_all(self) -> None:
        """Tick everything, or nothing when everything is ticked."""
        if self.harnesses_off or self.projects_off:
            self.harnesses_off.clear()
            self.projects_off.clear()
        else:
            self.projects_off.update(self.discovery.projects)

    @property
    def chosen(self) -> tuple[int, int, int]:
        """Files and bytes that the ticks mean, and about how many bytes a bucket of them takes."""
        found = [
            pair
            for (harness, project), pair in self.discovery.pairs.items()
            if harness not in self.harnesses_off and project not in self.projects_off
        ]
        files = sum(pair.files for pair in found)
        return files, sum(pair.bytes for pair in found), kept(files, sum(pair.packed for pair in found))

    def key(self, row: int) -> Hashable:
        kind, found = self.rows[row]
        return kind, found.name, found.title, kind in ("harness", "project") and self.on(row)

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return self.rows[row].kind in ("harness", "project")

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        kind, found = self.rows[row]
        muted = look.style("muted")
        if kind in ("head", "blank"):
            return [paint([(" " + found.title, look.style("muted", "b"))], width)]
        on = self.on(row)
        style = look.style() if on else muted
        numbers: list[Span] = [
            (f"{fmt.plural(found.files, 'log'):>12}", muted),
            (f"{fmt.size(found.bytes):>10} ", muted),
        ]
        room = width - 5 - 24
        tick: list[Span] = [(" [", muted), (look.sign("tick") if on else " ", look.sign_style("tick")), ("] ", muted)]
        if kind == "harness":
            where = ", ".join(fmt.home_path(place, self.home) for place in found.places[:2])
            spans = [*tick, (f"{one_line(found.title, 16):<14}", style)]
            if room > 30:
                spans.append((clip_middle(one_line(where), room - 16), muted))
            return [paint(spans, width, right=numbers)]
        name: str = one_line(fmt.home_path(found.title, self.home)) or "(no folder named)"
        return [paint([*tick, (clip_middle(name, room), style)], width, right=numbers)]


class _Introduction(Widget):
    """The few sentences above the list."""

    DEFAULT_CSS = "_Introduction { height: auto; margin: 1 1 1 2; }"

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def say(self, *lines: tuple[str, str]) -> None:
        """Lines of (text, role); wrapped at words."""
        self.lines = list(lines)
        self.refresh(layout=True)

    def _wrapped(self, width: int) -> list[tuple[str, str]]:
        import textwrap

        made: list[tuple[str, str]] = []
        for text, role in self.lines:
            made += [(line, role) for line in textwrap.wrap(text, max(20, min(width, 92))) or [""]]
        return made

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self._wrapped(width))

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        lines = self._wrapped(self.size.width)
        text, role = lines[y] if y < len(lines) else ("", "")
        style = look.style("", "b") if role == "bold" else look.style(role)
        return paint([(text, style)], self.size.width).apply_style(self.rich_style)


class _TickList(LineList):
    """Going into a row ticks it; enter belongs to the screen."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ()


class FirstRunScreen(Screen[bool], Actor, Background):
    """Gives True when the user agreed (the consent is then kept), False for looking around without."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("first", "screen")
    BINDINGS = bindings("first", "screen", priority=("first.start",))
    AUTO_FOCUS = None
    app: HostApp

    class Count(Message):
        """So many files were looked at."""

        def __init__(self, files: int) -> None:
            super().__init__()
            self.files = files

    def __init__(self) -> None:
        super().__init__()
        self.words = _Introduction()
        self.rows = _TickList(id="found")
        self.ticks: _Ticks | None = None

    def compose(self) -> ComposeResult:
        yield self.words
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.words.say(("Looking for the logs of your agents", "bold"))
        self.rows.empty = ()

        def tell(files: int) -> None:
            self.post_message(self.Count(files))

        def work(cancelled: Callable[[], bool]) -> Discovery:
            return look_around(
                os.environ,
                Path.home(),
                cancelled=cancelled,
                progress=tell,
            )

        self.background("discovery", work, self._found)

    def on_first_run_screen_count(self, message: Count) -> None:
        if self.ticks is None:
            self.words.say((f"Looking for the logs of your agents: {fmt.plural(message.files, 'file')}", "bold"))

    def _found(self, discovery: Discovery) -> None:
        from tracetui.bucket.consent import read_consent
        from tracetui.harness import HARNESSES

        self.ticks = _Ticks(discovery, str(Path.home()))
        before = read_consent(self.app.bucket)
        if before is not None:  # asked again, because of a new harness: what was decided stands, the new one is offered
            self.ticks.harnesses_off = HARNESSES.keys() - before.harnesses
            self.ticks.projects_off = set(before.projects_off)
        if discovery.files:
            self.rows.reload(self.ticks, row=0)
            self._explain()
        else:
            home = str(Path.home())
            self.words.say(
                ("No session logs were found on this machine.", "bold"),
                ("", ""),
                ("See what it looks like with made-up sessions: enter opens the demo. Leave: q.", ""),
                ("", ""),
                (  # last, since there are more places than a small terminal has lines
                    "Looked in " + ", ".join(one_line(fmt.home_path(place, home)) for place in discovery.looked) + ".",
                    "muted",
                ),
            )
        self.rows.focus()
        self.app.refresh_offers()

    def _explain(self) -> None:
        assert self.ticks is not None
        files, size, keeps = self.ticks.chosen
        place = one_line(fmt.home_path(str(self.app.bucket.path), str(Path.home())))
        lines = [
            ("Keep these sessions?", "bold"),
            ("", ""),
            (
                "tracetui makes a private, compressed copy of each log, so that a session stays when its harness "
                f"deletes it, and an index to search. Both lie in {place}. Nothing leaves this machine and no log is "
                "changed.",
                "muted",
            ),
            ("", ""),
        ]
        if files:
            lines.append((f"{fmt.plural(files, 'log')}, {fmt.size(size)}: about {fmt.size(keeps)} to keep.", ""))
        else:
            lines.append(("Nothing is ticked.", "warn"))
        self.words.say(*lines)
        self.app.refresh_offers()

    # -- actions ------------------------------------------------------------------------------------------------------

    def why_tick(self) -> str | None:
        return None if self.ticks is not None and self.ticks.discovery.files else "There is nothing to tick."

    why_tick_all = why_tick

    def do_tick(self) -> None:
        assert self.ticks is not None
        if self.rows.cursor >= 0:
            self.ticks.toggle(self.rows.cursor)
            self.rows.refresh_rows()
            self._explain()

    def do_tick_all(self) -> None:
        assert self.ticks is not None
        self.ticks.toggle_all()
        self.rows.refresh_rows()
        self._explain()

    def why_start(self) -> str | None:
        if self.ticks is None:
            return "Still looking."
        if self.ticks.discovery.files and not self.ticks.chosen[0]:
            return "Nothing is ticked: space ticks."
        return None

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.app.call_later(self.action_act, "first.tick")

    def do_start(self) -> None:
        from tracetui.bucket.consent import read_consent, write_consent

        assert self.ticks is not None
        if not self.ticks.discovery.files:
            self.app.open_demo()
            return
        before, shown = read_consent(self.app.bucket), self.ticks.discovery.harnesses.keys()
        agreed, known = (before.harnesses, before.known) if before is not None else (frozenset(), frozenset())
        # Of harnesses without a log there was no tick: they are asked about when there is one.
        names = (agreed | shown) - self.ticks.harnesses_off
        off = sorted(folder for folder in self.ticks.projects_off if folder)
        write_consent(self.app.bucket, names, off, known | shown)
        self.dismiss(True)

    def do_back(self) -> None:
        self.dismiss(False)
