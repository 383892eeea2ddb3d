"""What a user calls sessions and how they are put in order: a title of one's own, tags, and the archive.

Kept in ``user.db`` by harness and session id, like bookmarks and notes; ``forget`` removes it with the session.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tracetui.model import SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket

__all__ = ["archive", "rename", "tag", "tags"]

_TAG: Final = re.compile(r"[\w][\w.+/-]{0,63}")
_TITLE_MAX: Final = 300
_MARK: Final = (
    "INSERT INTO user.mark(harness, session, {0}) VALUES(?,?,?) "
    "ON CONFLICT(session, harness) DO UPDATE SET {0}=excluded.{0}"
)


def rename(bucket: Bucket, session: SessionRow, title: str | None) -> None:
    """Call a session by a title of one's own, in one line of 300 characters at most; None or blank gives it the one of
    its log again. Raises TracetuiError where the bucket cannot be written."""
    bucket.need_writable()
    text = " ".join((title or "").split())[:_TITLE_MAX]
    text = text.encode("utf-8", "replace").decode("utf-8")
    bucket.db.execute(_MARK.format("title"), (session.harness, session.id, text or None))


def archive(bucket: Bucket, session: SessionRow, *, on: bool = True) -> None:
    """Put a session away, or take it out again: lists leave it out unless ``is:archived`` is asked for. Raises
    TracetuiError where the bucket cannot be written."""
    bucket.need_writable()
    bucket.db.execute(_MARK.format("archived"), (session.harness, session.id, int(on)))


def tag(bucket: Bucket, session: SessionRow, name: str, *, on: bool = True) -> str:
    """Give a session a tag or take it away; gives the tag as it is kept (small letters). Raises TracetuiError of status
    2 for a name that is none: letters, digits and ``. _ + / -``, 64 at most, the first a letter or digit."""
    bucket.need_writable()
    name = name.strip().removeprefix("#").lower()
    if not _TAG.fullmatch(name):
        raise TracetuiError(
            f"{ascii(name)[1:-1][:80]} is no tag: letters, digits and . _ + / - without blanks, 64 at most", status=2
        )
    if on:
        bucket.db.execute("INSERT OR IGNORE INTO user.tag VALUES(?,?,?)", (session.harness, session.id, name))
    else:
        bucket.db.execute(
            "DELETE FROM user.tag WHERE harness=? AND session=? AND name=?", (session.harness, session.id, name)
        )
    return name


def tags(bucket: Bucket) -> list[tuple[str, int]]:
    """Every tag and of how many sessions it is, the most frequent first."""
    return bucket.db.execute("SELECT name, count(*) FROM user.tag GROUP BY name ORDER BY 2 DESC, 1").fetchall()
