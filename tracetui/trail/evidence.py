"""What a hunk is recognised by: weighted lines, a block in its surroundings, or token streams."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tracetui.trail.hunks import CONTEXT, Hunk
from tracetui.trail.lines import find_block, fingerprint, norm, wordiness
from tracetui.trail.texts import Text
from tracetui.trail.thresholds import rarity
from tracetui.trail.tokens import Stream, lex, pack, stream

__all__ = ["Evidence", "block_at", "brought_by_tokens", "has_block", "is_marker", "tells", "weigh"]

_IMPORT = re.compile(
    rb"\s*(?:import\b|from\b.*\bimport\b|use\b|using\b|#\s*include\b|require\b|package\b|export\b.*\bfrom\b|"
    rb"(?:const|let|var)\b.*\brequire\s*\()"
)


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

    def share(self, lines: Mapping[bytes, int]) -> float:
        """The share of the hunk's weight that these lines make."""
        if not self.total:
            return 0.0
        return sum(self.weights.get(line, 0.0) * count for line, count in lines.items()) / self.total


def is_marker(line: bytes) -> bool:
    """Whether a line is one that Git writes into a file with a conflict."""
    return line.startswith((b"<<<<<<<", b">>>>>>>", b"|||||||")) or line.rstrip() == b"======="


def tells(line: bytes) -> bool:
    """Whether a line tells something in another file than its own: it is no import."""
    return not _IMPORT.match(line)


def weigh(hunk: Hunk, changes: dict[int, int]) -> Evidence:
    """The weights of a hunk's lines; ``changes`` counts, per line fingerprint, the changes that ever
    brought it. Conflict markers are nobody's text."""

    def of(lines: list[bytes], own: dict[bytes, int]) -> dict[bytes, float]:
        found: dict[bytes, float] = {}
        for raw in lines:
            line = norm(raw)
            if line in own and line not in found:
                weight = 0.0 if is_marker(raw) else wordiness(raw)
                if weight:
                    copies = hunk.others.get(line, 0)
                    found[line] = weight * rarity(max(changes.get(fingerprint(line), 0), copies))
        return found

    added, removed = of(hunk.new, hunk.added), of(hunk.old, hunk.removed)
    for kind, weights, counts in (("add", added, hunk.added), ("del", removed, hunk.removed)):
        total = sum(weight * counts[line] for line, weight in weights.items())
        if total > 0:
            return Evidence(kind, added, removed, total)
    return Evidence("block", added, removed, 0.0)


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
        needle = pack(tokens, loose)
        if now is None or not needle:
            return False
        return now.packed(loose).count(needle) > (then.packed(loose).count(needle) if then is not None else 0)

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
