"""Secrets that their surroundings give away exactly: URLs with passwords, headers, cookies, key blocks, command lines.
The rows stand in ``detectors/structures.toml``."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from tracetui.redact.tables import pattern_of, table

__all__ = ["Structure", "structures"]


class Structure(NamedTuple):
    """One of ``words``, lower-case literals, must stand in the text, and ``need`` (where not empty) behind it; the
    ``pattern`` is searched from ``before`` code points before it to ``after`` behind it; the secret is group 1. With
    ``each`` group 1 is a block, and the secrets are that pattern's group 1 within it; with ``accepts`` a value must be
    one that can stand behind a name of this level (``secret``, ``password``; ``said``: a password in prose)."""

    rule: str
    kind: str
    tier: int
    words: tuple[str, ...]
    pattern: str
    before: int
    after: int
    need: str = ""
    each: str = ""
    accepts: str = ""


@cache
def structures() -> tuple[Structure, ...]:
    """Every structure."""
    return tuple(
        Structure(
            row["rule"], row["kind"], row["tier"], tuple(row["words"]), pattern_of(row["pattern"]), row["before"],
            row["after"], row.get("need", ""), row.get("each", ""), row.get("accepts", ""),
        )
        for row in table("structures")["structure"]
    )  # fmt: skip
