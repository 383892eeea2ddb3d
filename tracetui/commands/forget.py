"""``forget``: remove sessions from the bucket for good, after saying what will be lost."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tracetui.bucket.terms import Query
from tracetui.commands.address import parse_address
from tracetui.commands.common import find_session, opened
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.model import SessionRow, TracetuiError, to_iso
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.dataset.store import Donation

EXAMPLES: Final = (
    ("tracetui forget 019c3f2a", "remove one session, after asking"),
    ("tracetui forget 019c3f2a 5bd0c1de --yes", "remove two without asking"),
    ("tracetui forget --older 180 --dry-run", "what would go, and how many bytes"),
    ("tracetui forget --project ~/src/old --older 30", "of one folder, what ended 30 days ago or before"),
)
_ASKED: Final = 12
"""Sessions that are named one by one before asking; of more, the sum is told."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("ids", nargs="*", metavar="ID", help="a session id or the start of one")
    parser.add_argument(
        "--older", type=float, metavar="DAYS", help="all that ended more than so many days ago, but bookmarked ones"
    )
    parser.add_argument("--project", action="append", default=[], metavar="DIR", help="all of this folder")
    parser.add_argument("--dry-run", action="store_true", help="tell what would go and remove nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one removed session each")


def run(args: argparse.Namespace) -> int:
    """Forget; the exit status. All ids are looked up before the first is removed."""
    from tracetui.bucket.budget import copy_bytes

    _check(args)
    with opened(args) as bucket:
        rows = _chosen(args, bucket)
        sizes = copy_bytes(bucket)
        if not rows:
            raise TracetuiError("No session is that old, or of that folder; nothing was removed")
        if args.dry_run:
            _tell(args, rows, sizes, "would go")
            return 0
        given = {(row.harness, row.id): given_of(bucket.path, row) for row in rows}
        for row in rows:
            for text in given_away(given[row.harness, row.id]):
                note(f"{row.id}: {text}")
        if not args.yes:
            ask_to_forget(rows, sizes)
        bucket.forget(rows)
        _tell(args, rows, sizes, "forgotten", given)
    return 0


def given_of(folder: Path, row: SessionRow) -> list[Donation]:
    """Where a session was given to."""
    if not (folder / "dataset.db").exists():
        return []
    from tracetui.dataset.store import DatasetStore

    with DatasetStore(folder) as store:
        return store.given(row.harness, row.id)


def given_away(donations: list[Donation]) -> list[str]:
    """What cannot be forgotten: a line for each time that a session was given away, and how to ask for removal."""
    return [
        f"it was given away to {one_line(item.target or 'somebody', 200)} on {(to_iso(item.at) or '')[:10]}; "
        f"to have it removed there, ask {one_line(item.contact or 'whoever runs that', 200)}"
        for item in donations
    ]


def _check(args: argparse.Namespace) -> None:
    """Refuse words that do not go together."""
    for text in args.ids:
        address = parse_address(text)
        if address.first is not None or address.agent is not None or address.part is not None:
            raise TracetuiError(f"{text} names a part of a session; forget takes whole sessions: ID", status=2)
    if bool(args.ids) == (args.older is not None or bool(args.project)):
        raise TracetuiError("Name sessions by ID, or choose them with --older DAYS, --project DIR or both", status=2)
    if args.older is not None and not 0 <= args.older < 1e6:
        raise TracetuiError(f"--older {args.older:g} is no number of days", status=2)
    if not all(value.strip() for value in args.project):
        raise TracetuiError("--project needs a folder or part of its name", status=2)


def _chosen(args: argparse.Namespace, bucket: Bucket) -> list[SessionRow]:
    from tracetui.bucket.budget import oldest
    from tracetui.bucket.query import project_value

    if not args.ids:
        return oldest(bucket, args.older, Query.of(project=tuple(map(project_value, args.project))))
    rows = [find_session(bucket, parse_address(text)) for text in args.ids]
    return list({(row.harness, row.id): row for row in rows}.values())


def _tell(
    args: argparse.Namespace,
    rows: list[SessionRow],
    sizes: dict[tuple[str, str], int],
    what: str,
    given: Mapping[tuple[str, str], list[Donation]] = MappingProxyType({}),
) -> None:
    if args.json:
        out = JsonLines()
        for row in rows:
            out.write(
                {
                    "id": row.id,
                    "harness": row.harness,
                    "title": row.title,
                    "steps": row.steps,
                    "bytes": row.bytes,
                    "copy_bytes": sizes.get((row.harness, row.id), 0),
                    "forgotten": not args.dry_run,
                    "given": [
                        {"target": item.target, "time": to_iso(item.at), "contact": item.contact}
                        for item in given.get((row.harness, row.id), ())
                    ],
                }
            )
        return
    paper = Paper()
    for row in rows:
        word = "Would go" if args.dry_run else "Forgotten"
        paper.line(f"{word}: {one_line(row.title or '(no title)', 60)} ({row.harness} {row.id})")
    if args.dry_run or len(rows) > 1:
        paper.line(f"{_sum(rows, sizes)} {what}")


def _sum(rows: list[SessionRow], sizes: dict[tuple[str, str], int]) -> str:
    held = sum(sizes.get((row.harness, row.id), 0) for row in rows)
    logs = fmt.size(sum(row.bytes for row in rows))
    return f"{fmt.plural(len(rows), 'session')}, {logs} of log in {fmt.size(held)} ({held:,} bytes) of copies"


def _lost(row: SessionRow) -> str:
    """What goes with a session."""
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
    return f"{', '.join(lost)}. {rest}"


def ask_to_forget(rows: list[SessionRow], sizes: dict[tuple[str, str], int]) -> None:
    """Say what will be lost and wait for a yes; anything else ends the command with status 1."""
    for row in rows[:_ASKED]:
        title = one_line(row.title or "(no title)", 60)
        sys.stderr.write(f"{title} ({row.harness} {row.id})\n  will be lost: {_lost(row)}\n")
    if len(rows) > _ASKED:
        alone = sum(row.gone for row in rows)
        sys.stderr.write(f"… and {len(rows) - _ASKED:,} more: {_sum(rows, sizes)} in all; of {alone:,} the only copy\n")
    if not (sys.stdin is not None and sys.stdin.isatty()):
        raise TracetuiError("Nothing was removed: there is no terminal to ask on; to remove without asking: --yes")
    sys.stderr.write(f"Remove {'it' if len(rows) == 1 else f'all {len(rows)}'} for good? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise TracetuiError("Nothing was removed")
