"""``verify``: whether a capsule is unchanged, and who signed it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.commands.out import JsonLines, Paper
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui verify flaky.capsule.zip", "check every byte of it"),
    ("tracetui verify flaky.capsule.zip --signers team.keys", "and whether one of these keys signed it"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("file", metavar="FILE", help="a capsule")
    parser.add_argument(
        "--signers", metavar="FILE", help="the keys to trust (default: Git's gpg.ssh.allowedSignersFile)"
    )
    parser.add_argument("--json", action="store_true", help="JSON Lines, one line")


def run(args: argparse.Namespace) -> int:
    """Check and print; 0 when the capsule is intact, else 1. Nothing of it runs."""
    from tracetui.capsule.signing import allowed_signers
    from tracetui.capsule.verify import verify
    from tracetui.harness import opentraces
    from tracetui.model import TracetuiError

    opentraces.refuse(args.file, "nothing in it binds its content to a checksum or a signature")
    report = verify(Path(args.file), allowed_signers(args.signers))
    if args.json:
        JsonLines().write(report.json())
        return 0 if report.ok else 1
    if not report.ok:
        raise TracetuiError("; ".join(report.problems))
    paper = Paper()
    paper.line(paper.style(one_line(report.words), "bold"))
    paper.line(f"digest  {report.digest}")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.redactions.items()))
    facts = [report.format or "", fmt.plural(report.steps or 0, "step"), fmt.size(report.bytes or 0)]
    paper.line(one_line(" · ".join([*facts, f"redacted: {kinds}" if kinds else "nothing redacted"])))
    return 0
