"""What lies on this machine before anything is copied: log files by harness and by project. No widgets here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

__all__ = ["Discovery", "Found", "look_around"]

_HEAD_RECORDS = 40
"""Records of a log's head in which its folder is looked for."""


@dataclass(slots=True)
class Found:
    """Files and bytes under one heading; ``places`` are the folders they were found in, ``packed`` the bytes that their
    texts take compressed, estimated (of pairs only)."""

    name: str
    title: str
    files: int = 0
    bytes: int = 0
    places: list[str] = field(default_factory=list)
    packed: int = 0

    def add(self, size: int) -> None:
        self.files += 1
        self.bytes += size


@dataclass(slots=True)
class Discovery:
    """``harnesses`` by name, ``projects`` by folder ("" where a log names none), ``pairs`` for each (harness, folder).
    ``looked`` are the roots that were looked at, there or not."""

    harnesses: dict[str, Found] = field(default_factory=dict)
    projects: dict[str, Found] = field(default_factory=dict)
    pairs: dict[tuple[str, str], Found] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)
    files: int = 0


def look_around(
    environ: Mapping[str, str],
    home: Path,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda files: None,
) -> Discovery:
    """Find every log under the roots of all harnesses and read the head of each to learn where it worked."""
    from tracetui.harness import HARNESSES
    from tracetui.harness.roots import discover
    from tracetui.tui.browse.estimate import SAMPLE, share

    discovery = Discovery()
    logs: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for harness in HARNESSES.values():
        discovery.looked += [os.fspath(root.path) for root in harness.roots(environ, home)]
    for file in discover(environ, home):
        if cancelled():
            return discovery
        name, folder = _read_head(file.path, file.harness)
        title = HARNESSES[name].title if name in HARNESSES else name
        for table, key, label in (
            (discovery.harnesses, name, title),
            (discovery.projects, folder, folder),
        ):
            found = table.setdefault(key, Found(key, label))
            found.add(file.size)
            if file.root not in found.places:
                found.places.append(file.root)
        discovery.pairs.setdefault((name, folder), Found(name, folder)).add(file.size)
        logs.setdefault((name, folder), []).append((file.path, file.size))
        discovery.files += 1
        if discovery.files % 50 == 0:
            progress(discovery.files)
    for pair, found in discovery.pairs.items():
        if cancelled():
            break
        found.packed = round(found.bytes * share(logs[pair], max(2, SAMPLE // len(discovery.pairs))))
    return discovery


def _read_head(path: str, harness: str) -> tuple[str, str]:
    """The harness and the working folder of a log, from its first records; "" for what they do not tell."""
    from tracetui.harness import HARNESSES, detect
    from tracetui.harness.database import ENDINGS
    from tracetui.harness.lines import records_of
    from tracetui.harness.sources import open_lines
    from tracetui.model import Record, TracetuiError

    if path.endswith(ENDINGS):
        return harness, ""  # sessions of many folders
    try:
        with open_lines(path) as stream:
            records = [item for item in islice(records_of(stream), _HEAD_RECORDS) if isinstance(item, Record)]
    except (OSError, ValueError, TracetuiError):
        return harness, ""
    made = detect([record.value for record in records[:20]]) or HARNESSES.get(harness)
    if made is None:
        return harness, ""
    reader = made.reader(Path(path).stem)
    for record in records:
        reader.feed(record)
        if reader.facts.cwd:
            break
    return made.name, reader.facts.cwd or ""
