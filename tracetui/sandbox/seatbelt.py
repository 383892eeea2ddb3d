"""What ``sandbox-exec`` of macOS is told: no network, no home, the tree and a scratch folder to write to.

Written after Apple's own profiles; it was not run on a Mac by us, and the probe decides there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["profile"]

_SERVICES: Final = (
    "com.apple.system.logger",
    "com.apple.system.notification_center",
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
)
"""The services that every program asks when it starts (names of users, time zones, the log); no other."""


def profile(tree: Path, scratch: Path, reads: Iterable[Path]) -> str:
    """A profile for ``sandbox-exec``: no network, no home, the tree and a scratch folder to write to."""

    def path(place: Path) -> str:
        return '"' + str(place).replace("\\", "\\\\").replace('"', '\\"') + '"'

    readable = ["/usr", "/bin", "/sbin", "/System", "/Library", "/opt", "/dev", "/private/etc", "/private/var/db"]
    places = [*(Path(place) for place in readable), tree, scratch, *reads]
    return "\n".join(
        [
            "(version 1)",
            "(deny default)",
            "(allow process-fork process-exec sysctl-read ipc-posix-shm)",
            "(allow signal (target same-sandbox))",
            "(allow mach-lookup " + " ".join(f'(global-name "{name}")' for name in _SERVICES) + ")",
            "(deny network*)",
            '(allow file-read-metadata (subpath "/"))',
            "(allow file-read* " + " ".join(f"(subpath {path(place)})" for place in places) + ' (literal "/"))',
            "(allow file-write* "
            + " ".join(f"(subpath {path(place)})" for place in (tree, scratch))
            + ' (literal "/dev/null") (literal "/dev/tty"))',
        ]
    )
