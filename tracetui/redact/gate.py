"""The gate before anything leaves: what nobody decided about, what was not scanned, what the proof still found."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.redact.proof import Leak, neutral
from tracetui.redact.review import Cancelled, Review
from tracetui.redact.values import Place

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.redact.known import Known

__all__ = ["Gate", "check", "check_text", "excluded_segments", "pass_text"]


class ContextSegment(Protocol):
    """What of a context's segment is asked for."""

    @property
    def n(self) -> int: ...
    @property
    def category(self) -> str: ...
    @property
    def from_step(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Gate:
    """``open`` findings of tiers 1 and 2 without a decision, ``unscanned`` text, and ``leaks`` of the proof."""

    open: tuple[Place, ...]
    unscanned: tuple[Place, ...]
    leaks: tuple[Leak, ...] = ()

    @property
    def passes(self) -> bool:
        return not (self.open or self.unscanned or self.leaks)

    def say(self) -> str:
        """Why it does not pass, in one line."""
        parts = []
        if self.open:
            values = len({place.value for place in self.open})
            parts.append(f"{values:,} finding{'' if values == 1 else 's'} open ({len(self.open):,} copies)")
        if self.unscanned:
            parts.append(f"{len(self.unscanned):,} not scanned")
        if self.leaks:
            first = self.leaks[0]
            parts.append(f"{len(self.leaks):,} left in the result, the first at {first.rid}{first.field} ({first.why})")
        return "; ".join(parts)


def check(
    review: Review,
    *,
    proof: bool = False,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Gate:
    """Whether an episode may be shared. ``proof`` also applies the decisions and searches the result; ``progress`` and
    ``cancelled`` as in ``Review.prove``."""
    if not review.findings.done(review.session) and not review.scan(cancelled=cancelled):
        raise Cancelled("Cancelled; the session is not scanned")
    state = review.state
    waiting = tuple(p for p in review.places() if p.tier <= 2 and p.rule != "unscanned" and state.of(p) == "open")
    unscanned = tuple(review.unscanned())
    if waiting or unscanned or not proof:
        return Gate(waiting, unscanned)
    return Gate((), (), review.prove(cancelled=cancelled, progress=progress).leaks)


def pass_text(bucket: Bucket, sessions: Iterable[SessionRow], text: str) -> str:
    """A text made of what sessions hold, meant for others: with what was accepted there replaced, and what excluded
    steps said. Raises TracetuiError where something of tiers 1 and 2 is left that nobody decided about."""
    from tracetui.redact.apply import prepare, redact_text
    from tracetui.redact.decisions import Decisions
    from tracetui.redact.known import Known, local_values, log_values

    rows = [*sessions]
    rejected: set[tuple[str, str]] = set()
    values = local_values(names=("*",))
    for row in rows:
        with Review(bucket, row) as review:
            plan = review.plan()
            if plan.excluded or plan.excluded_fields:
                prepare([([*bucket.records(log)], log.harness, log.agent) for log in review.logs()], plan)
            text, _ = redact_text(text, plan)
            rejected |= review.state.rejected
            for log in review.logs():
                cwd = log.facts.cwd or row.cwd
                values += log_values(log.path, cwd, row.cwd, remote=log.facts.repo, folder=cwd)
    with Decisions(bucket.path) as decisions:
        check_text(
            text,
            decided=lambda value, kind, why: bool(
                {("all", decisions.hash(value)), ("kind", kind), ("name", why)} & rejected
            ),
            known=Known(values) if rows else None,
        )
    return text


def excluded_segments(
    bucket: Bucket, session: SessionRow, log: LogRow, segments: Iterable[ContextSegment]
) -> frozenset[int]:
    """The numbers of the segments of a context that the user's exclusions leave out."""
    from tracetui.redact.decisions import Decisions

    with Decisions(bucket.path) as decisions:
        excluded = decisions.state(session.harness, session.id).excluded
    whats = {what for what, _ in excluded}
    steps: set[int] = set()
    if whats & {"step", "kind"}:
        steps = {
            number
            for number, kind, key, _ in bucket.sources(log)
            if ("step", key) in excluded or ("kind", kind) in excluded
        }
    gone = {name for what, name in (("results", "tool_result"), ("thinking", "thinking")) if what in whats}
    return frozenset(part.n for part in segments if part.from_step in steps or part.category in gone)


def _unescaped(text: str) -> str:
    """A Markdown text as it reads: a token whose underscores are escaped has no token's shape."""
    return html.unescape(_ESCAPED.sub(r"\1", text))


_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")


def check_text(
    text: str,
    *,
    decided: Callable[[str, str, str], bool] = lambda *_: False,
    known: Known | None = None,
    flag: str = "--unreviewed",
) -> None:
    """For small texts meant for others, escaped for Markdown or not: raise TracetuiError where one holds
    findings of tiers 1 and 2 or known values, but those of which ``decided(value, kind, why)`` says that they may
    stay."""
    from tracetui.redact.apply import PLACEHOLDER
    from tracetui.redact.scanner import scan

    found = []
    for reading in dict.fromkeys((text, _unescaped(text))):
        own = [match.span() for match in PLACEHOLDER.finditer(reading)]
        seen = [*scan(neutral(reading, lambda *_: True)), *(known.scan(reading) if known is not None else ())]
        found += [
            item
            for item in seen
            if item.tier <= 2
            and not any(a < item.end and item.start < b for a, b in own)
            and not decided(reading[item.start : item.end], item.kind, item.why)
        ]
    if found:
        kinds = ", ".join(sorted({item.kind for item in found})[:4])
        raise TracetuiError(
            f"The result holds {len(found):,} possible secret{'' if len(found) == 1 else 's'} ({kinds}); review the "
            f"session with tracetui redact, or say {flag}"
        )
