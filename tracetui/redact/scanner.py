"""Scanning texts: every view, every detector, one list of findings in each text's own code points."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tracetui.redact.entropy import is_uuid, looks_random
from tracetui.redact.finding import Finding
from tracetui.redact.judgement import keylike
from tracetui.redact.rules import BREAK, detect
from tracetui.redact.text_decoders import DecodedView, views_of

__all__ = ["scan", "scan_many", "settle"]

_CHUNK: Final = 262_144
"""Code points scanned at once; neighbouring chunks share ``_OVERLAP``, more than any rule looks at."""
_OVERLAP: Final = 17_000
_BATCH: Final = 65_536
_LEAST: Final = 4
"""Code points; no rule takes less for a secret."""
_SECONDS_PER_CHUNK: Final = 30.0
"""Of this thread's time on the processor, so that a loaded machine changes nothing. The worst texts known take 2 s."""


def _decoded(text: str, budget: float) -> Iterator[Finding]:
    """Findings of the views of a text that differ from it: the neighbourhoods of all decoded places, scanned as one."""
    began = time.thread_time()
    parts: list[str] = []
    starts: list[int] = []
    owners: list[tuple[DecodedView, int]] = []
    at = 0
    for view in views_of(text):
        for low, high in view.windows():
            piece = view.text[low:high]
            parts.append(piece)
            starts.append(at)
            owners.append((view, low))
            at += len(piece) + len(BREAK)
            if time.thread_time() - began > budget:
                yield Finding(0, len(text), "unscanned", "unscanned", 1, view.name, "took too long to scan")
                return
    if not parts:
        return
    joined = BREAK.join(parts)
    for found in detect(joined, weak=False, seconds=budget):
        if found.rule == "unscanned":
            yield Finding(0, len(text), "unscanned", "unscanned", 1, "decoded", found.why)
            continue
        i = bisect_right(starts, found.start) - 1
        view, low = owners[i]
        start, end = low + found.start - starts[i], low + found.end - starts[i]
        if view.joined:
            # What no break divides was read without the view; a name may be divided too.
            lead = 48 if found.rule in ("named-value", "near-provider") else 0
            if not view.crosses(max(low, start - lead), end):
                continue
            value = view.text[start:end]
            if (
                found.tier > 1
                and found.rule != "email"
                and not (looks_random(value) or keylike(value) or is_uuid(value))
            ):
                continue
        begin, stop = view.origin(start, end)
        if stop > begin:
            yield Finding(begin, stop, found.kind, found.rule, found.tier, view.name, found.why)


def settle(found: Iterable[Finding]) -> list[Finding]:
    """One finding per place: the surer one, then the longer one; overlaps that add characters stay."""
    best: dict[tuple[int, int], Finding] = {}
    for item in sorted(found, key=lambda f: (f.tier, f.view != "plain", f.rule, f.kind, f.view, f.why)):
        best.setdefault((item.start, item.end), item)
    kept: list[Finding] = []
    reach = [-1, -1, -1, -1]  # how far the findings of each tier go
    for item in sorted(best.values(), key=lambda f: (f.start, -f.end)):
        if max(reach[: item.tier + 1]) < item.end:
            kept.append(item)
        reach[item.tier] = max(reach[item.tier], item.end)
    return kept


def scan(text: str) -> list[Finding]:
    """Propose what to scrub in a text.

    Returns findings in order, spans in code points of ``text``. Linear in its length; a piece that takes longer than
    its budget is given as a finding of rule ``unscanned``. No network, no files; safe from several threads.
    """
    if not isinstance(text, str) or len(text) < _LEAST:
        return []
    out: list[Finding] = []
    at = 0
    while True:
        piece = text[at : at + _CHUNK] if at or len(text) > _CHUNK else text
        if "\0" in piece:
            piece = piece.replace("\0", "\x01")  # it parts texts that are scanned together
        found = detect(piece, seconds=_SECONDS_PER_CHUNK)
        found += _decoded(piece, _SECONDS_PER_CHUNK)
        if at == 0:
            out += found
        else:
            out += (Finding(at + f.start, at + f.end, f.kind, f.rule, f.tier, f.view, f.why) for f in found)
        if at + _CHUNK >= len(text):
            return settle(out)
        at += _CHUNK - _OVERLAP


def scan_many(texts: Sequence[str]) -> list[list[Finding]]:
    """``scan`` of each text; short ones are scanned together, which costs much less for the many short strings of a
    log."""
    out: list[list[Finding]] = [[] for _ in texts]
    # Texts of one byte a code point apart from others: all that is done to them is several times faster.
    batches: tuple[list[int], list[int]] = ([], [])
    sizes = [0, 0]
    for nth, text in enumerate(texts):
        if len(text) > _BATCH // 4 or "\0" in text:
            out[nth] = scan(text)
            continue
        if len(text) < _LEAST:
            continue
        which = text.isascii()
        batches[which].append(nth)
        sizes[which] += len(text) + len(BREAK)
        if sizes[which] > _BATCH:
            _together(texts, batches[which], out)
            batches[which].clear()
            sizes[which] = 0
    for batch in batches:
        _together(texts, batch, out)
    return out


def _together(texts: Sequence[str], batch: Sequence[int], out: list[list[Finding]]) -> None:
    if not batch:
        return
    joined = BREAK.join([texts[nth] for nth in batch])
    starts: list[int] = []
    at = 0
    for nth in batch:
        starts.append(at)
        at += len(texts[nth]) + len(BREAK)
    found = detect(joined, seconds=_SECONDS_PER_CHUNK)
    found += _decoded(joined, _SECONDS_PER_CHUNK)
    each: dict[int, list[Finding]] = {}
    for item in found:
        if item.rule == "unscanned":
            # One of them took too long: each gets its own time.
            for nth in batch:
                out[nth] = scan(texts[nth])
            return
        i = bisect_right(starts, item.start) - 1
        base = starts[i]
        end = item.end - base
        if end > len(texts[batch[i]]):
            continue
        each.setdefault(batch[i], []).append(
            Finding(item.start - base, end, item.kind, item.rule, item.tier, item.view, item.why)
        )
    for nth, items in each.items():
        out[nth] = settle(items)
