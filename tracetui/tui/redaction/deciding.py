"""Accept, reject, undo: one key per decision, and where the editor goes then. A mixin of its screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.redaction.desk import Opened
from tracetui.tui.redaction.model import SCOPES, Group, Outcome, Unscanned
from tracetui.tui.redaction.parts import LOADING, Parts, Result
from tracetui.tui.redaction.veil import shown_names

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak

__all__ = ["Deciding"]

_SELECTING = "Text is selected: enter marks it, esc drops it."


class Deciding(Parts):
    """Mixin of the editor's screen."""

    def _decide(self, deed: Callable[[Opened], Outcome | None], *, go_on: bool = False, follow: bool = False) -> None:
        """Carry out a decision, then show what it changed; with ``go_on`` go to the next value that is open, with
        ``follow`` to the value that it was about."""
        group = self.group.id if self.group is not None else None

        def finish(result: Result) -> None:
            self._took(result)
            outcome = result.outcome
            if outcome is None:
                return
            self.app.say(outcome.said, role="muted" if outcome.done else "warn")
            if go_on and outcome.done and self.group is not None and self.group.id == group:
                self._go_on()
            elif outcome.group is not None and (follow or outcome.group != group):
                made = next((one for one in result.snapshot.groups if one.id == outcome.group), None)
                if made is not None:
                    nth = next((nth for nth, one in enumerate(made.copies) if one.id == outcome.copy), None)
                    again = self.copy if made.id == group and nth is None else nth or 0
                    self._choose(made, again, stay=not follow)

        self._do(lambda room: self._job(room, deed), finish, said="Working out what it changes.")

    # -- accept -------------------------------------------------------------------------------------------------------

    def _no_group(self) -> str | None:
        if not self._ready:
            return LOADING
        return None if self.group is not None else "No value is chosen; the list on the left has them: 1"

    def _no_value(self) -> str | None:
        if self._ready and self.editor.pin is not None:
            return _SELECTING
        return self._no_group()

    def why_accept(self) -> str | None:
        if self._no_value():
            return self._no_value()
        assert self.group is not None
        return "This value is accepted already; u takes it back." if self.group.state == "accepted" else None

    def do_accept(self) -> None:
        assert self.group is not None
        group = self.group.id
        self._decide(lambda room: room.review.accept(group), go_on=True)

    def why_accept_exact(self) -> str | None:
        if not self._ready:
            return LOADING
        return None if self._exact() else "No value of tier 1 is open."

    def _exact(self) -> list[Group]:
        return [group for group in self.snapshot.groups if group.tier == 1 and group.state == "open"]

    def do_accept_exact(self) -> None:
        from tracetui.tui.screens.choose import ConfirmScreen

        groups = self._exact()
        kinds = ", ".join(sorted({one_line(group.kind, 30) for group in groups}))
        copies = fmt.plural(sum(len(group.copies) for group in groups), "place")
        text = (
            f"{fmt.plural(len(groups), 'value')} in {copies}: {one_line(kinds, 200)}. u takes all of it back at once."
        )

        def chosen(index: int | None) -> None:
            if index == 1:
                self._decide(lambda room: room.review.accept_tier(1))

        self.app.push_screen(ConfirmScreen("Accept every exact value", text, yes="Accept them"), chosen)

    # -- reject -------------------------------------------------------------------------------------------------------

    def why_reject(self) -> str | None:
        if self._ready and (self.gap is not None or self._leak is not None):
            return None
        if self._no_value():
            return self._no_value()
        assert self.group is not None
        return "This value is rejected already; u takes it back." if self.group.state == "rejected" else None

    def _leave(self, gap: Unscanned) -> None:
        """What no detector could look at passes when the user says so."""
        from tracetui.tui.screens.choose import ConfirmScreen

        def chosen(index: int | None) -> None:
            if index == 1:
                self.gap = None
                self._decide(lambda room: room.review.leave(gap))

        text = f"Nobody looked through this text ({one_line(gap.why, 200)}). x leaves the step out instead."
        self.app.push_screen(ConfirmScreen("Let it pass unscanned", text, yes="I read it, let it pass"), chosen)

    def _leave_leak(self, leak: Leak) -> None:
        from tracetui.tui.screens.choose import ConfirmScreen

        def chosen(index: int | None) -> None:
            if index == 1:
                self.editor.drop_selection()
                self._decide(lambda room: room.review.leave_leak(leak))

        text = f"The result still holds this ({one_line(leak.why, 200)}). Its reader will see it wherever it stands."
        self.app.push_screen(ConfirmScreen("Leave it in the result", text, yes="Leave it"), chosen)

    def do_reject(self) -> None:
        from tracetui.tui.screens.menu import Choice, MenuScreen

        if self._leak is not None:
            self._leave_leak(self._leak)
            return
        if self.gap is not None:
            self._leave(self.gap)
            return
        assert self.group is not None
        group = self.group
        copy = group.copies[self.copy] if group.copies else None
        if group.by_hand:
            self._decide(lambda room: room.review.reject(group.id, copy.id if copy else "", "all"))
            return
        assert copy is not None
        named = shown_names(self.snapshot.groups, self.editor.look, hidden=self.veiled)

        def also(alike: Callable[[Group], bool]) -> str:
            count = sum(one.state == "open" and alike(one) for one in self.snapshot.groups)
            return f", {fmt.plural(count, 'open value')}" if count > 1 else ""

        field = _general(copy.at.pointer)
        hints = {
            "place": f"copy {self.copy + 1} of {fmt.count(len(group.copies))}",
            "path": f"{one_line(group.kind, 30)} in {named(copy.at.pointer) or 'the whole text'}"
            + also(lambda one: one.kind == group.kind and any(_general(c.at.pointer) == field for c in one.copies)),
            "name": named(group.why) + also(lambda one: one.why == group.why),
            "kind": one_line(group.kind, 40) + also(lambda one: one.kind == group.kind),
            "all": fmt.plural(len(group.copies), "place"),
        }
        scopes = list(SCOPES)

        def chosen(index: int | None) -> None:
            if index is not None:
                scope = scopes[index]
                self._decide(lambda room: room.review.reject(group.id, copy.id, scope), go_on=True)

        labels = {scope: said for scope, (_, said) in SCOPES.items()}
        if not group.why.startswith("value of"):
            labels["name"] = "all that was found as"
        choices = [Choice(SCOPES[scope][0], labels[scope], one_line(hints[scope], 80)) for scope in scopes]
        text = "It is not replaced, and stands against nothing any more."
        self.app.push_screen(MenuScreen("Leave as it is", choices, text=text, at=len(scopes) - 1), chosen)

    # -- what comes next ----------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """To the next place of the value just decided that is still open, else to the next open value; the text stays
        when there is none."""
        group = self.group
        if group is not None and group.state == "open":
            count = len(group.copies)
            turn = ((self.copy + step) % count for step in range(1, count))
            other = next((nth for nth in turn if group.copies[nth].state == "open"), None)
            if other is not None:
                self._choose(group, other)
                return
        following = self._neighbour(1)
        if following is not None:
            self._choose(following)

    def _neighbour(self, direction: int) -> Group | None:
        """The next open value in the order of the list, round the end; weak ones only when no other is open."""
        groups = self._in_order()
        at = next((nth for nth, one in enumerate(groups) if self.group and one.id == self.group.id), -1)
        at = len(groups) if at < 0 and direction < 0 else at
        turn = [groups[(at + direction * step) % len(groups)] for step in range(1, len(groups) + 1)] if groups else []
        still = [one for one in turn if one.state == "open" and (self.group is None or one.id != self.group.id)]
        weak = self.group is not None and self.group.tier > 2 and self._weak
        return next((one for one in still if weak or one.tier <= 2), still[0] if still and self._weak else None)

    def _no_other(self) -> str | None:
        if not self._ready:
            return LOADING
        return None if self._neighbour(1) is not None else "No other value is open."

    why_next = why_previous = _no_other

    def do_next(self) -> None:
        self._step_over(1)

    def do_previous(self) -> None:
        self._step_over(-1)

    def _step_over(self, direction: int) -> None:
        group = self._neighbour(direction)
        assert group is not None
        self.editor.drop_selection()
        self._choose(group)

    # -- undo, redo ---------------------------------------------------------------------------------------------------

    def _not_ready(self) -> str | None:
        return None if self._ready else LOADING

    why_undo = why_redo = _not_ready

    def do_undo(self) -> None:
        nothing = Outcome("There is nothing to undo.", None, False)
        self._decide(lambda room: room.review.undo() or nothing, follow=True)

    def do_redo(self) -> None:
        nothing = Outcome("There is nothing to bring back.", None, False)
        self._decide(lambda room: room.review.redo() or nothing, follow=True)

    # -- seal ---------------------------------------------------------------------------------------------------------

    def why_seal(self) -> str | None:
        if not self._ready:
            return LOADING
        progress = self.snapshot.progress
        if progress.open or progress.unscanned:
            return "Something is open or not scanned; decide about it first: ] goes to it"
        return None

    def do_seal(self) -> None:
        from tracetui.tui.capsule.deeds import seal
        from tracetui.tui.screens.seal import SealScreen

        if len(self.app.screen_stack) > 1 and isinstance(self.app.screen_stack[-2], SealScreen):
            self.screen.dismiss(None)  # it came from there
            return
        self._stale = True
        seal(self.app, self.session, self.steps)

    def on_screen_resume(self) -> None:
        # The screen of the seal leads into an editor of its own.
        if self._stale and self._ready:
            self._decide(_again)


def _again(room: Opened) -> None:
    room.review.refresh()


def _general(pointer: str) -> str:
    """A field with its numbers left out, as a rejection by field takes it."""
    return "/".join("*" if part.isdigit() else part for part in pointer.split("/"))
