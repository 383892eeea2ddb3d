"""What a capsule says of its own records and patches, worked out anew from them and compared: a reader believes what
follows from the content, and is told what differs. What would need the repository, or what came before the range,
cannot be worked out here; it is *claimed*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.capsule import render
from tracetui.capsule.patches import PatchError, parse
from tracetui.harness import HARNESSES
from tracetui.harness.spell import step_json
from tracetui.model import Record, Source, Step, ToolUse, TracetuiError, from_iso

if TYPE_CHECKING:
    from tracetui.capsule.verify import Capsule

__all__ = ["CLAIMED", "DERIVATION", "Derived", "changed_files", "derive"]

DERIVATION: Final = 2
"""The version of what is derived and how. 1, of the first format: the transcript begins without a summary."""
CLAIMED: Final = ("trail.jsonl", "ctx.jsonl")
"""Entries that nothing in the capsule can show to be right or wrong."""
_TOLD: Final = 8


@dataclass(slots=True)
class Derived:
    """``consistent``: whether everything that can be worked out is as the capsule says, None where another version of
    the derivation made it and this one comes to something else. ``differs``: entries, each with what is wrong."""

    consistent: bool | None = True
    differs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def changed_files(capsule: Capsule) -> dict[str, list[str]]:
    """path -> names of the entries that change it, by the patches themselves and what is carried along; a patch that
    cannot be read is told under its own name."""
    found: dict[str, list[str]] = {}
    for name in capsule.names("files/"):
        found.setdefault(name[6:], []).append(name)
    for name in capsule.names("patches/"):
        for path in _paths(capsule, name):
            found.setdefault(path, []).append(name)
    return dict(sorted(found.items()))


def _paths(capsule: Capsule, name: str) -> list[str]:
    try:
        patches = parse(capsule.read(name))
    except PatchError:
        return [name]
    return sorted({path for patch in patches for path in (patch.source, patch.target) if path is not None})


def derive(capsule: Capsule) -> Derived:
    """Work out what can be, and compare."""
    made = capsule.manifest.section("versions").get("derivation")
    version = made if isinstance(made, int) else 1
    found = Derived()
    found.differs += _patches(capsule)
    steps = _lines(capsule, "steps.jsonl")
    followed: list[str] = []
    if steps is None:
        found.differs.append("steps.jsonl: its lines cannot be read")
    else:
        followed += _steps(capsule, steps)
        followed += _pages(capsule, steps, version)
    if followed and version == DERIVATION:
        found.differs += followed
    elif followed:
        found.notes.append(
            f"made by version {version} of the derivation; this one ({DERIVATION}) comes to something else for "
            + ", ".join(sorted({item.partition(":")[0] for item in followed}))
        )
    found.consistent = False if found.differs else (None if found.notes else True)
    return found


# -- patches


def _patches(capsule: Capsule) -> Iterator[str]:
    """Patches that the manifest does not name, or whose files it tells otherwise."""
    listed = capsule.manifest.section("repository").get("patches")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    told = {item["name"]: item for item in items if isinstance(item.get("name"), str)}
    entries = capsule.names("patches/")
    for name in entries:
        if name not in told:
            yield f"{name}: the manifest does not list it"
            continue
        files = told[name].get("files")
        paths = _paths(capsule, name)
        if not isinstance(files, list) or sorted(map(str, files)) != paths:
            yield f"{name}: it changes {', '.join(paths[:_TOLD])}, which is not what the manifest says"
    for name in sorted(told.keys() - set(entries)):
        yield f"{name}: the manifest lists it, and it is not there"


# -- steps


def _lines(capsule: Capsule, name: str) -> list[dict[str, Any]] | None:
    try:
        values = [orjson.loads(line) for line in capsule.read(name).splitlines() if line]
    except orjson.JSONDecodeError:
        return None
    return values if all(isinstance(value, dict) for value in values) else None


def _steps(capsule: Capsule, lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What in ``steps.jsonl`` does not follow from the records."""
    session = capsule.manifest.section("session")
    harness = HARNESSES.get(str(session.get("harness")))
    if harness is None:
        yield "steps.jsonl: no reader for its harness is known here"
        return
    listed = session.get("records")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    agents = {item.get("name"): item.get("agent") for item in items}
    by_record: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        source = line.get("source")
        by_record.setdefault(str(source.get("path")) if isinstance(source, dict) else "", []).append(line)
    whole = session.get("range") is None
    for name in sorted(by_record.keys() | set(capsule.names("records/"))):
        if name not in capsule.archive.entries or not name.startswith("records/"):
            yield f"steps.jsonl: steps of {ascii(name)[1:-1][:60]}, which is not there"
            continue
        agent = agents.get(name)
        stem = f"agent-{agent}" if isinstance(agent, str) else str(session.get("id"))
        try:
            made = read_steps(capsule.read(name), harness.reader(stem))
        except (TracetuiError, ValueError, TypeError, KeyError, AttributeError):
            yield f"steps.jsonl: the records of {name} cannot be read as steps"
            continue
        wrong = _compared(made, by_record.get(name, []), name, whole=whole)
        if wrong is not None:
            yield f"steps.jsonl: {wrong}"


def read_steps(data: bytes, reader: Any) -> list[Step]:
    """The steps that an entry of records makes."""
    steps: dict[int, Step] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line:
            continue
        value = orjson.loads(line)
        if not isinstance(value, dict):
            raise TracetuiError("a record is no object")
        reader.feed(Record(Source(number, 0, len(line)), value))
        for step in reader.take():
            steps[step.number] = step
    count = getattr(reader, "count", None)
    last = count if type(count) is int else len(steps)
    return [steps[number] for number in sorted(steps) if number <= last]


def _content(line: Mapping[str, Any], *, whole: bool) -> bytes:
    keys = ("kind", "text", "tool", *(("step", "time") if whole else ()))
    return orjson.dumps({key: line.get(key) for key in keys}, option=orjson.OPT_SORT_KEYS)


def _compared(made: Sequence[Step], lines: Sequence[Mapping[str, Any]], name: str, *, whole: bool) -> str | None:
    """What differs between the steps that records make and those that are told; numbers and times in a whole log."""
    ours = [_content(orjson.loads(orjson.dumps(step_json("", None, name, step))), whole=whole) for step in made]
    theirs = [_content(line, whole=whole) for line in lines]
    if ours == theirs:
        return None
    if not whole:
        # The records of a range may make steps that need what came before to be told apart.
        known = set(ours)
        strange = [line.get("step") for line, content in zip(lines, theirs) if content not in known]
        if not strange:
            return None
        return f"step {strange[0]} of {name} does not follow from its records"
    first = next((nth for nth, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    number = lines[first].get("step") if first < len(lines) else made[first].number
    return f"step {number} of {name} is not what its records say"


# -- pages


def _pages(capsule: Capsule, lines: Sequence[Mapping[str, Any]], version: int) -> Iterator[str]:
    """Pages for people that are not what the rest makes."""
    from tracetui.capsule.checks import load

    try:
        steps = [(line.get("agent"), _step(line)) for line in lines]
        facts = capsule.manifest.facts
        checks = load(capsule.read("checks.json"))
        lead = render.lead(facts, checks, [step for _, step in steps]) if version > 1 else ""
        page = render.transcript(render.title_of(facts), steps, lead)
        if page.encode("utf-8", "replace") != capsule.read("transcript.md"):
            yield "transcript.md: it is not what the steps make"
        if version != DERIVATION:
            return
        notes = facts.get("notes")
        names = [name for name in capsule.manifest.entries if name != "README.md"]
        page = render.readme(facts, checks, notes if isinstance(notes, list) else (), names)
        if page.encode("utf-8", "replace") != capsule.read("README.md"):
            yield "README.md: it is not what the manifest and the checks make"
    except (TracetuiError, KeyError, TypeError, ValueError, AttributeError):
        yield "transcript.md: it cannot be made from the steps"


def _step(line: Mapping[str, Any]) -> Step:
    """A step as far as pages tell of it."""
    tool = line.get("tool")
    use = None
    if isinstance(tool, dict):
        use = ToolUse(
            str(tool.get("name")),
            tool.get("input"),
            tool.get("output"),
            tool.get("is_error"),
            tool.get("exit_code"),
        )
    time = line.get("time")
    moment = from_iso(time) if isinstance(time, str) else None
    kind: Any = str(line["kind"])
    return Step(int(line["step"]), kind, "", (), moment, text=line.get("text"), tool=use)
