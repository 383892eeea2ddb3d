"""What stands above the text of a step: what it is in three lines, and its tabs."""

from __future__ import annotations

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tracetui.model import StepRow
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.badges import StepBadge
from tracetui.tui.kit.badges import spans as badge_spans
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.step_document import LoadedStep
from tracetui.tui.kit.styles import Look
from tracetui.tui.kit.tabs import TABS

__all__ = ["StepHeader", "TabBar"]


class StepHeader(Widget):
    """What the step is: kind and path, how it went and what it took, when and by which model."""

    DEFAULT_CSS = "StepHeader { height: auto; padding: 0 0 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._row: StepRow | None = None
        self._loaded: LoadedStep | None = None
        self._badge: StepBadge | None = None
        self._told_below = False

    def show_badge(self, badge: StepBadge | None) -> None:
        """What became of the edit, once it is known."""
        if badge != self._badge:
            self._badge = badge
            self.refresh()

    def tell_below(self, told: bool) -> None:
        """Whether the text below says what became of the edit; it need not stand here as well."""
        if told != self._told_below:
            self._told_below = told
            self.refresh()

    def show(self, row: StepRow | None, loaded: LoadedStep | None = None) -> None:
        """``row`` at once, ``loaded`` when the step was read."""
        grown = self.line_count != self._lines(row, loaded)
        self._row, self._loaded = row, loaded
        self.refresh(layout=grown)

    @property
    def line_count(self) -> int:
        return self._lines(self._row, self._loaded)

    @staticmethod
    def _lines(row: StepRow | None, loaded: LoadedStep | None) -> int:
        return 0 if row is None else 3

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.line_count

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.content_size.width
        row = self._row
        if row is None or y > 2:
            return Strip.blank(width, self.rich_style)
        spans = (self._what, self._how, self._when)[y](row, look, width)
        return paint(spans, width, mark=look.sign("ellipsis")).apply_style(self.rich_style)

    def _what(self, row: StepRow, look: Look, width: int) -> list[Span]:
        role = "prompt" if row.kind == "prompt" else ""
        spans: list[Span] = [(row.kind, look.style(role, "b"))]
        path = self._loaded.path if self._loaded is not None else None
        if path is not None and self._loaded is not None:
            path = self._loaded.short(path)
            room = width - len(row.kind) - 1
            spans.append((" " + clip_middle(one_line(path), room, look.sign("ellipsis")), look.style()))
        elif row.tool and row.summary:
            spans.append((" " + one_line(row.summary, width), look.style()))
        return spans

    def _how(self, row: StepRow, look: Look, width: int) -> list[Span]:
        dot: Span = (f" {look.sign('dot')} ", look.style("muted"))
        facts: list[Span] = []
        if self._badge is not None and row.kind == "edit" and not self._told_below:
            pieces = badge_spans(self._badge, look, 20)
            facts += [(text.strip(), style) for text, style in pieces]
            if self._badge.why:
                facts.append((clip(self._badge.why, max(12, width - 24), look.sign("ellipsis")), look.style()))
        if row.tool:
            facts.append((one_line(row.tool, 40), look.style("muted")))
        if row.failed:
            word = f"exit {row.exit_code}" if row.exit_code else "failed"
            facts.append((f"{look.sign('failed')} {word}", look.sign_style("failed")))
        elif row.exit_code is not None:
            facts.append((f"exit {row.exit_code}", look.style("muted")))
        if fmt.took(row.duration_ms):
            facts.append((fmt.took(row.duration_ms), look.style("muted")))
        tokens = row.tokens
        if tokens is not None and tokens.output > 1:
            facts.append((f"in {fmt.tokens(tokens.prompt)}", look.style("muted")))
            facts.append((f"out {fmt.tokens(tokens.output)}", look.style("muted")))
        elif row.size and not row.tool:
            facts.append((fmt.plural(row.size, "character"), look.style("muted")))
        spans: list[Span] = []
        used = 0
        for fact in facts:
            used += cells(fact[0]) + (3 if spans else 0)
            if used > width:
                break
            spans += [dot, fact] if spans else [fact]
        return spans

    def _when(self, row: StepRow, look: Look, width: int) -> list[Span]:
        when = fmt.absolute(row.time) or "no time in the log"
        spans: list[Span] = [(when, look.style("muted"))]
        model = one_line(row.model, 40) if row.model else ""
        if model and len(when) + 3 + cells(model) <= width:
            spans.append((f" {look.sign('dot')} {model}", look.style("muted")))
        return spans


class TabBar(Widget):
    """``Step  Ctx  Diff  Findings``; the one that is shown stands out, a click shows another."""

    DEFAULT_CSS = "TabBar { height: 1; padding: 0 0 0 1; }"

    class Picked(Message):
        """The user wants the tab at this place."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self) -> None:
        super().__init__()
        self.at = 0
        self._places: list[tuple[int, int, int]] = []

    def show(self, at: int) -> None:
        if at != self.at:
            self.at = at
            self.refresh()

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.content_size.width
        spans: list[Span] = []
        self._places = []
        column = 0
        for at, tab in enumerate(TABS):
            style = look.style("accent", "bu") if at == self.at else look.style("muted")
            spans += [(tab.label, style), ("  ", look.style())]
            self._places.append((column, column + len(tab.label), at))
            column += len(tab.label) + 2
        return paint(spans, width).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        for start, end, at in self._places:
            if start <= event.x - self.gutter.left < end:
                self.post_message(self.Picked(at))
