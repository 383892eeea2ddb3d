"""A private report of an unexpected error, without data."""

from __future__ import annotations

import os
import secrets
import time
import traceback
from pathlib import Path

from tracetui.text.safe import display_safe

__all__ = ["write_error_report"]


def write_error_report(error: BaseException, folder: Path) -> Path | None:
    """Write what went wrong to a private file in ``folder`` and return its path, None when that fails.

    It names the frames and the type of each error, never local variables, and of the message only its first line cut
    to 200 characters, since messages quote data.
    """
    lines: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        stack = traceback.StackSummary.extract(traceback.walk_tb(link.__traceback__), capture_locals=False)
        lines += [*stack.format(), f"{type(link).__name__}: {display_safe(str(link).partition(chr(10))[0][:200])}\n\n"]
        link = link.__cause__ or link.__context__
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(3)}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as out:
            out.writelines(lines)
    except OSError:
        return None
    return path
