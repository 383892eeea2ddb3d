"""Landing: the earliest commit in the history of a revision that brought a hunk in, by weighted line evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tracetui.trail.hunks import CONTEXT, Hunk
from tracetui.trail.lines import find_block, fingerprint, norm, rarity, wordiness
from tracetui.trail.store import MissingError
from tracetui.trail.texts import Text, Texts
from tracetui.trail.tokens import Stream, is_identifier, lex
from tracetui.trail.touch import Hit, Touch, TouchIndex

__all__ = ["FULL", "PART", "Evidence", "Lander", "Landing", "weigh"]

FULL: Final = 0.6
"""Share of the weight from which a commit is taken for the landing at once."""
PART: Final = 0.25
"""Share of the weight from which a commit counts at all, and below which nothing is left of a hunk."""
_TOKEN_TRIES: Final = 24


@dataclass(slots=True)
class Evidence:
    """What a hunk is recognised by: weights of its own lines (normalised line -> weight of one copy).

    ``kind``: ``add`` (its added lines), ``del`` (its removed lines; nothing that it added tells anything) or ``block``
    (weightless lines only, or white space only).
    """

    kind: str
    added: dict[bytes, float]
    removed: dict[bytes, float]
    total: float

    @property
    def weights(self) -> dict[bytes, float]:
        """The weights that count for this kind."""
        return self.removed if self.kind == "del" else self.added


@dataclass(slots=True)
class Landing:
    """``idx`` and ``path`` of the landing; ``parts`` are further commits of REV's history that brought the rest,
    ``copies`` other commits with the same change. ``how``: ``lines``, ``tokens``, ``block`` or ``blob``."""

    idx: int
    path: str
    share: float
    how: str = "lines"
    parts: list[int] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)


def weigh(hunk: Hunk, files: dict[int, int]) -> Evidence:
    """The weights of a hunk's lines; ``files`` counts, per line fingerprint, the paths that ever gained it."""

    def of(lines: list[bytes], own: dict[bytes, int]) -> dict[bytes, float]:
        found: dict[bytes, float] = {}
        for raw in lines:
            line = norm(raw)
            if line in own and line not in found:
                weight = wordiness(raw)
                if weight:
                    copies = hunk.others.get(line, 0)
                    found[line] = weight * rarity(max(files.get(fingerprint(line), 0), copies))
        return found

    added, removed = of(hunk.new, hunk.added), of(hunk.old, hunk.removed)
    for kind, weights, counts in (("add", added, hunk.added), ("del", removed, hunk.removed)):
        total = sum(weight * counts[line] for line, weight in weights.items())
        if total > 0:
            return Evidence(kind, added, removed, total)
    return Evidence("block", added, removed, 0.0)


class Lander:
    """Finds landings in one repository at one revision.

    ``reach`` and ``known`` flag the commits that the revision, and that any branch, reaches.
    """

    def __init__(self, index: TouchIndex, texts: Texts, reach: bytearray, known: bytearray, hits: dict[int, list[Hit]]):
        self.index, self.texts = index, texts
        self.reach, self.known, self.hits = reach, known, hits
        self.owned: dict[tuple[str, bytes], list[int]] = {}
        """(path, line) -> times (ms) at which some hunk wrote the line there."""

    # -- paths

    def lineage(self, path: str, after: int, mask: bytearray | None = None) -> list[str]:
        """The path and every name that it, or what became of it, was renamed to by commits not before ``after`` (s)."""
        renames = self.index.renames()
        found, waiting = [path], [path]
        while waiting and len(found) < 64:
            for idx, name in renames.get(waiting.pop(0), ()):
                if name not in found and self.index.times[idx] >= after and (mask or self.known)[idx]:
                    found.append(name)
                    waiting.append(name)
        return found

    def order(self, idx: int) -> tuple[int, int]:
        """Commits in the order of committer time, then of history."""
        return self.index.times[idx], idx

    def candidates(self, hunk: Hunk, path: str) -> list[Touch]:
        """The touches that can be a landing: on the path or its renames, not before the edit."""
        after = hunk.time // 1000
        found: list[Touch] = []
        for name in self.lineage(path, after):
            found += [
                touch
                for touch in self.index.touches(name)
                if self.index.times[touch.idx] >= after and self.known[touch.idx] and touch.status != "r"
            ]
        return sorted(found, key=lambda touch: self.order(touch.idx))

    # -- shares

    def left(self, hunk: Hunk, kind: str, at: int) -> dict[bytes, int]:
        """The hunk's lines that no later edit had taken over when a commit was made (``at``, seconds).

        A commit's time has no fractions: of an edit within its second, what the commit brought tells which was first.
        """
        lines = dict(hunk.removed if kind == "del" else hunk.added)
        if kind != "del":
            for gone in hunk.gone:
                if gone.time < at * 1000:
                    lines[gone.line] = max(0, lines[gone.line] - gone.count)
        return lines

    def covered(self, hunk: Hunk, evidence: Evidence, touch: Touch, strict: bool = True) -> dict[bytes, int]:
        """How many copies of each weighty line the commit brought (took away, for a deletion)."""
        found: dict[bytes, int] = {}
        for line, count in self.left(hunk, evidence.kind, self.index.times[touch.idx]).items():
            if not count or not evidence.weights.get(line):
                continue
            print_ = fingerprint(line)
            if evidence.kind == "del":
                have = -touch.net(print_) if strict else touch.removed.get(print_, 0)
            else:
                have = touch.net(print_) if strict else touch.added.get(print_, 0)
            if have > 0:
                found[line] = min(count, have)
        return found

    def share(self, evidence: Evidence, lines: dict[bytes, int]) -> float:
        """The share of the hunk's weight that these lines make."""
        if not evidence.total:
            return 0.0
        return sum(evidence.weights.get(line, 0.0) * count for line, count in lines.items()) / evidence.total

    # -- landing

    def land(self, hunk: Hunk, path: str, evidence: Evidence) -> tuple[Landing | None, list[int], bool]:
        """The landing in REV's history, or None; the commits elsewhere that hold the change, earliest first; and
        whether a candidate could not be read (missing objects)."""
        touches = self.candidates(hunk, path)
        unread = any(touch.status.endswith("?") and self.reach[touch.idx] for touch in touches)
        if hunk.binary is not None:
            return (*self._by_blob(hunk, touches), unread)
        if evidence.kind == "block":
            return (*self._by_block(hunk, touches), unread)
        found, elsewhere = self._by_lines(hunk, evidence, touches)
        if found is None or found.share < FULL:
            other = self._by_tokens(hunk, evidence, touches)
            if other is not None and (found is None or other.share > found.share):
                if found is not None:
                    other.copies = found.copies
                found = other
        if found is None and not elsewhere:
            found, elsewhere = self._elsewhere(hunk, evidence, path)
        return found, elsewhere, unread

    def _by_lines(self, hunk: Hunk, evidence: Evidence, touches: list[Touch]) -> tuple[Landing | None, list[int]]:
        scored: dict[tuple[int, str], tuple[Touch, dict[bytes, int], float]] = {}
        for strict in (True, False):
            for touch in touches:
                lines = self.covered(hunk, evidence, touch, strict)
                share = self.share(evidence, lines)
                if share > 0 and (strict or not touch.status.startswith("R")):
                    scored[touch.idx, touch.path] = (touch, lines, share)
            if any(share >= PART for _, _, share in scored.values()):
                break
            scored.clear()
        ranked = sorted(scored.values(), key=lambda item: self.order(item[0].idx))
        inside = [item for item in ranked if self.reach[item[0].idx]]
        outside = [item for item in ranked if not self.reach[item[0].idx]]
        elsewhere = [item[0].idx for item in outside if item[2] >= FULL]
        if not elsewhere:
            best = max((item[2] for item in outside), default=0.0)
            elsewhere = [item[0].idx for item in outside if item[2] >= PART and item[2] >= best * 0.9]
        main = next((item for item in inside if item[2] >= FULL), None)
        if main is None:
            main = max(inside, key=lambda item: item[2], default=None)  # the earliest of the best
            if main is None or main[2] < PART:
                return None, list(dict.fromkeys(elsewhere))
        parts, share = self._parts(evidence, main, inside)
        first = parts[0]
        again = [item[0].idx for item in inside if item[2] >= FULL and item[0].idx not in [p[0].idx for p in parts]]
        landing = Landing(first[0].idx, first[0].path, share)
        landing.parts = list(dict.fromkeys(part[0].idx for part in parts[1:] if part[0].idx != first[0].idx))
        landing.copies = [
            idx for idx in dict.fromkeys([*again, *elsewhere]) if idx != landing.idx and idx not in landing.parts
        ]
        return landing, list(dict.fromkeys(elsewhere))

    def _parts(
        self,
        evidence: Evidence,
        main: tuple[Touch, dict[bytes, int], float],
        inside: list[tuple[Touch, dict[bytes, int], float]],
    ) -> tuple[list[tuple[Touch, dict[bytes, int], float]], float]:
        """The landing's parts in order: the main commit, and those that brought lines which it did not; and the share
        that they make together."""
        have = Counter(main[1])
        parts = [main]
        own = evidence.weights
        for item in inside:
            if item[0] is main[0]:
                continue
            missing = evidence.total * (1 - self.share(evidence, dict(have)))
            if missing <= 1e-9:
                break
            fresh = Counter(item[1])
            fresh.subtract(have)
            new = {line: count for line, count in fresh.items() if count > 0}
            gain = sum(own.get(line, 0.0) * count for line, count in new.items())
            early = self.order(item[0].idx) < self.order(main[0].idx)
            if gain >= PART * evidence.total or (not early and gain >= FULL * missing):
                parts.append(item)
                have.update(new)
        return sorted(parts, key=lambda item: self.order(item[0].idx)), self.share(evidence, dict(have))

    # -- other evidence

    def _before(self, touch: Touch) -> Text | None:
        """The file before a commit, by its first parent."""
        parents = self.index.parents[touch.idx]
        if not parents:
            return None
        return self.texts.at(self.index.shas[parents[0]], touch.source or touch.path)

    def _by_tokens(self, hunk: Hunk, evidence: Evidence, touches: list[Touch]) -> Landing | None:
        """A commit that brought the hunk's tokens in another layout (a formatter that ran before the commit)."""
        if evidence.kind != "add" or not any(touch.added for touch in touches):
            return None
        names = sorted({token for line in hunk.new for token in lex(line) if is_identifier(token)}, key=len)[-4:]
        if not names:
            return None
        for tried, touch in enumerate(t for t in touches if self.reach[t.idx] and t.added and t.blob):
            if tried >= _TOKEN_TRIES:
                break
            left = self.left(hunk, "add", self.index.times[touch.idx])
            lines = [line for line in hunk.new if left.get(norm(line), 1)]
            try:
                text = self.texts.blob(touch.blob, touch.path)
                if text.binary or not all(name in text.data for name in names):
                    continue
                before = self._before(touch)
            except MissingError:
                continue
            share = self.share(evidence, brought_by_tokens(hunk, lines, left, evidence, text, before))
            if share >= FULL:
                return Landing(touch.idx, touch.path, share, "tokens")
        return None

    def _by_block(self, hunk: Hunk, touches: list[Touch]) -> tuple[Landing | None, list[int]]:
        """Weightless lines: the commit after which the block stands in its surroundings, and did not before."""
        if not hunk.placed:
            return None, []
        inside: Landing | None = None
        elsewhere: list[int] = []
        for touch in touches:
            if not touch.blob or touch.status.endswith("?"):
                continue
            try:
                text = self.texts.blob(touch.blob, touch.path)
                before = self._before(touch)
            except MissingError:
                continue
            if not has_block(hunk, text) or (before is not None and has_block(hunk, before)):
                continue
            if self.reach[touch.idx]:
                if inside is None:
                    inside = Landing(touch.idx, touch.path, 1.0, "block")
                else:
                    inside.copies.append(touch.idx)
            else:
                elsewhere.append(touch.idx)
        if inside is not None:
            inside.copies += elsewhere
        return inside, elsewhere

    def _by_blob(self, hunk: Hunk, touches: list[Touch]) -> tuple[Landing | None, list[int]]:
        inside: Landing | None = None
        elsewhere: list[int] = []
        for touch in touches:
            try:
                same = bool(touch.blob) and self.texts.store.blob(touch.blob) == hunk.binary
            except MissingError:
                continue
            if same and self.reach[touch.idx] and inside is None:
                inside = Landing(touch.idx, touch.path, 1.0, "blob")
            elif same and not self.reach[touch.idx]:
                elsewhere.append(touch.idx)
        if inside is not None:
            inside.copies = elsewhere
        return inside, elsewhere

    def _elsewhere(self, hunk: Hunk, evidence: Evidence, path: str) -> tuple[Landing | None, list[int]]:
        """A move to another file before the first commit: rare lines that a commit brought to one other path."""
        if evidence.kind != "add":
            return None, []
        after = hunk.time // 1000
        rare = {line: weight for line, weight in evidence.added.items() if weight >= 0.5}
        found: dict[tuple[int, int], float] = {}
        told: Counter[tuple[int, int]] = Counter()
        for line, weight in rare.items():
            for hit in self.hits.get(fingerprint(line), ()):
                if self.index.times[hit.idx] < after or not self.known[hit.idx]:
                    continue
                count = self.left(hunk, "add", self.index.times[hit.idx]).get(line, 0)
                if count and not self._other_owner(hunk, hit, line):
                    found[hit.idx, hit.path] = found.get((hit.idx, hit.path), 0.0) + weight * count
                    told[hit.idx, hit.path] += len(line)
        full = [key for key, weight in found.items() if weight >= FULL * evidence.total and told[key] >= 16]
        part = [key for key, weight in found.items() if weight >= PART * evidence.total and told[key] >= 40]
        for keys in (full, part):
            keys = [key for key in keys if self._gained(key, rare)]
            inside = sorted((key for key in keys if self.reach[key[0]]), key=lambda key: self.order(key[0]))
            outside = sorted({key[0] for key in keys if not self.reach[key[0]]}, key=self.order)
            if inside:
                best = inside[0] if keys is full else max(inside, key=lambda key: found[key])
                name = self.index.names[best[1]]
                landing = Landing(best[0], name, found[best] / evidence.total)
                landing.copies = outside
                return landing, outside
            if outside:
                return None, outside
        return None, []

    def _other_owner(self, hunk: Hunk, hit: Hit, line: bytes) -> bool:
        """Whether another hunk wrote this line to that path before the commit: then it is that one's."""
        times = self.owned.get((self.index.names[hit.path], line), ())
        return any(time <= self.index.times[hit.idx] * 1000 + 999 for time in times)

    def _gained(self, key: tuple[int, int], lines: Iterable[bytes]) -> bool:
        name = self.index.names[key[1]]
        touch = next((t for t in self.index.touches(name) if t.idx == key[0]), None)
        return touch is not None and any(touch.net(fingerprint(line)) > 0 for line in lines)


def has_block(hunk: Hunk, text: Text, raw: bool = False) -> bool:
    """Whether the hunk's lines stand in the text, in order, between the lines that surrounded them."""
    return block_at(hunk, hunk.new, text, raw) >= 0


def block_at(hunk: Hunk, middle: list[bytes], text: Text, raw: bool = False) -> int:
    """Where ``middle`` stands between the hunk's surroundings (-1: nowhere). A hunk of white space only, and ``raw``,
    compare letter by letter, but for line ends."""
    if text.binary:
        return -1
    newline = text.data.endswith(b"\n")
    letters = raw or not (hunk.added or hunk.removed)

    def spell(lines: list[bytes]) -> list[bytes]:
        return [line.rstrip(b"\r") for line in lines] if letters else [norm(line) for line in lines]

    above, start = _near(hunk.above, last=True)
    below, end = _near(hunk.below, last=False)
    block = spell([*above, *middle, *below])
    lines = spell(text.raw) if letters else text.norms
    at = find_block(block, lines) if block else 0 if not lines else -1
    while at >= 0:
        last = at + len(block) == len(lines)
        if (not start or at == 0) and (
            (not end or last) if hunk.ends is None else newline == hunk.ends if last else hunk.ends
        ):
            return at + len(above)
        at = find_block(block, lines, at + 1) if block else -1
    return -1


def _near(lines: list[bytes], *, last: bool) -> tuple[list[bytes], bool]:
    """The surroundings up to the nearest line with words in it, and whether they reach the file's start or end."""
    ordered = list(reversed(lines)) if last else list(lines)
    taken: list[bytes] = []
    found = False
    for line in ordered:
        taken.append(line)
        if wordiness(line):
            found = True
            break
    return list(reversed(taken)) if last else taken, not found and len(lines) < CONTEXT


def brought_by_tokens(
    hunk: Hunk,
    lines: list[bytes],
    left: dict[bytes, int],
    evidence: Evidence,
    text: Text,
    before: Text | None,
) -> dict[bytes, int]:
    """The weighty lines whose tokens the text holds more often than the one before it."""

    def gained(now: Stream | None, then: Stream | None, tokens: list[bytes], loose: bool) -> bool:
        from tracetui.trail.tokens import pack

        needle = pack(tokens, loose)
        if now is None or not needle:
            return False
        return now.packed(loose).count(needle) > (then.packed(loose).count(needle) if then is not None else 0)

    from tracetui.trail.tokens import stream

    found: dict[bytes, int] = {}
    own = stream(text.name, b"\n".join(lines) + b"\n")
    whole = [token for line in lines for token in lex(line)]
    for loose in (False, True):
        if (
            own is not None
            and len(own.tokens) >= 3
            and gained(text.leaves, before.leaves if before else None, own.tokens, loose)
        ) or (len(whole) >= 3 and gained(text.plain, before.plain if before else None, whole, loose)):
            return {line: count for line, count in left.items() if evidence.added.get(line)}
    for raw in lines:
        line = norm(raw)
        tokens = lex(raw)
        if not evidence.added.get(line) or not left.get(line):
            continue
        if len(tokens) >= 4 and any(
            gained(text.plain, before.plain if before else None, tokens, loose) for loose in (False, True)
        ):
            found[line] = left[line]
    return found
