"""The neighbourhood tier: the name of a service that gives out keys, and a random string right behind it.

It finds what neither a format nor a name that says secret tells: ``adafruit token: …``, ``postmark '…'``.
"""

from __future__ import annotations

import re
from typing import Final

from tracetui.redact.entropy import harmless_shape, is_hex, is_uuid, looks_random, wordiness
from tracetui.redact.named import ALGORITHM, TOKENS, Named, keylike, name_at
from tracetui.redact.placeholders import placeholder

__all__ = ["near_provider"]

_KEYISH: Final = re.compile(
    r"key|token|secret|passw|auth|cred|bearer|pwd|\bpass\b|\bpat\b|api.?id|client.?id|sid\b|\bpin\b|licen[sc]e|access|\s-k\s"
)
_HASHES: Final = re.compile(
    r"sha-?\d|hash|integrity|checksum|digest|commit|md5|\bh1:|signature|etag|revision|\brev\b|blob|uuid|index |nonce"
)
_OPERATOR: Final = re.compile(r"[:=(,|>]")


def near_provider(text: str, low: str, start: int, end: int, *, common: bool) -> list[Named]:
    """Random strings right behind the provider's name at ``[start, end)``; ``low`` is ``text`` in lower case. A
    ``common`` name needs a word such as key between."""
    before = text[start - 1] if start else " "
    if before.isalpha() and not (text[start].isupper() and before.islower()):
        return []
    left, right = name_at(text, start, end)
    if right - left > 56 or "AWS::" in text[max(0, left - 64) : left]:
        return []
    if right < len(text) and text[right] in "+/" and text[right + 1 : right + 2].isalnum() and right - left > 24:
        return []
    window = text[right : right + 110]
    stop = window.find("\0")
    if stop >= 0:
        window = window[:stop]
    if not any(map(_promising, TOKENS.findall(window))):
        return []
    breaks = window.count("\n")
    if breaks > 4:
        window = "\n".join(window.split("\n", 5)[:5])
    out: list[Named] = []
    begin = 0
    provider = low[start:end]
    for match in TOKENS.finditer(window):
        word = match.group().rstrip(".:~")
        at = right + match.start()
        between = low[end:at]
        if ":" in word and "://" not in word:
            # A name and its value run together, or two halves of a pair.
            head, _, rest = word.partition(":")
            if not looks_random(head):
                at += len(head) + 1
                between = low[end:at]
                word = rest
        if len(word) < 8 or placeholder(word):
            continue
        if _HASHES.search(between) is not None:
            begin += 1
            if begin > 3:
                break
            continue
        keyish = _KEYISH.search(between) is not None
        direct = len(between) <= 30 and _OPERATOR.search(between) is not None and "://" not in between
        if not keyish and not direct and len(between) > 50:
            break
        close = _ASSIGNS.fullmatch(between) is not None
        mark = text[at - 1] if at else " "
        quoted = mark in "\"'`" and text[at + len(word) : at + len(word) + 1] == mark
        sure = close and quoted and len(word) >= 16 and not (is_hex(word) or is_uuid(word) or word.isdigit())
        if common and not keyish and not sure:
            continue  # its name stands for much else: only what can be nothing but a key
        if not _neighbour(word, mark, keyish=keyish, direct=direct, close=close and not common, quoted=quoted):
            continue
        out.append(Named(at, at + len(word), "credential", f"a random string behind {provider}"))
        if len(out) >= 3:
            break
    return out


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
    if is_uuid(word):
        return keyish or (close and (direct or quoted))
    if word.isdigit():
        return size >= 9 and (keyish or (close and size >= 10 and quoted))
    if before in "/.@#?&%" and not keyish:
        return False
    if harmless_shape(word) or ALGORITHM.search(word) is not None:
        return False
    if is_hex(word):
        if before in "#@" or not looks_random(word):
            return False
        # Behind a bare name, the sizes of a commit and of a digest are theirs.
        named = size not in {40, 64}
        return keyish or (direct and before not in "/@#" and (close or named)) or (close and (quoted or named))
    if "/" in word or "." in word:
        parts = re.split(r"[/.]", word)
        if max(map(len, parts)) < 10 or any(len(p) >= 3 and p.isalpha() and wordiness(p)[1] >= 0.7 for p in parts):
            return False
        if before in "/.":
            return False
    if size < 10 or not (looks_random(word) or ((keyish or (close and quoted)) and keylike(word))):
        return False
    return keyish or direct or size >= 18 or (close and (size >= 14 or quoted))
