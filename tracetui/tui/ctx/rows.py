"""Contexts painted: the bar of the window, segments, what came in and fell out, what filled it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, NamedTuple

from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tracetui.ctx.context import Context, Segment
from tracetui.harness.context import Category
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, cells, paint
from tracetui.tui.kit.styles import Look

__all__ = ["CtxBar", "CtxRow", "CtxRows", "about", "facts_of", "role_of"]

_ROLES: Final[Mapping[Category, str]] = {
    "system": "muted",
    "instructions": "pending",
    "prompt": "prompt",
    "message": "",
    "thinking": "muted",
    "tool_call": "change",
    "tool_result": "accent",
    "summary": "warn",
    "attachment": "pending",
}
_COLUMN: Final = 12


def role_of(category: Category) -> str:
    """The colour role of a category."""
    return _ROLES[category]


def about(look: Look) -> str:
    """What marks an estimate."""
    return "~" if look.ascii else "≈"


def facts_of(context: Context, approximately: str) -> list[str]:
    """What is known of the size, in words: reported first, an estimate called one."""
    facts: list[str] = []
    used = context.reported if context.reported is not None else context.estimated
    if context.reported is not None:
        facts.append(f"{fmt.tokens(context.reported)} tokens reported")
    facts.append(f"{approximately} {fmt.tokens(context.estimated)} tokens in {fmt.plural(len(context), 'segment')}")
    if context.window:
        guess = ", window guessed" if context.window_guessed else ""
        facts.append(f"{fmt.percent(used, context.window)} of {fmt.tokens(context.window)}{guess}")
    if context.exact:
        facts.append("complete")
    elif context.missing_tokens:
        facts.append(f"{approximately} {fmt.tokens(context.missing_tokens)} not in the log")
    return facts


class CtxBar(Widget):
    """The window as a bar: what each category takes, what the log does not hold, what is free; and the words for it."""

    DEFAULT_CSS = "CtxBar { height: 3; padding: 0 0 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._seen: Context | None = None

    def show(self, context: Context | None) -> None:
        """The context to show."""
        self._seen = context
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 3

    def render_line(self, y: int) -> Strip:
        look = Look.of_widget(self)
        width = self.content_size.width
        context = self._seen
        if context is None:
            return Strip.blank(width, self.rich_style)
        if y == 0:
            words = f" {look.sign('dot')} ".join(facts_of(context, about(look)))
            spans: list[Span] = [(words, look.style())]
        elif y == 1:
            spans = self._bar(context, look, width)
        else:
            spans = self._legend(context, look)
        return paint(spans, width, mark=look.sign("ellipsis")).apply_style(self.rich_style)

    @staticmethod
    def _bar(context: Context, look: Look, width: int) -> list[Span]:
        parts: list[tuple[int, Style]] = [
            (tokens, look.style(role_of(name))) for name, (_, tokens) in context.by_category().items()
        ]
        missing = context.missing_tokens or 0
        total = sum(tokens for tokens, _ in parts) + missing
        whole = max(context.window or total, total, 1)
        spans: list[Span] = []
        done = shown = 0
        for tokens, style in [(missing, look.style("muted")), *parts]:
            done += tokens
            upto = done * width // whole
            sign = look.sign("rest") if tokens == missing and style == look.style("muted") and not spans else None
            spans.append(((sign or look.sign("bar")) * (upto - shown), style))
            shown = upto
        spans.append((look.sign("dot") * (width - shown), look.style("line")))
        return spans

    @staticmethod
    def _legend(context: Context, look: Look) -> list[Span]:
        spans: list[Span] = []
        if context.missing_tokens:
            spans += [(look.sign("rest"), look.style("muted")), (" not in the log  ", look.style("muted"))]
        for name, (_, tokens) in context.by_category().items():
            label = f" {name.replace('_', ' ')} {fmt.tokens(tokens)}  "
            spans += [(look.sign("bar"), look.style(role_of(name))), (label, look.style("muted"))]
        return spans


class CtxRow(NamedTuple):
    """A row: a segment, or words. ``sign`` and ``note`` say what became of it; ``picked`` is left out of an export."""

    segment: Segment | None
    words: str = ""
    sign: str = ""
    note: str = ""
    style: str = ""
    picked: bool = False
    tokens: int | None = None


class CtxRows:
    """Rows of segments, headings and shares for a `LineList`."""

    uniform = True

    def __init__(self, rows: Sequence[CtxRow]) -> None:
        self.rows = rows
        self._n = max((len(f"{row.segment.n:,}") for row in rows if row.segment is not None), default=1)
        steps = [f"{row.segment.from_step:,}" for row in rows if row.segment is not None and row.segment.from_step]
        self._step = max(map(len, steps), default=0)

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        return row, self.rows[row]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        item = self.rows[row]
        part = item.segment
        mark = look.sign("ellipsis")
        right: list[Span] = []
        tokens = item.tokens if part is None else part.tokens
        if tokens is not None:
            right = [(f"{fmt.tokens(tokens):>6} ", look.style("muted"))]
        if part is None:
            role, _, attributes = item.style.partition(":")
            words: list[Span] = [(item.words, look.style(role, attributes))]
            if item.note:
                words.append((f"  {item.note}", look.style("muted")))
            return [paint(words, width, right=right, mark=mark)]
        spans: list[Span] = []
        if item.sign:
            role = {"+": "added", "-": "removed"}.get(item.sign, "muted")
            spans.append((item.sign + " ", look.style(role)))
        spans.append((f"{part.n:>{self._n},} " if part.n else "", look.style("muted")))
        name = part.category.replace("_", " ")
        style = look.style("muted") if item.picked else look.style(role_of(part.category))
        spans.append((name + " " * max(1, _COLUMN - cells(name)), style))
        step = f"{part.from_step:,}" if part.from_step else ""
        spans.append((f"{step:>{self._step}} ", look.style("muted")))
        if item.note:
            spans.append((one_line(item.note, 40) + " ", look.style("warn")))
        if part.name and part.category != "tool_call":
            spans.append((one_line(part.name, 30) + " ", look.style("muted")))
        spans.append((one_line(part.preview, width), look.style("muted" if item.picked else "")))
        return [paint(spans, width, right=right, mark=mark)]
