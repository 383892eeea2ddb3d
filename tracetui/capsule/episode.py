"""An episode: a session, or a range of its steps, and which records of its logs belong to it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from tracetui.model import LogRow, Record, SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["LEFT_OUT", "Episode", "Part", "blanked", "choose", "foreign_blocks", "stripped"]

LEFT_OUT: Final = "[text from before the episode, left out]"
# Records that are no step, hold no text of a conversation, and without which its steps would lack model or tokens.
_FRAME: Final[dict[str, frozenset[str]]] = {
    "codex": frozenset({"token_count", "task_started", "turn_started", "task_complete", "turn_complete"}),
    "pi": frozenset({"model_change", "thinking_level_change"}),
    "claude": frozenset(),
}


@dataclass(slots=True)
class Part:
    """One log of an episode. ``steps`` are the numbers that belong to it; ``lines`` the (line, nth) of the records that
    do, None for all; ``heads`` those among them that stand before the range and say what log it is."""

    log: LogRow
    steps: range
    lines: set[int] | None = None
    heads: set[int] = field(default_factory=set)

    def holds(self, record: Record) -> bool:
        """Whether a record belongs to the episode."""
        return self.lines is None or record.source.line in self.lines or record.source.line in self.heads

    @property
    def stem(self) -> str:
        """The stem of the log's file name, which may settle its identity."""
        name = PurePath(self.log.path).name
        for ending in (".zst", ".jsonl"):
            name = name.removesuffix(ending)
        return name


@dataclass(slots=True)
class Episode:
    """What was chosen: ``first`` and ``last`` are None for a whole session. ``agent`` names a subagent's own steps."""

    session: SessionRow
    agent: str | None
    first: int | None
    last: int | None
    parts: list[Part]

    @property
    def ranged(self) -> bool:
        """Whether it is a range, so that what lies outside stays out."""
        return self.first is not None

    def has(self, agent: str | None, step: int) -> bool:
        """Whether a step belongs to it."""
        return any(part.log.agent == agent and step in part.steps for part in self.parts)

    @property
    def main(self) -> Part:
        """The part that the range speaks of."""
        return self.parts[0]


def choose(
    bucket: Bucket, session: SessionRow, first: int | None = None, last: int | None = None, agent: str | None = None
) -> Episode:
    """The episode of a session, or of steps ``first`` to ``last`` (-1: the last) of its log (or its subagent's).

    A range takes the logs of the subagents along that its steps started. Raises TracetuiError.
    """
    logs = [log for log in bucket.logs(session.id, session.harness) if log.shown]
    main = next((log for log in logs if log.agent == agent), None)
    if main is None and agent is None and logs and first is None:
        main = logs[0]
    if main is None:
        raise TracetuiError(f"{session.id} has no log {agent or 'of its own'} that can be sealed")
    if first is None:
        rest = [log for log in logs if log is not main] if agent is None else []
        return Episode(session, agent, None, None, [Part(log, range(1, log.steps + 1)) for log in (main, *rest)])
    end = main.steps if last == -1 else (first if last is None else last)
    start = main.steps if first == -1 else first
    end = min(end if end != -1 else main.steps, main.steps)
    if not 1 <= start <= end:
        raise TracetuiError(f"{session.id} has {main.steps:,} steps; name a range of them", status=2)
    part = Part(main, range(start, end + 1))
    part.lines = _lines(bucket, main, part.steps)
    part.heads = _heads(bucket, main, part.lines)
    started = {row.thread for row in bucket.step_rows(main, start, end) if row.thread}
    below = [log for log in logs if log.agent is not None and log.agent in started and log is not main]
    return Episode(session, agent, start, end, [part, *(Part(log, range(1, log.steps + 1)) for log in below)])


def _lines(bucket: Bucket, log: LogRow, steps: range) -> set[int]:
    """The lines that make these steps, without those that an earlier or later step alone has."""
    wanted: set[int] = set()
    for number, _, _, sources in bucket.sources(log):
        if number in steps:
            wanted.update(source.line for source in sources)
    return wanted


def _heads(bucket: Bucket, log: LogRow, lines: set[int]) -> set[int]:
    """Records that say what log it is, and those of the range's own stretch that frame its steps."""
    first, last = min(lines, default=0), max(lines, default=0)
    heads: set[int] = set()
    frame = _FRAME.get(log.harness, frozenset())
    context: int | None = None
    for record in bucket.records(log):
        line, kind = record.source.line, _kind(record.value)
        if line > last and kind != "token_count":
            if line > last + 8:
                break
            continue
        if kind in ("session_meta", "session") and not any(True for _ in heads):
            heads.add(line)
        elif kind in ("turn_context", "model_change") and line < first:
            context = line
        elif (kind in frame and (first <= line <= last or (kind == "token_count" and line > last))) or (
            kind == "turn_context" and first <= line <= last
        ):
            heads.add(line)
    if context is not None:
        heads.add(context)
    return heads - lines


def _kind(value: dict[str, Any]) -> str:
    kind = value.get("type")
    payload = value.get("payload")
    if kind == "event_msg" and isinstance(payload, dict):
        kind = payload.get("type")
    return kind if isinstance(kind, str) else ""


# -- what a record of the range says about what came before it

_CODEX_META: Final = frozenset(
    "base_instructions instructions user_instructions developer_instructions history_base dynamic_tools tools".split()
)


def stripped(harness: str, value: dict[str, Any], *, head: bool) -> dict[str, Any]:
    """A record of a range without the text from before it that it carries: summaries of compactions, replaced history,
    whole-file originals. ``head``: the record itself stands before the range. The shape stays."""
    if harness == "claude":
        return _claude(value)
    if harness == "codex":
        return _codex(value, head=head)
    if harness == "pi":
        return _pi(value)
    return value


def _claude(value: dict[str, Any]) -> dict[str, Any]:
    result = value.get("toolUseResult")
    if isinstance(result, dict) and isinstance(result.get("originalFile"), str) and result["originalFile"]:
        value = {**value, "toolUseResult": {**result, "originalFile": LEFT_OUT}}
    message = value.get("message")
    if value.get("isCompactSummary") and isinstance(message, dict):
        value = {**value, "message": {**message, "content": LEFT_OUT}}
    return value


def _codex(value: dict[str, Any], *, head: bool) -> dict[str, Any]:
    payload = value.get("payload")
    if not isinstance(payload, dict):
        return value
    kind = value.get("type")
    if kind == "session_meta" or (kind == "turn_context" and head):
        kept = {name: item for name, item in payload.items() if name not in _CODEX_META}
        return {**value, "payload": kept}
    if kind == "compacted":
        changed = {**payload, "message": LEFT_OUT}
        if isinstance(payload.get("replacement_history"), list):
            changed["replacement_history"] = []
        return {**value, "payload": changed}
    changes = payload.get("changes")
    if isinstance(changes, dict) and any(
        isinstance(item, dict) and item.get("type") == "delete" for item in changes.values()
    ):
        changes = copy.deepcopy(changes)
        for item in changes.values():
            if isinstance(item, dict) and item.get("type") == "delete" and isinstance(item.get("content"), str):
                item["content"] = LEFT_OUT
        return {**value, "payload": {**payload, "changes": changes}}
    return value


def _pi(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("type") in ("compaction", "branch_summary") and isinstance(value.get("summary"), str):
        value = {**value, "summary": LEFT_OUT}
        for name in ("details", "messages"):
            if name in value:
                value.pop(name)
    return value


def foreign_blocks(value: dict[str, Any], others: Sequence[tuple[int, str, str]]) -> list[str]:
    """JSON pointers of those blocks of a message that belong to steps outside the range: ``others`` are the (number,
    kind, key) of the steps that share its record. A step's key ends with its call's id or the number of its block."""
    message = value.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return []
    keys = {key for _, _, key in others}
    found = []
    for nth, block in enumerate(content):
        if not isinstance(block, dict):
            continue
        own = {block.get(name) for name in ("id", "tool_use_id", "toolCallId")}
        if own & keys or any(key.endswith((f":{nth}", f"#{nth}", f"/{nth}")) for key in keys):
            found.append(f"/message/content/{nth}")
    return found


def blanked(value: dict[str, Any], prefixes: Sequence[str]) -> dict[str, Any]:
    """The record with every text below these pointers left out; ids and words of the schema stay."""
    from tracetui.redact.units import rewrite

    def change(text: str, at: str, path: tuple[str, ...], in_key: bool) -> str:
        if in_key or not text or not any(at.startswith(prefix + "/") for prefix in prefixes):
            return text
        plain = path[-1] in ("type", "role", "id", "tool_use_id", "toolCallId", "name", "toolName")
        return text if plain else LEFT_OUT

    changed = rewrite(value, change)
    assert isinstance(changed, dict)
    return changed
