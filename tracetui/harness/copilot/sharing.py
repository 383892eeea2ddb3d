"""What of Copilot CLI's events may leave a range of steps; their ids and opaque fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.fields import Fields
from tracetui.harness.sharing import LEFT_OUT, OwnSteps, Sayings, Sharing, allow, blank

__all__ = ["FIELDS", "SHARING"]

_TOOL: Final = "toolCallId parentToolCallId model turnId interactionId"
_KINDS: Final = {
    "session.start session.resume": """data(sessionId version producer copilotVersion startTime selectedModel
        reasoningEffort contextTier context(cwd gitRoot branch headCommit baseCommit repository repositoryHost hostType)
        alreadyInUse remoteSteerable eventCount resumeTime)""",
    "session.model_change": "data(newModel previousModel reasoningEffort previousReasoningEffort)",
    "user.message": """data(content interactionId delivery source attachments/*(type path displayName mimeType -data)
        supportedNativeDocumentMimeTypes nativeDocumentPathFallbackPaths parentAgentTaskId agentMode
        -transformedContent)""",
    "assistant.message": """data(messageId model content reasoningText outputTokens interactionId turnId apiCallId
        requestId serviceRequestId parentToolCallId phase
        toolRequests/*(toolCallId name arguments type intentionSummary toolTitle mcpServerName)
        -reasoningOpaque -encryptedContent)""",
    "assistant.reasoning": "data(reasoningId content)",
    "assistant.turn_start assistant.turn_end": "data(turnId interactionId)",
    "tool.execution_start": f"data({_TOOL} toolName arguments mcpServerName mcpToolName)",
    "tool.execution_complete": f"""data({_TOOL} success isUserRequested error(message code)
        result(content detailedContent -contents result_type text_result_for_llm textResultForLlm)
        toolTelemetry(metrics(exit_code commandTimeout) -properties -restrictedProperties))""",
    "session.compaction_complete": "data(success summaryContent preCompactionTokens postCompactionTokens)",
    "system.notification": "data(content kind)",
    "session.error session.warning session.info": "data(errorType warningType infoType message statusCode)",
    "abort": "data(reason)",
    "skill.invoked": "data(name path -content -description)",
    "subagent.failed": "data(toolCallId agentName agentDisplayName error)",
    "session.truncation session.snapshot_rewind": "data(-upToEventId)",
    """hook.start hook.end system.message session.compaction_start session.shutdown session.usage_info session.idle
    session.title_changed session.plan_changed session.mode_changed session.permissions_changed assistant.usage
    session.context_changed permission.requested permission.completed assistant.intent""": "-data",
}


def _kind(value: Mapping[str, Any]) -> str:
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    data = value.get("data")
    if value.get("type") == "session.compaction_complete" and isinstance(data, dict) and "summaryContent" in data:
        return {**value, "data": {**data, "summaryContent": LEFT_OUT}}
    return value


def _cut(value: dict[str, Any], own: OwnSteps, sayings: Sayings, whole: bool) -> dict[str, Any]:
    """Of a message, the texts and calls of the range's steps alone."""
    data = value.get("data")
    if not isinstance(data, dict) or value.get("type") != "assistant.message":
        return value
    ident = value.get("id")
    out = dict(data)
    for name, key in (("reasoningText", f"{ident}:think"), ("content", f"{ident}:text")):
        if name in out and key not in own.keys:
            out[name] = ""
    asked = out.get("toolRequests")
    if isinstance(asked, list):
        mine = [isinstance(item, dict) and item.get("toolCallId") in own.calls for item in asked]
        keep = frozenset({"toolCallId", "name", "type"})
        out["toolRequests"] = [
            item if yes else blank(item, keep=keep) for item, yes in zip(asked, mine, strict=True) if yes or whole
        ]
    return {**value, "data": out}


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow("type id parentId timestamp -agentId -ephemeral", _KINDS),
    empty=_empty,
    cut=_cut,
    parent=("id", "parentId"),
    heads=frozenset({"session.start"}),
    settings=frozenset({"session.model_change"}),
    frame=frozenset({"session.model_change"}),
)

_IDS: Final = """sessionId version producer copilotVersion selectedModel newModel previousModel messageId model
    interactionId turnId apiCallId requestId serviceRequestId toolCallId parentToolCallId toolName reasoningId
    parentAgentTaskId hookInvocationId hookType upToEventId"""

FIELDS: Final = Fields.of(
    ids=f"""type id parentId timestamp
        data({_IDS} toolRequests/*(toolCallId name type) context(headCommit baseCommit))""",
    opaque="data(reasoningOpaque encryptedContent attachments/*/data)",
)
