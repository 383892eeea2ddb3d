"""Programs outside: those that take the terminal for a while, and those that open a file by themselves."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["at_line", "open_outside", "program", "run_outside"]


def run_outside(app: HostApp, argv: Sequence[str], cwd: str | None = None) -> int | None:
    """Hand the terminal to a program and take it back; its exit status, None when it could not be started."""
    from textual.app import SuspendNotSupported

    try:
        with app.suspend():
            return subprocess.run(list(argv), cwd=cwd, check=False).returncode
    except SuspendNotSupported:
        app.say("This terminal cannot be handed to another program.", role="bad")
    except OSError as error:
        app.say(f"Cannot start {argv[0]}: {error.strerror}", role="bad")
    return None


def open_outside(app: HostApp, path: Path) -> None:
    """Open a file of ours in the system's viewer, which lives on by itself."""
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    if shutil.which(opener) is None:
        app.say(f"There is no {opener}; the file is {path} until you leave.")
        return
    null = subprocess.DEVNULL
    try:
        subprocess.Popen([opener, str(path)], stdin=null, stdout=null, stderr=null, start_new_session=True)
    except OSError as error:
        app.say(f"Cannot start {opener}: {error.strerror}", role="bad")


def at_line(name: str, path: str, line: int) -> list[str]:
    """The arguments with which an editor opens a file at a line."""
    base = Path(name).name
    if base in "code codium cursor windsurf".split():
        return ["-g", f"{path}:{line}"]
    if base in ("subl", "hx", "helix", "zed"):
        return [f"{path}:{line}"]
    return [f"+{line}", path]


def program(environ: Mapping[str, str], names: Sequence[str], fallbacks: Sequence[str]) -> list[str] | None:
    """The argument list of the user's program: the first variable that is set, split as a shell would, else the first
    fallback that is there."""
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            try:
                argv = shlex.split(value)
            except ValueError:
                continue
            if argv:
                return argv
    return next(([name] for name in fallbacks if shutil.which(name)), None)
