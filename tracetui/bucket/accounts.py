"""What a bucket holds, accounted for: files, what could not be read of them, what they cost."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tracetui.model import LogRow

if TYPE_CHECKING:
    from tracetui.bucket.costs import Cost
    from tracetui.bucket.totals import FileRow, LogProblem

__all__ = ["Accounts"]


class Accounts:
    """The accounts of one bucket (``Bucket.accounts``). Each call reads the index alone."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def files(self) -> list[FileRow]:
        """The log files that the bucket knows, by path: for doctor."""
        from tracetui.bucket.totals import files

        return files(self._db)

    def problems(self) -> list[LogProblem]:
        """What could not be read as it should, in logs and in files that were skipped; by path and line."""
        from tracetui.bucket.totals import problems

        return problems(self._db)

    def unknown(self) -> dict[str, dict[str, int]]:
        """Records that no rule covers, by harness and record type."""
        from tracetui.bucket.totals import unknown

        return unknown(self._db)

    def costs(self, by: str) -> dict[str, Cost]:
        """What the shown logs cost by ``project`` (the folder; "" where logs name none), ``harness``, ``session`` or
        ``model``."""
        from tracetui.bucket.costs import costs

        return costs(self._db, by)

    def prompt_costs(self, log: LogRow) -> dict[int, Cost]:
        """What each prompt of a log cost, by the number of its step; 0 for what stands before the first."""
        from tracetui.bucket.costs import prompt_costs

        return prompt_costs(self._db, log.id)
