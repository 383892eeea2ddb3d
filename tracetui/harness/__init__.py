"""Readers for the logs of coding agents, one module (or package) per harness, chosen by content and never by path.

To add a harness: write ``harness/NAME.py`` with a ``HARNESS`` and add it to ``_ALL``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tracetui.harness.base import FileEdit, Harness, Reader, Root
from tracetui.harness.claude import HARNESS as CLAUDE
from tracetui.harness.codex import HARNESS as CODEX
from tracetui.harness.pi import HARNESS as PI

_ALL: tuple[Harness, ...] = (CLAUDE, CODEX, PI)

HARNESSES: Final[dict[str, Harness]] = {harness.name: harness for harness in _ALL}

__all__ = ["HARNESSES", "FileEdit", "Harness", "Reader", "Root", "detect"]


def detect(head: Sequence[Mapping[str, Any]]) -> Harness | None:
    """The harness that wrote these first records of a file (up to 20 objects), or None."""
    for harness in HARNESSES.values():
        if harness.detect(head):
            return harness
    return None
