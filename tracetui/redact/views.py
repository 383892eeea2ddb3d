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
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from tracetui.redact.entropy import SLASHED, looks_random, runs, wordiness

__all__ = ["View", "decode_as", "views_of"]

_MARGIN: Final = 128
"""Code points of context scanned on both sides of a decoded place."""

Piece = tuple[int, int, str]


class View:
    """A decoded reading of ``parent`` (another view) or of the source text itself (``parent`` None).

    ``pieces`` are ``(start in parent, end in parent, replacement)`` in order; what lies between is copied.
    """

    __slots__ = ("_at", "_from", "_lengths", "joined", "name", "parent", "text")

    def __init__(self, name: str, text: str, parent: View | None, pieces: Iterable[Piece] = ()) -> None:
        self.name, self.parent = name, parent
        self.joined = name.endswith("joined")
        self._at: list[int] = []  # where a piece begins in this view
        self._from: list[tuple[int, int]] = []  # the span of the parent that it stands for
        self._lengths: list[int] = []
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
        i = bisect_right(self._at, start)
        if i < len(self._at) and self._at[i] < end:
            return True
        return i > 0 and self._at[i - 1] + self._lengths[i - 1] > start

    def windows(self) -> Iterator[tuple[int, int]]:
        """Merged spans of this view around its decoded places, cut where no word is cut."""
        size = len(self.text)
        text = self.text
        low = high = -1
        for at, length in zip(self._at, self._lengths):
            start, end = at - _MARGIN, at + length + _MARGIN
            if low >= 0 and start <= high:
                high = end
                continue
            if low >= 0:
                yield _whole(text, max(0, low), min(size, high))
            low, high = start, end
        if high >= 0:
            yield _whole(text, max(0, low), min(size, high))


def _whole(text: str, low: int, high: int) -> tuple[int, int]:
    """A window never begins or ends inside a word (of bounded length): a cut one would look like another."""
    floor, size = max(0, low - 1000), min(len(text), high + 1000)
    while low > floor and (text[low - 1].isalnum() or text[low - 1] in "_-"):
        low -= 1
    while high < size and (text[high].isalnum() or text[high] in "_-"):
        high += 1
    return low, high


_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/", "'": "'"}
_ESCAPE: Final = re.compile(r"\\(?:[ntrbf\"\\/']|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})")


def _json(text: str) -> list[Piece]:
    out: list[Piece] = []
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        code = text[start + 1]
        if code == "u" or code == "x":
            out.append((start, end, chr(int(text[start + 2 : end], 16))))
        else:
            out.append((start, end, _ESCAPES[code]))
    return out


# CSI, OSC up to its terminator, other two-byte escapes; also where the ESC was written as text; overstruck characters.
_ANSI: Final = re.compile(
    "(?:\x1b|\\\\x1b|\\\\u001b|\\\\e(?=\\[)|\\\\033|\u241b)(?:\\[[0-?]{0,40}+[ -/]{0,4}+[@-~]|\\][^\x07\x1b]{0,400}+(?:\x07|\x1b\\\\)|[@-Z\\\\-_])"  # noqa: E501
    "|\u009b[0-?]{0,40}+[@-~]"
)
_OVERSTRUCK: Final = re.compile("[^\n\x08]\x08")


def _ansi(text: str) -> list[Piece]:
    if "\x08" in text:
        found = [
            (match.start(), match.end(), "") for pattern in (_ANSI, _OVERSTRUCK) for match in pattern.finditer(text)
        ]
        found.sort()
        return [piece for nth, piece in enumerate(found) if not nth or piece[0] >= found[nth - 1][1]]
    return [(match.start(), match.end(), "") for match in _ANSI.finditer(text)]


_PREFIX: Final = re.compile(
    r"(?:[ \t]{0,10}+\d{1,7}+(?:→|\t|:[ \t]?|\||[ ]?│|[ ]{2})"  # cat -n, nl, bat, pr
    r"|[\w./@-]{1,160}[:\-]\d{1,7}[:\-]"  # grep -n
    r"|[+\->|#*][ \t]?|//[ \t]|[│┃][ ]?|[ \t]{1,40}+)"  # diff, quote, table, comment, indentation
)
_TOKEN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~%")
_LINE_ENDS: Final = _TOKEN | {"\\", "\r"}
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_.~%-]{1,400}+")


def _breaks(text: str) -> list[Piece]:
    """Line breaks inside what looks like one long token: where a line is as long as its neighbours or ends in a long
    random run, and the next one (behind what numbers or marks its lines) goes on with the token."""
    out: list[Piece] = []
    lines = text.split("\n")
    token = _TOKEN
    ends = _LINE_ENDS
    at = 0
    before = 0
    for nth, line in enumerate(lines[:-1]):
        size = len(line)
        # Most lines end in a mark or with a word; this loop runs once per line of every text.
        if size >= 10 and line[-1] in ends:
            following = lines[nth + 1]
            if following and (size >= len(following) - 1 or " " not in line[-16:]):
                piece = _break(line, following, before, at, token)
                if piece is not None:
                    out.append(piece)
        before = size
        at += size + 1
    return out


def _break(line: str, following: str, before: int, at: int, token: frozenset[str]) -> Piece | None:
    """The break between two lines, ``line`` at ``at``, where one token goes on behind it."""
    size = len(line)
    tail = line.rstrip("\r").removesuffix("\\")
    skip = 0
    if following[0] not in token or following[0] in "+-0123456789":
        mark = _PREFIX.match(following)
        if mark is not None and (following[0] not in token or mark.end() > 1):
            skip = mark.end()
    if not tail or tail[-1] not in token or len(following) <= skip + 1 or following[skip] not in token:
        return None
    full = size >= before - 1 and size >= len(following) - 1
    indented = skip > 0 and following[:skip].isspace()
    left = len(tail)
    floor = max(0, left - 400)
    while left > floor and tail[left - 1] in token:
        left -= 1
    run = tail[left:]
    if not ((full and len(run) >= 2 and not indented) or len(run) >= 16):
        return None
    right = _RUN.match(following, skip)
    if right is None or not _one(run, right.group(), full=full):
        return None
    if len(run) >= 8 and looks_random(run) and _begins(right.group(), following[right.end() : right.end() + 2]):
        return None
    return at + len(tail), at + size + 1 + skip, ""


def _begins(right: str, after: str) -> bool:
    """Whether what stands behind a random string's line break begins something of its own: a name or a word."""
    name, equals, _ = right.partition("=")
    if (
        (equals and not name.endswith("=") and len(right) > len(name) + 1)
        or after[:1] == ":"
        or after.strip()[:1] == "="
    ):
        return not looks_random(name) and name[:1].isalpha()
    bare = right.rstrip(".,")
    if bare.isalpha() and (bare.islower() or bare.istitle() or bare.isupper()):
        if after[:1] in ('"', "'", "`") or (after and len(bare) < 4 and after[0] != " "):
            return False
        return bool(after) if len(bare) < 4 else wordiness(bare)[1] >= 0.7
    return False


def _one(left: str, right: str, *, full: bool) -> bool:
    """Whether two runs at a line break may be one token: not where both are words."""
    if len(right) < 2 and not full:
        return False
    if left.isalpha() and right.isalpha():
        _, common = wordiness(left[-24:] + right[:24])
        return common < 0.62 and len(left) + len(right) >= 12
    if len(left) < 4 and not any(c.isdigit() for c in left + right[:12]):
        return "_" in right or "-" in right
    return True


def _percent(text: str) -> list[Piece]:
    out: list[Piece] = []
    for match in _PERCENT.finditer(text):
        try:
            out.append((match.start(), match.end(), unquote_to_bytes(match.group()).decode()))
        except UnicodeDecodeError:
            continue
    return out


_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})++")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}+|#[xX][0-9a-fA-F]{1,6}+|[a-zA-Z]{2,10}+);")


def _html(text: str) -> list[Piece]:
    out: list[Piece] = []
    for match in _ENTITY.finditer(text):
        decoded = html.unescape(match.group())
        if decoded != match.group():
            out.append((match.start(), match.end(), decoded))
    return out


_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}+(?:\r?\n[A-Za-z0-9+/_-]{8,}+(?![^\s=\"']))*+={0,2}")
_CONTROL: Final = bytes(range(9)) + bytes(range(14, 32)) + b"\x0b\x0c\x7f"
_DECODED_LIMIT: Final = 400_000


def _base64(text: str) -> list[Piece]:
    """Runs of base64 that hold text; images, hashes and keys do not decode to text and stay as they are."""
    out: list[Piece] = []
    done = 0
    for start, _ in runs(text.encode("ascii", "replace"), SLASHED, 24):
        if start < done:
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
    return out


def _utf8_start(probe: bytes) -> bool:
    try:
        probe.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(probe) - 3
    return True


_DECODERS: Final[dict[str, tuple[Callable[[str], bool], Callable[[str], list[Piece]]]]] = {
    "json": (lambda t: "\\" in t, _json),
    "ansi": (lambda t: "\x1b" in t or "\x9b" in t or "\x08" in t or "\u241b" in t or "\\x1b" in t or "\\u001b" in t
             or "\\033" in t or "\\e[" in t, _ansi),
    "joined": (lambda t: "\n" in t, _breaks),
    "percent": (lambda t: "%" in t, _percent),
    "html": (lambda t: "&" in t and ";" in t, _html),
    "base64": (lambda t: len(t) >= 24, _base64),
}  # fmt: skip


def _decode(name: str, view: View) -> View | None:
    wanted, decoder = _DECODERS[name]
    if not wanted(view.text):
        return None
    pieces = decoder(view.text)
    if not pieces:
        return None
    label = name if view.parent is None else f"{view.name}+{name}"
    return View(label, view.text, view, pieces)


def decode_as(name: str, text: str) -> str:
    """A text as one decoder reads it."""
    if name not in _DECODERS:
        return text
    return View(name, text, View("plain", text, None), _DECODERS[name][1](text)).text


def views_of(text: str) -> list[View]:
    """Every reading of a text that differs from it, without the text itself.

    The unescaped readings are read in turn for colour codes, breaks, percent, HTML and base64, since a transcript wraps
    one in the other; not every order is tried, only those that logs show.
    """
    plain = View("plain", text, None)
    views: list[View] = []
    bases = [plain]
    for _ in range(2):
        further = _decode("json", bases[-1])
        if further is None:
            break
        views.append(further)
        # What lies far from a decoded place was read in the base before.
        bases.append(_near(further))
    for base in bases:
        clean = _decode("ansi", base)
        if clean is not None:
            views.append(clean)
        source = clean or base
        for name in ("joined", "percent", "html", "base64"):
            decoded = _decode(name, source)
            if decoded is None:
                continue
            views.append(decoded)
            if name in ("base64", "percent"):
                inner = _decode("json", decoded)
                if inner is not None:
                    views.append(inner)
                if name == "percent" and (twice := _decode("percent", decoded)) is not None:
                    views.append(twice)
            elif name == "joined" and (held := _decode("base64", _near(decoded))) is not None:
                views.append(held)
    return views


def _near(view: View) -> View:
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
    return View(view.name, view.text, view, pieces)


_CUT: Final = "\n\n\0\n\n"
"""Stands for what was cut out; no rule looks across it."""
