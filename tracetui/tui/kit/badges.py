"""What became of a step's edits, in the room that there is: from one sign to signs, words and shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from tracetui.text import format as fmt
from tracetui.tui.kit.paint import Span, cells
from tracetui.tui.kit.reasons import reason_of
from tracetui.tui.kit.signs import badge
from tracetui.tui.kit.styles import Look

__all__ = ["StepBadge", "badges_of", "shown_state", "spans", "tally"]

_ORDER: Final = ("alive", "transformed", "pending", "reverted", "lost", "unknown", "undone")


class StepBadge(NamedTuple):
    """The hunks of one step. ``state`` is that of most of their lines; ``counts`` has (state, hunks) pairs."""

    state: str
    retention: float | None
    counts: tuple[tuple[str, int], ...]
    why: str = ""
    """Why it is not known what became of it."""


def shown_state(state: Mapping[str, Any]) -> str:
    """The state of a hunk by the word that is on screen: ``undone`` where it only put back what was there before."""
    return "undone" if state["reason"] == "restores_base" else str(state["state"])


def badges_of(
    states: Iterable[Mapping[str, Any]], problem: str | None = None
) -> dict[tuple[str | None, int], StepBadge]:
    """(agent, step) -> badge, for the hunks of a session as `trail.serve` gives them; ``problem`` is what Git said
    where it could not read the repository."""
    lines: dict[tuple[str | None, int], Counter[str]] = {}
    hunks: dict[tuple[str | None, int], Counter[str]] = {}
    kept: dict[tuple[str | None, int], tuple[float, float]] = {}
    why: dict[tuple[str | None, int], str] = {}
    for state in states:
        key = (state["agent"], state["step"])
        weight = max(1, state["added"] + state["removed"])
        shown = shown_state(state)
        if shown == "unknown":
            why.setdefault(key, reason_of(state, problem))
        lines.setdefault(key, Counter())[shown] += weight
        hunks.setdefault(key, Counter())[shown] += 1
        if state["retention"] is not None:
            total, share = kept.get(key, (0.0, 0.0))
            kept[key] = (total + weight, share + weight * state["retention"])
    found: dict[tuple[str | None, int], StepBadge] = {}
    for key, table in lines.items():
        best = max(table, key=lambda name: (table[name], -_ORDER.index(name)))
        total, share = kept.get(key, (0.0, 0.0))
        own = hunks[key]
        found[key] = StepBadge(best, share / total if total else None, tuple((n, own[n]) for n in _ORDER if own[n]))
        if best == "unknown":
            found[key] = found[key]._replace(why=why[key])
    return found


def spans(found: StepBadge, look: Look, room: int) -> list[Span]:
    """The badge in at most ``room`` cells: the states of several hunks each with its number, else one state with its
    word, else its sign."""
    if len(found.counts) > 1:
        pieces: list[Span] = []
        for name, number in found.counts:
            pieces.append((f"{' ' if pieces else ''}{look.sign(name)} {number}", look.sign_style(name)))
        if sum(cells(text) for text, _ in pieces) <= room:
            return pieces
        return badge(look, found.state, room=1)
    share = found.retention
    detail = fmt.percent(share, 1) if share is not None and found.state == "transformed" else ""
    return badge(look, found.state, detail, room=room)


def tally(counts: Mapping[str, int], look: Look) -> list[Span]:
    """``● 9 ◐ 1 ○ 2``: the hunks of a session by state; nothing for none."""
    pieces: list[Span] = []
    for name in _ORDER:
        if counts.get(name):
            pieces.append((f"{' ' if pieces else ''}{look.sign(name)} {counts[name]:,}", look.sign_style(name)))
    return pieces
