"""A verifier of a skill, a command or a family of prompts: its past runs, scored by checks that are computed, and only
where the scores agree with labels that can be trusted.

Trusted are labels that the run did not make itself: a rating by the user, survival at a later revision, the verdict of
a capsule. Tests that ran within the run are a check, never a label: a skill cannot grade its own homework. A check that
rests on the ground of the labels is left out of the score that is compared with them.

Agreement is the probability that a run with a good label scores higher than one with a bad label (the area under the
ROC curve), with the 95 % interval of Hanley and McNeil, "The meaning and use of the area under a receiver operating
characteristic curve" (1982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from tracetui.dataset.making import selected
from tracetui.dataset.material import Material, unredacted
from tracetui.dataset.units import WorkUnit, units_of
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.dataset.store import DatasetStore

__all__ = ["LEAST", "FamilyScores", "ScoredRun", "agreement", "verify_family"]

LEAST: Final = 8
"""Trusted labels at least: below, the interval of any agreement reaches chance."""
_OF_CLASS: Final = 2
_Z: Final = 1.96
_GROUNDS: Final = ("rating", "verdict", "survival")
"""Trusted labels, the surest first."""
_RESTS_ON: Final = {"survived": "survival"}
"""Checks that are a label's ground themselves."""


@dataclass(slots=True)
class ScoredRun:
    """A run of the family. ``checks`` are from 0 to 1, None where they cannot be computed; ``label`` is the trusted one
    (ground, reward); ``own`` whether the run has a label that it made itself. ``score`` is None while blocked."""

    session: str
    harness: str
    step: int
    version: str | None
    checks: dict[str, float | None]
    label: tuple[str, float] | None
    own: bool
    steps: int
    tokens: int
    score: float | None = None

    def json(self) -> dict[str, Any]:
        """The line that ``verifier run`` prints."""
        ground, reward = self.label or (None, None)
        return {
            "session": self.session, "harness": self.harness, "step": self.step, "version": self.version,
            "score": self.score, "checks": self.checks, "label": reward, "ground": ground,
        }  # fmt: skip


@dataclass(slots=True)
class FamilyScores:
    """What is known of a family: ``state`` is ``scored`` or what blocks it; ``agreement`` with its ``interval``;
    ``unblock`` is the cheapest label that would help most."""

    family: str
    state: str
    runs: list[ScoredRun] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    agreement: float | None = None
    interval: tuple[float, float] | None = None
    unblock: str | None = None

    def versions(self) -> list[dict[str, Any]]:
        """One line per version of the skill: its runs, and their mean score."""
        groups: dict[str | None, list[ScoredRun]] = {}
        for run in self.runs:
            groups.setdefault(run.version, []).append(run)
        return [
            {"version": version, "runs": len(runs), "score": _mean([run.score for run in runs])}
            for version, runs in groups.items()
        ]

    def json(self) -> dict[str, Any]:
        """The line of the family."""
        return {
            "family": self.family, "state": self.state, "runs": len(self.runs), "labels": self.labels,
            "agreement": self.agreement, "interval": None if self.interval is None else list(self.interval),
            "unblock": self.unblock, "versions": self.versions(),
        }  # fmt: skip


def verify_family(bucket: Bucket, store: DatasetStore, family: str, days: int = 14) -> FamilyScores:
    """Score the runs of a family: the prompts that ``family``, a query, finds. Raises TracetuiError for no run."""
    from tracetui.bucket.query import parse

    wanted: dict[tuple[str, str], list[tuple[str | None, int, int]]] = {}
    query = parse(f"({family}) kind:prompt")
    for hit in bucket.search(query, limit=None):
        wanted.setdefault((hit.harness, hit.session), []).append((hit.agent, hit.part, hit.step))
    runs: list[ScoredRun] = []
    for session in selected(bucket, query):
        steps = wanted.get((session.harness, session.id))
        if steps:
            material = unredacted(bucket, store, session, days)
            runs += [_run(material, unit) for unit in units_of(material, "prompt", steps)]
    if not runs:
        raise TracetuiError(f"No prompt is found by {family[:80]!a}; name a skill or command as you call it")
    _measure(runs)
    return _judged(FamilyScores(family, "scored", runs))


def _run(material: Material, unit: WorkUnit) -> ScoredRun:
    value = unit.value
    labels = value["labels"]
    trusted = next(((name, float(labels[name]["reward"])) for name in _GROUNDS if labels[name] is not None), None)
    hunks, failures = value["hunks"], value["failures"]
    texts = [step["text"] or "" for step in value["steps"]]
    kinds = [step["kind"] for step in value["steps"]]
    body = [text for kind, text in zip(kinds[1:], texts[1:]) if kind == "event" and text]
    said = next((at for at, kind in enumerate(kinds) if at and kind != "event"), len(kinds))
    body = body if said > 1 else []
    return ScoredRun(
        material.session.id,
        material.session.harness,
        unit.first,
        sha256("\0".join(body).encode("utf-8", "replace")).hexdigest()[:12] if body else None,
        {
            "landed": len(value["landed"]) / len(hunks) if hunks else None,
            "survived": labels["survival"]["reward"] if labels["survival"] else None,
            "tests": labels["tests"]["reward"] if labels["tests"] else None,
            "failures": 1 / (1 + failures),
        },
        trusted,
        labels["tests"] is not None,
        len(value["steps"]),
        value["tokens"]["output"],
    )


def _measure(runs: Sequence[ScoredRun]) -> None:
    """Length and cost of each run beside the median of its family: 1 where it is not over it."""
    for name, of in (("length", "steps"), ("cost", "tokens")):
        middle = median(getattr(run, of) for run in runs)
        for run in runs:
            size = getattr(run, of)
            run.checks[name] = 1.0 if size <= middle else middle / size


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _score(run: ScoredRun, without: str | None) -> float:
    """The mean of a run's checks, but of what rests on the ground ``without``."""
    return (
        _mean([value for name, value in run.checks.items() if _RESTS_ON.get(name) != without or without is None]) or 0
    )


def _judged(verdict: FamilyScores) -> FamilyScores:
    """Compare with the trusted labels, and score where that holds."""
    runs = verdict.runs
    labelled = [run for run in runs if run.label is not None]
    for run in labelled:
        assert run.label is not None
        verdict.labels[run.label[0]] = verdict.labels.get(run.label[0], 0) + 1
    good = [_score(run, run.label[0]) for run in labelled if run.label is not None and run.label[1] >= 0.5]
    bad = [_score(run, run.label[0]) for run in labelled if run.label is not None and run.label[1] < 0.5]
    waiting = [run for run in runs if run.label is None]
    if len(labelled) < LEAST:
        only_own = not labelled and any(run.own for run in runs)
        verdict.state = "blocked_self_graded" if only_own else "blocked_no_labels"
        verdict.unblock = _rate(waiting, LEAST - len(labelled))
        return verdict
    if min(len(good), len(bad)) < _OF_CLASS:
        verdict.state = "blocked_one_class"
        which = "went wrong" if len(bad) < _OF_CLASS else "went well"
        verdict.unblock = f"{_rate(waiting, _OF_CLASS)}; one that {which}"
        return verdict
    verdict.agreement, verdict.interval = agreement(good, bad)
    if verdict.interval[0] <= 0.5:
        verdict.state = "blocked_uncalibrated"
        verdict.unblock = _rate(waiting, max(LEAST, len(labelled)))
        return verdict
    for run in runs:
        run.score = _score(run, None)
    return verdict


def _rate(waiting: Sequence[ScoredRun], count: int) -> str:
    """The cheapest label: one key or command on runs that have none, the newest first."""
    if not waiting:
        return f"more runs: {count} more with a label"
    shown = [f"{run.session}:{run.step}" for run in waiting[::-1][: min(count, 3)]]
    return f"rate {min(count, len(waiting))} of {len(waiting)} runs, such as {', '.join(shown)}"


def agreement(good: Sequence[float], bad: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """The area under the ROC curve for scores of runs with a good and a bad label, and its 95 % interval."""
    wins = sum((a > b) + 0.5 * (a == b) for a in good for b in bad)
    n, m = len(good), len(bad)
    area = wins / (n * m)
    one, two = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (n - 1) * (one - area * area) + (m - 1) * (two - area * area)
    # (Where all agree the formula gives no width; a half of a pair is the least that could have gone the other way.)
    error = max(math.sqrt(max(spread, 0.0) / (n * m)), 0.5 / min(n, m) / _Z)
    return area, (max(0.0, area - _Z * error), min(1.0, area + _Z * error))
