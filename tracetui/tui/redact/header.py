"""What stands above the list and the text: counts, where the cursor is, what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracetui.redact.values import Group, Progress
from tracetui.text import format as fmt

if TYPE_CHECKING:
    from tracetui.tui.redact.view import EditorView

__all__ = ["headline", "say_where"]

_NARROW: Final = 76
"""Cells; on a narrower screen the title line says only what blocks."""


def headline(progress: Progress, dot: str = "·", *, short: bool = False) -> str:
    """``17 open · 204 copies · nothing unscanned``; at nothing open it says so. In ``short`` only what blocks."""
    facts = [f"{fmt.count(progress.open)} open" if progress.open else "nothing open"]
    if short:
        return f" {dot} ".join([*facts, f"{fmt.count(progress.unscanned)} unscanned"][: 2 if progress.unscanned else 1])
    if progress.open:
        facts.append(fmt.plural(progress.copies, "copy", "copies"))
    if progress.weak:
        facts.append(f"{fmt.count(progress.weak)} weak")
    facts.append(f"{fmt.count(progress.unscanned)} unscanned" if progress.unscanned else "nothing unscanned")
    return f" {dot} ".join(facts)


def decided(progress: Progress) -> str:
    """``3 accepted, 1 rejected``; those that are both, in places, only where there are any."""
    said = f"{fmt.count(progress.accepted)} accepted, {fmt.count(progress.rejected)} rejected"
    return said + (f", {fmt.count(progress.partly)} partly" if progress.partly else "")


def say_where(view: EditorView) -> None:
    """Titles and the lines above the text."""
    screen = view.screen
    dot = screen.editor.look.sign("dot")
    # A title is a piece of the session's text, often cut in the middle of a secret.
    name = f"{screen.session.harness} {screen.session.id[:8]}" if view.hidden else view.title
    if screen.steps is not None:
        name += f" {dot} steps {screen.steps[0]}-{screen.steps[1]}"
    progress = view.snapshot.progress
    if view.ready:
        count = progress.accepted + progress.rejected + progress.partly
        screen.title_line.show(name, headline(progress, dot, short=screen.size.width < _NARROW))
        screen.list_title.show("", f"{fmt.count(count)} of {fmt.count(len(view.snapshot.groups))} decided")
    where, facts = _place(view, view.group)
    screen.text_title.show(where, "as the reader will see it" if screen.editor.plain else facts)
    screen.info.show(view.group, view.nth, view.reached.get(view.group.value, "") if view.group is not None else "")
    screen.info.show_gap(view.gap)
    view.say_selected()
    screen.info.done(_done(view, dot) if view.ready and not progress.open and not progress.unscanned else None)


def _place(view: EditorView, group: Group | None) -> tuple[str, str]:
    """The step of the place under decision (else of the cursor), and which of how many places it is."""
    if group is not None and group.places:
        place = group.places[view.nth]
        where = f"step {place.step}" if place.step is not None else f"line {place.at.line}"
        if place.agent:
            where += f" of subagent {place.agent}"
        return where, f"copy {view.nth + 1} of {fmt.count(len(group.places))}"
    here = view.screen.editor.page.step_at(view.screen.editor.cursor) if view.steps else None
    return f"step {here.step}" if here is not None and here.step else "", ""


def _done(view: EditorView, dot: str) -> tuple[str, list[tuple[str, str]]]:
    """What is said when nothing is open any more, and the keys that lead on."""
    progress = view.snapshot.progress
    if not view.snapshot.groups:
        return "Nothing was found", [("2", "read it, mark by hand"), ("s", "seal it")]
    look_at = "with its marks" if view.screen.editor.plain else "as the reader will see it"
    keys = [("s", "seal it"), ("p", look_at), ("S", "as a stranger")]
    if progress.weak:
        keys.append(("space", f"{fmt.count(progress.weak)} weak"))
    return f"Nothing is open {dot} {decided(progress)}", keys
