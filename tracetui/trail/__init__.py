"""The trail: what the edits of a session became in Git, worked out after the fact from logs and repository alone.

``Trail`` is the way in for commands and app; ``judge`` works on bare edits. Heavy parts are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracetui.trail.edits import Coverage
    from tracetui.trail.facade import Trail
    from tracetui.trail.hunks import Edit, Hunk
    from tracetui.trail.judge import HunkState, judge

__all__ = ["Coverage", "Edit", "Hunk", "HunkState", "Trail", "judge"]

_PLACES = {
    "Coverage": "edits",
    "Edit": "hunks",
    "Hunk": "hunks",
    "HunkState": "judge",
    "Trail": "facade",
    "judge": "judge",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f"tracetui.trail.{_PLACES[name]}"), name)
    raise AttributeError(name)
