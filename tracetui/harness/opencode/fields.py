"""Ids and opaque fields of OpenCode's records."""

from __future__ import annotations

from typing import Final

from tracetui.harness.fields import Fields

__all__ = ["FIELDS"]

_MODEL: Final = "modelID providerID variant id"

FIELDS: Final = Fields.of(
    ids="""
        type
        properties(
            sessionID messageID partID
            info(
                id sessionID parentID projectID workspaceID version role mode finish variant error/name
            )
            part(
                id sessionID messageID type callID snapshot hash reason mime tail_start_id
                state(status attachments/*(id sessionID messageID type mime)
                    metadata(sessionId parentSessionId files/*/type))
            )
        )
    """,
    names=f"""
        properties(
            info(slug modelID providerID agent model({_MODEL}))
            part(tool agent model({_MODEL}) state/metadata/model({_MODEL}))
        )
    """,
    opaque="""
        properties/part(
            url state/attachments/*/url
            metadata/?(reasoningEncryptedContent encrypted_content signature thoughtSignature)
        )
    """,
    only={"url": "data:"},
)
