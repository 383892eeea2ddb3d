"""``seal``: an episode, past the gate, into one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.address import parse_address
from tracetui.commands.common import find_session, opened
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.capsule.checks import Check
    from tracetui.capsule.episode import Episode
    from tracetui.capsule.seal import Draft, Options

EXAMPLES: Final = (
    ("tracetui seal 019c3f2a -o flaky.capsule.zip", "a whole session, with its failing commands as checks"),
    ("tracetui seal 019c3f2a:12-40 -o flaky.capsule.zip --check-from 31", "a range, and one of its commands"),
    ("tracetui seal 019c3f2a -o flaky.capsule.zip --rehearse", "its checks run in the sandbox first"),
    ("tracetui seal 019c3f2a -o flaky.capsule.zip --sign ~/.ssh/id_ed25519", "signed"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    add = parser.add_argument
    add("address", metavar="ID[:A-B]", help="ID, ID:12-40 or ID/AGENT:12-40")
    add("-o", "--output", metavar="FILE", required=True, help="the file to write, NAME.capsule.zip")
    add("--repo", metavar="DIR", help="the repository, where the session's folder is not in it")
    add("--name", metavar="TEXT", help="what the capsule is called")
    add("--author", metavar="TEXT", help="your name, if the reader should know it")
    add("--sign", metavar="KEY", help="sign with this SSH key")
    add(
        "--check",
        action="append",
        default=[],
        metavar="CMD",
        help="a command that shows the problem ({root}: the repo)",
    )
    add("--check-from", action="append", default=[], metavar="STEP", help="the failing command of this step")
    add("--checks", metavar="FILE", help="checks from a JSON file shaped like checks.json")
    add("--no-checks", action="store_true", help="no checks, not even the failing commands of the episode")
    add("--rehearse", action="store_true", help="run the checks in the sandbox first, and keep those that reproduce")
    add("--setup", action="append", default=[], metavar="CMD", help="declare a command that sets the tree up")
    add("--show-checks", action="store_true", help="print the checks that are proposed as JSON, and seal nothing")
    add("--file", action="append", default=[], metavar="PATH", help="carry this file of the repository along")
    add("--include-before", action="store_true", help="keep text from before the range that stands inside its records")
    add("--private-remote", action="store_true", help="name the repository's remote even if it may be private")
    add("--json", action="store_true", help="JSON Lines, one line")


def run(args: argparse.Namespace) -> int:
    """Seal; 0 when the file was written, 1 when refused."""
    from tracetui.capsule.episode import choose
    from tracetui.capsule.seal import LARGE, Options, draft

    address = parse_address(args.address)
    with opened(args) as bucket:
        session = find_session(bucket, address)
        agent = address.agent
        if agent is not None:
            names = {log.agent for log in bucket.logs(session.id, session.harness) if log.agent}
            found = [name for name in names if name == agent] or [name for name in names if name.startswith(agent)]
            if len(found) != 1:
                raise TracetuiError(f"{session.id} has no one subagent {agent}")
            agent = found[0]
        episode = choose(bucket, session, address.first, address.last, agent, address.part)
        if args.show_checks:
            import sys

            from tracetui.capsule.checks import dump

            sys.stdout.write(dump(_proposed(bucket, episode, args.repo)).decode())
            return 0
        options = Options(
            repo=args.repo,
            checks=_chosen(bucket, episode, args),
            name=args.name,
            author=args.author,
            include_before=args.include_before,
            private_remote=args.private_remote,
            files=args.file,
            setup=args.setup,
        )
        made = draft(bucket, episode, options)
        if args.rehearse and made.checks:
            made = _rehearsed(bucket, episode, options, made)
        target = Path(args.output)
        size = made.write(target, Path(args.sign).expanduser() if args.sign else None)
    from tracetui.capsule.signing import allowed_signers
    from tracetui.capsule.verify import verify

    report = verify(target, allowed_signers())
    if args.json:
        JsonLines().write({**report.json(), "notes": made.notes, "checks": len(made.checks)})
    else:
        paper = Paper()
        paper.line(paper.style(one_line(f"Sealed: {target}"), "bold"))
        taken = sum(report.redactions.values())
        checks = fmt.plural(len(made.checks), "check")
        paper.line(f"{fmt.plural(report.steps or 0, 'step')} · {fmt.size(size)} · {checks} · {taken:,} redacted")
        paper.line(f"digest  {report.digest}")
        for line in made.notes:
            note(line)
        if made.unknown:
            unheard = (f"{one_line(name, 60)} ({count:,})" for name, count in made.unknown.most_common(8))
            note(f"fields left out as unknown: {', '.join(unheard)}{', …' if len(made.unknown) > 8 else ''}")
    if size > LARGE:
        note(f"{fmt.size(size)} is more than issue trackers take (25 MB); seal a range")
    if made.exposed:
        shown = ", ".join(f"{mark} ({kind})" for mark, kind in made.exposed[:8])
        note(f"this session exposed {fmt.plural(len(made.exposed), 'secret')}; rotate what is live: {shown}")
    return 0 if report.ok else 1


def _rehearsed(bucket: Bucket, episode: Episode, options: Options, first: Draft) -> Draft:
    """The draft made again, with what its checks showed in the sandbox."""
    from tracetui.capsule.rehearsal import rehearse
    from tracetui.capsule.seal import draft
    from tracetui.sandbox.runner import choose as sandbox

    place = options.repo or episode.session.cwd
    if place is None or not Path(place).is_dir():
        raise TracetuiError("The checks cannot be rehearsed without the repository; name it with --repo")
    with bucket.temporary() as folder:
        done = rehearse(
            first,
            Path(place),
            folder,
            lambda tools: sandbox(tools=tools, scratch=folder),
            progress=lambda what: note(f"rehearsing: {what} …"),
        )
    made = draft(bucket, episode, replace(options, checks=done.checks))
    made.notes += [text for text in done.notes if text not in made.notes]
    return made


def _proposed(bucket: Bucket, episode: Episode, repo: str | None) -> list[Check]:
    from tracetui.capsule.checks import propose
    from tracetui.capsule.code_reader import read_code
    from tracetui.capsule.seal import Options

    code = read_code(bucket, episode, Options(repo=repo))
    return propose(code.commands, code.root)


def _chosen(bucket: Bucket, episode: Episode, args: argparse.Namespace) -> list[Check] | None:
    """The checks that the flags name; None: those that are proposed."""
    from tracetui.capsule import checks

    if args.no_checks:
        return []
    if not (args.check or args.check_from or args.checks):
        return None
    found: list[Check] = []
    if args.checks:
        path = Path(args.checks)
        try:
            found += checks.load(path.read_bytes(), path.name)
        except OSError as error:
            raise TracetuiError(f"Cannot read {path} ({(error.strerror or 'no file').lower()})") from None
    if args.check or args.check_from:
        proposed = _proposed(bucket, episode, args.repo)
        for step in args.check_from:
            mine = [check for check in proposed if str(check.step) == step]
            if not mine:
                raise TracetuiError(f"Step {step} is no failed command of this episode; see: --show-checks")
            found += mine
        for command in args.check:
            same = next((check for check in proposed if check.command == command), None)
            made = same or checks.from_command(0, command, None, None)
            if made is None:
                raise TracetuiError("A check is too long, or holds a NUL")
            found.append(made)
    return [replace(check, number=nth) for nth, check in enumerate(found, 1)]
