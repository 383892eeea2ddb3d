"""What ``dataset`` does with rows that were made: look, decide, count, make again, write; ratings and answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.commands.common import opened
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.dataset.store import DatasetStore, StoredRow
    from tracetui.dataset.workflow import Workflow

__all__ = ["answer", "donate", "export", "lines", "named", "rate", "review", "schedule", "status", "verify"]


def named(args: argparse.Namespace, store: DatasetStore) -> Workflow:
    """The workflow that was named; one of a file is known by its name from then on."""
    from tracetui.dataset.workflow import find

    if not args.name:
        raise TracetuiError(
            f"dataset {args.action} needs the name of a workflow; all of them: tracetui dataset list", status=2
        )
    workflow = find(args.name, store.files())
    if not workflow.shipped and ("/" in args.name or args.name.endswith(".md")):
        store.add_file(workflow.name, Path(args.name).expanduser().resolve())
    return workflow


def lines(told: list[dict[str, Any]]) -> int:
    out = JsonLines()
    for item in told:
        out.write(item)
    return 0


def _row_json(row: StoredRow) -> dict[str, Any]:
    import orjson

    return {
        "dataset": row.dataset, "row": row.id, "state": row.state, "session": row.session, "harness": row.harness,
        "steps": row.source["steps"], "unit": row.unit, "digest": row.digest, "value": orjson.loads(row.body),
    }  # fmt: skip


def review(args: argparse.Namespace) -> int:
    from tracetui.dataset.store import DatasetStore

    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        workflow = named(args, store)
        if args.approve or args.reject:
            return _decide(args, bucket, store, workflow.name)
        out = JsonLines() if args.json else None
        paper = Paper()
        count = 0
        for row in store.rows(workflow.name):
            count += 1
            if out is not None:
                out.write(_row_json(row))
            else:
                first, last = row.source["steps"]
                head = f"{row.id:>6} {row.state:<9} {row.session[:13]}:{first}-{last}"
                paper.line(one_line(f"{head} {row.body[:400]}", paper.width))
        if not count:
            raise TracetuiError(f"{workflow.name} has no rows; make them: tracetui dataset run {workflow.name}")
    return 0


def _decide(args: argparse.Namespace, bucket: Bucket, store: DatasetStore, name: str) -> int:
    """Approve and reject rows by number; what is approved must pass the gate."""
    from tracetui.dataset.gate import RowGate
    from tracetui.redact.decisions import Decisions

    counts = {True: 0, False: 0}
    with Decisions(bucket.path) as decisions:
        gate = RowGate(bucket, decisions)
        for approve, words in ((True, args.approve), (False, args.reject)):
            for row in _chosen(store, name, words):
                why = gate.why(row) if approve else None
                if why is not None:
                    note(f"row {row.id} of {row.session} is not approved: {why}; tracetui redact {row.session}")
                    continue
                store.decide(row.id, row.digest, approve=approve)
                counts[approve] += 1
    if args.json:
        return lines([{"dataset": name, "approved": counts[True], "rejected": counts[False], **store.states(name)}])
    Paper().line(f"{counts[True]:,} approved, {counts[False]:,} rejected; next: tracetui dataset status {name}")
    return 0


def _chosen(store: DatasetStore, name: str, words: str | None) -> Iterator[StoredRow]:
    if not words:
        return
    ids = set(store.row_ids(name))
    if words == "all":
        chosen = sorted(ids)
    else:
        if not all(word.isdigit() for word in words.split(",")):
            raise TracetuiError(f"{words[:40]!a} are no rows; numbers with commas, or all", status=2)
        chosen = [int(word) for word in words.split(",")]
    for number in chosen:
        row = store.row(number) if number in ids else None
        if row is None:
            raise TracetuiError(f"{name} has no row {number}; see: tracetui dataset review {name}")
        if words != "all" or row.state in ("new", "changed"):
            yield row


def status(args: argparse.Namespace) -> int:
    from tracetui.dataset.figures import figure_lines, figures_of, times_of
    from tracetui.dataset.store import DatasetStore

    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        workflow = named(args, store)
        states = store.states(workflow.name)
        asked = store.questions(workflow.name)
        problems = store.problems(workflow.name)
        rows = [row for row in store.rows(workflow.name) if row.state != "rejected"]
        figures = figures_of(rows, times_of(bucket))
    told = {
        "dataset": workflow.name, **states, "questions": [item.question for item in asked],
        "problems": [{"session": session, "problem": text} for _, session, text in problems], **figures.json(),
    }  # fmt: skip
    if args.json:
        return lines([told])
    paper = Paper()
    paper.line(", ".join(f"{count:,} {state}" for state, count in states.items()))
    for line in figure_lines(figures.json()):
        paper.line(line)
    for nth, item in enumerate(asked, 1):
        choices = "/".join(item.choices)
        paper.line(
            one_line(f"question {nth}: {item.session[:13]} {item.unit}: {item.question} ({choices})", paper.width)
        )
    for _, session, text in problems:
        paper.line(one_line(f"{session}: {text}", paper.width))
    paper.line(_next(workflow.name, states))
    return 0


def _next(name: str, states: dict[str, int]) -> str:
    if states["new"] or states["changed"]:
        return f"Next: tracetui dataset review {name}"
    if states["approved"]:
        return f"Next: tracetui dataset export {name} -o DIR, or donate"
    return f"Next: tracetui dataset run {name}"


def verify(args: argparse.Namespace) -> int:
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.verifying import verify_folder, verify_stored

    out = JsonLines() if args.json else None
    paper = Paper()
    count = bad = 0
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        folder = Path(args.name).expanduser() if args.name else None
        if folder is not None and folder.is_dir():
            found = verify_folder(bucket, store, folder)
        else:
            found = verify_stored(bucket, store, named(args, store))
        for item in found:
            count += 1
            bad += not item.same
            if out is not None:
                out.write(item.json())
            elif not item.same:
                paper.line(f"row {item.row} of {one_line(item.session)}: {item.why}")
    if out is None:
        paper.line(f"{count - bad:,} of {fmt.plural(count, 'row')} are the same, byte for byte")
    return 1 if bad else 0


def export(args: argparse.Namespace) -> int:
    from tracetui.dataset.output import write_dataset
    from tracetui.dataset.store import DatasetStore

    target = _target(args)
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        files = write_dataset(bucket, store, named(args, store), target, force=args.force)
    return _wrote(args, target, files)


def _target(args: argparse.Namespace) -> Path:
    if not args.output:
        raise TracetuiError(f"dataset {args.action} needs a folder to write: -o DIR", status=2)
    return Path(args.output).expanduser()


def _wrote(args: argparse.Namespace, target: Path, files: list[dict[str, Any]]) -> int:
    if args.json:
        return lines(files)
    paper = Paper()
    for item in files:
        paper.line(f"{fmt.size(item['bytes']):>9}  {one_line(item['path'])}")
    paper.line(f"Wrote {fmt.plural(len(files), 'file')} to {one_line(str(target))}")
    return 0


def donate(args: argparse.Namespace) -> int:
    from tracetui.dataset import donation
    from tracetui.dataset.donation import Terms, sentence, upload_command
    from tracetui.dataset.store import DatasetStore

    target = _target(args)
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        workflow = named(args, store)
        terms = Terms(args.license or workflow.license, args.contact or "", args.target or "")
        agreed = sentence(terms)
        if args.agree is None:
            _ask_consent(agreed)
        files = donation.donate(bucket, store, workflow, target, terms, int(time.time() * 1000), force=args.force)
    _wrote(args, target, files)
    if not args.json:
        Paper().line(f"Nothing was sent. To give it: {one_line(upload_command(target, terms))}")
    return 0


def _ask_consent(agreed: str) -> None:
    """Take the user's yes to the sentence of consent; anything else ends the command with status 1."""
    if not (sys.stdin is not None and sys.stdin.isatty()):
        raise TracetuiError(f"Nothing was written: to agree to “{agreed}”, say --agree")
    sys.stderr.write(f"{agreed}\nDo you agree? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise TracetuiError("Nothing was written")


def schedule(args: argparse.Namespace) -> int:
    from tracetui.dataset.schedule import unit_file
    from tracetui.dataset.store import DatasetStore

    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        workflow = named(args, store)
        store.ran(workflow.name, workflow.digest, store.known().get(workflow.name) or 0)
        output = str(Path(args.output or "reports").expanduser().absolute())
        text = unit_file(workflow, args.kind, str(bucket.path), output)
    if args.json:
        return lines([{"dataset": workflow.name, "kind": args.kind, "text": text}])
    Paper().line(display_safe(text, keep_newlines=True).rstrip("\n"))
    return 0


def answer(args: argparse.Namespace) -> int:
    from tracetui.dataset.store import DatasetStore

    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        workflow = named(args, store)
        asked = store.questions(workflow.name)
        if args.question is None or args.value is None or not 1 <= args.question <= len(asked):
            raise TracetuiError(
                f"{workflow.name} has {fmt.plural(len(asked), 'question')}; answer one with --question N --value WORD",
                status=2 if asked else 1,
            )
        item = asked[args.question - 1]
        if item.choices and args.value not in item.choices:
            raise TracetuiError(f"{args.value[:40]!a} is none of {', '.join(item.choices)}", status=2)
        store.answer(item, args.value)
    Paper().line(f"Kept; next: tracetui dataset run {workflow.name}")
    return 0


def rate(args: argparse.Namespace) -> int:
    """Rate a session, or one of its steps."""
    from tracetui.commands.address import parse_address
    from tracetui.commands.common import find_logs
    from tracetui.dataset.store import DatasetStore

    if not args.name or args.value is None:
        raise TracetuiError("dataset rate needs a session or step, and --value good, bad, mixed or none", status=2)
    address = parse_address(args.name)
    if address.first is not None and not address.single:
        raise TracetuiError(f"{args.name} is a range; rate a session, or one of its steps", status=2)
    with opened(args) as bucket, DatasetStore(bucket.path) as store:
        session, logs = find_logs(bucket, address)
        key = ""
        if address.first is not None:
            number, _ = address.span(logs[0].numbers, session.id)
            key = bucket.step(logs[0], number).key
        agent = (logs[0].agent or "") if key or address.agent else ""
        value = None if args.value == "none" else args.value
        store.rate(session.harness, session.id, value, args.note, agent=agent, key=key)
    Paper().line(f"Kept: {one_line(args.name)} is rated {args.value}" if value else "The rating is taken back")
    return 0
