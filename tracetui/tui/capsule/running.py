"""Running the checks of a capsule: in the sandbox, one after the other, until all have a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from tracetui.model import TracetuiError
from tracetui.text.safe import one_line
from tracetui.tui.capsule.rows import FactRows
from tracetui.tui.capsule.verdict_rows import ROLES, meaning, result_rows
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from tracetui.capsule.replay import CheckResult
    from tracetui.tui.capsule.verdict import VerdictScreen

__all__ = ["RunController"]


class _Told(Message):
    """What the replay is at."""

    bubble = False

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what


class _One(Message):
    """A check has its verdict."""

    bubble = False

    def __init__(self, run: int, result: CheckResult) -> None:
        super().__init__()
        self.run, self.result = run, result


class RunController(Controller["VerdictScreen"]):
    """Runs what was agreed to."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("verdict",)

    def __init__(self, owner: VerdictScreen) -> None:
        super().__init__(owner)
        self._run = 0
        self._stop = False

    def on_unmount(self) -> None:
        self._stop = True

    def why_run(self) -> str | None:
        if self.owner.busy or self.owner.asked is None:
            return self.owner.busy
        if self.owner.verdict is not None:
            return "It has run. Choose another revision (a) or repository (r), or go back and come again."
        if not self.owner.asked.checks:
            return "The capsule holds no check."
        return None if self.owner.tools is not None else "The tools that the commands name are being looked for."

    def do_run(self) -> None:
        replay, tools = self.owner.replay, self.owner.tools
        assert replay is not None
        self.owner.running, self._stop = True, False
        self.owner.results = []
        self._run += 1
        run = self._run
        scratch = self.app.temp.folder()
        replay.scratch = scratch
        self.owner.large.show("Probing the sandbox.", "accent", plain=True)
        self.app.refresh_offers()

        def work(cancelled: Callable[[], bool]) -> None:
            from tracetui.sandbox import runner as sandboxes

            def told(what: str) -> None:
                self.owner.post_message(_Told(what))

            def stopped() -> bool:
                return self._stop or cancelled()

            try:
                replay.progress = told
                replay.cancelled = stopped
                for result in replay.run(sandboxes.choose(tools=tools, scratch=scratch)):
                    self.owner.post_message(_One(run, result))
                    if stopped():
                        break
            finally:
                if not self.owner.is_running:
                    replay.capsule.close()

        self.owner.background("run", work, lambda _: self.finish(), self._not_run)

    def on__told(self, message: _Told) -> None:
        if self.owner.running:
            self.owner.large.show(f"{message.what} {self.owner.rows.look.sign('ellipsis')}", "accent", plain=True)

    def on__one(self, message: _One) -> None:
        if message.run == self._run:
            self.owner.results.append(message.result)

    def _not_run(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self.owner.running = False
        self.owner.ask_consent()
        self.owner.large.show(f"Nothing could be told: {one_line(str(error), 300)}", "bad", plain=True)

    def finish(self) -> None:
        from tracetui.capsule.replay import verdict_of

        self.owner.running = False
        if self._stop:
            self.owner.ask_consent()
            self.owner.large.show("Stopped. Enter runs it again.", "warn", plain=True)
            return
        self.owner.verdict = verdict_of(self.owner.results)[0]
        self.owner.remove_class("-asking")
        told = meaning(self.owner.verdict, self.owner.results, self.owner.request)
        self.owner.large.show(self.owner.verdict, ROLES[self.owner.verdict], told=told)
        self.owner.rows.reload(FactRows(result_rows(self.owner.results)), keep=False)
        self.owner.show_check()
        whys = [result.why for result in self.owner.results]
        if any("not at hand" in why for why in whys):
            self.app.say("r names the repository that holds the base.")
        elif any(why.startswith(("a dependency is missing", "the command could not be found")) for why in whys):
            self.app.say("t names a folder of tools that has it, such as a virtual environment.")
        else:
            self.app.say("y copies this as a comment for the issue; a runs it at another revision.", role="muted")
        self.app.refresh_offers()

    def why_stop(self) -> str | None:
        return None if self.owner.running else "Nothing is running."

    def do_stop(self) -> None:
        self._stop = True
        self.owner.large.show("Stopping.", "warn", plain=True)
