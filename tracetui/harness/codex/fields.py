"""Ids and opaque fields of Codex's records."""

from __future__ import annotations

from typing import Final

from tracetui.harness.fields import Fields

__all__ = ["FIELDS"]

_IMAGE: Final = 512
"""A hosted tool's result of more characters is an image; a shorter one is text."""

FIELDS: Final = Fields.of(
    ids="""
        timestamp type id git/commit_hash call_id
        payload(type id call_id session_id turn_id role conversation_id originator cli_version forked_from_id
            item(id call_id type) replacement_history/*(id call_id type) content/*/type git/commit_hash)
    """,
    names="name payload(name model item/name replacement_history/*/name)",
    opaque="""
        encrypted_content content/*/image_url
        payload(encrypted_content item/encrypted_content replacement_history/*(encrypted_content content/*/image_url)
            content/*/image_url images/* output/*/image_url result)
    """,
    only={"image_url": "data:", "payload/result": _IMAGE},
)
