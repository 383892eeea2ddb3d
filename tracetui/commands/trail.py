"""``trail``: the hunks of a session, the commits that accepted them, and what survives."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tracetui.commands.address import Address, parse_address
from tracetui.commands.common import find_session, opened
from tracetui.commands.out import Column, JsonLines, Paper, note
from tracetui.model import TracetuiError
from tracetui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tracetui.trail.folders import Unseen
    from tracetui.trail.judge import HunkState

EXAMPLES: Final = (
    ("tracetui trail 019c3f2a", "what became of a session's edits"),
    ("tracetui trail 019c3f2a --at v2.1 --json", "the same at a tag, for programs"),
    ("tracetui trail 019c3f2a --repo ~/src/limit", "for a log from another machine"),
)
_SIGNS: Final = {
    "alive": ("●", "+"),
    "transformed": ("◐", "~"),
    "reverted": ("↶", "<"),
    "lost": ("○", "-"),
    "pending": ("◌", "."),
    "unknown": ("?", "?"),
    "undone": ("↺", "u"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("address", metavar="ID[:STEP]", help="ID, ID:12, ID:12-40 or ID/AGENT:12")
    parser.add_argument("--repo", metavar="DIR", help="the repository, where the session's folder is not in it")
    parser.add_argument("--at", metavar="REV", default="HEAD", help="the revision to judge at (default: HEAD)")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one hunk each")


def run(args: argparse.Namespace) -> int:
    """Judge and print; the exit status."""
    from tracetui.trail.facade import Trail

    address = parse_address(args.address)
    with opened(args) as bucket, Trail(bucket, repository(args.repo)) as trail:
        session = find_session(bucket, address)
        states = trail.hunks(session, args.at)
        states = _addressed(states, address)
        if args.json:
            out = JsonLines()
            for nth, state in enumerate(states, 1):
                found = state.json()
                if nth == len(states):
                    found["unseen"] = trail.unseen().json()
                out.write(found)
            return 0
        coverage = trail.coverage(session)
        _print(states)
        if coverage.commands:
            note(
                f"{coverage.commands:,} shell command{'s' if coverage.commands != 1 else ''} ran in this session; "
                "what they changed is not in its log and not judged here"
            )
        tell_unseen(trail.unseen())
    return 0


def _addressed(states: list[HunkState], address: Address) -> list[HunkState]:
    """Of the states those that an address names."""
    if address.agent is not None:
        states = [state for state in states if (state.agent or "").startswith(address.agent)]
    elif address.first is not None:
        states = [state for state in states if state.agent is None]
    if address.part is not None or address.first is not None:
        part = address.part or min((state.part for state in states), default=1)
        states = [state for state in states if state.part == part]
    if address.first is not None:
        last = max((state.step for state in states), default=0)
        first = last if address.first == -1 else address.first
        end = last if address.last in (None, -1) else (address.last or last)
        states = [state for state in states if first <= state.step <= end]
    return states


def tell_unseen(unseen: Unseen) -> None:
    """Say how many sessions belong to no repository, so that nobody takes what is told for everything."""
    if unseen.sessions:
        note(
            f"{fmt.plural(unseen.sessions, 'session')} in {fmt.plural(unseen.folders, 'folder')} belong to no "
            "repository and were not looked at; the app's repositories screen ties them"
        )


def repository(named: str | None) -> str | None:
    """The folder that ``--repo`` names; raises where no repository is."""
    if named is None:
        return None
    from pathlib import Path

    from tracetui.trail.store import find_git

    place = Path(named).expanduser()
    if find_git(place) is None:
        raise TracetuiError(f"{named} is not in a Git repository; name one that is")
    return str(place)


def _place(state: HunkState) -> str:
    part = f"~{state.part}:" if state.part > 1 else ""
    return f"{part.rstrip(':')}/{state.agent}:{state.step}".lstrip("/") if state.agent else f"{part}{state.step}"


def _print(states: list[HunkState]) -> None:
    paper = Paper()
    if not states:
        paper.line("No edit in this session that its log describes.")
        return
    columns = (
        Column("step", ">"), Column("state"), Column("left", ">"), Column("reason"), Column("lines"),
        Column("landing"), Column("ended by"), Column("path", share=3, middle=True),
    )  # fmt: skip
    sign = 1 if paper.ascii else 0
    paper.table(
        columns,
        [
            (
                _place(state),
                f"{_SIGNS[state.shown][sign]} {state.shown}",
                "" if state.retention is None else f"{state.retention * 100:.0f} %",
                state.reason + (" (gone in the work tree)" if state.flag else ""),
                f"+{state.added} -{state.removed}",
                (state.landing or "")[:9],
                (state.killer or "")[:9],
                state.path,
            )
            for state in states
        ],
        ("muted", "bold", None, None, "muted", "accent", "accent", None),
    )
    found: Counter[str] = Counter(state.state for state in states if state.counted)
    total = sum(found.values())
    paper.line(", ".join(f"{found[name]:,} {name}" for name in _SIGNS if found[name]) + f" of {total:,} hunks")
