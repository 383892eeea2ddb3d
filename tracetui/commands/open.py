"""``open``: a capsule or a session log in the app, read only, without touching the user's bucket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import need_terminal, opened
from tracetui.commands.out import note
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui open flaky.capsule.zip", "a capsule that somebody sent you; nothing of it runs"),
    ("tracetui open rollout-2026-05-01.jsonl", "a log"),
    ("tracetui open capsules/v1/ab12cd34ab12cd34", "a capsule of opentraces, by its folder or its capsule.json"),
    ("tracetui open --keep flaky.capsule.zip", "put a capsule into your bucket, marked as foreign"),
)

_BEGINNING: Final = 256 * 1024
"""Bytes of a log that are read before the app shows it; a child reads the rest."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument(
        "file", metavar="FILE", help="a capsule (also of opentraces), or a session log of Claude Code, Codex or Pi"
    )
    parser.add_argument("--keep", action="store_true", help="put a capsule into the bucket, and open nothing")
    parser.add_argument("--signers", metavar="FILE", help="the keys to trust (default: gpg.ssh.allowedSignersFile)")
    parser.add_argument("--repo", metavar="DIR", help="a capsule's repository (default: the one around this folder)")


def run(args: argparse.Namespace) -> int:
    """Capture the beginning of the log into a private temporary bucket and open the app on it; a child reads the rest.
    Gives the exit status."""
    from tracetui.harness import opentraces

    file = Path(args.file)
    theirs = opentraces.find(file)
    if theirs is not None:
        return _opentraces(theirs, file, args)
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        reason = (error.strerror or "not a file").lower()
        raise TracetuiError(f"Cannot read {file} ({reason}); name a capsule or a log") from None
    from tracetui.capsule.foreign import is_capsule

    if is_capsule(file):
        return _keep(file, args) if args.keep else _capsule(file, args)
    if args.keep:
        raise TracetuiError(f"{file} is no capsule; to keep a log: tracetui index {file}")
    need_terminal("open")
    _warm()
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.bucket.tempfolder import TempFolder
    from tracetui.harness.roots import LogFile, files_of

    settings = config.load()
    temporary = TempFolder()
    try:
        found = [found for found in files_of(_with_subagents(file)) if isinstance(found, LogFile)]
        bucket = Bucket.open(temporary.folder() / "bucket", create=True)
        try:
            bucket.capture(found, beginning=_BEGINNING)
            sessions = bucket.sessions()
            if not sessions:
                raise TracetuiError(
                    f"{file} is not a log of an agent that this program knows; see: tracetui open --help"
                )
            real = os.path.realpath(file)
            chosen = next((row for row in sessions if os.path.realpath(row.path) == real), sessions[0])
            from tracetui.tui.app import run as run_app

            status = run_app(
                bucket,
                session=chosen.id,
                read_only=True,
                reading=[log.path for log in bucket.check(found)],
                banner=f"read only: {file.name}",
                config=settings.app(),
            )
        finally:
            bucket.close()
    finally:
        temporary.remove()
    for problem in settings.problems:
        note(problem)
    return status


def _warm() -> None:
    """Begin to import the app beside the reading of the file; what is read first needs none of it."""
    import importlib
    import threading

    def load() -> None:
        for name in ("tracetui.tui.app", "tracetui.tui.browse.main"):
            importlib.import_module(name)

    threading.Thread(target=load, name="import", daemon=True).start()


def _capsule(file: Path, args: argparse.Namespace) -> int:
    """Check a capsule, and open the app on a temporary bucket of it; the exit status."""
    from tracetui.capsule.foreign import capture, unread
    from tracetui.capsule.signing import allowed_signers
    from tracetui.capsule.verify import Capsule, report_of

    repo = Path(args.repo).expanduser().absolute() if args.repo else None
    if repo is not None and not repo.is_dir():
        raise TracetuiError(f"There is no folder {repo}; name that of the repository")
    terminal = _terminal()
    if terminal:
        _warm()
    with Capsule(file) as capsule:
        report = report_of(capsule, allowed_signers(args.signers), deriving=False)
        if not report.intact:
            raise TracetuiError(f"{file.name} is not opened: {'; '.join(report.problems)}")
        if not terminal:
            need_terminal("open")
        from tracetui import config
        from tracetui.bucket import Bucket
        from tracetui.bucket.tempfolder import TempFolder

        settings = config.load()
        temporary = TempFolder()
        try:
            folder = temporary.folder()
            with Bucket.open(folder / "bucket", create=True) as bucket:
                session = capture(bucket, capsule, folder / "records", beginning=_BEGINNING)
                banner = f"capsule: {report.words}"
                from tracetui.tui.app import run as run_app

                status = run_app(
                    bucket,
                    session=session.id,
                    read_only=True,
                    reading=unread(bucket, folder / "records"),
                    banner=banner,
                    config=settings.app(),
                    capsule=file.absolute(),
                    repo=repo,
                )
        finally:
            temporary.remove()
    for problem in settings.problems:
        note(problem)
    return status


def _opentraces(document: str, named: Path, args: argparse.Namespace) -> int:
    """Open the app on a temporary bucket of the session in a capsule of opentraces; the exit status."""
    from tracetui.harness import opentraces

    if args.keep:
        raise TracetuiError(f"{named} is an opentraces capsule: it opens read only and is not kept")
    envelope = opentraces.read(document)
    need_terminal("open")
    _warm()
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.bucket.tempfolder import TempFolder
    from tracetui.capsule.foreign import capture_opentraces

    settings = config.load()
    temporary = TempFolder()
    try:
        folder = temporary.folder()
        with Bucket.open(folder / "bucket", create=True) as bucket:
            session = capture_opentraces(bucket, envelope, folder / "records")
            from tracetui.tui.app import run as run_app

            status = run_app(
                bucket,
                session=session.id,
                read_only=True,
                banner=envelope.words,
                config=settings.app(),
            )
    finally:
        temporary.remove()
    for problem in settings.problems:
        note(problem)
    return status


def _keep(file: Path, args: argparse.Namespace) -> int:
    """Check a capsule and put it into the user's bucket; the exit status."""
    from tracetui.capsule.foreign import capture
    from tracetui.capsule.signing import allowed_signers
    from tracetui.capsule.verify import Capsule, report_of
    from tracetui.commands.out import Paper

    with Capsule(file) as capsule:
        report = report_of(capsule, allowed_signers(args.signers))
        if not report.intact:
            raise TracetuiError(f"{file.name} is not kept: {'; '.join(report.problems)}")
        with opened(args, create=True) as bucket, bucket.temporary() as folder:
            session = capture(bucket, capsule, folder)
    Paper().line(f"Kept as {session.id} ({report.words})")
    return 0


def _terminal() -> bool:
    try:
        need_terminal("open")
    except TracetuiError:
        return False
    return True


def _with_subagents(file: Path) -> list[Path]:
    """The log, and the folder of its subagents where Claude Code keeps one beside it."""
    agents = file.with_suffix("") / "subagents"
    return [file, agents] if agents.is_dir() and not agents.is_symlink() else [file]
