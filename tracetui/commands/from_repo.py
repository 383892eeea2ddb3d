"""``index --from-repo DIR``: the sessions that Entire keeps in a repository, foreign, and tied to that repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tracetui.harness.roots import LogFile, PathProblem
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.commands.index import IndexJob

__all__ = ["capture_branch"]


def capture_branch(job: IndexJob, named: str) -> int:
    """Capture the branch of the repository around the folder ``named``; the exit status."""
    from tracetui.bucket.parts import foreign_origin
    from tracetui.harness.entire import BRANCH, transcripts
    from tracetui.trail.folders import anchor
    from tracetui.trail.store import find_git

    place = find_git(Path(named).expanduser())
    if place is None:
        raise TracetuiError(f"{ascii(named)[1:-1]} is not in a Git repository; name one that is")
    git, work = place
    root = str(work or git)

    def problem(at: str, reason: str) -> None:
        job.problems.append(PathProblem(f"{git}/{BRANCH}/{at}", reason))

    found = {}
    for item in transcripts(git, problem):
        path = f"{git}/{BRANCH}/{item.session}.jsonl"
        found[path] = LogFile(path, root, item.size, item.time * 1_000_000, 0, 0), item
    anchor(job.bucket, foreign_origin(root), root)
    files = [file for file, _ in found.values()]
    with job.bucket.temporary() as folder:
        contents: dict[str, str] = {}
        for nth, file in enumerate(job.bucket.check(files)):
            target = folder / f"{nth:06d}.jsonl"
            target.touch(mode=0o600)
            target.write_bytes(found[file.path][1].read())
            contents[file.path] = str(target)
        return job.capture(files, contents=contents)
