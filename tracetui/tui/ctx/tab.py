"""The Ctx tab of the step pane: what the model saw when it made the step, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracetui.text import format as fmt
from tracetui.tui.ctx.rows import facts_of, role_of
from tracetui.tui.kit.document import Document, DocumentMaker

if TYPE_CHECKING:
    from tracetui.tui.kit.tabs import TabAsk

__all__ = ["ctx_tab"]

_WIDTH: Final = 12
_ROWS: Final = 2000


def ctx_tab(ask: TabAsk) -> Document | None:
    """The provider: sizes, a bar per category, then the segments, each a line. None where the step has no log."""
    from tracetui.ctx.context import NoCall, context_of
    from tracetui.ctx.opening import index_of

    log = ask.loaded.log
    if log is None or log.harness not in _told():
        return None
    index = index_of(ask.bucket, log, ask.cancelled)
    maker = DocumentMaker()
    try:
        context = context_of(index, ask.loaded.step.number)
    except NoCall as error:
        maker.add("No model produced this step.", name="none")
        if error.next_step is not None:
            maker.add(f"The next model call is that of step {fmt.count(error.next_step)}.", style="muted")
        return maker.make()
    ascii_only = bool(getattr(ask, "ascii_only", False))
    about = "~" if ascii_only else "≈"
    dot = " - " if ascii_only else " · "
    maker.add(dot.join(facts_of(context, about)), name="facts")
    if context.model:
        maker.add(context.model, style="muted")
    if context.missing:
        maker.add(f"Not in the log: {', '.join(context.missing)}", style="muted")
    if context.first_step != context.step:
        maker.add(f"Steps of one response share it, from step {fmt.count(context.first_step)} on.", style="muted")
    maker.add("C opens it: texts, search, compare, what filled it, export.", style="muted")
    maker.heading(f"by category ({about} tokens)", name="categories")
    counts = context.by_category()
    largest = max((tokens for _, tokens in counts.values()), default=1) or 1
    for name, (count, tokens) in counts.items():
        full = max(1, tokens * _WIDTH // largest) if tokens else 0
        bar = ("#" if ascii_only else "▰") * full
        words = f"{name.replace('_', ' '):<12} {fmt.tokens(tokens):>6}  {bar:<{_WIDTH}} {fmt.plural(count, 'segment')}"
        maker.add(words, style=role_of(name))
    maker.heading("segments, in order", name="segments")
    wide = len(f"{len(context):,}")
    for part in context.segments():
        if part.n > _ROWS:
            maker.add(f"… {fmt.count(len(context) - _ROWS)} more; C shows them all", style="muted")
            break
        step = f"{part.from_step:,}" if part.from_step else ""
        words = f"{part.n:>{wide},} {part.category.replace('_', ' '):<12} {step:>6} {fmt.tokens(part.tokens):>6}  "
        maker.add(words + part.preview, style=role_of(part.category))
    return maker.make()


def _told() -> frozenset[str]:
    from tracetui.harness import HARNESSES

    return frozenset(name for name, harness in HARNESSES.items() if harness.context is not None)
