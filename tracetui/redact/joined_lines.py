"""Line breaks inside what is one token: where a terminal or a tool broke it, also behind line numbers and marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from tracetui.redact.entropy import looks_random, wordiness

__all__ = ["Piece", "breaks"]

Piece = tuple[int, int, str]
"""A place of a text and what stands for it: (start, end, replacement)."""

_PREFIX: Final = re.compile(
    r"(?:[ \t]{0,10}+\d{1,7}+(?:→|\t|:[ \t]?|\||[ ]?│|[ ]{2})"  # cat -n, nl, bat, pr
    r"|[\w./@-]{1,160}[:\-]\d{1,7}[:\-]"  # grep -n
    r"|[+\->|#*][ \t]?|//[ \t]|[│┃][ ]?|[ \t]{1,40}+)"  # diff, quote, table, comment, indentation
)
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~%"
_TOKEN: Final = frozenset(_LETTERS)
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_.~%-]{1,400}+")
# For finding line ends fast: a letter of a token becomes "a", what may stand between it and the break "b".
_LINES: Final = bytes(
    10 if n == 10 else 97 if chr(n) in _LETTERS else 98 if chr(n) in "\\\r" else 32 for n in range(256)
)
_LONG: Final = b"a" * 16
_REACH: Final = 420


def breaks(text: str) -> list[Piece]:
    """Line breaks inside what looks like one long token: where a line is as long as its neighbours or ends in a long
    random run, and the next one (behind what numbers or marks its lines) goes on with the token."""
    out: list[Piece] = []
    clean = text.encode("ascii", "replace").translate(_LINES)
    if b"b\n" in clean:
        # A carriage return or a backslash at the end of a line is no end of what goes on.
        clean = clean.replace(b"abb\n", b"aaa\n").replace(b"ab\n", b"aa\n")
    lines = clean.split(b"\n")
    lengths = list(map(len, lines))
    ends = list(accumulate(lengths))
    for nth in [
        nth
        for nth, (line, before, size, further) in enumerate(zip(lines, [0, *lengths], lengths, lengths[1:]))
        if size >= 10
        and further
        and line.endswith(b"aa")
        and ((size >= further - 1 and size >= before - 1) or line.endswith(_LONG))
    ]:
        size, further = lengths[nth], lengths[nth + 1]
        cut = ends[nth] + nth
        if (
            size == further
            and size >= 40
            and b" " not in lines[nth + 1]
            and (b" " not in lines[nth] and lines[nth].endswith(_LONG))
        ):
            tail = text[cut - 2 : cut].rstrip("\r").removesuffix("\\")
            out.append((cut - 2 + len(tail), cut + 1, ""))  # a block of base64
            continue
        full = size >= further - 1 and (not nth or size >= lengths[nth - 1] - 1)
        piece = _break(text, cut - size, cut, cut + 1 + further, full=full)
        if piece is not None:
            out.append(piece)
    if not _WIDTHS.isdisjoint(lengths):
        out = _apart([*out, *_wrapped(text, lengths)])
    if "-BEGIN" in text:
        out = _apart([*out, *((*match.span(1), "") for match in _TORN_HEADER.finditer(text))])
    return out


_WIDTHS: Final = frozenset({80, 100, 120, 132, 160})
"""Columns of terminals; a line that fills one of them may go on in the next, in the midst of any word."""


def _wrapped(text: str, lengths: list[int]) -> Iterator[Piece]:
    """The breaks behind lines that fill a terminal, where no blank stands beside them."""
    ends = list(accumulate(lengths))
    for nth in [nth for nth, size in enumerate(lengths[:-1]) if size in _WIDTHS]:
        cut = ends[nth] + nth
        if lengths[nth + 1] and not (text[cut - 1].isspace() or text[cut + 1].isspace()):
            yield cut, cut + 1, ""


_TORN_HEADER: Final = re.compile(
    r"-----BEGIN[A-Z ]{0,40}"
    r"(\\?\r?\n(?:[ \t]{0,10}+\d{1,7}+(?:→|\t|:[ \t]?|\|[ ]?|[ ]?│[ ]?|[ ]{2})|[+>|#][ \t]?)?)[A-Z ]{0,40}-{1,5}+"
)


def _apart(pieces: list[Piece]) -> list[Piece]:
    """Pieces in order, without those that reach into one before."""
    pieces.sort()
    return [piece for nth, piece in enumerate(pieces) if not nth or piece[0] >= pieces[nth - 1][1]]


def _break(text: str, begin: int, cut: int, stop: int, *, full: bool) -> Piece | None:
    """The break at ``cut`` between the line from ``begin`` and the one to ``stop``, where one token goes on behind it.
    ``full``: the line is as long as its neighbours."""
    tail = text[max(begin, cut - _REACH) : cut].rstrip("\r").removesuffix("\\")
    run = tail[len(tail.rstrip(_LETTERS)) :]
    size = len(run)
    start = cut + 1
    stop = min(stop, cut + _REACH)
    first = text[start]
    if size < 16 and first in " \t" and not text[start:stop].lstrip(" \t")[:1].isdigit():
        return None  # indented, not numbered: only a long run goes on there
    marked = False
    if first not in _TOKEN or first in "+-0123456789":
        mark = _PREFIX.match(text, start, stop)
        if mark is not None and (first not in _TOKEN or mark.end() > start + 1):
            start = mark.end()
            marked = not text[cut + 1 : start].isspace()
    right = _RUN.match(text, start, stop)
    if right is None or stop <= start + 1:
        return None
    even = full and size >= 2 and (marked or start == cut + 1)
    if (size < 16 and not even) or not _goes_on(text, run, right, full=full):
        return None
    if _assigns(text, start, stop) and _assigns(text, _unmarked(text, begin, cut), cut):
        return None  # two settings, one below the other
    return cut - (min(cut - begin, _REACH) - len(tail)), start, ""


def _goes_on(text: str, run: str, right: re.Match[str], *, full: bool) -> bool:
    """Whether the ``run`` at the end of a line goes on in what ``right`` matched at the beginning of the next."""
    size = len(run)
    if size + right.end() - right.start() < 12:
        return False
    if run[-1] == "=" and size >= 16 and not size % 4:
        return False  # base64 is padded at its end only
    if not _one(run, right.group(), full=full):
        return False
    begins = size >= 8 and _begins(right.group(), text[right.end() : right.end() + 2])
    return not (begins and looks_random(run))


_SETTING: Final = re.compile(
    r"(?:[-*+] )?(?:export )?[\"']?(?://)?([A-Za-z_][\w./-]{0,63}+(?: [\w-]{1,20}){0,2}+)[\"']?[ ]?"
    r"(?:=|:(?!//))(?=[^=\s]| \S)"
)


def _assigns(text: str, at: int, stop: int) -> bool:
    """Whether a line gives something a name: ``TOKEN=…``, ``- Token scopes: …``, ``//registry/:_authToken=…``."""
    match = _SETTING.match(text, at, stop)
    return match is not None and not looks_random(match[1])


def _unmarked(text: str, at: int, stop: int) -> int:
    mark = _PREFIX.match(text, at, stop)
    return at if mark is None else mark.end()


def _begins(right: str, after: str) -> bool:
    """Whether what stands behind a random string's line break begins something of its own: a name or a word."""
    name, equals, _ = right.partition("=")
    if (
        (equals and not name.endswith("=") and len(right) > len(name) + 1)
        or after[:1] == ":"
        or after.strip()[:1] == "="
    ):
        return not looks_random(name) and name[:1].isalpha()
    bare = right.rstrip(".,")
    if bare.isalpha() and (bare.islower() or bare.istitle() or bare.isupper()):
        if after[:1] in ('"', "'", "`") or (after and len(bare) < 4 and after[0] != " "):
            return False
        return bool(after) if len(bare) < 4 else wordiness(bare)[1] >= 0.7
    return False


def _one(left: str, right: str, *, full: bool) -> bool:
    """Whether two runs at a line break may be one token: not where both are words."""
    if len(right) < 2 and not full:
        return False
    if left.isalpha() and right.isalpha():
        _, common = wordiness(left[-24:] + right[:24])
        return common < 0.62 and len(left) + len(right) >= 12
    if len(left) < 4 and not any(c.isdigit() for c in left + right[:12]):
        return "_" in right or "-" in right
    return True
