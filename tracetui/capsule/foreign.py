"""Capsules as sessions: their records in a bucket, under an identity that no local session can have.

A log of a capsule is captured from a folder that is called like the capsule's origin (``capsule:DIGEST8``); the index
makes that part of the session's id and marks the session as foreign. The main log of a range stands in a folder that
also tells the number of its first step (``capsule:DIGEST8@12``), so that its steps keep their numbers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.capsule.verify import Capsule
from tracetui.model import SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.bucket.changes import RunReport
    from tracetui.harness.opentraces import Envelope
    from tracetui.harness.roots import LogFile

__all__ = ["capture", "capture_opentraces", "is_capsule", "lay_out", "take_in", "unread"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,120}")


def is_capsule(path: Path) -> bool:
    """Whether a file begins like a ZIP file; whether it is an intact capsule, ``Capsule`` tells."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except (OSError, ValueError):
        return False


def lay_out(capsule: Capsule, folder: Path) -> list[Path]:
    """Write the capsule's records into a private folder (made where needed), the main log first."""
    session = capsule.manifest.section("session")
    listed: Any = session.get("records")
    agents = {item.get("name"): item.get("agent") for item in listed if isinstance(item, dict)} if listed else {}
    own = session.get("id")
    out: list[Path] = []
    for name in capsule.names("records/"):
        agent = agents.get(name)
        stem = f"agent-{agent}" if isinstance(agent, str) else own if not out else None
        target = folder / (capsule.origin if out else f"{capsule.origin}{_from(session)}")
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not isinstance(stem, str) or not _PLAIN.fullmatch(stem) or (target / f"{stem}.jsonl").exists():
            stem = name[8:-6]
        path = target / f"{stem}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(capsule.read(name))
        out.append(path)
    return out


def _from(session: Mapping[str, Any]) -> str:
    """What a folder adds for a range whose first step has another number than 1."""
    span = session.get("range")
    first = span[0] if isinstance(span, list) and span else None
    return f"@{first}" if type(first) is int and 1 < first < 1_000_000 else ""


def sessions_of(bucket: Bucket, capsule: Capsule) -> list[SessionRow]:
    """The sessions of the bucket that came out of this capsule."""
    return [row for row in bucket.sessions() if row.id.startswith(capsule.origin + "/")]


def capture(bucket: Bucket, capsule: Capsule, folder: Path, *, beginning: int = 0) -> SessionRow:
    """Put the capsule's sessions into a bucket, by way of a private ``folder`` of the caller; its main session.

    ``beginning``: how many bytes of each log are enough for now (0: all); ``unread`` tells what is left. Raises
    TracetuiError when its records are of no known harness.
    """
    return take_in(bucket, capsule, folder, beginning=beginning)[0]


def take_in(bucket: Bucket, capsule: Capsule, folder: Path, *, beginning: int = 0) -> tuple[SessionRow, RunReport]:
    """The same, and what was captured."""
    from tracetui.bucket.changes import RunReport

    known = sessions_of(bucket, capsule)
    report = RunReport(sessions=len(known), unchanged=len(known))
    if not known:
        report = bucket.capture(_logs(lay_out(capsule, folder)), workers=1, again=True, beginning=beginning)
        known = sessions_of(bucket, capsule)
    if not known:
        raise TracetuiError(f"{capsule.path.name!a} holds no session of an agent that this program knows")
    wanted = f"{capsule.origin}/{capsule.manifest.section('session').get('id')}"
    return next((row for row in known if row.id == wanted), known[0]), report


def capture_opentraces(bucket: Bucket, envelope: Envelope, folder: Path) -> SessionRow:
    """Put the session of a capsule of opentraces into a bucket, by way of a private ``folder`` of the caller, under an
    identity like that of a capsule's. Raises TracetuiError when no reader finds a session in it."""
    origin = f"capsule:{envelope.digest[:8]}"
    target = folder / origin
    target.mkdir(mode=0o700, parents=True)
    path = target / f"{envelope.session}.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.writelines(envelope.lines)
    bucket.capture(_logs([path]), workers=1, again=True)
    known = [row for row in bucket.sessions() if row.id.startswith(origin + "/")]
    if not known:
        raise TracetuiError("The opentraces capsule is not opened: no step of it says anything")
    return known[0]


def unread(bucket: Bucket, folder: Path) -> list[str]:
    """The files that ``capture`` wrote into ``folder`` and did not read to their end."""
    return [log.path for log in bucket.check(_logs([folder]))]


def _logs(paths: list[Path]) -> list[LogFile]:
    from tracetui.harness.roots import LogFile, files_of

    return [found for found in files_of(paths) if isinstance(found, LogFile)]
