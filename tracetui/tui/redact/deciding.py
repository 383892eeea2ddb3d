"""Accept, reject, undo: one key per decision, and where the editor goes then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tracetui.redact.decisions import SCOPES
from tracetui.redact.values import Group, Place, general_field
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.redact.choices import SCOPE_KEYS, DecisionOutcome
from tracetui.tui.redact.expectation import accepted, accepted_tier, rejected
from tracetui.tui.redact.masking import shown_names
from tracetui.tui.redact.worker import OpenReview

if TYPE_CHECKING:
    from tracetui.redact.proof import Leak
    from tracetui.tui.redact.view import EditorView

__all__ = ["DecisionController"]

_SELECTING = "Text is selected: enter marks it, esc drops it."


class DecisionController:
    """A controller of the editor's screen."""

    def __init__(self, view: EditorView) -> None:
        self.view = view

    def _ask(self, title: str, text: str, yes: str, then: Callable[[], None]) -> Awaitable[Any]:
        """Ask before something; the cursor stands on the way back."""
        from tracetui.tui.kit.pick import confirmation

        def chosen(index: int | None) -> None:
            if index == 1:
                then()

        return self.view.screen.app.push_screen(confirmation(title, text, yes=yes), chosen)

    # -- accept -------------------------------------------------------------------------------------------------------

    def _no_value(self) -> str | None:
        if self.view.ready and self.view.screen.editor.pin is not None:
            return _SELECTING
        return self.view.no_group()

    def why_accept(self) -> str | None:
        if self._no_value():
            return self._no_value()
        assert self.view.group is not None
        if self.view.group.state == "partly":
            return "This value is accepted; the places that you rejected stay. u takes decisions back."
        return "This value is accepted already; u takes it back." if self.view.group.state == "accepted" else None

    def do_accept(self) -> None:
        assert self.view.group is not None
        value = self.view.group.value
        self.view.decide(
            lambda opened: opened.review.accept(value),
            expect=lambda snapshot, marks: accepted(snapshot, marks, [value]),
            go_on=True,
        )

    def why_accept_exact(self) -> str | None:
        return self.view.not_ready() or (None if self._exact() else "No value of tier 1 is open.")

    def _exact(self) -> list[Group]:
        return [group for group in self.view.snapshot.groups if group.tier == 1 and group.state == "open"]

    def do_accept_exact(self) -> Awaitable[Any]:
        groups = self._exact()
        kinds = ", ".join(sorted({one_line(group.kind, 30) for group in groups}))
        places = fmt.plural(sum(len(group.places) for group in groups), "place")
        text = (
            f"{fmt.plural(len(groups), 'value')} in {places}: {one_line(kinds, 200)}. u takes all of it back at once."
        )

        def accept() -> None:
            self.view.decide(
                lambda opened: opened.review.accept_tier(1),
                expect=lambda snapshot, marks: accepted_tier(snapshot, marks, 1),
            )
            if self.view.group is None or self.view.group.state != "open":
                self.view.go_on()

        return self._ask("Accept every exact value", text, "Accept them", accept)

    # -- reject -------------------------------------------------------------------------------------------------------

    def why_reject(self) -> str | None:
        if self.view.ready and (self.view.gap is not None or self.view.leak is not None):
            return None
        if self._no_value():
            return self._no_value()
        assert self.view.group is not None
        return "This value is rejected already; u takes it back." if self.view.group.state == "rejected" else None

    def do_reject(self) -> Awaitable[Any] | None:
        if self.view.leak is not None:
            return self._leave_leak(self.view.leak)
        if self.view.gap is not None:
            return self._leave(self.view.gap)
        group = self.view.group
        assert group is not None
        place = group.places[self.view.nth] if group.places else None
        if place is None or (group.by_hand and not place.id):
            return self._take_mark_back(group)
        return self._choose_scope(group, place)

    def _leave(self, gap: Place) -> Awaitable[Any]:
        """What no detector could look at passes when the user says so."""

        def leave() -> None:
            self.view.gap = None
            self.view.decide(lambda opened: opened.review.leave(gap))

        text = f"Nobody looked through this text ({one_line(gap.why, 200)}). x leaves the step out instead."
        return self._ask("Let it pass unscanned", text, "I read it, let it pass", leave)

    def _leave_leak(self, leak: Leak) -> Awaitable[Any]:
        def leave() -> None:
            self.view.screen.editor.drop_selection()
            self.view.decide(lambda opened: opened.review.leave_leak(leak))

        text = f"The result still holds this ({one_line(leak.why, 200)}). Its reader will see it wherever it stands."
        return self._ask("Leave it in the result", text, "Leave it", leave)

    def _take_mark_back(self, group: Group) -> Awaitable[Any] | None:
        def back() -> None:
            self.view.decide(lambda opened: opened.review.reject(group.value, "", "all"))

        if len(group.places) < 2:
            back()
            return None
        text = f"It is replaced in {fmt.plural(len(group.places), 'place')} now; its reader will see it in all of them."
        return self._ask("Take the mark back", text, "Take it back", back)

    def _choose_scope(self, group: Group, place: Place) -> Awaitable[Any]:
        """How far a rejection goes. Where it takes protection away, this place is what is offered first."""
        from tracetui.tui.kit.pick import PickScreen, lettered

        scopes = list(SCOPES)
        protected = sum(state == "accepted" for state in group.states)

        def chosen(index: int | None) -> None:
            if index is None:
                return
            scope = scopes[index]
            if scope == "all" and protected > 1:
                said = f"It is replaced in {fmt.plural(protected, 'place')} now; its reader will see it in all of them."
                self._ask("Take the protection away", said, "Show it everywhere", lambda: reject(scope))
            else:
                reject(scope)

        def reject(scope: str) -> None:
            self.view.decide(
                lambda opened: opened.review.reject(group.value, place.id, scope),
                expect=lambda snapshot, marks: rejected(snapshot, marks, place, scope),
                go_on=True,
            )

        labels = dict(SCOPES)
        if not group.why.startswith("value of"):
            labels["name"] = "all that was found as"
        hints = self._hints(group, place, protected)
        choices = [lettered(SCOPE_KEYS[scope], labels[scope], one_line(hints[scope], 80)) for scope in scopes]
        text = "It is not replaced, and stands against nothing any more."
        at = scopes.index("place") if protected else len(scopes) - 1
        return self.view.screen.app.push_screen(
            PickScreen("Leave as it is", choices, text=text, at=at, low=True), chosen
        )

    def _hints(self, group: Group, place: Place, protected: int) -> dict[str, str]:
        """What each scope reaches."""
        groups = self.view.snapshot.groups
        named = shown_names(groups, self.view.screen.editor.look, hidden=self.view.hidden)

        def also(alike: Callable[[Group], bool]) -> str:
            count = sum(one.state == "open" and alike(one) for one in groups)
            return f", {fmt.plural(count, 'open value')}" if count > 1 else ""

        field = general_field(place.field)
        return {
            "place": f"copy {self.view.nth + 1} of {fmt.count(len(group.places))}",
            "path": f"{one_line(group.kind, 30)} in {named(place.field) or 'the whole text'}"
            + also(lambda one: one.kind == group.kind and any(general_field(p.field) == field for p in one.places)),
            "name": named(group.why) + also(lambda one: one.why == group.why),
            "kind": one_line(group.kind, 40) + also(lambda one: one.kind == group.kind),
            "all": fmt.plural(len(group.places), "place")
            + (f", {fmt.count(protected)} replaced now" if protected else ""),
        }

    # -- what comes next ----------------------------------------------------------------------------------------------

    def _no_other(self) -> str | None:
        return self.view.not_ready() or (None if self.view.neighbour(1) is not None else "No other value is open.")

    why_next = why_previous = _no_other

    def do_next(self) -> None:
        self._step_over(1)

    def do_previous(self) -> None:
        self._step_over(-1)

    def _step_over(self, direction: int) -> None:
        group = self.view.neighbour(direction)
        assert group is not None
        self.view.screen.editor.drop_selection()
        self.view.choose(group)

    # -- undo, redo ---------------------------------------------------------------------------------------------------

    def _not_ready(self) -> str | None:
        return self.view.not_ready()

    why_undo = why_redo = _not_ready

    def do_undo(self) -> None:
        nothing = DecisionOutcome("There is nothing to undo.", None, False)
        self.view.decide(lambda opened: opened.review.undo() or nothing, follow=True)

    def do_redo(self) -> None:
        nothing = DecisionOutcome("There is nothing to bring back.", None, False)
        self.view.decide(lambda opened: opened.review.redo() or nothing, follow=True)

    # -- seal ---------------------------------------------------------------------------------------------------------

    def why_seal(self) -> str | None:
        progress = self.view.snapshot.progress
        if self.view.ready and (progress.open or progress.unscanned):
            return "Something is open or not scanned; decide about it first: ] goes to it"
        return self.view.not_ready()

    def do_seal(self) -> None:
        screen = self.view.screen
        if len(screen.app.screen_stack) > 1 and "seal" in getattr(screen.app.screen_stack[-2], "CONTEXTS", ()):
            screen.dismiss(None)  # it came from there
            return
        screen.stale = True
        screen.app.open_seal(screen.session, screen.steps)


def read_again(opened: OpenReview) -> None:
    """Somebody else may have decided something meanwhile."""
    opened.review.refresh()
