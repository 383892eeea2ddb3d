"""The strings of a record, each at its JSON pointer, and which of them are ids or opaque by the harness's schema.

The unit of redaction is the decoded string at a path: values and keys alike. Only exact schema paths are left out:
ids of the envelope, which join records, and signatures, encrypted text and image data, which exports drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tracetui.harness import HARNESSES
from tracetui.harness.fields import Fields, Path

__all__ = [
    "PIXEL",
    "Node",
    "Unit",
    "is_name",
    "is_opaque",
    "is_skipped",
    "joins",
    "left_out",
    "new_key",
    "pointer_after",
    "rewrite",
    "schema",
    "texts",
    "units",
]

PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
"""A PNG of one transparent pixel, in base64: what stands for a dropped image."""

_NONE: Final = Fields(frozenset(), frozenset())


class Unit(NamedTuple):
    """A decoded string of a record. ``field`` is the JSON pointer of the value, or of the member whose key it is."""

    field: str
    text: str
    in_key: bool


@lru_cache(32)
def _fields(harness: str) -> Fields:
    maker = HARNESSES.get(harness)
    if maker is None or maker.fields is None:
        return _NONE
    return maker.fields()


def is_skipped(harness: str, path: Path) -> bool:
    """Whether the value at a path (list places as ``*``) is an id or word of the envelope."""
    return path in _fields(harness).ids


def is_name(harness: str, path: Path) -> bool:
    """Whether the value at a path is the name of a tool or model, which a reader of the record needs."""
    return path in _fields(harness).names


def joins(path: Path) -> bool:
    """Whether the id or word of the format at a path joins records: a word stays whatever it reads like."""
    return path[-1].lower().endswith(("id", "uuid"))


def is_opaque(harness: str, path: Path, value: str) -> bool:
    """Whether the value at a path is a signature, encrypted text or image data: dropped from what is shared."""
    fields = _fields(harness)
    return path in fields.opaque and fields.is_opaque(path, value)


Node = dict[str, Any]
"""A place in the tree of schema paths: the names below it, and under ``""`` what is known of a string there."""


@lru_cache(32)
def schema(harness: str) -> Node:
    """The paths of a harness that are left out, as a tree: ``""`` holds ``id`` or ``opaque``, the path and the fields.
    Empty for one that has no rule: all of its strings are searched."""
    root: Node = {}
    fields = _fields(harness)
    for known, what in ((fields.ids, "id"), (fields.opaque, "opaque")):
        for path in known:
            node = root
            for name in path:
                node = node.setdefault(name, {})
            node.setdefault("", (what, path, fields))
    return root


def left_out(node: Node | None, value: str) -> str:
    """``id`` or ``opaque`` for a string at a place of the schema that is not scanned, else empty."""
    if not node or (known := node.get("")) is None:
        return ""
    what, path, fields = known
    return what if what == "id" or fields.is_opaque(path, value) else ""


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "/" in name or "~" in name else name


def units(value: Any, harness: str = "") -> Iterator[Unit]:
    """Every string of a record that is scanned, keys before the values that they name."""
    stack: list[tuple[Any, str, Node | None]] = [(value, "", schema(harness))]
    while stack:
        item, field, node = stack.pop()
        if isinstance(item, str):
            if item and not left_out(node, item):
                yield Unit(field, item, False)
        elif isinstance(item, dict):
            further: list[tuple[Any, str, Node | None]] = []
            for name, inner in item.items():
                below = f"{field}/{_escaped(name)}"
                if name:
                    yield Unit(below, name, True)
                if isinstance(inner, str | dict | list):
                    further.append((inner, below, node.get(name) if node and name else None))
            further.reverse()
            stack += further
        elif isinstance(item, list):
            node = node.get("*") if node else None
            stack += [
                (inner, f"{field}/{nth}", node)
                for nth, inner in reversed([*enumerate(item)])
                if isinstance(inner, str | dict | list)
            ]


def texts(value: Any, harness: str = "") -> list[str]:
    """The strings of ``units`` alone, in no order that matters, many times faster."""
    out: list[str] = []
    stack: list[tuple[Any, Node | None]] = [(value, schema(harness))]
    while stack:
        item, node = stack.pop()
        if isinstance(item, str):
            if item and not (node and left_out(node, item)):
                out.append(item)
        elif isinstance(item, dict):
            out += item
            if node:
                stack += [
                    (inner, node.get(name) if name else None)
                    for name, inner in item.items()
                    if isinstance(inner, str | dict | list)
                ]
            else:
                for inner in item.values():
                    if isinstance(inner, str):
                        out.append(inner)
                    elif isinstance(inner, dict | list):
                        stack.append((inner, None))
        elif isinstance(item, list):
            node = node.get("*") if node else None
            stack += [(inner, node) for inner in item if isinstance(inner, str | dict | list)]
    return out


def rewrite(value: Any, change: Callable[[str, str, Path, bool], str], renamed: dict[str, str] | None = None) -> Any:
    """A copy of a JSON value in which every string went through ``change(text, field, path, in_key)``.

    Keys that become the same get a number behind them, so that no member is lost. ``renamed`` is filled with the
    pointers of members whose key changed, and their new keys.
    """
    return _rewrite(value, "", (), change, {} if renamed is None else renamed, 0)


def new_key(key: str, name: str, value: Mapping[str, Any], out: Mapping[str, Any]) -> str:
    """What a member called ``name`` is called from now on, that no other one of ``value`` or ``out`` is called."""
    base, n = key, 2
    while key in out or (key in value and key != name):
        key, n = f"{base}{n}", n + 1
    return key


def _rewrite(
    value: Any,
    field: str,
    path: Path,
    change: Callable[[str, str, Path, bool], str],
    renamed: dict[str, str],
    depth: int,
) -> Any:
    if isinstance(value, str):
        return change(value, field, path, False)
    if depth > 900:
        return None
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for name, inner in value.items():
            below = f"{field}/{_escaped(name)}"
            key = change(name, below, (*path, name), True) if name else name
            if key != name:
                key = new_key(key, name, value, out)
                renamed[below] = key
            out[key] = _rewrite(inner, below, (*path, name), change, renamed, depth + 1)
        return out
    if isinstance(value, list):
        return [
            _rewrite(inner, f"{field}/{nth}", (*path, "*"), change, renamed, depth + 1)
            for nth, inner in enumerate(value)
        ]
    return value


def pointer_after(field: str, renamed: Mapping[str, str]) -> str:
    """Where a pointer leads after members were renamed as ``rewrite`` says."""
    if not renamed:
        return field
    out = before = ""
    for part in field.split("/")[1:]:
        before = f"{before}/{part}"
        held = renamed.get(before)
        out = f"{out}/{part if held is None else _escaped(held)}"
    return out
