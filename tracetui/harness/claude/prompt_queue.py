"""Prompts typed while the agent was busy: which of the queue's words reached the model, and that none counts twice.

Claude Code writes ``queue-operation`` records: ``enqueue`` when a text is typed, ``dequeue`` when a turn begins with it
(a ``user`` record follows), ``remove`` when it was put into the running turn, ``popAll`` when the person took it back.
Since about 2.1.110 a text put into the running turn is logged as an attachment ``queued_command`` too, and newer
versions give the ``remove`` a reason (``absorbed_mid_turn``); before that the ``enqueue`` is its only trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tracetui.harness.claude.labels import is_command
from tracetui.model import Source

__all__ = ["PromptQueue", "QueuedPrompt"]

_ENTRIES: Final = 200
_TOLD: Final = 64
_KEY: Final = 400
_LONG: Final = 16
"""Characters; a person who repeats a longer text on purpose, at once, is taken to be the harness."""


@dataclass(slots=True)
class QueuedPrompt:
    """A text in the queue, where it stands, and where it was taken out."""

    text: str
    source: Source
    nth: int
    time: int | None
    taken: Source | None = None
    taken_nth: int = 0
    turning: bool = False

    @property
    def from_person(self) -> bool:
        """Whether a person typed it: not a notice about a task, not a command."""
        head = self.text.lstrip()[:40]
        return not (head.startswith(("<task-notification", "<agent-notification", '{"task_id"')) or is_command(head))


class PromptQueue:
    """The queue as far as the log tells it. ``ready`` holds texts that went into the running turn and wait for the
    record that shows them; the reader makes them steps when it begins the next one."""

    def __init__(self) -> None:
        self.entries: list[QueuedPrompt] = []
        self.ready: list[QueuedPrompt] = []
        self.told: dict[str, list[int]] = {}  # text (its head) -> [turn, whether a dequeue followed, told by a turn]
        self.turn = 0
        self.early: list[Any] | None = None

    def operate(
        self, value: dict[str, Any], source: Source, nth: int, time: int | None, *, traced: bool, fed: int
    ) -> None:
        """Take in one ``queue-operation``, the ``fed``-th record of the log; ``traced``: the log also shows absorbed
        texts as attachments. Where a ``remove`` is the first record of all, it speaks of the ``enqueue`` that follows
        at once (the sources of one step, read again)."""
        operation = value.get("operation")
        content = value.get("content")
        text = content.strip() if isinstance(content, str) else ""
        early, self.early = self.early, None
        if operation == "enqueue":
            if text:
                new = QueuedPrompt(text, source, nth, time)
                if early is not None and fed == 2:
                    taken, taken_nth, taken_time = early
                    self._absorb(new, Source(*taken), taken_nth, taken_time)
                else:
                    self.entries.append(new)
                    del self.entries[:-_ENTRIES]
        elif operation == "remove":
            reason = value.get("reason")
            told = reason == "absorbed_mid_turn"
            found = self._pick(text)
            if found is not None:
                self.entries.remove(found)
                if told or (reason is None and not traced):
                    self._absorb(found, source, nth, time)
            elif told and text:
                self._absorb(QueuedPrompt(text, source, nth, time), source, nth, time)
            elif fed == 1:
                self.early = [list(source), nth, time]
        elif operation == "dequeue":
            entry = self._pick(text)
            if entry is not None:
                entry.turning = True
            for told in self.told.values():
                told[1] = 1
        elif operation == "popAll":
            self.entries.clear()

    def _absorb(self, entry: QueuedPrompt, source: Source, nth: int, time: int | None) -> None:
        if not entry.text.startswith('{"task_id"'):
            entry.taken, entry.taken_nth = source, nth
            entry.time = time if time is not None else entry.time
            self.ready.append(entry)

    def _pick(self, text: str) -> QueuedPrompt | None:
        """The entry that an operation speaks of: the one it names, else the first of a person, else the first."""
        if text:
            return next((entry for entry in self.entries if entry.text == text), None)
        fresh = [entry for entry in self.entries if not entry.turning]
        return next((entry for entry in fresh if entry.from_person), fresh[0] if fresh else None)

    def _match(self, text: str) -> bool:
        for box in (self.ready, self.entries):
            for entry in box:
                if entry.text == text:
                    box.remove(entry)
                    return True
        return False

    def tell(self, text: str, *, turn: bool = False) -> None:
        """A queued text went to the model, as a turn of its own or not: note it, so that it does not count again."""
        key = text.strip()[:_KEY]
        self.told.pop(key, None)
        self.told[key] = [self.turn, 0, int(turn)]
        while len(self.told) > _TOLD:
            del self.told[next(iter(self.told))]

    def attached(self, text: str) -> bool:
        """An attachment shows this queued text; whether it is the first to show it."""
        text = text.strip()
        if not self._match(text) and self.told.pop(text[:_KEY], None) is not None:
            return False
        self.tell(text)
        return True

    def prompted(self, text: str) -> bool:
        """A user record shows this text; whether it is the first to show it."""
        text = text.strip()
        if self._match(text):
            self.turn += 1
            self.tell(text, turn=True)
            return True
        told = self.told.get(text[:_KEY])
        if told is not None and not told[2] and told[0] == self.turn and (told[1] or len(text) >= _LONG):
            del self.told[text[:_KEY]]
            return False
        self.turn += 1
        return True

    def dump(self) -> list[Any]:
        """Everything, as JSON values."""
        entries, ready = ([_pack(entry) for entry in box] for box in (self.entries, self.ready))
        return [entries, ready, self.told, self.turn, self.early]

    def load(self, state: list[Any]) -> None:
        """The reverse of ``dump``."""
        entries, ready, told, self.turn, self.early = state
        self.entries = [_unpack(item) for item in entries]
        self.ready = [_unpack(item) for item in ready]
        self.told = {key: list(value) for key, value in told.items()}


def _pack(entry: QueuedPrompt) -> list[Any]:
    taken = list(entry.taken) if entry.taken else None
    return [entry.text, list(entry.source), entry.nth, entry.time, taken, entry.taken_nth, entry.turning]


def _unpack(item: list[Any]) -> QueuedPrompt:
    text, source, nth, time, taken, taken_nth, turning = item
    return QueuedPrompt(text, Source(*source), nth, time, Source(*taken) if taken else None, taken_nth, turning)
