"""What a name says about the value behind it: ``dbPassword`` is a password, ``ADAFRUIT_KEY`` a key, ``cacheKey`` neither.

Names are read as words (``apiKey``, ``API_KEY``, ``api-key``, ``apikey``); words that count, describe or look things up
(``tokenCount``, ``keyName``, ``sortKey``) make them harmless.
"""  # noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, NamedTuple

from tracetui.redact.tables import table, words

__all__ = ["ID", "KEY", "MEDIUM", "NOTHING", "PASSWORD", "SECRET", "Sense", "sense"]

NOTHING: Final = 0
ID: Final = 1
"""A client or application id: a random value counts, a UUID or number does not."""
KEY: Final = 2
"""A bare ``key``: it needs a provider or a qualifying word near it."""
MEDIUM: Final = 3
SECRET: Final = 4
PASSWORD: Final = 5


class Sense(NamedTuple):
    """How much a name says (``NOTHING`` to ``PASSWORD``), and the kind of what is behind it."""

    level: int
    kind: str


@dataclass(frozen=True, slots=True)
class _Lists:
    """Words that stand in names, by what they make of them."""

    password: frozenset[str]
    secret: frozenset[str]
    medium: frozenset[str]
    qualifies: frozenset[str]
    harmless: frozenset[str]
    trailing: frozenset[str]
    counted: frozenset[str]
    owners: frozenset[str]
    providers: frozenset[str]
    endings: tuple[tuple[str, int], ...]
    foreign: re.Pattern[str]


@cache
def _lists() -> _Lists:
    names = ("password", "secret", "medium", "qualifies", "harmless", "trailing", "counted", "owners")
    found = {name: words("keywords", name) for name in names}
    endings = tuple((end, _LEVELS[level]) for end, level in table("keywords")["endings"].items())
    foreign = re.compile("|".join(map(re.escape, table("keywords")["foreign"])))
    return _Lists(**found, providers=words("providers", "providers"), endings=endings, foreign=foreign)


_LEVELS: Final = {"password": PASSWORD, "secret": SECRET, "medium": MEDIUM}
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _ending(word: str) -> int:
    """What a word without inner marks ends with: ``adafruittoken``, ``mailgunkey``."""
    lists = _lists()
    best = max((level for end, level in lists.endings if word.endswith(end)), default=NOTHING)
    if not best and word.endswith("key") and len(word) > 6:
        stem = word[:-3]
        if stem in lists.providers or stem in lists.qualifies:
            best = MEDIUM
    return best


@lru_cache(16384)
def sense(name: str) -> Sense:
    """What a name says about its value: the first of the rules below that knows."""
    if _lists().foreign.search(name.lower()) is not None or name.lower() == "p/w":
        return Sense(PASSWORD, "password")
    parts = _parts(name)
    if not parts or len(parts) > _MOST_WORDS:
        return _NONE
    for rule in _RULES:
        found = rule(parts)
        if found is not None:
            return found
    return _NONE


_NONE: Final = Sense(NOTHING, "")
_MOST_WORDS: Final = 12
"""A longer name is a sentence."""


def _parts(name: str) -> list[str]:
    """The words of a name, without what may stand behind the telling one."""
    parts = [word.lower() for word in _WORDS.findall(name)]
    while len(parts) > 1 and (parts[-1].isdigit() or parts[-1] in _lists().trailing or len(parts[-1]) == 1):
        parts.pop()
    return parts


def _id(parts: list[str]) -> Sense | None:
    """``accessKeyId``, ``clientId``."""
    if parts[-1] not in ("id", "sid") or len(parts) < 2:
        return None
    if "".join(parts[-2:]) in ("keyid", "tokenid") and {"access", "secret", "private"} & {*parts}:
        return Sense(MEDIUM, "key-id")
    return Sense(ID, "client-id") if parts[-2] in _lists().owners else _NONE


def _harmless(parts: list[str]) -> Sense | None:
    """``tokenCount``, ``keyName``."""
    return _NONE if parts[-1] in _lists().harmless else None


def _plain(parts: list[str]) -> Sense | None:
    """``dbPassword``, ``client_secret``."""
    if parts[-1] in _lists().password:
        return Sense(PASSWORD, "password")
    return Sense(SECRET, "secret") if parts[-1] in _lists().secret else None


def _key(parts: list[str]) -> Sense | None:
    """``apiKey``, ``ADAFRUIT_KEY``; ``cacheKey`` is none."""
    lists, before = _lists(), parts[:-1]
    if parts[-1] not in ("key", "keys"):
        return None
    if not before:
        return Sense(KEY if parts[-1] == "key" else NOTHING, "api-key")
    if before[-1] in lists.harmless and not any(word in lists.qualifies - lists.harmless for word in before[-2:-1]):
        return _NONE
    return Sense(SECRET if {"secret", "private"} & {*before} else MEDIUM, "api-key")


def _pin(parts: list[str]) -> Sense | None:
    """``card_pin``; a ``pin``, ``user_session`` or ``public_access`` by itself is none."""
    if parts[-1] == "pin":
        return Sense(MEDIUM if len(parts) > 1 else NOTHING, "pin")
    return _NONE if parts[-1] in ("session", "access") and len(parts) > 1 else None


def _medium(parts: list[str]) -> Sense | None:
    """``accessToken``, ``signing``; what counts tokens is none."""
    lists = _lists()
    pair = "".join(parts[-2:])
    if not lists.medium & {parts[-1], pair, "".join(parts[-3:])}:
        return None
    if lists.counted & {*parts[:-1]} or parts[-1] == "tokens":
        return _NONE
    return Sense(MEDIUM, "token" if "token" in pair else "credential")


def _ended(parts: list[str]) -> Sense | None:
    """``adafruittoken``, ``mailgun key``."""
    level = _ending(parts[-1])
    if not level and len(parts) > 1:
        level = _ending("".join(parts[-2:]))
    if not level:
        return None
    other = "token" if "token" in parts[-1] else "api-key"
    return Sense(level, {PASSWORD: "password", SECRET: "secret"}.get(level, other))


def _before(parts: list[str]) -> Sense | None:
    """``secretFoo``, ``PASSWORD_db``: the telling word stands before one that takes nothing back."""
    lists = _lists()
    for word in parts[-3:-1]:
        if word in lists.password and word != "pass":
            return Sense(MEDIUM, "password")
        if word in lists.secret or word in ("token", "apikey"):
            return Sense(MEDIUM, word if word != "apikey" else "api-key")
        if word == "key" and len(parts) > 2 and parts[parts.index("key") - 1] in ("api", "secret", "access"):
            return Sense(MEDIUM, "api-key")
    return None


_RULES: Final = (_id, _harmless, _plain, _key, _pin, _medium, _ended, _before)
"""In this order: what makes a name harmless comes before what makes it telling."""
