"""How a session is called wherever it is shown."""

from __future__ import annotations

from tracetui.model import SessionRow
from tracetui.text.safe import one_line
from tracetui.text.titles import plain_title

__all__ = ["harness_sign", "identity_of", "project_of", "title_of"]


def identity_of(session: SessionRow) -> str:
    return f"{session.harness}/{session.id}"


def title_of(session: SessionRow) -> str:
    """The title as its user gave it, or the part of the log's that names the session, or what stands in its place."""
    if session.title and not session.renamed:
        return plain_title(session.title)
    return session.title or (f"({session.folded})" if session.folded else "(no title)")


def project_of(session: SessionRow) -> str:
    """The last part of the folder that the session worked in, whatever system wrote it."""
    return (session.cwd or "").replace("\\", "/").rstrip("/").rpartition("/")[2]


def harness_sign(harness: str) -> str:
    """Two letters for a harness."""
    from tracetui.harness import HARNESSES

    maker = HARNESSES.get(harness)
    return maker.short if maker is not None else one_line(harness, 2) or "??"
