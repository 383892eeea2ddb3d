"""Whether the user is at work: what nobody waits for runs only while nobody types."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar, Final

__all__ = ["MODES", "Activity"]

MODES: Final = ("idle", "always", "never")
"""The values of the setting ``background``."""


class Activity:
    """When the last key came, and whether work in the background (looking for secrets, trails of sessions that are
    only listed) may use the processor now. ``mode`` is the setting ``background``: ``idle`` waits for a pause,
    ``always`` does not, ``never`` leaves it to what the user opens."""

    QUIET: ClassVar[float] = 5.0
    """Seconds without a key after which nobody is taken to be typing."""

    def __init__(self, mode: str = "idle") -> None:
        self.mode = mode
        self._last = monotonic()
        self.touches = 0
        """How often there was a key or something of the mouse."""

    def touch(self) -> None:
        """A key was pressed, or the mouse used."""
        self._last = monotonic()
        self.touches += 1

    @property
    def may_work(self) -> bool:
        """Whether work that nobody waits for may run now."""
        return self.mode == "always" or (self.mode == "idle" and monotonic() - self._last >= self.QUIET)
