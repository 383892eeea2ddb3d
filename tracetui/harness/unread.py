"""Programs whose logs are known and not read: named, so that nobody takes them for damage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["places", "program_of", "why_skipped"]

_PLACES: Final = {
    "Droid": (".factory/sessions",),
    "Amp": (".local/share/amp/threads",),
    "Goose": (".local/share/goose/sessions", "Library/Application Support/Block.goose/sessions"),
    "Continue": (".continue/sessions",),
    "Mistral Vibe": (".vibe/logs/session",),
    "gptme": (".local/share/gptme/logs",),
    "Kiro": (".kiro/sessions",),
}


def places(home: Path) -> Iterator[tuple[str, Path]]:
    """The program and the folder, for each folder of such logs that is there."""
    for name, folders in _PLACES.items():
        for folder in folders:
            path = home / folder
            if path.is_dir():
                yield name, path


def program_of(head: Sequence[Mapping[str, Any]]) -> str | None:
    """The program that wrote these first records, where it is known; None otherwise."""
    if not head:
        return None
    first = head[0]
    kind = first.get("type")
    if kind == "session_start" and "id" in first and ("sessionTitle" in first or "owner" in first):
        return "Droid"
    if kind == "session" and isinstance(first.get("harness"), str):
        return "session traces (STS)"
    if kind == "session" and "createdAt" in first:
        return "dsh"
    if isinstance(first.get("id"), str) and first["id"].startswith("T-") and isinstance(first.get("messages"), list):
        return "Amp"
    if "working_dir" in first and ("message_count" in first or "description" in first):
        return "Goose"
    if isinstance(first.get("history"), list) and "sessionId" in first:
        return "Continue"
    if "role" in first and isinstance(first.get("content"), str):
        if "message_id" in first:
            return "Mistral Vibe"
        if isinstance(first.get("timestamp"), str) and first.get("role") == "system":
            return "gptme"
    return None


def why_skipped(head: Sequence[Mapping[str, Any]]) -> str:
    """Why a file with these first records is no session here, in a few words."""
    name = program_of(head)
    return "no session of a known harness" if name is None else f"a log of {name}, not read yet"
