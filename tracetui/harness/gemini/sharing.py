"""What of Gemini CLI's records may leave a range of steps; their ids and opaque fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.fields import Fields
from tracetui.harness.sharing import OwnSteps, Sayings, Sharing, allow, blank

__all__ = ["FIELDS", "SHARING"]

_PART: Final = """text thought thoughtSignature inlineData(mimeType data) fileData(mimeType fileUri)
    functionCall(id name args) functionResponse(id name response)"""
_CONTENT: Final = f"content content/*({_PART})"
_CALL: Final = f"""id name args status timestamp agentId displayName description renderOutputAsMarkdown
    result result/*({_PART})
    resultDisplay resultDisplay(fileDiff fileName filePath newContent diffStat isNewFile isBuildFile
        -originalContent)"""
_KINDS: Final = {
    "header": "sessionId projectHash startTime lastUpdated kind projectRoot directories -summary -memoryScratchpad",
    "user": f"{_CONTENT} -displayContent",
    "gemini": f"""{_CONTENT} model tokens thoughts/*(subject description timestamp) toolCalls/*({_CALL})
        -displayContent""",
    "info error warning": _CONTENT,
    "$set": "$set(lastUpdated sessionId -messages -summary -memoryScratchpad -directories)",
    "$rewindTo": "$rewindTo",
}


def _kind(value: Mapping[str, Any]) -> str:
    kind = value.get("type")
    if isinstance(kind, str):
        return kind
    return next((name for name in ("$set", "$rewindTo") if name in value), "header" if "sessionId" in value else "")


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    return value


def _cut(value: dict[str, Any], own: OwnSteps, sayings: Sayings, whole: bool) -> dict[str, Any]:
    """Of a message of the model, the texts and calls of the range's steps alone."""
    if value.get("type") != "gemini":
        return value
    ident, out = value.get("id"), dict(value)
    if f"{ident}:think" not in own.keys and "thoughts" in out:
        out["thoughts"] = []
    if f"{ident}:text" not in own.keys:
        out["content"] = ""
    listed = out.get("toolCalls")
    if isinstance(listed, list):
        mine = [isinstance(call, dict) and call.get("id") in own.calls for call in listed]
        keep = frozenset({"id", "name", "status"})
        out["toolCalls"] = [
            call if yes else blank(call, keep=keep) for call, yes in zip(listed, mine, strict=True) if yes or whole
        ]
    return out


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow("type id timestamp", _KINDS),
    empty=_empty,
    cut=_cut,
    heads=frozenset({"header"}),
)

_PART_IDS: Final = "functionCall(id name) functionResponse(id name)"

FIELDS: Final = Fields.of(
    ids=f"""type id timestamp sessionId projectHash startTime lastUpdated kind model $rewindTo
        content/*({_PART_IDS}) toolCalls/*(id name status timestamp agentId result/*({_PART_IDS}))
        thoughts/*/timestamp
        $set(lastUpdated sessionId messages/*(id type timestamp content/*({_PART_IDS})))""",
    opaque="""content/*(thoughtSignature inlineData/data) toolCalls/*/result/*(thoughtSignature inlineData/data)
        $set/messages/*/content/*(thoughtSignature inlineData/data)""",
)
