"""Another version of one dependency: fetched without running anything of it, or taken from a folder.

Python: a wheel, unpacked by us; Node: a package's archive, unpacked by us. Nothing is built, no script is run, nothing
but the named package is fetched.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracetui.capsule.patches import check_path
from tracetui.capsule.tree import Tree, remove_tree
from tracetui.model import TracetuiError
from tracetui.sandbox.bubblewrap import is_free
from tracetui.sandbox.runner import Sandbox
from tracetui.text.safe import one_line

__all__ = ["Overlay", "fetch", "parse_wanted"]

_WANTED: Final = re.compile(
    r"(?:(pip|npm):)?((?:@[a-z0-9][a-z0-9._-]{0,100}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,100})==([0-9][A-Za-z0-9.+!-]{0,60})"
)
SHOWN: Final = "/capsule/node_modules"
"""Where packages stand that are linked to."""
_LIMIT: Final = 256 * 1024 * 1024
_FILES: Final = 20_000
_MINORS: Final = range(8, 20)
_TIMEOUT: Final = 600


@dataclass(frozen=True, slots=True)
class Overlay:
    """The unpacked package: ``folder`` holds it, for ``kind`` ``pip`` or ``npm``."""

    kind: str
    name: str
    version: str
    folder: Path

    def environ(self, sandbox: Sandbox) -> dict[str, str]:
        """What tells Python to look there first: the user's site too, for commands that set PYTHONPATH themselves."""
        if self.kind != "pip":
            return {}
        place = sandbox.overlay(self.folder)
        return {"PYTHONPATH": f"{place}/packages", "PYTHONUSERBASE": f"{place}/user"}

    def into(self, tree: Tree, sandbox: Sandbox) -> list[tuple[Path, str]]:
        """Put a Node package where Node looks first: into the tree, or over the one among the packages that are shown
        there (what is given back)."""
        if self.kind != "npm":
            return []
        modules = "{root}/node_modules"
        shown = next((source for source, at in sandbox.tools.mounts if at == modules), None)
        folder = tree.root / "node_modules"
        package = self.folder / "package"
        if shown is not None and is_free(folder):
            if sandbox.kind == "bubblewrap" and (shown / self.name).is_dir() and not (shown / self.name).is_symlink():
                return [(package, f"{modules}/{self.name}")]
            _links(shown, SHOWN if sandbox.kind == "bubblewrap" else str(shown), folder, self.name)
        target = folder / self.name
        for place in (folder, target.parent):
            if place.is_symlink():
                raise TracetuiError("node_modules of the tree is a link; the package cannot be put there")
        remove_tree(target)  # a link to the one that is replaced, too
        shutil.copytree(package, target, symlinks=False)
        return [(shown, SHOWN)] if shown is not None and sandbox.kind == "bubblewrap" else []


def _links(modules: Path, seen: str, folder: Path, name: str) -> None:
    """Make a folder of packages that holds links to all others than the one that is replaced; ``seen`` is the path
    under which commands see ``modules``."""
    folder.mkdir(exist_ok=True)
    scope = name.partition("/")[0] if "/" in name else ""
    for entry in sorted(modules.iterdir()):
        if entry.name == scope:
            (folder / scope).mkdir()
            for one in sorted(entry.iterdir()):
                (folder / scope / one.name).symlink_to(f"{seen}/{scope}/{one.name}")
        elif entry.name != name:
            (folder / entry.name).symlink_to(f"{seen}/{entry.name}")


def parse_wanted(text: str) -> tuple[str | None, str, str]:
    """(``pip``, ``npm`` or None where it is not said, name, version) of ``[pip:|npm:]NAME==VERSION``. Raises
    TracetuiError (status 2)."""
    match = _WANTED.fullmatch(text)
    if match is None:
        raise TracetuiError(f"{text} is not NAME==VERSION (pip:NAME==VERSION, npm:NAME==VERSION)", status=2)
    return match[1], match[2], match[3]


def fetch(
    text: str, source: Path | None, folder: Path, is_node: Callable[[str], bool], python: str | None = None
) -> Overlay:
    """Get a package into ``folder``: from the folder ``source``, else over the network (the caller has asked).
    ``python`` is the version (``3.12``) that it is for, by default the one that runs this program."""
    kind, name, version = parse_wanted(text)
    kind = kind or ("npm" if name.startswith("@") or is_node(name) else "pip")
    python = python or f"{sys.version_info[0]}.{sys.version_info[1]}"
    folder.mkdir(mode=0o700)
    packed = folder / "packed"
    packed.mkdir()
    place = packed
    if source is not None:
        if not source.is_dir():
            raise TracetuiError(f"{source} is no folder; name one that holds the package")
        place = source
    else:
        _download(kind, name, version, packed, python)
    file = _find(kind, name, version, place, python)
    if file is None:
        what = "wheel" if kind == "pip" else "archive"
        raise TracetuiError(f"No {what} of {name} {version} in {place if source else 'what was fetched'}")
    if kind == "pip":
        _unpack(_wheel(file), folder / "packages")
        for minor in _MINORS:
            site = folder / "user" / "lib" / f"python3.{minor}"
            site.mkdir(parents=True)
            (site / "site-packages").symlink_to("../../../packages")
    else:
        _unpack(_tarball(file), folder / "package")
    return Overlay(kind, name, version, folder)


def _download(kind: str, name: str, version: str, folder: Path, python: str) -> None:
    """Fetch one package by the system's own tool, which keeps nothing outside of ``folder``."""
    # pip asks rustc for its version, and a proxy of that name would make a folder in an empty home.
    env = {**os.environ, "RUSTUP_HOME": str(folder / "rustup")}
    if kind == "pip":
        pip = next((words for words in _pips() if _answers(words)), None)
        if pip is None:
            raise TracetuiError(
                f"There is no pip to fetch {name} {version} with; download it and name its folder: --from"
            )
        words = [
            *pip, "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
            "--only-binary", ":all:", "--python-version", python, "--dest", str(folder), f"{name}=={version}",
        ]  # fmt: skip
    else:
        words = [
            "npm",
            "pack",
            "--loglevel=error",
            "--ignore-scripts",
            "--pack-destination",
            str(folder),
            f"{name}@{version}",
        ]
        more = {"cache": str(folder / "cache"), "logs_max": "0", "update_notifier": "false", "offline": "false"}
        env |= {f"npm_config_{key}": value for key, value in more.items()}
    try:
        done = subprocess.run(
            words, capture_output=True, check=False, timeout=_TIMEOUT, cwd=folder, stdin=subprocess.DEVNULL, env=env
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TracetuiError(f"{words[0]} could not fetch {name} {version} ({type(error).__name__})") from None
    if done.returncode:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        told = next((line for line in lines if "No matching" in line or "404" in line), lines[-1] if lines else "")
        raise TracetuiError(f"{name} {version} could not be fetched: {one_line(told, 200) or 'no message'}")


def _pips() -> Iterator[list[str]]:
    """Ways to call pip: that of this program first, which an installer may have left out."""
    yield [sys.executable, "-m", "pip"]
    for word in ("pip3", "pip"):
        found = shutil.which(word)
        if found is not None:
            yield [found]
    found = shutil.which("python3")
    if found is not None:
        yield [found, "-m", "pip"]


def _answers(words: list[str]) -> bool:
    try:
        done = subprocess.run([*words, "--version"], capture_output=True, check=False, timeout=60, cwd="/")
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _find(kind: str, name: str, version: str, folder: Path, python: str) -> Path | None:
    """The package's file in a folder; of several wheels that fit here the one that fits every machine first."""
    plain = re.sub(r"[-_.]+", "_", name).lower()
    found: list[tuple[bool, str, Path]] = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.is_symlink():
            continue
        if kind == "pip" and path.name.endswith(".whl"):
            parts = path.name[:-4].split("-")
            named = len(parts) in (5, 6) and re.sub(r"[-_.]+", "_", parts[0]).lower() == plain and parts[1] == version
            if named and _fits(parts[-3], parts[-2], parts[-1], python):
                found.append((parts[-1] != "any", path.name, path))
        elif kind == "npm" and path.name == f"{name.lstrip('@').replace('/', '-')}-{version}.tgz":
            found.append((False, path.name, path))
    return min(found)[2] if found else None


def _fits(tag: str, abi: str, where: str, python: str) -> bool:
    """Whether a wheel's tags (PEP 425) fit a version of CPython on this machine."""
    major, _, minor = python.partition(".")
    own = tag.split(".")
    stable = "abi3" in abi.split(".") and any(
        re.fullmatch(rf"cp{major}[0-9]{{1,2}}", one) and int(one[3:]) <= int(minor) for one in own
    )
    right = stable or any(one in (f"py{major}", f"cp{major}{minor}", f"py{major}{minor}") for one in own)
    system = {"linux": "linux", "darwin": "macosx"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    here = where == "any" or (system in where and (machine in where or "universal2" in where))
    return right and here


def _wheel(file: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if (info.external_attr >> 16) & 0o170000 == 0o120000 or info.file_size > _LIMIT:
                    raise TracetuiError(f"{file.name} holds a link or a file that is too large")
                with archive.open(info) as stream:
                    yield info.filename, stream.read(_LIMIT + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise TracetuiError(f"{file.name} cannot be unpacked ({type(error).__name__})") from None


def _tarball(file: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(file.read_bytes()), mode="r:gz") as archive:
            for member in archive:
                if member.isdir():
                    continue
                if not member.isfile() or member.size > _LIMIT:
                    raise TracetuiError(f"{file.name} holds a link or a file that is too large")
                stream = archive.extractfile(member)
                # The first folder is called package, or anything else, by custom.
                yield member.name.partition("/")[2], stream.read() if stream is not None else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise TracetuiError(f"{file.name} cannot be unpacked ({type(error).__name__})") from None


def _unpack(files: Iterator[tuple[str, bytes]], folder: Path) -> None:
    folder.mkdir()
    tree = Tree(folder)
    total = 0
    for count, (path, data) in enumerate(files):
        total += len(data)
        if count > _FILES or total > _LIMIT or check_path(path) is not None:
            raise TracetuiError("The package holds too much, or a path that leads outside of it")
        tree.write(path, data)
