"""What can be told of a line that is too long to parse: its first and last bytes, read as far as they go.

The head of the line is cut after its last whole value and closed; the top-level fields that follow a giant value are
taken from the tail. Long strings are left out, so what remains are the type, ids, times and other small fields, in
their places.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

__all__ = ["HEAD", "TAIL", "closed", "ending", "small"]

HEAD: Final = 64 * 1024
TAIL: Final = 8 * 1024
_STRING_MAX: Final = 200
_ITEMS_MAX: Final = 64
_DEPTH_MAX: Final = 8
_TOKEN = re.compile(r'[ \t\r\n]*+(?:("(?:[^"\\]++|\\.)*+")|([{\[])|([}\]])|([,:])|([^\s{}\[\],:"]++))', re.DOTALL)
_CLOSER: Final = {"{": "}", "[": "]"}


def closed(head: bytes) -> str:
    """The longest beginning of ``head`` that is valid once its open brackets are closed, closed; ``""`` for none."""
    text = head.decode("utf-8", "replace")
    open_: list[str] = []
    best, closers = 0, ""
    key = colon = False
    at = 0
    while (match := _TOKEN.match(text, at)) is not None and match.end() < len(text):
        at = match.end()
        string, opener, closer, mark, scalar = match.groups()
        if opener:
            open_.append(_CLOSER[opener])
            key, colon = opener == "{", False
        elif closer:
            if not open_ or open_.pop() != closer:
                break
            key = colon = False
        elif mark:
            in_object = bool(open_) and open_[-1] == "}"
            key, colon = mark == "," and in_object, mark == ":"
            continue
        elif key:
            if string is None:
                break
            key = False
            continue
        elif scalar is not None or string is not None:
            colon = False
        if colon or not open_:
            break
        best, closers = at, "".join(reversed(open_))
    return text[:best] + closers if best else ""


def ending(tail: bytes) -> dict[str, Any]:
    """The top-level fields that stand whole in the last bytes of a line.

    A comma followed by a quote is never inside a string of valid JSON (there the quote is escaped), and if what follows
    it parses up to the end of the line as the members of one object, they are members of the outermost one.
    """
    at = tail.find(b',"')
    while at >= 0:
        try:
            value = orjson.loads(b"{" + tail[at + 1 :])
        except orjson.JSONDecodeError:
            at = tail.find(b',"', at + 1)
            continue
        return value if isinstance(value, dict) else {}
    return {}


def small(value: Any, depth: int = 0) -> Any:
    """``value`` without long strings, long lists and deep nesting; a string that is left out becomes None."""
    if isinstance(value, str):
        return value if len(value) <= _STRING_MAX else None
    if isinstance(value, dict):
        if depth >= _DEPTH_MAX:
            return {}
        kept: dict[str, Any] = {}
        for name, item in value.items():
            if len(name) > _STRING_MAX or len(kept) >= _ITEMS_MAX:
                continue
            item = small(item, depth + 1)
            if item is not None:
                kept[name] = item
        return kept
    if isinstance(value, list):
        return [small(item, depth + 1) for item in value[:_ITEMS_MAX]] if depth < _DEPTH_MAX else []
    return value
