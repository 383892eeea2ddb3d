"""Finding segments of a context by the words that they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from tracetui.ctx.context import piece_of
from tracetui.ctx.opening import records_for
from tracetui.text import format as fmt
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.query_line import QueryLine

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.ctx.screen import CtxScreen

__all__ = ["FindSegmentController"]

_MOST_FOUND: Final = 100_000


class FindSegmentController(Controller["CtxScreen"]):
    """The line to type into; ``found`` are the numbers of the segments that hold ``words``, None without any."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("ctx",)

    def __init__(self, owner: CtxScreen) -> None:
        super().__init__(owner)
        self.found: frozenset[int] | None = None
        self.words = ""
        self._line: QueryLine | None = None

    async def do_find(self) -> None:
        if self._line is None:
            self._line = QueryLine(self.words, placeholder="text in this context")
            await self.owner.mount(self._line, before=self.owner.bar)
        self._line.focus_input()

    def close(self) -> bool:
        """Drop what is looked for; False when nothing was."""
        if self._line is None:
            return False
        self.owner.drop("find")
        self._line.remove()
        self._line = None
        self.words, self.found = "", None
        self.owner.text.finding.search("")
        self.owner.list_segments()
        self.owner.rows.focus()
        return True

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self._search(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        if not message.text:
            self.close()
        else:
            self._search(message.text)
            self.owner.rows.focus()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self.close()

    def _search(self, words: str) -> None:
        loaded = self.owner.loaded
        self.words = words
        if loaded is None or not words.strip():
            self.found = None
            self.owner.list_segments()
            return
        needle = words.casefold()

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> frozenset[int]:
            index = loaded.context.index
            reading = records_for(bucket, loaded.log, index)
            found: set[int] = set()
            for n, at in enumerate(loaded.context.ids, 1):
                if cancelled() or len(found) >= _MOST_FOUND:
                    break
                if needle in index.preview[at].casefold() or needle in piece_of(index, at, reading).text.casefold():
                    found.add(n)
            return frozenset(found)

        self.owner.ask("find", work, self._searched)

    def _searched(self, found: frozenset[int]) -> None:
        self.found = found
        if self._line is not None:
            said = fmt.plural(len(found), "segment") if found else "nothing"
            self._line.say(said, "muted" if found else "bad")
        self.owner.list_segments(first=True)
