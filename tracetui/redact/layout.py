"""Values that layout parts from their names: cells below a heading, a string written in several pieces."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["column", "pieces"]

_ROWS: Final = 60
"""Rows looked at below a header, and the code points of a row."""
_WIDTH: Final = 600
_HEADING: Final = re.compile(r"[\w \"'`.*/#()-]{0,40}+")
_RULE: Final = re.compile(r"[\s|:+=-]+")
_AND: Final = re.compile(
    r"[ \t]{0,3}(?:(?:\+|\.{1,2}|&|\\)\s{0,60}|\r?\n[ \t]{1,60}(?:(?:\+|\.{1,2}|&)[ \t]{0,4})?)(?=[\"'`])"
)


def column(text: str, left: int, right: int) -> list[tuple[int, int]]:
    """The cells below the heading at ``[left, right)``, as spans: rows of CSV, TSV or a Markdown table whose first line
    the heading stands in, with as many cells as that."""
    begin = text.rfind("\n", max(0, left - _WIDTH), left) + 1
    end = text.find("\n", right, right + _WIDTH)
    if end < 0 or left - begin > _WIDTH - 1:
        return []
    header = text[begin:end].rstrip("\r")
    separator = _separator(header)
    if not separator:
        return []
    names = header.split(separator)
    nth = text.count(separator, begin, left)
    if names[nth].strip(" \"'`*") != text[left:right].strip(" \"'`*"):
        return []
    out = []
    at = end + 1
    for _ in range(_ROWS):
        end = text.find("\n", at, at + _WIDTH)
        row = text[at : end if end >= 0 else at + _WIDTH].rstrip("\r")
        if separator != "|" or _RULE.fullmatch(row) is None:
            cells = row.split(separator)
            if len(cells) != len(names):
                break
            value = cells[nth].strip(" \"'`")
            if len(value) >= 6:
                start = at + sum(map(len, cells[:nth])) + nth + cells[nth].find(value)
                out.append((start, start + len(value)))
        if end < 0:
            break
        at = end + 1
    return out


def _separator(header: str) -> str:
    """What parts the cells of a heading; empty where a line is none."""
    if "=" in header or ":" in header or "{" in header:
        return ""
    separator = next((mark for mark in "|\t,;" if mark in header), "")
    if not separator:
        return ""
    names = header.split(separator)
    if separator in ",;":
        listed = separator + " " in header and "'" in header
        if header[0] in " \t" or not names[-1].strip() or listed:
            return ""  # a list in code
    worded = sum(any(map(str.isalpha, name)) for name in names) >= 2
    return separator if worded and all(_HEADING.fullmatch(name) for name in names) else ""


def pieces(text: str, at: int, close: int, quote: str) -> list[tuple[int, int]]:
    """The spans of the strings that are written as one from ``at`` on: ``"abc" + "def"``, or one below the other. The
    first one ends at ``close`` (-1: nowhere)."""
    out = [(at, close)]
    while close >= 0 and len(out) < 12:
        more = _AND.match(text, close + len(quote))
        if more is None or not text.startswith(quote, more.end()):
            break
        at = more.end() + len(quote)
        close = text.find(quote, at, at + 400)
        if close < 0 or "\n" in text[at:close]:
            break
        out.append((at, close))
    return [(a, b) for a, b in out if b > a]
