"""A line to type a query into, with completion of its typed terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.paint import Span, cells, paint
from tracetui.tui.kit.styles import Look

if TYPE_CHECKING:
    from tracetui.bucket.query_complete import Completion

__all__ = ["QueryLine"]


Completer = Callable[[str, int], "Sequence[Completion]"]


class _Label(Widget):
    """A piece of a line in one role."""

    DEFAULT_CSS = "_Label { height: 1; width: auto; }"

    def __init__(self, text: str, role: str) -> None:
        super().__init__()
        self._text, self._role = text, role

    def show(self, text: str, role: str | None = None) -> None:
        if (text, role or self._role) != (self._text, self._role):
            self._text, self._role = text, role or self._role
            self.refresh(layout=True)

    def get_content_width(self, container: object, viewport: object) -> int:
        return cells(self._text)

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        return paint([(self._text, look.style(self._role))], self.size.width).apply_style(self.rich_style)


class _Candidates(Widget):
    """The completions, in one line; the chosen one in reverse."""

    DEFAULT_CSS = "_Candidates { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.found: Sequence[Completion] = ()
        self.words = ""
        self.chosen = 0
        self.places: list[tuple[int, int, int]] = []

    def show(self, found: Sequence[Completion], chosen: int) -> None:
        self.found, self.chosen = found, chosen
        self.refresh()

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.size.width
        spans: list[Span] = [("   ", look.style())]
        at, self.places = 3, []
        if not self.found and self.words:
            spans.append((one_line(self.words, 400), look.style("muted")))
            return paint(spans, width, mark=look.sign("ellipsis")).apply_style(self.rich_style)
        hint = ""
        for index, candidate in enumerate(self.found):
            text = one_line(candidate.text, 30)
            if at + cells(text) + 2 > width:
                break
            if index == self.chosen:
                spans.append((text, look.style("accent", "u")))
                hint = one_line(candidate.hint, 60)
            else:
                spans.append((text, look.style("muted")))
            spans.append(("  ", look.style()))
            self.places.append((at, at + cells(text), index))
            at += cells(text) + 2
        right: list[Span] = []
        if hint and at + cells(hint) + 8 <= width:
            right = [(hint + " ", look.style("muted"))]
        return paint(spans, width, right=right).apply_style(self.rich_style)

    class Picked(Message):
        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def on_click(self, event: events.Click) -> None:
        for start, end, index in self.places:
            if start <= event.x < end:
                self.post_message(self.Picked(index))


class QueryLine(Vertical, Actor):
    """``/ harness:codex rate limit           38 of 1,204``, and below it what could complete the word.

    tab takes a completion, ctrl+n and ctrl+p choose another; enter and down go to the list, escape drops the query.
    `Changed` comes when typing rests; ``complete`` may be None.
    """

    DEFAULT_CSS = """
    QueryLine { height: auto; }
    QueryLine Horizontal { height: 1; }
    QueryLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $background; }
    QueryLine Input:focus { border: none; background-tint: $background 0%; }
    """
    CONTEXTS: ClassVar[tuple[str, ...]] = ("query",)
    BINDINGS = bindings("query")
    DELAY: ClassVar[float] = 0.08
    """Seconds of rest after a key before `Changed`."""

    class Changed(Message):
        """Another text stands in the line."""

        def __init__(self, line: QueryLine, text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

    class Submitted(Changed):
        """The user is done typing and goes to the list."""

    class Dropped(Message):
        """The user wants no query."""

        def __init__(self, line: QueryLine) -> None:
            super().__init__()
            self.line = line

    def __init__(
        self,
        text: str = "",
        *,
        sign: str = "/",
        placeholder: str = "",
        complete: Completer | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.input = Input(text, placeholder=placeholder, compact=True, select_on_focus=False)
        self.input.cursor_blink = False
        self._complete = complete
        self._sign = _Label(f" {sign} ", "accent")
        self._count = _Label("", "muted")
        self._candidates = _Candidates()
        self._timer: Timer | None = None
        self._sent = text

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._sign
            yield self.input
            yield self._count
        if self._complete is not None:
            # It has its line all the while, so that completing moves nothing on the screen.
            yield self._candidates

    @property
    def text(self) -> str:
        return self.input.value

    def say(self, text: str, role: str = "muted") -> None:
        """What stands at the right end: counts, or what is wrong with the query."""
        self._count.show(f" {one_line(text, 60)} " if text else "", role)

    def put(self, text: str) -> None:
        """Write a text into the line; nobody is told."""
        self._sent = text
        self.input.value = text

    def explain(self, words: str) -> None:
        """What the query finds, in words, below it while nothing is completed."""
        self._candidates.words = words
        self._candidates.refresh()

    def focus_input(self) -> None:
        # At once, not when the queue is through: letters typed right behind the key belong to the line.
        self.screen.set_focus(self.input)
        if self.text:  # what is typed next takes the place of what stood here; an arrow key keeps it
            self.input.action_select_all()
        self._look_for_completions()

    # -- typing -------------------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look_for_completions()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.DELAY, self._send)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.text != self._sent:
            self._sent = self.text
            self.post_message(self.Changed(self, self.text))

    def _look_for_completions(self) -> None:
        found: Sequence[Completion] = ()
        if self._complete is not None and self.input.has_focus:
            found = self._complete(self.text, self.input.cursor_position)[:24]
        typed = self.text[: self.input.cursor_position]
        if (typed.strip() and typed[-1:].isspace()) or any(
            typed[one.start :] and typed[one.start :] == one.text.strip() for one in found
        ):
            found = ()  # (Nothing is begun, or it is whole: there the line says what the query finds.)
        self._candidates.show(found, 0)

    def on_descendant_blur(self) -> None:
        self._candidates.show((), 0)

    def _take(self, index: int) -> None:
        found = self._candidates.found
        if not found:
            return
        choice = found[index % len(found)]
        self.input.value = self.text[: choice.start] + choice.text + self.text[choice.end :]
        self.input.cursor_position = choice.start + len(choice.text)
        self._look_for_completions()

    def on__candidates_picked(self, message: _Candidates.Picked) -> None:
        self.input.focus()
        self._take(message.index)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.do_done()

    def do_done(self) -> None:
        self._send()
        self.post_message(self.Submitted(self, self.text))

    def why_take(self) -> str | None:
        return None if self._candidates.found else "There is nothing to complete here."

    why_next = why_previous = why_take

    def do_take(self) -> None:
        self._take(self._candidates.chosen)

    def _choose(self, step: int) -> None:
        found = self._candidates.found
        self._candidates.show(found, (self._candidates.chosen + step) % len(found))

    def do_next(self) -> None:
        self._choose(1)

    def do_previous(self) -> None:
        self._choose(-1)

    def do_drop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.post_message(self.Dropped(self))
