"""Lines of a hunk that do not stand any more and are still recognisable: the same tokens in another layout, renamed
identifiers, edited lines."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from tracetui.trail.hunks import Hunk
from tracetui.trail.lines import norm, wordiness
from tracetui.trail.texts import Text
from tracetui.trail.tokens import Stream, is_identifier, lex, stream, suffix

if TYPE_CHECKING:
    from tracetui.trail.measure import Measure

__all__ = ["SIMILAR", "Take", "born_lines", "recognise"]

SIMILAR: Final = 0.7
_FAR: Final = 0.85
_TRIES: Final = 40
_PROSE: Final = frozenset("md markdown mdx rst txt text adoc org readme license changelog".split())


class Take(Protocol):
    """The type of the function that takes a line out of what is missing and gives its weight."""

    def __call__(self, at: int) -> float: ...


def recognise(
    hunk: Hunk,
    pending: list[int],
    text: Text,
    born: list[int],
    gap: range,
    take: Take,
    found: Measure,
) -> None:
    """Recognise ``pending`` lines of a hunk among the lines of a text that were ``born`` after the edit.

    ``gap`` is the hunk's own place; ``take`` takes a line out of what is missing and gives its weight, which is added
    to ``found``. Each line of the text serves once.
    """
    spent: set[int] = set()
    pending = _layout(hunk, pending, text, born, spent, take, found)
    pending = _renames(hunk, pending, text, [at for at in born if at in gap], spent, take, found)
    _edits(hunk, pending, text, born, gap, spent, take, found)


def _layout(
    hunk: Hunk,
    pending: list[int],
    text: Text,
    born: list[int],
    spent: set[int],
    take: Take,
    found: Measure,
) -> list[int]:
    """Lines whose tokens stand one after the other in another layout: all at once, then run by run, then alone."""
    if not pending or not born:
        return pending
    fresh = set(born)
    waiting = list(pending)
    twins: dict[tuple[bytes, ...], list[int]] = {}
    for at in born:
        if tokens := text.cut(at):
            twins.setdefault(tuple(tokens), []).append(at)
    for at in pending:  # a line of its own with the same tokens (quotes, commas), however short
        same = [spot for spot in twins.get(tuple(lex(hunk.new[at])), ()) if spot not in spent]
        if same and (weight := take(at)):
            found.layout += weight
            found.standing.append((found.path or text.name, same[0]))
            spent.add(same[0])
            waiting.remove(at)
    whole = list(range(len(hunk.new)))
    for run in ([whole] if pending else []) + _runs(pending, hunk) + [[at] for at in pending]:
        still = [at for at in run if at in waiting]
        if not still:
            continue
        span = _token_span(hunk, run, text, fresh, 3 if len(run) > 1 else 4)
        if span is None:
            continue
        for at in still:
            weight = take(at)
            found.layout += weight
            if weight:
                found.standing.append((found.path or text.name, span[0]))
            waiting.remove(at)
        spent.update(range(span[0], span[1] + 1))
    return waiting


def _token_span(hunk: Hunk, run: list[int], text: Text, fresh: set[int], least: int) -> tuple[int, int] | None:
    """First and last line at which the tokens of a run of the hunk's lines stand, one of them born after the edit.

    What shares these lines with them must have stood beside them before: a line that got more tokens was edited.
    """
    lines = [hunk.new[at] for at in run]
    simple = [token for line in lines for token in lex(line)]
    if not all(token in text.data for token in simple if is_identifier(token)):
        return None  # not one layout of these tokens can stand there
    options: list[tuple[list[bytes], Stream]] = [(simple, text.plain)]
    own = stream(text.name, b"\n".join(lines) + b"\n")
    if own is not None and text.leaves is not None:
        options.append((own.tokens, text.leaves))
    for loose in (False, True):
        for tokens, where in options:
            if len(tokens) < least or not any(token[:1].isalnum() or len(token) > 2 for token in tokens):
                continue
            at = 0
            for _ in range(_TRIES):
                span = where.span(tokens, loose, at)
                if span is None:
                    break
                first, last, at = span
                if any(line in fresh for line in range(first, last + 1)) and (
                    not hunk.placed or _joined(hunk, run, loose, *where.beside(tokens, loose, at))
                ):
                    return first, last
    return None


def _joined(hunk: Hunk, run: list[int], loose: bool, before: bytes, after: bytes) -> bool:
    """Whether tokens that share a line with a run of the hunk's lines are those of the lines beside it."""

    def token(lines: Iterable[bytes], at: int) -> bytes:
        for line in lines:
            tokens = [token for token in lex(line) if not (loose and token in (b"(", b")"))]
            if tokens:
                return tokens[at]
        return b""

    above = token([*reversed(hunk.new[: run[0]]), *reversed(hunk.above)], -1)
    below = token([*hunk.new[run[-1] + 1 :], *hunk.below], 0)
    same = [b"".join(found.split()) for found in (before, above, after, below)]
    return (not before or (bool(above) and (same[0].endswith(same[1]) or same[1].endswith(same[0])))) and (
        not after or (bool(below) and (same[2].startswith(same[3]) or same[3].startswith(same[2])))
    )


def born_lines(hunk: Hunk, text: Text, base: Text | None) -> list[int]:
    """Lines of the text that were not there when the hunk landed, and that it did not remove itself."""
    if base is not None:
        return [at for at in text.new_lines(base) if text.norms[at] not in hunk.removed]
    own = Counter(map(norm, hunk.new))
    seen: Counter[bytes] = Counter()
    found: list[int] = []
    for at, line in enumerate(text.norms):
        seen[line] += 1
        if line and seen[line] > own.get(line, 0) and line not in hunk.removed:
            found.append(at)
    return found


def _runs(pending: list[int], hunk: Hunk) -> list[list[int]]:
    """Pending lines in runs; lines without any weight between two of them do not part them."""
    runs: list[list[int]] = []
    for at in pending:
        if runs and all(not wordiness(hunk.new[mid]) for mid in range(runs[-1][-1] + 1, at)):
            runs[-1].extend(range(runs[-1][-1] + 1, at + 1))
        else:
            runs.append([at])
    return [run for run in runs if len(run) > 1]


def _shape(tokens: list[bytes]) -> tuple[bytes, ...]:
    return tuple(b"\1" if is_identifier(token) else token for token in tokens)


def _renaming(tokens: list[bytes], other: list[bytes], known: dict[bytes, bytes]) -> dict[bytes, bytes] | None:
    """``known`` renamings and those that make ``other`` of ``tokens``; None where they contradict each other, or where
    too little is the same: half of the tokens, with a name, a literal or a known renaming among them, else three in
    four."""
    pairs = dict(known)
    for one, two in zip(tokens, other):
        if is_identifier(one) and pairs.setdefault(one, two) != two:
            return None
    same = [one for one, two in zip(tokens, other) if one == two]
    if len(same) == len(tokens) or len(same) * 2 < len(tokens):
        return None
    telling = any(is_identifier(one) or one[:1] in b"\"'0123456789" for one in same)
    again = any(one != two and known.get(one) == two for one, two in zip(tokens, other))
    return pairs if telling or again or len(same) * 4 >= len(tokens) * 3 else None


def _renames(
    hunk: Hunk, pending: list[int], text: Text, born: list[int], spent: set[int], take: Take, found: Measure
) -> list[int]:
    """Lines that differ only by a renaming of identifiers that holds for all of them; the old names must be gone from
    the file, or at least from the lines that took the place of these. Prose has no identifiers."""
    if suffix(text.name) in _PROSE:
        return pending
    shapes: dict[tuple[bytes, ...], list[int]] = {}
    cut: dict[int, list[bytes]] = {}
    for at in born:
        if at not in spent:
            cut[at] = text.cut(at)
            shapes.setdefault(_shape(cut[at]), []).append(at)
    mapping: dict[bytes, bytes] = {}
    matched: list[tuple[int, int]] = []
    taken: set[int] = set()
    for at in pending:
        tokens = lex(hunk.new[at])
        if len(tokens) < 3:
            continue
        for spot in shapes.get(_shape(tokens), ())[:20]:
            further = _renaming(tokens, cut[spot], mapping) if spot not in taken else None
            if further is not None:
                mapping = further
                matched.append((at, spot))
                taken.add(spot)
                break
    renamed = {one: two for one, two in mapping.items() if one != two}
    after = {token for _, spot in matched for token in cut[spot]}
    if not matched or not renamed or any(old in after for old in renamed):
        return pending
    for at, spot in matched:
        weight = take(at)
        found.renamed += weight
        if weight:
            found.standing.append((found.path or text.name, spot))
        spent.add(spot)
    done = {at for at, _ in matched}
    return [at for at in pending if at not in done]


def _edits(
    hunk: Hunk,
    pending: list[int],
    text: Text,
    born: list[int],
    gap: range,
    spent: set[int],
    take: Take,
    found: Measure,
) -> None:
    """Lines with a similar one (by tokens) that was born after the edit, in the hunk's place or, if very similar,
    anywhere in the file; each such line is used once."""
    cut: dict[int, list[bytes]] = {}
    words: dict[bytes, list[int]] = {}
    for spot in born:
        if spot in spent:
            continue
        cut[spot] = text.cut(spot)
        for token in set(cut[spot]):
            words.setdefault(token, []).append(spot)
    matcher = difflib.SequenceMatcher(autojunk=False)
    scored: list[tuple[float, int, int]] = []
    for at in pending:
        tokens = lex(hunk.new[at])
        if not tokens:
            continue
        shared: Counter[int] = Counter()
        for token in set(tokens):
            spots = words.get(token, ())
            if len(spots) <= 200 or len(tokens) <= 3:
                shared.update(spots)
        matcher.set_seq2([token.decode("latin-1") for token in tokens])
        for spot, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:12]:
            other = cut[spot]
            if 2 * min(len(other), len(tokens)) < SIMILAR * (len(other) + len(tokens)):
                continue
            matcher.set_seq1([token.decode("latin-1") for token in other])
            if matcher.quick_ratio() < SIMILAR:
                continue
            ratio = matcher.ratio()
            if ratio >= (SIMILAR if spot in gap else _FAR):
                scored.append((-ratio, at, spot))
    done: set[int] = set()
    for _, at, spot in sorted(scored):
        if at in done or spot in spent:
            continue
        weight = take(at)
        if weight:
            found.edited += weight
            found.standing.append((found.path or text.name, spot))
            done.add(at)
            spent.add(spot)
