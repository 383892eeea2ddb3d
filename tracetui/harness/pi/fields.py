"""Ids and opaque fields of Pi's records."""

from __future__ import annotations

from typing import Final

from tracetui.harness.fields import Fields

__all__ = ["FIELDS"]

FIELDS: Final = Fields.of(
    ids="""
        type id parentId timestamp version firstKeptEntryId targetId fromId parentSession/id
        message(role id toolCallId api responseId stopReason content/*(type id))
    """,
    names="provider modelId message(toolName provider model content/*/name)",
    opaque="""
        message(content/*(thinkingSignature textSignature thoughtSignature data) details/images/*/data)
    """,
)
