"""A review in memory: texts of steps, values to find in them, decisions that can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracetui.model import TracetuiError
from tracetui.redact.decisions import EXCLUSIONS, Rule
from tracetui.redact.values import Field, Group, Mark, Place, Progress, Reach, State, Target, progress_of, state_of
from tracetui.tui.redact.choices import DecisionOutcome, Excluded
from tracetui.tui.redact.page import PageStep, PageUnit


def unscanned(at: Field, step: int | None, why: str) -> Place:
    """A text that no detector could look at."""
    return dataclasses.replace(Place.to_look_at(at, step=step), rule="unscanned", why=why)


@dataclasses.dataclass
class Value:
    """Something to find: its text, kind, tier and why."""

    text: str
    kind: str
    tier: int = 1
    why: str = "made up"


class FakeReview:
    """See `Editing`. ``texts`` are steps from 1, each a list of (label, text), in which ``values`` are found."""

    def __init__(
        self, texts: Sequence[Sequence[tuple[str, str]]], values: Sequence[Value], gaps: Sequence[Place] = ()
    ) -> None:
        self.texts = texts
        self.values = {f"v{nth}": value for nth, value in enumerate(values)}
        self.gaps = gaps
        self.log: list[tuple[str, ...]] = []
        self.undone: list[tuple[str, ...]] = []
        self.calls: list[tuple[str, ...]] = []
        self.kept: list[Rule] = []
        self.closed = False
        self.loads = 0

    # what there is

    def _units(self) -> list[tuple[int, PageUnit]]:
        return [
            (step, PageUnit(Field(None, step, 0, f"/content/{nth}/text"), text, label, step))
            for step, items in enumerate(self.texts, 1)
            for nth, (label, text) in enumerate(items)
        ]

    def _state(self, group: str, copy: str) -> State:
        state: State = "open"
        for what, *rest in self.log:
            if what == "accept" and rest[0] == group:
                state = "accepted"
            if what == "mark" and rest[0] == group:
                state = "accepted"
            if what == "reject":
                of, place, scope = rest
                same_kind = scope == "kind" and self.values[of].kind == self.values[group].kind
                if (of == group and (scope != "place" or place == copy)) or same_kind:
                    state = "rejected"
        return state

    def _marked(self) -> dict[str, Value]:
        return {rest[0]: Value(rest[1], rest[2], 2, "by hand") for what, *rest in self.log if what == "mark"}

    def _places(self, name: str, value: Value) -> list[Place]:
        found = []
        for step, unit in self._units():
            at = unit.text.find(value.text)
            while at >= 0:
                place = Place.to_look_at(unit.at, at, at + len(value.text), step)
                key = f"{name}@{step}{unit.at.pointer}:{at}"
                found.append(dataclasses.replace(place, id=key, key=key, kind=value.kind, why=value.why, value=name))
                at = unit.text.find(value.text, at + 1)
        return found

    def groups(self) -> Sequence[Group]:
        made = []
        self.values.update(self._marked())
        for name, value in self.values.items():
            by_hand = name in self._marked()
            if name.startswith("hand") and not by_hand:
                continue
            places = self._places(name, value)
            states = [self._state(name, place.id) for place in places]
            put = f"‹{value.kind}:{list(self.values).index(name) + 1}›"
            made.append(
                Group(
                    name, value.text, value.kind, "rule", value.tier, value.why, places, states, state_of(states), put,
                    by_hand,
                )
            )  # fmt: skip
        return sorted(made, key=lambda group: group.tier)

    def rejected_places(self) -> frozenset[str]:
        return frozenset(rest[1] for what, *rest in self.log if what == "reject" and rest[2] == "place")

    def left_off(self) -> str | None:
        return next((entry[1] for entry in reversed(self.log) if entry[0] in ("accept", "reject")), None)

    def progress(self) -> Progress:
        return progress_of(self.groups(), len(self.gaps))

    def unscanned(self) -> Sequence[Place]:
        return self.gaps

    def marks(self, at: Field, text: str) -> Sequence[Mark]:
        found = []
        for group in self.groups():
            for place, state in zip(group.places, group.states):
                if place.at == at:
                    put = group.placeholder if state == "accepted" else ""
                    found.append(Mark(place.start, place.end, state, group.value, put))
        for what, *rest in self.log:
            if what == "exclude" and rest == ["step", str(at.line)]:
                return [Mark(0, len(text), "accepted", "", "‹excluded›")]
        return sorted(found)

    def page(
        self, place: Place | None, step: int | None = None, agent: str | None = None, part: int = 1
    ) -> list[PageStep]:
        self.loads += 1
        step = place.step if place is not None else step
        units = [unit for number, unit in self._units() if number == step]
        return [PageStep(step, None, f"{step} command Bash", units, "command")]

    # what is done

    def _add(self, *entry: str) -> None:
        self.log.append(entry)
        self.undone.clear()
        self.calls.append(entry)

    def accept(self, group: str) -> DecisionOutcome:
        self._add("accept", group)
        return DecisionOutcome(f"accepted {group} in {len(self._places(group, self.values[group]))} places", group)

    def accept_tier(self, tier: int) -> DecisionOutcome:
        for group in self.groups():
            if group.tier <= tier and group.state == "open":
                self._add("accept", group.value)
        return DecisionOutcome("accepted a tier")

    def reject(self, group: str, copy: str, scope: str) -> DecisionOutcome:
        self._add("reject", group, copy, scope)
        return DecisionOutcome(f"rejected {scope}", group)

    def leave(self, gap: Place) -> DecisionOutcome:
        self.gaps = [one for one in self.gaps if one != gap]
        self.calls.append(("leave", gap.why))
        return DecisionOutcome("left")

    def leave_leak(self, leak: Any) -> DecisionOutcome:
        self.calls.append(("leave", leak.text))
        return DecisionOutcome("left in the result")

    def mark(self, at: Field, start: int, end: int, kind: str) -> DecisionOutcome:
        text = next(unit.text for _, unit in self._units() if unit.at == at)[start:end]
        name = f"hand{len(self.log)}"
        self._add("mark", name, text, kind)
        return DecisionOutcome(f"marked {text}", name)

    def exclude(self, what: str, step: int | None, agent: str | None, kind: str) -> DecisionOutcome:
        self._add("exclude", what, str(step))
        return DecisionOutcome(f"left out {what}")

    def exclusions(self) -> Sequence[Excluded]:
        return [
            Excluded(what, EXCLUSIONS[what], int(step) if what == "step" else None)
            for entry, what, step in (entry for entry in self.log if entry[0] == "exclude")
        ]

    def find(self, target: Target) -> Place | None:
        for group in self.groups():
            for place in group.places:
                if place.id == target.id:
                    return place
        at = Field(target.agent, int(target.rid), 0, target.pointer) if target.rid else None
        return Place.to_look_at(at, target.start, target.end, at.line) if at is not None else None

    def undo(self) -> DecisionOutcome | None:
        if not self.log:
            return None
        self.undone.append(self.log.pop())
        return DecisionOutcome(f"undone {self.undone[-1][0]}", self._about(self.undone[-1]))

    def redo(self) -> DecisionOutcome | None:
        if not self.undone:
            return None
        self.log.append(self.undone.pop())
        return DecisionOutcome(f"redone {self.log[-1][0]}", self._about(self.log[-1]))

    @staticmethod
    def _about(entry: tuple[str, ...]) -> str | None:
        return entry[1] if entry[0] in ("accept", "reject") else None

    def reach(self, group: str, cancelled: Callable[[], bool]) -> Sequence[Reach] | None:
        return [Reach(place.step, None, "result", "plain", 1) for place in self._places(group, self.values[group])]

    def holding(self, query: str, cancelled: Callable[[], bool]) -> Sequence[Place]:
        found = []
        for step, unit in self._units():
            at = unit.text.lower().find(query.lower())
            while at >= 0:
                place = Place.to_look_at(unit.at, at, at, step)
                found.append(dataclasses.replace(place, why=unit.text[at : at + len(query)]))
                at = unit.text.lower().find(query.lower(), at + 1)
        return found

    def mark_all(self, texts: Sequence[str], kind: str) -> DecisionOutcome:
        self.calls.append(("mark_all", *texts, kind))
        return DecisionOutcome("Marked")

    def rules(self) -> Sequence[Rule]:
        return tuple(self.kept)

    def rule_counts(self, cancelled: Callable[[], bool]) -> Mapping[Rule, int]:
        return {rule: 0 if rule.form == "glob" else 2 for rule in self.kept}

    def add_rule(self, rule: Rule) -> DecisionOutcome:
        if rule.form == "regex" and rule.pattern == "(":
            raise TracetuiError("The pattern ( is not understood")
        self.kept.append(rule)
        return DecisionOutcome("kept")

    def change_rule(self, old: Rule, new: Rule) -> DecisionOutcome:
        self.kept[self.kept.index(old)] = new
        return DecisionOutcome("changed")

    def remove_rule(self, rule: Rule) -> DecisionOutcome:
        self.kept.remove(rule)
        return DecisionOutcome("gone")

    def import_rules(self, path: Path) -> DecisionOutcome:
        raise TracetuiError(f"Cannot read {path}")

    def export_rules(self, path: Path, *, force: bool = False) -> DecisionOutcome:
        if not force:
            raise TracetuiError(f"{path} lies in a Git work tree")
        self.calls.append(("export", str(path)))
        return DecisionOutcome("written")

    def refresh(self) -> None:
        self.loads += 0

    def close(self) -> None:
        self.closed = True


KEY = "ghp" + "_" + "Ab3" * 12
PASSWORD = "nrqv" + "Rw3JmTYs"


def leaked() -> FakeReview:
    """A session in which a key and a password show, and a weak one."""
    env = f"PACE_LIMIT=5\nGITHUB_TOKEN={KEY}\nDATABASE_URL=postgres://pace:{PASSWORD}@db.example.org/pace\n"
    return FakeReview(
        [
            [("text", "Find out why bursts get through.")],
            [("command", "cat .env"), ("result", env)],
            [("command", f"curl -H 'Authorization: token {KEY}' https://api.example.org")],
            [("text", "The session id was 5f2c9a7be1, no more.")],
        ],
        [
            Value(KEY, "github-token", 1, "format and checksum"),
            Value(PASSWORD, "password", 2, "password in a URL"),
            Value("5f2c9a7be1", "entropy", 3, "looks random"),
        ],
    )
