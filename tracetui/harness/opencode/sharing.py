"""What of OpenCode's records may leave a range of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.sharing import LEFT_OUT, OwnSteps, Sayings, Sharing, allow

__all__ = ["SHARING"]

_OWN: Final = "id sessionID messageID type"
_MODEL: Final = "providerID modelID variant id"
_FILE: Final = "id sessionID messageID type mime filename url -source"
# What tools tell beside their output: all but whole files as they were, and what language servers say of them.
_DETAILS: Final = f"""output exit description truncated outputPath interrupted title count matches preview display
    loaded exists filepath sessionId parentSessionId model({_MODEL}) todos answers name dir diff
    filediff(file patch additions deletions -before -after)
    files/*(filePath relativePath type patch diff movePath additions deletions -before -after)
    -diagnostics -before -after"""


def _part(text: str) -> str:
    return f"properties(-sessionID -time part({_OWN} {text}))"


_KINDS: Final = {
    "session.updated": f"""properties/info(
        id slug projectID parentID directory path version agent model({_MODEL}) time cost tokens
        -title -summary -revert -share -permission -metadata -workspaceID)""",
    "message.updated": f"""properties/info(
        id sessionID parentID role time mode agent model({_MODEL}) modelID providerID variant path cost tokens finish
        error(name data(message statusCode isRetryable -responseBody -responseHeaders -metadata))
        summary(-diffs -title -body) -system -tools -structured -format)""",
    "message.removed message.part.removed": "properties(sessionID messageID partID)",
    "snapshot.file": "properties(sessionID messageID partID -text)",
    "part/text": _part("text time synthetic ignored -metadata"),
    "part/reasoning": _part("text time -metadata"),
    "part/tool": _part(
        f"callID tool state(status input output raw title error time attachments/*({_FILE}) metadata({_DETAILS})) "
        "-metadata"
    ),
    "part/step-start": _part("snapshot -metadata"),
    "part/step-finish": _part("reason snapshot cost tokens -metadata"),
    "part/file": f"properties(-sessionID -time part({_FILE} -metadata))",
    "part/subtask": _part(f"prompt description agent command model({_MODEL})"),
    "part/compaction": _part("auto overflow -tail_start_id"),
    "part/agent": _part("name -source"),
    "part/retry": _part("attempt time error(name data(message statusCode isRetryable))"),
    "part/snapshot": _part("snapshot"),
    "part/patch": _part("hash files"),
}


def _kind(value: Mapping[str, Any]) -> str:
    kind, inner = value.get("type"), value.get("properties")
    part = inner.get("part") if isinstance(inner, Mapping) else None
    if kind == "message.part.updated" and isinstance(part, Mapping):
        return f"part/{part.get('type')}"
    return kind if isinstance(kind, str) else ""


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    """The summary of what was compacted."""
    inner = value.get("properties")
    part = inner.get("part") if isinstance(inner, dict) else None
    if not compaction or not isinstance(inner, dict) or not isinstance(part, dict) or "text" not in part:
        return value
    return {**value, "properties": {**inner, "part": {**part, "text": LEFT_OUT}}}


def _cut(value: dict[str, Any], own: OwnSteps, sayings: Sayings, whole: bool) -> dict[str, Any]:
    """A record makes one step, or with others one."""
    return value


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow("type", _KINDS),
    empty=_empty,
    cut=_cut,
    heads=frozenset({"session.updated"}),
    settings=frozenset({"message.updated"}),
    frame=frozenset({"message.updated", "part/step-start", "part/step-finish"}),
    trailing=frozenset({"part/step-finish"}),
)
