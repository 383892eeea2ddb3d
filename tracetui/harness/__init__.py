"""Readers for the logs of coding agents, one module (or package) per harness, chosen by content and never by path.

To add a harness: write ``harness/NAME.py`` with a ``HARNESS`` and add it to the line below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tracetui.harness import claude, codex, pi
from tracetui.harness.base import FileEdit, Harness, Reader, Root

HARNESSES: Final[dict[str, Harness]] = {h.name: h for h in (claude.HARNESS, codex.HARNESS, pi.HARNESS)}

__all__ = ["HARNESSES", "FileEdit", "Harness", "Reader", "Root", "detect"]


def detect(head: Sequence[Mapping[str, Any]]) -> Harness | None:
    """The harness that wrote these first records of a file, or None."""
    for harness in HARNESSES.values():
        if harness.detect(head):
            return harness
    return None
