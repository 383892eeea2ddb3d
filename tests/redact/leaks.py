"""Ways in which a secret is written, and a decoder of its own that tells whether one can still be read.

Nothing here knows how the program looks for values: it is what somebody would try who has the result and a guess.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

__all__ = ["CUTS", "WRAPS", "left", "readings"]


def _b64(data: bytes, *, url: bool = False, bare: bool = False) -> str:
    out = (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode()
    return out.rstrip("=") if bare else out


def _fold(text: str, width: int, glue: str) -> str:
    return glue.join(text[at : at + width] for at in range(0, len(text), width))


def _numbered(text: str, width: int, form: str) -> str:
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join(form.format(n, line) for n, line in enumerate(lines, 9))


def _uni(text: str, upper: bool = False) -> str:
    units = text.encode("utf-16-be")
    return "".join("\\u" + f"{units[n] << 8 | units[n + 1]:04{'X' if upper else 'x'}}" for n in range(0, len(units), 2))


def _every(text: str, nth: int, change: Callable[[str], str]) -> str:
    return "".join(change(c) if n % nth == 0 else c for n, c in enumerate(text))


def _dump(data: bytes) -> str:
    """As ``xxd`` prints."""
    out = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        pairs = " ".join(row[n : n + 2].hex() for n in range(0, len(row), 2))
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        out.append(f"{at:08x}: {pairs:<39}  {shown}")
    return "\n" + "\n".join(out) + "\n"


WRAPS: dict[str, Callable[[str], str]] = {
    "raw": lambda s: f"x {s} y",
    "json once": lambda s: json.dumps({"a": [s]}),
    "json once, as it is": lambda s: json.dumps({"a": [s]}, ensure_ascii=False),
    "json twice": lambda s: json.dumps(json.dumps({"a": s})),
    "json three times": lambda s: json.dumps(json.dumps(json.dumps([s]))),
    "json, slashes escaped": lambda s: json.dumps({"a": s}).replace("/", "\\/"),
    "json for html": lambda s: json.dumps(s).replace("<", "\\u003c").replace("&", "\\u0026").replace("'", "\\u0027"),
    "unicode escapes": _uni,
    "unicode escapes, upper": lambda s: _uni(s, True),
    "unicode escapes, some": lambda s: _every(s, 4, _uni),
    "unicode escapes, twice": lambda s: json.dumps(_uni(s)),
    "python repr": lambda s: repr({"k": s}),
    "bytes escapes": lambda s: "".join(f"\\x{b:02x}" for b in s.encode()),
    "octal escapes": lambda s: "".join(f"\\{b:03o}" for b in s.encode()),
    "percent": lambda s: "https://h/?q=" + quote(s, safe="") + "&r=1",
    "percent, lower": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "percent, all": lambda s: "".join(f"%{b:02X}" for b in s.encode()),
    "percent, all lower": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "percent, some": lambda s: "".join(f"%{b:02x}" if n % 3 else quote(bytes([b])) for n, b in enumerate(s.encode())),
    "percent, twice": lambda s: quote(quote(s, safe=""), safe=""),
    "percent, twice all": lambda s: quote("".join(f"%{b:02X}" for b in s.encode())),
    "form": lambda s: "a=" + quote(s, safe="").replace("%20", "+"),
    "base64": lambda s: _b64(s.encode()),
    "base64 at 1": lambda s: _b64(b"x" + s.encode() + b":yz"),
    "base64 at 2": lambda s: _b64(b"xy" + s.encode() + b"z"),
    "base64, url": lambda s: _b64(b"?>" + s.encode() + b"?>~", url=True, bare=True),
    "base64, bare": lambda s: _b64(b"user:" + s.encode(), bare=True),
    "base64 at 76": lambda s: _fold(_b64(b"A" * 40 + s.encode() + b"B" * 40), 76, "\n"),
    "base64 at 64, crlf": lambda s: _fold(_b64(b"A" * 29 + s.encode() + b"B" * 40), 64, "\r\n"),
    "base64 at 76 in json": lambda s: json.dumps({"d": _fold(_b64(b"A" * 44 + s.encode() + b"B" * 40), 76, "\n")}),
    "base64 at 76, percent": lambda s: quote(_b64(b"A" * 44 + s.encode() + b"B" * 40), safe=""),
    "base64 of json": lambda s: _b64(json.dumps({"k": s}).encode()),
    "base64 in binary": lambda s: _b64(bytes(range(128, 255)) + s.encode() + bytes(range(50))),
    "base64 twice": lambda s: _b64(_b64(b"u:" + s.encode()).encode()),
    "base64 of utf-16": lambda s: _b64(s.encode("utf-16-le")),
    "base64 cut short": lambda s: _b64(b"user:" + s.encode())[:-6] + "…",
    "hex": lambda s: s.encode().hex(),
    "hex, upper": lambda s: s.encode().hex().upper(),
    "hex with colons": lambda s: s.encode().hex(":"),
    "hex with spaces": lambda s: s.encode().hex(" "),
    "hex in words": lambda s: "0x" + s.encode().hex(),
    "hex list": lambda s: "[" + ", ".join(f"0x{b:02x}" for b in s.encode()) + "]",
    "xxd": lambda s: _dump(s.encode()),
    "html": lambda s: f"<b>{html.escape(s)}</b>",
    "html, decimal": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "html, decimal, some": lambda s: "".join(c if n % 3 and c != "&" else f"&#{ord(c)};" for n, c in enumerate(s)),
    "html, hex": lambda s: "".join(f"&#x{ord(c):X};" for c in s),
    "html, named": lambda s: html.escape(s).translate({43: "&plus;", 47: "&sol;", 95: "&lowbar;", 61: "&equals;"}),
    "html in json": lambda s: json.dumps({"h": "".join(f"&#{ord(c):03d};" for c in s)}),
    "shell": lambda s: "export A='" + s.replace("'", "'\\''") + "'",
    "shell, double": lambda s: 'A="' + re.sub(r'(["$`\\])', r"\\\1", s) + '"',
    "shell, backslashes": lambda s: re.sub(r"([^\w@%+=:,./-])", r"\\\1", s),
    "shell in json": lambda s: json.dumps({"cmd": "A='" + s.replace("'", "'\\''") + "'"}),
    "markdown": lambda s: re.sub(r"([_*\-+.!#~`])", r"\\\1", s),
    "wrapped": lambda s: _fold(s, 9, "\n"),
    "wrapped crlf": lambda s: _fold(s, 13, "\r\n"),
    "wrapped, indented": lambda s: _fold(s, 11, "\n    "),
    "wrapped, continued": lambda s: _fold(s, 11, "\\\n"),
    "wrapped, concatenated": lambda s: '"' + _fold(s, 11, '" +\n    "') + '"',
    "wrapped, adjacent": lambda s: '("' + _fold(s, 11, '"\n "') + '")',
    "wrapped in json": lambda s: json.dumps({"o": _fold(s, 12, "\n")}),
    "wrapped in json twice": lambda s: json.dumps(json.dumps({"o": _fold(s, 12, "\n")})),
    "cat -n": lambda s: _numbered(s, 10, "{:6d}\t{}"),
    "cat -n, arrow": lambda s: _numbered(s, 10, "{:6d}→{}"),
    "cat -n in json": lambda s: json.dumps({"o": _numbered(s, 10, "{:6d}\t{}")}),
    "cat -n, arrow in ascii json": lambda s: json.dumps({"o": _numbered(s, 10, "{:6d}→{}")}),
    "grep -n": lambda s: _numbered(s, 10, "{}:{}"),
    "grep -rn": lambda s: _numbered(s, 10, "src/a-b/c.env:{}:{}"),
    "grep -C": lambda s: _numbered(s, 10, "c.env-{}-{}"),
    "diff": lambda s: "+" + _fold(s, 10, "\n+"),
    "diff, removed": lambda s: "-" + _fold(s, 10, "\n-"),
    "diff, kept": lambda s: " " + _fold(s, 10, "\n "),
    "quoted": lambda s: "> " + _fold(s, 10, "\n> "),
    "boxed": lambda s: "│ " + _fold(s, 10, " │\n│ ") + " │",
    "ansi": lambda s: "\x1b[1m" + _fold(s, 6, "\x1b[0m\x1b[31;1m"),
    "ansi, each": lambda s: _fold(s, 1, "\x1b[7m"),
    "ansi in json": lambda s: json.dumps(_fold(s, 6, "\x1b[0m\x1b[38;5;2m")),
    "ansi written out": lambda s: _fold(s, 6, "\\x1b[0m"),
    "ansi, 8 bit": lambda s: _fold(s, 6, "\x9b31m"),
    "ansi link": lambda s: _fold(s, 6, "\x1b]8;;http://x\x07"),
    "ansi and wrapped": lambda s: "\n".join(_fold(s[at : at + 14], 6, "\x1b[K\x1b[0m") for at in range(0, len(s), 14)),
    "overstruck": lambda s: "".join(f"{c}\b{c}" for c in s),
    "quoted-printable": lambda s: quopri.encodestring(("key==" + s).encode()).decode(),
    "quoted-printable, soft": lambda s: _fold(s.replace("=", "=3D"), 20, "=\n"),
    "utf-16 read as bytes": lambda s: s.encode("utf-16-le").decode("latin-1"),
    "utf-16 escaped": lambda s: json.dumps(s.encode("utf-16-le").decode("latin-1")),
    "zero width": lambda s: _fold(s, 8, "\u200b"),
    "soft hyphens": lambda s: _fold(s, 8, "\u00ad"),
    "upper": str.upper,
    "lower": str.lower,
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "in a path": lambda s: f"/srv/{s}/x.txt",
    "in a name": lambda s: f"dump_{s}.json",
    "in a url": lambda s: f"https://u:{quote(s, safe='')}@h.dev:8/p?x#y",
}  # fmt: skip
"""A secret as text of the surroundings shows it."""

CUTS: dict[str, Callable[[str], str]] = {
    "first 8": lambda s: f"starts {s[:8]}...",
    "first 8, ellipsis": lambda s: f"{s[:8]}…",
    "first 12": lambda s: f"({s[:12]}***)",
    "last 8": lambda s: f"...{s[-8:]}",
    "last 10": lambda s: f"…{s[-10:]} end",
    "both": lambda s: f"{s[:9]}...{s[-8:]}",
    "middle": lambda s: f"..{s[6:20]}..",
    "first 14 in json": lambda s: json.dumps(json.dumps({"k": s[:14] + "…"})),
    "first 16, wrapped": lambda s: _fold(s[:16], 9, "\n"),
    "first 18, base64": lambda s: _b64(b"k=" + s[:18].encode()),
    "first 16, hex": lambda s: s[:16].encode().hex(),
    "first 12, percent": lambda s: quote(s[:12], safe=""),
    "first 14, ansi": lambda s: _fold(s[:14], 5, "\x1b[0m"),
}
"""The secret core cut short."""

_ANSI = re.compile(r"(?:\x1b|\\x1b|\\u001b|\\033)(?:\[[0-9;?]*[A-Za-z]|\].*?(?:\x07|\x1b\\))|\x9b[0-9;]*[a-zA-Z]")
_MARKS = r"(?:[ \t]*\d{1,7}(?:→|\t|: ?|\| ?)|[\w./-]+[:-]\d+[:-]|[ \t]*[>│|*#][ \t]?|[+-]|[ \t]+(?=\S))?"
_BREAK = re.compile(rf"[ \t]*[│|]?\\?(?:\r?\n){_MARKS}")
_QUOTED = re.compile(r"[\"'][ \t]*[+.]?[ \t]*\\?\s*[\"']")


def _once(text: str) -> Iterator[str]:
    if "\\" in text:
        try:
            yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
            plain = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8) & 255), text)
            yield re.sub(r"\\x([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), plain)
        except ValueError:
            pass
        named = {"n": "\n", "t": "\t", "r": "\r"}
        yield re.sub(
            r"\\(?:u([0-9a-fA-F]{4})|(.))",
            lambda m: chr(int(m[1], 16)) if m[1] else named.get(m[2], m[2]),
            text,
            flags=re.DOTALL,
        )
        yield text.replace("'\\''", "'")
    if "%" in text:
        yield re.sub(
            "(?:%[0-9a-fA-F]{2})+", lambda m: bytes.fromhex(m[0].replace("%", "")).decode("utf-8", "replace"), text
        )
    if "&" in text:
        yield html.unescape(text)
    if "\x1b" in text or "\\" in text or "\x9b" in text:
        yield _ANSI.sub("", text)
    if "\x08" in text:
        yield re.sub(".\x08", "", text)
    if "\n" in text:
        yield _BREAK.sub("", text)
        yield text.replace("\r", "").replace("\n", "")
    if '"' in text or "'" in text:
        yield _QUOTED.sub("", text)
    if "\0" in text:
        yield text.replace("\0", "")
    if any(mark in text for mark in "\u200b\u00ad"):
        yield re.sub("[\u200b\u00ad]", "", text)
    if "=" in text:
        yield re.sub(r"=([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), re.sub(r"=\r?\n", "", text))
    for run in re.findall(r"[A-Za-z0-9+/_-]{10,}", text):
        clean = run.replace("-", "+").replace("_", "/")
        for shift in range(4):
            part = clean[shift:]
            data = base64.b64decode(part[: len(part) // 4 * 4])
            yield data.decode("latin-1")
            yield data.decode("utf-8", "replace")
    for run in re.findall(r"(?:[0-9a-fA-F]{2}){8,}|(?:(?:0x)?[0-9a-fA-F]{2}[: ,]{1,2}){7,}(?:0x)?[0-9a-fA-F]{2}", text):
        bare = re.sub("0x|[^0-9a-fA-F]", "", run)
        for shift in range(2):
            part = bare[shift:]
            yield bytes.fromhex(part[: len(part) // 2 * 2]).decode("latin-1")
    dump = re.findall(r"(?m)^[0-9a-f]{8}: ((?:[0-9a-f]{2,4} ?)+)  ", text)
    if dump:
        yield bytes.fromhex("".join(dump).replace(" ", "")).decode("latin-1")
        yield "".join(re.findall(r"(?m)^[0-9a-f]{8}: .{39}  (.*)$", text))
    for run in re.findall(r"[A-Z2-7]{16,}", text):
        part = run[: len(run) // 8 * 8]
        yield base64.b32decode(part).decode("latin-1")


def readings(text: str, depth: int = 3) -> Iterator[str]:
    """The text and what it decodes to, up to ``depth`` times."""
    seen = {text}
    level = [text]
    yield text
    for _ in range(depth):
        further = []
        for one in level:
            for reading in _once(one):
                if len(reading) >= 6 and reading not in seen:
                    seen.add(reading)
                    further.append(reading)
                    yield reading
        level = further


_PLACEHOLDER = re.compile(r"‹[a-z0-9-]+:\d+›|‹excluded›")


def left(secret: str, text: str, *, least: int = 8, depth: int = 3) -> str:
    """A piece of at least ``least`` characters of a secret that can still be read in a text; empty when there is none.

    Case counts for nothing. Placeholders are taken out, so that two halves that stood apart do not meet by them.
    """
    low = secret.lower()
    pieces = {low[at : at + least] for at in range(len(low) - least + 1)} or {low}
    pieces |= {piece.encode().decode("latin-1") for piece in pieces}
    for reading in readings(_PLACEHOLDER.sub("\n\x02\n", text), depth):
        small = reading.lower()
        for piece in pieces:
            if piece in small:
                return piece
    return ""
