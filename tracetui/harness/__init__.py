"""Readers for the logs of coding agents, one package per harness, chosen by content and never by path.

To add a harness: write ``harness/NAME/`` with a ``HARNESS`` and add it to ``_ALL``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tracetui.harness.base import FileEdit, Harness, Reader, Root
from tracetui.harness.claude import HARNESS as CLAUDE
from tracetui.harness.cline import HARNESS as CLINE
from tracetui.harness.codex import HARNESS as CODEX
from tracetui.harness.copilot import HARNESS as COPILOT
from tracetui.harness.cursor import HARNESS as CURSOR
from tracetui.harness.gemini import HARNESS as GEMINI
from tracetui.harness.opencode import HARNESS as OPENCODE
from tracetui.harness.pi import HARNESS as PI
from tracetui.harness.qwen import HARNESS as QWEN

_ALL: tuple[Harness, ...] = (CLAUDE, CODEX, PI, OPENCODE, COPILOT, GEMINI, QWEN, CURSOR, CLINE)

HARNESSES: Final[dict[str, Harness]] = {harness.name: harness for harness in _ALL}

UNNAMED: Final = ("claude", "codex", "pi")
"""The harnesses that there were while a consent to copy logs did not name any: all that such a consent is for."""

__all__ = ["HARNESSES", "UNNAMED", "FileEdit", "Harness", "Reader", "Root", "detect"]


def detect(head: Sequence[Mapping[str, Any]]) -> Harness | None:
    """The harness that wrote these first records of a file (up to 20 objects), or None."""
    for harness in HARNESSES.values():
        if harness.detect(head):
            return harness
    return None
