"""Sessions that Entire keeps in a repository: the branch ``entire/checkpoints/v1``, a folder per checkpoint
(``ab/cdef012345/0/``) with ``metadata.json`` and the transcript of each session as its harness wrote it.

Whoever can push can write that branch: it is read from the object store alone, with limits, and what comes out is
somebody else's. The format is told in ``docs/formats/entire.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from tracetui.model import TracetuiError, from_iso

if TYPE_CHECKING:
    import pygit2

__all__ = ["BRANCH", "Transcript", "transcripts"]

BRANCH: Final = "entire/checkpoints/v1"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CHUNK: Final = re.compile(r"full\.jsonl\.[0-9]{3}")
_ENTRIES: Final = 500_000
_METADATA_MAX: Final = 4 * 1024 * 1024
_TRANSCRIPT_MAX: Final = 512 * 1024 * 1024
_TOTAL_MAX: Final = 8 * 1024 * 1024 * 1024


class Transcript(NamedTuple):
    """The latest transcript of a session on the branch. ``size`` in bytes, ``time`` of its checkpoint in milliseconds
    since the epoch; ``read`` gives its bytes."""

    session: str
    agent: str
    checkpoint: str
    size: int
    time: int
    read: Callable[[], bytes]


def transcripts(git: Path, problem: Callable[[str, str], None]) -> Iterator[Transcript]:
    """The sessions on the branch of the repository whose Git folder is ``git``, each once, as the longest transcript
    tells it (a later checkpoint holds an earlier one's). What cannot be read is told to ``problem`` (place, reason).

    Raises TracetuiError where there is no such branch.
    """
    import pygit2

    pygit2.settings.owner_validation = False  # nothing that a repository names is run, whoever owns it
    try:
        repository = pygit2.Repository(str(git), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise TracetuiError(f"{ascii(str(git))[1:-1]} cannot be opened as a repository ({error})") from None
    tree = _tree(repository)
    if tree is None:
        raise TracetuiError(f"There is no branch {BRANCH} in {ascii(str(git))[1:-1]}; fetch it, or name another folder")
    best: dict[str, Transcript] = {}
    for place, folder in _folders(tree, problem):
        found = _session(repository, place, folder, problem)
        if found is None:
            continue
        other = best.get(found.session)
        if other is None or (found.size, found.time) > (other.size, other.time):
            best[found.session] = found
    left = _TOTAL_MAX
    for found in sorted(best.values(), key=lambda item: (item.time, item.session)):
        left -= found.size
        if left < 0:
            problem(found.checkpoint, f"more than {_TOTAL_MAX >> 30} GiB of transcripts; the rest is left out")
            return
        yield found


def _tree(repository: pygit2.Repository) -> pygit2.Tree | None:
    """The tree at the end of the branch: the local one, else that of a remote."""
    names = [name for name in repository.references if name.endswith(f"/{BRANCH}")]
    wanted = [f"refs/heads/{BRANCH}", f"refs/remotes/origin/{BRANCH}"]
    for name in (*(name for name in wanted if name in names), *sorted(set(names) - set(wanted))):
        if not name.startswith(("refs/heads/", "refs/remotes/")):
            continue
        try:
            import pygit2

            found = repository.references[name].peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.GitError):
            continue
        return found
    return None


def _folders(tree: pygit2.Tree, problem: Callable[[str, str], None]) -> Iterator[tuple[str, pygit2.Tree]]:
    """The folders of sessions, three levels down."""
    left = _ENTRIES
    waiting: list[tuple[str, pygit2.Tree, int]] = [("", tree, 0)]
    while waiting:
        place, folder, depth = waiting.pop()
        try:
            entries = [entry for entry in folder if entry.type_str == "tree"]
        except Exception as error:  # noqa: BLE001 (an object that is missing or damaged has many names)
            problem(place, f"cannot be read ({type(error).__name__})")
            continue
        left -= len(folder)
        if left < 0:
            problem(place, f"more than {_ENTRIES:,} entries; the rest is left out")
            return
        if depth == 3:
            yield place, folder
            continue
        for entry in reversed(entries):
            name = entry.name
            if isinstance(name, str) and _NAME.fullmatch(name):
                waiting.append((f"{place}/{name}".lstrip("/"), entry, depth + 1))  # type: ignore[arg-type]


def _size(repository: pygit2.Repository, entry: Any) -> int:
    """The size of an object, by its header alone. Raises what a missing or damaged one raises."""
    return int(repository.odb.read_header(entry.id)[1])


def _blob(repository: pygit2.Repository, entry: Any, limit: int) -> bytes | None:
    """A blob's bytes; None where it is missing or larger than ``limit``, which its header tells."""
    if entry is None or entry.type_str != "blob":
        return None
    try:
        return bytes(entry.data) if _size(repository, entry) <= limit else None
    except Exception:  # noqa: BLE001 (as above)
        return None


def _session(
    repository: pygit2.Repository, place: str, folder: pygit2.Tree, problem: Callable[[str, str], None]
) -> Transcript | None:
    entries: dict[str, Any] = {str(entry.name): entry for entry in folder}
    data = _blob(repository, entries.get("metadata.json"), _METADATA_MAX)
    try:
        about = orjson.loads(data) if data is not None else None
    except orjson.JSONDecodeError:
        about = None
    if not isinstance(about, dict):
        if "full.jsonl" in entries:
            problem(place, "its metadata.json cannot be read")
        return None
    session = about.get("session_id")
    names = ["full.jsonl", *sorted(name for name in entries if _CHUNK.fullmatch(name))]
    names = [name for name in names if name in entries]
    if not isinstance(session, str) or not _NAME.fullmatch(session) or not names:
        return None
    size = 0
    for name in names:
        try:
            size += _size(repository, entries[name])
        except Exception:  # noqa: BLE001 (as above)
            problem(f"{place}/{name}", "its object is not in the repository")
            return None
    if size > _TRANSCRIPT_MAX:
        problem(place, f"a transcript of more than {_TRANSCRIPT_MAX >> 20} MiB is left out")
        return None

    def read() -> bytes:
        parts = [bytes(entries[name].data) for name in names]
        return b"\n".join(part.rstrip(b"\n") for part in parts) + b"\n" if len(parts) > 1 else parts[0]

    agent = about.get("agent")
    time = from_iso(about.get("created_at")) or 0
    return Transcript(session, agent if isinstance(agent, str) else "", place, size, time, read)
