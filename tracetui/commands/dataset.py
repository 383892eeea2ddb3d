"""``dataset``: from workflows to rows that were reviewed, and to reports; nothing is sent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands import dataset_rows as rows
from tracetui.commands.common import opened
from tracetui.commands.dataset_rows import lines, named
from tracetui.commands.out import Column, Paper, note
from tracetui.model import TracetuiError, to_iso
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.workflow import Workflow

EXAMPLES: Final = (
    ("tracetui dataset list", "the workflows that there are"),
    ("tracetui dataset new mended-tests -o mine.md", "a workflow to begin from, as a file"),
    ("tracetui dataset run mended-tests --accept-tier 2", "make its rows"),
    ("tracetui dataset run standup", "print a report"),
    ("tracetui dataset review mended-tests", "look at the rows beside their sessions: approve, reject"),
    ("tracetui dataset export mended-tests -o out", "write what was approved"),
    ("tracetui dataset donate mended-tests -o gift --agree", "a folder that is ready to be given"),
    ("tracetui dataset verify out", "make its rows again, and tell what is not the same"),
    ("tracetui dataset schedule standup --kind systemd", "print the unit file that runs what is due"),
)
_ACTIONS: Final = (
    "list", "new", "run", "review", "status", "verify", "export", "donate", "schedule", "answer", "rate",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a workflow: its name or its FILE; for rate an ID")
    parser.add_argument("-o", "--output", metavar="PATH", help="the file or folder that is written")
    parser.add_argument("--force", action="store_true", help="replace a folder that exists")
    parser.add_argument("--due", action="store_true", help="run: every workflow that is due")
    parser.add_argument(
        "--accept-tier", type=int, metavar="N", help="run: accept open findings up to tier 1 or 2 first"
    )
    parser.add_argument(
        "--agree", nargs="?", const="", metavar="DIGEST",
        help="run: agree to the code with this digest; donate: agree to the sentence of consent",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, metavar="N", help="run: so many sessions at most")
    parser.add_argument("--unreviewed", action="store_true", help="run: print a report without the gate")
    parser.add_argument("--approve", metavar="ROWS", help="review: approve rows (numbers with commas, or all)")
    parser.add_argument("--reject", metavar="ROWS", help="review: reject rows")
    parser.add_argument("--value", metavar="WORD", help="rate: good, bad, mixed or none; answer: the answer")
    parser.add_argument("--note", metavar="TEXT", help="rate: why")
    parser.add_argument("--question", type=int, metavar="N", help="answer: which of the questions that status shows")
    parser.add_argument("--license", metavar="NAME", help="donate: another licence than the workflow's")
    parser.add_argument("--contact", metavar="TEXT", help="donate: whom to ask for removal")
    parser.add_argument("--target", metavar="WHERE", help="donate: where it will be given to, for the printed command")
    parser.add_argument("--kind", choices=("systemd", "launchd", "cron"), default="systemd", help="schedule: for what")
    parser.add_argument("--json", action="store_true", help="JSON Lines")


def run(args: argparse.Namespace) -> int:
    """Do it; the exit status."""
    does: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list, "new": _new, "run": _run, "review": rows.review, "status": rows.status, "verify": rows.verify,
        "export": rows.export, "donate": rows.donate, "schedule": rows.schedule, "answer": rows.answer,
        "rate": rows.rate,
    }  # fmt: skip
    if args.accept_tier is not None and args.accept_tier not in (1, 2):
        raise TracetuiError(
            f"--accept-tier {args.accept_tier} is not 1 or 2; weak findings are decided by hand", status=2
        )
    return does[args.action](args)


# -- which there are


def _list(args: argparse.Namespace) -> int:
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.workflow import find, shipped

    told: list[dict[str, Any]] = []
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        known, own = store.known(), store.files()
        for name in sorted({*shipped(), *own}):
            try:
                workflow = find(name, own)
            except TracetuiError as error:
                note(str(error))
                continue
            told.append({
                "name": name, "for": workflow.about, "target": workflow.target, "unit": workflow.unit,
                "shipped": workflow.shipped, "code": workflow.language or None, "every": workflow.every,
                "ran": to_iso(known.get(name)), "digest": workflow.digest, "rows": store.states(name),
                "questions": len(store.questions(name)),
            })  # fmt: skip
    if args.json:
        return lines(told)
    paper = Paper()
    paper.table(
        (Column("name"), Column("target"), Column("rows", ">"), Column("approved", ">"), Column("for", share=1)),
        [
            (
                item["name"], item["target"], f"{sum(item['rows'].values()):,}" if item["target"] == "dataset" else "",
                f"{item['rows']['approved']:,}" if item["target"] == "dataset" else "", item["for"],
            )
            for item in told
        ],
    )  # fmt: skip
    return 0


def _new(args: argparse.Namespace) -> int:
    """Write a copy of a shipped workflow to begin from."""
    from tracetui.bucket.location import write_private
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.workflow import load, shipped

    known = shipped()
    name = args.name or "prompt-to-hunks"
    if name not in known:
        raise TracetuiError(
            f"There is no shipped workflow {name[:64]!a} to begin from; all: {', '.join(known)}", status=2
        )
    target = Path(args.output or f"{name}-mine.md").expanduser()
    if target.exists() and not args.force:
        raise TracetuiError(f"{one_line(str(target))} exists; name another file with -o, or replace it with --force")
    stem = "".join(char if char.isalnum() and char.isascii() else "-" for char in target.stem.lower()).strip("-")
    text = known[name].text.replace(f"\nname: {name}\n", f"\nname: {stem or name + '-mine'}\n", 1)
    try:
        write_private(target, text.encode())
    except OSError as error:
        raise TracetuiError(f"Cannot write {one_line(str(target))} ({error.strerror or error})") from None
    made = load(target)
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        store.add_file(made.name, target.resolve())
    if args.json:
        return lines([{"name": made.name, "path": str(target), "digest": made.digest}])
    Paper().line(f"Wrote {one_line(str(target))}; edit it, then: tracetui dataset run {made.name}")
    return 0


# -- running


def _run(args: argparse.Namespace) -> int:
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.workflow import find, shipped

    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        if not args.due:
            return _run_one(args, bucket, store, named(args, store))
        from tracetui.dataset.schedule import due

        own = store.files()
        found: list[Workflow] = []
        for name in sorted({*shipped(), *own}):
            try:
                found.append(find(name, own))
            except TracetuiError as error:
                note(str(error))
        status = 0
        for workflow in due(store, found, int(time.time() * 1000)):
            try:
                status = max(status, _run_one(args, bucket, store, workflow))
            except TracetuiError as error:
                note(f"{workflow.name}: {error}")
                status = 1
        return status


def _run_one(args: argparse.Namespace, bucket: Bucket, store: DatasetStore, workflow: Workflow) -> int:
    if workflow.foreign:
        _agree(args, store, workflow)
    if workflow.target == "report":
        return _report(args, bucket, store, workflow)
    from tracetui.dataset.making import Maker

    maker = Maker(bucket, store, workflow, tier=args.accept_tier)
    with _progress(args) as progress:
        summary = maker.run(limit=args.limit, progress=progress)
    if args.json:
        return lines([summary.json()])
    paper = Paper()
    for name, why in summary.waiting:
        paper.line(one_line(f"{name}: {why.partition(': ')[2] or why}", paper.width))
    for name, text in summary.problems:
        paper.line(one_line(f"{name}: {text}", paper.width))
    left = (
        f", {fmt.plural(len(summary.waiting), 'session')} not decided (--accept-tier 2 accepts)"
        if summary.waiting
        else ""
    )
    asked = f", {fmt.plural(summary.questions, 'question')} for you" if summary.questions else ""
    paper.line(
        f"{workflow.name}: {fmt.plural(summary.rows, 'row')} ({summary.new:,} new, {summary.changed:,} changed, "
        f"{summary.gone:,} gone) from {fmt.plural(summary.sessions, 'session')}{left}{asked}"
    )
    if summary.rows:
        paper.line(f"Next: tracetui dataset review {workflow.name}")
    return 0


def _agree(args: argparse.Namespace, store: DatasetStore, workflow: Workflow) -> None:
    """Show the code of a workflow that was not agreed to, and take the agreement by its digest."""
    if store.agreed(workflow.name) == workflow.digest:
        return
    if args.agree and len(args.agree) >= 8 and workflow.digest.startswith(args.agree):
        store.agree(workflow.name, workflow.digest)
        return
    for line in workflow.code.splitlines():
        sys.stderr.write(f"    {display_safe(line, keep_tabs=True)}\n")
    raise TracetuiError(
        f"The workflow {workflow.name} brings the {workflow.language} code above; it runs in the sandbox, without "
        f"network, home, repository or bucket. To agree: --agree {workflow.digest[:16]}"
    )


def _report(args: argparse.Namespace, bucket: Bucket, store: DatasetStore, workflow: Workflow) -> int:
    from tracetui.bucket.location import write_private
    from tracetui.dataset.report import report

    with _progress(args) as progress:
        text = report(bucket, workflow, unreviewed=args.unreviewed, progress=progress)
    now = int(time.time() * 1000)
    store.ran(workflow.name, workflow.digest, now)
    target: Path | None = None
    if args.output:
        target = Path(args.output).expanduser()
        if args.due or target.is_dir():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            target = target / f"{workflow.name}-{(to_iso(now) or '')[:10]}.md"
        try:
            write_private(target, text.encode("utf-8", "replace"))
        except OSError as error:
            raise TracetuiError(f"Cannot write {one_line(str(target))} ({error.strerror or error})") from None
    if args.json:
        path = str(target) if target else None
        return lines([{"dataset": workflow.name, "path": path, "text": None if target else text}])
    if target is None:
        Paper().line(display_safe(text, keep_newlines=True).rstrip("\n"))
    else:
        Paper().line(f"Wrote {one_line(str(target))}")
    return 0


class _progress:  # noqa: N801 - used as a function
    """Counts on a terminal's standard error, in place; nothing elsewhere."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._on = not args.json and sys.stderr.isatty()
        self._told = 0.0

    def __enter__(self) -> Callable[[int, int], None]:
        return self._tell

    def _tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._on and (now - self._told > 0.1 or done == total):
            self._told = now
            sys.stderr.write(f"\r\x1b[K{done:,} of {total:,}")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._on and self._told:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
