"""What who seals should know of an episode's values: the secrets that it showed, and what nobody looked at."""

from __future__ import annotations

from collections.abc import Mapping

from tracetui.capsule.episode import Episode
from tracetui.capsule.redaction import REMOTE, Redaction
from tracetui.redact.apply import PLACEHOLDER
from tracetui.redact.forms import PERSONAL_KINDS
from tracetui.redact.values import WEAK, Place

__all__ = ["exposed", "weak"]


def exposed(redaction: Redaction, entries: Mapping[str, bytes] | None = None) -> list[tuple[str, str]]:
    """Live secrets that the session shows: accepted values that are no personal data, by placeholder and kind. With
    ``entries`` (those of a range) only what was taken out of them."""
    plan = redaction.plan()
    shown: set[str] | None = None
    if entries is not None:
        texts = (data.decode("utf-8", "replace") for data in entries.values())
        shown = {match[0] for text in texts for match in PLACEHOLDER.finditer(text)}
    found = set()
    for _, kind, key in plan.values:
        held = plan.given.get(key)
        if held is not None and kind not in PERSONAL_KINDS and kind != REMOTE:
            found.add((f"‹{held[0]}:{held[1]}›", kind))
    return sorted(item for item in found if shown is None or item[0] in shown)


def weak(redaction: Redaction, episode: Episode) -> tuple[Place, ...]:
    """The first open place in the episode of each value that only looks random."""
    found: dict[str, Place] = {}
    surer: set[str] = set()
    for place in redaction.places():
        if place.tier < WEAK:
            surer.add(place.value)
        elif place.value not in found and redaction.state.of(place) == "open" and episode.holds(place):
            found[place.value] = place
    return tuple(place for value, place in found.items() if value not in surer)
