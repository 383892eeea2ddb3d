"""Verifying rows: they are made again, and what is not the same says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tracetui.dataset.making import MadeRow, Maker, rows_digest
from tracetui.dataset.output import PROVENANCE, ROWS_FILE, WORKFLOW
from tracetui.dataset.store import DatasetStore
from tracetui.dataset.workflow import Workflow, load
from tracetui.model import AmbiguousId, TracetuiError, UnknownId

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.model import SessionRow

__all__ = ["Verified", "verify_folder", "verify_stored"]


class Verified(NamedTuple):
    """A row that was made again. ``same``: byte for byte. Else ``why``: ``touched`` (the row is not what its digest
    says), ``workflow`` (another one), ``grew`` (other records), ``decisions``, ``labels`` (another revision, rating or
    answer), ``gone`` (the session is not here, or gives no such row)."""

    row: int
    session: str
    unit: str
    same: bool
    why: str | None

    def json(self) -> dict[str, Any]:
        """The line that ``dataset verify`` prints."""
        return {"row": self.row, "session": self.session, "unit": self.unit, "same": self.same, "why": self.why}


class _Claim(NamedTuple):
    number: int
    body: bytes
    digest: str
    nth: int
    source: dict[str, Any]


def verify_stored(bucket: Bucket, store: DatasetStore, workflow: Workflow) -> Iterator[Verified]:
    """Make the rows of a dataset again."""
    claims = (_Claim(row.id, row.body.encode(), row.digest, row.nth, row.source) for row in store.rows(workflow.name))
    yield from _verify(bucket, store, workflow, claims)


def verify_folder(bucket: Bucket, store: DatasetStore, folder: Path) -> Iterator[Verified]:
    """Make the rows of a folder that was written by ``dataset export`` or ``donate`` again, out of one's own bucket, by
    the workflow that lies in it. Raises TracetuiError where the folder is none."""
    workflow = load(folder / WORKFLOW)
    yield from _verify(bucket, store, workflow, _claims(folder))


def _claims(folder: Path) -> Iterator[_Claim]:
    try:
        with (folder / ROWS_FILE).open("rb") as rows, (folder / PROVENANCE).open("rb") as told:
            for number, (body, line) in enumerate(zip(rows, told), 1):
                source = orjson.loads(line)
                yield _Claim(number, body.rstrip(b"\n"), str(source["digest"]), int(source["nth"]), source)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise TracetuiError(
            f"{ascii(str(folder))[1:-1]} is no folder of rows that tracetui wrote ({type(error).__name__})"
        ) from None


def _verify(bucket: Bucket, store: DatasetStore, workflow: Workflow, claims: Iterable[_Claim]) -> Iterator[Verified]:
    maker = Maker(bucket, store, workflow)
    waiting: list[_Claim] = []

    def flush() -> Iterator[Verified]:
        if waiting:
            yield from _session(maker, workflow, waiting)
            waiting.clear()

    for claim in claims:
        if waiting and _name(claim) != _name(waiting[0]):
            yield from flush()
        waiting.append(claim)
    yield from flush()


def _name(claim: _Claim) -> tuple[str, str]:
    return str(claim.source.get("harness")), str(claim.source.get("session"))


def _session(maker: Maker, workflow: Workflow, claims: list[_Claim]) -> Iterator[Verified]:
    """The rows of one session, made again once."""
    made: dict[tuple[str, int], MadeRow] = {}
    session = _found(maker.bucket, *_name(claims[0]))
    if session is not None:
        for _, found in maker.made([session]):
            made = {(row.unit, row.nth): row for row in found.rows}
    for claim in claims:
        unit = str(claim.source.get("unit"))
        row = made.get((unit, claim.nth))
        why = _why(claim, row, workflow)
        yield Verified(claim.number, str(claim.source.get("session")), unit, why is None, why)


def _found(bucket: Bucket, harness: str, session: str) -> SessionRow | None:
    try:
        row = bucket.session(session, harness)
    except (UnknownId, AmbiguousId, TracetuiError):
        return None
    return row if row.id == session else None


def _why(claim: _Claim, made: MadeRow | None, workflow: Workflow) -> str | None:
    if rows_digest(claim.body) != claim.digest:
        return "touched"
    if made is not None and made.digest == claim.digest:
        return None
    if claim.source.get("workflow") != workflow.digest:
        return "workflow"
    if made is None:
        return "gone"
    for key, word in (("records", "grew"), ("decisions", "decisions")):
        if claim.source.get(key) != made.source[key]:
            return word
    return "labels"
