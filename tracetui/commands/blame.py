"""``blame``: the sessions behind a commit, a range or the lines of a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.common import opened
from tracetui.commands.out import Column, JsonLines, Paper, note
from tracetui.model import TracetuiError
from tracetui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.trail.blame import Blame

EXAMPLES: Final = (
    ("tracetui blame HEAD", "who wrote the last commit"),
    ("tracetui blame main..feature --markdown", "text for a pull request"),
    ("tracetui blame src/limit.py:10-40 --json", "lines of a file, for programs"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("target", metavar="REV|RANGE|PATH[:A-B]", help="a revision wins over a path; -- before a path")
    parser.add_argument("--repo", metavar="DIR", help="the repository (default: the one around this folder)")
    parser.add_argument("--at", metavar="REV", default="HEAD", help="judge survival and lines there (default: HEAD)")
    parser.add_argument("--markdown", action="store_true", help="text for a pull request")
    parser.add_argument("--unreviewed", action="store_true", help="print that text even with possible secrets in it")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one commit or line range each")


def run(args: argparse.Namespace) -> int:
    """Attribute and print; the exit status."""
    from tracetui.commands.trail import repository, tell_unseen
    from tracetui.trail.blame import as_json
    from tracetui.trail.facade import Trail

    with opened(args) as bucket, Trail(bucket, repository(args.repo)) as trail:
        here, path_only = str(Path.cwd()), "--" in args.words
        if args.markdown and not args.json:
            text, ids = trail.pull_request(args.target, args.at, path_only=path_only, folder=here)
            sys.stdout.write(_reviewed(args, bucket, text, ids))
            note("prompts in it are as they were typed: read it before you post it")
            return 0
        rows, sessions, states = trail.blame(args.target, args.at, path_only=path_only, folder=here)
        unseen = trail.unseen()
        if args.json:
            out = JsonLines()
            for nth, row in enumerate(rows, 1):
                last: dict[str, object] = {"unseen": unseen.json()} if nth == len(rows) else {}
                out.write({**as_json(row, sessions, states), **last})
        else:
            _print(rows, sessions)
            tell_unseen(unseen)
    return 0


def _reviewed(args: argparse.Namespace, bucket: Bucket, text: str, ids: list[str]) -> str:
    """The text past the gate: what was accepted in its sessions is replaced, nothing else may look like a secret."""
    if args.unreviewed:
        return text
    from tracetui.model import AmbiguousId, UnknownId
    from tracetui.redact.gate import pass_text

    rows = []
    for name in ids:
        try:
            rows.append(bucket.session(name))
        except (UnknownId, AmbiguousId):
            continue
    try:
        return pass_text(bucket, rows, text)
    except TracetuiError as error:
        waiting = [row for row in rows if row.findings is None or row.findings.get("open")] or rows
        where = ", ".join(f"tracetui redact {row.id[:8]}" for row in waiting[:3])
        raise TracetuiError(f"{str(error).split(';')[0]}; the editor on it: {where}; or say --unreviewed") from None


def _print(rows: list[Blame], sessions: dict[str, dict[str, Any]]) -> None:
    paper = Paper()
    if not rows:
        raise TracetuiError("Nothing to blame: the range holds no commit")
    columns = (
        Column("commit"), Column("where"), Column("lines", ">"), Column("of"), Column("session"),
        Column("subject or title", share=3),
    )  # fmt: skip
    cells: list[tuple[str, ...]] = []
    for row in rows:
        where = "" if row.start is None else f"{row.start}-{row.end}"
        cells.append(((row.commit or "")[:9], where, f"{row.attributed:,}", f"{row.added:,}", "", row.subject))
        for share in row.shares:
            title = sessions.get(share.session, {}).get("title") or "(no title)"
            steps = fmt.plural(len(share.steps) + sum(map(len, share.agents.values())), "step")
            cells.append(("", "", f"{share.lines:,}", "", share.session[:8], f"{title} ({steps})"))
    paper.table(columns, cells, ("accent", "muted", None, "muted", "accent", None))
    if not any(row.shares for row in rows):
        paper.line("No session is behind these lines, as far as the bucket knows.")
