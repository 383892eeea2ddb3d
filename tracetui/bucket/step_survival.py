"""What became of the edits of each step, as the trail judged it last: for lists, hits and sums.

Kept in ``user.db`` beside the sessions' counts. A row speaks of the hunks of one step and one state, and names the step
by its key; the number beside it only says where to look first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from tracetui.model import SessionRow

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["JUDGED", "Judged", "put", "unjudged"]

JUDGED = "judged"
"""The topic of ``put_summary`` that says at what size of its logs a session's trail was judged."""


class Judged(NamedTuple):
    """A hunk of a step: whose thread (None: the session's own), which part, the step's number, the state, lines."""

    agent: str | None
    part: int
    step: int
    state: str
    added: int
    removed: int


def put(bucket: Bucket, session: SessionRow, hunks: Iterable[Judged]) -> None:
    """Keep what became of a session's hunks in place of what was kept before; where it is the same, nothing
    is written."""
    if bucket.read_only:
        return
    db = bucket.db
    logs = {
        (agent, max(part, 1)): log
        for log, agent, part in db.execute(
            "SELECT id, agent, part FROM log WHERE session=? AND harness=? AND shown", (session.id, session.harness)
        )
    }
    sums: Counter[tuple[int, int, str]] = Counter()
    lines: dict[tuple[int, int, str], tuple[int, int]] = {}
    for hunk in hunks:
        log = logs.get((hunk.agent, hunk.part))
        if log is None:
            continue
        place = (log, hunk.step, hunk.state)
        sums[place] += 1
        added, removed = lines.get(place, (0, 0))
        lines[place] = added + hunk.added, removed + hunk.removed
    agents = {log: agent or "" for (agent, _), log in logs.items()}
    rows: dict[tuple[str, str, str], tuple[int, int, int, int]] = {}
    for log in {place[0] for place in sums}:
        keys = dict(db.execute("SELECT number, key FROM step WHERE log=?", (log,)))
        for place, count in sums.items():
            if place[0] == log and place[1] in keys:
                rows[agents[log], keys[place[1]], place[2]] = (place[1], count, *lines[place])
    wanted = sorted((*key, *value) for key, value in rows.items())
    held = db.execute(
        "SELECT agent, key, state, number, hunks, added, removed FROM user.step_survival "
        "WHERE session=? AND harness=? ORDER BY 1, 2, 3",
        (session.id, session.harness),
    ).fetchall()
    if held != wanted:
        db.execute("SAVEPOINT survival")
        try:
            db.execute("DELETE FROM user.step_survival WHERE session=? AND harness=?", (session.id, session.harness))
            db.executemany(
                "INSERT INTO user.step_survival(harness, session, agent, key, state, number, hunks, added, removed) "
                "VALUES(?,?,?,?,?,?,?,?,?)",
                [(session.harness, session.id, *row) for row in wanted],
            )
        except BaseException:
            db.execute("ROLLBACK TO survival")
            raise
        finally:
            db.execute("RELEASE survival")
    bucket.put_summary(session, JUDGED, {"bytes": session.bytes})


def unjudged(bucket: Bucket, limit: int | None = None) -> list[tuple[str, str]]:
    """The (harness, id) of one's own sessions with edits whose trail was not judged since they grew, newest first: what
    is left to work out in the background."""
    return bucket.db.execute(
        "SELECT s.harness, s.id FROM session s LEFT JOIN user.summary j ON j.session=s.id AND j.harness=s.harness "
        f"AND j.topic='{JUDGED}' WHERE s.edits > 0 AND s.id NOT GLOB '*:*' "
        "AND coalesce(json_extract(j.counts, '$.bytes'), -1) <> s.bytes ORDER BY s.ended DESC LIMIT ?",
        (-1 if limit is None else limit,),
    ).fetchall()
