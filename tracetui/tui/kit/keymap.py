"""What is wrong with the keys that a user chose: names of no action, keys that two actions of one place have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tracetui.text.safe import one_line
from tracetui.tui.actions import BY_ID, Action, by_context, display_key

__all__ = ["PLACES", "problems"]

PLACES: Final[tuple[tuple[str, ...], ...]] = (
    ("list", "sessions", "main", "screen", "app"),
    ("list", "timeline", "main", "screen", "app"),
    ("text", "step", "main", "screen", "app"),
    ("list", "redact", "screen", "app"),
    ("marking", "redact", "screen", "app"),
    ("list", "rules", "screen", "app"),
    ("list", "noticed", "screen", "app"),
    ("list", "ctx", "screen", "app"),
    ("list", "seal", "screen", "app"),
    ("list", "player", "screen", "app"),
    ("list", "verdict", "screen", "app"),
    ("list", "search", "screen", "app"),
    ("list", "repositories", "screen", "app"),
    ("list", "workflows", "screen", "app"),
    ("list", "rows", "screen", "app"),
    ("text", "commit", "screen", "app"),
    ("text", "diff", "screen", "app"),
    ("list", "blame", "screen", "app"),
    ("list", "tree", "screen", "app"),
    ("text", "help", "screen", "app"),
    ("first", "screen", "app"),
    ("list", "home", "screen", "app"),
    ("query",),
    ("jump",),
    ("dialog",),
)
"""The contexts whose keys work at the same time, the nearest to the cursor first; of two with a key that one has it."""


def problems(keymap: Mapping[str, str]) -> list[str]:
    """One line each: a name that is no action's, and a key of ``keymap`` (action id -> keys parted by commas, in
    Textual's words) that another action of the same place has too. Clashes that nobody brought in are not told."""
    found = [
        f"[keys] names {one_line(name, 60)}, which is no action; docs/keys.md lists them"
        for name in keymap
        if name not in BY_ID
    ]
    clashes: dict[tuple[str, frozenset[str]], str] = {}
    for place in PLACES:
        owner: dict[str, Action] = {}
        for action in (action for context in place for action in by_context(context)):
            for key in _keys(action, keymap):
                first = owner.setdefault(key, action)
                pair = frozenset((first.id, action.id))
                if len(pair) > 1 and pair & keymap.keys() and key in _brought(pair, keymap):
                    clashes.setdefault(
                        (key, pair),
                        f"The key {one_line(display_key(key), 20)} is bound twice: {first.id} and {action.id}; "
                        f"{first.id} has it",
                    )
    return found + list(clashes.values())


def _keys(action: Action, keymap: Mapping[str, str]) -> Iterator[str]:
    for key in keymap.get(action.id, action.keys).split(","):
        if key.strip():
            yield key.strip()


def _brought(pair: Iterable[str], keymap: Mapping[str, str]) -> set[str]:
    """The keys of these actions that are the user's own."""
    return {
        key
        for name in pair
        if name in keymap
        for key in set(_keys(BY_ID[name], keymap)) - set(BY_ID[name].keys.split(","))
    }
