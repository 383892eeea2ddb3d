"""What of Claude Code's records may leave a range of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.sharing import LEFT_OUT, OwnSteps, Sayings, Sharing, allow, cut_blocks

__all__ = ["SHARING"]

_COMMON: Final = """
    type subtype uuid parentUuid logicalParentUuid sessionId session_id timestamp cwd version gitBranch userType
    isSidechain isMeta slug requestId agentId entrypoint level promptId promptSource origin(kind from senderTaskId)
    effort teamName sessionKind isApiErrorMessage apiErrorStatus error errorDetails durationMs costUSD
    sourceToolAssistantUUID sourceToolUseID toolUseID parentToolUseID
    attributionAgent attributionSkill attributionPlugin attributionMcpServer attributionMcpTool -forkedFrom
"""
_BLOCK: Final = """type text thinking signature data id name input tool_use_id content is_error source title citations
    caller cache_control context tool_name url"""
_MESSAGE: Final = f"""id type role model stop_reason stop_sequence usage container content content/*
    content/*({_BLOCK}) -stop_details -diagnostics -context_management"""
# What tools tell beside their output. Whole files and lists as they were before the call never leave.
_RESULT: Final = """
    type filePath file(type filePath content numLines startLine totalLines base64 originalSize dimensions pages count)
    content stdout stderr interrupted isImage is_error shellId shell_id timestamp model noOutputExpected
    returnCodeInterpretation backgroundTaskId exitCode
    durationMs totalDurationMs durationSeconds durationSec persistedOutputPath persistedOutputSize rawOutputPath
    agentId agentType status prompt description usage totalTokens totalToolUseCount isAsync canReadOutputFile outputFile
    filenames numFiles numLines numMatches mode appliedLimit appliedOffset truncated structuredPatch
    userModified replaceAll oldString newString edits old_string new_string gitDiff error success message
    questions answers annotations newTodos plan isAgent task tasks task_id task_type taskId command commandName
    allowedTools results query url code codeText bytes result retrieval_status updatedFields statusChange searchCount
    gitOperation toolStats matches total_deferred_tools assistantAutoBackgrounded resolvedModel
    dangerouslyDisableSandbox file/truncatedByTokenCap
    */(type text source title url content) -originalFile -oldTodos -originalFileContents -originalContent
"""
_COMPACTION: Final = "trigger preTokens postTokens durationMs cumulativeDroppedTokens tokensSaved compactedToolIds"
_REFUSAL: Final = "apiRefusalCategory apiRefusalExplanation direction scope fallbackModel originalModel userFacingHint"

_KINDS: Final = {
    "assistant": f"message message({_MESSAGE}) isAbortedMidStream",
    "user": f"""message message({_MESSAGE}) toolUseResult toolUseResult({_RESULT}) permissionMode
        thinkingMetadata(maxThinkingTokens level disabled -triggers) isVisibleInTranscriptOnly isCompactSummary
        toolDenialKind turnCompanion imagePasteIds interruptedMessageId interruptedByShutdown toolEndsTurn
        -todos -planContent""",
    "system": f"""content hookInfos(*(command durationMs)) hookErrors hookAdditionalContext hookCount stopReason
        preventedContinuation hasOutput compactMetadata({_COMPACTION} -preservedSegment -preservedMessages)
        microcompactMetadata({_COMPACTION}) messageCount pendingBackgroundAgentCount cause retryAttempt retryInMs
        maxRetries trigger source commandName {_REFUSAL}""",
    "attachment": "attachment",
    "queue-operation": "operation content",
    "progress": f"""data(type hookName hookEvent command toolName serverName status agentId prompt elapsedTimeSeconds
        elapsedTimeMs timeoutMs totalLines totalBytes taskId -output -fullOutput -normalizedMessages
        message(type uuid timestamp requestId message({_MESSAGE}) toolUseResult({_RESULT})))""",
    "tool_use": "name input",
    "tool_result": "name output",
}


def _kind(value: Mapping[str, Any]) -> str:
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    out = value
    if value.get("isCompactSummary") is True or (compaction and value.get("type") == "user"):
        message = value.get("message")
        out = {**value, "isCompactSummary": True}  # older logs know a summary by its words, which are gone
        if message is not None:
            out["message"] = {**message, "content": LEFT_OUT} if isinstance(message, dict) else LEFT_OUT
    if value.get("subtype") == "away_summary":
        out = {**out, "content": LEFT_OUT}
    return out


def _cut(value: dict[str, Any], own: OwnSteps, sayings: Sayings, whole: bool) -> dict[str, Any]:
    message = value.get("message")
    if value.get("type") != "user" or not isinstance(message, dict):
        return cut_blocks(value, own, sayings, whole)
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    results = [block for block in blocks if isinstance(block, dict) and isinstance(block.get("tool_use_id"), str)]
    mine = [block for block in results if block["tool_use_id"] in own.calls]
    said = [{"type": "text", "text": text} for key, text in sayings() if key in own.keys]
    out = {**value, "message": {**message, "content": [*mine, *said]}}
    if len(results) != 1 or not mine:
        out.pop("toolUseResult", None)
    return out


_LINKS: Final = ("logicalParentUuid", "sourceToolAssistantUUID", "messageId", "interruptedMessageId", "leafUuid")

SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow(_COMMON, _KINDS),
    empty=_empty,
    cut=_cut,
    parent=("uuid", "parentUuid"),
    links=dict.fromkeys(_LINKS, "drop"),
)
