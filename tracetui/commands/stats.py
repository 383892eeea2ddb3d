"""``stats``: what the bucket holds, in numbers; with ``--by``, what agents did."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.bucket.costs import NOTE
from tracetui.commands.common import flags_of_query, opened, query_of
from tracetui.commands.out import Column, JsonLines, Paper
from tracetui.model import TracetuiError
from tracetui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket.activity import Group, Totals

EXAMPLES: Final = (
    ("tracetui stats", "totals, and totals per harness"),
    ("tracetui stats --by model --since 7d", "what each model did in the last week, cost and survival too"),
    ("tracetui stats --by tool is:failed", "which tools failed how often"),
    ("tracetui stats --by day --csv > days.csv", "for a spreadsheet"),
    ("tracetui stats --json", "for programs"),
)
BY: Final = ("project", "model", "harness", "day", "week", "month", "tool")
_MONEY: Final = ("cost_usd", "cost_estimate_usd")
_STATES: Final = ("alive", "transformed", "reverted", "lost", "pending", "unknown")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("query", nargs="*", metavar="TERM", help="count only steps that match; typed terms, no words")
    parser.add_argument("--by", choices=BY, help="sums by this, the most expensive first; times in their order")
    flags_of_query(parser, kind=True)
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many groups")
    parser.add_argument("--csv", action="store_true", help="with --by: comma-separated values with a heading")
    parser.add_argument("--json", action="store_true", help="one JSON object; with --by one per group, then the total")


def run(args: argparse.Namespace) -> int:
    """Count; the exit status."""
    if args.limit is not None and args.limit < 1:
        raise TracetuiError(f"--limit {args.limit} is not a number above 0", status=2)
    query = query_of(args, " ".join(args.query))
    if query.text:
        raise TracetuiError(
            "stats counts by typed terms, not by words; tracetui search finds steps by their text", status=2
        )
    if args.by is not None or not query.empty:
        return _sums(args, query)
    if args.csv:
        raise TracetuiError("--csv needs --by: project, model, harness, day, week, month or tool", status=2)
    return _whole(args)


def _whole(args: argparse.Namespace) -> int:
    from tracetui.bucket.doctor import at_risk

    with opened(args) as bucket:
        totals: dict[str, Any] = dict(bucket.stats())
        totals["at_risk"] = len(at_risk(bucket, os.environ, Path.home()))
    keys = ("sessions", "steps", "records", "bytes_logs", "bytes_bucket", "tokens", "by_harness", "at_risk")
    if args.json:
        JsonLines().write({key: totals[key] for key in keys})
        return 0
    _print(totals)
    return 0


def _sums(args: argparse.Namespace, query: Any) -> int:
    from tracetui.bucket import activity

    with opened(args) as bucket:
        groups = activity.by(bucket, args.by, query, limit=args.limit) if args.by else []
        total = activity.total(bucket, query)
    if args.csv:
        _csv(args.by, groups)
    elif args.json:
        out = JsonLines()
        for group in groups:
            out.write({"by": args.by, "name": group.name, **group.totals.json()})
        out.write({"by": args.by, "name": None, **total.json()})
    else:
        _table(args.by, groups, total)
    return 0


def _csv(by: str, groups: list[Group]) -> None:
    """One line per group; no total, which a spreadsheet makes itself. Names come from logs: what a spreadsheet would
    take for a formula gets an apostrophe before it, control characters are left out."""
    import csv
    import sys

    writer = csv.writer(sys.stdout, lineterminator="\n")
    heading: list[str] | None = None
    for group in groups:
        row: dict[str, Any] = {by: _cell(group.name)}
        for key, value in group.totals.json().items():
            if key == "survival":
                row |= {f"hunks_{state}": value.get(state, 0) for state in _STATES}
            elif isinstance(value, dict):
                row |= {f"tokens_{name}": number for name, number in value.items()}
            else:
                row[key] = value
        if heading is None:
            heading = list(row)
            writer.writerow(heading)
        writer.writerow(["" if value is None else value for value in row.values()])


def _cell(name: str) -> str:
    text = "".join(char for char in name if char.isprintable())
    return f"'{text}" if text.startswith(_FORMULA) else text


def _table(by: str | None, groups: list[Group], total: Totals) -> None:
    paper = Paper()
    home = os.path.expanduser("~")  # noqa: PTH111 - never raises
    rows = [(_name(by, group.name, home), *_numbers(group.totals)) for group in groups]
    rows.append(("total" if groups else "steps that match", *_numbers(total)))
    heads = ("sessions", "prompts", "steps", "hours", "tokens", "cost", "failed", "lines", "standing")
    paper.table(
        (
            Column(by or "", share=1, middle=True) if by == "project" else Column(by or ""),
            *(Column(head, ">") for head in heads),
        ),
        rows,
        ("accent", None, None, None, None, None, None, "bad", None, None),
    )
    told = []
    if total.cost_estimate_usd is not None:
        told.append(f"~ is an estimate: {NOTE}")
    if total.judged < total.edited:
        left = total.edited - total.judged
        told.append(
            f"standing is of judged edits; {fmt.plural(left, 'session')} of {fmt.count(total.edited)} with edits "
            f"{'is' if left == 1 else 'are'} not judged yet (the app does it; tracetui trail ID at once)"
        )
    for line in told:
        paper.line(paper.style(line, "muted"))


def _name(by: str | None, name: str, home: str) -> str:
    if not name:
        return {"project": "(no folder)", "model": "(no model)"}.get(by or "", "(none)")
    return fmt.home_path(name, home) if by == "project" else name


def _numbers(totals: Totals) -> tuple[str, ...]:
    return (
        fmt.count(totals.sessions),
        fmt.count(totals.prompts),
        fmt.count(totals.steps),
        f"{totals.active_ms / 3_600_000:.1f}" if totals.active_ms else "",
        fmt.tokens(totals.tokens.prompt + totals.tokens.output or None),
        cost(totals),
        fmt.count(totals.failures) if totals.failures else "",
        fmt.count(totals.lines_added) if totals.lines_added else "",
        fmt.percent(totals.lines_standing, totals.lines_judged) if totals.lines_judged else "",
    )


def cost(totals: Totals) -> str:
    """Dollars; with ``~`` before it where a part of it is an estimate."""
    if totals.cost is None:
        return ""
    sign = "~" if totals.cost_estimate_usd is not None else ""
    return f"{sign}${totals.cost:,.2f}"


def _print(totals: dict[str, Any]) -> None:
    paper = Paper()
    logs, kept = totals["bytes_logs"], totals["bytes_bucket"]
    paper.line(
        f"{fmt.plural(totals['sessions'], 'session')}, {fmt.plural(totals['steps'], 'step')}, "
        f"{fmt.plural(totals['records'], 'record')}"
    )
    paper.line(f"{fmt.size(logs)} of logs kept in {fmt.size(kept)} ({fmt.percent(kept, logs)})")
    if totals["at_risk"]:
        paper.line(
            paper.style(
                f"{fmt.plural(totals['at_risk'], 'session')} about to be deleted by the harness; see: tracetui doctor",
                "warn",
            )
        )
    if not totals["by_harness"]:
        return
    paper.line()
    names = ("sessions", "with_tools", "files")
    rows = [
        (
            name,
            *(fmt.count(found[key]) for key in names),
            fmt.size(found["bytes"]),
            *(fmt.tokens(found["tokens"][key]) for key in ("input", "cache_read", "cache_write", "output")),
        )
        for name, found in sorted(totals["by_harness"].items())
    ]
    heads = ("sessions", "with tools", "files", "logs", "input", "cache read", "cache write", "output")
    paper.table((Column("harness"), *(Column(head, ">") for head in heads)), rows, ("accent",))
