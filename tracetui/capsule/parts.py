"""What a capsule holds of its tree, and the check that decides: for what is made of a capsule beside a replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.capsule.checks import Check

if TYPE_CHECKING:
    from tracetui.capsule.verify import Capsule

__all__ = ["Parts", "parts_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """``start``: the commit that the tree begins from, which the capsule does not hold; None where the tree is what the
    capsule carries. ``files``: path -> bytes, written onto it; ``patches``: entry -> bytes, those that stood when
    ``check``, the main one, was seen, in order. ``setup``: the commands that the capsule declares. ``repository`` and
    ``environment`` are the sections of its manifest."""

    digest: str
    check: Check | None
    start: str | None
    files: Mapping[str, bytes]
    patches: Mapping[str, bytes]
    setup: Sequence[str]
    repository: Mapping[str, Any]
    environment: Mapping[str, Any]


def parts_of(capsule: Capsule) -> Parts:
    """The parts of an intact capsule. Raises TracetuiError where a patch that its main check needs does not apply."""
    from tracetui.capsule.replay import Replay, Request
    from tracetui.capsule.trees import Trees

    request = Request()
    replay = Replay(capsule, request)
    check = next((check for check in replay.checks if check.main), None)
    patches: dict[str, bytes] = {}
    if check is not None:
        with Trees(capsule, request, Path()) as trees:
            patches = {name: capsule.read(name) for name in trees.until(check)}
    return Parts(
        capsule.digest,
        check,
        replay.start,
        {name[6:]: capsule.read(name) for name in capsule.names("files/")},
        patches,
        replay.setup,
        capsule.manifest.section("repository"),
        capsule.manifest.section("environment"),
    )
