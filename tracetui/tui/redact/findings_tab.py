"""The Findings tab of the step pane: what was found in the step, by value, and what was decided about it.

It shows what a scan stored and never scans: that takes longer than a tab may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.styles import SIGNS

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.model import SessionRow
    from tracetui.tui.kit.tabs import TabAsk

__all__ = ["findings_tab", "open_steps"]

_STYLES: Final = {"open": "proposed:b", "accepted": "accepted", "rejected": "muted", "partly": "warn"}
_SIGNS: Final = {"open": "finding", "accepted": "tick", "rejected": "dot", "partly": "partly"}


def open_steps(bucket: Bucket, session: SessionRow) -> dict[tuple[str | None, int], int]:
    """(thread, step) -> how many secrets nobody decided about there, as far as a scan was kept; what stands
    only in the frame of records (the folder that every one of them names) is left out."""
    from tracetui.redact import Review
    from tracetui.redact.field_names import name_of
    from tracetui.redact.values import opens_door

    with Review(bucket, session) as review:
        state = review.state
        threads = {log.path: log.thread for log in review.logs()}
        values: dict[tuple[str | None, int], set[str]] = {}
        for place in review.places():
            if not opens_door(place) or state.of(place) != "open" or not name_of(place.field, in_key=place.in_key)[1]:
                continue
            if (step := place.step) is not None:
                values.setdefault((threads.get(place.log_path, place.agent), step), set()).add(place.value)
    return {where: len(found) for where, found in values.items()}


def findings_tab(ask: TabAsk) -> Document | None:
    """The findings of a step; None where no scan was kept for its session. Secrets are not spelled out here: the step
    itself shows them."""
    session, log = ask.loaded.session, ask.loaded.log
    if session is None or log is None or session.findings is None:
        return None
    from tracetui.redact import Review
    from tracetui.redact.field_names import name_of
    from tracetui.redact.values import state_of

    number = ask.loaded.step.number
    with Review(ask.bucket, session) as review:
        own = [place for place in review.places() if place.log_path == log.path and place.step == number]
        states = {place.id: review.state.of(place) for place in own}
        scanned = review.findings.done(session)
    maker = DocumentMaker()
    values: dict[str, list[int]] = {}
    for nth, place in enumerate(own):
        values.setdefault(place.value, []).append(nth)
    still = sum(any(states[own[nth].id] == "open" for nth in places) for places in values.values())
    if not own:
        maker.add("Nothing was found in this step." if scanned else "Nothing was found in this step so far.")
    else:
        said = f"{fmt.plural(len(values), 'value')} in {fmt.plural(len(own), 'place')}, {still or 'none'} open"
        maker.add(f"{said}; r opens the editor", style="muted")
    if not scanned:
        maker.add("Not all of this session was looked through yet; r does it.", style="muted")
    for places in values.values():
        first = min((own[nth] for nth in places), key=lambda place: place.tier)
        state = state_of(states[own[nth].id] for nth in places)
        sign = SIGNS[_SIGNS[state]]
        maker.add("\n")
        head = f"{sign.ascii if ask.ascii else sign.glyph} {one_line(first.kind, 60)}"
        maker.add(f"{head}  {state}", style=_STYLES[state])
        tier = {1: "exact", 2: "by context", 3: "weak"}.get(first.tier, "")
        maker.add(f"  tier {first.tier}, {tier}; {one_line(first.why, 200)}", style="muted")
        for nth in places:
            place = own[nth]
            label, _ = name_of(place.field, in_key=place.in_key)
            view = f", in its {place.view} form" if place.view != "plain" else ""
            maker.add(f"  {label}, characters {fmt.count(place.start)}-{fmt.count(place.end)}{view}")
    return maker.make()
