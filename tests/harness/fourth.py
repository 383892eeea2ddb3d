"""A made-up fourth harness: the least that a reader can be, and the rules for its three kinds of records.

Its records: ``{"app": "fourth", "id", "at", "who", "words"}`` where ``who`` is ``person``, ``model``, ``tool`` (a call
with its result, ``name``, ``given``, ``gave``) or ``memory`` (what the program knows from earlier, no step).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracetui.harness.base import FileEdit, Harness, Root
from tracetui.harness.fields import Fields
from tracetui.harness.sharing import Sharing, allow
from tracetui.model import Kind, LogFacts, Problem, Record, Step, ToolUse

SESSION = "f0000000-0000-4000-8000-000000000004"
_KINDS: dict[str, Kind] = {"person": "prompt", "model": "message", "tool": "tool"}


class FourthReader:
    """``harness.base.Reader`` without anything that waits: one record, one step."""

    def __init__(self, stem: str, state: bytes | None = None) -> None:
        held = json.loads(state) if state else {"known": {}, "unknown": {}, "stepped": 0, "facts": {}}
        self.facts = LogFacts(**{"harness": "fourth", "session": stem} | held["facts"])
        self.known, self.unknown = Counter[str](held["known"]), Counter[str](held["unknown"])
        self.stepped: int = held["stepped"]
        self.problems: list[Problem] = []
        self._steps: list[Step] = []

    def feed(self, record: Record) -> None:
        value = record.value
        kind = _KINDS.get(value["who"]) if isinstance(value.get("who"), str) else None
        if kind is None:
            (self.known if value.get("who") == "memory" else self.unknown)[str(value.get("who"))] += 1
            return
        self.stepped += 1
        words = value.get("words")
        text = words if isinstance(words, str) else None
        tool = None
        if kind == "tool":
            name, gave = value.get("name"), value.get("gave")
            tool = ToolUse(name if isinstance(name, str) else "tool", value.get("given"),
                           gave if isinstance(gave, str) else None, call_id=str(value.get("id")))  # fmt: skip
        time = value.get("at") if type(value.get("at")) is int else None
        self._steps.append(
            Step(self.stepped, kind, str(value.get("id")), (record.source,), time=time, text=text, tool=tool)
        )
        if kind == "prompt" and self.facts.title is None:
            self.facts.title = text

    def take(self) -> list[Step]:
        out, self._steps = self._steps, []
        return out

    def dump(self) -> bytes:
        facts = {"title": self.facts.title, "session": self.facts.session}
        state = {"known": self.known, "unknown": self.unknown, "stepped": self.stepped, "facts": facts}
        return json.dumps(state).encode()


def _detect(head: Sequence[Mapping[str, Any]]) -> bool:
    return any(record.get("app") == "fourth" for record in head)


def _edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    return []


FIELDS = Fields.of("id app who at", "seal")
SHARING = Sharing(
    kind=lambda value: str(value.get("who")),
    allowed=allow("app id at who", {"person model": "words", "tool": "name given gave -earlier"}),
)
WITHOUT = Harness(
    name="fourth",
    title="Fourth",
    detect=_detect,
    reader=FourthReader,
    roots=lambda environ, home: [Root(Path(home) / ".fourth", ("*.jsonl",))],
    resume=lambda facts: ["fourth", "resume", facts.session],
    edits=_edits,
    short="4h",
)
"""A harness of which only the steps are known."""
WITH = replace(WITHOUT, sharing=lambda: SHARING, fields=lambda: FIELDS)


def write(path: Path) -> Path:
    """A log of seven records and six steps; what stands before and behind steps 3 to 4, and in fields of theirs that no
    rule names or that never leave, says ``zqout``; what is theirs says ``zqown``."""
    records: list[dict[str, Any]] = [
        {"who": "memory", "words": "zqout1"},
        {"who": "person", "words": "zqout2"},
        {"who": "model", "words": "zqout3"},
        {"who": "person", "words": "zqown1", "recalled": ["zqout4"]},
        {"who": "tool", "name": "look", "given": {"at": "zqown2"}, "gave": "zqown3", "earlier": "zqout5"},
        {"who": "model", "words": "zqout6"},
        {"who": "person", "words": "zqout7"},
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"app": "fourth", "id": f"r{nth}", "at": 1_780_000_000_000 + nth, **record})
        for nth, record in enumerate(records)
    ]
    path.write_text("".join(line + "\n" for line in lines))
    return path
