"""Readings of a text in which a secret may stand that the text as written hides, mapped back to its code points.

A secret can be escaped (JSON once or twice), split by colour codes, broken over lines, numbered by ``cat -n`` or
marked by a diff, percent-encoded, in base64 or with HTML entities. Each view is the text with those places decoded,
and remembers for every piece where it came from. Only the neighbourhood of decoded places needs to be scanned again:
``View.windows``.
"""

from __future__ import annotations

import base64
import binascii
import html
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

__all__ = ["View", "views_of"]

_MARGIN: Final = 240
"""Code points of context scanned on both sides of a decoded place."""
_JSON_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}


@cache
def _re(pattern: str) -> Any:
    import re2

    return re2.compile(pattern)


class View:
    """A decoded reading of ``parent`` (another view) or of the source text itself (``parent`` None).

    ``pieces`` are ``(start in parent, end in parent, replacement)`` in order; what lies between is copied.
    """

    __slots__ = ("_at", "_from", "_lengths", "name", "parent", "seams", "text")

    def __init__(self, name: str, text: str, parent: View | None, pieces: Iterable[tuple[int, int, str]] = ()) -> None:
        self.name, self.parent = name, parent
        self._at: list[int] = []  # where a piece begins in this view
        self._from: list[tuple[int, int]] = []  # the span of the parent that it stands for
        self._lengths: list[int] = []
        self.seams: list[int] = []
        if parent is None:
            self.text = text
            return
        parts: list[str] = []
        at = last = 0
        for start, end, put in pieces:
            if start > last:
                parts.append(text[last:start])
                at += start - last
            self._at.append(at)
            self._from.append((start, end))
            self._lengths.append(len(put))
            self.seams.append(at)
            parts.append(put)
            at += len(put)
            last = end
        parts.append(text[last:])
        self.text = "".join(parts)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source text that ``[start, end)`` of this view stands for."""
        if self.parent is None:
            return start, end
        return self.parent.origin(self._up(start, low=True), self._up(end - 1, low=False) + 1 if end > start else start)

    def _up(self, at: int, *, low: bool) -> int:
        """The parent's first (or last) code point behind code point ``at``."""
        i = bisect_right(self._at, at) - 1
        # Pieces that decode to nothing share their place with what follows; the last of them stands nearest.
        if i < 0:
            return at
        begin, length = self._at[i], self._lengths[i]
        start, end = self._from[i]
        if at < begin + length:
            if length == end - start:
                return start + at - begin
            return start if low else end - 1
        return end + at - begin - length

    def crosses(self, start: int, end: int) -> bool:
        """Whether a decoded place lies inside ``[start, end)``, so that the view shows what the text does not."""
        i = bisect_right(self.seams, start)
        if i < len(self.seams) and self.seams[i] < end:
            return True
        return i > 0 and self.seams[i - 1] + self._lengths[i - 1] > start

    def windows(self) -> Iterator[tuple[int, int]]:
        """Merged spans of this view around its decoded places; the whole text for the plain view."""
        if self.parent is None:
            yield 0, len(self.text)
            return
        size = len(self.text)
        low = high = -1
        for at, length in zip(self.seams, self._lengths):
            start, end = max(0, at - _MARGIN), min(size, at + length + _MARGIN)
            if low >= 0 and start <= high:
                high = max(high, end)
                continue
            if low >= 0:
                yield low, high
            low, high = start, end
        if low >= 0:
            yield low, high


def _json(text: str) -> Iterator[tuple[int, int, str]]:
    at, size = 0, len(text)
    while (at := text.find("\\", at)) >= 0 and at + 1 < size:
        code = text[at + 1]
        if code in _JSON_ESCAPES:
            yield at, at + 2, _JSON_ESCAPES[code]
            at += 2
        elif code == "u" and at + 6 <= size:
            try:
                value = int(text[at + 2 : at + 6], 16)
            except ValueError:
                at += 2
                continue
            if not 0xD800 <= value < 0xE000:
                yield at, at + 6, chr(value)
            at += 6
        else:
            at += 2


def _ansi(text: str) -> Iterator[tuple[int, int, str]]:
    # CSI, OSC up to its terminator, other two-byte escapes; also where the ESC was written as text.
    pattern = _re(
        "(?:\x1b|\\\\x1b|\\\\u001b|\\\\e|\\\\033|\u241b)(?:\\[[0-?]{0,40}[ -/]{0,4}[@-~]|\\][^\x07\x1b]{0,400}(?:\x07|\x1b\\\\)|[@-Z\\\\-_])"
        "|\u009b[0-?]{0,40}[@-~]|.\x08"
    )
    return ((m.start(), m.end(), "") for m in pattern.finditer(text))


_PREFIX = (
    r"(?m)^(?:[ \t]{0,10}\d{1,7}(?:→|\t|:[ \t]?|\||[ ]?│|[ ]{2})"  # cat -n, nl, bat, pr
    r"|[\w./@-]{1,160}[:\-]\d{1,7}[:\-](?:\d{1,5}:)?"  # grep -n
    r"|[+\->][ \t]?|\|[ \t]|#[ \t]|//[ \t]|\*[ \t]|> ?)"  # diff, quote, table, comment
)


def _prefixes(text: str) -> Iterator[tuple[int, int, str]]:
    return ((m.start(), m.end(), "") for m in _re(_PREFIX).finditer(text) if m.end() > m.start())


_TOKEN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~%")


def _breaks(text: str) -> Iterator[tuple[int, int, str]]:
    """Line breaks inside what looks like one long token."""
    at, size = 0, len(text)
    while (at := text.find("\n", at)) >= 0:
        left = at - 1 if at and text[at - 1] == "\r" else at
        slash = left - 1 if left and text[left - 1] == "\\" else left
        start = slash
        run = slash
        floor = max(0, slash - 20)
        while run > floor and text[run - 1] in _TOKEN:
            run -= 1
        right = at + 1
        limit = min(size, right + 40)
        while right < limit and text[right] in " \t":
            right += 1
        stop = right
        limit = min(size, right + 20)
        while stop < limit and text[stop] in _TOKEN:
            stop += 1
        long_left = slash - run >= 12 or (slash - run >= 4 and slash - (text.rfind("\n", 0, slash) + 1) >= 40)
        named = stop < size and text[stop] in "=:(" and stop - right < 20
        if long_left and stop - right >= 2 and not named:
            yield start, right, ""
        at = max(at + 1, right)


def _percent(text: str) -> Iterator[tuple[int, int, str]]:
    for m in _re(r"(?:%[0-9A-Fa-f]{2})+").finditer(text):
        try:
            yield m.start(), m.end(), unquote_to_bytes(m.group()).decode()
        except UnicodeDecodeError:
            continue


def _html(text: str) -> Iterator[tuple[int, int, str]]:
    for m in _re(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});").finditer(text):
        decoded = html.unescape(m.group())
        if decoded != m.group():
            yield m.start(), m.end(), decoded


def _base64(text: str) -> Iterator[tuple[int, int, str]]:
    """Runs of base64 that hold text; images, hashes and keys do not decode to text and stay as they are."""
    for m in _re(r"[A-Za-z0-9+/_-]{24,}={0,2}").finditer(text):
        run = m.group().rstrip("=")
        if run.startswith("eyJ") or len(run) % 4 == 1:
            continue
        try:
            raw = base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4), validate=True)
            decoded = raw.decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if decoded.isprintable() or all(c.isprintable() or c in "\n\r\t" for c in decoded):
            yield m.start(), m.end(), decoded


_DECODERS: Final[dict[str, tuple[Callable[[str], bool], Callable[[str], Iterator[tuple[int, int, str]]]]]] = {
    "json": (lambda t: "\\" in t, _json),
    "ansi": (lambda t: "\x1b" in t or "\x9b" in t or "\x08" in t or "\u241b" in t or "\\x1b" in t or "\\u001b" in t
             or "\\033" in t or "\\e[" in t, _ansi),
    "lines": (lambda t: "\n" in t, _prefixes),
    "joined": (lambda t: "\n" in t, _breaks),
    "percent": (lambda t: "%" in t, _percent),
    "html": (lambda t: "&" in t and ";" in t, _html),
    "base64": (lambda t: len(t) >= 24, _base64),
}  # fmt: skip


def _decode(name: str, view: View) -> View | None:
    wanted, decoder = _DECODERS[name]
    if not wanted(view.text):
        return None
    pieces = list(decoder(view.text))
    if not pieces:
        return None
    label = name if view.parent is None else f"{view.name}+{name}"
    return View(label, view.text, view, pieces)


def views_of(text: str) -> list[View]:
    """Every reading of a text that differs from it, the plain one first.

    The unescaped readings are read in turn for colour codes, line prefixes and breaks, percent, HTML and base64, since
    a transcript wraps one in the other; not every order is tried, only those that logs show.
    """
    plain = View("plain", text, None)
    views = [plain]
    bases = [plain]
    unescaped = plain
    for _ in range(2):
        further = _decode("json", unescaped)
        if further is None:
            break
        unescaped = further
        views.append(further)
        bases.append(further)
    for base in bases:
        clean = _decode("ansi", base)
        if clean is not None:
            views.append(clean)
        bare = _decode("lines", clean or base)
        if bare is not None:
            views.append(bare)
        for source in (clean or base, bare):
            joined = _decode("joined", source) if source is not None else None
            if joined is not None:
                views.append(joined)
        for name in ("percent", "html", "base64"):
            decoded = _decode(name, clean or base)
            if decoded is not None:
                views.append(decoded)
                if name == "base64":
                    inner = _decode("json", decoded)
                    if inner is not None:
                        views.append(inner)
    return views
