"""Results that stand before their calls: Claude Code 2.1.197 writes one as line 2 whose call is line 12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tracetui.harness.claude.draft import ClaudeDraft
from tracetui.harness.claude.results import ClaudeResult
from tracetui.model import Source

__all__ = ["Early", "EarlyResults"]

STEPS: Final = 64
"""So many later steps a result waits for its call; of those seen, none waited for more than 8."""
_MOST: Final = 64


class Early(NamedTuple):
    """A result without its call: what it tells, where it stands, when it came (ms), whether it was denied, and the
    event that shows it meanwhile."""

    result: ClaudeResult
    source: Source
    time: int | None
    denied: bool
    draft: ClaudeDraft | None


class EarlyResults:
    """The results that wait, by the id of their call, and the steps begun since the oldest of them came: when a call
    comes, the event goes, and these move up by one."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Early, int]] = {}
        self.since: list[ClaudeDraft] = []

    def __contains__(self, call: str) -> bool:
        return call in self._held

    def __bool__(self) -> bool:
        return bool(self._held)

    def wait(self, call: str, early: Early, count: int) -> None:
        """Hold a result; ``count`` steps there are by now."""
        if len(self._held) >= _MOST:
            del self._held[next(iter(self._held))]
        self._held[call] = (early, count)

    def began(self, draft: ClaudeDraft) -> None:
        """A step was begun."""
        self.since.append(draft)
        for call, (_, count) in list(self._held.items()):
            if draft.number - count <= STEPS:
                break
            del self._held[call]
        if not self._held:
            self.since.clear()

    def take(self, call: str) -> Early | None:
        """The result of a call that has come."""
        held = self._held.pop(call, None)
        if held is None:
            return None
        if held[0].draft is None and not self._held:
            self.since.clear()
        return held[0]

    def moved(self, number: int) -> list[ClaudeDraft]:
        """Let the steps behind ``number`` move up, since that one goes; gives those that did."""
        self.since = [draft for draft in self.since if draft.number != number]
        out = [draft for draft in self.since if draft.number > number]
        for draft in out:
            draft.number -= 1
        for call, (early, count) in self._held.items():
            if count > number:
                self._held[call] = (early, count - 1)
        if not self._held:
            self.since = []
        return out

    @property
    def drafts(self) -> list[ClaudeDraft]:
        """Every step that is held here."""
        return [*self.since, *(early.draft for early, _ in self._held.values() if early.draft is not None)]

    def dump(self) -> list[Any]:
        """Everything but the drafts, as JSON values."""
        held = [
            [
                call,
                count,
                list(item.result),
                list(item.source),
                item.time,
                item.denied,
                item.draft and item.draft.number,
            ]
            for call, (item, count) in self._held.items()
        ]
        return [held, [draft.number for draft in self.since]]

    def load(self, packed: list[Any], drafts: Mapping[int, ClaudeDraft]) -> None:
        """The reverse of ``dump``; ``drafts`` by number."""
        held, since = packed
        for call, count, result, source, time, denied, number in held:
            draft = None if number is None else drafts[number]
            self._held[call] = (Early(ClaudeResult(*result), Source(*source), time, denied, draft), count)
        self.since = [drafts[number] for number in since]
