"""The verdict of a capsule's checks: first what would run and on what, after consent what was expected and seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import Actor, bindings
from tracetui.tui.background import Background
from tracetui.tui.capsule.letters import large
from tracetui.tui.capsule.rows import Page, Row, Rows, heading
from tracetui.tui.look import Look
from tracetui.tui.panes.base import PaneTitle
from tracetui.tui.rows import paint
from tracetui.tui.widgets.footer import Footer
from tracetui.tui.widgets.line_list import LineList
from tracetui.tui.widgets.text_view import DocumentMaker, TextView

if TYPE_CHECKING:
    from tracetui.capsule.checks import Check
    from tracetui.capsule.replay import Replay, Result
    from tracetui.tui.app import TracetuiApp

__all__ = ["VerdictScreen"]

SIGNS: Final = {"fixed": "alive", "reproduces": "transformed", "differs": "finding", "inconclusive": "unknown"}
_ROLES: Final = {"fixed": "good", "reproduces": "change", "differs": "warn", "inconclusive": "muted"}
_TAIL: Final = 20_000


class Large(Widget):
    """A verdict in large letters, or a line of what goes on."""

    DEFAULT_CSS = "Large { height: 5; } Large.-plain { height: 1; }"

    def __init__(self) -> None:
        super().__init__(id="verdict-large")
        self.word, self.role = "", ""

    def show(self, word: str, role: str, *, plain: bool = False) -> None:
        self.word, self.role = word, role
        self.set_class(plain, "-plain")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        look, width = Look.of_widget(self), self.size.width
        plain = self.has_class("-plain")
        lines = [self.word] if plain else large(self.word, width - 4, ascii_only=getattr(self.app, "ascii_only", False))
        top = 0 if plain or len(lines) > 4 else 1
        text = lines[y - top] if 0 <= y - top < len(lines) else ""
        return paint([("  " + text, look.style(self.role, "b"))], width).apply_style(self.rich_style)


class _Told(Message):
    """What the replay is at."""

    bubble = False

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what


class _One(Message):
    """A check has its verdict."""

    bubble = False

    def __init__(self, run: int, result: Result) -> None:
        super().__init__()
        self.run, self.result = run, result


class VerdictScreen(Screen[None], Actor, Background):
    """Poses the checks of a capsule. Nothing runs before the user agreed to the commands and files that are shown; what
    was agreed to holds for that digest, repository and revision, and is asked for again when one of them changes."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("verdict", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("verdict", "screen", priority=("verdict.run",))]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    VerdictScreen #verdict-rows { height: 40%; min-height: 4; }
    VerdictScreen #verdict-both { height: 1fr; }
    VerdictScreen #verdict-both Vertical { width: 1fr; }
    VerdictScreen PaneTitle.-top { dock: top; }
    """
    app: TracetuiApp

    def __init__(self, capsule: Path, repo: Path | None = None, at: str | None = None) -> None:
        super().__init__()
        self.path, self.repo, self.revision = capsule, repo, at
        self.digest: str | None = None
        self.replay: Replay | None = None
        self.results: list[Result] = []
        self.verdict: str | None = None
        self.error = ""
        self.running = False
        self._checks: Sequence[Check] = ()
        self._words = ""
        self._files: Sequence[str] = ()
        self._start: str | None = None
        self._run = 0
        self._stop = False
        self.title_line = PaneTitle("", "Verdict")
        self.large = Large()
        self.rows = Page(id="verdict-rows")
        self.expected = TextView(id="verdict-expected")
        self.observed = TextView(id="verdict-observed")
        self.left_title = PaneTitle("", "Expected")
        self.right_title = PaneTitle("", "Observed")

    def compose(self) -> ComposeResult:
        self.title_line.add_class("-top")
        yield self.title_line
        yield self.large
        yield self.rows
        with Horizontal(id="verdict-both"):
            with Vertical():
                yield self.left_title
                yield self.expected
            with Vertical():
                yield self.right_title
                yield self.observed
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.title_line.show(self.path.name)
        self.rows.focus()
        self.large.show("Checking the capsule.", "muted", plain=True)
        path = self.path

        def work(cancelled: Callable[[], bool]) -> tuple[Replay, list[Check], str, list[str], str | None]:
            from tracetui.capsule.replay import Replay, Request
            from tracetui.capsule.signing import allowed_signers
            from tracetui.capsule.verify import Capsule, report_of

            capsule = Capsule(path)
            try:
                report = report_of(capsule, allowed_signers(None))
                if not report.ok:
                    raise TracetuiError("; ".join(report.problems))
                replay = Replay(capsule, Request())
                base = capsule.manifest.section("repository").get("base")
                start = base.get("start") if isinstance(base, dict) else None
                files = replay.runs_on()
                return replay, replay.checks, report.words, files, start if isinstance(start, str) else None
            except BaseException:
                capsule.close()
                raise

        self.background("open", work, self._opened, self._not_opened)

    def _not_opened(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.error = one_line(str(error), 400)
        self.large.show(self.error, "bad", plain=True)
        self.app.refresh_offers()

    def _opened(self, found: tuple[Replay, list[Check], str, list[str], str | None]) -> None:
        self.replay, self._checks, self._words, self._files, self._start = found
        self.digest = self.replay.capsule.digest
        self._ask_consent()

    def on_unmount(self) -> None:
        self._stop = True
        if self.replay is not None and not self.running:
            self.replay.capsule.close()

    # -- consent ------------------------------------------------------------------------------------------------------

    def _ask_consent(self) -> None:
        """Show what would run, and on what."""
        replay = self.replay
        assert replay is not None
        self.results, self.verdict = [], None
        checks = self._checks
        asked = "Nothing has run. Enter agrees to this and runs it."
        self.large.show(asked if checks else "The capsule holds no check.", "warn" if checks else "muted", plain=True)
        rows = [heading("The capsule"), Row(self._words, place="words"), Row(f"digest {self.digest}", place="digest")]
        rows.append(heading("It would run, in a sandbox without network and home"))
        for check in checks:
            # Whole: what is agreed to must not end where the screen does.
            for nth, line in enumerate(_whole(check.command, self.size.width - 8)):
                rows.append(Row(line, place=("check", check.number, nth)))
            if check.folder:
                rows.append(Row(f"in {check.folder}", style="muted", place=("check", check.number, "folder")))
        rows.append(heading("On these files"))
        rows.append(Row(f"of commit {self._start}" if self._start else "those that it carries", place="base"))
        if self.repo is not None:
            rows.append(Row(f"from the repository {self.repo}", place="repo", path=True))
        else:
            rows.append(Row("from the repository around this folder, if it has them; r names another", place="repo"))
        if self.revision:
            rows.append(Row(f"and of {self.revision}", place="at"))
        if self._files:
            rows.append(heading("Changed by the capsule", f"{len(self._files):,}"))
            rows += [Row(name, place=("file", name), path=True) for name in self._files]
        self.rows.reload(Rows(rows), keep=False)
        self._show()
        self.app.refresh_offers()

    def on_resize(self) -> None:
        if self.replay is not None and not self.running and self.verdict is None:
            self._ask_consent()

    def _changed(self) -> None:
        from tracetui.capsule.replay import Replay, Request

        assert self.replay is not None
        self.replay = Replay(self.replay.capsule, Request(repo=self.repo, at=self.revision))
        self._ask_consent()

    @property
    def _busy(self) -> str | None:
        if self.error:
            return self.error
        if self.replay is None:
            return "The capsule is being checked."
        return "The checks are running." if self.running else None

    def why_repository(self) -> str | None:
        return self._busy

    why_revision = why_repository

    def do_repository(self) -> None:
        from tracetui.tui.screens.ask import AskScreen

        def named(text: str | None) -> None:
            if text is None:
                return
            folder = Path(text.strip()).expanduser() if text.strip() else None
            if folder is not None and not folder.is_dir():
                self.app.say(f"There is no folder {folder}.")
                return
            self.repo = folder
            self._changed()

        hint = "The folder of the repository that holds the base; nothing for the one around this folder."
        self.app.push_screen(AskScreen("Repository", str(self.repo or ""), hint=hint), named)

    def do_revision(self) -> None:
        from tracetui.tui.screens.ask import AskScreen

        def named(text: str | None) -> None:
            if text is not None:
                self.revision = text.strip() or None
                self._changed()

        hint = "A branch, tag or commit; nothing for the base alone."
        self.app.push_screen(AskScreen("Run the checks at", self.revision or "", hint=hint), named)

    # -- running ------------------------------------------------------------------------------------------------------

    def why_run(self) -> str | None:
        if self._busy:
            return self._busy
        assert self.replay is not None
        if self.verdict is not None:
            return "It has run. Choose another repository (r) or revision (a), or go back and come again."
        return None if self._checks else "The capsule holds no check."

    def do_run(self) -> None:
        replay = self.replay
        assert replay is not None
        self.running, self._stop = True, False
        self.results = []
        self._run += 1
        run = self._run
        scratch = self.app.temp.folder()
        replay.scratch = scratch
        self.large.show("Probing the sandbox.", "accent", plain=True)
        self.app.refresh_offers()

        def work(cancelled: Callable[[], bool]) -> None:
            from tracetui.capsule import sandbox as sandboxes

            def told(what: str) -> None:
                self.post_message(_Told(what))

            def stopped() -> bool:
                return self._stop or cancelled()

            try:
                replay.progress = told
                replay.cancelled = stopped
                for result in replay.run(sandboxes.choose(tools=replay.tools(), scratch=scratch)):
                    self.post_message(_One(run, result))
                    if stopped():
                        break
            finally:
                if not self.is_running:
                    replay.capsule.close()

        self.background("run", work, lambda _: self._done(), self._not_run)

    def on__told(self, message: _Told) -> None:
        if self.running:
            self.large.show(f"{message.what} {self.rows.look.sign('ellipsis')}", "accent", plain=True)

    def on__one(self, message: _One) -> None:
        if message.run == self._run:
            self.results.append(message.result)

    def _not_run(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.running = False
        self._ask_consent()
        self.large.show(f"Nothing could be told: {one_line(str(error), 300)}", "bad", plain=True)

    def _done(self) -> None:
        from tracetui.capsule.replay import worst

        self.running = False
        if self._stop:
            self._ask_consent()
            self.large.show("Stopped. Enter runs it again.", "warn", plain=True)
            return
        self.verdict = worst([result.verdict for result in self.results])
        self.large.show(self.verdict, _ROLES[self.verdict])
        rows = [
            Row(
                f"{result.check.number}. {result.check.command}",
                f"{result.verdict}, {result.seconds:.1f} s",
                SIGNS[result.verdict],
                place=("result", nth),
            )
            for nth, result in enumerate(self.results)
        ]
        self.rows.reload(Rows(rows), keep=False)
        self._show()
        self.app.refresh_offers()

    def why_stop(self) -> str | None:
        return None if self.running else "Nothing is running."

    def do_stop(self) -> None:
        self._stop = True
        self.large.show("Stopping.", "warn", plain=True)

    # -- side by side -------------------------------------------------------------------------------------------------

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self._show()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        self.expected.focus()

    def _show(self) -> None:
        """What was expected and seen of the check under the cursor."""
        at = self.rows.cursor
        left, right = DocumentMaker(), DocumentMaker()
        result = self.results[at] if self.verdict is not None and 0 <= at < len(self.results) else None
        source = self.rows.source
        place = source.rows[at].place if isinstance(source, Rows) and 0 <= at < len(source.rows) else None
        number = place[1] if isinstance(place, tuple) and place[0] == "check" else 1
        check = result.check if result else next((item for item in self._checks if item.number == number), None)
        if check is not None:
            left.heading("exit status").add("any but 0" if check.exit_code is None else str(check.exit_code))
            left.heading("line").add(check.line or "none")
            left.heading("command").add(check.command, "shell")
            left.heading("folder").add(check.folder or "the repository's")
        if result is None:
            right.add("It has not run.", style="muted")
        else:
            seen = result.seen
            right.heading("exit status").add("none" if seen.code is None else str(seen.code))
            right.heading("line").add(seen.line or "none")
            right.heading(result.verdict).add(result.why)
            if result.at:
                right.heading("at").add(result.at)
            if seen is not result.base:
                base = "none" if result.base.code is None else str(result.base.code)
                right.heading("on the base").add(f"{result.base.kind}, exit status {base}\n{result.base.line or ''}")
            if seen.ran is not None and seen.ran.output:
                right.heading("output").add(seen.ran.output[-_TAIL:])
        self.expected.show(left.make())
        self.observed.show(right.make())

    def do_switch(self) -> None:
        order = [self.rows, self.expected, self.observed]
        here = next((nth for nth, widget in enumerate(order) if widget.has_focus), -1)
        order[(here + 1) % 3].focus()

    def why_copy(self) -> str | None:
        return None if self.verdict is not None else "There is no verdict yet."

    def do_copy(self) -> None:
        from tracetui.capsule.replay import comment

        assert self.replay is not None
        self.app.copy_text(comment(self.replay.capsule.digest, self.results, self.replay.request))

    def do_back(self) -> None:
        if self.running:
            self.do_stop()
            self.app.say(f"Stopped; {fmt.plural(len(self.results), 'check')} had a verdict.", role="muted")
        self.dismiss(None)


def _whole(command: str, width: int) -> list[str]:
    """A command in pieces that fit into ``width`` cells, nothing of it left out."""
    width = max(16, width)
    out: list[str] = []
    for line in command.splitlines() or [""]:
        room = width if line.isascii() else width // 2
        out += [line[at : at + room] for at in range(0, len(line), room)] or [""]
    return out
