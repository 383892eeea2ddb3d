"""Long random strings: images, certificates, hashes, encrypted text. A word inside one stands there by chance, and
says nothing about what is behind it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tracetui.redact.entropy import is_hex, keeps, runs, turns

__all__ = ["BLOB", "Opaque", "opaque_spans"]

BLOB: Final = 120
"""Code points from which a random string is no key any more but data."""
_LEAST: Final = 40
_LETTERS: Final = keeps(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
# A break between two lines of one string, also where it was written as an escape.
_BETWEEN: Final = re.compile(r"={0,2}(?:\r?\n|\\{1,4}(?:r\\{1,4})?)[ \t]{0,16}")
_INTEGRITY: Final = (
    "h1:", "sha1-", "sha256-", "sha384-", "sha512-", "sha1:", "sha256:", "sha384:", "sha512:", "sha256=", "sha512=",
    "md5-", "md5:", "md5=", "SHA256:",
)  # fmt: skip


class Opaque(NamedTuple):
    """A random string: its span, and whether what stands before it says that it is the hash of a file."""

    start: int
    end: int
    integrity: bool


def opaque_spans(text: str, raw: bytes) -> list[Opaque]:
    """The random strings of 40 code points or more in base64's alphabet, in order; lines of one are joined. ``raw`` is
    the text as ASCII, a byte a code point."""
    out: list[Opaque] = []
    for start, end in runs(raw, _LETTERS, _LEAST):
        if out and start - out[-1].end <= 24:
            before = out[-1]
            joint = _BETWEEN.fullmatch(text, before.end, start)
            if joint is not None and before.end - before.start >= 56:
                out[-1] = Opaque(before.start, end, before.integrity)
                continue
        integrity = text.endswith(_INTEGRITY, max(0, start - 8), start)
        if integrity or _random(raw[start : min(end, start + 96)]):
            out.append(Opaque(start, end, integrity))
    return out


def _random(piece: bytes) -> bool:
    """Letters, cases and digits follow each other as by chance, or it is all hexadecimal."""
    turned = turns(piece)[0]
    return turned * 25 >= len(piece) * 7 or (turned * 12 >= len(piece) and is_hex(piece.decode("ascii")))
