"""What of Cursor's transcripts may leave a range of steps; their ids and opaque fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.fields import Fields
from tracetui.harness.sharing import Sharing, allow

__all__ = ["FIELDS", "SHARING"]

_BLOCK: Final = """type text thinking id name input tool_use_id content content/*(type text) is_error
    source(type media_type data)"""
_MESSAGE: Final = f"message(role content content/*({_BLOCK}))"


def _kind(value: Mapping[str, Any]) -> str:
    role = value.get("role")
    return role if isinstance(role, str) else ""


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow("role timestamp id", {"user assistant tool": _MESSAGE}),
)

FIELDS: Final = Fields.of(
    ids="role timestamp id message(role content/*(type id name tool_use_id))",
    opaque="message/content/*/source/data",
)
