"""Where Python finds the packages of a tree, so that the tree is what is tested and not a copy that is installed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Imports", "imports_of"]

_BELOW: Final = ("src", "lib", "python")
_PROJECT: Final = ("pyproject.toml", "setup.py", "setup.cfg")
_NO_PACKAGE: Final = frozenset(
    "test tests testing doc docs example examples benchmark benchmarks bench tools scripts build dist".split()
)
_LOOKED: Final = 500


@dataclass(frozen=True, slots=True)
class Imports:
    """``folders``: those below the tree to import from first, relative, ``""`` for the tree itself; ``packages``: the
    names of what they hold."""

    folders: tuple[str, ...] = ()
    packages: frozenset[str] = frozenset()


def imports_of(tree: Path) -> Imports:
    """The packages of a tree that is a Python project; nothing of another one. Links are not followed."""
    if not any((tree / name).is_file() for name in _PROJECT):
        return Imports()
    folders: list[str] = []
    packages: set[str] = set()
    for name in (*_BELOW, ""):
        place = tree / name
        if place.is_symlink() or not place.is_dir():
            continue
        found = _packages(place, namespaces=name == "src")
        if found:
            folders.append(name)
            packages |= found
    return Imports(tuple(folders), frozenset(packages))


def _packages(folder: Path, *, namespaces: bool) -> set[str]:
    found: set[str] = set()
    with os.scandir(folder) as entries:
        for nth, entry in enumerate(entries):
            if nth >= _LOOKED:
                break
            name = entry.name
            if entry.is_symlink():
                continue
            if entry.is_dir() and name.isidentifier() and name.lower() not in _NO_PACKAGE:
                if (Path(entry.path) / "__init__.py").is_file() or (namespaces and any(Path(entry.path).glob("*.py"))):
                    found.add(name)
            elif namespaces and name.endswith(".py") and name[:-3].isidentifier() and name != "setup.py":
                found.add(name[:-3])
    return found
