"""What a user agrees to before a stranger's commands run: the commands, the files that they run on, and all that they
may read, under one digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tracetui.capsule.replay import Replay
from tracetui.sandbox.tools import Tools

__all__ = ["Agreement", "agreement_of"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """``runs``: what would run, on what, with what; ``digest`` is the SHA-256 of it, which ``--agree`` takes."""

    runs: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The same for the same runs, wherever they are asked for."""
        return hashlib.sha256(orjson.dumps(self.runs, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def json(self) -> dict[str, Any]:
        """As ``replay --dry-run --json`` prints it."""
        return {**self.runs, "agree": self.digest}


def agreement_of(replay: Replay, tools: Tools, *, sandboxed: bool, along: Sequence[str] = ()) -> Agreement:
    """The agreement to what a replay would run with these tools; ``along`` are commits that a bisection may try."""
    request = replay.request
    return Agreement(
        {
            "capsule": replay.capsule.digest,
            "commands": [
                {"check": check.number, "main": check.main, "command": check.command, "folder": check.folder}
                for check in replay.checks
            ],
            "setup": list(replay.setup),
            "base": replay.start,
            "at": replay.revision,
            "along": list(along),
            "with": request.other,
            "from": None if request.source is None else str(request.source.resolve()),
            "files": replay.runs_on(),
            "reads": sorted([str(source), at] for source, at in tools.mounts),
            "sandbox": sandboxed,
        }
    )
