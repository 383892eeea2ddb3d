"""What came in and fell out since another step, and what takes the space of a context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from tracetui.ctx.context import gone, segment
from tracetui.ctx.filled import Filled, SegmentGroup, filled
from tracetui.ctx.opening import records_for
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.ctx.rows import CtxRow, CtxRows
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.ctx.screen import CtxScreen

__all__ = ["CompareController"]


class CompareController(Controller["CtxScreen"]):
    """Other lists in the place of the segments; each key goes there and back."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("ctx",)
    BASE: ClassVar[dict[tuple[str, str, str | None], int]] = {}
    """The step marked to compare with, by harness, session and agent."""

    @property
    def _identity(self) -> tuple[str, str, str | None]:
        agent = self.owner.loaded.log.agent if self.owner.loaded is not None else None
        return self.owner.session.harness, self.owner.session.id, agent

    def why_base(self) -> str | None:
        return None if self.owner.loaded is not None else "The context is being worked out."

    why_compare = why_filled = why_base

    def do_base(self) -> None:
        self.BASE[self._identity] = self.owner.step
        self.app.say(f"Step {fmt.count(self.owner.step)} is what others are compared with; go to one and press d.")

    def do_compare(self) -> None:
        """What came in and what fell out since the marked step, or since the call before."""
        loaded = self.owner.loaded
        if loaded is None:
            return
        if self.owner.mode == "changes":
            self.owner.list_segments(first=True)
            return
        context = loaded.context
        index = context.index
        marked = self.BASE.get(self._identity)
        base = index.call_of(marked) if marked is not None and marked != self.owner.step else None
        if base is None:
            calls = range(context.call - 1, -1, -1)
            node = context.index.call_node[context.call]
            base = next((at for at in calls if index.same_thread(index.call_node[at], node)), None)
        if base is None:
            self.app.say("This is the first call of its thread; there is none before it to compare with.")
            return
        first, second = sorted((base, context.call))
        left = gone(index, first, second)
        old, new = set(index.view(first).ids), index.view(second).ids
        came = [at for at in new if at not in old]
        step = index.call_step[base]
        rows = [CtxRow(None, f"Came in since step {fmt.count(index.call_step[first])}", style="muted:b",
                       tokens=sum(index.tokens[at] for at in came))]  # fmt: skip
        numbers = {at: n for n, at in enumerate(context.ids, 1)}
        rows += [CtxRow(segment(index, at, numbers.get(at, 0)), sign="+") for at in came]
        rows.append(CtxRow(None, "Fell out", style="muted:b", tokens=sum(index.tokens[item.at] for item in left)))
        rows += [
            CtxRow(segment(index, item.at, numbers.get(item.at, 0)), sign="-", note=item.cause.replace("_", " "))
            for item in left
        ]
        if not left:
            rows.append(CtxRow(None, "nothing", style="muted"))
        self.owner.mode = "changes"
        self.owner.rows.reload(CtxRows(rows), row=0, keep=False)
        self.owner.say_what(
            f"compared with step {fmt.count(step)}: {fmt.count(len(came))} came in, {fmt.count(len(left))} fell out"
        )
        self.owner.show_text()
        self.app.refresh_offers()

    def do_filled(self) -> None:
        loaded = self.owner.loaded
        if loaded is None:
            return
        if self.owner.mode == "filled":
            self.owner.list_segments(first=True)
            return

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Filled | None:
            return filled(loaded.context, records_for(bucket, loaded.log, loaded.context.index), cancelled)

        self.owner.ask("filled", work, self._filled)

    def _filled(self, found: Filled | None) -> None:
        if found is None or self.owner.loaded is None:
            return
        rows = [CtxRow(None, "By category (estimated tokens)", style="muted:b")]
        rows += _shares(found.categories)
        rows.append(CtxRow(None, "By tool, calls and results", style="muted:b"))
        rows += _shares(found.tools) or [CtxRow(None, "none", style="muted")]
        rows.append(CtxRow(None, "Largest segments", style="muted:b"))
        rows += [CtxRow(part) for part in found.largest]
        rows.append(CtxRow(None, "Files read more than once", style="muted:b"))
        rows += _shares(found.repeated) or [CtxRow(None, "none", style="muted")]
        rows.append(CtxRow(None, "Files read that nothing said later names", style="muted:b"))
        rows += _shares(found.unused) or [CtxRow(None, "none", style="muted")]
        self.owner.mode = "filled"
        self.owner.rows.reload(CtxRows(rows), row=0, keep=False)
        self.owner.say_what("what filled it")
        self.owner.show_text()
        self.app.refresh_offers()


def _shares(shares: Sequence[SegmentGroup]) -> list[CtxRow]:
    return [
        CtxRow(None, one_line(share.name.replace("_", " ") if not share.segments else share.name, 200),
               note=f"{fmt.count(share.count)} x", tokens=share.tokens)
        for share in shares
    ]  # fmt: skip
