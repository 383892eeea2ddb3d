"""``export``: redacted sessions and capsules, as files in a format of the field."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.address import parse_address
from tracetui.commands.common import find_session, opened
from tracetui.commands.out import JsonLines, Paper
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.capsule.export import ExportFile, Redacted

EXAMPLES: Final = (
    ("tracetui export 019c3f2a --format markdown -o shared", "a redacted session, to be read as it is"),
    ("tracetui export 019c3f2a --format html -o shared", "one page that any browser shows, without the network"),
    ("tracetui export 019c3f2a:12-40 lost.capsule.zip --format harness -o logs", "redacted logs for other viewers"),
    ("tracetui export lost.capsule.zip --format harbor -o tasks", "the failure as a task that its check verifies"),
    ("tracetui export 019c3f2a --format messages -o chats", "chat turns with tool calls, for fine-tuning"),
    ("tracetui export 019c3f2a --format harness -o logs --dry-run", "what would be written"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    from tracetui.dataset.formats import FORMATS

    parser.add_argument("what", metavar="ID|FILE", nargs="+", help="a session (or a range of its steps), or a capsule")
    parser.add_argument("--format", required=True, choices=sorted(FORMATS), help="what is written")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="the folder, which is made")
    parser.add_argument("--force", action="store_true", help="replace a folder that exists")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print what would be")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one file each")


def run(args: argparse.Namespace) -> int:
    """Export; the exit status."""
    from tracetui.capsule.export import NOTES, entries, written

    sessions = [_redacted(args, what) for what in args.what]
    files = entries(sessions, args.format)
    files += _card(args.format, files)
    if not args.dry_run:
        written(Path(args.output), files, force=args.force)
    for note in filter(None, map(NOTES.get(args.format, lambda _: None), sessions)):
        sys.stderr.write(f"{one_line(note)}\n")
    if args.json:
        out = JsonLines()
        for entry in files:
            out.write(entry.facts)
        return 0
    paper = Paper()
    for entry in files:
        paper.line(f"{fmt.size(len(entry.data)):>9}  {one_line(entry.path)}")
    verb = "Would write" if args.dry_run else "Wrote"
    paper.line(f"{verb} {fmt.plural(len(files), 'file')} to {one_line(args.output)}")
    return 0


def _card(name: str, files: list[ExportFile]) -> list[ExportFile]:
    """The card that says where rows are and what their columns hold, for formats of rows."""
    from tracetui.capsule.export import ExportFile
    from tracetui.dataset.features import card_of

    if not files or not all(entry.path.endswith(".jsonl") and "/" not in entry.path for entry in files):
        return []
    text = card_of((entry.path, entry.data) for entry in files)
    return [ExportFile("README.md", name, "", text.encode())]


def _redacted(args: argparse.Namespace, what: str) -> Redacted:
    """A session or capsule past the gate."""
    from tracetui.capsule.episode import choose
    from tracetui.capsule.export import OF_CAPSULES, WITH_ORIGINS, from_capsule, from_session
    from tracetui.capsule.foreign import is_capsule

    path = Path(what)
    if is_capsule(path):
        return from_capsule(path, parts=args.format in OF_CAPSULES)
    if what.startswith(("/", "./", "../")) or what.endswith((".zip", ".jsonl")):
        raise TracetuiError(f"{ascii(what)[1:-1]} is no capsule; index a log first, then name its session")
    if args.format in OF_CAPSULES:
        raise TracetuiError(f"--format {args.format} needs a capsule; seal the session first: tracetui seal")
    address = parse_address(what)
    with opened(args) as bucket:
        session = find_session(bucket, address)
        episode = choose(bucket, session, address.first, address.last, address.agent, address.part)
        return from_session(bucket, episode, origins=args.format in WITH_ORIGINS)
