"""Scanning every session of a bucket that has something new, at low priority; it goes on where it stopped."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tracetui.model import TracetuiError
from tracetui.redact.decisions import Decisions
from tracetui.redact.findings import Findings
from tracetui.redact.known import local_values

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["sweep"]


def sweep(
    bucket: Bucket,
    *,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
    gentle: bool = True,
) -> int:
    """Scan what is new, newest sessions first, and tell lists how many findings are open; how many sessions were
    scanned. ``progress`` is told (sessions done, all). ``gentle`` lowers the priority of this process for good."""
    if gentle and hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)
    known = local_values()
    count = 0
    with Decisions(bucket.path) as decisions, Findings(bucket, decisions) as findings:
        rows = bucket.sessions()
        for nth, row in enumerate(rows):
            if cancelled is not None and cancelled():
                break
            if row.findings is None or not findings.done(row):
                try:
                    if not findings.scan(row, known=known, cancelled=cancelled):
                        break
                    findings.summarise(row)
                    count += 1
                except TracetuiError:
                    continue  # a copy that cannot be read is the doctor's business
            if progress is not None:
                progress(nth + 1, len(rows))
    return count
