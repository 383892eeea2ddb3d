"""What the last screen before a seal lists: the choices, the checks, every entry, and why it may not be sealed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.redact.values import Target
from tracetui.text import format as fmt
from tracetui.tui.capsule.rows import FactRow, heading
from tracetui.tui.kit.document import Document, DocumentMaker

if TYPE_CHECKING:
    from tracetui.capsule.checks import Check
    from tracetui.capsule.seal import Draft, Options, Refused

__all__ = [
    "STAGES",
    "Choices",
    "Taken",
    "check_page",
    "choice_page",
    "draft_rows",
    "forgotten",
    "hours_page",
    "rehearsal_page",
    "stage_lines",
    "to_decide",
    "unrehearsed",
    "weak_page",
    "why_not",
]

Taken = Sequence[tuple["Check", bool]]
"""Checks, and whether each is taken."""

STAGES: Final = {
    "findings": "looking for secrets",
    "code": "reading the repository",
    "context": "working out what the model saw",
    "proof": "proving that nothing is left",
    "entries": "making the entries",
}
"""What ``draft`` does, in order, in words."""
_LEAKS: Final = 20
_HINTS: Final = {
    "name": "Any words; they stand at the top of what the reader sees. Key: n",
    "author": "Your name stands in the capsule only if you say so here. Key: u",
    "key": "An SSH key signs the digest: readers who trust the key know who sealed it. Key: s",
    "files": "Files of the repository that a check needs and that no commit holds. Key: f",
    "remote": "Where the repository can be fetched. One that may be private is told only if you say so. Key: p",
    "before": "Compaction summaries, whole-file originals and titles hold text from before the range. Key: b",
}


@dataclass(slots=True)
class Choices:
    """What the user chose beside the checks."""

    name: str | None = None
    author: str | None = None
    key: Path | None = None
    files: tuple[str, ...] = ()
    before: bool = False
    remote: bool = False

    def options(self, checks: Sequence[Check] | None) -> Options:
        """As ``draft`` takes them."""
        from tracetui.capsule.seal import Options

        return Options(
            checks=checks,
            name=self.name,
            author=self.author,
            include_before=self.before,
            private_remote=self.remote,
            files=self.files,
        )


def stage_lines(at: str, count: str, signs: tuple[str, str]) -> list[str]:
    """The parts of the work, one line each; those that are done have the first sign, the one at work the second."""
    out = ["Nothing is written yet; q stops it.", ""]
    names = list(STAGES)
    here = names.index(at) if at in names else -1
    for nth, name in enumerate(names):
        sign = signs[0] if nth < here else signs[1] if nth == here else " "
        out.append(f"{sign} {STAGES[name]}{'   ' + count if nth == here and count else ''}")
    return out


def why_not(refused: Refused | None, error: str) -> list[FactRow]:
    """What stands against the seal; each row leads to it."""
    if refused is None:
        return [FactRow(error, sign="failed", place="error")]
    gate = refused.gate
    rows = [FactRow("Not sealed: the review is not done", sign="finding", style="warn", place="gate")]
    kinds: dict[tuple[str, int], set[str]] = {}
    for place in gate.open:
        kinds.setdefault((place.kind, place.tier), set()).add(place.value)
    if kinds:
        rows.append(heading("Nobody decided about", f"{sum(map(len, kinds.values())):,}"))
        for (kind, tier), values in sorted(kinds.items(), key=lambda item: (item[0][1], item[0][0])):
            first = next(place for place in gate.open if (place.kind, place.tier) == (kind, tier))
            fact = f"{fmt.plural(len(values), 'value')}, tier {tier}"
            rows.append(FactRow(kind, fact, "finding", place=("open", Target(first.id))))
    if gate.unscanned:
        rows.append(heading("Not scanned", f"{len(gate.unscanned):,}"))
        rows += [
            FactRow(f"line {place.source.line}: {place.field}", place.why, place=("open", Target(place.id)))
            for place in gate.unscanned[:_LEAKS]
        ]
    if gate.leaks:
        rows.append(heading("Left in the result", f"{len(gate.leaks):,}"))
        for leak in gate.leaks[:_LEAKS]:
            spot = Target("", leak.agent, leak.rid, leak.field, leak.in_key, leak.start, leak.end, leak)
            rows.append(FactRow(leak.kind, leak.why, "finding", place=("open", spot)))
    return rows


def draft_rows(
    draft: Draft, target: Path, choices: Choices, checks: Taken, *, ranged: bool, packed: int | None
) -> list[FactRow]:
    """All of a draft. ``packed``: bytes of the file, where it is large enough to be worth working that out."""
    unpacked = sum(size for _, size in draft.sizes())
    rows = [
        heading("To be written"),
        FactRow(str(target), "is replaced" if target.exists() else "", place="t", path=True),
    ]
    rows += _weak(draft) + _warnings(draft, packed)
    rows += _choices(draft, choices, ranged=ranged)
    rows.append(heading("Checks", f"{sum(on for _, on in checks):,} of {len(checks):,}"))
    for nth, (check, on) in enumerate(checks):
        status = "not 0" if check.exit_code is None else str(check.exit_code)
        fact = "will be inconclusive" if check.problem else _shown(check) or f"status {status}"
        sign = "finding" if check.problem and on else "tick" if on else "lost"
        rows.append(FactRow(check.command, fact, sign, "" if on else "muted", place=("check", nth)))
    if any(on for _, on in checks):
        rows.append(FactRow("rehearse the checks", "enter", place=("rehearse", True)))
    if not checks:
        rows.append(FactRow("none: the episode holds no failing command; a adds one", style="muted", place="no-check"))
    rows.append(heading("Entries", f"{fmt.size(unpacked)} unpacked"))
    rows += [FactRow(name, fmt.size(size), place=("entry", name), path=True) for name, size in draft.sizes()]
    redactions = draft.facts["redactions"]
    rows.append(heading("Taken out", f"{sum(redactions.values()):,}"))
    rows += [FactRow(kind, f"{count:,}", place=("kind", kind)) for kind, count in sorted(redactions.items())]
    if not redactions:
        rows.append(FactRow("nothing", style="muted", place="no-kind"))
    if draft.notes:
        rows.append(heading("What the reader is told"))
        rows += [FactRow(note, place=("note", nth)) for nth, note in enumerate(draft.notes)]
    return rows


def to_decide(rows: Sequence[FactRow], *, looked: bool) -> int:
    """The row of the first thing to decide: a value nobody looked at (not where somebody ``looked`` just now), a check
    that cannot decide anything; else the first row that may be chosen."""
    for nth, row in enumerate(rows):
        kind = row.place[0] if isinstance(row.place, tuple) else None
        if kind == "open" or (kind == "weak" and not looked) or (kind == "check" and row.sign == "finding"):
            return nth
    return next((nth for nth, row in enumerate(rows) if not row.head), 0)


def _weak(draft: Draft) -> list[FactRow]:
    if not draft.weak:
        return []
    text = f"{fmt.plural(len(draft.weak), 'weak value')} nobody looked at"
    return [FactRow(text, sign="finding", place=("weak", Target(draft.weak[0].id)))]


def weak_page(draft: Draft) -> Document:
    """What weak values are, and of which kinds."""
    maker = DocumentMaker()
    maker.add("These values only look random. They stay in the capsule as they are; nothing of it stands in the way.")
    maker.add("Enter opens the redaction editor on the first of them, and comes back here.", style="muted")
    maker.heading("kinds")
    for kind, count in Counter(place.kind for place in draft.weak).most_common():
        maker.add(f"{kind}: {count:,}")
    return maker.make()


def hours_page(draft: Draft) -> Document:
    """What the time stamps tell."""
    maker = DocumentMaker().add(f"Steps between {draft.hours.replace(' to ', ' and ')}: tells where and when you work.")
    return maker.add("The time stamps stay in the capsule as they are in the log.", style="muted").make()


def rehearsal_page(draft: Draft) -> Document:
    """What would run, and where."""
    maker = DocumentMaker()
    maker.add(
        "These commands run in a sandbox, as in a reader's replay: without network, on private trees made of the base "
        "and the patches. Of this machine they may read the system and the tools that they name."
    )
    maker.add("Those that do not reproduce are left out then. Enter asks; esc stops what runs.", style="muted")
    for check in draft.checks:
        maker.heading(f"check {check.number}" + (", the main one: 3 runs" if check.main else ""))
        maker.add(check.command, "shell")
        if check.folder:
            maker.add(f"in {check.folder}", style="muted")
    return maker.make()


def _shown(check: Check) -> str:
    """What a rehearsal showed, short; empty where there was none."""
    told = check.rehearsal
    if told is None:
        return ""
    if not told.get("reproduced"):
        return "does not reproduce"
    return "reproduces now and then" if told.get("flaky") else "reproduces"


def unrehearsed(check: Check) -> Check:
    """A check as before it was rehearsed: what was seen counts no more."""
    return check if check.rehearsal is None else replace(check, rehearsal=None, signature=None)


def forgotten(checks: list[tuple[Check, bool]] | None) -> list[tuple[Check, bool]] | None:
    """Checks after what they run on changed."""
    return None if checks is None else [(unrehearsed(check), on) for check, on in checks]


def _warnings(draft: Draft, packed: int | None) -> list[FactRow]:
    from tracetui.capsule.seal import LARGE

    rows: list[FactRow] = []
    if packed is not None and packed > LARGE:
        large = f"{fmt.size(packed)}: over the 25 MB of issue trackers"
        rows.append(FactRow(large, sign="finding", style="warn", place="large"))
    if draft.exposed:
        rows.append(heading("Exposed secrets, to rotate", f"{len(draft.exposed):,}"))
        rows += [FactRow(mark, kind, "finding", place=("secret", mark)) for mark, kind in draft.exposed]
    if draft.hours:
        rows.append(heading("What the times tell"))
        rows.append(FactRow(f"steps {draft.hours}", place=("hours", draft.hours)))
    return rows


def _choices(draft: Draft, choices: Choices, *, ranged: bool) -> list[FactRow]:
    """Each choice with its key at the right end."""
    repository = draft.facts["repository"] or {}
    if repository.get("remote"):
        remote = repository["remote"]
    elif not repository.get("remote_left_out"):
        remote = "none"
    else:
        remote = "none that others can reach" if choices.remote else "left out, it may be private"
    told = [
        ("name", "name", choices.name or "none", "n"),
        ("author", "author", choices.author or "not told", "u"),
        ("key", "signed", str(choices.key) if choices.key else "no", "s"),
        ("files", "files", ", ".join(choices.files) or "none of yours carried along", "f"),
        ("remote", "remote", remote, "p"),
    ]
    if ranged:
        told.append(
            ("before", "before", "text from before the range is " + ("kept" if choices.before else "left out"), "b")
        )
    return [
        heading("Choices", "key"),
        *(FactRow(f"{word}: {text}", key, place=("choice", at)) for at, word, text, key in told),
    ]


def choice_page(choice: str) -> Document:
    """What a choice means."""
    return DocumentMaker().add(_HINTS[choice]).make()


def check_page(check: Check) -> Document:
    """All of a check."""
    maker = DocumentMaker()
    maker.heading("command").add(check.command, "shell")
    maker.heading("folder").add(check.folder or "the repository's")
    maker.heading("exit status").add("any but 0" if check.exit_code is None else str(check.exit_code))
    maker.heading("line of the output").add(check.line or "none")
    if check.step is not None:
        maker.heading("seen at").add(f"step {check.step}" + (f" of subagent {check.agent}" if check.agent else ""))
    from tracetui.capsule.render import rehearsed

    maker.heading("rehearsal").add(rehearsed(check))
    if check.problem:
        maker.heading("problem").add(f"{check.problem}\nIts verdict will be inconclusive.")
    return maker.make()
