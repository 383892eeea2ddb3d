"""``forget``: remove sessions from the bucket for good, after saying what will be lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tracetui.commands.address import parse_address
from tracetui.commands.common import find_session, opened
from tracetui.commands.out import JsonLines, Paper
from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui forget 019c3f2a", "remove one session, after asking"),
    ("tracetui forget 019c3f2a 5bd0c1de --yes", "remove two without asking"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("ids", nargs="+", metavar="ID", help="a session id or the start of one")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one removed session each")


def run(args: argparse.Namespace) -> int:
    """Forget; the exit status. All ids are looked up before the first is removed."""
    addresses = [parse_address(text) for text in args.ids]
    for address, text in zip(addresses, args.ids):
        if address.first is not None or address.agent is not None:
            raise TracetuiError(f"{text} names a part of a session; forget takes whole sessions: ID", status=2)
    with opened(args) as bucket:
        rows: dict[tuple[str, str], SessionRow] = {}
        for address in addresses:
            row = find_session(bucket, address)
            rows[row.harness, row.id] = row
        if not args.yes:
            _ask(list(rows.values()))
        out = JsonLines() if args.json else None
        for row in rows.values():
            bucket.forget(row)
            if out is not None:
                out.write(
                    {"id": row.id, "harness": row.harness, "title": row.title, "steps": row.steps, "bytes": row.bytes}
                )
            else:
                Paper().line(f"Forgotten: {one_line(row.title or '(no title)', 60)} ({row.harness} {row.id})")
    return 0


def _ask(rows: list[SessionRow]) -> None:
    """Say what will be lost and wait for a yes; anything else ends the command with status 1."""
    for row in rows:
        lost = [fmt.plural(row.steps, "step"), f"{fmt.size(row.bytes)} of log"]
        if row.bookmarked:
            lost.append("a bookmark")
        if row.note:
            lost.append("a note")
        if row.findings and (decided := row.findings.get("accepted", 0) + row.findings.get("rejected", 0)):
            lost.append(fmt.plural(decided, "decision"))
        if row.survival:
            lost.append("its trail")
        rest = (
            "The harness has deleted its own file: this copy is the only one."
            if row.gone
            else "The harness's own file stays; it is captured again only if you name it."
        )
        title = one_line(row.title or "(no title)", 60)
        sys.stderr.write(f"{title} ({row.harness} {row.id})\n  will be lost: {', '.join(lost)}. {rest}\n")
    if not (sys.stdin is not None and sys.stdin.isatty()):
        raise TracetuiError("Nothing was removed: there is no terminal to ask on; to remove without asking: --yes")
    sys.stderr.write(f"Remove {'it' if len(rows) == 1 else f'all {len(rows)}'} for good? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise TracetuiError("Nothing was removed")
