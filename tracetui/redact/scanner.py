"""Scanning one text: every view, every detector, one list of findings in the text's own code points."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from tracetui.redact.entropy import bits, harmless_shape, is_hex, looks_random
from tracetui.redact.finding import Finding
from tracetui.redact.formats import FORMATS
from tracetui.redact.named import KEYWORDS, named_at
from tracetui.redact.personal import personal
from tracetui.redact.structure import STRUCTURES
from tracetui.redact.views import View, views_of

__all__ = ["scan"]

_CHUNK: Final = 262_144
"""Code points scanned at once; neighbouring chunks share ``_OVERLAP``, more than any rule looks at."""
_OVERLAP: Final = 13_000
_SECONDS_PER_CHUNK: Final = 4.0
_WEAK_KEYWORD: Final = 2
"""A format whose keyword is this short or shorter runs over the whole text: its keyword stands everywhere."""
_FORMAT_BEFORE: Final = 96
_FORMAT_AFTER: Final = 1_200


class _Rules:
    """The compiled rules: one automaton over all keywords, and what each keyword wakes."""

    def __init__(self) -> None:
        import ahocorasick
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = 64 << 20
        wakes: dict[str, list[tuple[str, int]]] = {}
        self.formats = [(rule, kind, re2.compile(pattern, options)) for rule, kind, _, pattern in FORMATS]
        self.everywhere: list[int] = []
        for i, (_, _, words, _) in enumerate(FORMATS):
            if not words or any(len(word) <= _WEAK_KEYWORD for word in words):
                self.everywhere.append(i)
                continue
            for word in words:
                wakes.setdefault(word, []).append(("format", i))
        self.structures = [
            (rule, kind, tier, re2.compile(pattern, options), before, after)
            for rule, kind, tier, _, pattern, before, after in STRUCTURES
        ]
        for i, (_, _, _, words, _, _, _) in enumerate(STRUCTURES):
            for word in words:
                wakes.setdefault(word, []).append(("structure", i))
        for word in KEYWORDS:
            wakes.setdefault(word, []).append(("named", 0))
        self.automaton = ahocorasick.Automaton()
        for word, woken in wakes.items():
            self.automaton.add_word(word, (len(word), tuple(woken)))
        self.automaton.make_automaton()
        # Nearly no text has one of these; one pass over all of them says so.
        self.any_everywhere = re2.compile("|".join(f"(?:{FORMATS[i][3]})" for i in self.everywhere), options)
        self.weak = re2.compile(r"[A-Za-z0-9+/_=-]{20,400}", options)


@cache
def _rules() -> _Rules:
    return _Rules()


_LOWER: Final = {upper: upper + 32 for upper in range(65, 91)}


def _lower(text: str) -> str:
    """Lower case that keeps every code point in its place."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_LOWER)


_EMPTY_PASSWORDS: Final = ("password", "pass", "passwd", "pwd", "secret", "token", "user", "xxx", "***", "<", "$", "{", "%s", "...")  # fmt: skip
_CODE_VALUES: Final = (
    "$",
    "{",
    "<",
    "(",
    "[",
    "%",
    "os.",
    "process.",
    "env.",
    "config.",
    "self.",
    "this.",
    "***",
    "...",
    "xxx",
)


def _refused(rule: str, value: str, tier: int) -> bool:
    """Values that a structure matches and that are no secret: placeholders, references, ports."""
    low = value.lower()
    if rule == "url-password":
        if low.startswith(_EMPTY_PASSWORDS) and (len(value) <= 10 or low[0] in "$<{*x%."):
            return True
        head = value.split("/", 1)[0]
        return "/" in value and head.isdigit() and len(head) <= 5
    if rule in {"private-key", "private-key-body", "putty-key", "jwt", "seed-phrase", "password-hash"}:
        return False
    if low.startswith(_CODE_VALUES) or low in {"true", "false", "null", "none", "undefined", "string"}:
        return True
    if any(word in low for word in ("your", "example", "placeholder", "redacted", "changeme", "xxxx", "‹")):
        return True
    if rule in {"authorization", "secret-header", "bearer", "query-token", "url-user-token"}:
        return (
            len(set(value)) < 6 or (value.isalpha() and not looks_random(value)) or not any(c.isdigit() for c in value)
        )
    if rule == "option-password":
        return (
            value.startswith("-")
            or (value.isalpha() and len(value) < 8)
            or value.lower() in {"password", "prompt", "stdin"}
        )
    if rule == "mysql-password":
        return value.isdigit() or value.lower() in {"ort", "assword", "rotocol"} or value.startswith(("ort", "rotocol"))
    return False


def _cookies(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The values in a cookie header that can identify someone; short flags stay."""
    at = start
    for part in text[start:end].split(";"):
        name, _, value = part.partition("=")
        stripped = value.strip()
        if len(stripped) >= 12 and not stripped.isalpha() and not stripped.startswith(("$", "{", "<")):
            begin = at + len(name) + 1 + (len(value) - len(value.lstrip()))
            yield begin, begin + len(stripped)
        at += len(part) + 1


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[list[int]] = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1][1] = max(out[-1][1], high)
        else:
            out.append([low, high])
    return [(low, high) for low, high in out]


def _window(text: str, *, weak: bool) -> Iterator[Finding]:
    """Findings of all rules in one piece of one view."""
    rules = _rules()
    low = _lower(text)
    size = len(text)
    formats: dict[int, list[tuple[int, int]]] = {}
    structures: dict[int, list[tuple[int, int]]] = {}
    names: list[tuple[int, int]] = []
    for last, (length, woken) in rules.automaton.iter(low):
        start = last + 1 - length
        for what, i in woken:
            if what == "format":
                formats.setdefault(i, []).append((max(0, start - _FORMAT_BEFORE), min(size, start + _FORMAT_AFTER)))
            elif what == "structure":
                _, _, _, _, before, after = rules.structures[i]
                structures.setdefault(i, []).append((max(0, start - before - 1), min(size, start + after)))
            else:
                names.append((start, last + 1))
    if rules.any_everywhere.search(text) is not None:
        for i in rules.everywhere:
            formats[i] = [(0, size)]
    for i, spans in formats.items():
        rule, kind, pattern = rules.formats[i]
        for a, b in _merged(spans):
            for match in pattern.finditer(text[a:b]):
                start, end = match.span(1) if match.re.groups else match.span()
                value = text[a + start : a + end]
                if len(set(value)) < 8 or "example" in value.lower() or "xxxx" in value.lower():
                    continue
                yield Finding(a + start, a + end, kind, rule, 1, "plain", f"format of {rule}")
    for i, spans in structures.items():
        rule, kind, tier, pattern, _, _ = rules.structures[i]
        for a, b in _merged(spans):
            for match in pattern.finditer(text[a:b]):
                start, end = match.span(1)
                if rule == "cookie":
                    for x, y in _cookies(text, a + start, a + end):
                        yield Finding(x, y, kind, rule, tier, "plain", "a cookie's value")
                    continue
                value = text[a + start : a + end]
                if not _refused(rule, value, tier):
                    yield Finding(a + start, a + end, kind, rule, tier, "plain", rule.replace("-", " "))
    done = -1
    for start, end in names:
        if start < done:
            continue
        found = named_at(text, start, end)
        if found is not None:
            yield Finding(found.start, found.end, found.kind, "named-value", 2, "plain", found.why)
            done = found.end
    for span in personal(text, low):
        yield Finding(span.start, span.end, span.kind, span.rule, 2, "plain", span.why)
    if weak:
        for match in rules.weak.finditer(text):
            value = match.group()
            if harmless_shape(value) or (is_hex(value) and len(value) in {32, 40, 64, 96, 128}):
                continue
            entropy = bits(value)
            if entropy >= 3.9 and looks_random(value):
                yield Finding(
                    match.start(), match.end(), "random", "entropy", 3, "plain", f"{entropy:.1f} bits a character"
                )


def _view(view: View, *, weak: bool) -> Iterator[Finding]:
    for low, high in view.windows():
        # A window never begins or ends inside a word: a cut one would look like another.
        text = view.text
        while low and (text[low - 1].isalnum() or text[low - 1] in "_-"):
            low -= 1
        while high < len(text) and (text[high].isalnum() or text[high] in "_-"):
            high += 1
        for found in _window(text[low:high], weak=weak and view.parent is None):
            start, end = low + found.start, low + found.end
            if view.parent is None:
                yield Finding(start, end, found.kind, found.rule, found.tier, "plain", found.why)
                continue
            if "joined" in view.name.split("+") and not view.crosses(start, end):
                continue
            if "joined" in view.name.split("+") and found.tier > 1 and not looks_random(text[start:end]):
                continue
            begin, stop = view.origin(start, end)
            if stop > begin:
                yield Finding(begin, stop, found.kind, found.rule, found.tier, view.name, found.why)


def _settle(found: Sequence[Finding]) -> list[Finding]:
    """One finding per place: the surer one, then the longer one; overlaps that add characters stay."""
    kept: list[Finding] = []
    for item in sorted(set(found), key=lambda f: (f.tier, f.start - f.end, f.view != "plain", f.start, f.rule)):
        if any(other.start <= item.start and item.end <= other.end for other in kept):
            continue
        kept.append(item)
    return sorted(kept, key=lambda f: (f.start, f.end))


def scan(text: str) -> list[Finding]:
    """Propose what to scrub in a text.

    Returns findings in order, spans in code points of ``text``. Linear in its length; a piece that takes longer than
    its budget is given as a finding of rule ``unscanned``. No network, no files; safe from several threads.
    """
    if not isinstance(text, str) or not text:
        return []
    out: list[Finding] = []
    at = 0
    while True:
        piece = text[at : at + _CHUNK]
        began = time.monotonic()
        for view in views_of(piece):
            if time.monotonic() - began > _SECONDS_PER_CHUNK:
                out.append(
                    Finding(at, at + len(piece), "unscanned", "unscanned", 1, view.name, "took too long to scan")
                )
                break
            out += (
                Finding(at + found.start, at + found.end, found.kind, found.rule, found.tier, found.view, found.why)
                for found in _view(view, weak=True)
            )
        if at + _CHUNK >= len(text):
            return _settle(out)
        at += _CHUNK - _OVERLAP
