"""Regular expressions over the text of steps: RE2, narrowed by what every match must hold.

The literals that a pattern requires are read off its syntax tree (Python's own parser of patterns; where it and RE2
could differ, nothing is read off). A literal with a whole word in it asks the full-text index; any other is looked for
in the raw lines of the copies, which costs about what decompressing them does.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Final

from tracetui.bucket.matching import Place
from tracetui.model import TracetuiError

__all__ = ["Pattern", "fts_of", "literals", "raw_literal"]

_SAFE: Final = re.compile(r"[A-Za-z0-9 _.,:;=()\[\]{}@#$%^&*+?!|~`'-]+")
_TOKEN: Final = re.compile(r"[^\W_]+")
_COUNTED: Final = 100


class Pattern:
    """A compiled RE2 pattern; ``^`` and ``$`` match at line ends."""

    def __init__(self, text: str) -> None:
        """Raises TracetuiError of status 2 for what RE2 does not take."""
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = 64 * 1024 * 1024
        try:
            re2.compile(text, options)
            self._regex = re2.compile(f"(?m:{text})", options)
        except (re2.error, UnicodeEncodeError) as error:
            reason = error.args[0] if error.args else "invalid"
            if isinstance(reason, bytes):
                reason = reason.decode("utf-8", "replace")
            raise TracetuiError(f"Not a regular expression (RE2): {ascii(str(reason))[1:-1][:200]}", status=2) from None
        self.text = text

    def find(self, texts: Sequence[str]) -> Place | None:
        """The first match; the score is the number of matches."""
        first: Place | None = None
        count = 0
        for nth, text in enumerate(texts):
            for match in self._regex.finditer(text):
                if first is None:
                    first = Place(nth, match.start(), match.end(), 0.0)
                count += 1
                if count >= _COUNTED:
                    break
            if count >= _COUNTED:
                break
        if first is not None:
            first.score = float(count)
        return first


def literals(text: str) -> tuple[list[str], bool]:
    """Strings that every match of the pattern holds, and whether case does not matter."""
    if "[:" in text or "\\Q" in text or "(?U" in text:
        return [], False
    try:
        from re import _constants as names  # type: ignore[attr-defined]
        from re import _parser as parser  # type: ignore[attr-defined]

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = parser.parse(text)
    except Exception:  # noqa: BLE001 (whatever Python does not understand is searched without narrowing)
        return [], False
    found: list[str] = []
    folded = bool(tree.state.flags & re.IGNORECASE)
    run: list[str] = []

    def end() -> None:
        if run:
            found.append("".join(run))
            run.clear()

    def walk(items: Any) -> None:
        nonlocal folded
        for op, value in items:
            if op is names.LITERAL:
                run.append(chr(value))
            elif op is names.SUBPATTERN:
                if value[1] & re.IGNORECASE:
                    folded = True
                walk(value[3])
            elif op in (names.MAX_REPEAT, names.MIN_REPEAT):
                end()
                if value[0] >= 1:
                    walk(value[2])
                    end()
            elif op is names.AT:
                continue
            else:
                end()

    try:
        walk(tree)
    except RecursionError:
        return [], False
    end()
    return found, folded


def fts_of(found: Sequence[str]) -> str | None:
    """A full-text query that every text with these literals satisfies, or None where they hold no whole word."""
    parts: list[str] = []
    for literal in found:
        if not literal.isascii():
            continue
        for match in _TOKEN.finditer(literal):
            token = match[0]
            if match.start() == 0:
                continue
            if match.end() < len(literal):
                parts.append(f'"{token}"')
            elif len(token) >= 3:
                parts.append(f'"{token}" *')
    return " AND ".join(dict.fromkeys(parts)) or None


def raw_literal(found: Sequence[str]) -> str | None:
    """The longest of the literals' parts that JSON writes as it is, whoever wrote it; None where none has two signs."""
    best = ""
    for literal in found:
        for match in _SAFE.finditer(literal):
            if len(match[0]) > len(best):
                best = match[0]
    return best if len(best) >= 2 else None
