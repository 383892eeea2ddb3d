"""Rehearsing: the checks of a capsule that is about to be sealed, posed in the sandbox as a reader will pose them.

What reproduces is kept, with the signature that was seen; what a run takes, where and by whom is not. The same episode
rehearsed with the same result gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tracetui.capsule.checks import Check, choose_main, normal, rooted, telling_line
from tracetui.capsule.replay import Replay, Request
from tracetui.capsule.runners.text import lines_of
from tracetui.capsule.seal import Draft
from tracetui.capsule.signature import Signature, find_test, signature_of
from tracetui.capsule.verdict import Outcome
from tracetui.capsule.verify import Capsule
from tracetui.sandbox.runner import Limits, Sandbox
from tracetui.sandbox.tools import Tools

__all__ = ["Rehearsal", "rehearse"]

_RUNS: Final = 3
"""Of the main check, so that one that fails now and then is known."""


@dataclass(slots=True)
class Rehearsal:
    """``checks`` with what was seen of each; ``notes`` for who seals."""

    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rehearse(
    draft: Draft,
    repo: Path,
    folder: Path,
    sandbox: Callable[[Tools], Sandbox],
    *,
    chosen: Sequence[int] | None = None,
    limits: Limits | None = None,
    progress: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Rehearsal:
    """Pose the checks of a draft (those ``chosen`` by number, None: all) on the base and with all patches.

    ``folder`` is a private one; ``sandbox`` gives the one to run in, with these tools. Kept are the checks that
    reproduced and those that were not posed; where none reproduced, all are kept and it is noted. Raises TracetuiError
    where there is no sandbox or no repository.
    """
    target = folder / "rehearsal.capsule.zip"
    draft.write(target)
    found = Rehearsal()
    with Capsule(target) as capsule:
        replay = Replay(capsule, Request(repo=repo), limits or Limits(), progress, cancelled, folder)
        box = sandbox(replay.tools())
        posed: dict[int, Check] = {}
        for check in replay.checks:
            if chosen is None or check.number in chosen:
                posed[check.number] = _posed(replay, check, box, _RUNS if check.main else 1)
            if cancelled is not None and cancelled():
                break
    every = [posed.get(check.number, check) for check in draft.checks]
    kept = [check for check in every if check.rehearsal is None or check.rehearsal["reproduced"]]
    dropped = len(every) - len(kept)
    if not any(check.rehearsal for check in kept) and posed:
        found.notes.append("no check reproduced when it was rehearsed")
        kept = every
    elif dropped:
        found.notes.append(f"{dropped} of {len(every)} checks did not reproduce when rehearsed, and were left out")
    marked = choose_main(kept)
    found.checks = [replace(check, number=nth, main=check is marked) for nth, check in enumerate(kept, 1)]
    if any(check.rehearsal and check.rehearsal["flaky"] for check in found.checks):
        found.notes.append("the main check does not fail the same way each time")
    return found


def _posed(replay: Replay, check: Check, sandbox: Sandbox, runs: int) -> Check:
    """A check with what some runs showed of it."""
    seen = [replay.on_base(check, sandbox) for _ in range(runs)]
    good = [outcome for outcome in seen if outcome.kind == "reproduces"]
    after = replay.on_base(replace(check, step=None), sandbox) if check.step is not None else None
    told: dict[str, Any] = {
        "runs": runs,
        "reproduced": len(good),
        "flaky": 0 < len(good) < runs or len({_tests(outcome) for outcome in good}) > 1,
        "with_patches": None if after is None else after.kind,
        "why": None if good else seen[-1].why,
    }
    if not good:
        return replace(check, rehearsal=told)
    statuses = good[0].evidence.statuses
    told["statuses"] = None if statuses is None else list(statuses)
    signature = _signature(check, good)
    line = check.line
    if signature is None:
        line = _line(check, good[0], after)
    return replace(check, exit_code=good[0].code, line=line, signature=signature or check.signature, rehearsal=told)


def _tests(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    return outcome.signature.tests if outcome.signature is not None else ()


def _signature(check: Check, seen: Sequence[Outcome]) -> Signature | None:
    """The signature that all runs had in common: of the recorded tests those that failed as recorded, with the errors
    that were seen here, which are whole."""
    common: dict[str, str] | None = None
    runner: str | None = None
    for outcome in seen:
        recorded = check.signature
        told = outcome.evidence.of(recorded.runner if recorded is not None else None)
        if told is None:
            return None
        runner = told.runner
        if recorded is not None and recorded.tests:
            names = [find_test(test, list(told.failed)) for test, _ in recorded.tests]
            failed = {name: told.failed[name] for name in names if name is not None}
        else:
            made = signature_of(_text(outcome))
            failed = dict(made.tests) if made is not None else {}
        if common is None:
            common = failed
        common = {test: error for test, error in common.items() if failed.get(test) == error}
    return Signature(runner, tuple(sorted(common.items()))) if common else None


def _text(outcome: Outcome) -> str:
    ran = outcome.ran
    return "" if ran is None else "\n".join([ran.output, *ran.beside.get("tap", ())])


def _line(check: Check, seen: Outcome, after: Outcome | None) -> str | None:
    """The line that tells most among those that are not printed where the check passes."""
    if after is None or after.kind != "passes" or seen.ran is None:
        return check.line
    good = {normal(line) for line in lines_of(_text(after))}
    own = "\n".join(line for line in lines_of(_text(seen)) if normal(line) not in good)
    line = telling_line(own)
    return check.line if line is None else rooted(line, "/capsule/root")
