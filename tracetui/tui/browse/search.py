"""Search over every step of every session, as you type."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from tracetui.harness import HARNESSES
from tracetui.model import Hit, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background, Cancelled
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import Span, cells, clip, paint
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.query_line import QueryLine
from tracetui.tui.kit.styles import Look

if TYPE_CHECKING:
    from tracetui.bucket.query_complete import Completion
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["HitRows", "SearchScreen"]

LIMIT = 300
_BATCH = 40
_EVERY = 0.1
_SORTS = ("newest", "score")


class HitRows:
    """A `RowSource` over hits, those of one session under a heading of its own. ``add`` takes more at any time; with
    ``sort`` newest the sessions stand in the order of their first hit."""

    uniform = False

    def __init__(self) -> None:
        self.hits = 0
        self._groups: dict[tuple[str, str], list[Hit]] = {}
        self._rows: list[Hit | tuple[str, str]] = []

    def add(self, hits: Sequence[Hit]) -> None:
        for hit in hits:
            self._groups.setdefault((hit.harness, hit.session), []).append(hit)
        self.hits += len(hits)
        self._rows = []
        for group, found in self._groups.items():
            self._rows.append(group)
            self._rows += found

    @property
    def sessions(self) -> int:
        return len(self._groups)

    def hit(self, row: int) -> Hit | None:
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, Hit) else None

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, row: int) -> Hashable:
        found = self._rows[row]
        if isinstance(found, Hit):
            return found.log, found.step, found.snippet
        return found, len(self._groups[found]), bool(row)

    def identity(self, row: int) -> Hashable:
        found = self._rows[row]
        return (found.log, found.step) if isinstance(found, Hit) else found

    def height(self, row: int) -> int:
        return 1 if isinstance(self._rows[row], Hit) or not row else 2

    def selectable(self, row: int) -> bool:
        return isinstance(self._rows[row], Hit)

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        found = self._rows[row]
        if isinstance(found, Hit):
            return [self._hit(found, look, width)]
        hits = self._groups[found]
        first = hits[0]
        title = one_line(first.title, 300) if first.title else "untitled"
        harness = HARNESSES[first.harness].short if first.harness in HARNESSES else first.harness[:8]
        right = f"{fmt.plural(len(hits), 'hit')}  {one_line(harness)}  {fmt.relative(first.time):>6} "
        heading = paint([(title, look.style("", "b"))], width, right=[(right, look.style("muted"))])
        return [paint([], width), heading] if row else [heading]

    @staticmethod
    def _hit(hit: Hit, look: Look, width: int) -> Strip:
        number = f"{hit.step:>6}"
        agent = one_line(hit.agent, 8) + " " if hit.agent else ""
        role = "prompt" if hit.kind == "prompt" else "muted"
        spans: list[Span] = [
            (number + " ", look.style("muted")),
            (f"{hit.kind:<10} ", look.style(role)),
            (agent, look.style("muted")),
        ]
        room = width - sum(cells(text) for text, _ in spans)
        return paint([*spans, *snippet_spans(hit, look, room)], width, mark=look.sign("ellipsis"))


def snippet_spans(hit: Hit, look: Look, width: int) -> list[Span]:
    """The snippet in one line of ``width`` cells, moved so that the match can be seen, the match marked."""
    text = display_safe(hit.snippet)
    start, end = hit.match
    start = min(max(0, start), len(text))
    end = min(max(start, end), len(text))
    before, match, after = text[:start], text[start:end], text[end:]
    keep = max(width // 3, width - cells(match) - cells(clip(after, width)))
    mark = look.sign("ellipsis")
    while before and cells(before) > keep:
        # A long beginning gives way, by halves while it is far too long.
        cut = max(1, (cells(before) - keep) // 2)
        before = before[cut:]
        if cells(before) <= keep:
            before = mark + before[1:]
    plain = look.style()
    return [(before, plain), (match, look.style("match", "bu")), (after, plain)]


class SearchScreen(Screen[Hit | None], Actor, Background):
    """Gives the hit that the user went into, or None. ``query`` is what stands in the line at first."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("search", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("search", "screen")]
    AUTO_FOCUS = None
    app: HostApp

    class Found(Message):
        """Some hits of a search that may be over already."""

        def __init__(self, generation: int, hits: list[Hit]) -> None:
            super().__init__()
            self.generation = generation
            self.hits = hits

    def __init__(self, query: str = "", *, regex: bool = False, sort: str = "newest") -> None:
        super().__init__()
        self.regex, self.sort = regex, sort if sort in _SORTS else _SORTS[0]
        self.title_line = PaneTitle("", "Search")
        self.query_line = QueryLine(
            query, placeholder='words, "a phrase", harness:codex since:7d kind:edit', complete=self._complete
        )
        self.rows = LineList(id="hits")
        self._generation = 0
        self._running = False
        self._sessions = 0

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.query_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self._clear()
        self.query_line.focus_input()
        self.ask("scope", lambda bucket, cancelled: bucket.count(), self._scoped)
        if self.text:
            self._search()

    @property
    def text(self) -> str:
        return self.query_line.text

    def _scoped(self, sessions: int) -> None:
        self._sessions = sessions
        self._say_scope()

    def _say_scope(self) -> None:
        where = f"every step of {fmt.plural(self._sessions, 'session')}" if self._sessions else "every step"
        how = "pattern (RE2)" if self.regex else "words, the last one as a beginning"
        order = "newest first" if self.sort == "newest" else "best first"
        self.title_line.show(where, f"{how}, {order}")

    def _complete(self, text: str, cursor: int) -> list[Completion]:
        from tracetui.bucket.query_complete import complete

        return [] if self.regex else complete(text, cursor, {})

    # -- searching ----------------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self.rows.empty = (
            "Type to search.",
            'Words must all be in one step; "a phrase" in this order; harness:, project:, since:, kind: … narrow it.',
            "ctrl+r reads what you type as a pattern.",
        )
        self.rows.reload(HitRows(), keep=False)
        self.query_line.say("")

    def _search(self) -> None:
        self._generation += 1
        text, regex, sort, generation = self.text, self.regex, self.sort, self._generation
        self._say_scope()
        if not text.strip():
            self.drop("search")
            self._running = False
            self._clear()
            return
        self._running = True
        self.query_line.say("searching")
        fresh = HitRows()
        self._fresh: HitRows | None = fresh

        def work(bucket: Bucket, cancelled: Cancelled) -> int:
            from tracetui.bucket.query import parse

            batch: list[Hit] = []
            count, last = 0, monotonic()
            query = text if regex else parse(text)
            for hit in bucket.search(query, regex=regex, limit=LIMIT + 1, sort=sort, cancelled=cancelled):
                if cancelled():
                    break
                batch.append(hit)
                count += 1
                if len(batch) >= _BATCH or monotonic() - last > _EVERY:
                    self.post_message(self.Found(generation, batch))
                    batch, last = [], monotonic()
            self.post_message(self.Found(generation, batch))
            return count

        self.ask("search", work, self._done, self._failed)

    def on_search_screen_found(self, message: Found) -> None:
        if message.generation != self._generation:
            return
        rows = self.rows.source
        assert isinstance(rows, HitRows)
        if self._fresh is not None:
            # The hits of the search before stay until the first of this one are there.
            rows, self._fresh = self._fresh, None
            rows.add(message.hits[:LIMIT])
            self.rows.reload(rows, row=1 if len(rows) else None, keep=False)
            self.rows.scroll_to(y=0, animate=False, force=True)
        else:
            rows.add(message.hits[: LIMIT - rows.hits])
            self.rows.reload(keep=False, row=max(0, self.rows.cursor))
        self._say_found()

    def _say_found(self, more: bool = False) -> None:
        rows = self.rows.source
        if not isinstance(rows, HitRows):
            return
        what = f"{fmt.plural(rows.hits, 'hit')} in {fmt.plural(rows.sessions, 'session')}"
        self.query_line.say(f"first {what}" if more else what + (" so far" if self._running else ""))

    def _done(self, count: int) -> None:
        self._running = False
        if not count:
            self.rows.empty = ("Nothing found.", "Every step of every session was looked at; fewer words find more.")
            self.rows.refresh()
        self._say_found(more=count > LIMIT)
        self.app.refresh_offers()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._running = False
        self._fresh = None
        self.rows.empty = (one_line(str(error), 400),)
        self.rows.reload(HitRows(), keep=False)
        self.query_line.say("this cannot be searched for", "bad")

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        self._search()

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        self.rows.focus()

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        self.dismiss(None)

    # -- actions ------------------------------------------------------------------------------------------------------

    def do_regex(self) -> None:
        self.regex = not self.regex
        self._search()

    def do_sort(self) -> None:
        self.sort = _SORTS[1 - _SORTS.index(self.sort)]
        self._search()

    def do_edit(self) -> None:
        self.query_line.focus_input()

    def do_back(self) -> None:
        self.dismiss(None)

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        source = self.rows.source
        hit = source.hit(message.row) if isinstance(source, HitRows) else None
        if hit is not None:
            self.dismiss(hit)
