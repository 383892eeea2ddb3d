"""The card of a session: what was asked, what came of it, what it took, and what it left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.widget import Widget

from tracetui.model import KINDS, SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.browse.columns import cost_of, took
from tracetui.tui.kit.document import Document
from tracetui.tui.kit.pane import Pane
from tracetui.tui.kit.session_labels import identity_of, project_of, title_of

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.diff_page import DiffWriter
    from tracetui.tui.kit.host import HostApp
    from tracetui.tui.kit.text_view import TextView

__all__ = ["CardFacts", "CardPane", "card", "read_facts"]

_LINES: Final = 6
"""Lines of a prompt or of the last message that the card shows."""
_ROWS: Final = 8
"""Prompts, failed commands, files, commits of which each is shown."""
_PROMPT, _MESSAGE, _COMMAND = (KINDS.index(kind) for kind in ("prompt", "message", "command"))


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card needs beside the row of the list: the text of the first prompt, the other prompts by number and
    summary, the last message, the commands that failed as (step, exit status, summary), the subagents with their
    steps, and the number of failed commands."""

    asked: str = ""
    more: Sequence[tuple[int, str]] = ()
    prompts: int = 0
    outcome: str = ""
    failed: Sequence[tuple[int, int | None, str]] = ()
    failures: int = 0
    agents: Sequence[tuple[str, int]] = ()


def read_facts(bucket: Bucket, session: SessionRow, cancelled: Callable[[], bool]) -> CardFacts | None:
    """Read the facts of a card; None once nobody waits any more. Reads the kinds of all steps and the text of two."""
    agents = [
        (one_line(log.agent, 40), log.steps)
        for log in bucket.logs(session.id, session.harness)
        if log.agent is not None and log.shown
    ]
    if session.log is None or cancelled():
        return CardFacts(agents=agents)
    log, found = session.log, bucket.overview(session.log)
    by_kind: dict[int, list[int]] = {_PROMPT: [], _MESSAGE: []}
    failed: list[int] = []
    sides = found.side or bytes(len(found.kinds))
    for number, kind, wrong, side in zip(found.numbers, found.kinds, found.failed, sides):
        if side:
            continue
        if kind in by_kind:
            by_kind[kind].append(number)
        elif wrong and kind == _COMMAND:
            failed.append(number)
    prompts, messages = by_kind[_PROMPT], by_kind[_MESSAGE]
    if cancelled():
        return None
    asked = bucket.step(log, prompts[0]).text or "" if prompts else ""
    outcome = bucket.step(log, messages[-1]).text or "" if messages else ""
    rows = [row for number in failed[-_ROWS:] for row in bucket.step_rows(log, number, number)]
    more = [row for number in prompts[1 : _ROWS + 1] for row in bucket.step_rows(log, number, number)]
    return CardFacts(
        asked,
        [(row.number, row.summary) for row in more],
        len(prompts),
        outcome,
        [(row.number, row.exit_code, row.summary) for row in rows],
        len(failed),
        agents,
    )


def card(
    session: SessionRow, facts: CardFacts | None, trail: Mapping[str, Any] | None, *, ascii_only: bool
) -> Document:
    """The document of a card; ``facts`` and ``trail`` come when they were worked out."""
    from tracetui.tui.kit.diff_page import DiffWriter

    page = DiffWriter()
    page.line(one_line(title_of(session), 300), ":b")
    _head(page, session)
    if facts is not None:
        _asked(page, facts)
        _part(page, "outcome", _first_lines(facts.outcome))
        if facts.failed:
            _heading(page, "commands that failed", facts.failures)
            for number, code, summary in facts.failed:
                page.put(f"  {'x' if ascii_only else '✘'} {code if code is not None else '':<4}", "bad")
                page.put(f"{number:>5}  ", "muted").line(one_line(summary, 200))
    if trail is not None:
        _files(page, session, trail, ascii_only=ascii_only)
        _commits(page, trail)
    elif session.edits:
        _heading(page, "files")
        page.line(f"  {fmt.plural(session.edits, 'edit')}; what became of them is being worked out", "muted")
    if facts is not None and facts.agents:
        _heading(page, "subagents", len(facts.agents))
        for name, steps in facts.agents[:_ROWS]:
            page.put(f"  {name:<20} ").line(fmt.plural(steps, "step"), "muted")
    return page.document()


def _heading(page: DiffWriter, name: str, number: int | None = None) -> None:
    page.line().put(name, "muted:b").line(f"  {fmt.count(number)}" if number is not None else "", "muted")


def _part(page: DiffWriter, name: str, lines: Sequence[str], style: str = "") -> None:
    if lines:
        _heading(page, name)
        for line in lines:
            page.line("  " + line, style)


def _first_lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text[:6000].splitlines() if line.strip()]
    shown: list[str] = [one_line(line, 400) for line in lines[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"and {fmt.plural(len(lines) - _LINES, 'more line')}")
    return shown


def _head(page: DiffWriter, row: SessionRow) -> None:
    from tracetui.bucket.costs import NOTE
    from tracetui.harness import HARNESSES

    made = HARNESSES.get(row.harness)
    who = [made.title if made is not None else row.harness, row.model, project_of(row), row.branch]
    page.line(" · ".join(one_line(item, 60) for item in who if item), "muted")
    when = [fmt.absolute(row.started or row.ended), took(row)]
    page.line(", ".join(item for item in when if item), "muted")
    counts = [fmt.plural(row.prompts, "prompt"), fmt.plural(row.steps, "step"), fmt.plural(row.edits, "edit")]
    if row.errors:
        counts.append(f"{fmt.count(row.errors)} failed")
    if row.subagents:
        counts.append(fmt.plural(row.subagents, "subagent"))
    page.line(" · ".join(counts), "muted")
    taken = row.tokens.prompt + row.tokens.output > 1
    spent = [f"{fmt.tokens(row.tokens.prompt)} tokens in", f"{fmt.tokens(row.tokens.output)} out"] if taken else []
    if cost := cost_of(row):
        spent.append(cost if cost.startswith("$") else f"{cost.replace('≈', '≈ $')}, {NOTE}")
    if spent:
        page.line(" · ".join(spent), "muted")
    if row.tags:
        page.line(" ".join(f"#{one_line(tag, 40)}" for tag in row.tags), "accent")
    if row.note:
        page.line(one_line(row.note, 400), "accent")
    states = [word for on, word in ((row.archived, "archived"), (row.gone, "its log is gone, the copy stays"),
                                    (row.foreign, "somebody else's")) if on]  # fmt: skip
    if states:
        page.line(", ".join(states), "warn")


def _asked(page: DiffWriter, facts: CardFacts) -> None:
    _part(page, "asked", _first_lines(facts.asked), "prompt")
    for number, summary in facts.more:
        page.put(f"{number:>7}  ", "muted").line(one_line(summary, 300), "prompt")
    left = facts.prompts - 1 - len(facts.more)
    if left > 0:
        page.line(f"         and {fmt.plural(left, 'more prompt')}", "muted")


def _files(page: DiffWriter, session: SessionRow, trail: Mapping[str, Any], *, ascii_only: bool) -> None:
    from tracetui.tui.kit.badges import shown_state
    from tracetui.tui.kit.styles import SIGNS

    files: dict[str, Counter[str]] = {}
    for state in trail.get("states") or ():
        table = files.setdefault(str(state["path"]), Counter())
        table["added"] += state["added"]
        table["removed"] += state["removed"]
        table[shown_state(state)] += 1
    if not files:
        return
    _heading(page, "files", len(files))
    folder = (session.cwd or "").rstrip("/") + "/"
    ordered = sorted(files.items(), key=lambda item: -(item[1]["added"] + item[1]["removed"]))
    for path, table in ordered[: 2 * _ROWS]:
        name = fmt.middle_cut(one_line(path.removeprefix(folder).replace(str(Path.home()), "~", 1)), 34)
        page.put(f"  {name:<34} ").put(f"+{table['added']:<5}", "added").put(f"-{table['removed']:<5}", "removed")
        for state, sign in SIGNS.items():
            if table.get(state):
                page.put(f" {sign.ascii if ascii_only else sign.glyph} {table[state]}", sign.role)
        page.end()
    if len(ordered) > 2 * _ROWS:
        page.line(f"  and {fmt.plural(len(ordered) - 2 * _ROWS, 'more file')}", "muted")


def _commits(page: DiffWriter, trail: Mapping[str, Any]) -> None:
    landed = Counter(state["landing"] for state in trail.get("states") or () if state["landing"])
    if not landed:
        return
    _heading(page, "commits it landed in", len(landed))
    known = trail.get("commits") or {}
    for sha, hunks in landed.most_common(_ROWS):
        facts = known.get(sha) or {}
        page.put(f"  {sha[:8]}  ", "accent").put(one_line(str(facts.get("subject") or ""), 80))
        page.line(f"  {fmt.relative(facts.get('time'))}  {fmt.plural(hunks, 'hunk')}", "muted")


class CardPane(Pane):
    """The card of the session under the cursor of the list."""

    NUMBER: ClassVar[str] = ""
    NAME: ClassVar[str] = "Session"

    app: HostApp

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.text: TextView | None = None
        self.session: SessionRow | None = None
        self._facts: CardFacts | None = None
        self._trail: tuple[str, Mapping[str, Any] | None] = ("", None)

    def content(self) -> Sequence[Widget]:
        return ()

    def load(self, session: SessionRow) -> None:
        """Show a session: what the list knows at once, the rest when it was read."""
        again = self.session is not None and identity_of(self.session) == identity_of(session)
        if not again:
            self._facts = None
            self._trail = ("", None)
        self.session = session
        self.title_line.show(session.id[:8])

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> CardFacts | None:
            return read_facts(bucket, session, cancelled)

        self.ask("card", work, self._read, self._failed)

    def _read(self, facts: CardFacts | None) -> None:
        if facts is not None:
            self._facts = facts
            self._show()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._read(CardFacts(outcome=str(error)))

    def show_trail(self, identity: str, answer: Mapping[str, Any] | None) -> None:
        """What became of the edits of a session, once it is known."""
        if self.session is not None and identity == identity_of(self.session) and self._trail != (identity, answer):
            self._trail = (identity, answer)
            self._show()

    def _show(self) -> None:
        if self.session is None or not self.display:
            return
        if self.text is None:
            from tracetui.tui.kit.text_view import TextView

            self.text = TextView(id="card-text")
            self.text.can_focus = False
            self.mount(self.text)
        document = card(self.session, self._facts, self._trail[1], ascii_only=self.app.ascii_only)
        if document.source != self.text.document.source:
            self.text.show(document)
