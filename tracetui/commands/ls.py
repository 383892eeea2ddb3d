"""``ls``: sessions, newest first."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import flags_of_query, opened, query_of
from tracetui.commands.out import Column, JsonLines, Paper, note, session_json
from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.titles import plain_title

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui ls --since 7d --harness codex", "Codex sessions of the last week"),
    ("tracetui ls --project . has:error", "sessions of this folder with a failed step"),
    ("tracetui ls 'kind:command is:failed since:7d'", "sessions in which a command failed this week"),
    ("tracetui ls 'path:src/limit.py or tag:limiter'", "sessions that touched a file, or that you tagged"),
    ("tracetui ls --json | jq -r .id", "all ids, for programs"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("query", nargs="*", metavar="TERM", help="typed terms and words, as in the app's query line")
    flags_of_query(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one session each")


def run(args: argparse.Namespace) -> int:
    """List; the exit status."""
    if args.limit is not None and args.limit < 1:
        raise TracetuiError(f"--limit {args.limit} is not a number above 0", status=2)
    query = query_of(args, " ".join(args.query))
    with opened(args) as bucket:
        rows = bucket.sessions(query, limit=args.limit)
        if args.json:
            out = JsonLines()
            for row in rows:
                out.write(session_json(row))
            return 0
        ids = short_ids(row.id for row in bucket.sessions())
    put_away = 0
    if "archived" not in query.values("is"):
        rows, every = [row for row in rows if not row.archived], rows
        put_away = len(every) - len(rows)
    if rows:
        _table(rows, ids)
        if put_away:
            note(f"{fmt.plural(put_away, 'session')} put away; tracetui ls is:archived lists them")
    elif ids:
        Paper().line(f"No session matches; {fmt.plural(len(ids), 'session')} in all.")
    else:
        Paper().line("No session. Capture what your agents logged with: tracetui index")
    return 0


def short_ids(ids: Iterable[str], least: int = 8) -> dict[str, str]:
    """For each id the start of it that no other has, of at least ``least`` characters."""
    ordered = sorted(set(ids))
    short: dict[str, str] = {}
    before = 0
    for nth, name in enumerate(ordered):
        after = 0
        if nth + 1 < len(ordered):
            other = ordered[nth + 1]
            after = next((at for at, (a, b) in enumerate(zip(name, other)) if a != b), min(len(name), len(other)))
        short[name] = name[: max(least, before + 1, after + 1)]
        before = after
    return short


def _table(rows: list[SessionRow], ids: dict[str, str]) -> None:
    paper = Paper()
    home = os.path.expanduser("~")  # noqa: PTH111 - never raises
    columns = (
        Column("when"), Column("harness"), Column("id"), Column("steps", ">"), Column("edits", ">"),
        Column("errors", ">"), Column("tokens", ">"), Column("project", share=2, middle=True), Column("title", share=3),
    )  # fmt: skip
    cells = (
        (
            fmt.relative(row.ended),
            row.harness,
            ids.get(row.id, row.id),
            fmt.count(row.steps),
            str(row.edits or ""),
            str(row.errors or ""),
            fmt.tokens(row.tokens.prompt + row.tokens.output or None),
            fmt.home_path(row.cwd or "", home),
            (row.title if row.renamed else plain_title(row.title)) if row.title else "(no title)",
        )
        for row in rows
    )
    paper.table(columns, cells, ("muted", None, "accent", None, None, "bad", None, "muted", "bold"))
