"""What would be given, in figures, and which rows say the same: exact duplicates by digest, near ones by MinHash.

Near duplicates: Broder, "On the resemblance and containment of documents" (1997), by the library ``rensa``: word
5-grams, 128 permutations, bands for a resemblance of 0.8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.dataset.gate import strings_of
from tracetui.dataset.store import StoredRow
from tracetui.model import TracetuiError, to_iso
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["Figures", "duplicates", "figure_lines", "figures_of", "times_of"]

_WORDS: Final = 5
_PERMUTATIONS: Final = 128
_BANDS: Final = 16
ALIKE: Final = 0.8
_LANGUAGES: Final = {
    "py": "Python", "js": "JavaScript", "jsx": "JavaScript", "mjs": "JavaScript", "ts": "TypeScript",
    "tsx": "TypeScript", "go": "Go", "rs": "Rust", "java": "Java", "kt": "Kotlin", "swift": "Swift", "c": "C", "h": "C",
    "cc": "C++", "cpp": "C++", "hpp": "C++", "cs": "C#", "rb": "Ruby", "php": "PHP", "sh": "Shell", "bash": "Shell",
    "sql": "SQL", "html": "HTML", "css": "CSS", "md": "Markdown", "ex": "Elixir", "hs": "Haskell", "lua": "Lua",
    "scala": "Scala", "r": "R", "dart": "Dart", "zig": "Zig", "vue": "Vue", "ml": "OCaml",
}  # fmt: skip
_PATHS: Final = ("file_path", "path", "notebook_path", "filePath", "absolute_path", "target_file", "filename")


@dataclass(slots=True)
class Figures:
    """Counts of rows. ``left``: what of people and hosts still stands in them, distinct values by kind. ``near`` are
    pairs of row ids that say nearly the same, ``exact`` pairs that say the same."""

    rows: int = 0
    sessions: int = 0
    steps: int = 0
    tokens: int = 0
    bytes: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    harnesses: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None
    left: dict[str, int] = field(default_factory=dict)
    exact: list[tuple[int, int]] = field(default_factory=list)
    near: list[tuple[int, int]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The figures as the commands print them."""
        return {
            "rows": self.rows, "sessions": self.sessions, "steps": self.steps, "tokens": self.tokens,
            "bytes": self.bytes, "languages": self.languages, "harnesses": self.harnesses, "outcomes": self.outcomes,
            "span": [self.first, self.last], "left": self.left, "duplicates": len(self.exact),
            "near_duplicates": len(self.near),
        }  # fmt: skip


def figures_of(rows: Iterable[StoredRow], started: Callable[[str, str], tuple[str | None, str | None]]) -> Figures:
    """The figures of some rows; ``started`` gives the first and last time of a session, as ISO text."""
    out = Figures()
    sessions: dict[tuple[str, str], None] = {}
    steps: set[tuple[str, str, str | None, int, int]] = set()
    languages: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    people: dict[str, set[str]] = {}
    finder = _Duplicates()
    for row in rows:
        out.rows += 1
        out.bytes += len(row.body)
        sessions[row.harness, row.session] = None
        source = row.source
        span = range(source["steps"][0], source["steps"][1] + 1)
        steps.update((row.harness, row.session, source["agent"], source["part"], number) for number in span)
        value = orjson.loads(row.body)
        languages.update(_languages(value))
        outcomes[_outcome(value)] += 1
        text = "\n\n".join(strings_of(value))
        out.tokens += _tokens(text)
        _people(text, people)
        finder.add(row, text)
    out.sessions, out.steps = len(sessions), len(steps)
    out.languages = dict(languages.most_common())
    out.harnesses = dict(Counter(harness for harness, _ in sessions).most_common())
    out.outcomes = dict(sorted(outcomes.items()))
    times = [started(*name) for name in sessions]
    out.first = min((first for first, _ in times if first), default=None)
    out.last = max((last for _, last in times if last), default=None)
    out.left = {kind: len(found) for kind, found in sorted(people.items())}
    out.exact, out.near = finder.exact, finder.near
    return out


def duplicates(rows: Iterable[StoredRow]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(exact, near) pairs of row ids: the earlier one, the one that repeats it."""
    finder = _Duplicates()
    for row in rows:
        finder.add(row, "\n\n".join(strings_of(orjson.loads(row.body))))
    return finder.exact, finder.near


class _Duplicates:
    def __init__(self) -> None:
        import rensa

        self._rensa = rensa
        self._index = rensa.RMinHashLSH(threshold=ALIKE, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        self._held: dict[int, Any] = {}
        self._seen: dict[str, int] = {}
        self.exact: list[tuple[int, int]] = []
        self.near: list[tuple[int, int]] = []

    def add(self, row: StoredRow, text: str) -> None:
        first = self._seen.setdefault(row.digest, row.id)
        if first != row.id:
            self.exact.append((first, row.id))
            return
        words = text.split()
        made = self._rensa.RMinHash(num_perm=_PERMUTATIONS, seed=42)
        made.update([" ".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))])
        alike = [other for other in self._index.query(made) if self._held[other].jaccard(made) >= ALIKE]
        if alike:
            self.near.append((min(alike), row.id))
        self._index.insert(row.id, made)
        self._held[row.id] = made


def _tokens(text: str) -> int:
    """About how many tokens a text is: four bytes each."""
    return (len(text.encode("utf-8", "replace")) + 3) // 4


def _languages(value: Any) -> set[str]:
    """The languages of the files that a row names, by their endings."""
    found: set[str] = set()

    def look(name: object) -> None:
        if isinstance(name, str):
            language = _LANGUAGES.get(PurePosixPath(name[-300:]).suffix[1:].lower())
            if language:
                found.add(language)

    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            for key, inner in item.items():
                if key in _PATHS:
                    look(inner)
                elif key == "files" and isinstance(inner, list):
                    for name in inner:
                        look(name)
                elif key == "arguments" and isinstance(inner, str):
                    try:
                        waiting.append(orjson.loads(inner))
                    except orjson.JSONDecodeError:
                        continue
                elif isinstance(inner, dict | list):
                    waiting.append(inner)
        elif isinstance(item, list):
            waiting += [inner for inner in item if isinstance(inner, dict | list)]
    return found


def _outcome(value: Any) -> str:
    found = value.get("outcome") if isinstance(value, dict) else None
    return found if found in ("pass", "fail") else "unknown"


def _people(text: str, people: dict[str, set[str]]) -> None:
    from tracetui.redact.forms import PERSONAL_KINDS
    from tracetui.redact.scanner import scan

    for found in scan(text):
        if found.kind in PERSONAL_KINDS:
            people.setdefault(found.kind, set()).add(text[found.start : found.end])


def times_of(bucket: Bucket) -> Callable[[str, str], tuple[str | None, str | None]]:
    """A function that gives the first and last time of a session."""

    def times(harness: str, session: str) -> tuple[str | None, str | None]:
        try:
            row = bucket.session(session, harness)
        except TracetuiError:
            return None, None
        return to_iso(row.started), to_iso(row.ended)

    return times


def figure_lines(told: dict[str, Any]) -> list[str]:
    """Figures of what would be given, as lines for people."""

    def counts(found: dict[str, int]) -> str:
        return ", ".join(f"{one_line(name)} {count:,}" for name, count in found.items()) or "none"

    first, last = told["span"]
    return [
        f"{fmt.plural(told['rows'], 'row')} of {fmt.plural(told['sessions'], 'session')}, {told['steps']:,} steps, "
        f"≈ {fmt.tokens(told['tokens'])} tokens, {fmt.size(told['bytes'])}",
        f"harnesses: {counts(told['harnesses'])}; languages: {counts(told['languages'])}",
        f"outcomes: {counts(told['outcomes'])}; from {(first or '?')[:10]} to {(last or '?')[:10]}",
        f"people and hosts that still stand in it: {counts(told['left'])}",
        f"duplicates: {told['duplicates']:,} exact, {told['near_duplicates']:,} near",
    ]
