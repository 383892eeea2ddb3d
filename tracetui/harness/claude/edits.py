"""What a call of Edit, MultiEdit, Write or NotebookEdit did to a file, as the log tells it."""

from __future__ import annotations

from collections.abc import Sequence

from tracetui.harness.base import FileEdit
from tracetui.model import Record, Step

__all__ = ["edits"]


def edits(step: Step, records: Sequence[Record]) -> list[FileEdit]:
    return []
