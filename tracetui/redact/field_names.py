"""What the fields of records are called for people, and which of them are what a record is about."""

from __future__ import annotations

from typing import Final

__all__ = ["name_of"]

_BODY: Final = frozenset(
    ("content", "input", "arguments", "args", "text", "thinking", "output", "summary", "command", "stdout", "stderr",
     "query", "prompt", "action", "title", "lastPrompt", "aiTitle", "customTitle")
)  # fmt: skip
_ASIDE: Final = frozenset(("toolUseResult", "details", "usage", "snapshot", "replacement_history"))
"""What repeats a text that stands elsewhere."""
_LEAVES: Final = frozenset(
    ("type", "id", "role", "status", "mimeType", "media_type", "is_error", "tool_use_id", "name")
)
"""Words of the schema wherever they stand."""
_NAMES: Final = {"toolUseResult": "copy of the result", "arguments": "input", "args": "input"}


def name_of(pointer: str, *, in_key: bool = False) -> tuple[str, bool]:
    """What a field is called, and whether it is what the record is about."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    named = [part for part in parts if not part.isdigit()]
    main = any(part in _BODY for part in named) and not any(part in _ASIDE for part in named) and not in_key
    main = main and not (named[-1] in _LEAVES and named.count("input") == 0)
    words: list[str] = []
    for part in named:
        if part in ("message", "payload", "content", "item", "data", "input", "parts") and part != named[-1]:
            continue
        word = _NAMES.get(part, part)
        if word not in words[-1:]:
            words.append(word)
    if words[-1:] == ["content"]:
        words[-1] = "result" if named.count("content") > 1 else "text"
    label = " ".join(words[-3:]) or "record"
    return (f"name of {label}" if in_key else label), main
