"""``demo``: the app on a made-up repository and the sessions that worked on it, all in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import need_terminal

if TYPE_CHECKING:
    import argparse

    from tracetui.demo import Demo

_NAME: Final = "The rate-limit test that fails when the clock is exact"
EXAMPLES: Final = (("tracetui demo", "look around without any logs of your own"),)
_FOREIGN: Final = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR")


def sealing(demo: Demo) -> list[list[str]]:
    """The commands that make the demo's capsule, in order, as a user would call them."""
    seal = ["seal", demo.flaky, "-o", str(demo.capsule), "--name", _NAME]
    return [["--bucket", str(demo.bucket), *words] for words in (["redact", demo.flaky, "--accept-tier", "2"], seal)]


class _Sealing(threading.Thread):
    """Makes the demo's capsule in children beside the app, so that nobody waits for it."""

    def __init__(self, demo: Demo) -> None:
        super().__init__(daemon=True)
        self.demo = demo
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._over = False

    def run(self) -> None:
        quiet = subprocess.DEVNULL
        for words in sealing(self.demo):
            with self._lock:
                if self._over:
                    return
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "tracetui", *words],
                    stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True,
                )  # fmt: skip
            if self._child.wait():
                return

    def stop(self) -> None:
        """End it, wherever it is."""
        with self._lock:
            self._over = True
            if self._child is not None:
                self._child.kill()
        self.join(5)


@contextlib.contextmanager
def _sealed(demo: Demo) -> Iterator[None]:
    thread = _Sealing(demo)
    thread.start()
    try:
        yield
    finally:
        thread.stop()


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no words of its own."""


def run(args: argparse.Namespace) -> int:
    """Make the demo, open the app on it, remove it; the exit status."""
    need_terminal("the demo")
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import write_consent
    from tracetui.demo import make
    from tracetui.harness.roots import LogFile, files_of
    from tracetui.tui.app import run as run_app
    from tracetui.tui.tempfolder import TempFolder

    settings = config.load()
    temporary = TempFolder()
    try:
        demo = make(temporary.folder() / "demo")
        # The app indexes in a child, which looks for logs under the home folder: under the demo's, not the user's.
        for name in _FOREIGN:
            os.environ.pop(name, None)
        os.environ["HOME"] = str(demo.home)
        os.environ["TRACETUI_CONFIG"] = str(settings.path)
        bucket = Bucket.open(demo.bucket, create=True)
        try:
            write_consent(bucket)
            bucket.capture([found for found in files_of(demo.logs) if isinstance(found, LogFile)], workers=1)
            with _sealed(demo):
                return run_app(bucket, banner="demo: nothing here is real", config=settings.app())
        finally:
            bucket.close()
    finally:
        temporary.remove()
