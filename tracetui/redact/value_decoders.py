"""Readings of a text in which a *given* value may stand: decoded again and again, whatever was wrapped in what.

Views (``views``) look for secrets nobody knows yet and must not see any where there are none; here the value is known,
so that every decoder may be tried everywhere. Each is one pattern with a replacement: the plain substitution tells
whether the value comes to light at all, and only then the places are mapped back to the source text.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tracetui.redact.text_decoders import DecodedView

__all__ = ["BREAK", "Decoder", "mapped", "readings"]

Match = re.Match[str]
Piece = tuple[int, int, str]
_READINGS: Final = 48
"""At most so many readings of one text, and so many code points in all for each of the text's own."""
_GROWTH: Final = 12
_DEPTH: Final = 5


class Decoder(NamedTuple):
    """``wanted`` (RE2) is in every text that holds the pattern; ``put`` is what a match stands for, or ``find`` finds
    the pieces by itself."""

    name: str
    wanted: str
    pattern: re.Pattern[str]
    put: Callable[[Match], str] | str
    find: Callable[[str], list[Piece]] | None = None

    def pieces(self, text: str) -> list[Piece]:
        """(start, end, what it stands for) of every match."""
        if self.find is not None:
            return self.find(text)
        put = self.put
        if isinstance(put, str):
            return [(match.start(), match.end(), put) for match in self.pattern.finditer(text)]
        return [(match.start(), match.end(), put(match)) for match in self.pattern.finditer(text)]


class DecoderStep(NamedTuple):
    """One decoder's part in a reading; ``pieces`` None where they are found again when they are needed."""

    decoder: Decoder
    pieces: list[Piece] | None


_NAMED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "a": "\a", "v": "\v", "e": "\x1b"}
_ESCAPE: Final = re.compile(
    r"'\\''|'\"'\"'|\\(?:[^A-Za-z0-9\s]|[ntrbfave]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-7][0-9a-fA-F]|x[89a-fA-F][0-9a-fA-F](?:\\x[89a-fA-F][0-9a-fA-F])*"
    r"|[01][0-7]{2}|[23][0-7]{2}(?:\\[23][0-7]{2})*|0|\r?\n)"
)


def _unescape(match: Match) -> str:
    text = match[0]
    if text[0] == "'":
        return "'"
    code = text[1]
    named = _NAMED.get(code)
    if named is not None and len(text) == 2:
        return named
    try:
        if code == "u":
            if text[2] == "{":
                return chr(int(text[3:-1], 16))
            if len(text) == 12:
                return chr(0x10000 + ((int(text[2:6], 16) & 1023) << 10) + (int(text[8:], 16) & 1023))
        if code in "uU":
            digits = text[2:]
            return chr(int(digits, 16))
        if code == "x":
            return _bytes(bytes.fromhex(text.replace("\\x", "")))
        if code in "0123" and len(text) > 3:
            return _bytes(bytes(int(part, 8) for part in text.split("\\")[1:]))
    except ValueError:
        return text
    return "" if code in "\r\n" else text[1:]


def _bytes(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _percent(match: Match) -> str:
    return _bytes(bytes.fromhex(match[0].replace("%", "")))


def _printable(match: Match) -> str:
    return "" if match[0][1] in "\r\n" else _bytes(bytes.fromhex(match[0].replace("=", "")))


_BYTE: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{2})(?:(?:, ?|[: -])(?=(?:0[xX])?[0-9a-fA-F]{2}(?![0-9A-Za-z])))?")


_DIGITS: Final = re.compile("([0-9a-fA-F]{2})[ ]*")


def _spaced(text: str) -> list[Piece]:
    """Bytes written as pairs of digits with something between."""
    return [
        (byte.start(), byte.end(), chr(int(byte[1], 16)))
        for run in _PAIRS.finditer(text)
        for byte in _BYTE.finditer(text, *run.span())
    ]


def _columns(text: str) -> list[Piece]:
    """The bytes of a dump, without what stands beside them."""
    out: list[Piece] = []
    for row in _DUMP.finditer(text):
        start, end = row.span("hex")
        out.append((row.start(), start, ""))
        out += [(byte.start(), byte.end(), chr(int(byte[1], 16))) for byte in _DIGITS.finditer(text, start, end)]
        out.append((end, row.end(), ""))
    return out


_TEXT: Final = bytes([9, 10, 13, 27, *range(32, 127)])
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){12,}|(?:[0-9A-F]{2}){12,}")


def _is_text(data: bytes) -> bool:
    """Whether bytes are text, also as UTF-16: few of them are none."""
    head = data.replace(b"\0", b"")
    return len(head) >= 8 and 5 * len(head.translate(None, _TEXT)) <= len(head)


def _base64(text: str) -> list[Piece]:
    """Runs of base64 that hold text, wherever it begins: three bytes for four characters, so that little is lost."""
    out: list[Piece] = []
    for run in _RUN.finditer(text):
        clean = run[0].replace("-", "+").replace("_", "/")
        for shift in range(4):
            head = clean[shift : shift + 40]
            head = head[: len(head) // 4 * 4]
            if len(head) < 16 or not _is_text(binascii.a2b_base64(head[-16:])):
                continue
            size = (len(clean) - shift) // 4 * 4
            data = binascii.a2b_base64(clean[shift : shift + size] if size else "")
            if not _is_text(data):
                continue
            start = run.start() + shift
            rest = clean[shift + size :]
            if len(rest) > 1:
                data += binascii.a2b_base64(rest + "=" * (4 - len(rest)))
            read = data.decode("latin-1").replace("\0", "")
            if "\0" in data.decode("latin-1"):
                out.append((start, run.end(), read))
            else:
                out += [
                    (start + at // 3 * 4, min(start + at // 3 * 4 + 4, run.end()), read[at : at + 3])
                    for at in range(0, len(read), 3)
                ]
            break
    return out


def _hexed(text: str) -> list[Piece]:
    """Runs of hex digits that hold text."""
    out: list[Piece] = []
    for run in _HEX.finditer(text):
        data = bytes.fromhex(run[0])
        if not _is_text(data):
            continue
        if b"\0" in data:
            out.append((run.start(), run.end(), data.decode("latin-1").replace("\0", "")))
        else:
            out += [(run.start() + 2 * n, run.start() + 2 * n + 2, chr(byte)) for n, byte in enumerate(data)]
    return out


# What separates lines: where they are numbered, marked, quoted or indented, the marks too.
_MARK: Final = (
    r"(?:[ \t]{0,10}\d{1,7}(?:→|\t|:[ \t]?|[ ]?[|│][ ]?|[ ]{2})|[\w./@-]{1,160}?:\d{1,7}:|[\w./@-]{1,160}?-\d{1,7}-"
    r"|[ \t]{0,40}[>|#*│┃]+[ \t]?|[+-][ \t]*|[ \t]{1,60})?"
)
_COLOUR: Final = (
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]{0,400}(?:\x07|\x1b\\\\)|\x1b[@-Z\\\\^-_]|\u009b[0-?]*[@-~]"
    "|[^\n\x08]\x08"
)
_HIDDEN: Final = "[\0\u00ad\u200b-\u200d\u2060\ufeff]"
BREAK: Final = re.compile(rf"(?:\r?\n|\\{{1,8}}r\\{{1,8}}n|\\{{1,8}}n)(?P<mark>{_MARK})")
"""A line break, also one that is written out, with what numbers or marks the next line."""
_ROW: Final = r"(?:^|\n)[0-9a-fA-F]{6,8}:?[ ]{1,2}(?P<hex>(?:[0-9a-fA-F]{2,4}[ ]{1,2}){1,16})[ ]{0,40}\|?"
_DUMP: Final = re.compile(_ROW + r"[^\n|]{1,16}\|?(?=\n|$)")
_BESIDE: Final = re.compile(r"\|?" + _ROW)
_ROWS: Final = "(?:^|\n)[0-9a-fA-F]{6,8}:?[ ]{1,2}[0-9a-fA-F]{2,4}[ ]"
_PAIRED: Final = "(?:(?:0[xX])?[0-9a-fA-F]{2}(?:, ?|[: -])){7}"
_PAIRS: Final = re.compile(r"(?:(?:0[xX])?[0-9a-fA-F]{2}(?:, ?|[: -])){7,4000}(?:0[xX])?[0-9a-fA-F]{2}(?![0-9A-Za-z])")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31});")


_BETWEEN: Final = (
    r"[ \t]{0,4}(?:[+.][ \t]{0,4}|\\?\r?\n[ \t]{0,80}|[+.][ \t]{0,4}\r?\n[ \t]{0,80}"
    r"|\r?\n[ \t]{0,80}[+.][ \t]{0,4})[rbfu]?"
)
_STRINGS: Final = f"\"{_BETWEEN}\"|'{_BETWEEN}'"
_COLUMNS: Final = Decoder("columns", _ROWS, _DUMP, "", _columns)
_BREAKS: Final = Decoder("breaks", r"\n", re.compile(r"[\r\n]+"), "")
_DECODERS: Final = (
    Decoder("escaped", r"""\\|'"'"'""", _ESCAPE, _unescape),
    Decoder(
        "percent", "%[0-9a-fA-F]{2}", re.compile("%[0-7][0-9a-fA-F]|(?:%[89a-fA-F][0-9a-fA-F])+"), _percent
    ),
    Decoder(
        "html", "&(?:#[0-9]|#[xX][0-9a-fA-F]|[a-zA-Z]{2,31};)", _ENTITY, lambda match: html.unescape(match[0])
    ),
    Decoder(
        "printable", r"=3D|[^=\s;,(]=\r?\n[^\s]", re.compile(r"=[0-7][0-9A-F]|(?:=[89A-F][0-9A-F])+|=\r?\n"), _printable
    ),
    Decoder(
        "clean", r"[\x00\x08\x1b\x{9b}\x{ad}\x{200b}-\x{200d}\x{2060}\x{feff}]", re.compile(f"{_COLOUR}|{_HIDDEN}"), ""
    ),
    Decoder("base64", "[A-Za-z0-9+/_-]{24}", _RUN, "", _base64),
    Decoder("hex", "[0-9a-f]{24}|[0-9A-F]{24}", _HEX, "", _hexed),
    Decoder("pairs", _PAIRED, _PAIRS, "", _spaced),
    Decoder("dump", _ROWS, _BESIDE, ""),
    _COLUMNS,
)  # fmt: skip
"""These may follow each other in any order."""
_JOINS: Final = (
    Decoder("lines", r"\n", re.compile(rf"\r?\n{_MARK}"), ""),
    _BREAKS,
    Decoder("box", "[│┃]", re.compile(r"[ \t]{0,80}[│┃][ \t]{0,80}\r?\n[ \t]{0,80}[│┃][ \t]?"), ""),
    Decoder("strings", _STRINGS, re.compile(_STRINGS), ""),
)
"""These come last: they put together what was broken apart."""
_EVERY: Final = (*_DECODERS, *_JOINS)


@lru_cache(1)
def _wanted() -> Any:
    """All that tells of a decoder, as one set of patterns: one pass says which of them may be of use."""
    import re2

    out = re2.Set.SearchSet()
    for decoder in _EVERY:
        out.Add(decoder.wanted.encode())
    out.Compile()
    return out


def readings(text: str, reach: int = 4000) -> Iterator[tuple[tuple[DecoderStep, ...], str, bytes]]:
    """Every reading of a text that differs from it: how it came about, what it says, and that in bytes. Bounded in
    number and size. ``reach``: the longest thing that is looked for; what lies farther from any decoded place is left
    out, since it was read before."""
    seen = {text}
    level: list[tuple[tuple[DecoderStep, ...], str, bytes]] = [((), text, text.encode("utf-8", "surrogatepass"))]
    left = len(text) * _GROWTH + 400_000
    for _ in range(_DEPTH):
        further: list[tuple[tuple[DecoderStep, ...], str, bytes]] = []
        for chain, source, raw in level:
            for number in sorted(_wanted().Match(raw) or ()):
                decoder = _EVERY[number]
                joins = number >= len(_DECODERS)
                pieces = None
                if decoder is _BREAKS:
                    out = source.replace("\r", "").replace("\n", "")
                elif joins and isinstance(decoder.put, str):
                    out = decoder.pattern.sub(decoder.put, source)
                else:
                    pieces = _near(decoder.pieces(source), len(source), reach)
                    if not pieces:
                        continue
                    out = _put(source, pieces)
                # Both columns of a dump say the same, in two places.
                if len(out) < 4 or (out in seen and decoder is not _COLUMNS):
                    continue
                seen.add(out)
                left -= len(source)
                data = out.encode("utf-8", "surrogatepass")
                path = (*chain, DecoderStep(decoder, pieces))
                yield path, out, data
                if len(seen) > _READINGS or left < 0:
                    return
                if not joins:
                    further.append((path, out, data))
        level = further


_CUT: Final = "\n\0\n"


def _near(pieces: list[Piece], size: int, reach: int) -> list[Piece]:
    """The pieces, and between them what is left out because it lies farther than ``reach`` from all of them."""
    if not pieces or size <= 4 * reach:
        return pieces
    out: list[Piece] = []
    at = 0
    for piece in pieces:
        if piece[0] - reach > at + reach:
            out.append((at + (reach if at else 0), piece[0] - reach, _CUT))
        out.append(piece)
        at = piece[1]
    if size - reach > at + reach:
        out.append((at + reach, size, _CUT))
    return out


def _put(text: str, pieces: list[Piece]) -> str:
    parts: list[str] = []
    last = 0
    for start, end, put in pieces:
        parts.append(text[last:start])
        parts.append(put)
        last = end
    parts.append(text[last:])
    return "".join(parts)


def mapped(text: str, chain: tuple[DecoderStep, ...]) -> DecodedView:
    """The reading that came about in this way, with every place mapped back to the text."""
    view = DecodedView("plain", text, None)
    for decoder, pieces in chain:
        view = DecodedView(decoder.name, view.text, view, decoder.pieces(view.text) if pieces is None else pieces)
    return view
