"""What of Cline's and Roo Code's tasks may leave a range of steps; their ids and opaque fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.fields import Fields
from tracetui.harness.sharing import Sharing, allow

__all__ = ["FIELDS", "SHARING"]

_BLOCK: Final = """type text thinking signature summary id name input tool_use_id content content/*(type text) is_error
    source(type media_type data) call_id reasoning_details -cache_control"""
_KINDS: Final = {
    "cline.task": "id",
    "cline.message": f"""index message(role ts content content/*({_BLOCK}) modelInfo metrics isSummary condenseId id
        -condenseParent -truncationParent -isTruncationMarker -truncationId)""",
    "cline.request": "index ts usage(tokensIn tokensOut cacheReads cacheWrites cost apiProtocol -cancelReason)",
}


def _kind(value: Mapping[str, Any]) -> str:
    kind = value.get("type")
    return kind if isinstance(kind, str) else ""


SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow("type", _KINDS),
    heads=frozenset({"cline.task"}),
)

FIELDS: Final = Fields.of(
    ids="""type id message(role id content/*(type id name tool_use_id call_id) modelInfo(modelId providerId mode))
        usage/apiProtocol""",
    opaque="message/content/*(signature source/data)",
)
