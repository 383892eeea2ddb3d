"""The neighbourhood tier: the name of a service that gives out keys, and a random string right behind it.

It finds what neither a format nor a name that says secret tells: ``adafruit token: …``, ``postmark '…'``.
"""

from __future__ import annotations

import re
from typing import Final

from tracetui.redact.assignment import TOKENS, Named, name_at
from tracetui.redact.entropy import harmless_shape, is_hex, is_uuid, looks_random, wordiness
from tracetui.redact.judgement import ALGORITHM, keylike
from tracetui.redact.placeholders import placeholder

__all__ = ["near_provider"]

_KEYISH: Final = re.compile(
    r"key|token|secret|passw|auth|cred|bearer|pwd|\bpass\b|\bpat\b|api.?id|client.?id|sid\b|\bpin\b|licen[sc]e|access|\s-k\s"
    r"|\bapi[ :]"
)
_HASHES: Final = re.compile(
    r"sha-?\d|hash|integrity|checksum|digest|commit|md5|\bh1:|signature|etag|revision|\brev\b|blob|uuid|index |nonce"
)
_OPERATOR: Final = re.compile(r"[:=(,|>]")


def near_provider(text: str, low: str, start: int, end: int, *, common: bool) -> list[Named]:
    """Random strings right behind the provider's name at ``[start, end)``; ``low`` is ``text`` in lower case. A
    ``common`` name needs a word such as key between."""
    right = _name_end(text, start, end)
    if right < 0:
        return []
    window = _window(text, right)
    if not any(map(_promising, TOKENS.findall(window))):
        return []
    out: list[Named] = []
    hashes = 0
    for match in TOKENS.finditer(window):
        at, word = _value_in(match.group().rstrip(".:~"), right + match.start())
        between = low[end:at]
        if len(word) < 8 or placeholder(word):
            continue
        if _HASHES.search(between) is not None:
            hashes += 1
            if hashes > _MOST_HASHES:
                break
            continue
        keyish = _KEYISH.search(between) is not None
        direct = len(between) <= 30 and _OPERATOR.search(between) is not None and "://" not in between
        if not keyish and not direct and len(between) > 50:
            break
        if _taken(text, at, word, between, keyish=keyish, direct=direct, common=common):
            out.append(Named(at, at + len(word), "credential", f"a random string behind {low[start:end]}"))
            if len(out) >= _MOST:
                break
    return out


_MOST: Final = 3
"""Strings taken behind one name."""
_MOST_HASHES: Final = 3
"""Strings that are called hashes after which no key is looked for."""


def _name_end(text: str, start: int, end: int) -> int:
    """Where the name ends that a provider's word begins; -1 where the word is no name of one."""
    before = text[start - 1] if start else " "
    if before.isalpha() and not (text[start].isupper() and before.islower()):
        return -1
    left, right = name_at(text, start, end)
    if right - left > 56 or "AWS::" in text[max(0, left - 64) : left]:
        return -1
    run_on = right < len(text) and text[right] in "+/" and text[right + 1 : right + 2].isalnum()
    return -1 if run_on and right - left > 24 else right


def _window(text: str, right: int) -> str:
    """What is looked through behind a name: 110 code points, five lines at most, within the same text."""
    window = text[right : right + 110]
    stop = window.find("\0")
    window = window[:stop] if stop >= 0 else window
    return "\n".join(window.split("\n", 5)[:5]) if window.count("\n") > 4 else window


def _value_in(word: str, at: int) -> tuple[int, str]:
    """A string and where it begins, without the name that runs together with it."""
    if ":" in word and "://" not in word:
        head, _, rest = word.partition(":")
        if not looks_random(head):
            return at + len(head) + 1, rest
    return at, word


def _taken(text: str, at: int, word: str, between: str, *, keyish: bool, direct: bool, common: bool) -> bool:
    close = _ASSIGNS.fullmatch(between) is not None
    mark = text[at - 1] if at else " "
    quoted = mark in "\"'`" and text[at + len(word) : at + len(word) + 1] == mark
    sure = close and quoted and len(word) >= 16 and not (is_hex(word) or is_uuid(word) or word.isdigit())
    if common and not keyish and not sure:
        return False  # its name stands for much else: only what can be nothing but a key
    return _neighbour(word, mark, keyish=keyish, direct=direct, close=close and not common, quoted=quoted)


def _promising(word: str) -> bool:
    """Whether a string may be taken wherever it stands."""
    if len(word) < 12 and word.isalpha():
        return False
    word = word.rstrip(".:~")
    return ":" in word or word.isdigit() or looks_random(word) or is_uuid(word) or keylike(word)


# Right behind the name: blanks, or what assigns and opens a quote.
_ASSIGNS: Final = re.compile(r"\s{0,3}[\"'`(]{0,2}|[\w.-]{0,16}[\"'\])]{0,2}\s{0,4}(?::=|=>|[:=(])\s{0,4}[\"'(]{0,2}")


def _neighbour(word: str, before: str, *, keyish: bool, direct: bool, close: bool, quoted: bool) -> bool:
    """Whether a string near a provider's name is likely a key of it: ``keyish`` with a word such as key between,
    ``direct`` with what assigns between, ``close`` right behind the name."""
    size = len(word)
    if is_uuid(word) or word.isdigit():
        return _number_neighbour(word, keyish=keyish, direct=direct, close=close, quoted=quoted)
    if before in "/.@#?&%" and not keyish:
        return False
    if harmless_shape(word) or ALGORITHM.search(word) is not None:
        return False
    if is_hex(word):
        return _hex_neighbour(word, before, keyish=keyish, direct=direct, close=close, quoted=quoted)
    if ("/" in word or "." in word) and (before in "/." or _of_words(word)):
        return False
    likely = looks_random(word) or ((keyish or (close and quoted)) and keylike(word))
    return size >= 10 and likely and (keyish or direct or size >= 18 or (close and (size >= 14 or quoted)))


def _number_neighbour(word: str, *, keyish: bool, direct: bool, close: bool, quoted: bool) -> bool:
    """The same for a UUID or a number."""
    if word.isdigit():
        return len(word) >= 9 and (keyish or (close and len(word) >= 10 and quoted))
    return keyish or (close and (direct or quoted))


def _hex_neighbour(word: str, before: str, *, keyish: bool, direct: bool, close: bool, quoted: bool) -> bool:
    if before in "#@" or not looks_random(word):
        return False
    # Behind a bare name, the sizes of a commit and of a digest are theirs.
    named = len(word) not in (40, 64)
    return keyish or (direct and before not in "/@#" and (close or named)) or (close and (quoted or named))


def _of_words(word: str) -> bool:
    """Whether a string with slashes or dots is a path or a name."""
    parts = re.split(r"[/.]", word)
    return max(map(len, parts)) < 10 or any(
        len(part) >= 3 and part.isalpha() and wordiness(part)[1] >= 0.7 for part in parts
    )
