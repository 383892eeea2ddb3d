"""Driving the app in tests: open it, press keys, read the screen as text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from tests.tui.fakes import FakeBucket
from tracetui.tui.app import TracetuiApp
from tracetui.tui.browse.main import MainScreen
from tracetui.tui.browse.sessions import SessionsPane
from tracetui.tui.browse.timeline import TimelinePane
from tracetui.tui.kit.footer import Footer


class Driver:
    """The app under test."""

    def __init__(self, app: TracetuiApp, pilot: Pilot[Any], bucket: FakeBucket) -> None:
        self.app, self.pilot, self.bucket = app, pilot, bucket

    @property
    def main(self) -> MainScreen:
        screen = next(screen for screen in self.app.screen_stack if isinstance(screen, MainScreen))
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def sessions(self) -> SessionsPane:
        return self.main.sessions_pane

    @property
    def timeline(self) -> TimelinePane:
        return self.main.timeline_pane

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def screen(self) -> str:
        return "\n".join(self.lines)

    @property
    def said(self) -> str | None:
        return self.app.screen.query_one(Footer).said

    async def settle(self) -> None:
        """Wait for timers that debounce and for workers."""
        for _ in range(2):
            await self.pilot.pause(0.02)
            # One that something newer took the place of is nothing to complain about.
            with suppress(WorkerCancelled):
                await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()


@asynccontextmanager
async def driving(
    bucket: FakeBucket | None = None, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[Driver]:
    """The app over a bucket (a filled one by default), settled after its first frame."""
    bucket = FakeBucket.filled() if bucket is None else bucket
    app = TracetuiApp(bucket, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot, bucket)
        await driver.settle()
        yield driver
