"""Walking the timeline from one step of a kind to the next, choosing a range of steps, following a log that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tracetui.tui.browse.outline import CODES
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.strip import SessionStrip

if TYPE_CHECKING:
    from tracetui.model import LogRow
    from tracetui.tui.browse.timeline import TimelinePane

__all__ = ["FollowController", "PartController", "RangeController", "WalkController"]


class WalkController(Controller["TimelinePane"]):
    """To the next and previous prompt, error, edit, compaction, and out of a subagent."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def _empty(self) -> str | None:
        return self.owner.why_empty()

    why_next_prompt = why_previous_prompt = why_next_error = why_previous_error = _empty
    why_next_compaction = why_previous_compaction = why_next_edit = why_previous_edit = _empty

    def _go(self, kind: str | None, direction: int) -> None:
        outline = self.owner.outline
        assert outline is not None
        row = self.owner.rows.cursor
        step = outline.next_of(row, CODES[kind] if kind else None, direction)
        if step is None:
            where = "further" if direction > 0 else "earlier"
            self.app.say(f"No {where} {kind or 'error'} in this {'subagent' if outline.depth(row) else 'session'}.")
            return
        self.owner.go_to(step, outline.view_of(row).log)

    def on_session_strip_clicked(self, message: SessionStrip.Clicked) -> None:
        message.stop()
        self.owner.rows.focus(scroll_visible=False)
        self.owner.go_to(message.step)

    def do_next_prompt(self) -> None:
        self._go("prompt", 1)

    def do_previous_prompt(self) -> None:
        self._go("prompt", -1)

    def do_next_error(self) -> None:
        self._go(None, 1)

    def do_previous_error(self) -> None:
        self._go(None, -1)

    def do_next_edit(self) -> None:
        self._go("edit", 1)

    def do_previous_edit(self) -> None:
        self._go("edit", -1)

    def do_next_compaction(self) -> None:
        self._go("compaction", 1)

    def do_previous_compaction(self) -> None:
        self._go("compaction", -1)

    def do_out(self) -> None:
        outline = self.owner.outline
        if outline is not None and self.owner.rows.cursor >= 0 and outline.depth(self.owner.rows.cursor):
            depth, row = outline.depth(self.owner.rows.cursor), self.owner.rows.cursor
            while row > 0 and outline.depth(row) >= depth:
                row -= 1
            self.owner.rows.center(row)
        else:
            if outline is not None and outline.view.agent is not None and self.owner.session is not None:
                self.owner.load(self.owner.session, log=self.owner.session.log)
            else:
                self.owner.post_message(self.owner.Left())


class RangeController(Controller["TimelinePane"]):
    """A range of steps of the main log, from where it was begun to the cursor."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def __init__(self, owner: TimelinePane) -> None:
        super().__init__(owner)
        self.begun: int | None = None

    @property
    def steps(self) -> tuple[int, int] | None:
        """First and last; None without a range."""
        outline, begun, row = self.owner.outline, self.begun, self.owner.rows.cursor
        if begun is None or outline is None or row < 0:
            return None
        here = outline.parent_step(row)
        last = here + max(1, outline.run_length(row)) - 1 if here >= begun else here
        return min(begun, here), max(begun, last)

    def why_range(self) -> str | None:
        outline = self.owner.outline
        if outline is not None and outline.view.agent is not None:
            return "A range is one of the session's own steps, not of a subagent's."
        if outline is not None and self.owner.agent_of(outline.view.log) is not None:
            return "A range is one of the first part; of this one: tracetui seal ID~2:A-B"
        return self.owner.why_empty()

    def do_range(self) -> None:
        outline = self.owner.outline
        assert outline is not None
        if self.begun is not None:
            self.begun = None
            self.app.say("No range.", role="muted")
        else:
            self.begun = outline.parent_step(self.owner.rows.cursor)
            self.app.say("The range goes from here to the cursor; V drops it.", role="muted")
        self.owner.say_where()


class PartController(Controller["TimelinePane"]):
    """Going from one log of a session to the next, where it has several that do not hold each other."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def _parts(self) -> list[LogRow]:
        """The parts of the session, or of the subagent whose log is shown, in the order of time."""
        outline = self.owner.outline
        agent = outline.view.agent if outline is not None else None
        return [log for log in self.owner.logs if log.shown and log.agent == agent]

    @property
    def where(self) -> str | None:
        """``part 2 of 3``, None where there is but one."""
        outline, parts = self.owner.outline, self._parts()
        here = next((log for log in parts if outline is not None and log.id == outline.view.log), None)
        return None if here is None or len(parts) < 2 else f"part {here.part} of {len(parts)}"

    def why_next_part(self) -> str | None:
        return None if len(self._parts()) > 1 else "This session is in one log."

    def do_next_part(self) -> None:
        outline, session, parts = self.owner.outline, self.owner.session, self._parts()
        ids = [log.id for log in parts]
        if outline is not None and session is not None and outline.view.log in ids:
            self.owner.load(session, log=ids[(ids.index(outline.view.log) + 1) % len(ids)])


class FollowController(Controller["TimelinePane"]):
    """Going along with a log that grows."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def __init__(self, owner: TimelinePane) -> None:
        super().__init__(owner)
        self.on = False

    def why_follow(self) -> str | None:
        session = self.owner.session
        if session is None:
            return "There is no session to follow."
        if self.app.read_only:
            return "A session that is open read only does not grow."
        if session.gone:
            return "The log of this session is gone; it cannot grow."
        return None

    def do_follow(self) -> None:
        self.on = not self.on
        self.owner.post_message(self.owner.Following(self.on))
        if self.on and len(self.owner.rows.source):
            self.owner.rows.do_last()
