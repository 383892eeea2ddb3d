"""How a row of the format table is written: what all parts of the table share."""

from __future__ import annotations

from typing import Final

__all__ = ["AN", "PREFIXES", "UUID", "Row", "W", "prefixed"]

AN: Final = "[A-Za-z0-9]"
W: Final = "[A-Za-z0-9_-]"
UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

Row = tuple[str, str, tuple[str, ...], str]
"""``(rule, kind, keywords, pattern)``."""

PREFIXES: Final[dict[str, str]] = {}
"""The literal with which the format of a rule begins; case counts."""


def prefixed(rule: str, kind: str, prefix: str, body: str, *words: str) -> Row:
    """A format that begins with a literal ``prefix``; the prefix is the keyword unless words are given."""
    escaped = "".join("\\" + c if c in r".\+*?()[]{}|^$/" and c != "/" else c for c in prefix)
    boundary = r"\b" if prefix[0].isalnum() or prefix[0] == "_" else ""
    if not words:
        PREFIXES[rule] = prefix
        boundary = ""
    return (rule, kind, words or (prefix.lower(),), f"{boundary}({escaped}{body})")
