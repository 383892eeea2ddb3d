"""The child that reads the rest of what ``open`` shows the beginning of, into the temporary bucket of the app.

``python -m tracetui.commands.log_child BUCKET PARENT PATH…`` writes the progress lines of ``index --progress``; it ends
when the process that started it is gone, so that nothing is written where nobody looks any more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracetui.bucket.changes import RunProgress

__all__ = ["run"]


def run(words: Sequence[str]) -> int:
    """Read these files; the exit status. ``words``: the bucket's folder, the parent's process id, the files."""
    from tracetui.bucket import Bucket
    from tracetui.commands.out import JsonLines
    from tracetui.harness.roots import LogFile, files_of

    bucket, parent, *paths = words
    if hasattr(os, "nice"):
        os.nice(5)
    out = JsonLines()

    def orphaned() -> bool:
        return os.getppid() != int(parent)

    def tell(state: RunProgress) -> None:
        out.write({"event": "progress", "done": state.bytes_done, "total": state.bytes, "sessions": state.sessions})
        out.flush()

    with Bucket.open(Path(bucket)) as store:
        files = [found for found in files_of([Path(path) for path in paths]) if isinstance(found, LogFile)]
        report = store.capture(files, progress=tell, cancelled=orphaned, workers=1, again=True)
    out.write({"event": "done", "new": report.new, "updated": report.updated, "seconds": round(report.seconds, 3)})
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
