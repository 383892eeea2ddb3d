"""``open``: a session log in the app, read only, without touching the user's bucket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import need_terminal
from tracetui.commands.out import note
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (("tracetui open rollout-2026-05-01.jsonl", "a log that somebody sent you"),)
_ZIP: Final = b"PK\x03\x04"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words."""
    parser.add_argument("file", metavar="FILE", help="a session log of Claude Code, Codex or Pi")


def run(args: argparse.Namespace) -> int:
    """Capture the log into a private temporary bucket and open the app on it; the exit status."""
    file = Path(args.file)
    try:
        with file.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        raise TracetuiError(f"Cannot read {file} ({(error.strerror or 'not a file').lower()}); name a log") from None
    if head == _ZIP:
        raise TracetuiError(f"{file} is a ZIP file, not a session log; this version opens session logs")
    need_terminal("open")
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.harness.roots import LogFile, files_of
    from tracetui.tui.tempfolder import TempFolder

    settings = config.load()
    temporary = TempFolder()
    try:
        files = [found for found in files_of(_with_subagents(file)) if isinstance(found, LogFile)]
        bucket = Bucket.open(temporary.folder() / "bucket", create=True)
        try:
            bucket.capture(files, workers=1)
            sessions = bucket.sessions()
            if not sessions:
                raise TracetuiError(
                    f"{file} is not a log of an agent that this program knows; see: tracetui open --help"
                )
            real = os.path.realpath(file)
            chosen = next((row for row in sessions if os.path.realpath(row.path) == real), sessions[0])
            from tracetui.tui.app import run as run_app

            status = run_app(
                bucket, session=chosen.id, read_only=True, banner=f"read only: {file.name}", config=settings.app()
            )
        finally:
            bucket.close()
    finally:
        temporary.remove()
    for problem in settings.problems:
        note(problem)
    return status


def _with_subagents(file: Path) -> list[Path]:
    """The log, and the folder of its subagents where Claude Code keeps one beside it."""
    agents = file.with_suffix("") / "subagents"
    return [file, agents] if agents.is_dir() and not agents.is_symlink() else [file]
