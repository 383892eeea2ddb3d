"""Colours for code without the danger of it: a scanner that takes one pass over any text, however hostile.

General highlighters run backtracking patterns over what they colour, and one crafted line can hold a program for hours.
Here a pattern only ever finds the next place of interest (fixed words, one character class); strings and comments are
then ended with ``str.find``, and what has no end ends with the text. It knows comments, strings, numbers, keywords and
names of keys, which is what helps to read; it is no parser.

A token is ``(start, end, style)`` with offsets in code points; the style is a colour role with letters for its
attributes after a colon (``code-keyword``, ``accent:b``).
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

__all__ = ["SyntaxTokens", "Token", "language_of", "scan"]

Token = tuple[int, int, str]

_WINDOW: Final = 64 * 1024
"""Code points; whoever jumps further than this starts to scan afresh at a line."""
_CHUNK: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class _Family:
    """What a family of languages has: how comments begin and end, quotes (and whether a string may run over lines),
    keywords, and whether a name before ``:`` or ``=`` is a key."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    quotes: str = "\"'"
    open_quotes: str = ""
    long_quotes: tuple[str, ...] = ()
    words: str = ""
    literals: str = "true false null"
    keys: str = ""
    fold: bool = False
    sigil: str = ""
    escape: bool = True


_C_WORDS = (
    "abstract as async await auto bool break case catch char class const constexpr continue default defer delete do "
    "double dyn else enum explicit export extends extern final finally float fn for from func function go goto if impl "
    "implements import in include inline instanceof int interface internal is let lock long loop map match mod move "
    "mut namespace new operator override package private protected pub public range readonly ref return self short "
    "signed sizeof static string struct super switch synchronized template this throw throws trait try type typedef "
    "typename typeof union unsafe unsigned use using val var virtual void volatile when where while with yield"
)
_PYTHON_WORDS = (
    "and as assert async await break case class continue def del elif else except finally for from global if import in "
    "is lambda match nonlocal not or pass raise return self try while with yield"
)
_SHELL_WORDS = (
    "case cd do done echo elif else esac eval exec exit export fi for function if in local return select set shift "
    "source sudo then trap unset until while"
)
_RUBY_WORDS = (
    "alias and begin break case class def defined do else elsif end ensure extend for if in include module next not or "
    "private public raise redo require rescue retry return self super then undef unless until when while yield "
    "local function repeat defmodule defp fn"
)
_SQL_WORDS = (
    "add all alter and as asc begin between by case column commit constraint create cross database default delete desc "
    "distinct drop else end exists explain foreign from full group having if in index inner insert into is join key "
    "left like limit not on or order outer over partition pragma primary references replace returning right rollback "
    "select set table then transaction trigger union unique update using values view when where with"
)

_FAMILIES: Final[dict[str, _Family]] = {
    "c": _Family(
        ("//",), (("/*", "*/"),), open_quotes="`", words=_C_WORDS, literals="true false null nil None undefined"
    ),
    "python": _Family(
        ("#",), quotes="\"'", long_quotes=('"""', "'''"), words=_PYTHON_WORDS, literals="True False None", sigil="@"
    ),
    "shell": _Family(("#",), quotes='"', open_quotes="'", words=_SHELL_WORDS, literals="true false", sigil="$"),
    "ruby": _Family(("#",), words=_RUBY_WORDS, literals="true false nil", sigil=":@"),
    "lua": _Family(("--",), (("--[[", "]]"), ("{-", "-}")), words=_RUBY_WORDS, literals="true false nil"),
    "sql": _Family(("--",), (("/*", "*/"),), words=_SQL_WORDS, literals="null true false", fold=True, escape=False),
    "json": _Family(quotes='"', keys=":"),
    "config": _Family(("#", ";"), quotes="\"'", keys=":=", literals="true false null yes no on off"),
    "markup": _Family((), (("<!--", "-->"),)),
    "css": _Family((), (("/*", "*/"),), keys=":", literals=""),
}

_EXTENSIONS: Final[dict[str, str]] = {
    extension: language
    for language, extensions in {
        "c": "c h cc cpp cxx hpp hh m mm java js jsx mjs cjs ts tsx mts go rs swift kt kts cs php scala dart zig "
        "groovy gradle proto v sol vue svelte",
        "python": "py pyi pyx bzl star",
        "shell": "sh bash zsh fish ksh env dockerfile mk makefile just justfile",
        "ruby": "rb rake gemspec ex exs cr erb jl r pl pm",
        "lua": "lua hs elm ada",
        "sql": "sql",
        "json": "json jsonl json5 jsonc ipynb webmanifest",
        "config": "yaml yml toml ini cfg conf properties editorconfig gitignore tf hcl nix lock",
        "markup": "html htm xml svg xhtml plist xsl",
        "css": "css scss sass less tcss",
        "markdown": "md markdown mdx rst txt",
        "diff": "diff patch",
    }.items()
    for extension in extensions.split()
}
_NAMES: Final = {
    "javascript": "c", "typescript": "c", "rust": "c", "golang": "c", "kotlin": "c", "csharp": "c", "c++": "c",
    "objective-c": "c", "python3": "python", "console": "shell", "shell": "shell", "terminal": "shell",
    "elixir": "ruby", "ruby": "ruby", "perl": "ruby", "haskell": "lua", "python": "python", "markdown": "markdown",
    "config": "config", "markup": "markup", "postgresql": "sql", "sqlite": "sql", "text": "", "plain": "",
}  # fmt: skip


def language_of(name: str | None) -> str:
    """The language to scan a file of this name, or a fence of this info word, with; ``""`` when there is none."""
    if not name or len(name) > 4096:
        return ""
    base = name.replace("\\", "/").rpartition("/")[2].strip().lower()
    found = _NAMES.get(base)
    if found is not None:
        return found
    return _EXTENSIONS.get(base.rpartition(".")[2], "")


@cache
def _finder(language: str) -> re.Pattern[str]:
    """The pattern that finds the next place of interest of a language; every alternative is a fixed string or one
    character class, so that a search is one pass."""
    family = _FAMILIES[language]
    parts: list[str] = []
    openers = sorted((opener for opener, _ in family.block), key=len, reverse=True)
    if openers:
        parts.append(f"(?P<block>{'|'.join(map(re.escape, openers))})")
    if family.line:
        # A comment sign within a word or an address (``http://``, ``$#``) is none.
        parts.append(rf"(?P<line>(?<![^\s(){{}};,])(?:{'|'.join(map(re.escape, family.line))}))")
    if family.long_quotes:
        parts.append(f"(?P<long>{'|'.join(map(re.escape, family.long_quotes))})")
    parts.append(f"(?P<quote>[{re.escape(family.quotes + family.open_quotes)}])")
    if language == "markup":
        parts.append(r"(?P<word></?[A-Za-z][\w:.-]*|/?>)")
    elif family.words or family.literals:
        words = sorted({*family.words.split(), *family.literals.split()}, key=len, reverse=True)
        flag = "(?i:" if family.fold else "(?:"
        parts.append(rf"(?P<word>(?<![\w.$-]){flag}{'|'.join(words)})(?![\w-]))")
    if family.sigil:
        parts.append(rf"(?P<sigil>(?<!\w)[{re.escape(family.sigil)}]\{{?[A-Za-z_][\w.]*)")
    if family.keys and language != "json":
        parts.append(rf"(?P<key>(?<![^\s])[A-Za-z_][\w./-]*(?=[{re.escape(family.keys)} ]))")
    parts.append(
        r"(?P<number>(?<![\w./])(?:0[xXbBoO][\dA-Fa-f_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?[A-Za-z%]{0,2})(?![\w/-]))"
    )
    return re.compile("|".join(parts))


_ESCAPED: Final = {quote: re.compile(rf"[\\\n{re.escape(quote)}]") for quote in "\"'`"}
_ESCAPED_LONG: Final = {quote: re.compile(rf"[\\{re.escape(quote)}]") for quote in "\"'`"}
_KEY_AFTER: Final = re.compile(r"[ \t]{0,8}:")


def _string_end(text: str, at: int, end: int, quote: str, *, long: bool, escape: bool) -> int:
    """The end of a string whose text begins at ``at``; a short one ends with its line at the latest."""
    if not escape:
        stop = text.find(quote, at, end)
        line = -1 if long else text.find("\n", at, end if stop < 0 else stop)
        return line if line >= 0 else end if stop < 0 else stop + 1
    search = (_ESCAPED_LONG if long else _ESCAPED)[quote].search
    while (match := search(text, at, end)) is not None:
        if match[0] == quote:
            return match.end()
        if match[0] == "\n":
            return match.start()
        at = match.end() + 1
    return end


def _scan_code(text: str, at: int, end: int, language: str) -> Iterator[Token]:
    family = _FAMILIES[language]
    search = _finder(language).search
    closers = dict(family.block)
    literals = frozenset(family.literals.split())
    while at < end and (match := search(text, at, end)) is not None:
        kind, start, at = match.lastgroup, match.start(), match.end()
        if kind == "word":
            if language == "markup":
                yield start, at, "code-keyword"
            else:
                yield start, at, "code-number" if match[0] in literals else "code-keyword"
        elif kind == "number":
            yield start, at, "code-number"
        elif kind == "quote":
            quote = match[0]
            if quote == "'" and start and text[start - 1].isalnum() and language != "json":
                continue  # an apostrophe: prose in a comment, or a letter of a literal
            at = _string_end(text, at, end, quote, long=quote in family.open_quotes, escape=family.escape)
            is_key = family.keys and _KEY_AFTER.match(text, at, end) is not None
            yield start, at, "code-name" if is_key else "code-string"
        elif kind == "long":
            stop = text.find(match[0], at, end)
            at = end if stop < 0 else stop + 3
            yield start, at, "code-string"
        elif kind == "line":
            stop = text.find("\n", at, end)
            at = end if stop < 0 else stop
            yield start, at, "code-comment"
        elif kind == "block":
            closer = closers[match[0]]
            stop = text.find(closer, at, end)
            at = end if stop < 0 else stop + len(closer)
            yield start, at, "code-comment"
        else:
            yield start, at, "code-name"


_DIFF_STYLES: Final = {"+": "added", "-": "removed", "@": "muted", "\\": "muted"}


def _scan_diff(text: str, at: int, end: int, language: str) -> Iterator[Token]:
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        style = _DIFF_STYLES.get(text[at]) if at < stop else None
        if style is not None:
            yield at, stop, style
        at = stop + 1


_BULLET: Final = re.compile(r"[ \t]{0,40}(?:[-*+]|\d{1,4}[.)])(?= )")
_INLINE: Final = re.compile(r"`|\*\*|\bhttps?://[^\s<>()\[\]\"'`]+")


def _scan_prose(text: str, at: int, end: int, language: str) -> Iterator[Token]:
    """Light Markdown, the signs left as they are: headings, fences, lists, quotes, code and strong words."""
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        head = text[at : min(stop, at + 48)]
        bare = head.lstrip(" ")
        indent = len(head) - len(bare)
        if bare.startswith(("```", "~~~")):
            fence = bare[:3]
            yield at, stop, "muted"
            inner = stop + 1
            close = text.find("\n" + head[:indent] + fence, stop, end)
            last = end if close < 0 else close
            info = text[at + indent : min(stop, at + 200)].strip("`~ ").split(" ", 1)[0]
            fenced = language_of(info)
            if fenced and fenced != "markdown" and inner < last:
                yield from scan(text, inner, last, fenced)
            elif not fenced and inner < last:
                yield inner, last, "code-string"
            if close < 0:
                return
            at = close + 1
            stop = text.find("\n", at, end)
            stop = end if stop < 0 else stop
            yield at, stop, "muted"
        elif bare.startswith("#") and bare.lstrip("#")[:1] == " " and indent < 4:
            yield at, stop, "accent:b"
        elif bare.startswith(">"):
            yield at, stop, "muted"
        else:
            bullet = _BULLET.match(text, at, stop)
            if bullet is not None:
                yield at + indent, bullet.end(), "accent"
                at = bullet.end()
            yield from _scan_inline(text, at, stop)
        at = stop + 1


def _scan_inline(text: str, at: int, stop: int) -> Iterator[Token]:
    while (match := _INLINE.search(text, at, stop)) is not None:
        start, at = match.start(), match.end()
        mark = match[0]
        if mark[0] == "h":
            yield start, at, "accent:u"
            continue
        close = text.find(mark, at, stop)
        if close < 0:
            # Only this line is looked at, and only once for each of the two marks.
            if mark == "`" or "`" not in text[at:stop]:
                return
            continue
        if close > at:
            at = close + len(mark)
            yield start, at, "code-string" if mark == "`" else ":b"


def scan(text: str, start: int, end: int, language: str) -> Iterator[Token]:
    """The tokens of a range of ``text`` that begins at a line, in order, none overlapping. Unknown languages have none.

    One pass over the text, whatever it holds.
    """
    scanner: Callable[[str, int, int, str], Iterator[Token]]
    if language in _FAMILIES:
        scanner = _scan_code
    elif language == "markdown":
        scanner = _scan_prose
    elif language == "diff":
        scanner = _scan_diff
    else:
        return iter(())
    return scanner(text, start, end, language)


class SyntaxTokens:
    """The tokens of a section of a text, scanned only as far as they are asked for."""

    def __init__(self, text: str, start: int, end: int, language: str) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._language = language
        self._begin(start)

    def _begin(self, at: int) -> None:
        self._from = self._to = at
        self._starts = array("q")
        self._found: list[Token] = []
        self._source = scan(self._text, at, self._end, self._language)

    def between(self, start: int, end: int) -> list[Token]:
        """The tokens that touch ``[start, end)``."""
        if start < self._from or start > self._to + _WINDOW:
            line = self._text.rfind("\n", self._start, max(self._start, start - _CHUNK)) + 1
            self._begin(max(self._start, line))
        while self._to < end:
            token = next(self._source, None)
            if token is None:
                self._to = self._end
                break
            self._starts.append(token[0])
            self._found.append(token)
            self._to = token[0]
        low = bisect_right(self._starts, start) - 1
        low = max(low, 0)
        high = bisect_left(self._starts, end)
        return [token for token in self._found[low:high] if token[1] > start]
