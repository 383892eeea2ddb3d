"""What several commands share: opening the bucket, finding the log that an address means, flags of the query."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracetui.bucket.query import parse, parse_time, project_value
from tracetui.bucket.terms import Query
from tracetui.commands.address import Address
from tracetui.commands.out import note
from tracetui.model import KINDS, AmbiguousId, LogRow, SessionRow, TracetuiError

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket

__all__ = ["bucket_path", "find_logs", "find_session", "flags_of_query", "need_terminal", "opened", "query_of"]


def bucket_path(named: str | None) -> Path:
    """The bucket's folder: as named, else ``TRACETUI_BUCKET``, else the default."""
    from tracetui.bucket.place import default_path

    return Path(named).expanduser() if named else default_path()


@contextlib.contextmanager
def opened(args: argparse.Namespace, *, create: bool = False) -> Iterator[Bucket]:
    """The bucket of a command, closed at the end; its warnings go to standard error."""
    from tracetui.bucket import Bucket
    from tracetui.bucket.rebuild import rebuild_if_missing

    bucket = Bucket.open(bucket_path(args.bucket), create=create)
    try:
        for warning in bucket.warnings:
            note(warning)
        if rebuild_if_missing(bucket):
            note("the index was rebuilt from the copies")
        yield bucket
    finally:
        bucket.close()


def find_session(bucket: Bucket, address: Address) -> SessionRow:
    """The session of an address; errors name the candidates."""
    text = address.session
    try:
        return bucket.session(text, address.harness)
    except AmbiguousId as error:
        if len(set(error.candidates)) == 1:
            name = error.candidates[0]
            rows = [row.harness for row in bucket.sessions(Query(id=(name,))) if row.id == name]
            named = ", ".join(f"{harness}/{name}" for harness in rows)
            raise TracetuiError(f"Several harnesses have a session {name}; name one: {named}") from None
        shown = ", ".join(error.candidates[:8])
        more = f" and {len(error.candidates) - 8:,} more" if len(error.candidates) > 8 else ""
        raise TracetuiError(
            f"{text} is the start of {len(error.candidates):,} sessions: {shown}{more}; type more of it"
        ) from None


def find_logs(bucket: Bucket, address: Address) -> tuple[SessionRow, list[LogRow]]:
    """The session of an address and its log: the main one, or that of the subagent (its id or a unique start).

    Where the main log is gone and only subagents' are left, those: all of them for a whole session, the only one for
    a step of it.
    """
    session = find_session(bucket, address)
    logs = [log for log in bucket.logs(session.id, session.harness) if log.shown]
    if address.agent is None:
        main = [log for log in logs if log.agent is None]
        if main or (logs and (address.first is None or len(logs) == 1)):
            return session, main[:1] or logs
        if logs:
            raise TracetuiError(
                f"{session.id} has no log of its own, only of subagents; name one: "
                + ", ".join(f"{session.id}/{log.agent}" for log in logs[:8])
            )
        raise TracetuiError(f"{session.id} has no log that can be read; see: tracetui doctor")
    found = [log for log in logs if log.agent == address.agent]
    if not found:
        found = [log for log in logs if log.agent is not None and log.agent.startswith(address.agent)]
    if len(found) == 1:
        return session, found
    names = ", ".join(log.agent or "" for log in (found or logs) if log.agent)
    if found:
        raise TracetuiError(f"{address.agent} is the start of several subagents of {session.id}: {names}")
    known = f"it has {names}" if names else "it has none"
    raise TracetuiError(f"{session.id} has no subagent {address.agent}; {known}")


def flags_of_query(parser: argparse.ArgumentParser, *, kind: bool = False) -> None:
    """The flags that narrow a query down; the same as its typed terms."""
    parser.add_argument(
        "--harness", action="append", default=[], metavar="NAME", help="only this harness: claude, codex, pi"
    )
    parser.add_argument(
        "--project", action="append", default=[], metavar="DIR", help="only this folder, or part of a folder's name"
    )
    parser.add_argument("--since", metavar="WHEN", help="7d, 12h, today, 2026-05-01 or an ISO time")
    parser.add_argument("--until", metavar="WHEN", help="the same; a day is included")
    if kind:
        parser.add_argument(
            "--kind", action="append", default=[], metavar="KIND", help="only this kind of step: " + ", ".join(KINDS)
        )


def query_of(args: argparse.Namespace, text: str) -> Query:
    """The query of a command line: its words, narrowed by its flags. Raises TracetuiError with status 2."""
    query = parse(text)
    if args.harness:
        wanted = parse(f"harness:{_listed('--harness', args.harness)}").harness
        query = replace(query, harness=_both("--harness", query.harness, wanted))
    if getattr(args, "kind", None):
        wanted = parse(f"kind:{_listed('--kind', args.kind)}").kinds
        query = replace(query, kinds=_both("--kind", query.kinds, wanted))
    if args.project:
        if not all(value.strip() for value in args.project):
            raise TracetuiError("--project needs a folder or part of its name", status=2)
        query = replace(query, project=(*query.project, *map(project_value, args.project)))
    if args.since is not None:
        since = parse_time(args.since, term=f"--since {args.since}")
        query = replace(query, since=since if query.since is None else max(since, query.since))
    if args.until is not None:
        until = parse_time(args.until, end=True, term=f"--until {args.until}")
        query = replace(query, until=until if query.until is None else min(until, query.until))
    return query


def _listed(flag: str, values: list[str]) -> str:
    names = [name for value in values for name in value.split(",")]
    if not all(name and all(char.isalnum() or char in "_-" for char in name) for name in names):
        raise TracetuiError(f"{flag} {','.join(values)} is not a name", status=2)
    return ",".join(names)


def _both(flag: str, typed: tuple[str, ...], flags: tuple[str, ...]) -> tuple[str, ...]:
    """What both the query and the flag allow."""
    if not typed:
        return flags
    both = tuple(value for value in typed if value in flags)
    if not both:
        raise TracetuiError(f"{flag} {','.join(flags)} and the query exclude each other", status=2)
    return both


def need_terminal(what: str) -> None:
    """Refuse (status 1) where there is no terminal to show a screen on."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()):
        raise TracetuiError(f"{what} needs a terminal; without one use a command, see: tracetui --help")
