"""The editor's side of a `Review`: what it is asked to do, and in one line what that did. One thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.redact.decisions import EXCLUSIONS, Rule
from tracetui.redact.identity import offered
from tracetui.redact.lookup import Lookup, noticed, places_holding, places_of_texts, rule_counts
from tracetui.redact.name_words import rare_parts
from tracetui.redact.second_reading import Noticed
from tracetui.redact.undo_summary import difference, reaches
from tracetui.redact.values import Field, Group, Mark, Place, Progress, Reach, Target
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.redact.choices import DecisionOutcome, Excluded
from tracetui.tui.redact.page import PageStep
from tracetui.tui.redact.texts import around

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.redact.proof import Leak
    from tracetui.redact.review import Review

__all__ = ["Editing", "open_review"]


def open_review(
    bucket: Bucket,
    session: SessionRow,
    steps: tuple[int, int] | None,
    cancelled: Callable[[], bool],
    progressed: Callable[[int, int], None],
) -> Editing | None:
    """The review of a session (or of steps first to last of it), its findings brought up to date; None when cancelled
    meanwhile: what was scanned stays scanned. ``progressed`` is told (bytes done, all bytes)."""
    from tracetui.redact import Review
    from tracetui.redact.known import local_values

    review = Review(bucket, session, steps)
    try:
        whole = review.scan(known=local_values(), cancelled=cancelled, progress=progressed)
    except BaseException:
        review.close()
        raise
    if not whole:
        review.close()
        return None
    return Editing(bucket, review)


class Editing:
    """A review as the editor uses it. Values are named by their keyed hash, places by their id; what cannot be done
    raises TracetuiError."""

    def __init__(self, bucket: Bucket, review: Review) -> None:
        self.review = review
        self._bucket = bucket
        self._lookup = Lookup(review)
        self._logs: list[LogRow] = review.logs()
        self._groups: dict[str, Group] = {}
        self._steps_by_key: dict[str, tuple[str | None, int]] | None = None

    def close(self) -> None:
        self.review.close()

    def refresh(self) -> None:
        """Another review of the same session may have decided meanwhile: read again."""
        self.review.refresh()

    # -- what there is ------------------------------------------------------------------------------------------------

    def groups(self) -> Sequence[Group]:
        found = self.review.groups()
        self._groups = {group.value: group for group in found}
        return found

    def progress(self) -> Progress:
        return self.review.progress(self._groups.values())

    def unscanned(self) -> Sequence[Place]:
        return self.review.unscanned()

    def rejected_places(self) -> frozenset[str]:
        """Keys of the places that were rejected by themselves."""
        return frozenset(key for scope, key in self.review.state.rejected if scope == "place")

    def left_off(self) -> str | None:
        """The value that the last decision was about, of whatever day."""
        review = self.review
        last = review.decisions.last_about(review.session.harness, review.session.id)
        if last is None:
            return None
        if last[0] == "all":
            return last[1]
        return next((place.value for place in reversed(review.places()) if reaches(place, *last)), None)

    def marks(self, at: Field, text: str) -> Sequence[Mark]:
        return self._lookup.marks(at, text)

    def find(self, target: Target) -> Place | None:
        return self._lookup.find(target)

    def reach(self, value: str, cancelled: Callable[[], bool]) -> Sequence[Reach] | None:
        """Where a value stands, in whatever form; None when cancelled."""
        group = self._groups.get(value)
        return [] if group is None else self._lookup.reach(group.text, group.kind, cancelled)

    def page(
        self, place: Place | None, step: int | None = None, agent: str | None = None, part: int = 1
    ) -> list[PageStep]:
        """The step of a place (or a step by its number) with its neighbours, to be laid out as one text."""
        if place is not None:
            step, agent, part = place.step, place.agent, place.part
        log = next((log for log in self._logs if (log.agent, log.part) == (agent, part)), None)
        if log is None:
            raise TracetuiError("The log of this finding is no longer in the bucket")
        source = self._lookup.source_of(place.at, log) if place is not None and step is None else None
        self._lookup.records.clear()
        return around(self._bucket, log, step, source, self.review.steps, self._lookup.records)

    # -- decisions ----------------------------------------------------------------------------------------------------

    def accept(self, value: str) -> DecisionOutcome:
        group = self._groups.get(value)
        if group is None or not group.places:
            raise TracetuiError("This finding is no longer there; the session was scanned again")
        if group.by_hand:
            return DecisionOutcome("Marked by hand: it is accepted already.", value, False)
        self.review.accept(self.review.place(group.places[0].id))
        state = self.review.state
        held = sum(state.of(place) == "rejected" for place in group.places)
        said = f"{_stands(self.review, value)} stands for it in {fmt.plural(len(group.places) - held, 'place')}"
        if held:
            said += f"; {fmt.plural(held, 'place')} that you rejected stay{'s' if held == 1 else ''}"
        return DecisionOutcome(said + _offered(self.review, group.text, group.kind), value)

    def accept_tier(self, tier: int) -> DecisionOutcome:
        """Accept every open value of the tiers up to ``tier``, to be undone as one."""
        found = self.review.accept_tier(tier)
        places = fmt.plural(sum(len(group.places) for group in found), "place")
        return DecisionOutcome(f"Accepted {fmt.plural(len(found), 'value')} in {places}", None, bool(found))

    def reject(self, value: str, place: str, scope: str) -> DecisionOutcome:
        group = self._groups.get(value)
        if group is not None and group.by_hand and not any(one.id for one in group.places):
            self.review.reopen(value)
            return DecisionOutcome("The mark is taken back; the text stays as it is.", value)
        before = self._rejected()
        self.review.reject(self.review.place(place), scope)
        return DecisionOutcome(f"Stays as it is in {fmt.plural(len(self._rejected() - before), 'place')}", value)

    def _rejected(self) -> set[str]:
        state = self.review.state
        return {place.id for place in self.review.places() if state.of(place) == "rejected"}

    def leave(self, gap: Place) -> DecisionOutcome:
        """Let a text pass that no detector could look at: the user did."""
        for place in self.review.unscanned():
            if place.at == gap.at:
                self.review.reject(place, "place")
                return DecisionOutcome("It passes unscanned, as you say.")
        raise TracetuiError("This text was decided about already")

    def leave_leak(self, leak: Leak) -> DecisionOutcome:
        """Let what the proof found in the result stay there."""
        self.review.reject_leak(leak)
        return DecisionOutcome("It stays as it is, wherever it stands in the result.")

    def mark(self, at: Field, start: int, end: int, kind: str) -> DecisionOutcome:
        text = self._lookup.text_of(at)
        if text is None:
            raise TracetuiError("This text is no longer in the bucket; nothing was marked")
        self.review.mark(text, start, end, kind)
        value = self.review.decisions.hash(text[start:end])
        return DecisionOutcome(f"Marked; {_stands(self.review, value)} stands for it everywhere", value)

    def holding(self, query: str, cancelled: Callable[[], bool]) -> Sequence[Place] | None:
        """Every place of a text, as it is written there (``why``); None when cancelled."""
        return places_holding(self.review, query, cancelled)

    def mark_all(self, texts: Sequence[str], kind: str) -> DecisionOutcome:
        """Mark every way in which something that was looked for is written."""
        self.review.mark(texts[0], 0, len(texts[0]), kind, texts[1:])
        value = self.review.decisions.hash(texts[0])
        return DecisionOutcome(f"Marked; {_stands(self.review, value)} stands for it everywhere", value)

    def noticed(self, cancelled: Callable[[], bool]) -> Sequence[Noticed]:
        """What a stranger would notice and nobody decided about."""
        return noticed(self.review, cancelled)

    def replace(self, one: Noticed) -> DecisionOutcome:
        """Replace something noticed everywhere."""
        self.review.mark(one.text, 0, len(one.text), one.kind.replace(" ", "-"))
        value = self.review.decisions.hash(one.text)
        also = _offered(self.review, one.text, one.kind)
        return DecisionOutcome(f"{_stands(self.review, value)} stands for it everywhere{also}", value)

    def keep(self, one: Noticed) -> DecisionOutcome:
        """Leave something noticed as it is; it is not shown again."""
        self.review.leave(one.text)
        return DecisionOutcome("It stays as it is, and is not shown again.")

    def first(self, one: Noticed) -> Place | None:
        """Where something noticed stands first."""
        found = places_of_texts(self.review, {"": one.text})[""]
        return found[0] if found else None

    def undo(self) -> DecisionOutcome | None:
        """Take the last decision back, also one of an earlier day, whatever it was; None when there is none."""
        return self._turn(self.review.undo, "Undone")

    def redo(self) -> DecisionOutcome | None:
        return self._turn(self.review.redo, "Done again")

    def _turn(self, turn: Callable[[], str | None], said: str) -> DecisionOutcome | None:
        before = self.review.state
        if turn() is None:
            return None
        what, value, place = difference(before, self.review.state, self.review.places(), self._step_named)
        return DecisionOutcome(f"{said}: {what}.", value, True, place)

    # -- left out as a whole ------------------------------------------------------------------------------------------

    def exclude(self, what: str, step: int | None, agent: str | None, kind: str, part: int = 1) -> DecisionOutcome:
        """Leave something out, or take it in again where it is left out already."""
        key, name = "", EXCLUSIONS[what]
        if what in ("images", "opaque"):
            # They are dropped unless they are asked for.
            kept = (f"keep-{what}", "") in self.review.state.excluded
            self.review.exclude(f"keep-{what}", on=not kept)
            return DecisionOutcome(f"{_capital(name)}: {'left out' if kept else 'kept as they are'}.")
        if what == "step":
            log = next((log for log in self._logs if (log.agent, log.part) == (agent, part)), None)
            found = [key for _, _, key, _ in self._bucket.sources(log)] if log is not None else []
            if step is None or not 1 <= step <= len(found):
                raise TracetuiError("This record is part of no step; mark its text instead")
            key, name = found[step - 1], f"step {step}"
        elif what == "kind":
            key, name = kind, f"every {kind}"
        on = (what, key) not in self.review.state.excluded
        self.review.exclude(what, key, on=on)
        return DecisionOutcome(f"{_capital(name)}: {'left out' if on else 'in again'}.")

    def exclusions(self) -> Sequence[Excluded]:
        """What is left out now; images and opaque fields, which are left out unless asked for, where they are kept."""
        found: list[Excluded] = []
        for what, key in self.review.state.excluded:
            if what == "step":
                agent, step = self._step(key)
                found.append(Excluded(what, self._step_named(key), step, agent))
            elif what == "kind":
                found.append(Excluded(what, f"every {key}", kind=key))
            elif what in ("results", "thinking"):
                found.append(Excluded(what, EXCLUSIONS[what]))
            elif what in ("keep-images", "keep-opaque"):
                name = what.removeprefix("keep-")
                found.append(Excluded(name, f"kept: {EXCLUSIONS[name]}"))
        order = list(EXCLUSIONS)
        found.sort(key=lambda one: (order.index(one.what), one.agent or "", one.step or 0, one.kind))
        return found

    def _step(self, key: str) -> tuple[str | None, int | None]:
        if self._steps_by_key is None:
            self._steps_by_key = {
                key: (log.agent, number) for log in self._logs for number, _, key, _ in self._bucket.sources(log)
            }
        return self._steps_by_key.get(key, (None, None))

    def _step_named(self, key: str) -> str:
        agent, step = self._step(key)
        if step is None:
            return "a step that is gone"
        return f"step {fmt.count(step)}" + (f" of subagent {agent}" if agent else "")

    # -- rules that stay ----------------------------------------------------------------------------------------------

    def rules(self) -> Sequence[Rule]:
        return [*self.review.state.rules]

    def rule_counts(self, cancelled: Callable[[], bool]) -> Mapping[Rule, int]:
        """How many places each rule replaces here."""
        return rule_counts(self.review, cancelled)

    def add_rule(self, rule: Rule) -> DecisionOutcome:
        if rule in self.rules():
            return DecisionOutcome("This rule is there already.", None, False)
        self.review.add_rule(rule)
        return DecisionOutcome("The rule is kept, for every session.")

    def change_rule(self, old: Rule, new: Rule) -> DecisionOutcome:
        if new == old:
            return DecisionOutcome("Nothing changed.", None, False)
        self.review.change_rules(add=() if new in self.rules() else (new,), drop=(old,))
        return DecisionOutcome("The rule is kept, for every session.")

    def remove_rule(self, rule: Rule) -> DecisionOutcome:
        self.review.drop_rule(rule)
        return DecisionOutcome("The rule is gone; u brings it back.")

    def import_rules(self, path: Path) -> DecisionOutcome:
        from tracetui.redact.rulefile import load_rules

        found = load_rules(path)
        known = {*self.rules()}
        new = [rule for rule in found if rule not in known]
        self.review.add_rule(*new)
        return DecisionOutcome(
            f"{fmt.plural(len(new), 'rule')} read, {fmt.count(len(found) - len(new))} known already."
        )

    def export_rules(self, path: Path, *, force: bool = False) -> DecisionOutcome:
        from tracetui.redact.rulefile import dump_rules

        rules = self.rules()
        dump_rules(path, rules, force=force)
        return DecisionOutcome(f"{fmt.plural(len(rules), 'rule')} written to {path}; the file holds secrets.")


def _stands(review: Review, value: str) -> str:
    """The placeholder that stands for an accepted value."""
    held = review.numbered().given.get(value)
    return f"‹{held[0]}:{held[1]}›" if held is not None else ""


def _offered(review: Review, text: str, kind: str) -> str:
    """What of a value was not taken along, and how often it stands by itself."""
    parts = [part for part in rare_parts(text) if part != text] if kind in _NAMES else offered(text)
    places = places_of_texts(review, {part: part for part in parts}) if parts else {}
    counts = [(part, len(places[part])) for part in parts if places[part]]
    return "".join(f"; {one_line(part, 40)} stands in {fmt.plural(count, 'place')} yet" for part, count in counts)


_NAMES: Final = frozenset({"name", "person"})


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
