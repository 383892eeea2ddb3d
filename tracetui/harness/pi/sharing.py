"""What of Pi's records may leave a range of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.sharing import LEFT_OUT, Sharing, allow

__all__ = ["SHARING"]

_COMMON: Final = "type id parentId timestamp"
_BLOCK: Final = """type text thinking thinkingSignature textSignature thoughtSignature data mimeType id name arguments
    redacted partialJson"""
# What tools tell beside their output: all but whole files as they were, and what extensions keep there for themselves.
_DETAILS: Final = """diff patch firstChangedLine truncation fullOutputPath exitCode durationMs matchLimitReached
    entryLimitReached resultLimitReached linesTruncated cancelled truncated status cwd error isError
    aggregated tail pid sessionId startedAt name
    -originalContent -original -previous -before"""
_MESSAGE: Final = f"""role timestamp api provider model responseId responseModel stopReason errorMessage usage
    toolCallId toolName isError command output exitCode cancelled truncated fullOutputPath excludeFromContext customType
    display content content/*({_BLOCK}) details({_DETAILS}) nestedCalls -sections -toolsAdded
    -toolsRemoved -systemMessage"""
_SUMMARY: Final = "summary firstKeptEntryId fromId usage tokensBefore fromHook role timestamp"
_SUMMARIES: Final = frozenset({"compaction", "branch_summary", "compactionSummary", "branchSummary"})
_LOST: Final = "-details -retainedTail -systemMessage -content"

_KINDS: Final = {
    "session": "version cwd provider modelId thinkingLevel -parentSession -branchedFrom -systemPrompt",
    "message": f"message({_MESSAGE})",
    "message/summary": f"message({_SUMMARY} {_LOST})",
    "summary": f"{_SUMMARY} {_LOST}",
    "model_change": "provider modelId",
    "thinking_level_change": "thinkingLevel",
    "custom_message": "customType display content content/*(type text data mimeType) -details",
    "custom": "customType -data",
    "label": "targetId -label",
    "session_info": "-name",
    "compact": "agent -note",
}


def _kind(value: Mapping[str, Any]) -> str:
    kind, message = value.get("type"), value.get("message")
    if not isinstance(kind, str):
        return ""
    if kind in _SUMMARIES:
        return "summary"
    role = message.get("role") if isinstance(message, dict) else None
    return "message/summary" if isinstance(role, str) and role in _SUMMARIES else kind


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    kind = _kind(value)
    if kind == "summary" and "summary" in value:
        return {**value, "summary": LEFT_OUT}
    if kind == "message/summary" and "summary" in value["message"]:
        return {**value, "message": {**value["message"], "summary": LEFT_OUT}}
    return value


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow(_COMMON, _KINDS),
    empty=_empty,
    parent=("id", "parentId"),
    links={"firstKeptEntryId": "own", "fromId": "parent"},
    heads=frozenset({"session"}),
    settings=frozenset({"model_change"}),
    frame=frozenset({"model_change", "thinking_level_change"}),
)
