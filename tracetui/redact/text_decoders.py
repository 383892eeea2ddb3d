"""Readings of a text in which a secret may stand that the text as written hides, mapped back to its code points.

A secret can be escaped (JSON once or twice), split by colour codes, broken over lines, numbered by ``cat -n`` or
marked by a diff, percent-encoded, in base64 or with HTML entities. Each view is the text with those places decoded,
and remembers for every piece where it came from. Only the neighbourhood of decoded places needs to be scanned again:
``DecodedView.windows``.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from tracetui.redact.entropy import SLASHED, runs
from tracetui.redact.joined_lines import Piece, breaks

__all__ = ["DecodedView", "decode_as", "views_of"]

_MARGIN: Final = 128
"""Code points of context scanned on both sides of a decoded place."""

Split = tuple[list[str], list[str]]
"""A text in parts, of which every second one is decoded, and what those decode to."""


def _cut(text: str, pieces: Iterable[Piece]) -> Split:
    parts: list[str] = []
    puts: list[str] = []
    last = 0
    for start, end, put in pieces:
        parts += (text[last:start], text[start:end])
        puts.append(put)
        last = end
    parts.append(text[last:])
    return parts, puts


class DecodedView:
    """A decoded reading of ``parent`` (another view) or of the source text itself (``parent`` None).

    ``pieces`` are in order and do not overlap; what lies between is copied.
    """

    __slots__ = ("_at", "_from", "_till", "_to", "further", "joined", "name", "parent", "text")

    def __init__(self, name: str, text: str, parent: DecodedView | None, pieces: Iterable[Piece] = ()) -> None:
        self.text = text
        self._set(name, parent)
        if parent is not None:
            self._fill(*_cut(text, pieces))

    @classmethod
    def of_parts(cls, name: str, parent: DecodedView, parts: list[str], puts: list[str]) -> DecodedView:
        """From the parent's text in parts, of which every second one is replaced by one of ``puts``. ``parts`` is
        used up. Long lists are put together without a step of Python per piece."""
        view = cls.__new__(cls)
        view._set(name, parent)
        view._fill(parts, puts)
        return view

    def _set(self, name: str, parent: DecodedView | None) -> None:
        self.name, self.parent = name, parent
        self.joined = name.endswith("joined")
        self.further: DecodedView | None = None
        """A view of this one that decodes what this one's pieces gave: those are looked at there."""
        # Where the pieces begin and end, in this view and in the parent.
        self._at: list[int] = []
        self._till: list[int] = []
        self._from: list[int] = []
        self._to: list[int] = []

    def _fill(self, parts: list[str], puts: list[str]) -> None:
        ends = list(accumulate(map(len, parts)))
        self._from, self._to = ends[0:-1:2], ends[1::2]
        parts[1::2] = puts
        ends = list(accumulate(map(len, parts)))
        self._at, self._till = ends[0:-1:2], ends[1::2]
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
        begin, till, start, end = self._at[i], self._till[i], self._from[i], self._to[i]
        if at < till:
            if till - begin == end - start:
                return start + at - begin
            return start if low else end - 1
        return end + at - till

    def crosses(self, start: int, end: int) -> bool:
        """Whether a decoded place lies inside ``[start, end)``, so that the view shows what the text does not."""
        i = bisect_right(self._at, start)
        if i < len(self._at) and self._at[i] < end:
            return True
        return i > 0 and self._till[i - 1] > start

    def windows(self) -> Iterator[tuple[int, int]]:
        """Merged spans of this view around its decoded places, cut where no word is cut."""
        text = self.text
        size = len(text)
        places: Iterable[tuple[int, int]] = zip(self._at, self._till)
        count = len(self._at)
        if self.further is not None:
            taken = set(self.further._from)
            left = [(at, till) for at, till in places if at not in taken and at - 1 not in taken]
            places, count = left, len(left)
        if count * _MARGIN // 2 > size:
            yield 0, size  # so many that hardly anything lies between
            return
        low = high = -1
        for at, till in places:
            if high >= 0 and at - _MARGIN > high:
                yield _whole(text, low, min(size, high))
                high = -1
            if high < 0:
                low = max(0, at - _MARGIN)
            high = till + _MARGIN
        if high >= 0:
            yield _whole(text, low, min(size, high))


def _whole(text: str, low: int, high: int) -> tuple[int, int]:
    """A window never begins or ends inside a word (of bounded length): a cut one would look like another. What stands
    directly before a word, as a URL's scheme and user do, belongs to it."""
    floor, size = max(0, low - 1000), min(len(text), high + 1000)
    while low > floor and (text[low - 1].isalnum() or text[low - 1] in "_-"):
        low -= 1
    floor = max(floor, low - 64)
    while low > floor and not text[low - 1].isspace():
        low -= 1
    while high < size and (text[high].isalnum() or text[high] in "_-"):
        high += 1
    return low, high


class _Decoded(dict[str, str]):
    """What an escape stands for, worked out once. Only for escapes of bounded length."""

    def __init__(self, decode: Callable[[str], str], known: dict[str, str] | None = None) -> None:
        super().__init__(known or {})
        self._decode = decode

    def __missing__(self, escape: str) -> str:
        decoded = self._decode(escape)
        if len(self) < 4096:
            self[escape] = decoded
        return decoded


_ESCAPES: Final = _Decoded(
    lambda escape: chr(int(escape.lstrip("\\ux"), 16)),
    {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\b": "\b", "\\f": "\f", '\\"': '"', "\\\\": "\\", "\\/": "/", "\\'": "'"},
)
_ESCAPE: Final = re.compile(r"(\\(?:[ntrbf\"\\/']|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}))")


def _json(text: str) -> Split:
    parts = _ESCAPE.split(text)
    return parts, [*map(_ESCAPES.__getitem__, parts[1::2])]


# CSI, OSC up to its terminator, other two-byte escapes; also where the ESC was written as text; overstruck characters.
_CODE: Final = "(?:\\[[0-?]{0,40}+[ -/]{0,4}+[@-~]|\\][^\x07\x1b]{0,400}+(?:\x07|\x1b\\\\)|[@-Z\\\\-_])"
_REAL: Final = re.compile(f"(\x1b{_CODE})")
_ANSI: Final = re.compile(f"((?:\x1b|\\\\e(?=\\[)|\\\\033|\u241b){_CODE}|\u009b[0-?]{{0,40}}+[@-~]|[^\n\x08]\x08)")
_WRITTEN: Final = ("\\033", "\\e[")
"""How ESC is written; JSON's ways are undone before."""


def _has_ansi(text: str) -> bool:
    return (
        "\x1b" in text
        or "\x9b" in text
        or "\x08" in text
        or "\u241b" in text
        or ("\\" in text and any(escape in text for escape in _WRITTEN))
    )


def _ansi(text: str) -> Split:
    only = "\x1b" in text and not (
        "\x9b" in text or "\x08" in text or "\u241b" in text or any(escape in text for escape in _WRITTEN)
    )
    parts = (_REAL if only else _ANSI).split(text)
    return parts, [""] * (len(parts) // 2)


def _percented(escape: str) -> str:
    raw = bytes.fromhex(escape.replace("%", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


_PERCENT: Final = re.compile(r"(%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*+)")
_PERCENTED: Final = _Decoded(_percented, {f"%{n:02X}": chr(n) for n in range(128)})


def _percent(text: str) -> Split:
    parts = _PERCENT.split(text)
    return parts, [_PERCENTED[part] if len(part) == 3 else _percented(part) for part in parts[1::2]]


_ENTITY: Final = re.compile(r"(&(?:#\d{1,7}+|#[xX][0-9a-fA-F]{1,6}+|[a-zA-Z]{2,10}+);)")
_ENTITIES: Final = _Decoded(html.unescape)


def _html(text: str) -> Split:
    parts = _ENTITY.split(text)
    return parts, [*map(_ENTITIES.__getitem__, parts[1::2])]


_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}+(?:\r?\n[A-Za-z0-9+/_-]{8,}+(?![^\s=\"']))*+={0,2}")
_NO_TEXT: Final = frozenset(b"ghijklmnopqrstuv+/-_")
"""What base64 of UTF-8 does not begin with: the first byte would be inside a letter, or none of any."""
_CONTROL: Final = bytes(range(9)) + bytes(range(14, 32)) + b"\x0b\x0c\x7f"
_DECODED_LIMIT: Final = 400_000


def _base64(text: str) -> Split:
    """Runs of base64 that hold text; images, hashes and keys do not decode to text and stay as they are."""
    out: list[Piece] = []
    done = 0
    letters = text.encode("ascii", "replace")
    for start, _ in runs(letters, SLASHED, 24):
        if start < done or letters[start] in _NO_TEXT:
            continue
        head = text[start : start + 24].replace("-", "+").replace("_", "/")
        try:
            probe = binascii.a2b_base64(head)
        except binascii.Error:
            continue
        if len(probe) != len(probe.translate(None, _CONTROL)):
            continue
        if not probe.isascii() and not _utf8_start(probe):
            continue
        match = _BASE64.match(text, start)
        if match is None:
            continue
        done = match.end()
        if head.startswith("eyJ") and text[done : done + 1] == ".":
            continue  # a JWT is found as a whole
        run = match.group().replace("\r", "").replace("\n", "").rstrip("=")
        if len(run) % 4 == 1 or len(run) > _DECODED_LIMIT * 2:
            continue
        try:
            raw = base64.b64decode(run.replace("-", "+").replace("_", "/") + "=" * (-len(run) % 4))
            decoded = raw.decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
        if len(raw) == len(raw.translate(None, _CONTROL)) or sum(c < " " for c in decoded) * 50 < len(decoded):
            out.append((start, match.end(), decoded))
    return _cut(text, out)


def _utf8_start(probe: bytes) -> bool:
    try:
        probe.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(probe) - 3
    return True


_DECODERS: Final[dict[str, tuple[Callable[[str], bool], Callable[[str], Split]]]] = {
    "json": (lambda t: "\\" in t, _json),
    "ansi": (_has_ansi, _ansi),
    "joined": (lambda t: "\n" in t, lambda t: _cut(t, breaks(t))),
    "percent": (lambda t: "%" in t, _percent),
    "html": (lambda t: "&" in t and ";" in t, _html),
    "base64": (lambda t: len(t) >= 24, _base64),
}


def _decode(name: str, view: DecodedView) -> DecodedView | None:
    wanted, decoder = _DECODERS[name]
    if not wanted(view.text):
        return None
    parts, puts = decoder(view.text)
    if not puts:
        return None
    return DecodedView.of_parts(name if view.parent is None else f"{view.name}+{name}", view, parts, puts)


def decode_as(name: str, text: str) -> str:
    """A text as one decoder reads it."""
    if name not in _DECODERS:
        return text
    return DecodedView.of_parts(name, DecodedView("plain", text, None), *_DECODERS[name][1](text)).text


def views_of(text: str) -> list[DecodedView]:
    """Every reading of a text that differs from it, without the text itself.

    The unescaped readings are read in turn for colour codes, breaks, percent, HTML and base64, since a transcript wraps
    one in the other; not every order is tried, only those that logs show.
    """
    if len(text) < 1000 and _MARKS.search(text) is None and not (len(text) >= 24 and _base64(text)[1]):
        return []  # most strings of a log are short and written plainly
    plain = DecodedView("plain", text, None)
    views: list[DecodedView] = []
    bases = [plain]
    for _ in range(2):
        further = _decode("json", bases[-1])
        if further is None:
            break
        if views and bases[-1] is views[-1]:
            views[-1].further = further
        views.append(further)
        # What lies far from a decoded place was read in the base before.
        bases.append(_near(further))
    for base in bases:
        clean = _decode("ansi", base)
        if clean is not None:
            if base is not plain and base in views:
                views.remove(base)  # read without its colour codes instead
            views.append(clean)
        source = clean or base
        for name in ("joined", "percent", "html", "base64"):
            decoded = _decode(name, source)
            if decoded is None:
                continue
            views.append(decoded)
            if name in ("base64", "percent"):
                near = _near(decoded)
                inner = [_decode(again, near) for again in ("json", name)]
                views += [view for view in inner if view is not None]
            elif name == "joined" and (held := _decode("base64", _near(decoded))) is not None:
                views.append(held)
    return views


_MARKS: Final = re.compile("[\\\\\n%&\x1b\x9b\x08\u241b]")


def _near(view: DecodedView) -> DecodedView:
    """The view without what lies far from its decoded places."""
    pieces: list[Piece] = []
    at = kept = 0
    for low, high in view.windows():
        if low - at > 64:
            pieces.append((at, low, _CUT))
        kept += high - low
        at = high
    size = len(view.text)
    if size - at > 64:
        pieces.append((at, size, _CUT))
    if not pieces or kept * 4 > size * 3:
        return view
    return DecodedView(view.name, view.text, view, pieces)


_CUT: Final = "\n\n\0\n\n"
"""Stands for what was cut out; no rule looks across it."""
