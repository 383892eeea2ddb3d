"""The tab Diff: what an edit changed, what it became in Git, and what of it stands at HEAD today. Run in a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.badges import shown_state
from tracetui.tui.kit.diff_page import DiffWriter, HighlightedText
from tracetui.tui.kit.document import Document
from tracetui.tui.kit.reasons import reason_of
from tracetui.tui.kit.styles import SIGNS

if TYPE_CHECKING:
    from tracetui.tui.kit.tabs import TabAsk

__all__ = ["DiffDocument", "Gutter", "commands_line", "diff_document", "diff_tab"]

_TINTS: Final = {"added": "added-row", "removed": "removed-row"}
_STATES: Final = ("alive", "transformed", "pending", "reverted", "lost", "unknown")


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
    from tracetui.tui.kit.trail_client import NOW

    question = service.ask(
        "step",
        rank=NOW,
        to=ask.target,
        session=session.id,
        harness=session.harness,
        agent=log.thread,
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
    page = DiffWriter()
    loaded = ask.loaded
    cwd = loaded.session.cwd if loaded.session is not None else None
    _teach(page, answer, cwd, ask)
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
    return DiffDocument(source, shown, sections, dict(tokens), page.tints, hunks, places)


def _teach(page: DiffWriter, answer: Mapping[str, Any], cwd: str | None, ask: TabAsk) -> None:
    """What there is to do where no repository could be asked."""
    folder = one_line(fmt.home_path(cwd, str(Path.home())), 200) if cwd else ""
    if answer.get("named_only"):
        page.line("This session is only looked at; no repository was asked.").line("Name the one to ask: R", "muted")
    elif answer.get("repo") is None:
        if folder:
            said, do = f"No repository found for {folder}.", "Name one: R"
            if len(said) + len(do) < ask.width:
                page.line(f"{said} {do}")
            else:
                page.line(said).line(do)
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


def _session(page: DiffWriter, answer: Mapping[str, Any], ask: TabAsk) -> None:
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
                page.put(f"{len(own):>5}").put(f"   +{added} -{removed}", "muted").end()
        page.line()
        page.line("e and E in the timeline go from edit to edit.", "muted")
    if answer["commands"]:
        page.line(commands_line(answer["commands"]), "muted")


# -- a hunk


def _sign(ask: TabAsk, name: str) -> str:
    return SIGNS[name].ascii if ask.ascii else SIGNS[name].glyph


def _hunk(
    page: DiffWriter, hunk: Mapping[str, Any], number: int, total: int, answer: Mapping[str, Any], ask: TabAsk
) -> None:
    path = one_line(ask.loaded.short(str(hunk["path"])))
    facts = [f"hunk {number + 1} of {total}"] if total > 1 else []
    start = hunk.get("start")
    facts.append(f"{fmt.middle_cut(path, max(16, ask.width - 24))}{f':{start}' if start else ''}")
    facts.append(f"+{hunk['added']} -{hunk['removed']}")
    page.line(", ".join(facts), "muted:b")
    _verdict(page, hunk, answer, ask)
    page.line()
    shown = list(hunk.get("today") or ())
    if hunk.get("binary"):
        page.line("A binary file; its text is not shown.", "muted")
    elif not (hunk.get("old") or hunk.get("new")):
        page.line("The log does not hold the text of this edit.", "muted")
    elif ask.side and hunk["old"] and hunk["new"]:
        _side_by_side(page, hunk, ask)
    elif ask.side and hunk["new"] and len(shown) == 1 and shown[0]["lines"] and shown[0]["marked"]:
        _beside_today(page, hunk, shown.pop(), ask)
    else:
        _unified(page, hunk)
    if hunk.get("more"):
        page.line(f"and {fmt.plural(hunk['more'], 'more line')}", "muted")
    for today in shown:
        page.line()
        _today(page, today, hunk, ask)


def _verdict(page: DiffWriter, hunk: Mapping[str, Any], answer: Mapping[str, Any], ask: TabAsk) -> None:
    """State, reason, retention; then the commits."""
    state, retention = shown_state(hunk), hunk["retention"]
    badge = f"{_sign(ask, state)} {state}"
    if retention is not None and (state == "transformed" or 0 < retention < 1):
        badge += f" {fmt.percent(retention, 1)}"
    page.put(badge, SIGNS[state].role + ":b")
    reason = reason_of(hunk, answer.get("problem"))
    if len(badge) + 2 + len(reason) > ask.width:
        page.end()
    else:
        page.put("  ")
    page.put(reason)
    if hunk.get("flag") == "worktree_removed":
        page.put("; removed in the work tree", "warn")
    if not hunk["counted"] and state != "undone":
        page.put("; undone within the session, not counted", "muted")
    page.end()
    _commit(page, "landed", hunk["landing"], answer, ask)
    if hunk["landing"] is None and hunk["commits"]:
        _commit(page, "also in" if hunk["state"] == "alive" else "held by", hunk["commits"][0], answer, ask)
    _commit(page, "ended by", hunk["killer"], answer, ask)


def _commit(page: DiffWriter, word: str, sha: str | None, answer: Mapping[str, Any], ask: TabAsk) -> None:
    if sha is None:
        return
    facts = answer["commits"].get(sha) or {}
    when = fmt.relative(facts.get("time")) if ask.width >= 48 else ""
    subject = one_line(str(facts.get("subject") or ""), max(8, ask.width - 18 - (len(when) + 3 if when else 0)))
    page.put(f"{word:<9}", "muted").put(sha[:7], "accent").put(f" {subject}")
    page.put(f", {when}" if when else "", "muted").end()


class Gutter:
    """Line numbers and signs before lines of code; they read without colour. ``digits`` is the width of a number, 0
    where none is known."""

    def __init__(self, page: DiffWriter, numbers: Sequence[int | None]) -> None:
        self._page = page
        self._digits = len(str(max((number or 0 for number in numbers), default=0))) if any(numbers) else 0
        self.width = (self._digits + 1 if self._digits else 0) + 2

    def put(self, number: int | None, sign: str, style: str, *, quiet: bool = False) -> None:
        """The gutter of one line; ``quiet`` keeps the number out of the style."""
        if self._digits:
            self._page.put(f"{number or '':>{self._digits}} ", "muted" if quiet or not style else style)
        self._page.put(f"{sign} ", f"{style}:b" if style else "muted")


def _unified(page: DiffWriter, hunk: Mapping[str, Any]) -> None:
    path = hunk["path"]
    above, below = hunk["above"], hunk["below"]
    new = HighlightedText([*above, *hunk["new"], *below], path)
    old = HighlightedText(hunk["old"], path)
    first = hunk["start"] - len(above) if hunk["start"] else None
    gutter = Gutter(page, [first + len(new.lines) if first else None])

    def line(at: int, sign: str, style: str) -> None:
        page.tint("added-row" if style else "")
        gutter.put(first + at if first else None, sign, style)
        page.code(new, at)
        page.end()

    came = len(above) + len(hunk["new"])
    for at in range(len(above)):
        line(at, " ", "")
    for at in range(len(old.lines)):
        page.tint("removed-row")
        gutter.put(None, "-", "removed")
        page.code(old, at)
        page.end()
    for at in range(len(above), came):
        line(at, "+", "added")
    for at in range(came, len(new.lines)):
        line(at, " ", "")


class _Cell(NamedTuple):
    """A line of one column: which, its number, its sign and their style; ``plain`` is the style of the code itself."""

    at: int
    number: int | None
    sign: str
    style: str
    plain: str = ""
    quiet: bool = False


def _columns(
    page: DiffWriter,
    ask: TabAsk,
    left: HighlightedText,
    right: HighlightedText,
    rows: Sequence[tuple[_Cell | None, _Cell | None]],
) -> None:
    """Two texts side by side, each line broken within its column."""
    wall = f" {SIGNS['wall'].ascii if ask.ascii else SIGNS['wall'].glyph} "
    half = (ask.width - len(wall)) // 2
    gutters = [Gutter(page, [cell.number for row in rows if (cell := row[side])]) for side in (0, 1)]
    for row in rows:
        pieces = [
            code.rows(cell.at, max(8, half - gutter.width)) if cell is not None else []
            for code, cell, gutter in zip((left, right), row, gutters)
        ]
        for nth in range(max(len(piece) for piece in pieces)):
            for side, (code, cell) in enumerate(zip((left, right), row)):
                used = 0
                page.tint(_TINTS.get(cell.style, "") if cell is not None else "")
                if cell is not None and nth < len(pieces[side]):
                    first = not nth
                    sign = cell.sign if first else " "
                    gutters[side].put(cell.number if first else None, sign, cell.style, quiet=cell.quiet)
                    used = gutters[side].width + page.code(code, cell.at, *pieces[side][nth], style=cell.plain)
                if not side:
                    page.put(" " * max(0, half - used)).tint().put(wall, "line")
            page.end()


def _side_by_side(page: DiffWriter, hunk: Mapping[str, Any], ask: TabAsk) -> None:
    """Old left, new right."""
    path = hunk["path"]
    above, below = list(hunk["above"]), list(hunk["below"])
    old = HighlightedText([*above, *hunk["old"], *below], path, expand=True)
    new = HighlightedText([*above, *hunk["new"], *below], path, expand=True)
    first = hunk["start"] - len(above) if hunk["start"] else None
    olds, news, lead = len(hunk["old"]), len(hunk["new"]), len(above)

    def same(left: int, right: int) -> tuple[_Cell, _Cell]:
        number = first + right if first else None
        return _Cell(left, None, " ", ""), _Cell(right, number, " ", "")

    rows: list[tuple[_Cell | None, _Cell | None]] = [same(at, at) for at in range(lead)]
    for at in range(max(olds, news)):
        number = first + lead + at if first else None
        rows.append(
            (
                _Cell(lead + at, None, "-", "removed") if at < olds else None,
                _Cell(lead + at, number, "+", "added") if at < news else None,
            )
        )
    rows += [same(lead + olds + at, lead + news + at) for at in range(len(below))]
    _columns(page, ask, old, new, rows)


def _beside_today(page: DiffWriter, hunk: Mapping[str, Any], today: Mapping[str, Any], ask: TabAsk) -> None:
    """What was added left, what stands at HEAD today right, lines that agree in one row."""
    from tracetui.trail.lines import aligned, norm

    above = list(hunk["above"])
    new = HighlightedText([*above, *hunk["new"], *hunk["below"]], hunk["path"], expand=True)
    now = HighlightedText([text for _, text in today["lines"]], today["path"], expand=True)
    first = hunk["start"] - len(above) if hunk["start"] else None
    came = range(len(above), len(above) + len(hunk["new"]))
    marked, sign = set(today["marked"]), _sign(ask, "alive")

    def left(at: int) -> _Cell:
        return _Cell(at, first + at if first else None, "+" if at in came else " ", "added" if at in came else "")

    def right(at: int) -> _Cell:
        number = today["lines"][at][0]
        stands = number in marked
        return _Cell(at, number, sign if stands else " ", "good" if stands else "", "" if stands else "muted", True)

    def normal(code: HighlightedText) -> list[bytes]:
        return [norm(line.encode("utf-8", "replace")) for line in code.lines]

    rows: list[tuple[_Cell | None, _Cell | None]] = []
    waiting: list[int] = []
    done = 0
    for at, other in enumerate(aligned(normal(new), normal(now))):
        if other < 0:
            waiting.append(at)
            continue
        _pair(rows, [left(line) for line in waiting], [right(line) for line in range(done, other)])
        rows.append((left(at), right(other)))
        waiting, done = [], other + 1
    _pair(rows, [left(line) for line in waiting], [right(line) for line in range(done, len(now.lines))])
    path = fmt.middle_cut(one_line(str(today["path"])), max(16, ask.width // 2 - 18))
    half = (ask.width - 3) // 2
    page.put("as written", "muted:b").put(" " * (half + 3 - len("as written")))
    page.put("at HEAD today", "muted:b").put(f", {path}", "muted").end()
    _columns(page, ask, new, now, rows)


def _pair(rows: list[tuple[_Cell | None, _Cell | None]], lefts: list[_Cell], rights: list[_Cell]) -> None:
    """Lines that do not agree, one beside the other as far as they go."""
    rows += zip_longest(lefts, rights)


def _today(page: DiffWriter, today: Mapping[str, Any], hunk: Mapping[str, Any], ask: TabAsk) -> None:
    """What stands at HEAD, the lines that survived marked by the sign of what is alive."""
    path = fmt.middle_cut(one_line(str(today["path"])), max(16, ask.width - 20))
    page.put("at HEAD today", "muted:b")
    if today["lines"] is None:
        what = "is a binary file" if today["binary"] else "is not there"
        page.put(f", {path} {what}", "muted").end()
        return
    marked = set(today["marked"])
    if not marked:
        what = "nothing of these lines" if hunk["added"] else "the deleted lines stand nowhere to be marked"
        page.put(f", {path}, {what}", "muted").end()
        return
    page.put(f", {path}, ", "muted")
    page.put(f"{fmt.plural(len(marked), 'line')} of it", "muted").end()
    sign = _sign(ask, "alive")
    code = HighlightedText([text for _, text in today["lines"]], today["path"])
    gutter = Gutter(page, [number for number, _ in today["lines"]])
    before: int | None = None
    for at, (number, _) in enumerate(today["lines"]):
        if before is not None and number != before + 1:
            page.line("~" if ask.ascii else "⋮", "muted")
        before = number
        stands = number in marked
        gutter.put(number, sign if stands else " ", "good" if stands else "", quiet=True)
        page.code(code, at, style="" if stands else "muted")
        page.end()
