"""What the user agreed to have copied: a tick for each harness and each project, kept in ``user.db``.

Before there is a consent the app copies nothing. ``tracetui index`` without a path, typed by the user, is one for all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

__all__ = ["Consent", "read_consent", "write_consent"]

_NAME: Final = "consent"


class _Settings(Protocol):
    def setting(self, name: str) -> Any: ...

    def set_setting(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Consent:
    """``harnesses`` None means every one, later ones too. ``projects_off`` are folders without a tick (what lies below
    them is off too). ``at`` is when it was given, in milliseconds since the epoch."""

    harnesses: frozenset[str] | None = None
    projects_off: frozenset[str] = frozenset()
    at: int = 0

    def harness(self, name: str) -> bool:
        """Whether logs of this harness may be copied."""
        return self.harnesses is None or name in self.harnesses

    def project(self, folder: str | None) -> bool:
        """Whether sessions that worked in this folder may be copied; an unknown folder may."""
        if not folder or not self.projects_off:
            return True
        return not any(folder == off or folder.startswith(off.rstrip("/") + "/") for off in self.projects_off)


def read_consent(bucket: _Settings) -> Consent | None:
    """What the user agreed to, or None where nobody was asked yet; what cannot be read counts as never asked."""
    value = bucket.setting(_NAME)
    if not isinstance(value, dict):
        return None
    harnesses, off, at = value.get("harnesses"), value.get("projects_off"), value.get("at")
    return Consent(None if harnesses is None else _texts(harnesses), _texts(off), at if isinstance(at, int) else 0)


def write_consent(
    bucket: _Settings, harnesses: Iterable[str] | None = None, projects_off: Iterable[str] = ()
) -> Consent:
    """Keep what the user agreed to, from now on."""
    given = Consent(
        None if harnesses is None else frozenset(harnesses), frozenset(projects_off), round(time.time() * 1000)
    )
    bucket.set_setting(
        _NAME,
        {
            "harnesses": None if given.harnesses is None else sorted(given.harnesses),
            "projects_off": sorted(given.projects_off),
            "at": given.at,
        },
    )
    return given


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
