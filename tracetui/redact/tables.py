"""The tables of the detectors: TOML files below ``detectors``, shipped with the package and read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

__all__ = ["pattern_of", "table", "words"]

_PIECES: Final = {
    "{AN}": "[A-Za-z0-9]",
    "{W}": "[A-Za-z0-9_-]",
    "{UUID}": r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "{Q}": r"[\"'`\\]",
    "{V}": r"[^\s\"'`<>\\]",
}
"""What patterns of the tables call by a name."""


@cache
def table(name: str) -> dict[str, Any]:
    """The table of this name. Not to be changed."""
    return tomllib.loads((files(__package__) / "detectors" / f"{name}.toml").read_text("utf-8"))


@cache
def words(name: str, key: str) -> frozenset[str]:
    """A list of words in a table."""
    return frozenset(table(name)[key].split())


def pattern_of(text: str) -> str:
    """A pattern of a table with the named pieces put in."""
    for name, piece in _PIECES.items():
        text = text.replace(name, piece)
    return text
