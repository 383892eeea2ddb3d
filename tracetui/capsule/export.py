"""The one door out beside capsules: redacted sessions and capsules as files in a format of the field.

A format is a function from what passed the gate to files; `register` makes it known. What it is given is redacted
already, and it has no way to what is not. The files are made in a private folder beside the target, which takes its
place when all of them are there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import orjson

from tracetui.model import LogFacts, Record, Step, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.capsule.episode import Episode
    from tracetui.capsule.origins import Origins
    from tracetui.capsule.parts import Parts
    from tracetui.capsule.redaction import Redaction

__all__ = [
    "FORMATS",
    "NOTES",
    "OF_CAPSULES",
    "WITH_ORIGINS",
    "ExportFile",
    "Redacted",
    "RedactedLog",
    "entries",
    "from_capsule",
    "from_session",
    "new_file",
    "new_folder",
    "register",
    "written",
]


@dataclass(frozen=True, slots=True)
class RedactedLog:
    """One log past the gate: its redacted records as JSON Lines in the harness's own shape, and the steps they make."""

    agent: str | None
    part: int
    records: bytes
    steps: Sequence[Step]
    facts: LogFacts = field(default_factory=LogFacts)
    """What the redacted records say of the log as a whole."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A session past the gate. ``id`` and ``harness`` are safe as file names; ``transcript`` is it as Markdown;
    ``title`` is None where it has none, or is a range. ``origins``: the lines that it wrote, for the formats that ask
    for them. ``parts``: of a capsule its tree and main check, for the formats that are made of those."""

    id: str
    harness: str
    logs: Sequence[RedactedLog]
    transcript: str
    title: str | None = None
    origins: Origins | None = None
    parts: Parts | None = None


class ExportFile(NamedTuple):
    """A file to write: its path below the target, the session that it is of, and its bytes."""

    path: str
    format: str
    session: str
    data: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """The line that ``export`` prints of it."""
        return {
            "path": self.path, "format": self.format, "session": self.session, "bytes": len(self.data),
            "sha256": sha256(self.data).hexdigest(),
        }  # fmt: skip


Format = Callable[[Redacted], Iterable[tuple[str, bytes]]]
"""Gives (path, bytes) for a session; paths are below the target, with ``/`` between."""
FORMATS: Final[dict[str, Format]] = {}
WITH_ORIGINS: Final[set[str]] = set()
"""The formats that need to know which lines of the repository the session wrote."""
OF_CAPSULES: Final[set[str]] = set()
"""The formats that only a capsule can be written in."""
NOTES: Final[dict[str, Callable[[Redacted], str | None]]] = {}
"""Of some formats what is to be said of what was written: one line, or None."""
_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


def register(
    name: str, *, origins: bool = False, note: Callable[[Redacted], str | None] | None = None, capsule: bool = False
) -> Callable[[Format], Format]:
    """Make a format known by this name. ``origins``: it is given ``Redacted.origins``; ``capsule``: ``Redacted.parts``,
    and takes nothing but capsules; ``note`` gives what is to be said of what was written."""

    def put(made: Format) -> Format:
        FORMATS[name] = made
        if note is not None:
            NOTES[name] = note
        if capsule:
            OF_CAPSULES.add(name)
        if origins:
            WITH_ORIGINS.add(name)
        return made

    return put


@register("harness")
def _harness(session: Redacted) -> Iterator[tuple[str, bytes]]:
    """The records as the harness writes them, for every viewer of its logs."""
    for log in session.logs:
        name = session.id + (f"~{log.part}" if log.part > 1 else "")
        below = f"{name}/agent-{_safe(log.agent)}" if log.agent else name
        yield f"{session.harness}/{below}.jsonl", log.records


@register("markdown")
def _markdown(session: Redacted) -> Iterator[tuple[str, bytes]]:
    """The transcript, to be read as it is."""
    yield f"{session.harness}/{session.id}.md", session.transcript.encode("utf-8", "replace")


def _safe(name: str) -> str:
    """A name that leads nowhere: what could be read as a path or a hidden file is replaced."""
    return "".join(char if char in _SAFE else "-" for char in name).strip(".")[:128] or "session"


def from_session(
    bucket: Bucket,
    episode: Episode,
    *,
    origins: bool = False,
    page: bool = True,
    also: Callable[[Redaction, Sequence[RedactedLog]], None] = lambda *_: None,
) -> Redacted:
    """A session, or a range of its steps, past the gate: everything of tiers 1 and 2 decided, everything scanned, and
    nothing left of what was accepted. ``origins``: with the lines of the repository that it wrote; ``page``: with its
    transcript. ``also`` is called with the redaction while it is open, and the logs. Raises TracetuiError where it does
    not pass."""
    from tracetui.capsule.records import read_log
    from tracetui.capsule.redaction import Redaction
    from tracetui.capsule.render import transcript
    from tracetui.redact.gate import check, check_text

    session = episode.session
    steps = (episode.main.steps[0], episode.main.steps[-1]) if episode.ranged and episode.agent is None else None
    with Redaction(bucket, session, steps) as redaction:
        gate = check(redaction, proof=True)
        if not gate.passes:
            raise TracetuiError(f"Not exported: {session.id}: {gate.say()}; decide with: tracetui redact {session.id}")
        logs = [
            read_log(bucket, nth, part, redaction, before=False, tick=lambda _: None)
            for nth, part in enumerate(episode.parts, 1)
        ]
        title = redaction.text(session.title) if session.title and not episode.ranged else None
        wrote = None
        if origins:
            from tracetui.capsule.origins import origins_of

            wrote = origins_of(bucket, episode, redaction.text)
        made = [RedactedLog(log.agent, log.part, _jsonl(log.values), log.steps, log.facts) for log in logs]
        also(redaction, made)
    told = transcript(title or session.id, ((log.agent, step) for log in logs for step in log.steps)) if page else ""
    check_text("\n".join([title or "", *(wrote.texts() if wrote else ())]), flag="redact the title")
    return Redacted(_safe(session.id), _safe(session.harness), made, told, title, wrote)


def from_capsule(path: Path, *, parts: bool = False) -> Redacted:
    """What a capsule carries; it passed the gate when it was sealed. ``parts``: with its tree and main check. Raises
    TracetuiError where it is not intact."""
    from tracetui.capsule.verify import Capsule, report_of

    with Capsule(path) as capsule:
        report = report_of(capsule, None)
        if not report.ok:
            raise TracetuiError(f"{path.name} is not exported: {'; '.join(report.problems)}")
        session: Any = capsule.manifest.section("session")
        listed = {item.get("name"): item for item in session.get("records") or () if isinstance(item, dict)}
        logs: list[RedactedLog] = []
        for name in capsule.names("records/"):
            facts = listed.get(name, {})
            records = capsule.read(name)
            span = session.get("range") if not logs else None
            steps, about = _read(str(session.get("harness")), span, records)
            logs.append(RedactedLog(facts.get("agent"), int(facts.get("part") or 1), records, steps, about))
        page = capsule.read("transcript.md").decode("utf-8", "replace")
        held = None
        if parts:
            from tracetui.capsule.parts import parts_of

            held = parts_of(capsule)
        return Redacted(_safe(str(session.get("id"))), _safe(str(session.get("harness"))), logs, page, parts=held)


def _read(harness: str, span: Any, records: bytes) -> tuple[Sequence[Step], LogFacts]:
    """The steps that the records of a capsule make, and what these say of the log; nothing of a harness that is not
    known here. ``span`` are the numbers of the first and the last step of a range."""
    from tracetui.harness import HARNESSES
    from tracetui.harness.lines import Splitter

    known = HARNESSES.get(harness)
    if known is None:
        return (), LogFacts()
    reader, splitter = known.reader(""), Splitter()
    steps: dict[int, Step] = {}
    for item in (*splitter.feed(records), *splitter.finish()):
        if isinstance(item, Record):
            reader.feed(item)
            for step in reader.take():
                steps[step.number] = step
    last = getattr(reader, "count", None)
    first = span[0] if isinstance(span, list) and span else 1
    shift = first - 1 if type(first) is int and 0 < first < 1_000_000 else 0
    held = [steps[number] for number in sorted(steps) if type(last) is not int or number <= last]
    return [replace(step, number=step.number + shift) for step in held], reader.facts


def _jsonl(values: Iterable[Any]) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def entries(sessions: Iterable[Redacted], name: str) -> list[ExportFile]:
    """The files of some sessions in a format. Raises TracetuiError where two would have one name."""
    out: dict[str, ExportFile] = {}
    for session in sessions:
        for path, data in FORMATS[name](session):
            if path in out:
                raise TracetuiError(f"Two sessions would be written to {path}; export them one by one")
            out[path] = ExportFile(path, name, session.id, data)
    return list(out.values())


def written(target: Path, files: Sequence[ExportFile], *, force: bool = False) -> None:
    """Write files below a folder, all of them or none. Raises TracetuiError where it exists already, unless ``force``
    says that it may be replaced, and where it cannot be written."""
    with new_folder(target, force=force) as made:
        for entry in files:
            with new_file(made, entry.path) as stream:
                stream.write(entry.data)


def new_file(folder: Path, path: str) -> BinaryIO:
    """A private file that is new below a folder; ``path`` has ``/`` between."""
    place = folder.joinpath(*path.split("/"))
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


@contextlib.contextmanager
def new_folder(target: Path, *, force: bool = False) -> Iterator[Path]:
    """A private folder to fill, which takes the place of ``target`` at the end, and is gone where something is raised.
    Raises TracetuiError as ``written``."""
    if os.path.lexists(target) and not force:
        raise TracetuiError(f"{ascii(str(target))[1:-1]} exists; name another folder, or replace it with --force")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise TracetuiError(f"{ascii(str(target))[1:-1]} is no folder; name another one")
    made = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        made.mkdir(mode=0o700)
        yield made
        if target.exists():
            old = made.with_name(made.name + ".old")
            target.rename(old)
            made.rename(target)
            shutil.rmtree(old)
        else:
            made.rename(target)
    except OSError as error:
        raise TracetuiError(
            f"Cannot write {ascii(str(target))[1:-1]} ({(error.strerror or 'failed').lower()})"
        ) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
