"""Taking a context along, as a file, what was accepted for redaction replaced."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.ask import ask_line

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.ctx.screen import CtxScreen

__all__ = ["ExportController"]

_FORMATS: Final = (
    ("messages", "a request of the Messages API, as JSON", ".json"),
    ("responses", "a request of OpenAI's Responses API, as JSON", ".json"),
    ("chat", "a request of OpenAI's chat completions, as JSON", ".json"),
    ("markdown", "text for a person or another agent", ".md"),
    ("native", "a session of the same harness, to go on with", ".jsonl"),
)


class ExportController(Controller["CtxScreen"]):
    """Leaving segments out, and writing the others."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("ctx",)

    def why_leave_out(self) -> str | None:
        if self.owner.mode != "segments":
            return "Only in the list of segments: q goes back to it."
        return None if self.owner.row is not None else "There is no segment under the cursor."

    def do_leave_out(self) -> None:
        row = self.owner.row
        if row is None or row.segment is None:
            return
        self.owner.left_out ^= {row.segment.n}
        cursor = self.owner.rows.cursor
        self.owner.list_segments()
        self.owner.rows.cursor = min(cursor + 1, len(self.owner.rows.source) - 1)

    def why_export(self) -> str | None:
        return None if self.owner.loaded is not None else "The context is being worked out."

    def do_export(self) -> None:
        from tracetui.tui.kit.pick import PickScreen

        choices = [(name, hint) for name, hint, _ in _FORMATS]
        left = f" {fmt.plural(len(self.owner.left_out), 'segment')} left out." if self.owner.left_out else ""

        def chosen(at: int | None) -> None:
            if at is not None:
                self._ask_file(at)

        text = f"What was accepted for redaction is replaced; what is open stops it.{left}"
        self.app.push_screen(PickScreen("Export this context", choices, text=text), chosen)

    def _ask_file(self, at: int) -> None:
        name, _, ending = _FORMATS[at]
        proposed = str(Path.cwd() / f"context-{self.owner.session.id[:8]}-{self.owner.step}{ending}")

        def named(path: str) -> None:
            if path:
                self._export(name, path)

        ask_line(self.app, f"Write {name} to", proposed, "", named)

    def _export(self, name: str, path: str, *, reviewed: bool = True) -> None:
        loaded = self.owner.loaded
        if loaded is None:
            return
        left = frozenset(self.owner.left_out)

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[bool, str]:
            from tracetui.ctx.export import export
            from tracetui.redact.gate import excluded_segments, pass_text

            refused = ""

            def gate(text: str) -> str:
                nonlocal refused
                try:
                    return pass_text(bucket, [loaded.session], text)
                except TracetuiError as error:
                    refused = str(error)
                    raise

            out = left
            if reviewed:
                out |= excluded_segments(bucket, loaded.session, loaded.log, loaded.context.segments())
            try:
                done = export(
                    *(bucket, loaded.session, loaded.log, loaded.context, name, Path(path), out, _now()),
                    gate if reviewed else None,
                )
            except TracetuiError:
                if refused:
                    return False, refused
                raise
            told = "" if reviewed else "; not reviewed"
            return True, f"{done.path}: {fmt.plural(done.segments, 'segment')}, {fmt.size(done.bytes)}{told}"

        def finish(result: tuple[bool, str]) -> None:
            written, said = result
            if written:
                self.app.say(one_line(said, 200), role="good")
            else:
                self._refused(name, path, said)

        self.owner.ask("export", work, finish)

    def _refused(self, name: str, path: str, why: str) -> None:
        from tracetui.tui.kit.pick import PickScreen

        choices = [
            ("do not write it", "review the session first: r in the list of sessions"),
            ("write it unreviewed", "as it is, with whatever it holds"),
        ]

        def chosen(at: int | None) -> None:
            if at == 1:
                self._export(name, path, reviewed=False)

        self.app.push_screen(PickScreen("Not reviewed", choices, text=why), chosen)


def _now() -> int:
    return int(time.time() * 1000)
