"""Reading logs from the main screen: the child that captures, and the log on screen that grows. A mixin."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.background import Background
from tracetui.tui.indexing import Indexer, IndexingDone, IndexingProgress, Scanner, ScanningDone

if TYPE_CHECKING:
    from textual.timer import Timer

    from tracetui.bucket import Bucket
    from tracetui.bucket.doctor import Risk
    from tracetui.tui.app import TracetuiApp
    from tracetui.tui.panes.sessions import SessionsPane
    from tracetui.tui.panes.timeline import TimelinePane
    from tracetui.tui.widgets.status import StatusLine

__all__ = ["CaptureDeeds"]

_HOT: Final = 900.0
"""Seconds since its last change for which a log is looked at often."""
_SCAN_EVERY: Final = 60.0
"""Seconds at least between two looks for secrets in a log that is followed."""


class CaptureDeeds(Background):
    """Mixin of the main screen."""

    LIST_EVERY = 1.0
    """Seconds at least between two refreshes of the list while indexing."""
    FOLLOW_EVERY = 1.0
    """Seconds between two looks at the log on screen while it is followed;"""
    HOT_EVERY = 3.0
    """while it is only on screen and changed lately;"""
    COLD_EVERY = 15.0
    """and where it did not."""

    sessions_pane: SessionsPane
    timeline_pane: TimelinePane
    status: StatusLine
    indexer: Indexer
    scanner: Scanner
    open_session: Callable[[SessionRow], None]
    trails_running: Callable[[], bool]
    stop_trails: Callable[[], bool]

    _new = 0
    _due: Sequence[Risk] = ()
    _listed = 0
    _listed_at = 0.0
    _scanned_at = 0.0
    _look: Timer | None = None
    _looked: tuple[tuple[str, int, int], ...] = ()

    @property
    def _tracetui(self) -> TracetuiApp:
        return self.app  # type: ignore[return-value]

    def prepare_capture(self) -> None:
        """Before the first frame; nothing is started."""
        self.indexer = self._reader()
        self.scanner = Scanner(Path(self._tracetui.bucket.path), self)

    def begin_capture(self) -> None:
        """Once the first frame stands: look for new and grown logs, or read the rest of an opened one."""
        app = self._tracetui
        if not app.read_only:
            app.call_later(self._begin)
            return
        if app.reading:
            self.status.progress(0, 0)
            self.indexer.start(app.reading)
        self._count()

    def _reader(self) -> Indexer:
        """What reads logs: all that there are, or the rest of those that the app was opened with."""
        if not self._tracetui.reading:
            return Indexer(Path(self._tracetui.bucket.path), self)
        from tracetui.commands.reading import command

        return Indexer(Path(self._tracetui.bucket.path), self, make_command=command)

    def _begin(self) -> None:
        """Ask on a new bucket; else look for new and grown logs."""
        from tracetui.bucket.consent import read_consent

        if read_consent(self._tracetui.bucket) is None and not self.sessions_pane.sessions and not self._has_copies():
            from tracetui.tui.screens.first_run import FirstRunScreen

            self._tracetui.push_screen(FirstRunScreen(), self._agreed)
            return
        if read_consent(self._tracetui.bucket) is not None:
            self.indexer.start()
        self._count()
        self.look_soon(self.HOT_EVERY)

    def _has_copies(self) -> bool:
        """Whether there is something to make an index from, though there is none now (a newer version came)."""
        try:
            return any((Path(self._tracetui.bucket.path) / "copies").iterdir())
        except OSError:
            return False

    def _agreed(self, agreed: bool | None) -> None:
        if agreed:
            self.sessions_pane.rows.empty = ("Reading the first sessions.", "They stand here as they come.")
            self.sessions_pane.rows.refresh()
            self.status.progress(0, 0)
            self.indexer.start()
        self._count()

    def why_index(self) -> str | None:
        if self._tracetui.read_only:
            return "This is read only; nothing is indexed."
        return "Indexing is running already." if self.indexer.running else None

    def do_index(self) -> None:
        from tracetui.bucket.consent import read_consent

        if read_consent(self._tracetui.bucket) is None:
            from tracetui.tui.screens.first_run import FirstRunScreen

            self._tracetui.push_screen(FirstRunScreen(), self._agreed)
        else:
            self.status.progress(0, 0)
            self.indexer.start()
        self._tracetui.refresh_offers()

    def why_stop(self) -> str | None:
        return None if self.indexer.running or self.trails_running() else "Nothing is being indexed or worked out."

    def do_stop(self) -> None:
        if self.stop_trails() and not self.indexer.running:
            self._tracetui.say("Stopped; what was worked out stays.", role="muted")
        self.indexer.stop()

    def on_indexing_progress(self, message: IndexingProgress) -> None:
        self.status.progress(message.done, message.total)
        now = time.monotonic()
        if message.sessions != self._listed and now - self._listed_at >= self.LIST_EVERY:
            self._listed, self._listed_at = message.sessions, now
            self.sessions_pane.load()
        elif self._tracetui.reading and now - self._listed_at >= self.LIST_EVERY:
            self._listed_at = now
            self._reload_timeline()

    def on_indexing_done(self, message: IndexingDone) -> None:
        report = message.report
        self.status.progress(None)
        if report.error:
            self._tracetui.say(f"{report.error}. Details: tracetui doctor", role="bad")
        elif report.stopped:
            self._tracetui.say("Indexing stopped; what was read stays. Go on: I", role="muted")
        new, updated = report.found.get("new") or 0, report.found.get("updated") or 0
        if new or updated or self._listed or report.stopped:
            self._listed = 0
            self.sessions_pane.load()
            self._reload_timeline()
        # What is followed grows every few seconds; its secrets can wait for a minute.
        due = not report.paths or time.monotonic() - self._scanned_at > _SCAN_EVERY
        if due and not (report.error or report.stopped or self._tracetui.read_only):
            self._scanned_at = time.monotonic()
            self.scanner.start()
        self._new += new if isinstance(new, int) else 0
        self._count()
        self._tracetui.refresh_offers()

    def on_scanning_done(self, message: ScanningDone) -> None:
        """Lists show what was found; a scan that failed is the doctor's business and the gates' (they scan again)."""
        self.sessions_pane.load()

    def _reload_timeline(self) -> None:
        session = self.timeline_pane.session
        if session is not None:
            try:
                self.timeline_pane.load(self._tracetui.bucket.session(session.id))
            except TracetuiError:
                return

    def _count(self) -> None:
        """Read the totals for the top line in a worker."""
        self.ask("count", _totals, self._counted)

    def _counted(self, found: tuple[Mapping[str, Any], list[Risk]]) -> None:
        stats, self._due = found
        facts = [fmt.plural(stats.get("sessions") or 0, "session")]
        logs, kept = stats.get("bytes_logs") or 0, stats.get("bytes_bucket") or 0
        if logs:
            facts.append(f"{fmt.size(logs)} kept in {fmt.size(kept)}")
        if self._new:
            facts.append(f"{fmt.count(self._new)} new")
        if self._due:
            facts.append(f"{fmt.count(len(self._due))} soon deleted by their harness")
        self.status.facts(*facts)
        self._tracetui.refresh_offers()

    def why_due(self) -> str | None:
        return None if self._due else "No log is about to be deleted by its harness."

    def do_due(self) -> None:
        """Their copies stay; this is for whoever wants to resume one, or to tell the harness to keep them longer."""
        from tracetui.tui.panes.session_rows import project_of, title_of
        from tracetui.tui.screens.pick import Pick, PickScreen

        due = list(self._due)
        picks = [
            Pick(title_of(risk.session), project_of(risk.session), f"{risk.session.id[:8]} {_when(risk.due)}")
            for risk in due
        ]

        def go(index: int | None) -> None:
            if index is not None:
                self.sessions_pane.select(due[index].session)
                self.open_session(due[index].session)

        title = f"{fmt.plural(len(due), 'log')} soon deleted; the copies stay (cleanupPeriodDays)"
        self._tracetui.push_screen(PickScreen(title, picks, placeholder="letters of a title or project"), go)

    # -- following ----------------------------------------------------------------------------------------------------

    def on_timeline_pane_following(self, message: TimelinePane.Following) -> None:
        self.status.state("following" if message.on else "")
        self._look_at_log()

    def look_soon(self, seconds: float = 0.5) -> None:
        """Look at the log on screen after so many seconds, instead of when it would have been looked at."""
        if self._look is not None:
            self._look.stop()
        self._look = self.set_timer(seconds, self._look_at_log)

    def _look_at_log(self) -> None:
        """Has the log on screen grown? Then let the child read just that file. Looks again after a while."""
        session = self.timeline_pane.session
        if session is None or session.gone or session.foreign or self.indexer.running or self._tracetui.read_only:
            self.look_soon(self.FOLLOW_EVERY if self.timeline_pane.following else self.HOT_EVERY)
            return

        def seen(grown: _Grown) -> None:
            hot = grown.newest > time.time() - _HOT
            following = self.timeline_pane.following
            self.look_soon(self.FOLLOW_EVERY if following else self.HOT_EVERY if hot else self.COLD_EVERY)
            if grown.paths and grown.state != self._looked and not self.indexer.running:
                self._looked = grown.state
                self.indexer.start(grown.paths)

        def failed(_: Exception) -> None:
            self.look_soon(self.COLD_EVERY)

        self.ask("look", lambda bucket, cancelled: _look(bucket, session), seen, failed)


def _totals(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[Mapping[str, Any], list[Risk]]:
    """The totals, and the logs about to be deleted: looked for one by one only where some are old enough."""
    from tracetui.harness.side import retention

    stats = bucket.stats(retention(os.environ, Path.home()))
    if not stats.get("at_risk") or cancelled():
        return stats, []
    from tracetui.bucket.doctor import at_risk

    return stats, at_risk(bucket, os.environ, Path.home())


def _when(due: int) -> str:
    days = (due / 1000 - time.time()) / 86_400
    return "at its next start" if days <= 0 else f"in {fmt.plural(round(days), 'day')}" if days >= 1 else "within a day"


class _Grown(NamedTuple):
    """Logs of a session that have something new, their state, and when one of its logs changed last."""

    paths: tuple[str, ...]
    state: tuple[tuple[str, int, int], ...]
    newest: float


def _look(bucket: Bucket, session: SessionRow) -> _Grown:
    """Look at the logs of a session, its subagents' too; one that is excluded by now is left alone."""
    from tracetui import config
    from tracetui.bucket.consent import read_consent
    from tracetui.harness.roots import LogFile, files_of

    paths = [log.path for log in bucket.logs(session.id, session.harness) if log.shown]
    files = [file for file in files_of(paths) if isinstance(file, LogFile)]
    newest = max((file.mtime_ns / 1e9 for file in files), default=0.0)
    consent, settings = read_consent(bucket), config.load()
    allowed = consent is not None and consent.harness(session.harness) and consent.project(session.cwd)
    fresh = [file for file in bucket.check(files) if not settings.excludes(file.path, session.cwd)] if allowed else []
    state = tuple((file.path, file.size, file.mtime_ns) for file in fresh)
    return _Grown(tuple(file.path for file in fresh), state, newest)
