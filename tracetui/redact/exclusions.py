"""Which records, and which fields of them, belong to what the user leaves out as a whole: steps, kinds, results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tracetui.redact.values import record_id

if TYPE_CHECKING:
    from tracetui.model import LogRow, Record
    from tracetui.redact.apply import Plan
    from tracetui.redact.decisions import DecisionState

__all__ = ["Owner", "leave_out"]

Owner = tuple[int, str, str]
"""A step that a record belongs to: number, kind, key."""
_RESULT_FIELDS: Final = (
    "output", "stdout", "stderr", "aggregated_output", "formatted_output", "result", "changes",
)  # fmt: skip


def leave_out(
    plan: Plan,
    state: DecisionState,
    logs: Iterable[tuple[LogRow, Iterable[Record], Mapping[int, Sequence[Owner]]]],
) -> None:
    """Put into a plan what the decisions exclude of logs: (log, its records, the owners of each line)."""
    steps = {key for what, key in state.excluded if what == "step"}
    kinds = {key for what, key in state.excluded if what == "kind"}
    if ("thinking", "") in state.excluded:
        kinds.add("thinking")
    results = ("results", "") in state.excluded
    if not (steps or kinds or results):
        return
    for log, records, lines in logs:
        for record in records:
            owners = lines.get(record.source.line, ())
            if not owners:
                continue
            rid = record_id(record)
            gone = [owner for owner in owners if owner[2] in steps or owner[1] in kinds]
            if gone and len(gone) == len(owners):
                plan.excluded.add((log.agent, rid))
            elif gone:
                plan.excluded_fields.update((log.agent, rid, at) for at in _blocks(record.value, gone))
            if results:
                plan.excluded_fields.update((log.agent, rid, at) for at in _results(record.value))


def _blocks(value: Any, gone: Sequence[Owner]) -> Iterator[str]:
    """Fields of a record that several steps share which belong to the steps ``gone``."""
    message = value.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    keys = {key for _, _, key in gone}
    kinds = {kind for _, kind, _ in gone}
    for nth, block in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(block, dict):
            continue
        own = {block.get("id"), block.get("tool_use_id"), block.get("toolCallId")}
        kind = block.get("type")
        if (
            own & keys
            or (kind in ("thinking", "redacted_thinking") and "thinking" in kinds)
            or (kind == "text" and kinds & {"message", "prompt"})
            or any(key.endswith((f":{nth}", f"#{nth}", f"/{nth}")) for key in keys)
        ):
            yield f"/message/content/{nth}"


def _results(value: Any) -> Iterator[str]:
    """Fields of a record that hold a tool's result."""
    message = value.get("message")
    if isinstance(message, dict):
        if message.get("role") == "toolResult":
            yield "/message/content"
            yield "/message/details"
        content = message.get("content")
        for nth, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict) and block.get("type") == "tool_result":
                yield f"/message/content/{nth}/content"
    if "toolUseResult" in value:
        yield "/toolUseResult"
    payload = value.get("payload")
    if isinstance(payload, dict):
        kind = payload.get("type")
        if isinstance(kind, str) and kind.endswith(("_output", "_end")):
            yield from (f"/payload/{name}" for name in _RESULT_FIELDS)
