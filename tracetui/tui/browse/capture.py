"""Reading logs from the main screen: the child that captures, and the log on screen that grows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from tracetui.model import SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.browse.indexing import (
    Indexer,
    IndexingDone,
    IndexingProgress,
    Scanner,
    ScanningDone,
    ScanningProgress,
    rest_command,
)
from tracetui.tui.kit.actor import Controller

if TYPE_CHECKING:
    from textual.timer import Timer

    from tracetui.bucket import Bucket
    from tracetui.bucket.doctor import Risk
    from tracetui.tui.browse.main import MainScreen
    from tracetui.tui.browse.timeline import TimelinePane

__all__ = ["CaptureController"]

_HOT: Final = 900.0
"""Seconds since its last change for which a log is looked at often."""
_PACE: Final = 0.5
"""Seconds between two looks at whether anybody types."""
_SCAN_EVERY: Final = 60.0
"""Seconds at least between two looks for secrets in a log that is followed."""


class CaptureController(Controller["MainScreen"]):
    """Indexing, following, and the counts of the top line."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("main",)
    LIST_EVERY = 1.0
    """Seconds at least between two refreshes of the list while indexing."""
    FOLLOW_EVERY = 1.0
    """Seconds between two looks at the log on screen while it is followed;"""
    HOT_EVERY = 3.0
    """while it is only on screen and changed lately;"""
    COLD_EVERY = 15.0
    """and where it did not."""

    indexer: Indexer
    scanner: Scanner

    def __init__(self, owner: MainScreen) -> None:
        super().__init__(owner)
        self._new = 0
        self._progress = ""
        self._offered = False
        self._stopped = False
        self._due: Sequence[Risk] = ()
        self._listed = 0
        self._listed_at = 0.0
        self._scanned_at = 0.0
        self._scan_due = False
        self._look: Timer | None = None
        self._looked: tuple[tuple[str, int, int], ...] = ()

    def prepare(self) -> None:
        """Before the first frame; nothing is started."""
        self.indexer = self._reader()
        self.scanner = Scanner(Path(self.app.bucket.path), self.owner)

    def on_workspace_ready(self) -> None:
        """Look for new and grown logs, or read the rest of an opened one."""
        app = self.app
        if not app.read_only:
            self._begin()
            self.owner.set_interval(_PACE, self.scan_when_idle)
            return
        if app.reading:
            self.owner.status.progress(0, 0)
            self.indexer.start(app.reading)
        self._count()

    def _reader(self) -> Indexer:
        """What reads logs: all that there are, or the rest of those that the app was opened with."""
        if not self.app.reading:
            return Indexer(Path(self.app.bucket.path), self.owner)
        return Indexer(Path(self.app.bucket.path), self.owner, make_command=rest_command)

    def _begin(self) -> None:
        """Ask on a new bucket; else look for new and grown logs."""
        from tracetui.bucket.consent import read_consent

        if read_consent(self.app.bucket) is None and not self.owner.sessions_pane.sessions and not self._has_copies():
            from tracetui.tui.browse.first_run import FirstRunScreen

            self.app.push_screen(FirstRunScreen(), self._agreed)
            return
        if read_consent(self.app.bucket) is not None:
            self.indexer.start()
        self._count()
        self.look_soon(self.HOT_EVERY)

    def _has_copies(self) -> bool:
        """Whether there is something to make an index from, though there is none now (a newer version came)."""
        try:
            return any((Path(self.app.bucket.path) / "copies").iterdir())
        except OSError:
            return False

    def _agreed(self, agreed: bool | None) -> None:
        if agreed:
            self._offered = False
            self.owner.sessions_pane.rows.empty = ("Reading the first sessions.", "They stand here as they come.")
            self.owner.sessions_pane.rows.refresh()
            self.owner.status.progress(0, 0)
            self.indexer.start()
        self._count()

    def why_index(self) -> str | None:
        if self.app.read_only:
            return "This is read only; nothing is indexed."
        return "Indexing is running already." if self.indexer.running else None

    def do_index(self) -> None:
        from tracetui.bucket.consent import read_consent

        if read_consent(self.app.bucket) is None or self._offered:
            from tracetui.tui.browse.first_run import FirstRunScreen

            self.app.push_screen(FirstRunScreen(), self._agreed)
        else:
            self.owner.status.progress(0, 0)
            self.indexer.start()
        self.app.refresh_offers()

    def working(self) -> bool:
        return self.indexer.running or self.scanner.running

    def unfinished(self) -> str | None:
        # A log that is followed is read in a moment, and looking for secrets loses nothing.
        if not self.indexer.running or self.indexer.paths:
            return None
        return f"Indexing runs ({self._progress})" if self._progress else "Indexing runs"

    def stop(self) -> None:
        """Stop what runs; the scan begins again with the next run."""
        self._stopped = True
        self._scan_due = False
        self.indexer.stop()
        self.scanner.stop()

    def on_indexing_progress(self, message: IndexingProgress) -> None:
        self.owner.status.progress(message.done, message.total)
        self._progress = f"{fmt.count(message.done)} of {fmt.plural(message.total, 'log')}"
        now = time.monotonic()
        if message.sessions != self._listed and now - self._listed_at >= self.LIST_EVERY:
            self._listed, self._listed_at = message.sessions, now
            self.owner.sessions_pane.load()
            self._count()
        elif self.app.reading and now - self._listed_at >= self.LIST_EVERY:
            self._listed_at = now
            self._reload_timeline()

    def on_indexing_done(self, message: IndexingDone) -> None:
        report = message.report
        self.owner.status.progress(None)
        self._progress = ""
        if report.error:
            self.app.say(f"{report.error}. Details: tracetui doctor", role="bad")
        elif report.stopped:
            self.app.say("Indexing stopped; what was read stays. Go on: I", role="muted")
        elif not report.paths:
            self._offer(report.found.get("offered"))
        new, updated = report.found.get("new") or 0, report.found.get("updated") or 0
        if new or updated or self._listed or report.stopped:
            self._listed = 0
            self.owner.sessions_pane.load()
            self._reload_timeline()
        # What is followed grows every few seconds; its secrets can wait for a minute.
        due = not report.paths or time.monotonic() - self._scanned_at > _SCAN_EVERY
        if due and not (report.error or report.stopped or self.app.read_only):
            self._scan_due = True
            self.scan_when_idle()
        self._new += new if isinstance(new, int) else 0
        self._count()
        self.app.refresh_offers()

    def _offer(self, offered: object) -> None:
        """Tell of harnesses that came after the user agreed to others; asking for indexing asks about them."""
        from tracetui.harness import HARNESSES

        names = [name for name in offered if name in HARNESSES] if isinstance(offered, dict) else []
        if names and not self._offered:
            titles = ", ".join(HARNESSES[name].title for name in names)
            self.app.say(f"Logs of {titles} are there and not copied; I asks", role="muted")
        self._offered = bool(names)

    def scan_when_idle(self) -> None:
        """Look for secrets in what is new while nobody types. A scan that is stopped goes on where it was."""
        may = self.app.activity.may_work
        if self.scanner.running:
            if not may:
                self.scanner.stop()
        elif may and self._scan_due and not self.indexer.running:
            self._scan_due = self._stopped = False
            self._scanned_at = time.monotonic()
            self.scanner.start()

    def on_scanning_progress(self, message: ScanningProgress) -> None:
        if message.total:
            self.owner.show_work(f"looking for secrets, {fmt.count(message.done)} of {fmt.count(message.total)}")

    def on_scanning_done(self, message: ScanningDone) -> None:
        """Lists show what was found; a scan that failed is the doctor's business and the gates' (they scan again)."""
        self.owner.show_work("")
        if message.report.stopped:
            self._scan_due = not self._stopped
        self.owner.sessions_pane.load()

    def _reload_timeline(self) -> None:
        session = self.owner.timeline_pane.session
        if session is not None:
            try:
                self.owner.timeline_pane.load(self.app.bucket.session(session.id))
            except TracetuiError:
                return

    def _count(self) -> None:
        """Read the totals for the top line in a worker."""
        self.owner.ask("count", _totals, self._counted)

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
        self.owner.status.facts(*facts)
        self.app.refresh_offers()

    def why_due(self) -> str | None:
        return None if self._due else "No log is about to be deleted by its harness."

    def do_due(self) -> None:
        """Their copies stay; this is for whoever wants to resume one, or to tell the harness to keep them longer."""
        from tracetui.tui.kit.pick import Pick, PickScreen
        from tracetui.tui.kit.session_labels import project_of, title_of

        due = list(self._due)
        picks = [
            Pick(title_of(risk.session), project_of(risk.session), f"{risk.session.id[:8]} {_when(risk.due)}")
            for risk in due
        ]

        def go(index: int | None) -> None:
            if index is not None:
                self.owner.sessions_pane.select(due[index].session)
                self.owner.open_session(due[index].session)

        title = f"{fmt.plural(len(due), 'log')} soon deleted; the copies stay (cleanupPeriodDays)"
        self.app.push_screen(PickScreen(title, picks, placeholder="letters of a title or project"), go)

    # -- following ----------------------------------------------------------------------------------------------------

    def on_timeline_pane_following(self, message: TimelinePane.Following) -> None:
        self.owner.status.state("following" if message.on else "")
        self._look_at_log()

    def look_soon(self, seconds: float = 0.5) -> None:
        """Look at the log on screen after so many seconds, instead of when it would have been looked at."""
        if self._look is not None:
            self._look.stop()
        self._look = self.owner.set_timer(seconds, self._look_at_log)

    def _look_at_log(self) -> None:
        """Has the log on screen grown? Then let the child read just that file. Looks again after a while."""
        session = self.owner.timeline_pane.session
        if session is None or session.gone or session.foreign or self.indexer.running or self.app.read_only:
            self.look_soon(self.FOLLOW_EVERY if self.owner.timeline_pane.follow.on else self.HOT_EVERY)
            return

        def seen(grown: _Grown) -> None:
            hot = grown.newest > time.time() - _HOT
            following = self.owner.timeline_pane.follow.on
            self.look_soon(self.FOLLOW_EVERY if following else self.HOT_EVERY if hot else self.COLD_EVERY)
            if grown.paths and grown.state != self._looked and not self.indexer.running:
                self._looked = grown.state
                self.indexer.start(grown.paths)

        def failed(_: Exception) -> None:
            self.look_soon(self.COLD_EVERY)

        self.owner.ask("look", lambda bucket, cancelled: _look(bucket, session), seen, failed)


def _totals(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[Mapping[str, Any], list[Risk]]:
    """The totals, and the logs about to be deleted: looked for one by one only where some are old enough."""
    from tracetui.harness.side import retention_days

    stats = bucket.stats(retention_days(os.environ, Path.home()))
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
