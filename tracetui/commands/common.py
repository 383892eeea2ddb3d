"""What several commands share: opening the bucket, finding the log that an address means, flags of the query."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
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

__all__ = [
    "bucket_path",
    "find_logs",
    "find_session",
    "flags_of_query",
    "label_of",
    "need_terminal",
    "opened",
    "query_of",
]


def bucket_path(named: str | None) -> Path:
    """The bucket's folder: as named, else ``TRACETUI_BUCKET``, else the default."""
    from tracetui.bucket.location import default_path

    return Path(named).expanduser() if named else default_path()


@contextlib.contextmanager
def opened(args: argparse.Namespace, *, create: bool = False, rebuild: bool = True) -> Iterator[Bucket]:
    """The bucket of a command, closed at the end; its warnings go to standard error. A missing index is brought back
    from the copies first, but with ``rebuild`` false (``index`` does that itself, and shows how far it is)."""
    from tracetui.bucket import Bucket
    from tracetui.bucket.rebuild import rebuild_if_missing

    bucket = Bucket.open(bucket_path(args.bucket), create=create)
    try:
        for warning in bucket.warnings:
            if not warning.startswith("disk full: "):
                note(warning)
        if rebuild and rebuild_if_missing(bucket):
            note("the index was rebuilt from the copies")
        yield bucket
        # (Not before: a command that must write says it itself.)
        for warning in bucket.warnings:
            if warning.startswith("disk full: "):
                note(warning)
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
            rows = [row.harness for row in bucket.sessions(Query.of(id=(name,))) if row.id == name]
            named = ", ".join(f"{harness}/{name}" for harness in rows)
            raise TracetuiError(f"Several harnesses have a session {name}; name one: {named}") from None
        shown = ", ".join(error.candidates[:8])
        more = f" and {len(error.candidates) - 8:,} more" if len(error.candidates) > 8 else ""
        raise TracetuiError(
            f"{text} is the start of {len(error.candidates):,} sessions: {shown}{more}; type more of it"
        ) from None


def find_logs(bucket: Bucket, address: Address) -> tuple[SessionRow, list[LogRow]]:
    """The session of an address and its logs: the main one, or that of the subagent (its id or a unique start).

    Of several parts the one that is named, all of them in the order of time for a whole session, else the first. Where
    the main log is gone and only subagents' are left, those: all of them for a whole session, the only one for a step
    of it.
    """
    session = find_session(bucket, address)
    logs = [log for log in bucket.logs(session.id, session.harness) if log.shown]
    if address.agent is None:
        return session, _own_logs(logs, address, session.id)
    return session, _logs_of_agent(logs, address, address.agent, session.id)


def _own_logs(logs: list[LogRow], address: Address, name: str) -> list[LogRow]:
    """The main log of a session, or those of its subagents where it is gone."""
    main = [log for log in logs if log.agent is None]
    if main:
        return _parts(main, address, name)
    if logs and (address.first is None or len(logs) == 1):
        return logs
    if logs:
        named = ", ".join(f"{name}/{log.agent}" for log in logs[:8])
        raise TracetuiError(f"{name} has no log of its own, only of subagents; name one: {named}")
    raise TracetuiError(f"{name} has no log that can be read; see: tracetui doctor")


def _logs_of_agent(logs: list[LogRow], address: Address, agent: str, name: str) -> list[LogRow]:
    """The logs of a subagent, named by its id or the start of it."""
    found = [log for log in logs if log.agent == agent]
    if not found:
        found = [log for log in logs if log.agent is not None and log.agent.startswith(agent)]
    if found and len({log.agent for log in found}) == 1:
        # A subagent whose log is one belongs to whichever part is named.
        return found if len(found) == 1 else _parts(found, address, f"{name}/{found[0].agent}")
    names = ", ".join(log.agent or "" for log in (found or logs) if log.agent)
    if found:
        raise TracetuiError(f"{agent} is the start of several subagents of {name}: {names}")
    known = f"it has {names}" if names else "it has none"
    raise TracetuiError(f"{name} has no subagent {agent}; {known}")


def _parts(logs: list[LogRow], address: Address, label: str) -> list[LogRow]:
    """The parts that an address means."""
    if address.part is not None:
        found = [log for log in logs if log.part == address.part]
        if not found:
            has = ", ".join(f"~{log.part}" for log in sorted(logs, key=lambda log: log.part))
            raise TracetuiError(f"{label} has no part ~{address.part}; it has {has}" if len(logs) > 1 else
                                f"{label} has one part only, no ~{address.part}")  # fmt: skip
        return found
    return logs if address.first is None else [min(logs, key=lambda log: log.part)]


def label_of(session: SessionRow, log: LogRow) -> str:
    """The address of a log: ``ID``, ``ID~2``, ``ID/AGENT``."""
    part = f"~{log.part}" if log.part > 1 else ""
    return f"{session.id}{part}" if log.agent is None else f"{session.id}{part}/{log.agent}"


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
        wanted = parse(f"harness:{_listed('--harness', args.harness)}").values("harness")
        query = _also("--harness", query, "harness", wanted)
    if getattr(args, "kind", None):
        wanted = parse(f"kind:{_listed('--kind', args.kind)}").values("kind")
        query = _also("--kind", query, "kind", wanted)
    if args.project:
        if not all(value.strip() for value in args.project):
            raise TracetuiError("--project needs a folder or part of its name", status=2)
        query = query.narrowed(Query.of(project=tuple(map(project_value, args.project))))
    if args.since is not None:
        query = query.narrowed(Query(since=parse_time(args.since, term=f"--since {args.since}")))
    if args.until is not None:
        query = query.narrowed(Query(until=parse_time(args.until, end=True, term=f"--until {args.until}")))
    return query


def _listed(flag: str, values: list[str]) -> str:
    names = [name for value in values for name in value.split(",")]
    if not all(name and all(char.isalnum() or char in "_-" for char in name) for name in names):
        raise TracetuiError(f"{flag} {','.join(values)} is not a name", status=2)
    return ",".join(names)


def _also(flag: str, query: Query, field: str, wanted: tuple[str, ...]) -> Query:
    """The query with what a flag allows. Raises TracetuiError where they exclude each other."""
    typed = [
        term.values for one in query.alternatives for term in one.terms if term.field == field and not term.negated
    ]
    if typed and not any(value in values for values in typed for value in wanted):
        raise TracetuiError(f"{flag} {','.join(wanted)} and the query exclude each other", status=2)
    return query.narrowed(Query.of(**{field: wanted}))


def need_terminal(what: str) -> None:
    """Refuse (status 1) where there is no terminal to show a screen on."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()):
        raise TracetuiError(f"{what} needs a terminal; without one use a command, see: tracetui --help")
