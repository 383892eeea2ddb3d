"""Copying: the terminal's own clipboard (OSC 52) first, then the system's, then a file; and saying which it was.

No terminal answers whether it took an OSC 52, so what is known about terminals decides: those that take it are asked
alone, those that do not are not asked, and with the rest the system's clipboard is set as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from textual.app import App

from tracetui.bucket.tempfolder import TempFolder
from tracetui.text import format as fmt
from tracetui.text.safe import copy_safe

__all__ = ["copy", "osc52", "tool"]

_TAKES: Final = ("iterm.app", "wezterm", "ghostty", "vscode", "kitty", "alacritty", "foot", "rio", "contour", "mintty")
_REFUSES: Final = ("apple_terminal", "linux", "dumb", "konsole")
_OSC52_LIMIT: Final = 74_994
"""Bytes; what xterm and those after it take at most (100,000 characters of base64)."""
_TIMEOUT: Final = 3.0


def osc52(environ: Mapping[str, str]) -> bool | None:
    """Whether the terminal takes OSC 52: yes, no, or None where nobody knows."""
    names = " ".join(environ.get(name, "") for name in ("TERM_PROGRAM", "TERM", "LC_TERMINAL")).lower()
    if environ.get("TMUX") or environ.get("TERM", "").startswith("screen"):
        return None  # it depends on set-clipboard, and on the terminal around it
    if any(name in names.split() for name in _REFUSES) or environ.get("VTE_VERSION") or environ.get("KONSOLE_VERSION"):
        return False
    if any(name in names for name in _TAKES) or environ.get("KITTY_WINDOW_ID") or environ.get("WEZTERM_PANE"):
        return True
    return None


def tool(environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which) -> list[str] | None:
    """The command that sets the clipboard of the machine that the user sits at, where there is one."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None  # it would be the clipboard of the wrong machine
    choices: list[list[str]] = []
    if sys.platform == "darwin":
        choices.append(["pbcopy"])
    if environ.get("WAYLAND_DISPLAY"):
        choices.append(["wl-copy"])
    if environ.get("DISPLAY"):
        choices += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    if environ.get("WSL_DISTRO_NAME"):
        choices.append(["clip.exe"])
    return next((command for command in choices if which(command[0])), None)


def _set_by_tool(command: list[str], data: bytes) -> bool:
    """Hand the bytes to a clipboard program; it may live on to serve them, so its output goes nowhere."""
    try:
        done = subprocess.run(
            command,
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def copy(app: App[Any], text: str, folder: TempFolder, environ: Mapping[str, str] | None = None) -> str:
    """Copy ``text``, made safe, and return the line that says where it went."""
    environ = os.environ if environ is None else environ
    text = copy_safe(text)
    data = text.encode("utf-8", "replace")
    what = f"Copied {fmt.plural(len(text), 'character')}"
    takes = osc52(environ) if len(data) <= _OSC52_LIMIT else False
    places: list[str] = []
    if takes is not False:
        App.copy_to_clipboard(app, text)
        places.append("through the terminal (OSC 52)")
    if takes is not True:
        command = tool(environ)
        if command is not None and _set_by_tool(command, data):
            places.append(f"with {command[0]}")
    if places:
        line = f"{what} {' and '.join(places)}."
        if takes is None and len(places) == 1:
            line += " If it is not there, the terminal refused it."
        return line
    try:
        path = folder.write(data, "copy.txt")
    except OSError as error:
        return f"Nothing was copied: no clipboard, and no file could be written ({error.strerror})."
    return f"No clipboard can be reached: written to {path}, which is removed when you leave."
