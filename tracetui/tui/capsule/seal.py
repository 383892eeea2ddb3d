"""The last screen before a seal: every entry as its reader will see it, the checks, and what should be known before."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.capsule.choosing import ChoicesController
from tracetui.tui.capsule.rehearsing import RehearsalController
from tracetui.tui.capsule.rows import FactList, FactRows
from tracetui.tui.capsule.seal_rows import (
    STAGES,
    Choices,
    check_page,
    choice_page,
    draft_rows,
    forgotten,
    hours_page,
    rehearsal_page,
    stage_lines,
    to_decide,
    weak_page,
    why_not,
)
from tracetui.tui.capsule.writing import WriteController
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle, Rest
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.capsule.checks import Check
    from tracetui.capsule.seal import Draft, Refused
    from tracetui.tui.kit.host import HostApp

__all__ = ["SealScreen", "file_name"]

_SHOWN: Final = 2 * 1024 * 1024
"""Bytes of one entry that are shown."""
_TELL: Final = 0.1
"""Seconds between two words about how far it is."""


class _Reached(Message):
    """How far the draft is."""

    bubble = False

    def __init__(self, what: str, done: int, total: int) -> None:
        super().__init__()
        self.what, self.done, self.total = what, done, total


def file_name(session: SessionRow) -> str:
    """A name for the capsule's file that says nothing of the session's text."""
    plain = re.sub(r"[^A-Za-z0-9]", "", session.id)[:8] or "session"
    return f"{session.harness}-{plain}.capsule.zip"


class SealScreen(Screen[str | None], Actor, Background):
    """Gives the line that says what was sealed, or None. ``steps`` is the range, None for the whole session; nothing
    is written before the user says so on this screen."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("seal", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("seal", "screen", priority=("seal.write",))]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    SealScreen #seal-left { width: 42%; min-width: 36; height: 1fr; }
    SealScreen #seal-right { width: 1fr; height: 1fr; border-left: solid $line; }
    SealScreen PaneTitle.-top { dock: top; }
    """
    app: HostApp

    def __init__(self, session: SessionRow, steps: tuple[int, int] | None, target: Path) -> None:
        super().__init__()
        self.session, self.steps, self.target = session, steps, target
        self.title_line = PaneTitle("", "Seal")
        self.text_title = PaneTitle("", "As the reader will see it")
        self.rows = FactList(id="seal-rows")
        self.text = TextView(id="seal-text")
        self.draft: Draft | None = None
        self.packed: int | None = None
        self.refused: Refused | None = None
        self.error: str | None = None
        self.choices = Choices()
        self.checks: list[tuple[Check, bool]] | None = None
        """The checks to choose from and whether each is taken; None before they were proposed."""
        self.writing = False
        self.rehearsing = False
        self.rehearsal = RehearsalController(self)
        self.controllers = (ChoicesController(self), WriteController(self), self.rehearsal)
        self._good: tuple[Choices, list[tuple[Check, bool]] | None] = (self.choices, None)
        """What the draft that is shown was made of."""
        self.making = False
        self._again = False
        self._point, self._looked = True, False
        """Whether the cursor goes to the first thing to decide next, and whether the weak values were looked at."""
        self._entry: str | None = None
        self._rest = Rest(self, self._show_entry)

    def compose(self) -> ComposeResult:
        self.title_line.add_class("-top")
        yield self.title_line
        with Horizontal():
            with Vertical(id="seal-left"):
                yield self.rows
            with Vertical(id="seal-right"):
                yield self.text_title
                yield self.text
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.focus()
        self.make()

    # -- the draft ----------------------------------------------------------------------------------------------------

    @property
    def range_words(self) -> str:
        """What is sealed, in words."""
        if self.steps is None:
            return "the whole session"
        first, last = self.steps
        return f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"

    def chose(self) -> None:
        self.show_draft()
        self.make()

    def make(self) -> None:
        """Make the entries anew, one draft at a time: what was asked meanwhile stops it and comes after."""
        if self.making:
            self._again = True
            return
        self.making, self._again = True, False
        self._tell("findings", 0, 0)
        self.app.refresh_offers()
        session, steps = self.session, self.steps
        choices, checks = self.choices, self.checks
        options = choices.options(self._taken())
        told = 0.0

        def progress(what: str, done: int, total: int) -> None:
            nonlocal told
            if not done or done == total or monotonic() - told > _TELL:
                told = monotonic()
                self.post_message(_Reached(what, done, total))

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[Draft, int | None] | TracetuiError:
            from tracetui.capsule.episode import choose
            from tracetui.capsule.seal import LARGE, draft

            def stopped() -> bool:
                return self._again or cancelled()

            try:
                first, last = steps or (None, None)
                episode = choose(bucket, session, first, last)
                made = draft(bucket, episode, options, progress=progress, cancelled=stopped)
                large = sum(size for _, size in made.sizes()) > LARGE
                return made, made.packed() if large else None
            except TracetuiError as error:
                return error

        self.ask("draft", work, lambda result: self._made(result, choices, checks))

    def on__reached(self, message: _Reached) -> None:
        if self.making and not self.writing:
            self._tell(message.what, message.done, message.total)

    def _tell(self, what: str, done: int, total: int) -> None:
        """How far it is: the parts of it where nothing is shown yet, else the one at work in the title."""
        look = self.rows.look
        count = f"{done:,} of {total:,}" if total > 1 else ""
        self.rows.empty = stage_lines(what, count, (look.sign("tick"), look.sign("folded")))
        self.rows.refresh()
        self.title_line.show(self.range_words, " ".join(filter(None, (STAGES.get(what, what), count))))

    def _taken(self) -> list[Check] | None:
        if self.checks is None:
            return None
        taken = [check for check, on in self.checks if on]
        return [replace(check, number=nth) for nth, check in enumerate(taken, 1)]

    def _made(self, result: Any, choices: Choices, checks: list[tuple[Check, bool]] | None) -> None:
        from tracetui.capsule.seal import Refused

        self.making = False
        if self._again:
            self.make()
            return
        if isinstance(result, TracetuiError) and not isinstance(result, Refused) and self.draft is not None:
            # What was chosen cannot be done; what is shown stays, and what it was made of.
            self.choices, self.checks = self._good
            self.app.say(one_line(str(result), 300), role="bad")
        else:
            self.draft = self.refused = self.error = None
            if isinstance(result, tuple):
                self.draft, self.packed = result
                if checks is None:
                    self.checks = [(check, True) for check in self.draft.checks]
                self._good = choices, self.checks
            elif isinstance(result, Refused):
                self.refused = result
            else:
                self.error = str(result)
        self.show_draft()
        self._entry = None
        self._show_entry()
        self.app.refresh_offers()

    # -- the list -----------------------------------------------------------------------------------------------------

    def show_draft(self) -> None:
        made = self.draft
        if made is None:
            rows = why_not(self.refused, self.error or "")
        else:
            ranged = self.steps is not None
            rows = draft_rows(made, self.target, self.choices, self.checks or (), ranged=ranged, packed=self.packed)
        self.rows.reload(FactRows(rows), row=to_decide(rows, looked=self._looked) if self._point else None)
        self._point = False
        size = "" if made is None else fmt.size(sum(size for _, size in made.sizes()))
        steps = "" if made is None else fmt.plural(made.facts["session"]["steps"], "step")
        dot = self.rows.look.sign("dot")
        self.title_line.show(
            f"{self.range_words} {dot} {self.target.name}", f" {dot} ".join(part for part in (steps, size) if part)
        )

    def named(self, kind: str) -> Any:
        source, at = self.rows.source, self.rows.cursor
        place = source.rows[at].place if isinstance(source, FactRows) and 0 <= at < len(source.rows) else None
        return place[1] if isinstance(place, tuple) and place[0] == kind else None

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        if self.named("open") is not None or self.named("weak") is not None:
            self.do_review()
        else:
            self.text.focus()

    # -- what the reader sees -----------------------------------------------------------------------------------------

    def _show_entry(self) -> None:
        """The entry, check, choice or note under the cursor; else the transcript."""
        draft = self.draft
        if draft is None:
            if self.refused is not None:
                page = DocumentMaker().add(f"Not sealed: {self.refused.gate.say()}.")
                page.add("Enter goes to the one under the cursor, in the redaction editor.", style="muted")
                page.add("When you come back from there the seal goes on, and this is shown anew.", style="muted")
                self._page("", page.make())
            return
        if self.named("weak") is not None:
            self._page("weak values", weak_page(draft))
            return
        if self.named("rehearse") is not None:
            self._page("what would run", rehearsal_page(draft))
            return
        if self.named("hours") is not None:
            self._page("times", hours_page(draft))
            return
        nth, note, choice = self.named("check"), self.named("note"), self.named("choice")
        if nth is not None and self.checks is not None:
            self._page("a check", check_page(self.checks[nth][0]))
            return
        if note is not None:
            self._page("a note", DocumentMaker().add(draft.notes[note]).make())
            return
        if choice is not None:
            self._page("a choice", choice_page(choice))
            return
        name = self.named("entry") or "transcript.md"
        if name == self._entry:
            return
        self._entry = name
        self.text_title.show(name)
        data = draft.entries[name]

        def work(cancelled: Callable[[], bool]) -> Document:
            maker = DocumentMaker()
            maker.add(data[:_SHOWN].decode("utf-8", "replace"), "diff" if name.endswith(".patch") else "")
            if len(data) > _SHOWN:
                maker.add(f"{fmt.size(len(data) - _SHOWN)} more stand in the entry.", style="muted")
            return maker.make()

        self.background("entry", work, self.text.show)

    def _page(self, title: str, page: Document) -> None:
        self._entry = None
        self.drop("entry")
        self.text_title.show(title)
        self.text.show(page)

    def why_review(self) -> str | None:
        if self.rehearsing:
            return "The checks are being rehearsed; esc stops that."
        return "It is being written." if self.writing else None

    def do_review(self) -> None:
        """To the redaction editor and back; then the gate is passed anew."""
        self.drop("draft")
        self.making = False
        self._looked = self.named("weak") is not None

        def left(wait: Callable[[], object]) -> None:
            self._point = True
            self.checks = forgotten(self.checks)
            self.background("closed", lambda _: wait(), lambda _: self.make())

        self.app.open_review(self.session, self.steps, left, target=self.named("open") or self.named("weak"))

    def do_switch(self) -> None:
        (self.rows if self.text.has_focus else self.text).focus()

    def do_back(self) -> None:
        if self.rehearsing:
            self.rehearsal.stop_rehearsal()
            return
        if self.writing:
            self.app.say("It is being written; that takes a moment.")
            return
        self.drop("draft")
        self.dismiss(None)
