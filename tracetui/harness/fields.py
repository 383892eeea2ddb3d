"""Places in the records of a harness, written down shortly, and which strings there are ids or opaque.

A place is written ``message/content/*/text``: names joined by ``/``, ``*`` for the elements of a list, ``?`` for any
name of an object that is a map. Places below the same name share a bracket: ``message(id role content/*(type text))``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Fields", "Path", "paths"]

Path = tuple[str, ...]
_WORD: Final = re.compile(r"[^\s()]+|[()]")


def paths(text: str) -> tuple[Path, ...]:
    """The places that a text in the notation above names, in its order. Raises ValueError where a bracket is open."""
    out: list[Path] = []
    prefix: list[Path] = [()]
    last: Path | None = None
    for word in _WORD.findall(text):
        if word == "(":
            if last is None:
                raise ValueError("a bracket without a name before it")
            out.pop()
            prefix.append(last)
            last = None
        elif word == ")":
            if len(prefix) == 1:
                raise ValueError("a bracket is closed that was not opened")
            prefix.pop()
            last = None
        else:
            last = (*prefix[-1], *word.split("/"))
            out.append(last)
    if len(prefix) > 1:
        raise ValueError("a bracket is left open")
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Fields:
    """Strings of a harness's records that redaction treats apart; each place exactly, all others are text.

    ``ids`` join records or are words of the format: nothing is looked for in them; an id that holds what was accepted
    is renamed wherever it stands. ``opaque`` are signatures, encrypted text and image data: not searched, and dropped
    from what is shared. ``only`` says of an opaque place when: ``data:`` for strings that begin so, a number for
    strings longer than that. ``names`` (of tools, models) are text like any other, and stay where all else that a
    record says is left out.
    """

    ids: frozenset[Path]
    opaque: frozenset[Path]
    only: Mapping[Path, str | int] = field(default_factory=dict)
    names: frozenset[Path] = frozenset()

    def is_opaque(self, path: Path, value: str) -> bool:
        """Whether a string at one of the opaque places is opaque."""
        only = self.only.get(path)
        if only is None:
            return True
        return value.startswith(only) if isinstance(only, str) else len(value) > only

    @staticmethod
    def of(ids: str, opaque: str, only: Mapping[str, str | int] | None = None, names: str = "") -> Fields:
        """From places in the notation above; ``only`` by place (a last name alone: every opaque place that ends so)."""
        found = frozenset(paths(opaque))
        limits: dict[Path, str | int] = {}
        for name, limit in (only or {}).items():
            (wanted,) = paths(name)
            for path in found:
                if path == wanted or (len(wanted) == 1 and path[-1:] == wanted):
                    limits[path] = limit
        return Fields(frozenset(paths(ids)), found, limits, frozenset(paths(names)))
