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
from textual.screen import Screen

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.capsule.rows import Page, Row, Rows, heading
from tracetui.tui.panes.base import PaneTitle, Rest
from tracetui.tui.redaction.model import Target
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
_LEAKS: Final = 20


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
    SealScreen #seal-left { width: 42%; min-width: 30; height: 1fr; }
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
        self.refused: Refused | None = None
        self.error: str | None = None
        self.capsule_name: str | None = None
        self.author: str | None = None
        self.include_before = False
        self.checks: list[tuple[Check, bool]] | None = None
        """The checks to choose from and whether each is taken; None before they were proposed."""
        self.writing = False
        self._working = False
        self._again = False
        self._began = 0.0
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
        self.set_interval(0.5, self._tick)
        self._make()

    # -- the draft ----------------------------------------------------------------------------------------------------

    @property
    def range_words(self) -> str:
        """What is sealed, in words."""
        if self.steps is None:
            return "the whole session"
        first, last = self.steps
        return f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"

    def _tick(self) -> None:
        if self._working:
            waited = f"{monotonic() - self._began:.0f} s"
            self.title_line.show(self.range_words, f"{'writing' if self.writing else 'making the entries'} {waited}")

    def _make(self) -> None:
        """Make the entries anew, one draft at a time: what was asked meanwhile comes after."""
        if self._working:
            self._again = True
            return
        self._working, self._again = True, False
        self._began = monotonic()
        self.rows.empty = ("Passing the gate and making the entries.", "Nothing is written yet; q stops it.")
        self.rows.refresh()
        self._tick()
        self.app.refresh_offers()
        session, steps = self.session, self.steps
        chosen = self._chosen()
        name, author, before = self.capsule_name, self.author, self.include_before

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> Draft | Refused | TracetuiError:
            from tracetui.capsule.episode import choose
            from tracetui.capsule.seal import Options, Refused, draft

            try:
                first, last = steps or (None, None)
                episode = choose(bucket, session, first, last)
                return draft(bucket, episode, Options(checks=chosen, name=name, author=author, include_before=before))
            except (Refused, TracetuiError) as error:
                return error

        self.ask("draft", work, self._made)

    def _chosen(self) -> list[Check] | None:
        if self.checks is None:
            return None
        taken = [check for check, on in self.checks if on]
        return [replace(check, number=nth) for nth, check in enumerate(taken, 1)]

    def _made(self, result: Any) -> None:
        from tracetui.capsule.seal import Draft, Refused

        self._working = False
        if self._again:
            self._make()
            return
        self.draft = self.refused = self.error = None
        if isinstance(result, Draft):
            self.draft = result
            if self.checks is None:
                self.checks = [(check, True) for check in result.checks]
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
        rows = self._rows() if self.draft is not None else self._why_not()
        self.rows.reload(Rows(rows))
        size = "" if self.draft is None else fmt.size(self.unpacked)
        steps = "" if self.draft is None else fmt.plural(self.draft.facts["session"]["steps"], "step")
        dot = self.rows.look.sign("dot")
        self.title_line.show(
            f"{self.range_words} {dot} {self.target.name}", f" {dot} ".join(part for part in (steps, size) if part)
        )

    @property
    def unpacked(self) -> int:
        """Bytes of all entries."""
        return 0 if self.draft is None else sum(size for _, size in self.draft.sizes())

    def _why_not(self) -> list[Row]:
        refused = self.refused
        if refused is None:
            return [Row(self.error or "", sign="failed", place="error")]
        gate = refused.gate
        rows = [Row("Not sealed: the review is not done", sign="finding", style="warn", place="gate")]
        kinds: dict[tuple[str, int], set[str]] = {}
        for place in gate.open:
            kinds.setdefault((place.kind, place.tier), set()).add(place.value)
        if kinds:
            rows.append(heading("Nobody decided about", f"{sum(map(len, kinds.values())):,}"))
            for (kind, tier), values in sorted(kinds.items(), key=lambda item: (item[0][1], item[0][0])):
                first = next(place for place in gate.open if (place.kind, place.tier) == (kind, tier))
                fact = f"{fmt.plural(len(values), 'value')}, tier {tier}"
                rows.append(Row(kind, fact, "finding", place=("open", Target(first.id))))
        if gate.unscanned:
            rows.append(heading("Not scanned", f"{len(gate.unscanned):,}"))
            rows += [
                Row(f"line {place.source.line}: {place.field}", place.why, place=("open", Target(place.id)))
                for place in gate.unscanned[:_LEAKS]
            ]
        if gate.leaks:
            rows.append(heading("Left in the result", f"{len(gate.leaks):,}"))
            for leak in gate.leaks[:_LEAKS]:
                spot = Target("", leak.agent, leak.rid, leak.field, leak.in_key, leak.start, leak.end)
                rows.append(Row(leak.kind, leak.why, "finding", place=("open", spot)))
        rows += [heading("enter or r goes to it in the redaction editor; then the seal goes on here")]
        return rows

    def _rows(self) -> list[Row]:
        from tracetui.capsule.seal import LARGE

        draft = self.draft
        assert draft is not None
        rows = [
            heading("To be written"),
            Row(str(self.target), "exists" if self.target.exists() else "", place="target", path=True),
            Row(f"name: {self.capsule_name or 'none'}", place="name"),
            Row(f"author: {self.author or 'not told'}", place="author"),
        ]
        if self.unpacked > LARGE:
            large = f"{fmt.size(self.unpacked)} unpacked: issue trackers take 25 MB; seal a range"
            rows.append(Row(large, sign="finding", style="warn", place="large"))
        if self.steps is not None:
            kept = "kept" if self.include_before else "left out"
            rows.append(Row(f"text from before the range: {kept}", place="before"))
        if draft.exposed:
            rows.append(heading("Secrets that this session showed: rotate what is live", f"{len(draft.exposed):,}"))
            rows += [Row(mark, kind, "finding", place=("secret", mark)) for mark, kind in draft.exposed]
        rows.append(heading("Checks", f"{sum(on for _, on in self.checks or ()):,} of {len(self.checks or ()):,}"))
        for nth, (check, on) in enumerate(self.checks or ()):
            status = "not 0" if check.exit_code is None else str(check.exit_code)
            sign = "tick" if on else "lost"
            rows.append(Row(check.command, f"status {status}", sign, "" if on else "muted", place=("check", nth)))
        if not self.checks:
            rows.append(Row("none: the episode holds no failing command", style="muted", place="no-check"))
        rows.append(heading("Entries", fmt.size(self.unpacked)))
        rows += [Row(name, fmt.size(size), place=("entry", name), path=True) for name, size in draft.sizes()]
        redactions = draft.facts["redactions"]
        rows.append(heading("Taken out", f"{sum(redactions.values()):,}"))
        rows += [Row(kind, f"{count:,}", place=("kind", kind)) for kind, count in sorted(redactions.items())]
        if not redactions:
            rows.append(Row("nothing", style="muted", place="no-kind"))
        if draft.notes:
            rows.append(heading("What the reader is told"))
            rows += [Row(note, place=("note", nth)) for nth, note in enumerate(draft.notes)]
        return rows

    @property
    def _place(self) -> Any:
        source = self.rows.source
        at = self.rows.cursor
        return source.rows[at].place if isinstance(source, Rows) and 0 <= at < len(source.rows) else None

    def _named(self, kind: str) -> Any:
        """The second part of the place under the cursor, where it is of this kind."""
        place = self._place
        return place[1] if isinstance(place, tuple) and place[0] == kind else None

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._rest.moved()
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        if self._named("open") is not None:
            self.do_review()
        else:
            self.text.focus()

    # -- what the reader sees -----------------------------------------------------------------------------------------

    def _show_entry(self) -> None:
        """The entry, check or note under the cursor; else the transcript."""
        draft = self.draft
        if draft is None:
            if self.refused is not None:
                self._entry = None
                self.text_title.show("")
                self.text.show(DocumentMaker().add(f"Not sealed: {self.refused.gate.say()}.").make())
            return
        source = self.rows.source
        nth = self._named("check")
        note = self._named("note")
        if nth is not None and self.checks is not None:
            self._entry = None
            self.text_title.show("a check")
            self.text.show(_check_page(self.checks[nth][0]))
            return
        if note is not None and isinstance(source, Rows):
            self._entry = None
            self.text_title.show("a note")
            self.text.show(DocumentMaker().add(draft.notes[note]).make())
            return
        name = self._named("entry") or "transcript.md"
        if name == self._entry:
            return
        self._entry = name
        self.text_title.show(name)
        data = draft.entries[name]

        def work(cancelled: Callable[[], bool]) -> Document:
            maker = DocumentMaker()
            maker.add(data[:_SHOWN].decode("utf-8", "replace"))
            if len(data) > _SHOWN:
                maker.add(f"{fmt.size(len(data) - _SHOWN)} more stand in the entry.", style="muted")
            return maker.make()

        self.background("entry", work, self.text.show)

    # -- choosing -----------------------------------------------------------------------------------------------------

    @property
    def _busy(self) -> str | None:
        if self.writing:
            return "It is being written."
        return None if self.draft is not None else "There is nothing to seal yet."

    def why_toggle(self) -> str | None:
        return self._busy or (None if self._named("check") is not None else "The cursor is on no check.")

    def do_toggle(self) -> None:
        nth = self._named("check")
        assert self.checks is not None
        check, on = self.checks[nth]
        self.checks[nth] = (check, not on)
        self._list()
        self._make()

    why_edit = why_toggle

    def do_edit(self) -> None:
        from tracetui.tui.screens.ask import AskScreen

        nth = self._named("check")
        assert self.checks is not None
        check = self.checks[nth][0]

        def command(text: str | None) -> None:
            if text is None or not text.strip():
                return
            changed = replace(check, command=text)
            status = "" if check.exit_code is None else str(check.exit_code)
            hint = "The exit status that shows the problem; nothing for any but 0."
            self.app.push_screen(AskScreen("Exit status", status, hint=hint), lambda code: exit_code(changed, code))

        def exit_code(changed: Check, code: str | None) -> None:
            if code is None:
                return
            if code.strip() and not re.fullmatch(r"[0-9]{1,3}", code.strip()):
                self.app.say("An exit status is a number from 0 to 255.")
                return
            other = replace(changed, exit_code=int(code) if code.strip() else None)
            hint = "A line of the output that shows the problem; nothing for none."
            self.app.push_screen(AskScreen("Line", check.line or "", hint=hint), lambda line: done(other, line))

        def done(other: Check, line: str | None) -> None:
            if line is None:
                return
            assert self.checks is not None
            self.checks[nth] = (replace(other, line=line.strip() or None), True)
            self._list()
            self._make()

        hint = "{root} is the repository's folder."
        self.app.push_screen(AskScreen("Command of the check", check.command, hint=hint), command)

    def why_add(self) -> str | None:
        return self._busy

    def do_add(self) -> None:
        from tracetui.tui.screens.ask import AskScreen

        def named(text: str | None) -> None:
            from tracetui.capsule.checks import from_command

            if text is None or not text.strip():
                return
            check = from_command(0, text, None, None)
            if check is None:
                self.app.say("A check is too long, or holds a NUL.")
                return
            self.checks = [*(self.checks or []), (check, True)]
            self._list()
            self._make()

        hint = "A command that fails while the problem is there; {root} is the repository's folder."
        self.app.push_screen(AskScreen("Another check", hint=hint), named)

    def why_name(self) -> str | None:
        return self._busy

    why_author = why_name

    def do_name(self) -> None:
        self._ask_text("What the capsule is called", self.capsule_name, "capsule_name")

    def do_author(self) -> None:
        self._ask_text("Your name, if the reader should know it", self.author, "author")

    def _ask_text(self, title: str, text: str | None, into: str) -> None:
        from tracetui.tui.screens.ask import AskScreen

        def told(answer: str | None) -> None:
            if answer is not None:
                setattr(self, into, one_line(answer.strip(), 200) or None)
                self._make()

        self.app.push_screen(AskScreen(title, text or "", hint="It stands in the capsule; nothing for none."), told)

    def why_before(self) -> str | None:
        return self._busy or ("The whole session is sealed; there is nothing before it." if not self.steps else None)

    def do_before(self) -> None:
        self.include_before = not self.include_before
        self._make()

    def why_review(self) -> str | None:
        return "It is being written." if self.writing else None

    def do_review(self) -> None:
        """To the redaction editor and back; then the gate is passed anew."""
        from tracetui.tui.screens.redact import RedactScreen

        self.drop("draft")
        self._working = False
        screen = RedactScreen(self.session, self.steps, target=self._named("open"))

        def back(_: None) -> None:
            # The decisions are all there when the review is let go.
            self.background("closed", lambda _: screen.desk.closed.wait(10), lambda _: self._make())

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
            self._write()
            return
        from tracetui.tui.screens.choose import ConfirmScreen

        text = f"{self.target} is there already; it will be replaced."
        self.app.push_screen(
            ConfirmScreen("Replace the file?", text, yes="Replace it"), lambda yes: self._write() if yes == 1 else None
        )

    def _write(self) -> None:
        made, target = self.draft, self.target
        if made is None or self.writing:
            return
        self.writing = self._working = True
        self._began = monotonic()
        self._tick()
        self.app.refresh_offers()

        def work(cancelled: Callable[[], bool]) -> str:
            from tracetui.capsule.seal import LARGE
            from tracetui.capsule.verify import verify

            try:
                size = made.write(target)
            except OSError as error:
                raise TracetuiError(f"Cannot write {target}: {error.strerror}") from None
            report = verify(target)
            if not report.ok or report.digest != made.digest:
                raise TracetuiError(f"{target} is not as it was sealed; write it again")
            large = "; more than issue trackers take (25 MB)" if size > LARGE else ""
            return f"Sealed: {target} ({fmt.size(size)}{large}), digest {made.digest[:16]}"

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


def _check_page(check: Check) -> Document:
    maker = DocumentMaker()
    maker.heading("command").add(check.command, "shell")
    maker.heading("folder").add(check.folder or "the repository's")
    maker.heading("exit status").add("any but 0" if check.exit_code is None else str(check.exit_code))
    maker.heading("line of the output").add(check.line or "none")
    if check.step is not None:
        maker.heading("seen at").add(f"step {check.step}" + (f" of subagent {check.agent}" if check.agent else ""))
    if check.problem:
        maker.heading("problem").add(f"{check.problem}\nIts verdict will be inconclusive.")
    return maker.make()
