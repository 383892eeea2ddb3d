"""Which lines of a repository, at its HEAD, a session wrote: runs of the attribution, for formats that say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.capsule.episode import Episode
    from tracetui.trail.assigned import Writer

__all__ = ["Origins", "Run", "origins_of"]


class Run(NamedTuple):
    """Lines ``start`` to ``end`` (1-based, the end included) of a file, all written by one step."""

    path: str
    start: int
    end: int
    agent: str | None
    part: int
    step: int


@dataclass(frozen=True, slots=True)
class Origins:
    """The runs of a session at a ``revision`` (a full sha), by path and line; paths are relative to the work tree and
    redacted."""

    revision: str
    runs: tuple[Run, ...]

    def texts(self) -> Iterator[str]:
        """What of it could tell anything: the paths."""
        yield from sorted({run.path for run in self.runs})


def origins_of(bucket: Bucket, episode: Episode, redact: Callable[[str], str]) -> Origins:
    """The lines of HEAD that an episode's steps wrote. Raises TracetuiError where its repository is not here."""
    from tracetui.trail import Trail

    session = episode.session
    with Trail(bucket) as trail:
        place = trail.repository(session)
        if place is None:
            raise TracetuiError(f"No repository for {session.id}; name it: tracetui trail {session.id} --repo DIR")
        states = trail.hunks(session)
        owner = trail.judge_for(place)
        revision = owner.store.resolve("HEAD")
        if revision is None:
            raise TracetuiError(f"The repository of {session.id} has no commit")
        paths = {path for state in states for path, _ in state.lines if episode.has(state.agent, state.step)}
        # (A session that has no work tree of its own is looked at where its repository is.)
        folder = str(place[1] or place[0])
        runs: list[Run] = []
        for path in sorted(paths):
            try:
                found, _, _ = trail.blame(path, path_only=True, folder=folder)
            except TracetuiError:
                continue
            owners = {number: writer for row in found for number, writer in row.owners.items()}
            mine = {number: writer for number, writer in owners.items() if writer.session == session.id}
            name = redact(path)
            runs += (run for run in _runs(name, mine) if episode.has(run.agent, run.step))
    return Origins(revision, tuple(runs))


def _runs(path: str, owners: dict[int, Writer]) -> Iterator[Run]:
    """Lines side by side that one step wrote."""
    start = end = 0
    held: Writer | None = None
    for number, writer in sorted(owners.items()):
        if held is not None and number == end + 1 and writer[:4] == held[:4]:
            end = number
            continue
        if held is not None:
            yield Run(path, start, end, held.agent, held.part, held.step)
        start = end = number
        held = writer
    if held is not None:
        yield Run(path, start, end, held.agent, held.part, held.step)
