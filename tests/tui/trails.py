"""A scripted repository, the logs of those who worked in it, and the app over both."""

from __future__ import annotations

import time as _time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.trail.histories import BASE, HELPER, Scene
from tests.trail.logs import claude_log, save
from tests.tui.driving import Driver
from tracetui.bucket import Bucket
from tracetui.bucket.consent import write_consent
from tracetui.harness.roots import LogFile, files_of
from tracetui.tui.app import TracetuiApp

ONE = "5bd0c1de-0000-4000-8000-000000000001"
TWO = "6bd0c1de-0000-4000-8000-000000000002"
EVIL = "x\x1b]52;c;aGk=\x07[@click=app.quit]q[/].py"
GREET = "    greet_politely(name)\n"
_PERF = _time.perf_counter


class Story:
    """``ONE`` wrote a helper that stands, a file that stands and something that waits; of ``TWO`` a line was lost."""

    def __init__(self, folder: Path, *, elsewhere: str | None = None, evil: bool = False) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        scene = self.scene = Scene(self.home / "src", files={"app.py": BASE, "notes.txt": "begin\n"})
        scene.append("app.py", HELPER.lstrip("\n"), ONE)  # empty lines weigh nothing; none, so that counts are plain
        scene.edit("app.py", "value * 2", "scale_by_two(value)", ONE)
        if evil:
            scene.write(EVIL, "def plant():\n    return '\x1b[2J[/bold]'\n", ONE)
        what = "Add a helper\x1b[2J [/bold] [@click=app.quit]x[/]" if evil else "Add a helper"
        self.helper = scene.commit(f"{what}\n\nIt picks what fits.")
        scene.edit("app.py", '    print("hello", name)\n', GREET, TWO)
        self.greet = scene.commit("Greet")
        scene.sub("app.py", GREET, "")
        scene.put("notes.txt", "begin\nmore\n")
        self.drop = scene.commit("Drop the greeting, take notes")
        scene.append("notes.txt", "wait for the morning\n", ONE)
        if elsewhere is not None:
            scene.on_other_machine(elsewhere)
        cwd = elsewhere or str(scene.root)
        logs = [
            save(self.home, claude_log(scene, ONE, "add a *helper* [/b] @team", cwd), ONE),
            save(self.home, claude_log(scene, TWO, "be polite", cwd), TWO),
        ]
        self.path = folder / "bucket"
        bucket = Bucket.open(self.path, create=True)
        write_consent(bucket)
        bucket.capture([found for found in files_of(logs) if isinstance(found, LogFile)], workers=1)
        bucket.close()


class TrailDriver(Driver):
    """Waits for trails too."""

    async def until(self, fits: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until something holds; fail with the screen when it never does."""
        end = _PERF() + seconds
        while not fits():
            assert _PERF() < end, self.screen
            await self.pilot.pause(0.02)
        await self.settle()

    async def sees(self, *texts: str) -> None:
        await self.until(lambda: all(text in self.screen for text in texts))

    async def type(self, text: str) -> None:
        self.app.screen.query_one("Input").insert_text_at_cursor(text)  # type: ignore[attr-defined]
        await self.settle()


@asynccontextmanager
async def trailing(story: Story, size: tuple[int, int] = (120, 40), **options: Any) -> AsyncIterator[TrailDriver]:
    """The app over a story, the cursor in the timeline of ``session`` (`ONE`)."""
    bucket = Bucket.open(story.path)
    try:
        app = TracetuiApp(bucket, session=options.pop("session", ONE), config={"ascii": False}, **options)
        async with app.run_test(size=size) as pilot:
            driver = TrailDriver(app, pilot, bucket)  # type: ignore[arg-type]
            await driver.settle()
            yield driver
    finally:
        bucket.close()
