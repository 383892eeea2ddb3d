"""Draws a made-up text that a pattern matches, so that every rule is tried without a real-looking key in the tests."""

from __future__ import annotations

import random
import re._constants as c  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import string
from typing import Any

_PRINTABLE = string.ascii_letters + string.digits + "-_./+="


def sample(pattern: str, rng: random.Random) -> str:
    """A random text that the pattern matches as a whole; look-arounds and boundaries are left to the caller."""
    return _draw(parser.parse(pattern), rng)


def _draw(items: Any, rng: random.Random) -> str:
    out = []
    for op, arg in items:
        if op is c.LITERAL:
            out.append(chr(arg))
        elif op is c.NOT_LITERAL:
            out.append(rng.choice([x for x in string.ascii_lowercase if ord(x) != arg]))
        elif op is c.ANY:
            out.append(rng.choice(string.ascii_letters))
        elif op is c.IN:
            out.append(_member(arg, rng))
        elif op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            low, high, inner = arg
            least = low if low or rng.random() < 0.5 else min(1, high)
            count = max(least, min(high, low + 2)) if low else least
            out += [_draw(inner, rng) for _ in range(count)]
        elif op is c.SUBPATTERN:
            out.append(_draw(arg[-1], rng))
        elif op is c.BRANCH:
            out.append(_draw(rng.choice(arg[1]), rng))
        elif op is c.AT:
            out.append(" " if arg is c.AT_BOUNDARY else "")
        elif op in (c.ASSERT, c.ASSERT_NOT):
            continue
        else:
            raise AssertionError(op)
    return "".join(out)


def _member(items: Any, rng: random.Random) -> str:
    chars: list[str] = []
    negated = False
    for op, arg in items:
        if op is c.NEGATE:
            negated = True
        elif op is c.LITERAL:
            chars.append(chr(arg))
        elif op is c.RANGE:
            chars += [chr(n) for n in range(arg[0], arg[1] + 1)]
        elif op is c.CATEGORY:
            chars += (
                []
                if arg is c.CATEGORY_NOT_WORD
                else {
                    c.CATEGORY_DIGIT: list(string.digits),
                    c.CATEGORY_WORD: list(string.ascii_letters + string.digits + "_"),
                    c.CATEGORY_SPACE: [" "],
                    c.CATEGORY_NOT_SPACE: list(string.ascii_letters + string.digits),
                }[arg]
            )
    if negated:
        return rng.choice([x for x in string.ascii_letters + string.digits + " " if x not in chars])
    return rng.choice(chars)
