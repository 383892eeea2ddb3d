"""``search``: the steps that hold a text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.common import flags_of_query, opened, query_of
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.model import Hit, SessionRow, TracetuiError, to_iso
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line
from tracetui.text.width import cell_len, cut, cut_left

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui search rate limi", "both words in one step, the last also as the start of a word"),
    ("tracetui search '\"rate limit\" kind:edit since:7d'", "a phrase, in edits of the last week"),
    ("tracetui search 'kind:command is:failed since:7d'", "which commands failed this week"),
    ("tracetui search 'kind:command since:7d' --sort longest", "which commands took longest"),
    ("tracetui search 'path:src/limit.py (kind:edit or kind:read)'", "what touched a file"),
    ("tracetui search --regex 'E[0-9]{4}:' --kind command", "a pattern (RE2), in commands"),
    ("tracetui search -- '--no-verify'", "words that look like flags stand after --"),
)
_BLANKS: Final = str.maketrans("\n\r\t", "   ")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("query", nargs="+", metavar="QUERY", help='words, "phrases" and typed terms; -word leaves out')
    parser.add_argument("--regex", action="store_true", help="the query is one pattern (RE2 syntax)")
    flags_of_query(parser, kind=True)
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="at most this many hits (50)")
    parser.add_argument(
        "--sort",
        choices=("newest", "score", "longest"),
        default="newest",
        help="newest first, the best of the newest 2,000 first, or what took longest first",
    )
    parser.add_argument("--json", action="store_true", help="JSON Lines, one hit each")


def run(args: argparse.Namespace) -> int:
    """Search; the exit status."""
    if args.limit < 1:
        raise TracetuiError(f"--limit {args.limit} is not a number above 0", status=2)
    text = " ".join(args.query)
    query = query_of(args, "" if args.regex else text)
    if not text.strip() or (query.empty and not args.regex):
        raise TracetuiError('the query is empty; give a word, a "phrase" or a term such as kind:edit', status=2)
    with opened(args) as bucket:
        if args.regex:
            hits = bucket.search(text, regex=True, filters=query, limit=args.limit, sort=args.sort)
        else:
            hits = bucket.search(query, limit=args.limit, sort=args.sort)
        if args.json:
            out = JsonLines()
            found = 0
            for found, hit in enumerate(hits, 1):
                out.write(hit_json(hit))
                if found == 1:
                    out.flush()
        else:
            listed = list(hits)
            found = len(listed)
            if listed:
                sessions = {(row.harness, row.id): row for row in bucket.sessions()}
                _print(listed, sessions)
                if found == args.limit:
                    note(f"stopped at {fmt.plural(found, 'hit')}; more with --limit")
    if not found:
        note("no step matches; fewer words, or tracetui index to capture what is new")
    return 0 if found else 1


def hit_json(hit: Hit) -> dict[str, Any]:
    """A hit as ``search --json`` prints it."""
    return {
        "session": hit.session,
        "agent": hit.agent,
        "step": hit.step,
        "kind": hit.kind,
        "time": to_iso(hit.time),
        "title": hit.title,
        "is_error": hit.failed,
        "exit_code": hit.exit_code,
        "survival": hit.survival,
        "snippet": hit.snippet,
        "match": list(hit.match),
        "score": hit.score,
        "part": hit.part,
    }


def _print(hits: list[Hit], sessions: dict[tuple[str, str], SessionRow]) -> None:
    """Hits under their sessions, the sessions in the order of their first hit."""
    paper = Paper()
    home = os.path.expanduser("~")  # noqa: PTH111 - never raises
    grouped: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        grouped.setdefault((hit.harness, hit.session), []).append(hit)
    for nth, (key, group) in enumerate(grouped.items()):
        if nth:
            paper.line()
        row = sessions.get(key)
        facts = [key[0], key[1], fmt.relative(row.ended) if row else ""]
        if row and row.cwd:
            facts.append(fmt.home_path(row.cwd, home))
        paper.line(paper.style(one_line(group[0].title or "(no title)", paper.width), "bold"))
        paper.line(paper.style("  " + one_line(" · ".join(fact for fact in facts if fact), paper.width - 2), "muted"))
        labels = [_label(hit) for hit in group]
        width = max(map(len, labels))
        for hit, label in zip(group, labels):
            left = f"  {one_line(label):>{width}} "
            room = paper.width - cell_len(left) - 11
            paper.line(
                paper.style(left, "muted") + paper.style(f"{hit.kind:<10} ", "accent") + _snippet(paper, hit, room)
            )


def _label(hit: Hit) -> str:
    """Where a hit is within its session: ``12``, ``AGENT:12``, ``~2:12``, ``~2/AGENT:12``."""
    where = "/".join(name for name in (f"~{hit.part}" if hit.part > 1 else "", hit.agent) if name)
    return f"{where}:{hit.step}" if where else str(hit.step)


def _snippet(paper: Paper, hit: Hit, room: int) -> str:
    """The snippet in ``room`` cells, cut on both sides so that the match can be seen."""
    text = display_safe(hit.snippet.translate(_BLANKS))
    start, end = hit.match
    before, match, after = text[:start].lstrip(), cut(text[start:end], room), text[end:].rstrip()
    left = room - cell_len(match)
    head = cut_left(before, min(cell_len(before), max(left // 3, left - cell_len(after))))
    tail = cut(after, left - cell_len(head))
    return head + paper.style(match, "match") + tail
