"""Finding text in the session of the timeline, going from match to match, and filtering its steps by typed terms."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from tracetui.model import LogRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.browse.outline import StepPlace
from tracetui.tui.browse.step_rows import StepRows
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.query_line import QueryLine

if TYPE_CHECKING:
    from tracetui.bucket.query_complete import Completion
    from tracetui.bucket.store import Bucket
    from tracetui.tui.browse.timeline import TimelinePane

__all__ = ["MatchController"]

_MOST: Final = 10_000
"""Matches that are marked; a word that stands in more steps than that finds nothing."""


class _Found(NamedTuple):
    """What was found, in words what was looked for, and the steps that a filter leaves (None where words only mark)."""

    places: tuple[StepPlace, ...] = ()
    words: str = ""
    only: frozenset[StepPlace] | None = None


def _starts(
    bucket: Bucket, places: Sequence[StepPlace], threads: Sequence[LogRow], main: int | None
) -> list[StepPlace]:
    """The steps of the session's own log that started the subagents in which something was found: their rows stay, so
    that they can be unfolded."""
    found = {place.log for place in places}
    agents = {log.agent for log in threads if log.id in found}
    if main is None or not agents:
        return []
    return [StepPlace(main, row.number) for row in bucket.step_rows(main) if row.thread in agents]


class MatchController(Controller["TimelinePane"]):
    """The line to type into, what it found, and the keys that walk it."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("timeline",)

    def __init__(self, owner: TimelinePane) -> None:
        super().__init__(owner)
        self.places: frozenset[StepPlace] = frozenset()
        self._by_log: dict[int, list[int]] = {}
        self._line: QueryLine | None = None
        self._text = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for, word by word, for whoever marks it in a text."""
        if not self.places or not self._text.strip():
            return ()
        from tracetui.bucket.query import parse

        query = parse(self._text)
        return (*query.words, *query.phrases)

    def leave(self) -> None:
        """Forget what belongs to the session that goes."""
        self.places, self._by_log = frozenset(), {}
        self._close()

    def why_find(self) -> str | None:
        return self.owner.why_empty()

    async def do_find(self) -> None:
        if self._line is None:
            self._line = QueryLine(
                self._text, placeholder="words mark, is:failed kind:edit path:tests/ filter", complete=self._complete
            )
            await self.owner.mount(self._line, after=self.owner.title_line)
        self._line.focus_input()

    @staticmethod
    def _complete(text: str, cursor: int) -> list[Completion]:
        from tracetui.bucket.query_complete import complete

        return complete(text, cursor, {})

    def again(self) -> None:
        """The session grew: what is looked for may stand in what is new."""
        if self._text.strip():
            self._search(self._text, jump=False)

    def _close(self) -> None:
        if self._line is not None:
            self._line.remove()
            self._line = None

    def on_query_line_changed(self, message: QueryLine.Changed) -> None:
        message.stop()
        self._search(message.text)

    def on_query_line_submitted(self, message: QueryLine.Submitted) -> None:
        message.stop()
        if not message.text.strip():
            self._forget()
        self.owner.rows.focus(scroll_visible=False)

    def on_query_line_dropped(self, message: QueryLine.Dropped) -> None:
        message.stop()
        self._forget()
        self.owner.rows.focus(scroll_visible=False)

    def _forget(self) -> None:
        self.owner.drop("find")
        self._text = ""
        self._close()
        self._take(_Found())

    def _search(self, text: str, *, jump: bool = True) -> None:
        session = self.owner.session
        self._text = text
        if not text.strip() or session is None:
            self.owner.drop("find")
            self._take(_Found())
            return
        threads = [log for log in self.owner.logs if log.shown and log.agent is not None]

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> _Found:
            from tracetui.bucket.query import parse
            from tracetui.bucket.query_words import in_words
            from tracetui.bucket.terms import Query

            query = parse(text)
            hits = bucket.search(query.narrowed(Query.of(id=(session.id,))), limit=_MOST, cancelled=cancelled)
            places = [
                StepPlace(hit.log, hit.step)
                for hit in hits
                if (hit.session, hit.harness) == (session.id, session.harness)
            ]
            filtered = any(one.terms or one.since or one.until for one in query.alternatives)
            # (Where nothing matches, everything stays and the line says so.)
            only = {*places, *_starts(bucket, places, threads, session.log)} if filtered and places else None
            return _Found(tuple(places), in_words(query), None if only is None else frozenset(only))

        def failed(error: Exception) -> None:
            if not isinstance(error, TracetuiError):
                raise error
            self._take(_Found())
            if self._line is not None:
                self._line.say(str(error), "bad")

        self.owner.ask("find", work, lambda found: self._take(found, jump=jump), failed)

    def _take(self, found: _Found, *, jump: bool = False) -> None:
        self.places = frozenset(found.places)
        self._by_log = {}
        for place in sorted(self.places):
            self._by_log.setdefault(place.log, []).append(place.step)
        if self.owner.fold.only != found.only:
            self.owner.refold(replace(self.owner.fold, only=found.only))
        source = self.owner.rows.source
        if isinstance(source, StepRows):
            source.matches = self.places
            self.owner.rows.refresh_rows()
        if self._line is not None:
            role = "muted" if self.places or not self._text else "bad"
            what = ("step", "steps") if found.only is not None else ("match", "matches")
            self._line.say(fmt.plural(len(self.places), *what) if self._text else "", role)
            self._line.explain(found.words)
        if jump and self.places:
            self._go(1, here=True)
        self.owner.say_where()
        self.app.refresh_offers()

    def why_next_match(self) -> str | None:
        return None if self.places else "Nothing was looked for: /"

    why_previous_match = why_next_match

    def do_next_match(self) -> None:
        self._go(1)

    def do_previous_match(self) -> None:
        self._go(-1)

    def _go(self, direction: int, *, here: bool = False) -> None:
        outline, row = self.owner.outline, self.owner.rows.cursor
        if outline is None or row < 0:
            return
        place = outline.place(row)
        steps = self._by_log.get(place.log, [])
        if not steps:
            log = outline.view.log
            steps = self._by_log.get(log, [])
            if not steps:
                self.app.say(f"{fmt.plural(len(self.places), 'match', 'matches')}, all in subagents that are folded.")
                return
            place = StepPlace(log, outline.parent_step(row))
        if direction > 0:
            at = bisect_left(steps, place.step) if here else bisect_right(steps, place.step)
        else:
            at = bisect_left(steps, place.step) - 1
        if not 0 <= at < len(steps):
            at %= len(steps)
            if not here:
                self.app.say("From the start again." if direction > 0 else "From the end again.", role="muted")
        self.owner.go_to(steps[at], place.log)
