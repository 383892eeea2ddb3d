"""What the user agreed to have copied: a tick for each harness and each project, kept in ``user.db``.

Before there is a consent the app copies nothing. ``tracetui index`` without a path, typed by the user, is one for every
harness that there is on that day.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from tracetui.harness import HARNESSES, UNNAMED

__all__ = ["Consent", "agree", "read_consent", "write_consent"]

_NAME: Final = "consent"


class _Settings(Protocol):
    def setting(self, name: str) -> Any: ...

    def set_setting(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Consent:
    """``harnesses`` are those with a tick, ``known`` those that there were to choose from: one that came later is
    offered, never assumed. ``projects_off`` are folders without a tick (what lies below them is off too). ``at`` is
    when it was given, in milliseconds since the epoch."""

    harnesses: frozenset[str]
    known: frozenset[str]
    projects_off: frozenset[str] = frozenset()
    at: int = 0

    def harness(self, name: str) -> bool:
        """Whether logs of this harness may be copied."""
        return name in self.harnesses

    def offers(self, name: str) -> bool:
        """Whether nobody was asked about this harness yet."""
        return name not in self.known

    def project(self, folder: str | None) -> bool:
        """Whether sessions that worked in this folder may be copied; an unknown folder may."""
        if not folder or not self.projects_off:
            return True
        return not any(folder == off or folder.startswith(off.rstrip("/") + "/") for off in self.projects_off)


def read_consent(bucket: _Settings) -> Consent | None:
    """What the user agreed to, or None where nobody was asked yet; what cannot be read counts as never asked.

    A consent of a version that did not name the harnesses was one to those that there were then.
    """
    value = bucket.setting(_NAME)
    if not isinstance(value, dict):
        return None
    harnesses, known, at = value.get("harnesses"), value.get("known"), value.get("at")
    first = frozenset(UNNAMED)
    return Consent(
        first if harnesses is None else _texts(harnesses),
        first if known is None else _texts(known),
        _texts(value.get("projects_off")),
        at if isinstance(at, int) else 0,
    )


def write_consent(
    bucket: _Settings,
    harnesses: Iterable[str] | None = None,
    projects_off: Iterable[str] = (),
    known: Iterable[str] | None = None,
) -> Consent:
    """Keep what the user agreed to, from now on; None: to every harness that there is today. ``known``: those that
    there were to choose from (None: all of today)."""
    known = frozenset(HARNESSES if known is None else known)
    given = Consent(
        known if harnesses is None else frozenset(harnesses),
        known,
        frozenset(projects_off),
        round(time.time() * 1000),
    )
    _write(bucket, given)
    return given


def agree(bucket: _Settings, harnesses: Iterable[str]) -> Consent:
    """Keep that the user agreed to these harnesses too; what was agreed to before stays."""
    before = read_consent(bucket)
    added = frozenset(harnesses)
    if before is None:
        return write_consent(bucket, added)
    given = replace(
        before, harnesses=before.harnesses | added, known=before.known | added, at=round(time.time() * 1000)
    )
    _write(bucket, given)
    return given


def _write(bucket: _Settings, given: Consent) -> None:
    bucket.set_setting(
        _NAME,
        {
            "harnesses": sorted(given.harnesses),
            "known": sorted(given.known),
            "projects_off": sorted(given.projects_off),
            "at": given.at,
        },
    )


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
