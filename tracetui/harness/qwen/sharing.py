"""What of Qwen Code's records may leave a range of steps; their ids and opaque fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.fields import Fields
from tracetui.harness.sharing import LEFT_OUT, OwnSteps, Sayings, Sharing, allow, blank

__all__ = ["FIELDS", "SHARING"]

_COMMON: Final = """type subtype uuid parentUuid sessionId timestamp cwd version gitBranch provenance promptId agentId
    agentName isSidechain agentRunId agentRound deliveredTurn -daemonPromptId -goalContext -backgroundTurn"""
_PART: Final = """text thought thoughtSignature inlineData(mimeType data displayName) fileData(mimeType fileUri)
    functionCall(id name args) functionResponse(id name response parts/*/inlineData(mimeType data))"""
_MESSAGE: Final = f"message(role parts/*({_PART}))"
_DISPLAY: Final = """type version directory exitCode signal outcome output text error truncated fileDiff fileName
    filePath newContent diffStat isNewFile subagentName taskDescription taskPrompt status result terminateReason todos
    truncatedForSession fileDiffLength newContentLength originalContentLength fileDiffTruncated newContentTruncated
    originalContentTruncated -originalContent executionMode subagentSessionReady tokenCount
    -toolCalls -executionSummary -outputFiles -notices -pid"""
_KINDS: Final = {
    "user": f"{_MESSAGE} model",
    "assistant": f"{_MESSAGE} model usageMetadata contextWindowSize",
    "tool_result": f"""{_MESSAGE} toolCallResult(callId status executionStatus durationMs errorType error
        resultDisplay resultDisplay({_DISPLAY}) -resultFilePaths -contentLength)""",
    "chat_compression": "systemPayload(info compressedHistory)",
    "slash_command": "systemPayload(phase rawCommand -outputHistoryItems)",
    "system": "-systemPayload",
}


def _kind(value: Mapping[str, Any]) -> str:
    kind, subtype = value.get("type"), value.get("subtype")
    if kind == "system" and isinstance(subtype, str) and subtype in ("chat_compression", "slash_command"):
        return subtype
    return kind if isinstance(kind, str) else ""


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    """The history that a compression left."""
    payload = value.get("systemPayload")
    if _kind(value) != "chat_compression" or not isinstance(payload, dict):
        return value
    history = [{"role": "user", "parts": [{"text": LEFT_OUT}]}]
    return {**value, "systemPayload": {**payload, "compressedHistory": history}}


def _cut(value: dict[str, Any], own: OwnSteps, sayings: Sayings, whole: bool) -> dict[str, Any]:
    """Of a message, the parts of the range's steps alone."""
    message = value.get("message")
    parts = message.get("parts") if isinstance(message, dict) else None
    if not isinstance(parts, list):
        return value
    kept = [
        part if _mine(part, nth, own) else blank(part, keep=frozenset({"id", "name"}))
        for nth, part in enumerate(parts)
        if whole or _mine(part, nth, own)
    ]
    return {**value, "message": {**message, "parts": kept}}  # type: ignore[dict-item]


def _mine(part: Any, nth: int, own: OwnSteps) -> bool:
    if isinstance(part, dict):
        for name in ("functionCall", "functionResponse"):
            inner = part.get(name)
            if isinstance(inner, dict) and isinstance(inner.get("id"), str):
                return inner["id"] in own.calls
    return any(key.endswith(f":{nth}") for key in own.keys)


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow(_COMMON, _KINDS),
    empty=_empty,
    cut=_cut,
    parent=("uuid", "parentUuid"),
)

_IDS: Final = "functionCall(id name) functionResponse(id name)"

FIELDS: Final = Fields.of(
    ids=f"""type subtype uuid parentUuid sessionId timestamp version provenance promptId agentId agentRunId model
        message(role parts/*({_IDS})) toolCallResult(callId status executionStatus errorType)
        systemPayload(phase compressedHistory/*(role parts/*({_IDS})))""",
    opaque="""message/parts/*(thoughtSignature inlineData/data functionResponse/parts/*/inlineData/data)
        systemPayload/compressedHistory/*/parts/*(thoughtSignature inlineData/data)""",
)
