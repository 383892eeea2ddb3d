"""``verifier``: score the past runs of a skill, a command or a family of prompts, or say what blocks that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.common import opened
from tracetui.commands.out import Column, JsonLines, Paper
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui verifier status /review", "whether its runs can be scored, and what is missing"),
    ("tracetui verifier run /review", "a scored line per run, and per version"),
    ("tracetui verifier run '\"fix the tests\" project:limit'", "a family of prompts, by the query language"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("action", choices=("run", "status"), help="what to do")
    parser.add_argument("family", metavar="QUERY", help="what its prompts say: a skill, a command, words")
    parser.add_argument("--days", type=int, default=14, metavar="N", help="survival counts from so many days on")
    parser.add_argument("--json", action="store_true", help="JSON Lines: each run, then the family")


def run(args: argparse.Namespace) -> int:
    """Score; the exit status is 1 while something blocks it."""
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.verifier import verify_family

    if not args.family.strip() or not 0 <= args.days <= 3650:
        raise TracetuiError("verifier needs what its prompts say, and --days from 0 to 3650", status=2)
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        found = verify_family(bucket, store, args.family, args.days)
    told = found.json()
    blocked = int(found.state != "scored")
    if args.json:
        out = JsonLines()
        for item in found.runs if args.action == "run" else ():
            out.write(item.json())
        out.write(told)
        return blocked
    paper = Paper()
    if args.action == "run":
        paper.table(
            (Column("run", share=1), Column("version"), Column("score", ">"), Column("label", ">"), Column("ground")),
            [
                (
                    f"{item.session}:{item.step}", item.version or "", _number(item.score),
                    _number(item.label[1] if item.label else None), item.label[0] if item.label else "",
                )
                for item in found.runs
            ],
        )  # fmt: skip
    _say(paper, told)
    return blocked


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _say(paper: Paper, told: dict[str, Any]) -> None:
    labels = ", ".join(f"{count:,} by {ground}" for ground, count in told["labels"].items()) or "none"
    paper.line(f"{one_line(told['family'])}: {fmt.plural(told['runs'], 'run')}, trusted labels: {labels}")
    if told["agreement"] is not None:
        low, high = told["interval"]
        paper.line(f"agreement with them: {told['agreement']:.2f} ({low:.2f} to {high:.2f}; chance is 0.50)")
    for item in told["versions"] if told["state"] == "scored" else ():
        paper.line(
            f"version {item['version'] or 'unknown'}: {_number(item['score'])} over {fmt.plural(item['runs'], 'run')}"
        )
    if told["state"] != "scored":
        paper.line(f"{told['state']}: no score. Cheapest: {one_line(told['unblock'] or '')}")
