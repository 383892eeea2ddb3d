"""``doctor``: what was found where, what is unreadable, what is about to be deleted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import bucket_path
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket.doctor import Diagnosis

EXAMPLES: Final = (
    ("tracetui doctor", "check everything; every copy is compared with its file"),
    ("tracetui doctor --quick", "the same without comparing contents"),
    ("tracetui doctor --repair", "and set right what can be"),
)
_SHOWN: Final = 10
_ORDER: Final = {"bad": 0, "warn": 1, "ok": 2}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--quick", action="store_true", help="do not compare copies with files")
    parser.add_argument("--repair", action="store_true", help="rebuild a damaged index, capture damaged copies anew")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one check each")


def run(args: argparse.Namespace) -> int:
    """Check, and repair where asked; the exit status is 1 when a check is bad (after the repair)."""
    checks: list[Diagnosis] = []
    out = JsonLines() if args.json else None
    for check in _checks(args):
        checks.append(check)
        if out is not None:
            out.write(
                {
                    "check": check.check,
                    "status": check.status,
                    "harness": check.harness,
                    "path": check.path,
                    "line": check.line,
                    "message": check.message,
                    "action": check.action,
                }
            )
    if out is None:
        _print(checks)
    if args.repair:
        _repair(args, checks)
        checks = list(_checks(args))
        if left := sum(check.status == "bad" for check in checks):
            note(f"{fmt.plural(left, 'check')} still bad; look again with: tracetui doctor")
    return 1 if any(check.status == "bad" for check in checks) else 0


def _checks(args: argparse.Namespace) -> Iterator[Diagnosis]:
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import read_consent
    from tracetui.bucket.doctor import Diagnosis, damaged_check, examine, examine_roots
    from tracetui.bucket.salvage import damaged
    from tracetui.commands.gather import gather, kept_paths, leave_out

    settings = config.load()
    for problem in settings.problems:
        yield Diagnosis("config", "warn", problem, action="edit the file")
    path = bucket_path(args.bucket)
    home = Path.home()
    try:
        bucket = Bucket.open(path, finish=False)
    except TracetuiError as error:
        if os.path.lexists(path):
            wrong = damaged(path)
            yield from (damaged_check(database, why) for database, why in wrong.items())
            if not wrong:
                yield Diagnosis("bucket", "bad", str(error), path=str(path))
        else:
            yield Diagnosis("bucket", "warn", "there is no bucket yet", path=str(path), action="tracetui index")
        yield from examine_roots(os.environ, home, None, [])
        return
    try:
        consent, kept = read_consent(bucket), kept_paths(bucket)
        found = gather([], config=settings, consent=consent, kept=kept, home=home)
        files = found.files
        for name, count in found.offered.items():
            told = f"{fmt.plural(count, 'log')} not copied: nobody agreed to it yet"
            yield Diagnosis("consent", "warn", told, name, action=f"tracetui index --agree {name}")
        wanted = {file.path for file in leave_out(bucket, files, config=settings, consent=consent)}
        yield from examine(bucket, os.environ, home, deep=not args.quick, wanted=wanted, kept=kept)
    except sqlite3.DatabaseError as error:
        # (Which file it is was told by the check of databases, but for damage that only reading meets.)
        yield damaged_check(path / "index.db", str(error))
    finally:
        bucket.close()


def _repair(args: argparse.Namespace, checks: list[Diagnosis]) -> None:
    from tracetui.bucket.doctor import repair

    for line in repair(bucket_path(args.bucket), checks) or ["there is nothing that could be repaired"]:
        note(line)


def _print(checks: list[Diagnosis]) -> None:
    """Bad first; many findings of one kind are counted after the first ten."""
    paper = Paper()
    home = os.path.expanduser("~")  # noqa: PTH111 - never raises
    grouped: dict[tuple[str, str], list[Diagnosis]] = {}
    for check in checks:
        grouped.setdefault((check.status, check.check), []).append(check)
    for (status, name), group in sorted(grouped.items(), key=lambda item: _ORDER[item[0][0]]):
        role = {"bad": "bad", "warn": "warn", "ok": "good"}[status]
        for check in group[:_SHOWN]:
            where = fmt.home_path(check.path, home) if check.path else ""
            if where and check.line:
                where += f":{check.line}"
            subject = " ".join(part for part in (check.harness, where) if part)
            text = f"{subject}: {check.message}" if subject else check.message
            paper.line(paper.style(f"{status:<5}", role) + f"{name:<12}" + one_line(text))
            if check.action and check is group[min(len(group), _SHOWN) - 1]:
                paper.line(paper.style(f"{'':<17}do: {one_line(check.action)}", "muted"))
        if len(group) > _SHOWN:
            paper.line(f"{'':<17}… and {fmt.count(len(group) - _SHOWN)} more; all of them with --json")
    bad = sum(check.status == "bad" for check in checks)
    warn = sum(check.status == "warn" for check in checks)
    paper.line()
    paper.line(f"{fmt.plural(len(checks), 'check')}: {bad} bad, {fmt.plural(warn, 'warning')}")
