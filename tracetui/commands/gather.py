"""Which logs ``index`` captures: all roots, kept paths or named ones, less what the user left out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.bucket.consent import Consent
from tracetui.config import Config
from tracetui.harness.database import ENDINGS
from tracetui.harness.roots import LogFile, PathProblem, discover, files_of

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["KEPT", "Gathered", "folder_of", "gather", "keep_paths", "kept_paths", "leave_out", "rooted"]

KEPT: Final = "kept_paths"
_PEEK: Final = 256 * 1024
_RECORDS: Final = 20


@dataclass(slots=True)
class Gathered:
    """Files that may be captured, and what could not be looked at. ``offered``: how many logs there are of each harness
    that nobody was asked about yet."""

    files: list[LogFile] = field(default_factory=list)
    problems: list[PathProblem] = field(default_factory=list)
    offered: dict[str, int] = field(default_factory=dict)


def kept_paths(bucket: Bucket) -> list[str]:
    """Paths that ``index PATH --keep`` added to the roots."""
    value = bucket.setting(KEPT)
    return [path for path in value if isinstance(path, str)] if isinstance(value, list) else []


def keep_paths(bucket: Bucket, paths: Iterable[str]) -> None:
    """Watch these paths too from now on."""
    added = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - as the user knows it, links and all
    bucket.set_setting(KEPT, list(dict.fromkeys([*kept_paths(bucket), *added])))


def gather(  # noqa: C901 - a branch for each place that logs come from
    paths: Sequence[str],
    *,
    config: Config,
    consent: Consent | None,
    kept: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Gathered:
    """Look for logs: under ``paths`` where some are named, less what patterns exclude below a named folder; else under
    all roots and ``kept``, less harnesses without a tick, excluded paths and files older than ``max_age_days``."""
    found = Gathered()
    if paths:
        for item in files_of(paths):
            if not isinstance(item, LogFile):
                found.problems.append(item)
            elif not config.exclude or named(item) or not config.excludes(item.path):
                found.files.append(item)
        return found
    environ = os.environ if environ is None else environ
    oldest = None if config.max_age_days is None else time.time_ns() - round(config.max_age_days * 86_400 * 1e9)
    seen: set[tuple[int, int]] = set()

    def take(file: LogFile) -> None:
        if file.inode:
            if (file.dev, file.inode) in seen:
                return
            seen.add((file.dev, file.inode))
        if oldest is not None and file.mtime_ns < oldest:
            return
        if config.exclude and config.excludes(file.path):
            return
        found.files.append(file)

    for file in discover(environ, Path.home() if home is None else home, problems=found.problems):
        if config.harnesses is not None and file.harness not in config.harnesses:
            continue
        if consent is not None and not consent.harness(file.harness):
            if consent.offers(file.harness):
                found.offered[file.harness] = found.offered.get(file.harness, 0) + 1
            continue
        take(file)
    for item in files_of(kept):
        if isinstance(item, LogFile):
            take(item)
        else:
            found.problems.append(item)
    return found


def named(file: LogFile) -> bool:
    """Whether the user named this very file, and not a folder above it."""
    return not file.harness and not os.path.isdir(file.root)  # noqa: PTH112 - once for every file


def rooted(files: Iterable[LogFile], environ: Mapping[str, str], home: Path) -> list[LogFile]:
    """The files as a walk over the roots would have found them, where they lie below one: such a log is no stranger's,
    however it was named."""
    from tracetui.harness import HARNESSES

    roots = [(item.name, str(root.path)) for item in HARNESSES.values() for root in item.roots(environ, home)]
    out: list[LogFile] = []
    for file in files:
        found = next((item for item in roots if file.path.startswith(item[1].rstrip("/") + "/")), None)
        out.append(file if found is None or file.harness else file._replace(harness=found[0], root=found[1]))
    return out


def leave_out(bucket: Bucket, files: list[LogFile], *, config: Config, consent: Consent | None) -> list[LogFile]:
    """The files less those whose session worked in an excluded folder or a project without a tick; a file that was
    named itself stays. Only files that need capturing are looked into, and only their first records."""
    if not config.exclude and not (consent and consent.projects_off):
        return files
    out: set[str] = set()
    for file in bucket.check(files):
        if named(file) or file.path.endswith(ENDINGS):  # of a database, each session is asked for itself
            continue
        folder = folder_of(file.path)
        if config.excludes(folder) or (consent is not None and not consent.project(folder)):
            out.add(file.path)
    return [file for file in files if file.path not in out]


def folder_of(path: str) -> str | None:
    """The folder that the session of a log worked in, by its first records; None where they do not tell."""
    from tracetui.harness import detect
    from tracetui.harness.lines import Splitter
    from tracetui.harness.sources import open_lines
    from tracetui.model import Record

    splitter = Splitter()
    records: list[Record] = []
    try:
        with open_lines(path) as stream:
            left = _PEEK
            while left > 0 and len(records) < _RECORDS and (block := stream.read(min(left, 65536))):
                left -= len(block)
                records += [item for item in splitter.feed(block) if isinstance(item, Record)]
    except OSError:
        return None
    if len(records) < _RECORDS:
        records += [item for item in splitter.finish() if isinstance(item, Record)]
    records = records[:_RECORDS]
    harness = detect([record.value for record in records])
    if harness is None:
        return None
    reader = harness.reader(Path(path).name.removesuffix(".zst").removesuffix(".jsonl"))
    for record in records:
        reader.feed(record)
    return reader.facts.cwd
