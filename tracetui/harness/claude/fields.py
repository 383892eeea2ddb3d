"""Ids and opaque fields of Claude Code's records."""

from __future__ import annotations

from typing import Final

from tracetui.harness.fields import Fields

__all__ = ["FIELDS"]

FIELDS: Final = Fields.of(
    ids="""
        uuid parentUuid sessionId logicalParentUuid requestId timestamp type version messageId leafUuid promptId
        toolUseID parentToolUseID sourceToolAssistantUUID sourceToolUseID agentId userType isSidechain
        snapshot(messageId timestamp) message(id type role content/*(type id tool_use_id))
        data(type agentId message(uuid timestamp requestId type message(id type role content/*(id tool_use_id type))))
        toolUseResult(agentId toolUseId)
    """,
    names="message(model content/*/name)",
    opaque="""
        message/content/*(signature data source/data content/*/source/data)
        data/message/message/content/*(signature source/data content/*/source/data)
        toolUseResult(file/base64 */source/data content/*/source/data) attachment(file/base64 content/file/base64)
    """,
)
