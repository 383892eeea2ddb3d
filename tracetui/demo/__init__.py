"""The demo: a made-up repository and the sessions that worked on it, all written here, nothing copied."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Demo", "make"]


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo's things stand: the home with the agents' logs, the repository, the bucket-to-be, and the capsule
    that ``tracetui seal`` makes of the session ``flaky``: its check fails at ``main~1`` and passes at ``main``."""

    home: Path
    repo: Path
    bucket: Path
    logs: tuple[Path, ...]
    flaky: str = ""

    @property
    def capsule(self) -> Path:
        """Where the demo's capsule stands, once it is sealed."""
        return self.home / "flaky-rate-limit.capsule.zip"


def make(folder: Path, *, now: int | None = None) -> Demo:
    """Write the demo into an empty folder.

    ``now`` (milliseconds since the epoch) is when the story ends; the same ``now`` and folder give the same bytes.
    """
    from tracetui.demo.story import tell
    from tracetui.demo.world import World

    home = folder / "home"
    world = World(home / "src" / "pace", home, int(time.time() * 1000) if now is None else now)
    logs = tuple(tell(world))
    return Demo(home, world.repo, folder / "bucket", logs, world.flaky)
