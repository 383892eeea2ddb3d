"""What the screen of a verdict lists: before consent all that would run and on what, afterwards what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.text.safe import one_line
from tracetui.tui.capsule.rows import FactRow, heading
from tracetui.tui.kit.document import Document, DocumentMaker

if TYPE_CHECKING:
    from tracetui.capsule.checks import Check
    from tracetui.capsule.replay import CheckResult, Request

__all__ = ["ROLES", "Asked", "consent_rows", "expected_page", "meaning", "observed_page", "result_rows"]

SIGNS: Final = {"fixed": "alive", "reproduces": "transformed", "differs": "finding", "inconclusive": "unknown"}
ROLES: Final = {"fixed": "good", "reproduces": "change", "differs": "warn", "inconclusive": "muted"}
_TAIL: Final = 20_000


@dataclass(slots=True)
class Asked:
    """What is agreed to: the capsule in ``words`` and by its digest, its checks and those of them that are ``chosen``
    (None: all), the commit and files that they run on, the tools that they may read, and what sets the tree up."""

    words: str
    digest: str
    checks: Sequence[Check]
    start: str | None
    files: Sequence[str]
    chosen: Collection[int] | None = None
    tools: Sequence[str] = field(default_factory=list)
    setup: Sequence[str] = field(default_factory=list)


def consent_rows(asked: Asked, request: Request, width: int) -> list[FactRow]:
    """All that would run, and on what; nothing of a command is cut off."""
    rows = [
        heading("The capsule"),
        FactRow(asked.words, place="words"),
        FactRow(f"digest {asked.digest}", place="digest"),
    ]
    rows.append(heading("It would run, in a sandbox without network and home"))
    for number, command in enumerate(asked.setup):
        pieces = enumerate(_whole(f"set-up: {command}", width - 8))
        rows += [FactRow(line, place=("setup", number, nth)) for nth, line in pieces]
    for check in asked.checks:
        on = asked.chosen is None or check.number in asked.chosen
        for nth, line in enumerate(_whole(check.command, width - 8)):
            sign = ("tick" if on else "lost") if nth == 0 and len(asked.checks) > 1 else ""
            rows.append(FactRow(line, sign=sign, style="" if on else "muted", place=("check", check.number, nth)))
        if check.folder:
            rows.append(FactRow(f"in {check.folder}", style="muted", place=("check", check.number, "folder")))
        status = "a status other than 0" if check.exit_code is None else f"status {check.exit_code}"
        told = f"expects {status}" + (f" and: {check.line}" if check.line else "")
        rows.append(FactRow(told, style="muted", place=("expects", check.number)))
    rows.append(heading("On these files"))
    rows.append(FactRow(f"of commit {asked.start}" if asked.start else "those that it carries", place="base"))
    if request.repo is not None:
        rows.append(FactRow(f"from the repository {request.repo}", place="repo", path=True))
    else:
        rows.append(FactRow("from the repository around this folder, if it has them; r names another", place="repo"))
    if request.at:
        rows.append(FactRow(f"and of {request.at}", place="at"))
    if request.other:
        rows.append(FactRow(f"with {request.other}, fetched over the network without install scripts", place="other"))
    rows += [FactRow(f"and may read {tool}", place=("tool", nth)) for nth, tool in enumerate(asked.tools)]
    if asked.files:
        rows.append(heading("Changed by the capsule", f"{len(asked.files):,}"))
        rows += [FactRow(name, place=("file", name), path=True) for name in asked.files]
    return rows


def _whole(command: str, width: int) -> list[str]:
    """A command in pieces that fit into ``width`` cells, nothing of it left out."""
    width = max(16, width)
    out: list[str] = []
    for line in command.splitlines() or [""]:
        room = width if line.isascii() else width // 2
        out += [line[at : at + room] for at in range(0, len(line), room)] or [""]
    return out


def result_rows(results: Sequence[CheckResult]) -> list[FactRow]:
    """A line for each check that was posed."""
    return [
        FactRow(
            f"{result.check.number}. {result.check.command}",
            f"{result.verdict}, {result.seconds:.1f} s",
            SIGNS[result.verdict],
            place=("result", nth),
        )
        for nth, result in enumerate(results)
    ]


def meaning(verdict: str, results: Sequence[CheckResult], request: Request) -> str:
    """What a verdict says, in a sentence."""
    told = next((result for result in results if result.verdict == verdict), None)
    where = "on the base"
    if request.at:
        at = told.at[:9] if told is not None and told.at else ""
        where = f"at {request.at}" + (f" ({at})" if at and not request.at.startswith(at) else "")
    if request.other:
        where += f" with {request.other}"
    if verdict == "fixed":
        return f"It failed on the base as it was recorded, and passes {where}."
    if verdict == "reproduces":
        return f"The failure shows {where} as it was recorded."
    if verdict == "differs":
        return f"It fails {where}, but not as it was recorded."
    return one_line(f"This tells nothing: {told.why if told is not None else 'the capsule holds no check'}.", 300)


def expected_page(check: Check | None) -> Document:
    """What was recorded."""
    page = DocumentMaker()
    if check is not None:
        page.heading("exit status").add("any but 0" if check.exit_code is None else str(check.exit_code))
        page.heading("line").add(check.line or "none")
        page.heading("command").add(check.command, "shell")
        page.heading("folder").add(check.folder or "the repository's")
    return page.make()


def observed_page(result: CheckResult | None) -> Document:
    """What was seen."""
    page = DocumentMaker()
    if result is None:
        return page.add("It has not run.", style="muted").make()
    seen = result.seen
    page.heading("exit status").add("none" if seen.code is None else str(seen.code))
    page.heading("line").add(seen.line or "none")
    page.heading(result.verdict).add(result.why)
    if result.at:
        page.heading("at").add(result.at)
    if seen is not result.base:
        base = "none" if result.base.code is None else str(result.base.code)
        page.heading("on the base").add(f"{result.base.kind}, exit status {base}\n{result.base.line or ''}")
    if seen.ran is not None and seen.ran.output:
        page.heading("output").add(seen.ran.output[-_TAIL:])
    return page.make()


def folder_of(text: str) -> Path | None:
    """The folder that was typed, None for nothing."""
    return Path(text.strip()).expanduser() if text.strip() else None
