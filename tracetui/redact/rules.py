"""Every rule over one piece of text: one automaton finds keywords, each keyword wakes the rules that need it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from tracetui.redact.assignment import name_at, value_behind
from tracetui.redact.entropy import TOKEN, bits, harmless_shape, is_hex, looks_random, runs
from tracetui.redact.finding import Finding
from tracetui.redact.formats import bare_formats, formats
from tracetui.redact.judgement import Setting, accepts
from tracetui.redact.keyword import PASSWORD, SECRET
from tracetui.redact.opaque import BLOB, opaque_spans
from tracetui.redact.pem import key_blocks
from tracetui.redact.personal import PERSONAL_WORDS, personal_at
from tracetui.redact.placeholders import placeholder
from tracetui.redact.provider_context import near_provider
from tracetui.redact.refuse import cookies, refused, refused_format
from tracetui.redact.structure import Structure, structures
from tracetui.redact.tables import table, words

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


class _Structured(NamedTuple):
    """A structure with its patterns."""

    row: Structure
    pattern: _Pattern
    each: re.Pattern[str] | None


class _Rules:
    """The compiled rules: one automaton over all keywords, and what each keyword wakes."""

    def __init__(self) -> None:  # noqa: C901 - a branch for each kind of item
        import ahocorasick

        wakes: dict[str, list[tuple[int, Any]]] = {}

        def wake(word: str, what: int, value: Any) -> None:
            wakes.setdefault(word.lower(), []).append((what, value))

        self.formats: list[tuple[str, str, _Pattern]] = []
        for rule, kind, keys, pattern, prefix in formats():
            number = len(self.formats)
            self.formats.append((rule, kind, _Pattern(pattern)))
            for word in keys:
                if prefix and word == prefix.lower():
                    wake(word, _FORMAT, (number, prefix))
                else:
                    wake(word, _WINDOW, number)
        self.structures = [
            _Structured(row, _Pattern(row.pattern), re.compile(row.each) if row.each else None) for row in structures()
        ]
        for number, row in enumerate(structures()):
            for word in row.words:
                wake(word, _STRUCTURE, number)
        for word in table("keywords")["keywords"]:
            wake(word, _NAME, None)
            if not word.isascii():
                # Only ASCII is read in lower case.
                for other in {lowered(word.title()), lowered(word.upper())} - {word}:
                    wakes.setdefault(other, []).append((_NAME, None))
        for word in PERSONAL_WORDS:
            wake(word, _PERSONAL, word)
        ambiguous = words("providers", "common")
        for word in words("providers", "providers"):
            common = word in ambiguous
            if len(word) > (6 if common else 3):
                wake(word, _PROVIDER, common)
        wake("private key", _KEY, None)
        self.automaton = ahocorasick.Automaton()
        # A node looks through its children in the order in which they came: common letters first saves a quarter.
        for word, woken in sorted(wakes.items(), key=lambda item: [_ORDER.get(c, 99) for c in item[0]]):
            self.automaton.add_word(word, (len(word), tuple(woken)))
        self.automaton.make_automaton()
        self.beginning: dict[str, list[tuple[str, str, re.Pattern[str]]]] = {}
        for rule, kind, firsts, pattern in bare_formats():
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
    return _Detection(text).run(weak=weak, seconds=seconds) if len(text) >= 6 else []


Window = tuple[int, int]


class _Detection:
    """One text being looked through: what each word of the automaton wakes, and what must wait for the end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.low = lowered(text)
        # One byte a code point, so that offsets hold; what is not ASCII is no part of any token.
        self.raw = text.encode("ascii", "replace")
        self.rules = _rules()
        self.out: list[Finding] = []
        self.blobs = opaque_spans(text, self.raw)
        self._windows: dict[int, list[Window]] = {}
        self._structures: dict[int, list[Window]] = {}
        self._named = self._provided = self._keyed = -1
        """Where the last name, value of a provider and private key ended; what begins before is part of them."""
        # By the numbers _FORMAT to _KEY.
        self._wake: tuple[Callable[[Any, int, int], None], ...] = (
            self._format, self._window, self._structure, self._name, self._provider, self._personal, self._key,
        )  # fmt: skip

    def run(self, *, weak: bool, seconds: float) -> list[Finding]:
        """All findings."""
        deadline = time.thread_time() + seconds
        reached = self._words(deadline)
        if reached is not None:
            self._unscanned(reached)
        late = self._patterns(deadline)
        if len(self.text) >= _WEAK_LENGTH:
            _runs(self, weak=weak)
        if late:
            self._unscanned(0)
        if "\0" in self.text:
            return [f for f in self.out if f.rule == "unscanned" or "\0" not in self.text[f.start : f.end]]
        return self.out

    def _unscanned(self, start: int) -> None:
        self.out.append(
            Finding(start, len(self.text), "unscanned", "unscanned", 1, "plain", "took too long to scan")
        )  # fmt: skip

    def _words(self, deadline: float) -> int | None:
        """Look at every place of every word; where that was given up for lack of time."""
        wake, blobs = self._wake, self.blobs
        blob = places = 0
        for last, (length, woken) in self.rules.automaton.iter(self.low):
            start = last + 1 - length
            places += 1
            if not places & 255 and time.thread_time() > deadline:
                return int(start)
            inside = False
            if blob < len(blobs):
                while blob < len(blobs) and blobs[blob].end <= last:
                    blob += 1
                if blob < len(blobs) and blobs[blob].start < start:
                    if blobs[blob].end - blobs[blob].start >= BLOB:
                        continue
                    inside = True
            for what, value in woken:
                if not (inside and what in _WORDY):
                    wake[what](value, start, last + 1)
        return None

    # -- what a word wakes --------------------------------------------------------------------------------------------

    def _format(self, value: tuple[int, str], start: int, end: int) -> None:
        """A format that begins with a literal, whose case counts."""
        number, prefix = value
        text = self.text
        if not text.startswith(prefix, start):
            return
        inside = start and (text[start - 1].isalnum() or text[start - 1] == "_")
        if inside and (prefix[0].isalnum() or prefix[0] == "_"):
            return
        rule, kind, pattern = self.rules.formats[number]
        span = pattern.match(self.raw, start)
        if span is not None:
            self.add_format(span[0], span[1], rule, kind)

    def _window(self, number: int, start: int, end: int) -> None:
        window = (max(0, start - _FORMAT_BEFORE), min(len(self.text), start + _FORMAT_AFTER))
        self._windows.setdefault(number, []).append(window)

    def _name(self, value: object, start: int, end: int) -> None:
        if start < self._named:
            return
        text = self.text
        left, right = name_at(text, start, end)
        if self.low.startswith("passe", left) and self.low.endswith("mot de ", 0, left):
            left -= len("mot de ")
        self._named = right
        if left and text[left - 1] in "\\%" and right - left > 1:
            # An escape's letter is no part of the name.
            left += 1 if text[left - 1] == "\\" else 2
        self.out += [
            Finding(item.start, item.end, item.kind, "named-value", 2, "plain", item.why)
            for item in value_behind(text, left, right, self.low)
        ]

    def _provider(self, common: bool, start: int, end: int) -> None:
        if start < self._provided:
            return
        for item in near_provider(self.text, self.low, start, end, common=common):
            self.out.append(Finding(item.start, item.end, item.kind, "near-provider", 2, "plain", item.why))
            self._provided = item.end

    def _structure(self, number: int, start: int, end: int) -> None:
        row = self.rules.structures[number].row
        if not row.need or self.text.find(row.need, end - 1, start + row.after) >= 0:
            window = (max(0, start - row.before - 1), min(len(self.text), start + row.after))
            self._structures.setdefault(number, []).append(window)

    def _personal(self, word: str, start: int, end: int) -> None:
        found = personal_at(self.text, self.low, word, start, end)
        if found is not None:
            self.out.append(Finding(found.start, found.end, found.kind, found.rule, 2, "plain", found.why))

    def _key(self, value: object, start: int, end: int) -> None:
        if start <= self._keyed:
            return
        block = key_blocks(self.text, start)
        if block is not None:
            self.out.append(Finding(*block, "private-key", "private-key", 1, "plain", "a private key"))
            self._keyed = block[1]

    # -- patterns -----------------------------------------------------------------------------------------------------

    def _patterns(self, deadline: float) -> bool:
        """Search the windows that words opened; whether that was given up for lack of time."""
        for number, spans in self._windows.items():
            if time.thread_time() > deadline:
                return True
            rule, kind, pattern = self.rules.formats[number]
            for a, b in _merged(spans):
                for match in pattern.finditer(self.raw[a:b]):
                    self.add_format(a + match.start(1), a + match.end(1), rule, kind)
        for number, spans in self._structures.items():
            if time.thread_time() > deadline:
                return True
            _structure(self.out, self.text, self.raw, self.rules.structures[number], spans)
        return False

    def add_format(self, start: int, end: int, rule: str, kind: str) -> None:
        """A span that has a token's format, where nothing says that it is none."""
        if not refused_format(rule, self.text[start:end]):
            self.out.append(Finding(start, end, kind, rule, 1, "plain", f"format of {rule}"))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def _structure(out: list[Finding], text: str, raw: bytes, structured: _Structured, spans: list[Window]) -> None:
    row, pattern, each = structured
    why = row.rule.replace("-", " ")
    for a, b in _merged(spans):
        for match in pattern.finditer(raw[a:b]):
            start, end = a + match.start(1), a + match.end(1)
            if end <= start:
                continue
            if row.kind == "cookie" and each is None and "=" in text[start:end]:
                out += (Finding(x, y, row.kind, row.rule, row.tier, "plain", "a cookie's value")
                        for x, y in cookies(text, start, end))  # fmt: skip
                continue
            if row.kind == "password" and each is None:
                end = _to_quote(text, start, end)
            inner = [(start, end)] if each is None else [found.span(1) for found in each.finditer(text, start, end)]
            for low, high in inner:
                value = text[low:high]
                if refused(row.rule, value) or (row.accepts and not accepts(value, _LEVELS[row.accepts])):
                    continue
                out.append(Finding(low, high, row.kind, row.rule, row.tier, "plain", why))


def _to_quote(text: str, start: int, end: int) -> int:
    """Where a password ends that stands in quotes and holds blanks: at the closing one."""
    quote = text[start - 1 : start]
    if quote not in ('"', "'") or text[end : end + 1] != " ":
        return end
    close = text.find(quote, end, start + _LONGEST_PHRASE)
    return end if close < 0 or _NO_PHRASE.search(text, end, close) is not None else close


_LONGEST_PHRASE: Final = 100
_NO_PHRASE: Final = re.compile(r"[\n=\\\"'`]|\s-|[^\w]\s")
"""What stands in code between two quotes, and in no phrase."""
_LEVELS: Final = {
    "secret": Setting(SECRET, quoted=True),
    "password": Setting(PASSWORD, quoted=True),
    "said": Setting(PASSWORD),
}


def _runs(detection: _Detection, *, weak: bool) -> None:
    """Long runs without blanks: formats that no keyword announces, and strings that only look random."""
    text, blobs = detection.text, detection.blobs
    done = blob = 0
    for start, end in runs(detection.raw, TOKEN, _RUN_LENGTH):
        if start < done:
            continue
        while blob < len(blobs) and blobs[blob].end <= start:
            blob += 1
        if blob < len(blobs) and blobs[blob].start < end:
            low, high, integrity = blobs[blob]
            if integrity or high - low >= BLOB:
                done = max(high, start + 1)
                if weak and not integrity and low < high:
                    detection.out.append(Finding(low, high, "random", "entropy", 3, "plain", "a long random string"))
                continue
        _bare(detection, start)
        if weak and end - start < _LONG_RUN:
            value = text[start:end]
            if not (len(value) in _HASHES and is_hex(value)) and looks_random(value) and not harmless_shape(value):
                done = end = _run_end(text, start, end)
                _random(detection, start, end)


_RUN_LENGTH: Final = 16
_LONG_RUN: Final = 400
"""Characters from which on a run is no key."""


def _bare(detection: _Detection, start: int) -> None:
    """The formats that only their shape tells, where a run begins."""
    text, rules = detection.text, detection.rules
    if start > 1 and text[start - 1] == "." and text[start - 2] == "s":
        rule, kind, pattern = rules.dotted
        found = pattern.match(text, start - 2)
        if found is not None and not (start > 2 and (text[start - 3].isalnum() or text[start - 3] in "_.-")):
            detection.add_format(found.start(1), found.end(1), rule, kind)
    for rule, kind, pattern in rules.beginning.get(text[start], ()):
        found = pattern.match(text, start)
        if found is not None:
            detection.add_format(found.start(1), found.end(1), rule, kind)


def _run_end(text: str, start: int, end: int) -> int:
    """Where a random string ends. A slash parts paths, and is a letter of base64: it goes on behind it where it stays
    random."""
    while end < len(text) and text[end] == "/" and (more := _MORE.match(text, end + 1)):
        piece = more.group()
        if len(piece) >= _LONG_RUN or (
            piece.isalpha() and len(piece) > 2 and not looks_random(text[end - 6 : end] + piece)
        ):
            break
        end = more.end()
    while end < len(text) and text[end] == "=" and end - start < _LONG_RUN + 2:
        end += 1
    return end


def _random(detection: _Detection, start: int, end: int) -> None:
    value = detection.text[start:end]
    if len(value) < _WEAK_LENGTH or harmless_shape(value) or placeholder(value):
        return
    if (entropy := bits(value)) >= _LEAST_BITS:
        why = f"{entropy:.1f} bits a character"
        detection.out.append(Finding(start, end, "random", "entropy", 3, "plain", why))


_LEAST_BITS: Final = 3.4
"""Entropy of a character from which on a random run is listed: hex keys have 3.5, words 3.2."""
_HASHES: Final = frozenset({32, 40, 64, 96, 128})
_MORE: Final = re.compile(r"[A-Za-z0-9+_-]{1,400}+={0,2}")
