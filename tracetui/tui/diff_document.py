"""The tab Diff: what an edit changed, what it became in Git, and what of it stands at HEAD today. Run in a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.diff_page import Code, Page
from tracetui.tui.look import SIGNS
from tracetui.tui.widgets.text_view import Document

if TYPE_CHECKING:
    from tracetui.tui.tabs import TabAsk

__all__ = ["REASONS", "DiffDocument", "commands_line", "diff_document", "diff_tab"]

_NUMBER: Final = 5
_STATES: Final = ("alive", "transformed", "pending", "reverted", "lost", "unknown")

REASONS: Final[Mapping[str, str]] = {
    "exact": "stands letter by letter",
    "eol": "stands; only its line ends differ",
    "file_renamed": "stands; its file was renamed",
    "moved_in_file": "stands elsewhere in its file",
    "moved_to_file": "stands in another file",
    "deletion_holds": "what it deleted is still gone",
    "reapplied": "was undone and brought back",
    "restores_base": "puts back what was there before",
    "whitespace": "only white space changed since",
    "reformat": "formatted anew, the same tokens",
    "identifier_rename": "only names changed since",
    "edited": "its lines were edited since",
    "partial": "a part of it stands",
    "revert_commit": "a commit says that it reverts it",
    "inverse_patch": "a commit took it out again",
    "pre_edit_restored": "what it replaced is back",
    "deletion_undone": "what it deleted is back",
    "removed_later": "removed by a later commit",
    "file_deleted": "its file was deleted",
    "binary": "its file became binary",
    "superseded": "replaced again before any commit",
    "never_landed": "no commit ever held it",
    "worktree": "in the work tree, not committed",
    "index": "staged, not committed",
    "untracked": "in a file that Git does not track yet",
    "stash": "in the stash",
    "unmerged": "on a branch that is not merged",
    "no_repository": "no repository is known",
    "unsupported_repository": "this repository cannot be read",
    "outside_repo": "outside of the repository",
    "ignored": "Git ignores its file",
    "shallow": "the history is cut off here (shallow clone)",
    "missing_objects": "objects are missing here (partial clone)",
    "weak": "too common to be told from other lines",
    "submodule_absent": "its submodule is not checked out",
    "no_before_text": "the log does not hold the text before it",
}
"""What the reasons of `HunkState` mean, in words."""


@dataclass(slots=True)
class DiffDocument(Document):
    """The document of the tab. ``hunks`` are the states, as `trail.serve` gives them, of its sections ``hunk 0`` …"""

    hunks: Sequence[Mapping[str, Any]] = ()
    places: list[int] = field(default_factory=list)

    def hunk_at(self, offset: int) -> int:
        """The hunk that holds an offset, or the nearest before it; -1 when there is none."""
        found = -1
        for number, place in enumerate(self.places):
            if place <= offset or found < 0:
                found = number
        return found


def diff_tab(ask: TabAsk) -> Document | None:
    """The provider of the tab. Waits for the process that works trails out."""
    loaded, service = ask.loaded, ask.trail
    session, log = loaded.session, loaded.log
    if session is None or log is None or service is None:
        return None
    from tracetui.tui.trailing import NOW

    question = service.ask(
        "step",
        rank=NOW,
        target=ask.target,
        session=session.id,
        harness=session.harness,
        agent=log.agent,
        step=loaded.step.number,
        named_only=ask.named_only,
    )
    answer = service.wait(question, ask.cancelled)
    if answer is None:
        return None
    return diff_document(answer, ask)


def commands_line(number: int) -> str:
    """What is said of shell commands: never that a human did it."""
    word = "command" if number == 1 else "commands"
    return f"{fmt.count(number)} {word} may have changed files; the log does not say what."


def diff_document(answer: Mapping[str, Any], ask: TabAsk) -> Document:
    """The document for an answer to ``step``."""
    page = Page()
    loaded = ask.loaded
    cwd = loaded.session.cwd if loaded.session is not None else None
    _teach(page, answer, cwd)
    hunks: Sequence[Mapping[str, Any]] = answer.get("hunks") or ()
    places: list[int] = []
    if hunks:
        for number, hunk in enumerate(hunks):
            if number:
                page.line()
            page.section(f"hunk {number}")
            places.append(page.at)
            _hunk(page, hunk, number, len(hunks), answer, ask)
    elif loaded.step.kind == "edit" and not loaded.step.failed:
        page.line("The log does not describe what this call changed.")
        _session(page, answer, ask)
    elif loaded.step.kind == "edit":
        page.line("This edit failed; it changed nothing.")
        _session(page, answer, ask)
    else:
        if loaded.step.kind == "command" and not loaded.step.failed:
            page.line("This command may have changed files; the log does not say what.")
        _session(page, answer, ask)
    source, shown, sections, tokens = page.make()
    return DiffDocument(source, shown, sections, dict(tokens), hunks, places)


def _teach(page: Page, answer: Mapping[str, Any], cwd: str | None) -> None:
    """What there is to do where no repository could be asked."""
    folder = one_line(fmt.home_path(cwd, str(Path.home())), 200) if cwd else ""
    if answer.get("named_only"):
        page.line("This session is only looked at; no repository was asked.").line("Name the one to ask: R", "muted")
    elif answer.get("repo") is None:
        if folder:
            page.line(f"No repository found for {folder}. Name one: R")
        else:
            page.line("The log names no folder, so no repository is known.")
    elif answer["repo"].get("unsupported"):
        page.line(f"The repository at {one_line(str(answer['repo']['git']), 200)} cannot be read.")
        page.line("Neither libgit2 nor the installed Git opens it.", "muted")
    elif answer.get("head") is None:
        page.line("This repository has no commit yet.", "muted")
    else:
        return
    page.line()


# -- a session


def _session(page: Page, answer: Mapping[str, Any], ask: TabAsk) -> None:
    """What became of the whole session, where the step itself is no edit."""
    states = [state for state in answer["states"] if state["counted"]]
    page.line()
    if not states:
        page.line("No edit of this session is described by its log.", "muted")
    else:
        page.line(f"{fmt.plural(len(states), 'hunk')} in this session", "muted:b")
        for name in _STATES:
            own = [state for state in states if state["state"] == name]
            if own:
                added = sum(state["added"] for state in own)
                removed = sum(state["removed"] for state in own)
                page.put("  ").put(f"{_sign(ask, name)} {name:<12}", SIGNS[name].role)
                page.put(f"{len(own):>5}").put(f"   +{added} −{removed}", "muted").end()
        page.line()
        page.line("e and E in the timeline go from edit to edit.", "muted")
    if answer["commands"]:
        page.line(commands_line(answer["commands"]), "muted")


# -- a hunk


def _sign(ask: TabAsk, name: str) -> str:
    return SIGNS[name].ascii if ask.ascii else SIGNS[name].glyph


def _hunk(page: Page, hunk: Mapping[str, Any], number: int, total: int, answer: Mapping[str, Any], ask: TabAsk) -> None:
    path = one_line(str(hunk["path"]))
    facts = [f"hunk {number + 1} of {total}"] if total > 1 else []
    start = hunk.get("start")
    facts.append(f"{fmt.middle_cut(path, max(16, ask.width - 24))}{f':{start}' if start else ''}")
    facts.append(f"+{hunk['added']} −{hunk['removed']}")
    page.line(" · ".join(facts), "muted:b")
    _verdict(page, hunk, answer, ask)
    page.line()
    if hunk.get("binary"):
        page.line("A binary file; its text is not shown.", "muted")
    elif not (hunk.get("old") or hunk.get("new")):
        page.line("The log does not hold the text of this edit.", "muted")
    elif ask.side:
        _side_by_side(page, hunk, ask)
    else:
        _unified(page, hunk)
    if hunk.get("more"):
        page.line(f"and {fmt.plural(hunk['more'], 'more line')}", "muted")
    for today in hunk.get("today") or ():
        page.line()
        _today(page, today, hunk, ask)


def _verdict(page: Page, hunk: Mapping[str, Any], answer: Mapping[str, Any], ask: TabAsk) -> None:
    """State, reason, retention; then the commits."""
    state, retention = hunk["state"], hunk["retention"]
    badge = f"{_sign(ask, state)} {state}"
    if retention is not None and (state == "transformed" or 0 < retention < 1):
        badge += f" {fmt.percent(retention, 1)}"
    page.put(badge, SIGNS[state].role + ":b").put(f"  {REASONS.get(hunk['reason'], hunk['reason'])}")
    if hunk.get("flag") == "worktree_removed":
        page.put("; removed in the work tree", "warn")
    if not hunk["counted"]:
        page.put("; undone within the session, not counted", "muted")
    page.end()
    _commit(page, "landed", hunk["landing"], answer, ask)
    if hunk["landing"] is None and hunk["commits"]:
        _commit(page, "also in" if state == "alive" else "held by", hunk["commits"][0], answer, ask)
    _commit(page, "ended by", hunk["killer"], answer, ask)


def _commit(page: Page, word: str, sha: str | None, answer: Mapping[str, Any], ask: TabAsk) -> None:
    if sha is None:
        return
    facts = answer["commits"].get(sha) or {}
    when = fmt.relative(facts.get("time"))
    subject = one_line(str(facts.get("subject") or ""), max(12, ask.width - 22 - len(when)))
    page.put(f"{word:<9}", "muted").put(sha[:7], "accent").put(f" {subject}")
    page.put(f" · {when}" if when else "", "muted").end()


def _numbered(page: Page, number: int | None, sign: str, style: str) -> None:
    """The gutter: line number and sign. It reads without colour."""
    page.put(f"{number or '':>{_NUMBER}} ", style if sign != " " else "muted")
    page.put(f"{sign} ", f"{style}:b" if style else "muted")


def _unified(page: Page, hunk: Mapping[str, Any]) -> None:
    path = hunk["path"]
    above, below = hunk["above"], hunk["below"]
    new = Code([*above, *hunk["new"], *below], path)
    old = Code(hunk["old"], path)
    start = hunk["start"]
    first = start - len(above) if start else None

    def context(line: int) -> None:
        _numbered(page, first + line if first else None, " ", "")
        page.code(new, line)
        page.end()

    for line in range(len(above)):
        context(line)
    for line in range(len(old.lines)):
        _numbered(page, None, "-", "removed")
        page.code(old, line, style="removed")
        page.end()
    for line in range(len(above), len(above) + len(hunk["new"])):
        _numbered(page, first + line if first else None, "+", "added")
        page.code(new, line)
        page.end()
    for line in range(len(above) + len(hunk["new"]), len(new.lines)):
        context(line)


def _side_by_side(page: Page, hunk: Mapping[str, Any], ask: TabAsk) -> None:
    """Old left, new right, each line broken within its column."""
    path = hunk["path"]
    above, below = list(hunk["above"]), list(hunk["below"])
    old = Code([*above, *hunk["old"], *below], path, expand=True)
    new = Code([*above, *hunk["new"], *below], path, expand=True)
    wall = f" {SIGNS['wall'].ascii if ask.ascii else SIGNS['wall'].glyph} "
    half = (ask.width - len(wall)) // 2
    room = max(8, half - _NUMBER - 3)
    first = hunk["start"] - len(above) if hunk["start"] else None
    olds, news = len(hunk["old"]), len(hunk["new"])
    pairs: list[tuple[int | None, int | None]] = [(line, line) for line in range(len(above))]
    pairs += [
        (len(above) + line if line < olds else None, len(above) + line if line < news else None)
        for line in range(max(olds, news))
    ]
    pairs += [(len(above) + olds + line, len(above) + news + line) for line in range(len(below))]
    for left, right in pairs:
        lefts = old.rows(left, room) if left is not None else []
        rights = new.rows(right, room) if right is not None else []
        gone = left is not None and len(above) <= left < len(above) + olds
        came = right is not None and len(above) <= right < len(above) + news
        for row in range(max(len(lefts), len(rights))):
            used = 0
            if row < len(lefts) and left is not None:
                number = first + left if first and not row and not gone else None
                _numbered(page, number, "-" if gone and not row else " ", "removed" if gone else "")
                used = _NUMBER + 3 + page.code(old, left, *lefts[row], style="removed" if gone else "")
            page.put(" " * max(0, half - used)).put(wall, "line")
            if row < len(rights) and right is not None:
                number = first + right if first and not row else None
                _numbered(page, number, "+" if came and not row else " ", "added" if came else "")
                page.code(new, right, *rights[row])
            page.end()


def _today(page: Page, today: Mapping[str, Any], hunk: Mapping[str, Any], ask: TabAsk) -> None:
    """What stands at HEAD, the lines that survived marked by the sign of what is alive."""
    path = fmt.middle_cut(one_line(str(today["path"])), max(16, ask.width - 20))
    page.put("at HEAD today", "muted:b")
    if today["lines"] is None:
        what = "is a binary file" if today["binary"] else "is not there"
        page.put(f" · {path} {what}", "muted").end()
        return
    marked = set(today["marked"])
    if not marked:
        what = "nothing of these lines" if hunk["added"] else "nothing to mark: only lines were deleted"
        page.put(f" · {path} · {what}", "muted").end()
        return
    page.put(f" · {path} · ", "muted")
    page.put(f"{fmt.plural(len(marked), 'line')} of it", "muted").end()
    sign = _sign(ask, "alive")
    code = Code([text for _, text in today["lines"]], today["path"])
    before: int | None = None
    for at, (number, _) in enumerate(today["lines"]):
        if before is not None and number != before + 1:
            page.line(" " * (_NUMBER - 1) + ("~" if ask.ascii else "⋮"), "muted")
        before = number
        stands = number in marked
        page.put(f"{number:>{_NUMBER}} ", "muted").put(f"{sign if stands else ' '} ", "good")
        page.code(code, at, style="" if stands else "muted")
        page.end()
