"""What the user says about a capsule before it is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracetui.capsule.checks import Check

__all__ = ["Options"]


@dataclass(slots=True)
class Options:
    """What the user chose. ``repo``: the repository, where the session's folder is in none. ``checks``: None for those
    that are proposed, else exactly these. ``name`` and ``author`` are told only if given. ``include_before``: keep text
    from before the range that stands inside its records. ``private_remote``: name a remote that may be private.
    ``files``: paths in the repository to carry along. ``setup``: commands that set the tree up before a check."""

    repo: str | None = None
    checks: Sequence[Check] | None = None
    name: str | None = None
    author: str | None = None
    include_before: bool = False
    private_remote: bool = False
    files: Sequence[str] = ()
    setup: Sequence[str] = ()
