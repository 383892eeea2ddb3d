"""A secret is an identity, not a string: what an accepted value decodes to, and the part of it that is the secret.

Accepting a ``Basic`` header accepts the password in it; accepting a value of a cluster's Secret accepts what it decodes
to. What is short or common (``admin``, ``root``) is never taken along: it would be replaced wherever it stands as a
word; `offered` names it, so that the user can decide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from tracetui.redact.placeholders import placeholder
from tracetui.redact.tables import words

__all__ = ["identities", "offered"]

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,8000}={0,2}")
_SCHEME: Final = re.compile(r"(?:basic|bearer|token)\s+(\S+)", re.IGNORECASE)
_PAIR: Final = re.compile(r"([A-Za-z0-9_.@+-]{1,80}):(\S{4,400})")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]{1,24}://([^\s:/@]{0,120}):([^\s/@]{1,400})@", re.IGNORECASE)
_DEPTH: Final = 3
_WHOLE: Final = 8
"""Characters from which on a part is taken along whatever it is made of; a shorter one needs a digit or a sign."""
_LEAST: Final = 6


@lru_cache(4096)
def identities(value: str) -> tuple[str, ...]:
    """What else a value is: its decoded forms, and the secrets within it, without itself. Those that are short, common
    or a placeholder are left out."""
    found: dict[str, None] = {}
    for text in _parts(value.strip(), _DEPTH):
        if text != value and _takes(text):
            found.setdefault(text)
    return tuple(found)


@lru_cache(4096)
def offered(value: str) -> tuple[str, ...]:
    """The parts of a value that are not taken along, because they are short, common or a user's name."""
    found: dict[str, None] = {}
    for text in (value, *_parts(value.strip(), _DEPTH)):
        pair = _URL.match(text) or (None if "://" in text else _PAIR.fullmatch(text))
        for part in pair.groups() if pair is not None else ():
            if len(part) >= 2 and (part == pair[1] or not _takes(part)):  # type: ignore[index]
                found.setdefault(part)
    return tuple(found)


def _parts(value: str, depth: int) -> Iterator[str]:
    """Everything that a value holds, the nearest first; may hold the same twice."""
    if depth == 0 or len(value) < _LEAST:
        return
    near = [*_decoded(value)]
    scheme = _SCHEME.fullmatch(value)
    if scheme is not None:
        near.append(scheme[1])
    pair = _URL.match(value) or (None if "://" in value else _PAIR.fullmatch(value))
    if pair is not None:
        near.append(pair[2])
    for text in near:
        yield text
        yield from _parts(text, depth - 1)


def _decoded(value: str) -> Iterator[str]:
    if "%" in value and (plain := unquote(value)) != value:
        yield plain
    if _BASE64.fullmatch(value) is None:
        return
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return
    try:
        text = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("utf-8").rstrip("\n")
    except (binascii.Error, UnicodeDecodeError):
        return
    # Random letters decode to signs of any kind; text does not.
    if len(text) >= 4 and all(char.isprintable() or char in "\r\n\t" for char in text) and text.isascii():
        yield text


def _takes(text: str) -> bool:
    """Whether a part says so much by itself that it is replaced wherever it stands."""
    low = text.lower()
    if low in words("harmless", "users") or low in words("harmless", "passwords") or placeholder(text):
        return False
    if len(text) >= _WHOLE:
        return True
    return len(text) >= _LEAST and not text.isalpha()
