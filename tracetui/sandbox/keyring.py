"""The kernel's keyrings: where a login keeps tickets and keys that no command of a stranger may see."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from typing import Final

__all__ = ["add_key", "joiner", "reading", "remove_key"]

_CALLS: Final = {"x86_64": (248, 250), "aarch64": (217, 219)}
"""The numbers of ``add_key`` and ``keyctl``."""
_JOIN_SESSION_KEYRING: Final = 1
_INVALIDATE: Final = 21
_READ: Final = 11
_SESSION: Final = -3


def _library() -> tuple[ctypes.CDLL, int, int] | None:
    numbers = _CALLS.get(platform.machine())
    if numbers is None or os.name != "posix" or platform.system() != "Linux":
        return None
    return ctypes.CDLL(None, use_errno=True), *numbers


def joiner() -> Callable[[], None]:
    """What leaves the session keyring of the user for an empty one, to be called between ``fork`` and ``exec``; a
    process keeps it from then on. Where the kernel has no keyrings there is nothing to leave."""
    found = _library()

    def join() -> None:
        if found is not None:
            library, _, keyctl = found
            library.syscall(keyctl, _JOIN_SESSION_KEYRING, None)

    return join


def add_key(name: str, value: bytes) -> int | None:
    """Put a key into this process's session keyring, for a probe; its number, None where that cannot be done."""
    found = _library()
    if found is None:
        return None
    library, call, _ = found
    number = library.syscall(call, b"user", name.encode(), value, ctypes.c_size_t(len(value)), ctypes.c_int(_SESSION))
    return number if number > 0 else None


def remove_key(number: int) -> None:
    """Take a key away again."""
    found = _library()
    if found is not None:
        library, _, keyctl = found
        library.syscall(keyctl, _INVALIDATE, ctypes.c_int(number))


def reading() -> tuple[int, int] | None:
    """The call and the operation that read a key, for a probe that tries it from inside a sandbox."""
    numbers = _CALLS.get(platform.machine())
    return None if numbers is None else (numbers[1], _READ)
