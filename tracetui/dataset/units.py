"""Units: the pieces of a session that rows are made of, as plain JSON.

A unit is named by what it is of (record or call ids), never by step numbers, so that it stays the same unit when its
session grows. Labels stand in it with their ground; what has none is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

from tracetui.capsule.checks import command_of
from tracetui.capsule.export import Redacted, RedactedLog
from tracetui.dataset.material import EditedHunk, Material
from tracetui.dataset.outcomes import TEST, mended, outcome_of, results_of
from tracetui.dataset.turns import messages_of, tools_of, turns_of
from tracetui.model import Step, Tokens, to_iso

__all__ = ["Wanted", "WorkUnit", "units_of"]

Wanted = Collection[tuple[str | None, int, int]]
"""Steps that were looked for: (agent, part, number)."""
_SURVIVED: Final = ("alive", "transformed")
_UNDONE: Final = ("reverted", "lost")


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """A unit. ``key`` names it within its session; ``log`` and the numbers ``first`` to ``last`` say where it stands;
    ``value`` is what a workflow is given; ``redacted`` the same stretch for the formats."""

    key: str
    agent: str | None
    part: int
    first: int
    last: int
    value: dict[str, Any]
    redacted: Redacted

    @property
    def labels(self) -> frozenset[str]:
        """The grounds for which it has a label."""
        return frozenset(name for name, found in self.value["labels"].items() if found is not None)


def units_of(material: Material, kind: str, wanted: Wanted | None) -> Iterator[WorkUnit]:
    """The units of a session, in order. ``wanted`` are the steps that the workflow looks for, None for all: a unit
    holds one of them at least."""
    for log in material.redacted.logs:
        if not log.steps:
            continue
        numbers = None
        if wanted is not None:
            numbers = {number for agent, part, number in wanted if agent == log.agent and part == log.part}
            if not numbers:
                continue
        yield from _of_log(material, log, kind, numbers)


def _of_log(material: Material, log: RedactedLog, kind: str, wanted: Collection[int] | None) -> Iterator[WorkUnit]:
    if kind == "hunk":
        steps = {step.number: step for step in log.steps}
        for hunk in material.hunks:
            at = steps.get(hunk.step)
            if hunk.agent == log.agent and hunk.part == log.part and at and (wanted is None or hunk.step in wanted):
                yield _unit(material, log, "hunk", [at], [hunk], hunk.key)
        return
    for steps_ in _stretches(log.steps, kind, wanted):
        numbers = {step.number for step in steps_}
        hunks = [
            hunk
            for hunk in material.hunks
            if hunk.agent == log.agent and hunk.part == log.part and hunk.step in numbers
        ]
        yield _unit(material, log, kind, steps_, hunks, steps_[0].key)


def _stretches(steps: Sequence[Step], kind: str, wanted: Collection[int] | None) -> Iterator[list[Step]]:
    """The steps of each unit of a log."""

    def asked(stretch: Sequence[Step]) -> bool:
        return wanted is None or any(step.number in wanted for step in stretch)

    if kind == "session" or (kind == "episode" and wanted is None):
        if asked(steps):
            yield list(steps)
    elif kind == "step":
        yield from ([step] for step in steps if asked([step]))
    else:
        held: list[Step] = []
        for stretch in _prompts(steps):
            if asked(stretch):
                if kind == "prompt":
                    yield stretch
                else:
                    held += stretch
            elif held:
                yield held
                held = []
        if held:
            yield held


def _prompts(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Each prompt with what followed; what stands before the first is no prompt's."""
    held: list[Step] = []
    for step in steps:
        if step.kind == "prompt":
            if held and held[0].kind == "prompt":
                yield held
            held = []
        held.append(step)
    if held and held[0].kind == "prompt":
        yield held


def _unit(
    material: Material, log: RedactedLog, kind: str, steps: list[Step], hunks: list[EditedHunk], key: str
) -> WorkUnit:
    redacted = material.redacted
    value = {
        "unit": kind,
        "key": key,
        "session": redacted.id,
        "harness": redacted.harness,
        "title": redacted.title,
        **_place(log, steps),
        **_said(log, steps),
        **_edited(hunks),
        "labels": _labels(material, log, steps, hunks),
        "answers": {},
    }
    if kind == "hunk":
        value |= hunks[0].json()
    part = replace(log, steps=steps, records=log.records if kind == "session" else b"")
    logs = redacted.logs if kind == "session" and log is redacted.logs[0] and len(redacted.logs) == 1 else [part]
    whole = Redacted(redacted.id, redacted.harness, logs, "", redacted.title)
    name = "/".join(filter(None, (kind, log.agent, f"~{log.part}" if log.part > 1 else "", key)))
    return WorkUnit(name, log.agent, log.part, steps[0].number, steps[-1].number, value, whole)


def _place(log: RedactedLog, steps: Sequence[Step]) -> dict[str, Any]:
    """Where and when a unit was."""
    times = [step.time for step in steps if step.time is not None]
    return {
        "project": PurePosixPath(log.facts.cwd).name if log.facts.cwd else None,
        "branch": log.facts.branch,
        "agent": log.agent,
        "part": log.part,
        "first": steps[0].number,
        "last": steps[-1].number,
        "model": next((step.model for step in steps if step.model), log.facts.model),
        "started": to_iso(min(times, default=None)),
        "ended": to_iso(max(times, default=None)),
        "seconds": (max(times) - min(times)) / 1000 if times else None,
    }


def _prompt(log: RedactedLog, steps: Sequence[Step]) -> str | None:
    """The first prompt of a unit, else the last one before it."""
    for step in steps:
        if step.kind == "prompt" and step.text:
            return step.text
    before = [step.text for step in log.steps if step.kind == "prompt" and step.number <= steps[0].number]
    return next((text for text in reversed(before) if text), None)


def _said(log: RedactedLog, steps: Sequence[Step]) -> dict[str, Any]:
    """What was said and done in a unit."""
    turns = turns_of(steps)
    tokens = sum((step.tokens for step in steps if step.tokens is not None), Tokens())
    outcome = outcome_of(steps)
    return {
        "prompt": _prompt(log, steps),
        "messages": messages_of(turns),
        "tools_used": tools_of(turns),
        "steps": [_step(step) for step in steps],
        "commands": [_command(step) for step in steps if step.kind == "command"],
        "failures": sum(step.failed for step in steps),
        "tokens": {"input": tokens.prompt, "output": tokens.output},
        "mended": [
            {"test": name, "failed": failed, "passed": passed}
            for name, (failed, passed) in sorted(mended(steps).items())
        ],
        "outcome": outcome.outcome,
        "outcome_ground": outcome.ground,
    }


def _edited(hunks: Sequence[EditedHunk]) -> dict[str, Any]:
    """What a unit edited, and what became of it."""
    return {
        "files": sorted({hunk.path for hunk in hunks}),
        "hunks": [hunk.json() for hunk in hunks],
        "kept": [hunk.json() for hunk in hunks if hunk.ripe and hunk.state in _SURVIVED],
        "undone": [hunk.json() for hunk in hunks if hunk.ripe and hunk.state in _UNDONE],
        "landed": [hunk.json() for hunk in hunks if hunk.landing is not None],
    }


def _step(step: Step) -> dict[str, Any]:
    tool = step.tool
    return {
        "step": step.number,
        "kind": step.kind,
        "time": to_iso(step.time),
        "text": step.text,
        "tool": None if tool is None else {"name": tool.name, "input": tool.input, "output": tool.output},
        "failed": step.failed,
        "exit_code": tool.exit_code if tool else None,
    }


def _command(step: Step) -> dict[str, Any]:
    return {
        "step": step.number,
        "command": command_of(step)[0],
        "exit_code": step.tool.exit_code if step.tool else None,
        "failed": step.failed,
    }


def _labels(material: Material, log: RedactedLog, steps: Sequence[Step], hunks: Sequence[EditedHunk]) -> dict[str, Any]:
    """The labels of a unit by their ground; None where there is no such ground.

    ``reward`` of tests is the share of those of the last run that passed; of survival the share of ripe hunks that
    stand, by what is retained of each; of a rating 1, 0 or a half.
    """
    verdicts = material.verdicts
    return {
        "tests": _tests(steps),
        "survival": _survival(material, hunks),
        "verdict": {"reward": float("fixed" in verdicts), "verdicts": list(verdicts)} if verdicts else None,
        "rating": _rating(material, log.agent or "", {step.key for step in steps}),
    }


def _tests(steps: Sequence[Step]) -> dict[str, Any] | None:
    """The last run of tests: the share of the tests that it names that passed, else its exit code."""
    last = next((found for step in reversed(steps) if (found := results_of(step))), None)
    if last is None:
        return None
    tests = [result for result in last if result.ground == TEST] or last
    return {
        "reward": sum(result.passed for result in tests) / len(tests),
        "ground": tests[0].ground,
        "step": tests[0].step,
        "ids": sorted(result.id for result in tests if result.ground == TEST),
    }


def _survival(material: Material, hunks: Sequence[EditedHunk]) -> dict[str, Any] | None:
    ripe = [hunk for hunk in hunks if hunk.ripe]
    if not ripe:
        return None
    kept = [hunk.retention if hunk.retention is not None else float(hunk.state in _SURVIVED) for hunk in ripe]
    return {
        "reward": sum(kept) / len(kept),
        "revision": material.revision,
        "hunks": len(ripe),
        "states": dict(sorted(Counter(hunk.state for hunk in ripe).items())),
    }


def _rating(material: Material, agent: str, keys: Collection[str]) -> dict[str, Any] | None:
    """The user's ratings of the unit's steps, else that of the session."""
    rated = [rating for (whose, key), (rating, _) in material.ratings.items() if whose == agent and key in keys]
    whole = material.ratings.get((agent, ""))
    given = rated or ([whole[0]] if whole else [])
    if not given:
        return None
    reward = sum({"good": 1.0, "bad": 0.0}.get(rating, 0.5) for rating in given) / len(given)
    return {"reward": reward, "ratings": given}
