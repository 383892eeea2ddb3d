"""What rows are made of: a session past the gate, with what became of its edits and the labels that have a ground.

Everything here is redacted already; the digests say of which records and decisions it was made, without telling any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.capsule.export import Redacted, RedactedLog, from_session
from tracetui.model import SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.capsule.redaction import Redaction
    from tracetui.dataset.store import DatasetStore
    from tracetui.trail.judge import HunkState

__all__ = ["EditedHunk", "Material", "NotScanned", "material_of", "unredacted"]

_DAY: Final = 86_400
_LINES: Final = 2000
"""Lines of a hunk's old and new text that a unit holds each; the rest is counted."""


class NotScanned(TracetuiError):
    """The gate does not let a session out; it says what is open."""


@dataclass(frozen=True, slots=True)
class EditedHunk:
    """A hunk with its redacted text and its state. ``ripe``: the revision that it was judged at is as many days later
    as the workflow asks, so that its survival is a label."""

    agent: str | None
    part: int
    step: int
    path: str
    old: str
    new: str
    state: str
    reason: str
    retention: float | None
    landing: str | None
    key: str
    ripe: bool

    def json(self) -> dict[str, Any]:
        """The hunk as a unit holds it."""
        return {
            "step": self.step, "path": self.path, "old": self.old, "new": self.new, "state": self.state,
            "reason": self.reason, "retention": self.retention, "landing": self.landing, "ripe": self.ripe,
        }  # fmt: skip


@dataclass(slots=True)
class Material:
    """A session ready for rows. ``revision`` is the commit that survival was judged at; ``ratings`` are the user's, by
    (agent, step key), the empty key for the whole session; ``verdicts`` those of its capsules."""

    session: SessionRow
    redacted: Redacted
    hunks: Sequence[EditedHunk] = ()
    revision: str | None = None
    ratings: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    verdicts: Sequence[str] = ()
    records: str = ""
    decisions: str = ""


def material_of(
    bucket: Bucket,
    store: DatasetStore,
    session: SessionRow,
    *,
    trail: bool = False,
    days: int = 14,
    tier: int | None = None,
) -> Material:
    """A session past the gate. ``trail``: with its hunks, judged at HEAD; ``tier``: what is open up to this tier is
    accepted first. One that was not scanned is scanned. Raises ``NotScanned`` where it does not pass."""
    from tracetui.capsule.episode import choose

    if tier is not None:
        _accept(bucket, session, tier)
    made = Material(session, Redacted("", "", (), ""))

    def also(redaction: Redaction, logs: Sequence[RedactedLog]) -> None:
        made.decisions = _decisions(redaction)
        if trail:
            made.hunks, made.revision = _hunks(bucket, session, redaction, days)

    try:
        made.redacted = from_session(bucket, choose(bucket, session), page=False, also=also)
    except TracetuiError as error:
        raise NotScanned(str(error).replace("Not exported: ", "", 1)) from None
    made.records = _records(made.redacted)
    made.ratings = store.ratings(session.harness, session.id)
    made.verdicts = store.verdicts(session.harness, session.id)
    return made


def unredacted(bucket: Bucket, store: DatasetStore, session: SessionRow, days: int) -> Material:
    """A session as it is, for what stays in the bucket: counts and scores. Nothing of its text may leave."""
    from tracetui.trail import Trail

    logs = [
        RedactedLog(log.agent, log.part, b"", list(bucket.steps(log)), log.facts)
        for log in bucket.logs(session.id, session.harness)
        if log.shown
    ]
    made = Material(session, Redacted(session.id, session.harness, logs, "", session.title))
    if session.edits:
        with Trail(bucket) as trail:
            states = [state for state in trail.hunks(session) if state.counted]
            made.revision, at = _head(trail, session)
        made.hunks = [
            EditedHunk(
                state.agent, state.part, state.step, state.path, "", "", state.state, state.reason, state.retention,
                state.landing, state.key, _ripe(state, at, days),
            )
            for state in states
        ]  # fmt: skip
    made.ratings = store.ratings(session.harness, session.id)
    made.verdicts = store.verdicts(session.harness, session.id)
    return made


def _accept(bucket: Bucket, session: SessionRow, tier: int) -> None:
    from tracetui.redact.known import local_values
    from tracetui.redact.review import Review

    with Review(bucket, session) as review:
        review.scan(known=local_values())
        review.accept_tier(tier)


def _records(redacted: Redacted) -> str:
    """The SHA-256 of the redacted records: the same on every machine that holds the session."""
    digest = sha256()
    for log in redacted.logs:
        digest.update(f"{log.agent or ''}\0{log.part}\0{len(log.records)}\0".encode())
        digest.update(log.records)
    return digest.hexdigest()


def _decisions(redaction: Redaction) -> str:
    """A digest of the decisions that tells no value: kinds and placeholders of what was accepted, what was left and
    what was excluded. Placeholders are numbered by first appearance, so that it does not depend on a bucket's key."""
    plan, state = redaction.plan(), redaction.state
    given = sorted(f"{kind}:{number}" for kind, number in plan.given.values())
    left = sorted(scope for scope, _ in state.rejected)
    out = [given, left, sorted(what for what, _ in state.excluded), len(state.rules)]
    return sha256(orjson.dumps(out)).hexdigest()


def _hunks(bucket: Bucket, session: SessionRow, redaction: Redaction, days: int) -> tuple[list[EditedHunk], str | None]:
    from tracetui.trail import Trail

    left_out = redaction.left_out()
    with Trail(bucket) as trail:
        states = trail.hunks(session)
        texts = trail.texts(session)
        revision, at = _head(trail, session)
        out: list[EditedHunk] = []
        for state in states:
            if (state.agent, state.step) in left_out or not state.counted:
                continue
            hunk = texts.get(state.key)
            old, new = (b"\n".join(side[:_LINES]) for side in ((hunk.old, hunk.new) if hunk else ([], [])))
            out.append(
                EditedHunk(
                    state.agent, state.part, state.step, redaction.text(state.path), _text(redaction, old),
                    _text(redaction, new), state.state, state.reason, state.retention, state.landing,
                    f"{state.call_id or state.step}#{state.hunk}", _ripe(state, at, days),
                )
            )  # fmt: skip
    return out, revision


def _text(redaction: Redaction, data: bytes) -> str:
    return redaction.file(data).decode("utf-8", "replace")


def _head(trail: Any, session: SessionRow) -> tuple[str | None, int | None]:
    """HEAD of the session's repository and its time in seconds, where there is one."""
    place = trail.repository(session)
    if place is None:
        return None, None
    try:
        store = trail.judge_for(place).store
        sha = store.resolve("HEAD")
        commit = store.commit(sha) if sha else None
    except TracetuiError:
        return None, None
    return (sha, commit.time) if commit is not None else (None, None)


def _ripe(state: HunkState, at: int | None, days: int) -> bool:
    """Whether survival at this revision is a label: known, and late enough after the edit."""
    return (
        state.state in ("alive", "transformed", "reverted", "lost")
        and at is not None
        and bool(state.time)
        and at - state.time // 1000 >= days * _DAY
    )
