"""Ids and opaque fields of OpenCode's records."""

from __future__ import annotations

from typing import Final

from tracetui.harness.fields import Fields

__all__ = ["FIELDS"]

_MODEL: Final = "modelID providerID variant id"

FIELDS: Final = Fields.of(
    ids=f"""
        type
        properties(
            sessionID messageID partID
            info(
                id sessionID parentID projectID workspaceID slug version role modelID providerID mode agent finish
                variant error/name model({_MODEL})
            )
            part(
                id sessionID messageID type tool callID snapshot hash reason mime agent model({_MODEL}) tail_start_id
                state(status attachments/*(id sessionID messageID type mime)
                    metadata(sessionId parentSessionId model({_MODEL}) files/*/type))
            )
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
