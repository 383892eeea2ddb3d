"""The gate over finished rows, before anything escapes them: code of a workflow may have put together or decoded what
stood nowhere in the records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from tracetui.dataset.store import StoredRow
from tracetui.model import TracetuiError, UnknownId

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.redact.decisions import Decisions
    from tracetui.redact.known import Known

__all__ = ["RowGate", "strings_of"]

_KEPT = 8
"""Sessions whose known values stay at hand: rows come session by session."""


def strings_of(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys too, in order."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            for key, inner in reversed(item.items()):
                waiting += [inner, key]
        elif isinstance(item, list):
            waiting += reversed(item)


class RowGate:
    """Looks for secrets and known values in rows, with the decisions of the session that each came from."""

    def __init__(self, bucket: Bucket, decisions: Decisions) -> None:
        self._bucket, self._decisions = bucket, decisions
        self._held: dict[tuple[str, str], tuple[set[tuple[str, str]], Known]] = {}

    def why(self, row: StoredRow) -> str | None:
        """What stands against a row, in one line; None where nothing does."""
        from tracetui.redact.gate import check_text

        try:
            rejected, known = self._of(row.harness, row.session)
        except UnknownId:
            return "its session is no longer in the bucket"
        # (Each string by itself: what stands in two of them side by side is no secret of the row.)
        text = "\n\n".join(dict.fromkeys(strings_of(orjson.loads(row.body))))

        def decided(value: str, kind: str, why: str) -> bool:
            return bool({("all", self._decisions.hash(value)), ("kind", kind), ("name", why)} & rejected)

        try:
            check_text(text, decided=decided, known=known)
        except TracetuiError as error:
            return str(error).partition("; review")[0]
        return None

    def _of(self, harness: str, session: str) -> tuple[set[tuple[str, str]], Known]:
        from tracetui.redact.known import Known, local_values, log_values

        name = (harness, session)
        if name not in self._held:
            row = self._bucket.session(session, harness)
            values = local_values(names=("*",))
            for log in self._bucket.logs(row.id, row.harness):
                cwd = log.facts.cwd or row.cwd
                values += log_values(log.path, cwd, row.cwd, remote=log.facts.repo, folder=cwd)
            if len(self._held) >= _KEPT:
                self._held.pop(next(iter(self._held)))
            state = self._decisions.state(harness, session)
            # What was decided about places or fields alone was looked at by the proof of the records.
            self._held[name] = state.rejected, Known(values)
        return self._held[name]
