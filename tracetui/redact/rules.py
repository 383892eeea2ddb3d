"""Every rule over one piece of text: one automaton finds keywords, each keyword wakes the rules that need it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from tracetui.redact.entropy import TOKEN, bits, harmless_shape, is_hex, looks_random, runs
from tracetui.redact.finding import Finding
from tracetui.redact.formats import EVERYWHERE, FORMATS
from tracetui.redact.named import name_at, value_behind
from tracetui.redact.names import KEYWORDS
from tracetui.redact.near import near_provider
from tracetui.redact.opaque import BLOB, Opaque, opaque_spans
from tracetui.redact.pem import key_blocks
from tracetui.redact.personal import PERSONAL_WORDS, personal_at
from tracetui.redact.placeholders import placeholder
from tracetui.redact.providers import COMMON, PROVIDERS
from tracetui.redact.refuse import cookies, refused, refused_format
from tracetui.redact.structure import STRUCTURES

__all__ = ["BREAK", "detect", "lowered"]

BREAK: Final = "\n\n\0\n\n"
"""Between texts that are scanned together; no rule looks across it."""
_FORMAT_BEFORE: Final = 96
_FORMAT_AFTER: Final = 1_200
_WEAK_LENGTH: Final = 20

_FORMAT, _WINDOW, _STRUCTURE, _NAME, _PROVIDER, _PERSONAL, _KEY = range(7)
_WORDY: Final = frozenset({_NAME, _PROVIDER, _PERSONAL})
"""What a word wakes; in the midst of a random string it stands by chance."""


_PLAIN: Final = re.compile(
    r"\((?:[A-Za-z0-9_-]|\\[-.+])+(?:\[[A-Za-z0-9_+/=.-]+\]|\\w|\\d)(?:\{\d+(?:,\d+)?\}|\+)(?:\\b)?\)(?:\\b)?"
)
"""A pattern of fixed characters and one class behind them: the standard library's engine matches it without a step back
worth speaking of, several times faster than RE2's binding is called."""


class _Pattern:
    """A pattern of ours over text as ASCII; compiled when it is first needed, since most never are."""

    __slots__ = ("_finder", "_matcher", "_opening", "_pattern")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._finder: Any = None
        self._matcher: Any = None
        self._opening: re.Pattern[bytes] | None = None

    def _compiled(self) -> Any:
        if self._finder is None:
            self._finder = _compile(self._pattern)
        return self._finder

    def match(self, raw: bytes, start: int) -> tuple[int, int] | None:
        """The span of group 1 of a match that begins at ``start``."""
        if self._matcher is None:
            plain = _PLAIN.fullmatch(self._pattern) is not None
            self._matcher = re.compile(self._pattern.encode()) if plain else self._compiled()
            self._opening = None if plain else _opening(self._pattern)
        if self._opening is not None and self._opening.match(raw, start) is None:
            return None
        if isinstance(self._matcher, re.Pattern):
            found = self._matcher.match(raw, start)
            return None if found is None else found.span(1)
        found = self._matcher.match(raw[start : start + _FORMAT_AFTER])
        return None if found is None else (start + found.start(1), start + found.end(1))

    def finditer(self, piece: bytes) -> Iterator[Any]:
        """All matches in a piece."""
        found: Iterator[Any] = self._compiled().finditer(piece)
        return found


_ITEM: Final = re.compile(
    r"(\[[^\\\]]+\]|\(\?:[a-z]+(?:\|[a-z]+)+\)|\\[d.$+\[]|[A-Za-z0-9_/:~=@-])(?:\{(\d+)(,\d*)?\}|(\+)|([*?|]))?"
)


def _opening(pattern: str) -> re.Pattern[bytes] | None:
    """What the pattern of a prefixed format begins with, without repetition of unknown length: the standard library's
    engine tries it at a fraction of the cost of a call of RE2's binding."""
    out = ""
    at = 1
    while (item := _ITEM.match(pattern, at)) is not None:
        what, least, more, plus, loose = item.groups()
        if loose:
            break
        out += what + (f"{{{least}}}" if least else "")
        if more or plus:
            break
        at = item.end()
    return re.compile(out.encode()) if out else None


def _compile(pattern: str) -> Any:
    if "}+" in pattern:
        return re.compile(pattern.encode())
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options)


class _Rules:
    """The compiled rules: one automaton over all keywords, and what each keyword wakes."""

    def __init__(self) -> None:
        import ahocorasick

        wakes: dict[str, list[tuple[int, Any]]] = {}

        def wake(word: str, what: int, value: Any) -> None:
            wakes.setdefault(word.lower(), []).append((what, value))

        self.formats: list[tuple[str, str, _Pattern]] = []
        for rule, kind, words, pattern, prefix in FORMATS:
            number = len(self.formats)
            self.formats.append((rule, kind, _Pattern(pattern)))
            for word in words:
                if prefix and word == prefix.lower():
                    wake(word, _FORMAT, (number, prefix))
                else:
                    wake(word, _WINDOW, number)
        self.structures = [
            (rule, kind, tier, _Pattern(pattern), before, after, need)
            for rule, kind, tier, _, pattern, before, after, need in STRUCTURES
        ]
        for number, row in enumerate(STRUCTURES):
            for word in row[3]:
                wake(word, _STRUCTURE, number)
        for word in KEYWORDS:
            wake(word, _NAME, None)
            if not word.isascii():
                # Only ASCII is read in lower case.
                for other in {lowered(word.title()), lowered(word.upper())} - {word}:
                    wakes.setdefault(other, []).append((_NAME, None))
        for word in PERSONAL_WORDS:
            wake(word, _PERSONAL, word)
        for word in PROVIDERS:
            common = word in COMMON
            if len(word) > (6 if common else 3):
                wake(word, _PROVIDER, common)
        wake("private key", _KEY, None)
        self.automaton = ahocorasick.Automaton()
        # A node looks through its children in the order in which they came: common letters first saves a quarter.
        for word, woken in sorted(wakes.items(), key=lambda item: [_ORDER.get(c, 99) for c in item[0]]):
            self.automaton.add_word(word, (len(word), tuple(woken)))
        self.automaton.make_automaton()
        self.beginning: dict[str, list[tuple[str, str, re.Pattern[str]]]] = {}
        for rule, kind, firsts, pattern in EVERYWHERE:
            for first in firsts:
                self.beginning.setdefault(first, []).append((rule, kind, re.compile(pattern)))
        self.dotted = self.beginning["s"][0]


_ORDER: Final = {c: nth for nth, c in enumerate(" etsaornicldpu-m0f2hg1.\":/b64,3vy5wk8_9()x7={>j`['\\q*|z$@&?!;")}
"""Characters of logs, the commonest first; others come last."""


@cache
def _rules() -> _Rules:
    return _Rules()


def lowered(text: str) -> str:
    """ASCII in lower case, every code point in its place. Bytes are lowered many times faster than other letters."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def detect(text: str, *, weak: bool = True, seconds: float = 30.0) -> list[Finding]:
    """Findings of all rules in one text, in its code points; unsorted, with overlaps. ``weak``: by entropy too.

    Each rule's work at a place is bounded; a text that has so many places that it takes this thread longer than
    ``seconds`` of the processor's time gets an ``unscanned`` finding.
    """
    if len(text) < 6:
        return []
    rules = _rules()
    low = lowered(text)
    # One byte a code point, so that offsets hold; what is not ASCII is no part of any token.
    raw = text.encode("ascii", "replace")
    size = len(text)
    out: list[Finding] = []
    windows: dict[int, list[tuple[int, int]]] = {}
    structures: dict[int, list[tuple[int, int]]] = {}
    named = providing = -1
    keyed = -1
    places = 0
    blobs = opaque_spans(text, raw)
    blob = 0
    deadline = time.thread_time() + seconds
    for last, (length, woken) in rules.automaton.iter(low):
        start = last + 1 - length
        places += 1
        if not places & 255 and time.thread_time() > deadline:
            out.append(Finding(start, size, "unscanned", "unscanned", 1, "plain", "took too long to scan"))
            break
        inside = 0
        if blob < len(blobs):
            while blob < len(blobs) and blobs[blob].end <= last:
                blob += 1
            if blob < len(blobs) and blobs[blob].start < start:
                inside = blobs[blob].end - blobs[blob].start
                if inside >= BLOB:
                    continue
        for what, value in woken:
            if inside and what in _WORDY:
                continue
            if what == _NAME:
                if start < named:
                    continue
                left, right = name_at(text, start, last + 1)
                named = right
                if left and text[left - 1] in "\\%" and right - left > 1:
                    # An escape's letter is no part of the name.
                    left += 1 if text[left - 1] == "\\" else 2
                out += [
                    Finding(item.start, item.end, item.kind, "named-value", 2, "plain", item.why)
                    for item in value_behind(text, left, right, low)
                ]
            elif what == _PROVIDER:
                if start < providing:
                    continue
                for item in near_provider(text, low, start, last + 1, common=value):
                    out.append(Finding(item.start, item.end, item.kind, "near-provider", 2, "plain", item.why))
                    providing = item.end
            elif what == _FORMAT:
                number, prefix = value
                if not text.startswith(prefix, start):
                    continue
                if (
                    start
                    and (text[start - 1].isalnum() or text[start - 1] == "_")
                    and (prefix[0].isalnum() or prefix[0] == "_")
                ):
                    continue
                rule, kind, pattern = rules.formats[number]
                span = pattern.match(raw, start)
                if span is not None:
                    _format(out, text, span[0], span[1], rule, kind)
            elif what == _PERSONAL:
                found = personal_at(text, low, value, start, last + 1)
                if found is not None:
                    out.append(Finding(found.start, found.end, found.kind, found.rule, 2, "plain", found.why))
            elif what == _WINDOW:
                windows.setdefault(value, []).append((max(0, start - _FORMAT_BEFORE), min(size, start + _FORMAT_AFTER)))
            elif what == _STRUCTURE:
                _, _, _, _, before, after, need = rules.structures[value]
                if need and text.find(need, last, start + after) < 0:
                    continue
                structures.setdefault(value, []).append((max(0, start - before - 1), min(size, start + after)))
            elif start > keyed:
                block = key_blocks(text, start)
                if block is not None:
                    out.append(Finding(*block, "private-key", "private-key", 1, "plain", "a private key"))
                    keyed = block[1]
    late = False
    for number, spans in windows.items():
        if late := time.thread_time() > deadline:
            break
        rule, kind, pattern = rules.formats[number]
        for a, b in _merged(spans):
            for match in pattern.finditer(raw[a:b]):
                _format(out, text, a + match.start(1), a + match.end(1), rule, kind)
    for number, spans in structures.items():
        if late := late or time.thread_time() > deadline:
            break
        _structure(out, text, raw, rules.structures[number], spans)
    if size >= _WEAK_LENGTH:
        _runs(out, text, raw, rules, blobs, weak=weak)
    if late:
        out.append(Finding(0, size, "unscanned", "unscanned", 1, "plain", "took too long to scan"))
    if "\0" in text:
        out = [found for found in out if found.rule == "unscanned" or "\0" not in text[found.start : found.end]]
    return out


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def _format(out: list[Finding], text: str, start: int, end: int, rule: str, kind: str) -> None:
    value = text[start:end]
    if refused_format(rule, value):
        return
    out.append(Finding(start, end, kind, rule, 1, "plain", f"format of {rule}"))


def _structure(out: list[Finding], text: str, raw: bytes, row: Any, spans: list[tuple[int, int]]) -> None:
    rule, kind, tier, pattern, _, _, _ = row
    why = rule.replace("-", " ")
    for a, b in _merged(spans):
        for match in pattern.finditer(raw[a:b]):
            start, end = a + match.start(1), a + match.end(1)
            if end <= start:
                continue
            if rule == "cookie":
                for x, y in cookies(text, start, end):
                    out.append(Finding(x, y, kind, rule, tier, "plain", "a cookie's value"))
                continue
            if not refused(rule, text[start:end]):
                out.append(Finding(start, end, kind, rule, tier, "plain", why))


def _runs(out: list[Finding], text: str, raw: bytes, rules: _Rules, blobs: list[Opaque], *, weak: bool) -> None:
    """Long runs without blanks: formats that no keyword announces, and strings that only look random."""
    done = 0
    blob = 0
    for start, end in runs(raw, TOKEN, 16):
        if start < done:
            continue
        while blob < len(blobs) and blobs[blob].end <= start:
            blob += 1
        if blob < len(blobs) and blobs[blob].start < end:
            low, high, integrity = blobs[blob]
            if integrity or high - low >= BLOB:
                done = max(high, start + 1)
                if weak and not integrity and low < high:
                    out.append(Finding(low, high, "random", "entropy", 3, "plain", "a long random string"))
                continue
        if start > 1 and text[start - 1] == "." and text[start - 2] == "s":
            rule, kind, pattern = rules.dotted
            found = pattern.match(text, start - 2)
            if found is not None and not (start > 2 and (text[start - 3].isalnum() or text[start - 3] in "_.-")):
                _format(out, text, found.start(1), found.end(1), rule, kind)
        for rule, kind, pattern in rules.beginning.get(text[start], ()):
            found = pattern.match(text, start)
            if found is not None:
                _format(out, text, found.start(1), found.end(1), rule, kind)
        if not weak or end - start >= 400:
            continue
        value = text[start:end]
        if (len(value) in _HASHES and is_hex(value)) or not looks_random(value) or harmless_shape(value):
            continue
        # A slash parts paths, and is a letter of base64: a random string goes on behind it where it stays random.
        while end < len(text) and text[end] == "/" and (more := _MORE.match(text, end + 1)) and more.end() - end < 400:
            piece = more.group()
            if piece.isalpha() and len(piece) > 2 and not looks_random(value[-6:] + piece):
                break
            end = more.end()
            value = text[start:end]
        while end < len(text) and text[end] == "=" and end - start < 402:
            end += 1
        value = text[start:end]
        done = end
        if len(value) < _WEAK_LENGTH or harmless_shape(value):
            continue
        if not placeholder(value) and (entropy := bits(value)) >= 3.4:
            out.append(Finding(start, end, "random", "entropy", 3, "plain", f"{entropy:.1f} bits a character"))


_HASHES: Final = frozenset({32, 40, 64, 96, 128})
_MORE: Final = re.compile(r"[A-Za-z0-9+_-]{1,400}+={0,2}")
