"""Regular expressions over the text of steps: RE2, narrowed by what every match must hold.

From a pattern's syntax tree (Python's own parser of patterns; where it and RE2 could differ, there is none) two things
are read off: the whole words that every match holds, for the full-text index; and the pattern as it would look in the
raw lines of a log, where JSON escapes what it does, to be run over the copies at about the cost of decompressing them.
What either finds is looked at again in the text itself.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Final

from tracetui.bucket.matching import TextMatch
from tracetui.model import TracetuiError

__all__ = ["Pattern", "fts_of", "raw_form"]

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

    def find(self, texts: Sequence[str]) -> TextMatch | None:
        """The first match; the score is the number of matches."""
        first: TextMatch | None = None
        count = 0
        for nth, text in enumerate(texts):
            for match in self._regex.finditer(text):
                if first is None:
                    first = TextMatch(nth, match.start(), match.end(), 0.0)
                count += 1
                if count >= _COUNTED:
                    break
            if count >= _COUNTED:
                break
        if first is not None:
            first.score = float(count)
        return first


def _tree(text: str) -> Any:
    """The syntax tree of a pattern, or None where Python does not understand it as RE2 does."""
    if "[:" in text or "\\Q" in text or "(?U" in text or "(?-" in text:
        return None
    try:
        from re import _parser as parser  # type: ignore[attr-defined]

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return parser.parse(text)
    except Exception:  # noqa: BLE001 (whatever Python does not understand is searched without narrowing)
        return None


def fts_of(text: str) -> str | None:
    """A full-text query that every text satisfies in which the pattern matches; None where the pattern requires no
    whole word."""
    parts: list[str] = []
    for literal in _literals(text):
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


def _literals(text: str) -> list[str]:
    """Strings that every match of the pattern holds, case apart."""
    tree = _tree(text)
    if tree is None:
        return []
    from re import _constants as names  # type: ignore[attr-defined]

    found: list[str] = []
    run: list[str] = []

    def end() -> None:
        if run:
            found.append("".join(run))
            run.clear()

    def walk(items: Any) -> None:
        for op, value in items:
            if op is names.LITERAL:
                run.append(chr(value))
            elif op is names.SUBPATTERN:
                walk(value[3])
            elif op in (names.MAX_REPEAT, names.MIN_REPEAT):
                end()
                if value[0] >= 1:
                    walk(value[2])
                    end()
            elif op is not names.AT:
                end()

    try:
        walk(tree)
    except RecursionError:
        return []
    end()
    return found


# How JSON may write one character, in bytes: as it is (one to four bytes), escaped, or escaped several times over where
# a harness puts JSON into a string of JSON.
_ESCAPED: Final = rb"\\+(?:u[0-9A-Fa-f]{4}(?:\\+u[0-9A-Fa-f]{4})?|[^\\\n])?"
_ANY: Final = rb"(?:[\x00-\x09\x0b-\x5b\x5d-\x7f]|[\xc2-\xf4][\x80-\xbf]{1,3}|" + _ESCAPED + rb")"
# Readers join blocks of text by line ends: between them the line holds the end of one string and the next one's begin.
_LINE_END: Final = rb'(?:\\+[nr]|\\+u000[0-9A-Fa-f]|"[\]\[ ,:{}a-z_"]{1,60}")'
_SPACE: Final = rb"(?:[ \t]|\\+[tf]|" + _LINE_END + rb")"
_AS_IT_IS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _.,:;=()[]{}@#$%^*+?!|~`-")
_REPEAT_MAX: Final = 200


def raw_form(text: str) -> bytes | None:
    """A pattern over the bytes of a log's line that matches wherever ``text`` matches in a text that the line holds,
    and perhaps elsewhere; None where there is none, or it would match nearly everything."""
    tree = _tree(text)
    if tree is None:
        return None
    try:
        form = _Raw(bool(tree.state.flags & re.IGNORECASE)).sequence(tree)
    except (RecursionError, KeyError):
        return None
    return form if len(form) < 50_000 and re.search(rb"[0-9A-Za-z]", re.sub(rb"\\x..|\{[0-9,]*\}", b"", form)) else None


def _written(char: str) -> bytes:
    """The ways in which JSON may write a character."""
    units = char.encode("utf-16-be", "surrogatepass")
    escaped = b"".join(
        rb"\\+u" + b"".join(b"[%c%c]" % (digit, digit - 32) if digit > 57 else b"%c" % digit for digit in unit)
        for unit in (units[at : at + 2].hex().encode() for at in range(0, len(units), 2))
    )
    if char == "\\":
        return rb"\\+(?:u005[cC])?"
    plain = b"".join(b"\\x%02x" % byte for byte in char.encode("utf-8", "replace"))
    short = {"\t": "t", "\b": "b", "\f": "f"}.get(char, char)
    also = rb"|\\+" + b"\\x%02x" % ord(short) if ord(char) < 128 else b""
    return b"(?:" + plain + b"|" + escaped + also + b")"


class _Raw:
    def __init__(self, folded: bool) -> None:
        from re import _constants as names  # type: ignore[attr-defined]

        self._names = names
        self._folded = folded

    def sequence(self, items: Any) -> bytes:
        return b"".join(self._item(op, value) for op, value in items)

    def _item(self, op: Any, value: Any) -> bytes:
        names = self._names
        if op is names.LITERAL:
            return self._char(chr(value))
        if op is names.ANY:
            return b"(?:" + _ANY + b"|" + _LINE_END + b")"
        if op is names.NOT_LITERAL:
            return b"(?:" + _ANY + b"|" + _LINE_END + b")"
        if op is names.IN:
            return self._class(value)
        if op is names.BRANCH:
            return b"(?:" + b"|".join(self.sequence(branch) for branch in value[1]) + b")"
        if op is names.SUBPATTERN:
            before = self._folded
            self._folded = before or bool(value[1] & re.IGNORECASE)
            inner = b"(?:" + self.sequence(value[3]) + b")"
            self._folded = before
            return inner
        if op in (names.MAX_REPEAT, names.MIN_REPEAT):
            low, high, inner = value
            body = b"(?:" + self.sequence(inner) + b")"
            if low == 0 and high == 1:
                return body + b"?"
            if low > _REPEAT_MAX or (high is not names.MAXREPEAT and high > _REPEAT_MAX):
                return body + (b"*" if low == 0 else b"+")
            if high is names.MAXREPEAT:
                return body + (b"*" if low == 0 else b"+" if low == 1 else b"{%d,}" % low)
            return body + b"{%d,%d}" % (low, high)
        if op is names.AT:
            return b""
        raise KeyError(op)

    def _char(self, char: str) -> bytes:
        if char in _AS_IT_IS:
            if self._folded and char.isalpha():
                forms = {char.lower(), char.upper()}
                if char.lower() in "ks":  # the Kelvin sign and the long s fold to them
                    return b"(?:[%s]|%s)" % ("".join(sorted(forms)).encode(), _ANY)
                return b"[" + "".join(sorted(forms)).encode() + b"]"
            return char.encode() if char.isalnum() else b"\\x%02x" % ord(char)
        if char in "\n\r":
            return _LINE_END
        if self._folded and not char.isascii():
            return _ANY
        return _written(char)

    def _class(self, items: Any) -> bytes:
        names = self._names
        out: list[bytes] = []
        for op, value in items:
            if op is names.NEGATE:
                return b"(?:" + _ANY + b"|" + _LINE_END + b")"
            if op is names.LITERAL:
                out.append(self._char(chr(value)))
            elif op is names.RANGE and chr(value[0]).isalnum() and chr(value[1]).isalnum() and value[1] < 128:
                form = b"%c-%c" % value
                swapped = form.swapcase() if self._folded and chr(value[0]).isalpha() else b""
                out.append(b"[" + form + swapped + b"]")
                if self._folded:
                    out.append(rb"[\x80-\xff]{1,4}|\\+u[0-9A-Fa-f]{4}")
            elif op is names.CATEGORY and value is names.CATEGORY_DIGIT:
                out.append(b"[0-9]")
            elif op is names.CATEGORY and value is names.CATEGORY_WORD:
                out.append(b"[0-9A-Za-z_]")
            elif op is names.CATEGORY and value is names.CATEGORY_SPACE:
                out.append(_SPACE)
            else:
                return b"(?:" + _ANY + b"|" + _LINE_END + b")"
        return b"(?:" + b"|".join(out) + b")"
