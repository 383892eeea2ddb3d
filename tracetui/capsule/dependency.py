"""Another version of one dependency: fetched without running anything of it, or taken from a folder.

Python: a wheel, unpacked by us; Node: a package's archive, unpacked by us. Nothing is built, no script is run, nothing
but the named package is fetched.
"""

from __future__ import annotations

import io
import os
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
from tracetui.capsule.sandbox import Sandbox
from tracetui.capsule.tree import Tree, remove_tree
from tracetui.model import TracetuiError

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
        if shown is not None and not os.path.lexists(folder):
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
    folder.mkdir()
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


def fetch(text: str, source: Path | None, folder: Path, is_node: Callable[[str], bool]) -> Overlay:
    """Get a package into ``folder``: from the folder ``source``, else over the network (the caller has asked)."""
    kind, name, version = parse_wanted(text)
    kind = kind or ("npm" if name.startswith("@") or is_node(name) else "pip")
    folder.mkdir(mode=0o700)
    packed = folder / "packed"
    packed.mkdir()
    place = packed
    if source is not None:
        if not source.is_dir():
            raise TracetuiError(f"{source} is no folder; name one that holds the package")
        place = source
    else:
        _download(kind, name, version, packed)
    file = _find(kind, name, version, place)
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


def _download(kind: str, name: str, version: str, folder: Path) -> None:
    if kind == "pip":
        words = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
            "--no-deps", "--only-binary", ":all:", "--dest", str(folder), f"{name}=={version}",
        ]  # fmt: skip
    else:
        words = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), f"{name}@{version}"]
    try:
        done = subprocess.run(
            words, capture_output=True, check=False, timeout=_TIMEOUT, cwd=folder, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TracetuiError(f"{words[0]} could not fetch {name} {version} ({type(error).__name__})") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TracetuiError(f"{name} {version} could not be fetched: {lines[-1][:200] if lines else 'no message'}")


def _find(kind: str, name: str, version: str, folder: Path) -> Path | None:
    """The package's file in a folder; of several wheels the one that fits every machine first."""
    plain = re.sub(r"[-_.]+", "_", name).lower()
    found: list[tuple[bool, str, Path]] = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.is_symlink():
            continue
        if kind == "pip" and path.name.endswith(".whl"):
            parts = path.name[:-4].split("-")
            if len(parts) in (5, 6) and re.sub(r"[-_.]+", "_", parts[0]).lower() == plain and parts[1] == version:
                found.append((parts[-1] != "any", path.name, path))
        elif kind == "npm" and path.name == f"{name.lstrip('@').replace('/', '-')}-{version}.tgz":
            found.append((False, path.name, path))
    return min(found)[2] if found else None


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
