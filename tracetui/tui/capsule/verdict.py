"""The verdict of a capsule's checks: first what would run and on what, after consent what was expected and seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.capsule.asking import RequestController
from tracetui.tui.capsule.headline import Large
from tracetui.tui.capsule.rows import FactList, FactRows
from tracetui.tui.capsule.running import RunController
from tracetui.tui.capsule.verdict_rows import Asked, consent_rows, expected_page, observed_page
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.capsule.replay import CheckResult, Replay, Request
    from tracetui.sandbox.tools import Tools
    from tracetui.tui.kit.host import HostApp

__all__ = ["VerdictScreen"]


class VerdictScreen(Screen[None], Actor, Background):
    """Poses the checks of a capsule. Nothing runs before the user agreed to the commands and files that are shown; what
    was agreed to holds for that digest, repository, revision and dependency, and is asked for again when one of them
    changes."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("verdict", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("verdict", "screen", priority=("verdict.run",))]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    VerdictScreen #verdict-rows { height: auto; max-height: 30%; }
    VerdictScreen #verdict-both { height: 1fr; }
    VerdictScreen #verdict-both Vertical { width: 1fr; }
    VerdictScreen.-asking #verdict-rows { height: 1fr; max-height: 100%; }
    VerdictScreen.-asking #verdict-both { display: none; }
    VerdictScreen PaneTitle.-top { dock: top; }
    """
    app: HostApp

    def __init__(self, capsule: Path, repo: Path | None = None, at: str | None = None) -> None:
        super().__init__()
        self.path, self.repo, self.revision = capsule, repo, at
        self.other: str | None = None
        self.tool: Path | None = None
        self.replay: Replay | None = None
        self.results: list[CheckResult] = []
        self.verdict: str | None = None
        self.error = ""
        self.running = False
        self.asked: Asked | None = None
        self.tools: Tools | None = None
        self.runner = RunController(self)
        self.controllers = (self.runner, RequestController(self))
        self.title_line = PaneTitle("", "Verdict")
        self.large = Large()
        self.rows = FactList(id="verdict-rows")
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
        self.add_class("-asking")
        self.title_line.activate(True)
        self.title_line.show(self.path.name)
        self.rows.focus()
        self.load()

    def load(self) -> None:
        """Check the capsule, and list what it would run."""
        self.large.show("Checking the capsule.", "muted", plain=True)
        path = self.path

        def work(cancelled: Callable[[], bool]) -> tuple[Replay, Asked]:
            from tracetui.capsule.replay import Replay, Request
            from tracetui.capsule.signing import allowed_signers
            from tracetui.capsule.verify import Capsule, report_of

            capsule = Capsule(path)
            try:
                report = report_of(capsule, allowed_signers(None))
                if not report.intact:
                    raise TracetuiError("; ".join(report.problems))
                replay = Replay(capsule, Request())
                base = capsule.manifest.section("repository").get("base")
                start = base.get("start") if isinstance(base, dict) else None
                start = start if isinstance(start, str) else None
                return replay, Asked(
                    report.words, capsule.digest, replay.checks, start, replay.runs_on(), setup=replay.setup
                )
            except BaseException:
                capsule.close()
                raise

        self.background("open", work, self._opened, self._not_opened)

    @property
    def digest(self) -> str | None:
        """The digest of the capsule, once it was checked."""
        return None if self.asked is None else self.asked.digest

    def _not_opened(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.error = one_line(str(error), 400)
        self.large.show(self.error, "bad", plain=True)
        self.app.refresh_offers()

    def _opened(self, found: tuple[Replay, Asked]) -> None:
        self.replay, self.asked = found
        self.changed()

    def on_unmount(self) -> None:
        if self.replay is not None and not self.running:
            self.replay.capsule.close()

    # -- consent ------------------------------------------------------------------------------------------------------

    @property
    def request(self) -> Request:
        """What is asked for."""
        from tracetui.capsule.replay import Request

        chosen = None if self.asked is None or self.asked.chosen is None else sorted(self.asked.chosen)
        return Request(repo=self.repo, at=self.revision, other=self.other, checks=chosen)

    def changed(self) -> None:
        """Something else is asked for: look which tools that needs, and ask anew."""
        from tracetui.capsule.replay import Replay

        assert self.replay is not None
        replay = self.replay = Replay(self.replay.capsule, self.request)
        self.tools = None
        self.ask_consent()
        folder = self.tool

        def work(cancelled: Callable[[], bool]) -> Tools:
            from tracetui.sandbox.tools import named

            return replay.tools(named([folder] if folder is not None else []))

        self.background("tools", work, self._equipped, self._unequipped)

    def _equipped(self, tools: Tools) -> None:
        assert self.asked is not None
        self.tools, self.asked.tools = tools, tools.told
        self.ask_consent()

    def _unequipped(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.app.say(one_line(str(error), 300), role="bad")
        if self.tool is not None:
            self.tool = None
            self.changed()

    def ask_consent(self) -> None:
        """Show what would run, and on what."""
        asked = self.asked
        assert asked is not None
        self.results, self.verdict = [], None
        self.add_class("-asking")
        if not asked.checks:
            self.large.show("The capsule holds no check.", "muted", plain=True)
        else:
            self.large.show("Nothing has run. Enter agrees to this and runs it.", "warn", plain=True)
        self.rows.reload(FactRows(consent_rows(asked, self.request, self.size.width)))
        self.app.refresh_offers()

    def on_resize(self) -> None:
        if self.asked is not None and not self.running and self.verdict is None:
            self.ask_consent()

    @property
    def busy(self) -> str | None:
        if self.error:
            return self.error
        if self.replay is None:
            return "The capsule is being checked."
        return "The checks are running." if self.running else None

    # -- side by side -------------------------------------------------------------------------------------------------

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self.show_check()
        self.app.refresh_offers()

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        if self.verdict is not None:
            self.expected.focus()

    def show_check(self) -> None:
        """What was expected and seen of the check under the cursor."""
        at = self.rows.cursor
        result = self.results[at] if self.verdict is not None and 0 <= at < len(self.results) else None
        self.expected.show(expected_page(None if result is None else result.check))
        self.observed.show(observed_page(result))

    def why_switch(self) -> str | None:
        return None if self.verdict is not None else "There is no verdict yet."

    def do_switch(self) -> None:
        order = [self.rows, self.expected, self.observed]
        here = next((nth for nth, widget in enumerate(order) if widget.has_focus), -1)
        order[(here + 1) % 3].focus()

    why_copy = why_switch

    def do_copy(self) -> None:
        from tracetui.capsule.replay import comment

        assert self.replay is not None
        self.app.copy_text(comment(self.replay.capsule.digest, self.results, self.replay.request))

    def do_back(self) -> None:
        if self.running:
            self.runner.do_stop()
            self.app.say(f"Stopped; {fmt.plural(len(self.results), 'check')} had a verdict.", role="muted")
        self.dismiss(None)
