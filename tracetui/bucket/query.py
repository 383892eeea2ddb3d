"""The query line: free words, ``"literal text"`` and typed terms (``kind:command is:failed since:7d -path:tests/``),
with ``or`` and brackets.

A term is ``field:value`` or ``field:"a value"``, one value or several parted by commas; a ``-`` before a word, phrase,
term or bracket negates it. A blank binds stronger than ``or``. A word with a colon whose first part is no field stays a
word (``std::vector``, ``12:30``), unless it is nearly a field: then it is an error rather than a search that finds
nothing. A bracket counts only where a word could begin; within a word it is a part of it (``main()``). All is linear in
the text; alternatives are multiplied out, up to `MOST` of them.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from tracetui.bucket.query_match import in_project, matches_session
from tracetui.bucket.query_times import parse_span, parse_time
from tracetui.bucket.terms import FIELDS, FIXED, TERMS, Clause, Query
from tracetui.model import TracetuiError

__all__ = ["Token", "in_project", "matches_session", "parse", "parse_time", "project_value", "quoted", "tokens"]

MOST: Final = 64
"""Alternatives at most, brackets multiplied out."""
_FIELD: Final = re.compile(r"([A-Za-z_]{2,12}):")
_NUMBER: Final = re.compile(r"([<>]=?|=)?\s*(\d{1,12}(?:\.\d{1,6})?)([kKmM]?)")
_LENGTH_LIMIT: Final = 10_000
_DEPTH: Final = 40


class Token(NamedTuple):
    """A piece of the line: a word, phrase or term, or (``sign``) ``(``, ``)``, ``or`` or the ``-(`` that negates."""

    start: int
    end: int
    negated: bool
    field: str | None
    value: str
    value_start: int
    quoted: bool
    sign: str = ""


def tokens(text: str) -> list[Token]:
    """The pieces of a query line, whatever stands in it."""
    found: list[Token] = []
    at, end, depth = 0, len(text), 0
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        start = at
        # "--flag" and "->" are words; "-word", '-"a phrase"' and "-(" negate.
        negated = text[at] == "-" and at + 1 < end and (text[at + 1].isalnum() or text[at + 1] in '"_(')
        at += negated
        if text[at] == "(" and not text.startswith("()", at):
            found.append(Token(start, at + 1, negated, None, "", at + 1, False, "("))
            at, depth = at + 1, depth + 1
            continue
        if text[at] == ")" and depth and not negated:
            found.append(Token(start, at + 1, False, None, "", at + 1, False, ")"))
            at, depth = at + 1, depth - 1
            continue
        field = None
        match = _FIELD.match(text, at)
        if match and match[1].lower() in FIELDS:
            field = match[1].lower()
            at = match.end()
        value_start = at
        quoted = at < end and text[at] == '"'
        at, value = _quoted_value(text, at) if quoted else _plain_value(text, at, depth)
        sign = "or" if field is None and not quoted and not negated and value in ("or", "OR") else ""
        found.append(Token(start, at, negated, field, value, value_start, quoted, sign))
    return found


def _quoted_value(text: str, at: int) -> tuple[int, str]:
    pieces: list[str] = []
    at, end = at + 1, len(text)
    while at < end and text[at] != '"':
        if text[at] == "\\" and at + 1 < end and text[at + 1] in '"\\':
            at += 1
        pieces.append(text[at])
        at += 1
    return min(end, at + 1), "".join(pieces)


def _plain_value(text: str, at: int, depth: int) -> tuple[int, str]:
    """A word up to the next blank; a closing bracket that the word did not open ends it within brackets."""
    start, end, opened = at, len(text), 0
    while at < end and not text[at].isspace():
        opened += text[at] == "("
        if text[at] == ")":
            if depth and not opened:
                break
            opened = max(0, opened - 1)
        at += 1
    return at, text[start:at]


def _wrong(message: str) -> TracetuiError:
    return TracetuiError(message, status=2)


def parse(text: str, *, now: int | None = None) -> Query:
    """Read a query line.

    Relative times count from ``now`` (milliseconds since the epoch, by default the clock's), dates are local. An
    unclosed quote or bracket runs to the end, and an ``or`` without a neighbour says nothing, so that a line can be
    parsed while it is typed. Raises ``TracetuiError`` with status 2 that names the bad term.
    """
    if len(text) > _LENGTH_LIMIT:
        raise _wrong(f"the query is {len(text):,} characters long; the limit is {_LENGTH_LIMIT:,}")
    found = _Parser(tokens(text), now).alternatives(negated=False)
    return found[0] if len(found) == 1 else replace(found[0], others=tuple(found[1:]))


class _Parser:
    """Reads pieces into alternatives; each is a `Query` of its own."""

    def __init__(self, found: list[Token], now: int | None) -> None:
        self._tokens = found
        self._at = 0
        self._now = now

    def alternatives(self, *, negated: bool, depth: int = 0) -> list[Query]:
        """What stands up to the next closing bracket, parted by ``or``; of a negated bracket, its opposite."""
        if depth > _DEPTH:
            raise _wrong(f"brackets are more than {_DEPTH} deep")
        branches: list[list[Query]] = []
        while True:
            branch = self._all(negated=negated, depth=depth)
            if branch is not None:
                branches.append(branch)
            if self._at < len(self._tokens) and self._tokens[self._at].sign == "or":
                self._at += 1
                continue
            break
        if not branches:
            return [Query()]
        if negated:
            return _multiplied(branches)
        return _few([one for branch in branches for one in branch])

    def _all(self, *, negated: bool, depth: int) -> list[Query] | None:
        """Pieces that must all hold (or, negated, not all), as alternatives; None where there is none."""
        branches: list[list[Query]] = []
        merged: dict[str, tuple[int, list[str]]] = {}
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.sign in ("or", ")"):
                break
            self._at += 1
            if token.sign == "(":
                branches.append(self.alternatives(negated=negated != token.negated, depth=depth + 1))
                if self._at < len(self._tokens) and self._tokens[self._at].sign == ")":
                    self._at += 1
                continue
            found = self._text(token, negated) if token.field is None else self._term(token, negated)
            if token.field is None or token.negated or TERMS[token.field].both or not found[0].terms:
                branches += [[one] for one in found]
                continue
            # Given twice, a term asks for either.
            place, values = merged.setdefault(token.field, (len(branches), []))
            values += found[0].terms[0].values
            made = Query(terms=(Clause(token.field, tuple(dict.fromkeys(values)), negated),))
            branches[place : place + 1] = [[made]]
        if not branches:
            return None
        return _few([one for branch in branches for one in branch]) if negated else _multiplied(branches)

    @staticmethod
    def _text(token: Token, negated: bool) -> list[Query]:
        value = token.value
        if not token.quoted:
            _refuse_near_miss(value)
        if not value.strip():
            return []
        name = f"{'not_' if token.negated != negated else ''}{'phrases' if token.quoted else 'words'}"
        return [Query.of(**{name: (value,)})]

    def _term(self, token: Token, negated: bool) -> list[Query]:
        name = token.field or ""
        if not token.value.strip():
            raise _wrong(f"{name}: needs a value ({FIELDS[name]}); to search for the word itself, quote it")
        if name in ("since", "until"):
            if token.negated != negated:
                raise _wrong(f"-{name}: cannot be negated; use {'until' if name == 'since' else 'since'}:")
            when = parse_time(token.value, now=self._now, end=name == "until", term=f"{name}:{token.value}")
            return [Query(since=when)] if name == "since" else [Query(until=when)]
        values = _split(name, token)
        out = token.negated != negated
        if TERMS[name].both:
            return [Query(terms=(Clause(name, (value,), out),)) for value in values]
        return [Query(terms=(Clause(name, tuple(dict.fromkeys(values)), out),))]


def _few(found: list[Query]) -> list[Query]:
    found = list(dict.fromkeys(found))
    if len(found) > MOST:
        raise _wrong(f"the query has more than {MOST} alternatives; fewer brackets and or")
    return found


def _multiplied(branches: list[list[Query]]) -> list[Query]:
    """The alternatives of pieces that must all hold."""
    found = [Query()]
    for branch in branches:
        found = _few([_after(one, other) for one in found for other in branch])
    return found


def _after(one: Query, other: Query) -> Query:
    """Both, the words of ``other`` behind those of ``one``: the last word is also a beginning."""
    made = one.narrowed(replace(other, words=()))
    return replace(made, words=(*one.words, *other.words))


def _split(name: str, token: Token) -> list[str]:
    """The checked values of a typed term."""
    how = TERMS[name].values
    if name == "project":
        exact = token.value.startswith("=")
        return ["=" * exact + project_value(token.value[exact:])]
    if how in ("part", "start", "wild"):
        return (
            [value for value in token.value.split(",") if value]
            if how == "wild" and not token.quoted
            else [token.value]
        )
    values = [value.lower() for value in token.value.replace(" ", ",").split(",") if value]
    if not values:
        raise _wrong(f"{name}: needs a value ({FIELDS[name]})")
    if how in ("number", "money", "status"):
        for value in values:
            if _NUMBER.fullmatch(value) is None:
                raise _wrong(f"{name}:{value} is not a number; use {FIELDS[name]}")
        return values
    if how == "span":
        for value in values:
            try:
                parse_span(value.removeprefix(">"))
            except ValueError:
                raise _wrong(f"{name}:{value} is not a length of time; use 10s, 500ms, 2m or 1h") from None
        return values
    known = FIXED.get(name) or _harnesses()
    for value in values:
        if known and value not in known:
            raise _wrong(f"{name}:{value} is not known; one of {', '.join(known)}")
    return values


def number_of(value: str, default: str = "=") -> tuple[str, float]:
    """Comparison and number of a value such as ``>5k``; without a sign the comparison is ``default``."""
    match = _NUMBER.fullmatch(value)
    assert match is not None
    return match[1] or default, float(match[2]) * {"": 1, "k": 1000, "m": 1_000_000}[match[3].lower()]


def _harnesses() -> Sequence[str]:
    from tracetui.harness import HARNESSES

    return tuple(HARNESSES)


def _refuse_near_miss(word: str) -> None:
    match = _FIELD.match(word)
    if match is None or match.end() == len(word) or word[match.end()] in ":/\\" or len(match[1]) < 3:
        return
    name = match[1].lower()
    near = next((field for field in FIELDS if _one_edit_apart(name, field)), None)
    if near is not None:
        raise _wrong(f"{match[1]}: is not a term; {near}: is. To search for the word itself, quote it")


def _one_edit_apart(a: str, b: str) -> bool:
    """Whether one letter put in, left out or changed, or two neighbours swapped, makes ``a`` into ``b``."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1 or a == b or len(b) < 4:
        return False
    at = 0
    while at < len(a) and a[at] == b[at]:
        at += 1
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])


def project_value(text: str) -> str:
    """A project as a person names it: ``.``, ``./x``, ``../x`` and ``~/x`` become absolute folders, the rest stays."""
    text = text.rstrip("/") or text
    if text in (".", "..") or text.startswith(("./", "../")):
        return os.path.normpath(Path.cwd() / text)  # symlinks stay as the agent saw them
    if text == "~" or text.startswith("~/"):
        return os.path.expanduser(text)  # noqa: PTH111 - never raises
    return text


def quoted(value: str) -> str:
    """A value as it stands in a query line: in quotes where it needs them."""
    if value and not any(char.isspace() or char in '"(),' for char in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
