"""What a check may read of this machine beside the system: the tools that its command names and the system lacks.

A command is posed with the interpreter that the user's own ``PATH`` would give it, and with the packages that are
installed for the repository (``.venv``, ``node_modules``, the caches of Go and Cargo): read only, each folder by
itself, never the home folder or one that holds it. The user's own tools are asked where they live; nothing of a
capsule is run.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tracetui.model import TracetuiError
from tracetui.sandbox.managers import environment_base, managed, own_environment

__all__ = ["HOME", "SYSTEM", "SYSTEM_PATH", "Tools", "named", "needed", "python_version"]

HOME: Final = "/capsule/home"
"""The empty home of a command in the sandbox."""
SYSTEM: Final = ("/usr/", "/bin/", "/sbin/", "/nix/store/")
SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,40}")
_PYTHON: Final = re.compile(r"python(?:[23](?:\.[0-9]{1,2})?)?")
_OF_PYTHON: Final = frozenset(("pytest", "py.test", "tox", "nox", "nose2", "coverage", "mypy", "ruff", "pip", "hatch"))
_OF_NODE: Final = frozenset(
    ("node", "npm", "npx", "yarn", "pnpm", "corepack", "jest", "mocha", "vitest", "tsc", "ava", "tap", "eslint")
)
_OF_RUST: Final = frozenset(("cargo", "rustc", "rustdoc"))
_RUNNERS: Final = frozenset(("make", "gmake", "just", "task", "sh", "bash", "cmake", "ninja", "meson", "bazel", "tox"))
"""What runs other programs that the command does not name."""
_SHARED: Final = (".local", ".config", ".cache", ".cargo", ".ssh", ".gnupg", "bin", ".rustup", ".pyenv", ".nvm", "go")
"""Folders of a home that hold more than one tool."""
_SCRATCH: Final = (".cache", ".vite", ".vitest")
"""Folders in ``node_modules`` that tools write to."""
_TIMEOUT: Final = 20


@dataclass(slots=True)
class Tools:
    """Folders that commands may read: ``mounts`` (where it is, where the sandbox shows it; below ``{root}`` in the
    tree), ``scratch`` (empty folders over them), ``bins`` for ``PATH``, ``environ``, and ``told``: a line for each."""

    mounts: list[tuple[Path, str]] = field(default_factory=list)
    scratch: list[str] = field(default_factory=list)
    bins: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def show(self, folder: Path, why: str, at: str | None = None) -> None:
        """Let commands read a folder, under its own name where no other is given."""
        if at is None and any(at == str(place) and folder.is_relative_to(place) for place, at in self.mounts):
            return
        self.mounts.append((folder, at or str(folder)))
        self.told.append(f"{folder} ({why})")

    def search(self, folder: Path) -> None:
        """Look for programs in a folder."""
        if str(folder) not in self.bins:
            self.bins.append(str(folder))


def named(folders: Iterable[Path]) -> Tools:
    """The tools that the user named: folders with ``bin``, virtual environments among them. Raises TracetuiError."""
    tools = Tools()
    for folder in folders:
        if not folder.is_dir():
            raise TracetuiError(f"{folder} is no folder of tools", status=2)
        real = folder.resolve()
        if _holds_home(real):
            raise TracetuiError(f"{folder} holds your home folder, which no check may read", status=2)
        _add(tools, real, "named by you", own=True)
    return tools


def needed(
    commands: Iterable[str],
    repo: Path | None,
    tools: Tools | None = None,
    tracked: Callable[[str], bool] = lambda _: False,
) -> Tools:
    """What these commands need that the system lacks. ``repo`` is the work tree of the user's repository; ``tracked``
    says whether Git holds a path of it or below it: such a folder is the repository's, not the user's."""
    tools = tools or Tools()
    words = {word for command in commands for word in _programs(command)}
    runs = bool(words & _RUNNERS) or any(word.endswith((".sh", ".py", ".js")) for word in words)
    python = sorted(word for word in words if _PYTHON.fullmatch(word) or word in _OF_PYTHON)
    if repo is not None and (python or runs):
        _local_python(tools, repo, tracked, active=bool(os.environ.get("VIRTUAL_ENV")))
    for word in python or (["python3"] if runs else []):
        _python(tools, word)
    if runs or words & _OF_NODE:
        _node(tools, repo, tracked)
    if "go" in words or runs:
        _go(tools)
    if words & _OF_RUST or runs:
        _rust(tools)
    _caches(tools, words)
    known = set(python) | _OF_NODE | _OF_RUST | {"go"}
    for word in sorted(words - known):
        _other(tools, word)
    _optional(tools, os.environ.get("PATH", ""))
    if shutil.which("python3", path=SYSTEM_PATH) is None and not any("python" in line for line in tools.told):
        _add(tools, Path(sys.base_prefix).resolve(), "Python, which the system lacks")
    return tools


def python_version(tools: Tools) -> str | None:
    """``3.12`` of the Python that commands find first, None where there is none."""
    program = shutil.which("python3", path=":".join([*tools.bins, SYSTEM_PATH]))
    found = _ask(program, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])") if program else []
    return found[0] if found else None


def _programs(command: str) -> Iterator[str]:
    """The words of a command that may be programs."""
    for word in re.split(r"[\s;&|()`\"'$<>{}=]+", command):
        name = word.rpartition("/")[2]
        if _WORD.fullmatch(name):
            yield name


# -- each kind


def _which(word: str) -> Path | None:
    """A program of the user's ``PATH`` that is not the system's."""
    found = shutil.which(word)
    if found is None or not found.startswith("/"):
        return None
    return None if found.startswith(SYSTEM) and os.path.realpath(found).startswith(SYSTEM) else Path(found)


def _ask(*words: str) -> list[str]:
    """The lines that one of the user's own tools answers, none where it fails."""
    try:
        done = subprocess.run(
            words, capture_output=True, check=False, timeout=_TIMEOUT, cwd="/", stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return []
    lines = done.stdout.decode("utf-8", "replace").splitlines() if not done.returncode else []
    return [line.strip() for line in lines if line.strip()]


def _optional(tools: Tools, path: str) -> None:
    """What the user's ``PATH`` names below /opt."""
    for place in path.split(":"):
        folder = Path(place)
        if place.startswith("/opt/") and folder.is_dir():
            _add(tools, folder.parent if folder.name in ("bin", "sbin") else folder, "on your PATH")
            tools.search(folder)


def _python(tools: Tools, word: str) -> None:
    found = _which(word)
    if found is None:
        return
    asked = str(found)
    if not _PYTHON.fullmatch(word):
        # A script: its first line names the interpreter; one that leads to another tells nothing.
        first = _first_line(found)
        asked = first if first.startswith("/") and "python" in first else (shutil.which("python3") or "")
    if not asked:
        return
    for prefix in _ask(asked, "-I", "-c", "import sys; print(sys.prefix); print(sys.base_prefix)"):
        folder = Path(prefix).resolve()
        _add(tools, folder, f"{word} of your PATH", own=own_environment(folder))


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            line = stream.readline(400)
    except OSError:
        return ""
    return line[2:].decode("utf-8", "replace").strip() if line.startswith(b"#!") else ""


def _local_python(tools: Tools, repo: Path, tracked: Callable[[str], bool], *, active: bool) -> None:
    """The environment beside the repository's files, which commands name ``.venv/bin/...``; before the ``PATH``'s
    where none is active."""
    for name in (".venv", "venv"):
        folder = repo / name
        if not own_environment(folder) or tracked(name):
            continue
        before = list(tools.bins)
        _add(tools, folder.resolve(), "the repository's Python environment", own=True)
        if active:
            tools.bins = before
        tools.mounts.append((folder.resolve(), f"{{root}}/{name}"))
        return


def _node(tools: Tools, repo: Path | None, tracked: Callable[[str], bool]) -> None:
    found = _which("node")
    if found is not None:
        for program in _ask(str(found), "-p", "process.execPath"):
            _add(tools, Path(program).resolve().parent.parent, "node of your PATH")
    modules = repo / "node_modules" if repo is not None else None
    if modules is not None and modules.is_dir() and not modules.is_symlink() and not tracked("node_modules"):
        tools.show(modules.resolve(), "the repository's Node packages", "{root}/node_modules")
        tools.scratch += [f"{{root}}/node_modules/{name}" for name in _SCRATCH if (modules / name).is_dir()]


def _go(tools: Tools) -> None:
    program = shutil.which("go")
    if program is None:
        return
    found = _ask(program, "env", "GOROOT", "GOMODCACHE")
    if len(found) != 2:
        return
    root, cache = (Path(line).resolve() for line in found)
    if not str(root).startswith(SYSTEM):
        _add(tools, root, "go of your PATH", own=(root / "bin" / "go").is_file() and not _in_home(root))
    if cache.is_dir() and not _holds_home(cache) and cache.parts[-2:] == ("pkg", "mod"):
        tools.show(cache, "downloaded Go modules")
        tools.environ["GOMODCACHE"] = str(cache)


def _rust(tools: Tools) -> None:
    program = shutil.which("rustc")
    home = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
    if program is None or (Path(program).parent.parent.name == ".cargo" and not home.is_dir()):
        return  # a proxy would make that folder, only for being asked
    for root in _ask(program, "--print", "sysroot"):
        if not root.startswith(SYSTEM):
            _add(tools, Path(root).resolve(), "cargo of your PATH")
    registry = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "registry"
    if registry.is_dir() and not registry.is_symlink():
        tools.show(registry.resolve(), "downloaded crates", f"{HOME}/.cargo/registry")


_CACHES: Final = (
    (frozenset(("npm", "npx")), ".npm/_cacache"),
    (frozenset(("mvn", "mvnw")), ".m2/repository"),
    (frozenset(("gradle", "gradlew")), ".gradle/caches/modules-2"),
    (frozenset(("rspec", "bundle", "rake", "ruby")), ".gem/ruby"),
    (frozenset(("rspec", "bundle", "rake", "ruby")), ".local/share/gem/ruby"),
)
"""Of caches the folders that hold packages, never those above them: they hold credentials too."""


def _caches(tools: Tools, words: set[str]) -> None:
    for names, place in _CACHES:
        folder = Path.home() / place
        if words & names and folder.is_dir() and folder.resolve() == Path(os.path.realpath(Path.home())) / place:
            tools.show(folder.resolve(), "downloaded packages", f"{HOME}/{place}")


def _other(tools: Tools, word: str) -> None:
    """Any other program outside of the system: the folder above its ``bin``, where a known manager put it."""
    found = _which(word)
    if found is None:
        return
    for place in dict.fromkeys((found.resolve(), found)):
        if place.parent.name == "bin" and _add(tools, place.parent.parent, f"{word} of your PATH"):
            return


def _add(tools: Tools, prefix: Path, why: str, *, own: bool = False) -> bool:
    """Show a prefix with all that it starts from; whether it may be shown. ``own``: the user named it, or it is an
    environment of theirs; else it is shown only where the system or a known manager put it."""
    text = f"{prefix}/"
    if text.startswith(SYSTEM) or text == "//":
        return True
    if _holds_home(prefix) or _shared(prefix) or not prefix.is_dir() or not (own or managed(prefix)):
        return False
    if (prefix / "bin").is_dir():
        tools.search(prefix / "bin")
    tools.show(prefix, why)
    if (prefix / "pyvenv.cfg").is_file():
        base = environment_base(prefix)
        if base is not None:
            _add(tools, base, "the Python of that environment")
    return True


def _in_home(folder: Path) -> bool:
    return folder.is_relative_to(os.path.realpath(Path.home()))


def _holds_home(folder: Path) -> bool:
    home = Path(os.path.realpath(Path.home()))
    return home == folder or folder in home.parents


def _shared(folder: Path) -> bool:
    """Whether a folder of the home holds the things of many: no tool's own."""
    home = Path(os.path.realpath(Path.home()))
    if any(folder == home / name for name in _SHARED):
        return True
    try:
        info = folder.stat()
    except OSError:
        return True
    return not stat.S_ISDIR(info.st_mode)
