"""``demo``: the app on a made-up repository and the sessions that worked on it, all in a temporary folder; or on a
capsule of one of them, as a maintainer opens it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import need_terminal
from tracetui.commands.out import note
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    import argparse

    from tracetui.demo import Demo

_NAME: Final = "The rate-limit test that fails when the clock is exact"
EXAMPLES: Final = (
    ("tracetui demo", "look around without any logs of your own"),
    ("tracetui demo --capsule", "open a capsule that somebody sent you, play it, and see its verdict flip"),
)
_FOREIGN: Final = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR")


def sealing(demo: Demo) -> list[list[str]]:
    """The commands that make the demo's capsule, in order, as a user would call them."""
    seal = ["seal", demo.flaky, "-o", str(demo.capsule), "--name", _NAME]
    return [["--bucket", str(demo.bucket), *words] for words in (["redact", demo.flaky, "--accept-tier", "2"], seal)]


def _child(words: list[str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "tracetui", *words]
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


class _Sealing(threading.Thread):
    """Makes the demo's capsule in children beside the app, so that nobody waits for it."""

    def __init__(self, demo: Demo) -> None:
        super().__init__(daemon=True)
        self.demo = demo
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._over = False

    def run(self) -> None:
        for words in [
            *sealing(self.demo),
            ["--bucket", str(self.demo.bucket), "open", "--keep", str(self.demo.capsule)],
        ]:
            with self._lock:
                if self._over:
                    return
                self._child = _child(words)
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
    """Add the command's flag."""
    parser.add_argument("--capsule", action="store_true", help="open the capsule of one of its sessions instead")


def run(args: argparse.Namespace) -> int:
    """Make the demo, open the app on it, remove it; the exit status."""
    need_terminal("the demo")
    from tracetui import config
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import write_consent
    from tracetui.bucket.tempfolder import TempFolder
    from tracetui.demo import make
    from tracetui.harness.roots import LogFile, files_of
    from tracetui.tui.app import run as run_app

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
            if args.capsule:
                bucket.close()
                return _open(demo)
            with _sealed(demo):
                banner = "demo: nothing here is real"
                return run_app(bucket, banner=banner, config=settings.app(), capsule=demo.capsule, repo=demo.repo)
        finally:
            bucket.close()
    finally:
        temporary.remove()


def _open(demo: Demo) -> int:
    """Seal the demo's capsule and open it, as its reader would."""
    from argparse import Namespace

    from tracetui.commands import open as opening

    note("sealing a session of the demo …")
    for words in sealing(demo):
        if _child(words).wait():
            raise TracetuiError("The demo's capsule could not be sealed; try: tracetui demo")
    return opening.run(Namespace(file=str(demo.capsule), keep=False, signers=None, repo=str(demo.repo)))
