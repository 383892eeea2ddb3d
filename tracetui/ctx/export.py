"""Writing a context to a file: as messages, as Markdown, or as a session of the same harness."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from tracetui.ctx.context import Context
from tracetui.ctx.opening import records_for
from tracetui.ctx.parts import parts_of
from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.harness.native import Native

__all__ = ["FORMATS", "Written", "export"]

FORMATS: Final = ("messages", "responses", "chat", "markdown", "native")


@dataclass(frozen=True, slots=True)
class Written:
    """What was written where: segments in it, segments of the context that are not, its bytes; ``native`` for a session
    file."""

    path: Path
    segments: int
    omitted: int
    bytes: int
    native: Native | None = None


def export(
    bucket: Bucket,
    session: SessionRow,
    log: LogRow,
    context: Context,
    form: str,
    path: Path,
    leave_out: Collection[int],
    now: int,
    gate: Callable[[str], str] | None = None,
) -> Written:
    """Write the context before the model call to ``path`` (mode 0600, whole or not at all), without the segments
    numbered ``leave_out``. ``now``: milliseconds since the epoch, the time of a native session. ``gate`` gets the text
    that would be written and gives what may be, or raises TracetuiError; None writes it unreviewed.

    Raises TracetuiError (status 1) where the format cannot hold the context or the file cannot be written.
    """
    from tracetui.bucket.location import write_private

    beyond = [n for n in leave_out if n > len(context)]
    if beyond:
        raise TracetuiError(f"There is no segment {min(beyond):,}; the context has {len(context):,}")
    reading = records_for(bucket, log, context.index)
    parts = parts_of(context, reading, leave_out, whole=form == "native")
    made: Native | None = None
    if form == "native":
        from tracetui.ctx.native import native

        if session.foreign:
            raise TracetuiError("A session of someone else is not made one of yours; export messages or markdown")
        made = native(context, parts, reading, log.facts, now)
        data = made.data
    elif form == "messages":
        from tracetui.ctx.messages import messages

        data = orjson.dumps(messages(context, parts)) + b"\n"
    elif form in ("responses", "chat"):
        from tracetui.ctx import openai

        made_of = openai.responses if form == "responses" else openai.chat
        data = orjson.dumps(made_of(context, parts)) + b"\n"
    else:
        from tracetui.ctx.markdown import markdown

        data = markdown(context, parts, session.id, session.title, reviewed=gate is not None).encode("utf-8", "replace")
    if gate is not None:
        data = gate(data.decode()).encode()
        if form != "markdown":
            _still_json(data)
    path = path.expanduser()
    try:
        write_private(path, data)
    except OSError as error:
        raise TracetuiError(f"Cannot write {one_line(str(path))} ({error.strerror or error})") from None
    return Written(path, len(parts), len(context) - len(parts), len(data), made)


def _still_json(data: bytes) -> None:
    """Raise TracetuiError where what the gate replaced broke the file."""
    try:
        for line in data.splitlines():
            orjson.loads(line)
    except orjson.JSONDecodeError:
        raise TracetuiError(
            "What is accepted for redaction cannot be replaced in this format; export markdown"
        ) from None
