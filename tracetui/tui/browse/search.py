"""Search over every step of every session, as you type."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from tracetui.bucket.terms import Query
from tracetui.harness import HARNESSES
from tracetui.model import Hit, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background, Cancelled
from tracetui.tui.kit.document import Document
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import Span, cells, clip, paint
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.query_line import QueryLine
from tracetui.tui.kit.step_document import VIEWS, document_of, fetch
from tracetui.tui.kit.styles import Look
from tracetui.tui.kit.text_view import TextView

if TYPE_CHECKING:
    from tracetui.bucket.query_complete import Completion
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["HitRows", "SearchScreen"]

LIMIT = 300
_BATCH = 40
_EVERY = 0.1
_SORTS = ("newest", "score", "longest")
_GROUPS = ("session", "day", "file")
_ORDER = {"newest": "newest first", "score": "best first", "longest": "longest first"}
_PREVIEW = 110
"""Cells from which on a preview stands beside the hits."""
_REST = 0.12


class HitRows:
    """A `RowSource` over hits under headings: by session (in the order of their first hit), by day, or by file. ``add``
    takes more at any time."""

    uniform = False

    def __init__(self, group: str = "session") -> None:
        self.hits = 0
        self.group = group
        self._all: list[Hit] = []
        self._groups: dict[tuple[str, str], list[Hit]] = {}
        self._sessions: set[tuple[str, str]] = set()
        self._rows: list[Hit | tuple[str, str]] = []

    def add(self, hits: Sequence[Hit]) -> None:
        for hit in hits:
            self._groups.setdefault(self._heading(hit), []).append(hit)
            self._sessions.add((hit.harness, hit.session))
        self._all += hits
        self.hits += len(hits)
        self._rows = []
        for group, found in self._groups.items():
            self._rows.append(group)
            self._rows += found

    def grouped(self, group: str) -> HitRows:
        """The same hits under other headings."""
        made = HitRows(group)
        made.add(self._all)
        return made

    def _heading(self, hit: Hit) -> tuple[str, str]:
        if self.group == "day":
            return "", _day(hit.time)
        if self.group == "file":
            return "", hit.path or "no file"
        return hit.harness, hit.session

    @property
    def sessions(self) -> int:
        return len(self._sessions)

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
        if self.group == "session":
            title = one_line(first.title, 300) if first.title else "untitled"
            harness = HARNESSES[first.harness].short if first.harness in HARNESSES else first.harness[:8]
            right = f"{fmt.plural(len(hits), 'hit')}  {one_line(harness)}  {fmt.relative(first.time):>6} "
        else:
            title, right = one_line(found[1], 300), f"{fmt.plural(len(hits), 'hit')} "
        heading = paint([(title, look.style("", "b"))], width, right=[(right, look.style("muted"))])
        return [paint([], width), heading] if row else [heading]

    def _hit(self, hit: Hit, look: Look, width: int) -> Strip:
        """``   12 command    3m   exit 1 …``: the step, its kind, and what its call and its edit came to."""
        number = f"{hit.step:>6}"
        agent = one_line(hit.agent, 8) + " " if hit.agent else ""
        role = "bad" if hit.failed else "prompt" if hit.kind == "prompt" else "muted"
        spans: list[Span] = [(number + " ", look.style("muted")), (f"{hit.kind:<10} ", look.style(role))]
        if hit.failed:
            spans.append((f"exit {hit.exit_code} " if hit.exit_code else "failed ", look.style("bad")))
        if hit.survival is not None:
            spans.append((hit.survival + " ", look.sign_style(hit.survival)))
        if self.group != "session":
            title = clip(one_line(hit.title, 60) if hit.title else "untitled", 18)
            spans.append((f"{fmt.relative(hit.time)} {title}  ", look.style("muted")))
        right = fmt.duration(hit.duration_ms) if hit.duration_ms and hit.duration_ms >= _SLOW_MS else ""
        spans.append((agent, look.style("muted")))
        room = width - sum(cells(text) for text, _ in spans) - (cells(right) + 2 if right else 0)
        shown = [*spans, *snippet_spans(hit, look, room)]
        return paint(
            shown, width, mark=look.sign("ellipsis"), right=[(f" {right} ", look.style("muted"))] if right else []
        )


_SLOW_MS = 10_000
"""From which on a hit says how long its call took."""


def _day(ms: int | None) -> str:
    """A local day as a heading."""
    import datetime as dt

    try:
        return f"{dt.datetime.fromtimestamp((ms or 0) / 1000).astimezone():%A, %-d %B %Y}" if ms else "no date"
    except (OverflowError, ValueError, OSError):
        return "no date"


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
    DEFAULT_CSS = """
    SearchScreen Horizontal { height: 1fr; }
    SearchScreen #hits { width: 3fr; }
    SearchScreen #preview { width: 2fr; padding: 0 0 0 2; }
    """
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
        self.preview = TextView(id="preview")
        self.preview.can_focus = False
        self.group = _GROUPS[0]
        self._previewed: tuple[int, int] | None = None
        self._generation = 0
        self._searching = False
        self._sessions = 0

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.query_line
        with Horizontal():
            yield self.rows
            yield self.preview
        yield Footer()

    def on_resize(self, event: events.Resize) -> None:
        self.preview.display = event.size.width >= _PREVIEW
        self._look()

    # -- the preview --------------------------------------------------------------------------------------------------

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        self._look()

    def _look(self) -> None:
        """Soon show the step of the hit under the cursor beside the hits."""
        source = self.rows.source
        hit = source.hit(self.rows.cursor) if isinstance(source, HitRows) else None
        place = (hit.log, hit.step) if hit is not None else None
        if not self.preview.display or place == self._previewed:
            return
        self._previewed = place
        if hit is None:
            self.drop("preview")
            self.preview.show(Document())
            return
        found = hit

        def work(bucket: Bucket, cancelled: Cancelled) -> Document | None:
            sleep(_REST)  # (Whoever moves on wants another one; this thread is nobody else's.)
            if cancelled():
                return None
            session = bucket.session(found.session, found.harness)
            loaded = fetch(bucket, found.log, found.step, session, cancelled)
            return None if loaded is None else document_of(loaded, VIEWS[0])

        def shown(document: Document | None) -> None:
            if document is not None and self._previewed == place:
                self.preview.show(document)
                self.preview.finding.hint(self._marked())
            elif self._previewed == place:
                self._previewed = None

        self.ask("preview", work, shown, lambda _: self.preview.show(Document()))

    def _marked(self) -> list[str]:
        from tracetui.bucket.query import parse

        try:
            query = Query() if self.regex else parse(self.text)
        except TracetuiError:
            return []
        return [word for one in query.alternatives for word in (*one.words, *one.phrases)]

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
        how = "pattern (RE2), " if self.regex else ""
        self.title_line.show(where, f"{how}{_ORDER[self.sort]}, by {self.group}")

    def _complete(self, text: str, cursor: int) -> list[Completion]:
        from tracetui.bucket.query_complete import complete

        return [] if self.regex else complete(text, cursor, {})

    # -- searching ----------------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self.rows.empty = (
            "Type to search.",
            'Words must all be in one step; "this text" is found letter by letter; kind:, is:failed, path:, since: … '
            "narrow it.",
            "ctrl+r reads what you type as a pattern.",
        )
        self.rows.reload(HitRows(self.group), keep=False)
        self.query_line.say("")
        self.query_line.explain("")
        self._look()

    def _in_words(self, text: str) -> str:
        from tracetui.bucket.query import parse
        from tracetui.bucket.query_words import in_words

        try:
            return "" if self.regex else in_words(parse(text))
        except TracetuiError:
            return ""

    def _search(self) -> None:
        self._generation += 1
        text, regex, sort, generation = self.text, self.regex, self.sort, self._generation
        self._say_scope()
        if not text.strip():
            self.drop("search")
            self._searching = False
            self._clear()
            return
        self._searching = True
        self.query_line.say("searching")
        self.query_line.explain(self._in_words(text))
        fresh = HitRows(self.group)
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
        self._look()

    def _say_found(self, more: bool = False) -> None:
        rows = self.rows.source
        if not isinstance(rows, HitRows):
            return
        what = f"{fmt.plural(rows.hits, 'hit')} in {fmt.plural(rows.sessions, 'session')}"
        self.query_line.say(f"first {what}" if more else what + (" so far" if self._searching else ""))

    def _done(self, count: int) -> None:
        self._searching = False
        if not count:
            self.rows.empty = ("Nothing found.", "Every step of every session was looked at; fewer words find more.")
            self.rows.refresh()
        self._say_found(more=count > LIMIT)
        self.app.refresh_offers()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TracetuiError):
            raise error
        self._searching = False
        self._fresh = None
        self.rows.empty = (one_line(str(error), 400),)
        self.rows.reload(HitRows(self.group), keep=False)
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
        self.sort = _SORTS[(_SORTS.index(self.sort) + 1) % len(_SORTS)]
        self._search()

    def do_group(self) -> None:
        self.group = _GROUPS[(_GROUPS.index(self.group) + 1) % len(_GROUPS)]
        rows = self.rows.source
        if isinstance(rows, HitRows):
            self.rows.reload(rows.grouped(self.group), row=1 if len(rows) else None, keep=False)
        self._say_scope()

    def why_save(self) -> str | None:
        return None if self.text.strip() and not self.regex else "There is no query to keep."

    def do_save(self) -> None:
        from tracetui.tui.browse.views import keep

        keep(self.app, self.text)

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
