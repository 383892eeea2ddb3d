"""The gate through which text of a log reaches a person: made safe to show, to copy, or to write for others.

Policy of line ends and tabs: ``display_safe`` shows them as pictures (``␊ ␉``) unless it is told to keep them, so that
a one-line widget stays one line; a widget that lays out lines keeps newlines, one that expands tabs itself keeps tabs.
Carriage returns are never kept. ``one_line`` folds every run of blanks and line ends into one space.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NewType

from tracetui.text.width import cut

__all__ = [
    "SafeText",
    "copy_safe",
    "display_safe",
    "fenced",
    "html_safe",
    "is_display_safe",
    "markdown_safe",
    "one_line",
]

SafeText = NewType("SafeText", str)
"""A string without control characters, bidi and zero-width marks; the only kind of log text that widgets take."""

_REPLACEMENT: Final = "\ufffd"
_MARKS: Final = 16
"""Combining marks in a row that are shown. No script needs more than a few; piles of them cover other lines."""

# Format controls (Unicode category Cf), line and paragraph separators, surrogates, and what Unicode calls
# Default_Ignorable but not Cf: fillers, joiners and variation selectors, which can hide a payload in plain sight. The
# selectors of text and emoji presentation (FE0E, FE0F) stay: they are common in prose and choose a glyph, no more.
_HIDDEN: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD), (0x070F, 0x070F),
    (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xD800, 0xDFFF), (0xFE00, 0xFE0D), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_BIDI: Final = ((0x061C, 0x061C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069))


def _char_class(*ranges: tuple[int, int]) -> str:
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


_UNSAFE_ALWAYS: Final = _char_class((0x7F, 0x9F), *_HIDDEN)


@lru_cache(maxsize=4)
def _unsafe(newlines: bool, tabs: bool) -> re.Pattern[str]:
    """What must not be shown, by whether newlines and tabs may."""
    kept = {code for code, keep in ((0x0A, newlines), (0x09, tabs)) if keep}
    return re.compile(f"[{_char_class(*((code, code) for code in range(0x20) if code not in kept))}{_UNSAFE_ALWAYS}]")


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else _REPLACEMENT


# Patterns as texts: re compiles and keeps them when they are first used, so that starting the program does not pay.
_COPY_DROP: Final = "[\\x00-\\x08\\x0b-\\x1f" + _char_class((0x7F, 0x9F), *_BIDI) + "]+"


def display_safe(text: str, *, keep_newlines: bool = False, keep_tabs: bool = False) -> SafeText:
    """``text`` as it may be shown: the same number of code points, none of which moves, hides or controls anything.

    C0 becomes its picture (U+2400..), DEL U+2421; C1, bidi and zero-width marks, other format controls, line and
    paragraph separators and lone surrogates become U+FFFD, and so does what is beyond 16 combining marks in a row.
    ``keep_newlines`` and ``keep_tabs`` let those two pass.
    """
    if text.isascii() and text.isprintable():
        return SafeText(text)
    safe = _unsafe(keep_newlines, keep_tabs).sub(_shown, text)
    return SafeText(safe if safe.isascii() else _few_marks(safe))


def _few_marks(text: str) -> str:
    """Replace what is beyond ``_MARKS`` combining marks in a row."""
    if len(text) <= _MARKS or not _piled(text):
        return text
    out: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if _combines(char) else 0
        out.append(char if run <= _MARKS else _REPLACEMENT)
    return "".join(out)


def _piled(text: str) -> bool:
    """Whether more than ``_MARKS`` combining marks follow each other. A run of so many covers one of any so many places
    apart; only there it is looked closer."""
    for at in range(_MARKS, len(text), _MARKS + 1):
        if text[at] >= "\u0300" and _combines(text[at]):
            first = at
            while first and _combines(text[first - 1]):
                first -= 1
            last = at
            while last + 1 < len(text) and last - first < _MARKS and _combines(text[last + 1]):
                last += 1
            if last - first >= _MARKS:
                return True
    return False


def _combines(char: str) -> bool:
    return char >= "\u0300" and unicodedata.category(char) in {"Mn", "Me"}


def is_display_safe(text: str, *, keep_newlines: bool = False, keep_tabs: bool = False) -> bool:
    """Whether ``display_safe`` would leave ``text`` as it is; cheap enough for every line that is drawn."""
    if text.isascii() and text.isprintable():
        return True
    return _unsafe(keep_newlines, keep_tabs).search(text) is None and (text.isascii() or not _piled(text))


def copy_safe(text: str) -> str:
    """``text`` as it may be copied: without C0 (but tab and newline), DEL, C1 and bidi marks; lone surrogates become
    U+FFFD, so that it can be encoded."""
    text = re.sub(_COPY_DROP, "", text)
    return text if text.isascii() else re.sub("[\ud800-\udfff]", _REPLACEMENT, text)


def one_line(text: str, width: int | None = None) -> SafeText:
    """``text`` as one line of at most ``width`` cells, cut at the end with ``…``; blanks and line ends fold into one
    space. Only as much of a huge text is looked at as can be seen."""
    if width is not None and len(text) > 16 * width + 256:
        text = text[: 16 * width + 256]
    folded = " ".join(text.split())
    if not folded.isascii():
        # Whether a presentation selector widens its character differs between terminals; columns must not.
        folded = folded.replace("\ufe0e", "").replace("\ufe0f", "")
    safe = display_safe(folded)
    return safe if width is None else SafeText(cut(safe, width))


_MARKDOWN_ESCAPE: Final = r"[\\`*_{}\[\]()+!|~$^#]|(?<=:)/|/(?=/)|(?<=[Ww]{3})\."
_MARKDOWN_LEAD: Final = r"^(\d{1,9})([.)])|^([-=:])"
_MENTION: Final = r"@|#(?=\d)|(?<=[Gg][Hh])-(?=\d)"


def markdown_safe(text: str) -> str:
    """``text`` as words inside a line of Markdown: it renders as itself and as nothing else.

    Line ends become spaces; markup is escaped, ``<``, ``>`` and ``&`` become entities, addresses do not become links.
    An ``@`` (and ``#12``, ``GH-12``) stands in a code span of its own, since forges look for mentions after unescaping.
    """
    line = str(one_line(text))
    out: list[str] = []
    at = 0
    for match in re.finditer(_MENTION, line):
        out += (_markdown_plain(line[at : match.start()], first=at == 0), "`", match[0], "`")
        at = match.end()
    out.append(_markdown_plain(line[at:], first=at == 0))
    # Two code spans that touch would open a longer run of backticks.
    return "".join(out).replace("``", "` `")


def _markdown_plain(text: str, *, first: bool) -> str:
    text = re.sub(_MARKDOWN_ESCAPE, lambda match: "\\" + match[0], text)
    if first:
        text = re.sub(_MARKDOWN_LEAD, lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fenced(text: str, info: str = "") -> str:
    """``text`` as a fenced code block of Markdown, ending with a newline. The fence is longer than any run of backticks
    inside; ``info`` (a language) is reduced to letters, digits and ``+-_``; controls are shown as pictures."""
    body = str(display_safe(text.replace("\r\n", "\n"), keep_newlines=True, keep_tabs=True))
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    name = re.sub(r"[^A-Za-z0-9+_-]", "", info)[:40]
    return f"{fence}{name}\n{body}{'' if body.endswith(chr(10)) or not body else chr(10)}{fence}\n"


def html_safe(text: str) -> str:
    """``text`` as text or a quoted attribute value of HTML; newlines and tabs stay, other controls are pictures."""
    import html

    return html.escape(display_safe(text.replace("\r\n", "\n"), keep_newlines=True, keep_tabs=True), quote=True)
