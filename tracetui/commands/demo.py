"""``demo``: the app on a made-up repository and the sessions that worked on it, all in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tracetui.commands.common import need_terminal

if TYPE_CHECKING:
    import argparse

    from tracetui.demo import Demo

_NAME: Final = "The rate-limit test that fails when the clock is exact"
EXAMPLES: Final = (("tracetui demo", "look around without any logs of your own"),)
_FOREIGN: Final = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR")


@contextlib.contextmanager
def _sealing(demo: Demo) -> Iterator[None]:
    """Seal the demo's capsule in a child beside the app, so that nobody waits for it."""
    words = [sys.executable, "-m", "tracetui", "--bucket", str(demo.bucket), "seal", demo.flaky]
    words += ["-o", str(demo.capsule), "--name", _NAME]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True) as child:
        try:
            yield
        finally:
            child.kill()


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
            with _sealing(demo):
                return run_app(bucket, banner="demo: nothing here is real", config=settings.app())
        finally:
            bucket.close()
    finally:
        temporary.remove()
