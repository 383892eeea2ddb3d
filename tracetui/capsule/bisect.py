"""Which commit mended a failure, or brought it: the main check posed along the history between two revisions.

The trees are laid out in folders of ours; no ref, index or file of the repository is touched. What is inconclusive is
stepped over, to the nearest commit that tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracetui.capsule.replay import CheckResult, Replay
from tracetui.capsule.trees import place_of
from tracetui.model import TracetuiError
from tracetui.sandbox.runner import Sandbox
from tracetui.trail.store import Store

__all__ = ["Bisection", "bisect", "revisions"]

_COMMITS: Final = 20_000
_NEAR: Final = 16
"""Commits tried around one that does not tell."""


@dataclass(slots=True)
class Bisection:
    """``first``: the first commit whose verdict is that of the end, None where it could not be told; ``between`` are
    the commits that it stands among then. ``posed``: the verdict at each commit that was tried."""

    first: str | None = None
    verdict: str = "inconclusive"
    between: list[str] = field(default_factory=list)
    posed: dict[str, str] = field(default_factory=dict)
    why: str = ""

    def json(self) -> dict[str, Any]:
        """As ``replay --bisect --json`` prints it last."""
        return {
            "check": None, "verdict": self.verdict, "commit": self.first, "between": self.between,
            "posed": self.posed, "why": self.why,
        }  # fmt: skip


def revisions(replay: Replay, span: str) -> list[str]:
    """The commits of ``GOOD..BAD`` along the first parents of the second, the first of the two before them, the oldest
    first. Raises TracetuiError for what is no such span."""
    start, dots, end = span.partition("..")
    place = place_of(replay.request, replay.start)
    if not dots or not start or not end or end.startswith("."):
        raise TracetuiError("--bisect takes two revisions: GOOD..BAD", status=2)
    if place is None:
        raise TracetuiError("--bisect needs the repository; name it with --repo")
    store = Store(*place)
    try:
        first, last = store.resolve(start), store.resolve(end)
        for name, sha in ((start, first), (end, last)):
            if sha is None:
                raise TracetuiError(f"{name} is no revision of the repository; name a branch, tag or commit")
        assert first is not None
        found: list[str] = []
        here = last
        while here is not None and here != first and len(found) < _COMMITS:
            found.append(here)
            commit = store.commit(here)
            here = commit.parents[0] if commit is not None and commit.parents else None
    finally:
        store.close()
    if here != first:
        raise TracetuiError(f"{start} is not before {end} along its first parents; name two revisions of one branch")
    return [first, *reversed(found)]


def bisect(
    replay: Replay, commits: Sequence[str], sandbox: Sandbox, told: Callable[[CheckResult], None] = lambda _: None
) -> Bisection:
    """Pose the main check at the ends, then at commits between until two neighbours differ. ``told`` hears of each."""
    done = Bisection()
    check = next((check for check in replay.checks if check.main), None)
    if check is None:
        raise TracetuiError("The capsule has no main check to follow")
    replay.request.checks = [check.number]

    def at(place: int) -> str:
        sha = commits[place]
        if sha not in done.posed:
            replay.request.at = sha
            (result,) = replay.run(sandbox)
            done.posed[sha] = result.verdict
            told(result)
        return done.posed[sha]

    low, high = 0, len(commits) - 1
    before, after = at(low), at(high)
    done.verdict = after
    if before == after or "inconclusive" in (before, after):
        done.verdict = "inconclusive"
        done.why = f"the first revision is {before} and the last is {after}: there is nothing to find between them"
        return done
    while high - low > 1:
        middle = next((place for place in _around(low, high) if at(place) != "inconclusive"), None)
        if middle is None:
            break
        if at(middle) == after:
            high = middle
        else:
            low = middle
    done.between = list(commits[low + 1 : high + 1])
    if len(done.between) == 1:
        done.first = done.between[0]
        done.why = f"{before} before it, {after} from it on"
    else:
        done.why = f"{before} before them, {after} after them; what stands between is inconclusive"
    return done


def _around(low: int, high: int) -> Iterator[int]:
    """Places between two, the middle first, then those near it."""
    middle = (low + high) // 2
    places = sorted(range(low + 1, high), key=lambda place: (abs(place - middle), place))
    yield from places[:_NEAR]
