"""Every form in which a value can stand in a log, and finding all of them.

A value is looked for as it is, in other case, as the name of a project's folder, and encoded (base64 at its three
alignments, twice, of UTF-16; hex, base32); all of that in the text and in every reading of it (``readings``):
unescaped, decoded, without colour codes, line breaks and marks. Cut short it counts from eight characters of its
secret core on (``cores``). Personal data and values under twelve characters count only whole, at word boundaries.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from tracetui.redact.secret_core import PERSONAL_KINDS, PIECE, core_of, lead_of, lines_of, telling
from tracetui.redact.value_decoders import mapped, readings

__all__ = [
    "EXCLUDED_TEXT",
    "PERSONAL_KINDS",
    "ValueMatch",
    "ValueMatcher",
    "core_of",
    "forms_of",
    "lines_of",
    "plain_value",
]

EXCLUDED_TEXT: Final = "excluded-text"
"""Kind of a text that is looked for whole, wherever it stands: what an excluded step held."""
_WHOLE_BELOW: Final = 12
_SHINGLE: Final = 24
_LONG: Final = 36
"""Code points of an excluded text that count by themselves."""
_SHINGLED: Final = 400_000
_SHORT: Final = 24
"""Code points; in fewer letters and digits nothing but the text itself can stand."""


class ValueMatch(NamedTuple):
    """A place where a value stands: span, number of the value, and the form it has there."""

    start: int
    end: int
    value: int
    form: str


def _base64(data: bytes) -> Iterator[tuple[str, int]]:
    """What stands in base64 of any text that holds ``data``, with how many bytes of other text may share its edges: at
    each of three alignments the characters that are of the data alone."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        first = (0, 2, 3)[shift]
        last = len(encoded.rstrip("=")) - (1 if (len(data) + shift) % 3 else 0)
        text = encoded[first:last]
        yield text, shift
        if "+" in text or "/" in text:
            yield text.replace("+", "-").replace("/", "_"), shift


def forms_of(value: str, *, personal: bool = False) -> dict[str, str]:
    """Forms of a value that no reading of a text brings to light, each with its name."""
    out: dict[str, str] = {}

    def put(text: str, name: str) -> None:
        if text != value and len(text) >= 4:
            out.setdefault(text, name)

    data = value.encode("utf-8", "surrogatepass")
    escaped = json.dumps(value)[1:-1].encode()
    if len(value) >= 8 and not personal:
        put(value.lower(), "case")
        put(value.upper(), "case")
    slug = re.sub(r"[^A-Za-z0-9]", "-", value)
    if sum(c.isalnum() for c in slug) >= (4 if personal else 6):
        put(slug, "folder")
        put(re.sub(r"[/\\:]", "-", value), "folder")
    put(data.hex(), "hex")
    put(data.hex().upper(), "hex")
    wide = value.encode("utf-16-le", "surrogatepass")
    if len(data) >= 6:
        for source in {data, escaped, wide, wide[1:-1]}:
            for text, _ in _base64(source):
                if len(text) >= PIECE:
                    put(text, "base64")
                    for again, _ in _base64(text.encode()):
                        if len(again) >= 12:
                            put(again, "base64")
    if len(data) >= 8:
        for shift in range(5):
            # A character of base32 holds five bits; those of the data alone lie between the edges.
            encoded = base64.b32encode(b"\0" * shift + data).decode().rstrip("=")
            first = -(-shift * 8 // 5)
            last = (shift + len(data)) * 8 // 5
            put(encoded[first:last], "base32")
    return out


_GLUE: Final = re.compile(
    "\x1b\\[[0-?]*+[ -/]*+[@-~]|\x1b\\][^\x07\x1b]{0,400}+(?:\x07|\x1b\\\\)|\x1b[@-Z\\\\-_]|\u009b[0-?]*+[@-~]"
    "|\\\\(?:x1b|u001b|033|e)\\[[0-9;]{0,20}+[a-zA-Z]"
    r"|\\?\r?\n(?:[ \t]{0,10}+\d{1,7}+(?:→|\t|:[ \t]?|\||[ ]?│|[ ]{2})|[\w./@-]{1,160}+[:\-]\d{1,7}[:\-]|[ \t]{0,40}+[>|#*│]++[ \t]?|[+-](?![+-])[ \t]?|[ \t]{1,60}+)?"  # noqa: E501
    r"|\\r?\\?n"
)


def plain_value(raw: str, view: str) -> str:
    """The value behind a found text, as the view in which it was found reads it: without colour codes, breaks, escapes.

    Base64 stays as it is: a run of it holds more than the value.
    """
    if view == "plain":
        return raw
    from tracetui.redact.text_decoders import decode_as

    text = raw
    for name in view.split("+"):
        if name == "base64":
            return raw
        text = _GLUE.sub("", text) if name in ("ansi", "joined", "split") else decode_as(name, text)
    return text or raw


def _first(needles: Iterable[str], low: Iterable[str]) -> Any:
    """A pattern that says many times faster than the automaton that none of the needles, and none of ``low`` in any
    case, is in a text (as bytes)."""
    import re2

    heads = {re2.escape(needle.encode("utf-8", "surrogatepass")[:6]) for needle in needles}
    loose = [b"(?i:" + re2.escape(value.encode("utf-8", "surrogatepass")) + b")" for value in low]
    if not heads or sum(map(len, heads)) > _FIRST_LIMIT:
        return None
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = 256 << 20
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(b"|".join([*heads, *loose]), options)
    except re2.error:
        return None


_FIRST_LIMIT: Final = 3_000_000
_CUT_AFTER: Final = re.compile(r"\s?(?:\.{2,}|…|\*{2,}|\[\.|<|\\u2026|x{3,}|•{2,})")
_CUT_BEFORE: Final = re.compile(r"(?:\.{2,}|…|\*{2,}|\]|>|\\u2026|x{3,}|•{2,})\s?$")
_GOES_ON: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-%")


class ValueMatcher:
    """Looks for many values at once. ``values`` are (text, kind); hits name them by their place in the list."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        import ahocorasick

        self.values = [*values]
        self._whole: list[bool] = []
        self._personal: list[bool] = []
        needles: dict[str, list[tuple[int, str, int]]] = {}
        self._cores: list[str] = []
        self._leads: list[str] = []

        def put(text: str, number: int, form: str, at: int = 0) -> None:
            held = needles.setdefault(text, [])
            if not any(item[0] == number and item[1] == form for item in held):
                held.append((number, form, at))

        for number, (value, kind) in enumerate(self.values):
            self._add(number, value, kind, put)
        # Names and addresses mean the same in any case.
        low: dict[str, list[int]] = {}
        for number, (value, _) in enumerate(self.values):
            if self._personal[number] and len(value) >= 4 and len(value.lower()) == len(value):
                low.setdefault(value.lower(), []).append(number)
        self._low = low
        self._automaton: Any = ahocorasick.Automaton()
        for text, what in needles.items():
            self._automaton.add_word(text, (len(text), tuple(what)))
        self._any = bool(needles)
        if self._any:
            self._automaton.make_automaton()
        self._first = _first(needles, low)
        self._reach = min(max(map(len, needles), default=0), 4000) + 16

    def _add(self, number: int, value: str, kind: str, put: Any) -> None:
        """Put in what tells of one value."""
        personal = kind in PERSONAL_KINDS
        whole = personal or len(value) < _WHOLE_BELOW or kind == EXCLUDED_TEXT
        core = value if kind == EXCLUDED_TEXT else "" if whole else core_of(value)
        self._whole.append(whole)
        self._personal.append(personal)
        self._cores.append(core)
        self._leads.append(lead_of(value, core))
        if kind == EXCLUDED_TEXT:
            if value:
                put(value, number, "plain")
            for at in range(0, min(len(core), _SHINGLED) - _SHINGLE + 1, _SHINGLE):
                if len(core) >= 2 * _SHINGLE and len(set(core[at : at + _SHINGLE])) >= 8:
                    put(core[at : at + _SHINGLE], number, "shingle", at)
            return
        parts = [value]
        if "\n" in value or "\\n" in value:
            # Without its breaks too, as readings that join lines see it.
            parts += [*lines_of(value), "".join(line.strip() for line in value.splitlines())]
        for part in filter(None, parts):
            put(part, number, "plain")
            for text, form in forms_of(part, personal=personal).items():
                put(text, number, form)
        if value:
            self._pieces(number, core, put)

    def _pieces(self, number: int, core: str, put: Any) -> None:
        """Pieces of eight characters of a core, plain and in base64 and hex."""
        last = len(core) - PIECE
        # Long cores (keys over many lines) are cut short by more than a few characters.
        stride = 1 if last < 600 else 4
        for at in range(last + 1):
            piece = core[at : at + PIECE]
            edge = at in (0, last)
            tells = telling(piece, edge=edge)
            if tells:
                put(piece, number, "part", at)
            elif edge:
                put(piece, number, "edge", at)
            if tells and at % stride == 0:
                data = piece.encode("utf-8", "surrogatepass")
                for text, _ in _base64(data):
                    if len(text) >= 9:
                        put(text, number, "base64")
                put(data.hex(), number, "hex")
                put(data.hex().upper(), number, "hex")

    def hits(self, text: str) -> list[ValueMatch]:
        """All places of all values in a text, also overlapping ones, in order."""
        if not self._any or len(text) < 2:
            return []
        if self._first is not None and len(text) < _SHORT and text.isalnum() and text.isascii():
            return sorted({*self._raw(text)}) if self._found(text, text.encode()) else []
        found = self._found(text, text.encode("utf-8", "surrogatepass"))
        out = [*self._raw(text)] if found else []
        for chain, reading, raw in readings(text, self._reach):
            if not self._found(reading, raw):
                continue
            view = mapped(text, chain)
            name = chain[-1].decoder.name
            for hit in self._raw(view.text):
                if view.crosses(hit.start, hit.end):
                    start, end = view.origin(hit.start, hit.end)
                    out.append(ValueMatch(start, end, hit.value, hit.form if hit.form == "part" else name))
        return sorted(set(out))

    def _found(self, text: str, raw: bytes) -> bool:
        """Whether one of the needles is in a text, given as bytes too."""
        if self._first is not None:
            return self._first.search(raw) is not None
        return bool(self._low) or next(self._automaton.iter(text), None) is not None

    def _raw(self, text: str) -> Iterator[ValueMatch]:
        if self._low:
            yield from self._in_any_case(text)
        for last, (length, what) in self._automaton.iter(text):
            start, end = last + 1 - length, last + 1
            for number, form, at in what:
                if form == "part" or form == "shingle":
                    a, b = self._grown(text, number, start, end, at)
                    if b - a >= (_LONG if form == "shingle" else PIECE):
                        yield ValueMatch(a, b, number, "part")
                elif form == "edge":
                    a, b = self._grown(text, number, start, end, at)
                    if self._cut(text, number, a, b, at):
                        yield ValueMatch(a, b, number, "part")
                elif (
                    not self._whole[number]
                    or form not in ("plain", "case", "folder")
                    or self._bounded(text, start, end, number)
                ):
                    yield ValueMatch(start, end, number, form)

    def _in_any_case(self, text: str) -> Iterator[ValueMatch]:
        small = text.lower()
        if len(small) != len(text):
            small = "".join(low if len(low := c.lower()) == 1 else c for c in text)
        for value, numbers in self._low.items():
            at = small.find(value)
            while at >= 0:
                end = at + len(value)
                for number in numbers:
                    if self._bounded(text, at, end, number):
                        yield ValueMatch(at, end, number, "plain" if text[at:end] == self.values[number][0] else "case")
                at = small.find(value, at + 1)

    def _grown(self, text: str, number: int, start: int, end: int, at: int) -> tuple[int, int]:
        """The longest piece of the core around a piece of it, found at ``start`` (``at`` in the core)."""
        core = self._cores[number]
        a, i = start, at
        while a > 0 and i > 0 and text[a - 1] == core[i - 1]:
            a, i = a - 1, i - 1
        b, j = end, at + end - start
        while b < len(text) and j < len(core) and text[b] == core[j]:
            b, j = b + 1, j + 1
        lead = self._leads[number]
        if i == 0 and lead and a >= len(lead) and text.startswith(lead, a - len(lead)):
            a -= len(lead)
        return a, b

    def _cut(self, text: str, number: int, start: int, end: int, at: int) -> bool:
        """Whether a piece that could be any word stands where something was cut off: it begins the core behind what
        stands before it there, or a mark says that it goes on."""
        if at:
            return _CUT_BEFORE.search(text, max(0, start - 8), start) is not None
        if _CUT_AFTER.match(text, end) is not None:
            return start == 0 or text[start - 1] not in _GOES_ON or not text[start - 1].isalnum()
        goes_on = end < len(text) and text[end] in _GOES_ON
        lead = self._leads[number]
        return bool(lead) and text.startswith(lead, start) and not goes_on

    def _bounded(self, text: str, start: int, end: int, number: int) -> bool:
        kind = self.values[number][1]
        if kind == EXCLUDED_TEXT:
            return True
        # An escape's letter is no letter of a word: \nsecret.
        escape = start > 1 and text[start - 1] in "nrtbf" and text[start - 2] == "\\"
        if start and not escape and _joined(text[start - 1], text[start], end - start):
            return False
        return not (end < len(text) and _joined(text[end - 1], text[end], end - start))


def _joined(left: str, right: str, size: int) -> bool:
    """Whether two neighbours are of one word. An underscore parts names, and so does a hump (``zorblaxProject``) where
    the name is long enough not to be a common word."""
    if not (_letter(left) and _letter(right)):
        return False
    return not (size >= 5 and left.islower() and right.isupper())


def _letter(c: str) -> bool:
    return c.isalnum() if c.isascii() else c.lower() != c.upper()
