"""``stats``: what the bucket holds, in numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.common import opened
from tracetui.commands.out import Column, JsonLines, Paper
from tracetui.text import format as fmt

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (("tracetui stats", "totals, and totals per harness"), ("tracetui stats --json", "for programs"))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Count; the exit status."""
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
