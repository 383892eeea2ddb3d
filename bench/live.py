"""Recordings of real agents, and what ``ctx`` says of each of their model calls against what they sent.

    python bench/live.py record FOLDER --recorder DIR --programs DIR [HARNESS[-VERSION][/SCRIPT] …]
    python bench/live.py compare FOLDER [HARNESS[-VERSION][/SCRIPT] …] [--verbose]
    python bench/live.py resume FOLDER --recorder DIR --programs DIR [HARNESS[-VERSION][/SCRIPT] …]

``record`` runs the scripts of ``bench/live/scripts`` with each program installed below ``--programs`` (folders called
``HARNESS-VERSION``, as ``npm install --prefix`` makes them), against a scripted model on loopback: ``--recorder`` is
the folder of ``record.py`` and ``server.py``. Recordings that are there already are left alone. Scripts with ``keys``
are typed into the program's own terminal. ``compare`` indexes each recording into a bucket of its own and prints a
table per program and version: calls compared, exactly right (tool calls, results, texts, thinking and what people
said, no more and no less), in the order of the request, with something from the future, reminders that were sent and
are not shown, missing tokens beyond the reported size, and how many calls grew as the request did (15 % or 200
tokens).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "live")]


def wanted(names: list[str], program: str, script: str) -> bool:
    """Whether the words on the command line ask for this recording."""
    return not names or any(
        (f"{program}/{script}" + "/").startswith(name + "/")
        or program.split("-")[0] == name
        or name == f"{program.split('-')[0]}/{script}"
        or name == f"/{script}"
        for name in names
    )


def record_all(args: argparse.Namespace) -> None:
    """Make what recordings are missing."""
    from driver import record

    scripts = sorted((HERE / "live" / "scripts").glob("*.json"))
    for program in sorted(path for path in args.programs.iterdir() if path.is_dir()):
        harness = program.name.partition("-")[0]
        for script in scripts:
            known = json.loads(script.read_text()).get("harnesses")
            if (known and harness not in known) or not wanted(args.names, program.name, script.stem):
                continue
            out = args.folder / program.name / script.stem
            if (out / "run.json").exists():
                continue
            state = record(
                args.recorder, harness, script, out, program / "node_modules" / ".bin" / harness, args.timeout
            )
            print(f"{program.name:<18} {script.stem:<14} {state}", flush=True)


def compare_all(args: argparse.Namespace) -> None:
    """Print what differs, then the table."""
    from compare import Verdict, verdicts

    rows: dict[str, Counter[str]] = {}
    unseen: Counter[str] = Counter()
    for run in sorted(args.folder.glob("*/*/run.json")):
        out = run.parent
        if not wanted(args.names, out.parent.name, out.name):
            continue
        row = rows.setdefault(out.parent.name, Counter())
        before: dict[str, Verdict] = {}
        try:
            found = list(verdicts(out))
        except Exception as error:  # a recording that cannot be compared is told of, and the rest goes on
            print(f"{out.parent.name}/{out.name}: {error!r}")
            row["broken"] += 1
            if args.verbose > 2:
                raise
            continue
        for verdict in found:
            row["calls"] += 1
            row["right"] += not verdict.wrong
            row["ordered"] += not verdict.disorder and not verdict.wrong
            row["future"] += bool(verdict.future)
            row["unseen"] += len(verdict.unseen)
            row["over"] += verdict.over
            last = before.get(verdict.thread)
            if last is not None:
                ours, theirs = verdict.ours - last.ours, verdict.theirs - last.theirs
                row["pairs"] += 1
                row["near"] += abs(ours - theirs) <= max(200, 0.15 * abs(theirs))
            before[verdict.thread] = verdict
            unseen.update(" ".join(text.split())[:90] for text in verdict.unseen)
            if args.verbose and (verdict.wrong or verdict.future or verdict.disorder):
                order = f"  other order: {verdict.disorder}" if verdict.disorder else ""
                print(f"{out.parent.name}/{verdict.label}{order}")
                for line in [*verdict.wrong, *(f"FUTURE {text}" for text in verdict.future)][: args.verbose * 4]:
                    print(f"    {line}")
    print(
        f"{'program':<20} {'calls':>6} {'right':>7} {'order':>7} {'future':>7} {'over':>5} {'unseen':>7} {'growth':>7}"
    )
    for name, row in sorted(rows.items()):
        calls = max(1, row["calls"])
        growth = f"{100 * row['near'] / row['pairs']:.1f}%" if row["pairs"] else "-"
        right, ordered = (f"{100 * row[key] / calls:>6.1f}%" for key in ("right", "ordered"))
        counts = f"{row['future']:>7} {row['over']:>5} {row['unseen']:>7} {growth:>7}"
        print(f"{name:<20} {row['calls']:>6} {right} {ordered} {counts}")
    if args.verbose:
        for text, count in unseen.most_common(25):
            print(f"{count:>5}  {text!a}")


def resume_all(args: argparse.Namespace) -> None:
    """Export the last context of each recording natively, and have the program go on from it."""
    from resume import resumed

    from tracetui.model import TracetuiError

    for run in sorted(args.folder.glob("*/*/run.json")):
        recording = run.parent
        program = args.programs / recording.parent.name / "node_modules" / ".bin" / recording.parent.name.split("-")[0]
        if not wanted(args.names, recording.parent.name, recording.name) or not program.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                wrong = resumed(args.recorder, program, recording, Path(folder))
            except (OSError, RuntimeError, ValueError, TracetuiError) as error:
                wrong = repr(error)
        print(f"{recording.parent.name:<18} {recording.name:<14} {wrong or 'as exported'}", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    record = commands.add_parser("record")
    record.add_argument("folder", type=Path)
    record.add_argument("names", nargs="*")
    record.add_argument("--recorder", type=Path, required=True)
    record.add_argument("--programs", type=Path, required=True)
    record.add_argument("--timeout", type=float, default=90)
    record.set_defaults(run=record_all)
    resume = commands.add_parser("resume")
    resume.add_argument("folder", type=Path)
    resume.add_argument("names", nargs="*")
    resume.add_argument("--recorder", type=Path, required=True)
    resume.add_argument("--programs", type=Path, required=True)
    resume.set_defaults(run=resume_all)
    compare = commands.add_parser("compare")
    compare.add_argument("folder", type=Path)
    compare.add_argument("names", nargs="*")
    compare.add_argument("--verbose", "-v", action="count", default=0)
    compare.set_defaults(run=compare_all)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
