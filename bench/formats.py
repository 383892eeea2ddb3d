"""How whole genuine logs are read: every record a step, a known non-step or counted; every edit call a hunk; every step
the same when it is read again from its sources.

    python bench/formats.py FILE...

FILE: logs of any harness in any form (lines, JSON documents, databases: of those the newest session). Prints, per
harness, the counts and what is amiss; nothing of the logs' text.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from tracetui.harness import Harness, detect
from tracetui.harness.lines import records_of
from tracetui.harness.sources import open_lines
from tracetui.model import Record, Source, Step


def read(path: str) -> list[Record]:
    """The records of a log."""
    with open_lines(path) as stream:
        return [item for item in records_of(stream) if isinstance(item, Record)]


def measure(harness: Harness, stem: str, records: Sequence[Record], out: Counter[str]) -> None:
    """Add what one log gives to the counts."""
    reader = harness.reader(stem)
    steps: dict[int, Step] = {}
    held: dict[Source, list[Record]] = defaultdict(list)
    for record in records:
        held[record.source].append(record)
        reader.feed(record)
        steps.update((step.number, step) for step in reader.take())
    out["logs"] += 1
    out["records"] += len(records)
    out["steps"] += len(steps)
    out["unknown records"] += reader.unknown.total()
    out["records not counted"] += len(records) - reader.stepped - reader.known.total() - reader.unknown.total()
    for step in steps.values():
        mine = [record for source in step.sources for record in held[source]]
        if step.kind == "edit" and step.tool is not None and step.tool.output is not None and not step.failed:
            out["edit calls"] += 1
            out["edit calls without a hunk"] += not harness.edits(step, mine)
        again = harness.reader(stem)
        for record in mine:
            again.feed(record)
        same = next((other for other in again.take() if other.key == step.key), None)
        out["steps read again differently"] += same is None or (same.text, same.tool) != (step.text, step.tool)


def main(paths: Sequence[str]) -> None:
    """Measure the logs at these paths."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path in paths:
        try:
            records = read(path)
        except OSError as error:
            print(f"{path}: {error}", file=sys.stderr)
            continue
        harness = detect([record.value for record in records[:20]])
        if harness is None:
            found["of no known harness"]["logs"] += 1
        else:
            measure(harness, Path(path).stem, records, found[harness.name])
    for name, counts in sorted(found.items()):
        print(name)
        for what, count in counts.items():
            print(f"  {count:9,} {what}")


if __name__ == "__main__":
    main(sys.argv[1:])
