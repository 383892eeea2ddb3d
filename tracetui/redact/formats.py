"""Token formats of providers, that can be told by themselves: a fixed prefix or shape that harmless text does not have.

The rows stand in ``detectors/formats_*.toml``. Kinds are what the placeholder says, rules what the finding says.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from tracetui.redact.tables import pattern_of, table

__all__ = ["SUBJECTS", "Bare", "Format", "bare_formats", "formats"]

SUBJECTS: Final = ("code", "clouds", "models", "payment", "messages", "data", "commerce")
_SPECIAL: Final = frozenset(r".\+*?()[]{}|^$")


class Format(NamedTuple):
    """One of ``words``, lower-case literals, must stand in the text; the token is group 1 of ``pattern``, in RE2's
    syntax. With a ``prefix`` (case counts) the pattern is matched where that begins."""

    rule: str
    kind: str
    words: tuple[str, ...]
    pattern: str
    prefix: str = ""


class Bare(NamedTuple):
    """A format that no keyword announces, tried where a long run of characters begins with one of ``first``."""

    rule: str
    kind: str
    first: str
    pattern: str


@cache
def formats() -> tuple[Format, ...]:
    """Every format that a word announces."""
    return tuple(_format(row) for subject in SUBJECTS for row in table(f"formats_{subject}")["format"])


def _format(row: dict[str, str]) -> Format:
    prefix = row.get("prefix", "")
    if not prefix:
        return Format(row["rule"], row["kind"], tuple(row["words"]), pattern_of(row["pattern"]))
    escaped = "".join("\\" + c if c in _SPECIAL else c for c in prefix)
    return Format(row["rule"], row["kind"], (prefix.lower(),), f"({escaped}{pattern_of(row['body'])})", prefix)


@cache
def bare_formats() -> tuple[Bare, ...]:
    """Every format that only its shape tells."""
    return tuple(
        Bare(row["rule"], row["kind"], row["first"], pattern_of(row["pattern"]))
        for row in table("formats_bare")["everywhere"]
    )
