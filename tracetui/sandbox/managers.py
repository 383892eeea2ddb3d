"""Which folders hold tools: those of the system and of managers that are known, while nobody else can write there.

What a command names and what a repository links to chooses only among these; whatever else the user wants to show, they
name themselves.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

__all__ = ["environment_base", "managed", "own_environment"]

_IN_HOME: Final = (
    ".pyenv/versions/*", ".local/share/uv/python/*", ".local/share/uv/tools/*", ".local/pipx/venvs/*",
    ".local/share/pipx/venvs/*", ".local/share/mise/installs/*/*", ".asdf/installs/*/*", ".rye/py/*",
    ".local/share/rtx/installs/*/*", ".local/share/hatch/pythons/*", "miniconda3", "miniforge3", "mambaforge",
    "anaconda3", "micromamba", "miniconda3/envs/*", "miniforge3/envs/*", "mambaforge/envs/*", "anaconda3/envs/*",
    "micromamba/envs/*", ".conda/envs/*", ".nvm/versions/node/*", ".volta/tools/image/*/*",
    ".local/share/fnm/node-versions/*/installation", ".fnm/node-versions/*/installation", ".nodenv/versions/*",
    ".rustup/toolchains/*", "sdk/go*", ".goenv/versions/*", ".gvm/gos/*", ".rbenv/versions/*", ".rvm/rubies/*",
    ".sdkman/candidates/*/*", ".jenv/versions/*", ".phpenv/versions/*", ".local/share/virtualenvs/*",
    ".virtualenvs/*", ".bun", ".deno",
)  # fmt: skip
"""Below the home: one tool or one version each, as its manager lays it out; never a folder above them."""
_OF_SYSTEM: Final = (
    "/usr/*", "/opt/*", "/opt/*/*", "/nix/store/*", "/home/linuxbrew/.linuxbrew", "/opt/homebrew",
    "/opt/homebrew/*/*/*", "/Library/Frameworks/*.framework/Versions/*", "/snap/*/*",
)  # fmt: skip
_LINES: Final = 100


def managed(prefix: Path) -> bool:
    """Whether a real folder is the prefix of a tool of the system or of a known manager, owned by root or the user."""
    home = Path(os.path.realpath(Path.home()))
    if prefix.is_relative_to(home):
        found = any(prefix.relative_to(home).match(pattern) and _deep(prefix, home) == pattern.count("/") + 1
                    for pattern in _IN_HOME)  # fmt: skip
    else:
        text = str(prefix)
        found = any(prefix.match(pattern) and text.count("/") == pattern.count("/") for pattern in _OF_SYSTEM)
    return found and _safe(prefix)


def _deep(folder: Path, above: Path) -> int:
    return len(folder.relative_to(above).parts)


def _safe(folder: Path) -> bool:
    """Whether only root and the user can put something into a folder."""
    try:
        info = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid in (0, os.getuid()) and not info.st_mode & stat.S_IWOTH


def own_environment(folder: Path) -> bool:
    """Whether a folder is a virtual environment that belongs to the user: no link, with its file of settings."""
    try:
        info = (folder / "pyvenv.cfg").lstat()
    except OSError:
        return False
    return not folder.is_symlink() and stat.S_ISREG(info.st_mode) and _safe(folder)


def environment_base(folder: Path) -> Path | None:
    """The prefix of the Python that an environment starts from, where it is one of a manager or the system's; what its
    settings and links say otherwise is not followed."""
    python = folder / "bin" / "python"
    base = Path(os.path.realpath(python)).parent
    if base.name != "bin" or base.parent == folder or not managed(base.parent):
        return None
    return base.parent
