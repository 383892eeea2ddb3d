"""``replay``: the checks of a capsule, posed again in a sandbox after the user agreed to them."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.out import JsonLines, Paper, note
from tracetui.model import TracetuiError
from tracetui.text.safe import display_safe, one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.capsule.agreement import Agreement
    from tracetui.capsule.replay import CheckResult, Replay
    from tracetui.sandbox.runner import Sandbox

EXAMPLES: Final = (
    ("tracetui replay flaky.capsule.zip --repo ~/src/limit", "does the failure show here?"),
    ("tracetui replay flaky.capsule.zip --repo ~/src/limit --at main", "is it fixed on main?"),
    ("tracetui replay flaky.capsule.zip --repo ~/src/limit --bisect v2.0..main", "which commit mended it?"),
    ("tracetui replay flaky.capsule.zip --with requests==2.32.0", "with another version of a dependency"),
    ("tracetui replay flaky.capsule.zip --tools ~/venvs/limit", "with a virtual environment of yours"),
)
_SIGNS: Final = {"fixed": "good", "reproduces": "change", "differs": "warn", "inconclusive": "muted"}
_FILES: Final = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    add = parser.add_argument
    add("file", metavar="FILE", help="a capsule")
    add("--repo", metavar="DIR", help="the repository (default: the one around this folder, if it has the base)")
    add("--at", metavar="REV", help="pose the checks at this revision too")
    add(
        "--with",
        dest="other",
        metavar="NAME==VERSION",
        help="with this version of a dependency (pip: or npm: before it)",
    )
    add("--from", dest="source", metavar="DIR", help="take that dependency from this folder, not from the network")
    add("--check", action="append", type=int, metavar="N", help="only this check")
    add(
        "--setup",
        action="append",
        default=[],
        metavar="CMD",
        help="run this in the tree before each check, without network, on copies of your packages",
    )
    add("--bisect", metavar="GOOD..BAD", help="find the commit between two at which the main check's verdict changes")
    add("--dry-run", action="store_true", help="run nothing; print what would run, what it may read, and its digest")
    add("--agree", metavar="DIGEST", help="agree, without being asked, to what --dry-run prints with this digest")
    add("--no-sandbox", action="store_true", help="run the commands without a sandbox, with all your rights")
    add(
        "--tools",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of tools (with bin/, as a virtual environment) that checks may read",
    )
    add("--bare", action="store_true", help="with the system's tools and packages alone, none of yours")
    add("--timeout", type=float, default=300.0, metavar="SECONDS", help="for each run of a check (default: 300)")
    add("--signers", metavar="FILE", help="the keys to trust (default: Git's gpg.ssh.allowedSignersFile)")
    add("--comment", action="store_true", help="print the verdict as a comment for an issue (Markdown)")
    add("--json", action="store_true", help="JSON Lines, one check each, then one for the whole")


def run(args: argparse.Namespace) -> int:
    """Ask, run, judge; 0 for reproduces and fixed, else 1."""
    from tracetui.capsule.agreement import agreement_of
    from tracetui.capsule.bisect import revisions
    from tracetui.capsule.replay import Replay, Request, comment, verdict_of
    from tracetui.capsule.signing import allowed_signers
    from tracetui.capsule.verify import Capsule, report_of
    from tracetui.harness import opentraces
    from tracetui.sandbox import runner as sandboxes
    from tracetui.sandbox.tools import named

    _check_words(args)
    opentraces.refuse(args.file, "its checks are not run here, since nothing binds them to what was sealed")
    request = Request(
        repo=Path(args.repo).expanduser() if args.repo else None,
        at=args.at,
        other=args.other,
        source=Path(args.source).expanduser() if args.source else None,
        checks=args.check,
        setup=args.setup,
    )
    with _temporary(), Capsule(Path(args.file)) as capsule:
        report = report_of(capsule, allowed_signers(args.signers))
        if not report.intact:
            raise TracetuiError("; ".join(report.problems))
        quiet = args.json or args.comment
        replay = Replay(
            capsule,
            request,
            sandboxes.Limits(seconds=args.timeout),
            None if quiet else lambda what: note(f"{what} …"),
        )
        checks = replay.checks
        if checks:
            tools = named(Path(tool).expanduser() for tool in args.tools)
            if not args.bare:
                tools = replay.tools(tools)
            along = revisions(replay, args.bisect) if args.bisect else []
            agreement = agreement_of(replay, tools, sandboxed=not args.no_sandbox, along=along)
            if args.dry_run:
                return _told(replay, report.words, agreement, tools.told, args)
            _consent(replay, report.words, agreement, tools.told, args)
            sandbox = sandboxes.choose(allow_none=args.no_sandbox, tools=tools)
        if checks and args.bisect:
            return _bisect(replay, along, sandbox, args)
        results = _run(replay, sandbox, args) if checks else []
        verdict, told = verdict_of(results)
        why = "the capsule holds no check" if not checks else None
        if args.json:
            JsonLines().write(_whole(verdict, why, results, told))
        elif args.comment:
            sys.stdout.write(comment(capsule.digest, results, request))
        else:
            paper = Paper()
            said = verdict.upper() if why is None else f"{verdict}: {why}"
            paper.line(paper.style(said, _SIGNS[verdict]))
            for line in _rests(told):
                paper.line(paper.style(f"   {one_line(line, 200)}", "muted"))
    return 0 if verdict in ("reproduces", "fixed") else 1


def _run(replay: Replay, sandbox: Sandbox, args: argparse.Namespace) -> list[CheckResult]:
    """Pose the checks, and print each as it comes."""
    results: list[CheckResult] = []
    out = JsonLines() if args.json else None
    for result in replay.run(sandbox):
        results.append(result)
        if out is not None:
            out.write(result.json())
            out.flush()
        elif not args.comment:
            _print(result)
    return results


def _check_words(args: argparse.Namespace) -> None:
    """Refuse words that do not go together."""
    from tracetui.capsule.dependency import parse_wanted

    if not 0 < args.timeout <= 86_400:
        raise TracetuiError("--timeout takes seconds, up to a day", status=2)
    if args.source is not None and args.other is None:
        raise TracetuiError("--from goes with --with NAME==VERSION", status=2)
    if args.bisect and (args.at is not None or args.check or args.comment):
        raise TracetuiError("--bisect goes without --at, --check and --comment", status=2)
    if args.other is not None:
        parse_wanted(args.other)


@contextlib.contextmanager
def _temporary() -> Iterator[None]:
    """Everything temporary of this command in the one private folder, which is swept later if it is left."""
    from tracetui.bucket.tempfolder import TempFolder

    temporary = TempFolder()
    before = tempfile.tempdir
    tempfile.tempdir = str(temporary.folder())
    try:
        yield
    finally:
        tempfile.tempdir = before
        temporary.remove()


def _whole(verdict: str, why: str | None, results: list[CheckResult], told: CheckResult | None) -> dict[str, object]:
    """The last line: the verdict of the whole, and the check that it rests on."""
    return {
        "check": None,
        "main": None if told is None else told.check.number,
        "verdict": verdict,
        "command": None,
        "expected": None,
        "observed": None,
        "exit_code": None,
        "at": None if told is None else told.at,
        "seconds": round(sum(result.seconds for result in results), 3),
        "why": why if told is None else told.why,
        "rests_on": None if told is None else told.rests_on,
    }


def _bisect(replay: Replay, along: list[str], sandbox: Sandbox, args: argparse.Namespace) -> int:
    """Follow the main check along the commits; 0 where the commit was found."""
    from tracetui.capsule.bisect import bisect

    out = JsonLines() if args.json else None
    paper = Paper()

    def told(result: CheckResult) -> None:
        if out is not None:
            out.write(result.json())
            out.flush()
        else:
            paper.line(f"{(result.at or '')[:12]}  {paper.style(result.verdict, _SIGNS[result.verdict])}")

    found = bisect(replay, along, sandbox, told)
    if out is not None:
        out.write(found.json())
    elif found.first is not None:
        paper.line(paper.style(f"{found.first} is the first that is {found.verdict}", "bold"))
        paper.line(f"   {found.why}")
    else:
        paper.line(f"not found: {found.why}")
        for sha in found.between[:_FILES]:
            paper.line(f"   {sha}")
    return 0 if found.first is not None else 1


def _told(replay: Replay, words: str, agreement: Agreement, tools: list[str], args: argparse.Namespace) -> int:
    """Print what would run, and run nothing."""
    if args.json:
        JsonLines().write({**agreement.json(), "reads_told": tools})
        return 0
    for line in _lines(replay, words, tools, args):
        sys.stdout.write(display_safe(line) + "\n")
    sys.stdout.write(f"to agree: --agree {agreement.digest}\n")
    return 0


def _lines(replay: Replay, words: str, tools: list[str], args: argparse.Namespace) -> list[str]:
    """What would run, on what, and what it may read, for people."""
    from tracetui.capsule.render import rehearsed

    lines = [f"{replay.capsule.path.name}: {words}", f"digest {replay.capsule.digest}", "It would run:"]
    for command in replay.setup:
        lines += [f"  set-up: {line}" for line in command.splitlines()]
    for check in replay.checks:
        where = f"   (in {check.folder})" if check.folder else ""
        lines += [f"  {check.number}. {line}" for line in check.command.splitlines()[:1]]
        lines += [f"     {line}" for line in check.command.splitlines()[1:]]
        if where:
            lines.append(where)
        lines.append(f"     {rehearsed(check)}")
    files = replay.runs_on()
    base = replay.capsule.manifest.section("repository").get("base")
    start = base.get("start") if isinstance(base, dict) else None
    lines.append(f"on the files of commit {start}" if start else "on the files that it carries")
    if args.at:
        lines.append(f"and on those of {args.at}")
    if args.bisect:
        lines.append(f"and on those of the commits {args.bisect}, along first parents, as far as needed")
    if files:
        more = f" and {len(files) - _FILES:,} more" if len(files) > _FILES else ""
        lines.append(f"changed by the capsule: {', '.join(files[:_FILES])}{more}")
    if args.other:
        source = f"from {args.source}" if args.source else "over the network, without install scripts"
        lines.append(f"with {args.other}, fetched {source}")
    lines += [f"it may read {tool}" for tool in tools]
    how = "WITHOUT a sandbox, with all your rights" if args.no_sandbox else "in a sandbox without network and home"
    lines.append(f"{how}.")
    return lines


def _consent(replay: Replay, words: str, agreement: Agreement, tools: list[str], args: argparse.Namespace) -> None:
    """Show what would run, and on what, and have the user agree to it; bound to the digest of all that."""
    digest = agreement.digest
    if args.agree is not None:
        if args.agree.strip().lower() != digest:
            raise TracetuiError("--agree names something else than what would run now; see it with --dry-run")
        return
    for line in _lines(replay, words, tools, args):
        sys.stderr.write(display_safe(line) + "\n")
    if not (sys.stdin is not None and sys.stdin.isatty()):
        raise TracetuiError(f"Nothing was run: there is no terminal to ask on; to agree: --agree {digest}")
    sys.stderr.write("Run it? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise TracetuiError("Nothing was run")


def _rests(result: CheckResult | None) -> list[str]:
    """What the verdict of the whole rests on, in lines."""
    from tracetui.capsule.verdict import told_of

    return [] if result is None else told_of(result.rests_on, result.check.number)


def _print(result: CheckResult) -> None:
    paper = Paper()
    check = result.check
    head = paper.style(result.verdict, _SIGNS[result.verdict])
    paper.line(f"{check.number}. {head}  {one_line(check.command, 80)}")
    paper.line(paper.style(f"   {one_line(result.why, 200)}", "muted"))
    if result.why.startswith(("a dependency is missing", "the command could not be found")):
        paper.line(
            paper.style("   if it is installed here, name its folder: --tools DIR (a virtual environment)", "muted")
        )
    code = "not 0" if check.exit_code is None else str(check.exit_code)
    seen = "none" if result.seen.code is None else str(result.seen.code)
    paper.line(f"   status    expected {code}, saw {seen}")
    if check.line:
        paper.line(f"   expected  {one_line(check.line, 160)}")
    if result.seen.line:
        paper.line(f"   saw       {one_line(result.seen.line, 160)}")
