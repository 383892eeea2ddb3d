"""What a record of a range says about what came before it, left out: the range is the range.

Every field that its harness's ``Sharing`` does not name stays out and is counted; summaries, replaced history and whole
files as they were are emptied; ids lead to carried records only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from tracetui.harness.sharing import Allowed, Sharing
from tracetui.model import Record

__all__ = ["Links", "stripped"]

_NOTHING: Final = object()


def stripped(
    sharing: Sharing, value: dict[str, Any], unknown: Counter[str], *, compaction: bool = False
) -> dict[str, Any]:
    """A record of a range without the text from before it, in the shape of its harness. ``compaction``: it makes one.
    ``unknown`` counts what was left out because no rule names it, as ``kind field/field`` (text of the log)."""
    value = sharing.empty(value, compaction)
    kind = sharing.kind(value)
    allowed = sharing.allowed.get(kind)
    if allowed is None:
        allowed, kind = sharing.allowed["*"], kind or "(no kind)"
    return _object(value, allowed, f"{kind} ", unknown)


def _object(value: dict[str, Any], allowed: Allowed, at: str, unknown: Counter[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, item in value.items():
        below = allowed.get(name) if name else None
        if below is None:
            below = allowed.get("?") if name not in allowed else None
        if below is None:
            unknown[f"{at}{name}"] += 1
            continue
        kept = _value(item, below, f"{at}{name}/", unknown)
        if kept is not _NOTHING:
            out[name] = kept
    return out


def _value(value: Any, allowed: Allowed, at: str, unknown: Counter[str]) -> Any:
    """What of a value at a place stays; ``_NOTHING`` where the place is not to be there."""
    whole = allowed.get("")
    if whole is False:
        return _NOTHING
    if isinstance(value, dict | list) and len(allowed) > (whole is not None):
        if isinstance(value, dict):
            return _object(value, allowed, at, unknown)
        if "*" in allowed:
            kept = (_value(item, allowed["*"], f"{at}*/", unknown) for item in value)
            return [item for item in kept if item is not _NOTHING]
        whole = None
    if whole is None and isinstance(value, str | list):
        unknown[at.removesuffix("/")] += 1
        return _NOTHING
    return value


class Links:
    """The tree of a log's records, so that those of a range hang on one another and on none outside of it."""

    def __init__(self, sharing: Sharing, records: Iterable[Record], holds: Callable[[Record], bool]) -> None:
        """``holds`` tells which records are carried."""
        self._sharing = sharing
        self._parents: dict[str, str | None] = {}
        self._kept: set[str] = set()
        if sharing.parent is None:
            return
        own, parent = sharing.parent
        for record in records:
            ident, above = record.value.get(own), record.value.get(parent)
            if isinstance(ident, str):
                self._parents.setdefault(ident, above if isinstance(above, str) else None)
                if holds(record):
                    self._kept.add(ident)

    def above(self, ident: str | None) -> str | None:
        """The nearest carried record from ``ident`` upwards."""
        seen: set[str] = set()
        while ident is not None and ident not in self._kept and ident not in seen:
            seen.add(ident)
            ident = self._parents.get(ident)
        return ident if ident in self._kept else None

    def mended(self, value: dict[str, Any]) -> dict[str, Any]:
        """A carried record that names carried ones only."""
        if self._sharing.parent is None:
            return value
        own, parent = self._sharing.parent
        out = dict(value)
        if isinstance(value.get(parent), str):
            out[parent] = self.above(value[parent])
        for name, rule in self._sharing.links.items():
            if not isinstance(out.get(name), str) or out[name] in self._kept:
                continue
            if rule == "drop":
                del out[name]
            else:
                out[name] = out.get(own) if rule == "own" else out.get(parent) or "root"
        return out
