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

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.capsule.choosing import Choosing
from tracetui.tui.capsule.rows import Page, Rows
from tracetui.tui.capsule.sealing import STAGES, Choices, check_page, choice_page, draft_rows, stage_lines, why_not
from tracetui.tui.panes.base import PaneTitle, Rest
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.text_view import Document, DocumentMaker, TextView

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.capsule.checks import Check
    from tracetui.capsule.seal import Draft, Refused
    from tracetui.tui.app import TracetuiApp

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


class SealScreen(Choosing, Actor, Background):
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
    app: TracetuiApp

    def __init__(self, session: SessionRow, steps: tuple[int, int] | None, target: Path) -> None:
        super().__init__()
        self.session, self.steps, self.target = session, steps, target
        self.title_line = PaneTitle("", "Seal")
        self.text_title = PaneTitle("", "As the reader will see it")
        self.rows = Page(id="seal-rows")
        self.text = TextView(id="seal-text")
        self.draft: Draft | None = None
        self.packed: int | None = None
        self.refused: Refused | None = None
        self.error: str | None = None
        self.choices = Choices()
        self.checks: list[tuple[Check, bool]] | None = None
        """The checks to choose from and whether each is taken; None before they were proposed."""
        self.writing = False
        self._good: tuple[Choices, list[tuple[Check, bool]] | None] = (self.choices, None)
        """What the draft that is shown was made of."""
        self._working = False
        self._again = False
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
        self._list()
        self.make()

    def make(self) -> None:
        """Make the entries anew, one draft at a time: what was asked meanwhile stops it and comes after."""
        if self._working:
            self._again = True
            return
        self._working, self._again = True, False
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
        if self._working and not self.writing:
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

        self._working = False
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
        self._list()
        self._entry = None
        self._show_entry()
        self.app.refresh_offers()

    # -- the list -----------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        made = self.draft
        if made is None:
            rows = why_not(self.refused, self.error or "")
        else:
            ranged = self.steps is not None
            rows = draft_rows(made, self.target, self.choices, self.checks or (), ranged=ranged, packed=self.packed)
        self.rows.reload(Rows(rows))
        size = "" if made is None else fmt.size(sum(size for _, size in made.sizes()))
        steps = "" if made is None else fmt.plural(made.facts["session"]["steps"], "step")
        dot = self.rows.look.sign("dot")
        self.title_line.show(
            f"{self.range_words} {dot} {self.target.name}", f" {dot} ".join(part for part in (steps, size) if part)
        )

    def named(self, kind: str) -> Any:
        source, at = self.rows.source, self.rows.cursor
        place = source.rows[at].place if isinstance(source, Rows) and 0 <= at < len(source.rows) else None
        return place[1] if isinstance(place, tuple) and place[0] == kind else None

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        if self.named("open") is not None:
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
        return "It is being written." if self.writing else None

    def do_review(self) -> None:
        """To the redaction editor and back; then the gate is passed anew."""
        from tracetui.tui.screens.redact import RedactScreen

        self.drop("draft")
        self._working = False
        screen = RedactScreen(self.session, self.steps, target=self.named("open"))

        def back(_: None) -> None:
            # The decisions are all there when the review is let go.
            self.background("closed", lambda _: screen.desk.closed.wait(10), lambda _: self.make())

        self.app.push_screen(screen, back)

    def do_switch(self) -> None:
        (self.rows if self.text.has_focus else self.text).focus()

    # -- writing ------------------------------------------------------------------------------------------------------

    def why_write(self) -> str | None:
        if self.writing:
            return "It is being written."
        if self.refused is not None:
            return None  # enter leads to what is in the way
        if self.error is not None:
            return one_line(self.error, 300)
        return "The entries are being made; wait a moment." if self._working or self.draft is None else None

    def do_write(self) -> None:
        if self.refused is not None:
            self.do_review()
            return
        if not self.target.exists():
            self._sign()
            return
        from tracetui.tui.screens.choose import ConfirmScreen

        text = f"{self.target} is there already; it will be replaced."
        self.app.push_screen(
            ConfirmScreen("Replace the file?", text, yes="Replace it"), lambda yes: self._sign() if yes == 1 else None
        )

    def _sign(self) -> None:
        """Sign first where a key was named: without a terminal for it, then with this one, for a passphrase."""
        made, key = self.draft, self.choices.key
        if made is None or self.writing:
            return
        self.writing = self._working = True
        self.title_line.show(self.range_words, "signing" if key else "writing")
        self.app.refresh_offers()
        if key is None:
            self._write(None)
            return
        digest = made.digest

        def work(cancelled: Callable[[], bool]) -> bytes:
            from tracetui.capsule.signing import sign

            return sign(digest, key, ask=False)

        self.background("sign", work, self._write, lambda _: self._sign_here(digest, key))

    def _sign_here(self, digest: str, key: Path) -> None:
        from textual.app import SuspendNotSupported

        from tracetui.capsule.signing import sign

        try:
            with self.app.suspend():
                signature = sign(digest, key)
        except SuspendNotSupported:
            self._not_written(TracetuiError(f"{key} does not sign without a terminal to ask on"))
        except TracetuiError as error:
            self._not_written(error)
        else:
            self._write(signature)

    def _write(self, signature: bytes | None) -> None:
        made, target = self.draft, self.target
        assert made is not None
        self.title_line.show(self.range_words, "writing")

        def work(cancelled: Callable[[], bool]) -> str:
            from tracetui.capsule.seal import LARGE
            from tracetui.capsule.verify import verify

            try:
                size = made.write(target, signature=signature)
            except OSError as error:
                raise TracetuiError(f"Cannot write {target}: {error.strerror}") from None
            report = verify(target)
            if not report.ok or report.digest != made.digest:
                raise TracetuiError(f"{target} is not as it was sealed; write it again")
            large = "; more than issue trackers take (25 MB)" if size > LARGE else ""
            signed = ", signed" if signature is not None else ""
            return f"Sealed: {target} ({fmt.size(size)}{signed}{large}), digest {made.digest[:16]}"

        self.background("write", work, self._written, self._not_written)

    def _written(self, said: str) -> None:
        self.dismiss(said)

    def _not_written(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.writing = self._working = False
        self._list()
        self.app.say(str(error), role="bad")
        self.app.refresh_offers()

    def do_back(self) -> None:
        if self.writing:
            self.app.say("It is being written; that takes a moment.")
            return
        self.drop("draft")
        self.dismiss(None)
