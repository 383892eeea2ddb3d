"""Texts of files, read once and kept ready for comparison; and where the lines of one stand in another."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Final

from tracetui.trail.lines import aligned, bare, find_block, is_binary, norms, split
from tracetui.trail.store import Store
from tracetui.trail.tokens import Stream, lex, plain, stream, suffix

__all__ = ["Spots", "Text", "Texts", "locate"]

_KEPT: Final = 96
_ALIGNED: Final = 512


class Text:
    """A file's content: raw lines, normalised ones, counts, and token streams when they are asked for."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.binary = is_binary(data)
        self.raw = [] if self.binary else split(data)
        self.norms = [] if self.binary else norms(data)
        self.counts = Counter(self.norms)
        self._cut: dict[int, list[bytes]] = {}
        self._new: dict[int, tuple[Text, list[int]]] = {}

    @cached_property
    def bares(self) -> Counter[bytes]:
        """How often each line stands, letter by letter but for line ends."""
        return Counter(map(bare, self.raw))

    @cached_property
    def places(self) -> dict[bytes, list[int]]:
        """Normalised line -> the lines (0-based) at which it stands."""
        found: dict[bytes, list[int]] = {}
        for at, line in enumerate(self.norms):
            found.setdefault(line, []).append(at)
        return found

    def new_lines(self, base: Text) -> list[int]:
        """The lines (0-based) of which the text holds more copies than ``base``; no blank ones."""
        known = self._new.get(id(base))
        if known is None or known[0] is not base:
            seen: Counter[bytes] = Counter()
            found: list[int] = []
            counts = base.counts
            for at, line in enumerate(self.norms):
                if line:
                    seen[line] += 1
                    if seen[line] > counts.get(line, 0):
                        found.append(at)
            if len(self._new) > 8:
                self._new.clear()
            known = self._new[id(base)] = (base, found)
        return known[1]

    def cut(self, at: int) -> list[bytes]:
        """The tokens of a line, by the plain lexer."""
        found = self._cut.get(at)
        if found is None:
            found = self._cut[at] = lex(self.raw[at])
        return found

    @cached_property
    def leaves(self) -> Stream | None:
        """Tokens from the syntax tree, None without a grammar."""
        return stream(self.name, self.data)

    @cached_property
    def plain(self) -> Stream:
        """Tokens from the plain lexer."""
        return plain(self.data)


class Texts:
    """A bounded cache of texts by blob, and of alignments by pair of blobs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._texts: OrderedDict[tuple[str, str], Text] = OrderedDict()
        self._aligned: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def blob(self, oid: str, path: str) -> Text:
        """The text of a blob; ``path`` tells its language. Raises ``MissingError``."""
        key = (oid, suffix(path))
        found = self._texts.get(key)
        if found is None:
            found = Text(self.store.blob(oid), path)
            self._texts[key] = found
            if len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        else:
            self._texts.move_to_end(key)
        return found

    def oid(self, sha: str, path: str) -> str | None:
        """The blob of a path at a commit, None when it is no file there. Raises ``MissingError``."""
        entry = self.store.entry(sha, path)
        return entry[1] if entry is not None and entry[0] not in (0o160000, 0o040000) else None

    def at(self, sha: str, path: str) -> Text | None:
        """The text of a path at a commit, None when it is no file there. Raises ``MissingError``."""
        oid = self.oid(sha, path)
        return self.blob(oid, path) if oid is not None else None

    def aligned(self, old: str, new: str, path: str) -> list[int]:
        """For each line of one blob its place in another, -1 where it is gone."""
        key = (old, new)
        found = self._aligned.get(key)
        if found is None:
            before = self.blob(old, path).norms
            found = list(range(len(before))) if old == new else aligned(before, self.blob(new, path).norms)
            self._aligned[key] = found
            if len(self._aligned) > _ALIGNED:
                self._aligned.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Spots:
    """Where a hunk's lines stand in a text (-1: nowhere), and the lines (exclusive) between which it lies."""

    places: list[int]
    low: int
    high: int


def _whole(block: list[bytes], above: list[bytes], below: list[bytes], lines: list[bytes], near: int) -> int | None:
    """Where the block stands in one piece: of several places the one with most of its surroundings, then the next."""
    best: tuple[int, int, int] | None = None
    at = find_block(block, lines)
    while at >= 0:
        end = at + len(block)
        same = _alike(reversed(above), reversed(lines[max(0, at - len(above)) : at]))
        same += _alike(below, lines[end : end + len(below)])
        score = (same, -abs(at - near), at)
        if best is None or score > best:
            best = score
        at = find_block(block, lines, at + 1)
    return best[2] if best is not None else None


def _alike(one: Iterable[bytes], other: Iterable[bytes]) -> int:
    """How many lines two runs have in common from their beginning on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other)))


def locate(
    block: list[bytes], above: list[bytes], below: list[bytes], lines: list[bytes], near: int, *, placed: bool = True
) -> Spots | None:
    """Where each line of ``block`` (normalised, like ``above``, ``below`` and ``lines``) stands in ``lines``.

    The whole block in one piece is looked for first; of several places the one whose surroundings agree and that lies
    nearest to line ``near`` wins. Else the lines are aligned one by one. ``placed``: empty surroundings mean the start
    or end of the file. None when nothing fits.
    """
    whole = _whole(block, above, below, lines, near)
    if whole is not None:
        return Spots(list(range(whole, whole + len(block))), whole - 1, whole + len(block))
    along = aligned([*above, *block, *below], lines)
    places = along[len(above) : len(above) + len(block)]
    before = [place for place in along[: len(above)] if place >= 0]
    after = [place for place in along[len(above) + len(block) :] if place >= 0]
    known = [place for place in places if place >= 0]
    if not known and not (before and after) and not (placed and ((before and not below) or (after and not above))):
        return None
    low = before[-1] if before else -1 if (placed and not above) or not known else known[0] - 1
    high = after[0] if after else len(lines) if (placed and not below) or not known else known[-1] + 1
    return Spots(places, low, high)
