"""A session of Gemini CLI in one JSON document, as the records that newer versions append to a file of lines: a header,
then each message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tracetui.harness.opening import open_log
from tracetui.harness.sources import DocumentSource

__all__ = ["DOCUMENT"]

_ROOT_MAX: Final = 4096


def _key(value: Mapping[str, Any]) -> str:
    own = value.get("id", value.get("$rewindTo"))
    if isinstance(own, str) and own and ("type" in value or "$rewindTo" in value):
        return f"message/{own}"
    return "header" if "sessionId" in value and "type" not in value else ""


def _gone(key: str) -> dict[str, Any] | None:
    kind, _, own = key.partition("/")
    return {"$rewindTo": own} if kind == "message" else None


def _is_ours(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("sessionId"), str)
        and isinstance(value.get("messages"), list)
        and ("projectHash" in value or "startTime" in value)
    )


def _records(value: Any, path: Path) -> Iterator[dict[str, Any]]:
    header = {name: item for name, item in value.items() if name != "messages"}
    try:
        with open_log(path.parent.parent / ".project_root") as stream:  # what the folder of a hash stands for
            header["projectRoot"] = stream.read(_ROOT_MAX).decode("utf-8", "replace").strip()
    except OSError:
        pass
    yield header
    for message in value["messages"]:
        if isinstance(message, dict):
            yield message


DOCUMENT: Final = DocumentSource(key=_key, gone=_gone, detect=_is_ours, records=_records)
