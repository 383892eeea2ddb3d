"""What every entry of ``HARNESSES`` promises, whoever wrote it: one sample of its logs in ``samples/NAME.*`` is enough
to hold it to that. What a harness does not have (ctx, native sessions) is absent honestly: None, and refused."""

from __future__ import annotations

import copy
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from tracetui.capsule.strip import Links, stripped
from tracetui.ctx.build import Builder
from tracetui.ctx.context import NoCall, context_of
from tracetui.ctx.native import native
from tracetui.ctx.parts import parts_of
from tracetui.harness import HARNESSES, Harness, detect
from tracetui.harness.lines import records_of
from tracetui.harness.opening import open_log
from tracetui.harness.sharing import LEFT_OUT, Allowed
from tracetui.model import LogFacts, Record, Source, Step, TracetuiError
from tracetui.redact.units import texts, units

SAMPLES = Path(__file__).with_name("samples")
CORPUS = Path(os.environ.get("TRACETUI_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
EVERY = pytest.mark.parametrize("harness", HARNESSES.values(), ids=lambda harness: harness.name)
NOW = 1_780_000_000_000


def sample(harness: Harness) -> list[Record]:
    """The records of the harness's sample."""
    found = sorted(SAMPLES.glob(f"{harness.name}.*"))
    assert len(found) == 1, f"put one log of {harness.title} into {SAMPLES.name}/{harness.name}.jsonl"
    return read(found[0])


def read(path: Path) -> list[Record]:
    with open_log(path) as stream:
        return [item for item in records_of(stream) if isinstance(item, Record)]


def steps_of(harness: Harness, records: Sequence[Record], stem: str = "s") -> list[Step]:
    reader = harness.reader(stem)
    steps: dict[int, Step] = {}
    for record in records:
        reader.feed(record)
        steps.update((step.number, step) for step in reader.take())
    count = getattr(reader, "count", None)
    return [steps[number] for number in sorted(steps) if type(count) is not int or number <= count]


def said(step: Step) -> tuple[Any, ...]:
    return step.kind, step.key, step.text, step.tool, step.tokens, step.time, step.model, step.images, step.thread


# -- reading


@EVERY
def test_it_is_told_from_all_others(harness: Harness) -> None:
    head = [record.value for record in sample(harness)[:20]]
    assert detect(head) is harness
    assert [other.name for other in HARNESSES.values() if other.detect(head)] == [harness.name]
    assert not harness.detect([])
    assert not harness.detect([{}, {"type": None}, {"payload": []}, {"message": 3}])


def test_names_are_their_own() -> None:
    for names in ([h.name for h in HARNESSES.values()], [h.short for h in HARNESSES.values()]):
        assert len(set(names)) == len(names)
    assert all(len(harness.short) == 2 and harness.title for harness in HARNESSES.values())
    assert list(HARNESSES) == [harness.name for harness in HARNESSES.values()]


@EVERY
def test_records_add_up_to_numbered_steps(harness: Harness) -> None:
    records = sample(harness)
    reader = harness.reader("s")
    for record in records:
        reader.feed(record)
    assert reader.stepped + reader.known.total() + reader.unknown.total() == len(records)
    assert not reader.unknown
    assert reader.facts.harness == harness.name
    steps = steps_of(harness, records)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    kinds = {step.kind for step in steps}
    assert {"prompt", "message", "command", "edit"} <= kinds, "a sample holds a prompt, an answer, a command, an edit"
    assert len({step.key for step in steps}) == len(steps)


@EVERY
def test_it_goes_on_from_any_place(harness: Harness) -> None:
    records = sample(harness)
    whole = steps_of(harness, records)
    for cut in range(len(records)):
        first = harness.reader("s")
        steps: dict[int, Step] = {}
        for record in records[:cut]:
            first.feed(record)
        steps.update((step.number, step) for step in first.take())
        second = harness.reader("s", first.dump())
        for record in records[cut:]:
            second.feed(record)
        steps.update((step.number, step) for step in second.take())
        assert [said(steps[number]) for number in sorted(steps)] == [said(step) for step in whole], cut
        assert second.facts.session == harness.reader("s", second.dump()).facts.session


@EVERY
def test_a_step_is_read_again_from_its_sources(harness: Harness) -> None:
    records = sample(harness)
    held: dict[Source, list[Record]] = {}
    for record in records:
        held.setdefault(record.source, []).append(record)
    found = 0
    for step in steps_of(harness, records):
        mine = [record for source in step.sources for record in held[source]]
        again = [other for other in steps_of(harness, mine) if other.key == step.key]
        assert [(other.kind, other.text, other.tool) for other in again] == [(step.kind, step.text, step.tool)]
        edits = harness.edits(step, mine)
        assert step.kind == "edit" or not edits
        assert all(edit.path and edit.op in ("add", "update", "delete", "move") for edit in edits)
        found += len(edits)
    assert found, "a sample holds an edit"


@EVERY
def test_nothing_in_a_record_makes_it_raise(harness: Harness) -> None:
    """Any value anywhere may be gone, of another type, or hostile: reading goes on, in readers and rules alike."""
    records = sample(harness)
    chance = random.Random(7)
    rules, sharing = harness.context, harness.sharing() if harness.sharing else None
    for _ in range(60):
        changed = [record._replace(value=_mutated(record.value, chance)) for record in records]
        for step in steps_of(harness, changed):
            harness.edits(step, [record for record in changed if record.source in step.sources])
        for record in changed:
            if rules is not None:
                rules.pieces(record)
            if sharing is not None:
                stripped(sharing, record.value, Counter())
        if rules is not None:
            builder = Builder(harness.name, "s")
            for record in changed:
                builder.feed(record)
            builder.finish()
        if harness.inherits is not None:
            harness.inherits("agent", changed[:3])
            harness.inherits(None, changed[:3])


_JUNK: list[Any] = [None, True, -1, 1e308, 2**70, "", "\ud800\0\x1b[2J", [], [[]], {}, {"type": {}}, "x" * 200]


def _mutated(value: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    out = copy.deepcopy(value)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        places = list(_places(out))
        if not places:
            break
        holder, name = chance.choice(places)
        if chance.random() < 0.3:
            del holder[name]
        else:
            holder[name] = copy.deepcopy(chance.choice(_JUNK))
    return out


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(item, dict | list):
            yield from _places(item)


# -- where it lives, how it goes on


@EVERY
def test_roots_and_resume(harness: Harness, tmp_path: Path) -> None:
    roots = list(harness.roots({}, tmp_path))
    assert all(root.path.is_relative_to(tmp_path) and root.patterns for root in roots)
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"
    words = harness.resume(LogFacts(harness=harness.name, session="0a1b2c3d", cwd="/w"))
    assert words
    assert "0a1b2c3d" in words
    if harness.retention is not None:
        assert harness.retention({}, tmp_path).days >= 0
    if harness.titles is not None:
        assert harness.titles({}, tmp_path) == {}


# -- redaction


@EVERY
def test_ids_and_opaque_fields(harness: Harness) -> None:
    if harness.fields is None:
        pytest.skip("no rule: sealing and exporting are refused")
    fields = harness.fields()
    assert not fields.ids & fields.opaque
    word = "zqword" * 200
    for path in fields.ids | fields.opaque:
        value = _at(path, f"data:{word}")
        found = [unit for unit in units(value, harness.name) if not unit.in_key]
        assert found == [], path
        assert f"data:{word}" not in texts(value, harness.name)
        assert [unit.text for unit in units(_at((*path, "below"), word), harness.name) if not unit.in_key] == [word]
    # Ids stay, so what joins the records of the sample must be named: the parent's id is the same kind of string.
    sharing = harness.sharing() if harness.sharing else None
    if sharing is not None and sharing.parent is not None:
        assert {(name,) for name in sharing.parent} <= fields.ids


def _at(path: Sequence[str], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = [value] if name == "*" else {name: value}
    assert isinstance(value, dict)
    return value


# -- what may leave a range


@EVERY
def test_what_leaves_is_what_the_rules_name(harness: Harness) -> None:
    if harness.sharing is None:
        with pytest.raises(TracetuiError, match="no rule for what may leave"):
            harness.need("sealed", "sharing")
        return
    sharing, records = harness.sharing(), sample(harness)
    unknown: Counter[str] = Counter()
    out = [record._replace(value=stripped(sharing, record.value, unknown)) for record in records]
    assert not unknown, "what the sample holds is named, to leave or to stay"
    assert [said(step) for step in steps_of(harness, out)] == [said(step) for step in steps_of(harness, records)]
    for record in records:
        planted = copy.deepcopy(record.value)
        count = _plant(planted, sharing.allowed.get(sharing.kind(record.value)) or sharing.allowed["*"])
        assert count
        unknown.clear()
        assert b"zqout" not in orjson.dumps(stripped(sharing, planted, unknown))
        assert unknown.total() >= count
    assert stripped(sharing, {"zqout": "zqout", "type": "zqnever"}, Counter()).keys() <= {"type"}


def _plant(value: dict[str, Any], allowed: Allowed) -> int:
    """Put an unknown field into every object that the allow-list looks into; how many."""
    count = 0
    for name, item in value.items():
        below = allowed.get(name) or allowed.get("?")
        if not below or below.get("") is False or not below.keys() - {""}:
            continue
        elements = item if isinstance(item, list) else []
        for inner, rule in ((item, below), *((one, below.get("*")) for one in elements)):
            if isinstance(inner, dict) and rule and rule.keys() - {"", "*"}:
                count += _plant(inner, rule)
    if "?" not in allowed:  # else it is a map, and its names are the step's own
        value["zqout"] = {"zqout": ["zqout"]}
        count += 1
    return count


@EVERY
def test_records_of_a_range_hang_together(harness: Harness) -> None:
    if harness.sharing is None or (parent := (sharing := harness.sharing()).parent) is None:
        pytest.skip("its records form no tree")
    records = sample(harness)
    own, above = parent
    kept = records[len(records) // 2 :]
    links = Links(sharing, records, lambda record: record in kept)
    ids = {record.value.get(own) for record in kept}
    for record in kept:
        made = links.mended(record.value)
        for name in (above, *sharing.links):
            assert made.get(name) in {None, "root", *ids}, name


@EVERY
def test_of_a_compaction_its_summary_stays_out(harness: Harness) -> None:
    """``empty`` may turn texts into the mark alone."""
    if harness.sharing is None:
        pytest.skip("no rule")
    sharing = harness.sharing()
    for record in sample(harness):
        for compaction in (False, True):
            before = set(_strings(record.value))
            assert set(_strings(sharing.empty(record.value, compaction))) <= before | {LEFT_OUT}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


# -- what the model saw


@EVERY
def test_contexts_or_their_honest_absence(harness: Harness) -> None:
    rules, records = harness.context, sample(harness)
    if rules is None:
        with pytest.raises(TracetuiError, match="no rule for what the model saw"):
            harness.need("shown", "context")
        with pytest.raises(TracetuiError):
            Builder(harness.name, "s")
        return
    builder = Builder(harness.name, "s")
    for record in records:
        builder.feed(record)
    index = builder.finish()
    calls = 0
    for step in steps_of(harness, records):
        try:
            context = context_of(index, step.number)
        except NoCall:
            continue
        calls += 1
        assert context.exact or context.missing, "what is not exact says what it lacks"
        assert all(part.from_step is None or part.from_step < step.number for part in context.segments())
    assert calls > 1


@EVERY
def test_native_sessions_or_their_honest_absence(harness: Harness, tmp_path: Path) -> None:
    records = sample(harness)
    if harness.native is None or harness.rules is None:
        with pytest.raises(TracetuiError, match="no rule"):
            harness.need("written", "context", "native")
        return
    builder = Builder(harness.name, "s")
    for record in records:
        builder.feed(record)
    index = builder.finish()
    last = [step for step in steps_of(harness, records) if step.kind == "message"][-1]
    context = context_of(index, last.number)
    held: dict[Source, list[Record]] = {}
    for record in records:
        held.setdefault(record.source, []).append(record)

    def reading(log: int, source: Source) -> Sequence[Record]:
        return held[source]

    made = native(context, parts_of(context, reading), reading, builder.facts, NOW)
    assert harness.native().root({}, tmp_path).is_relative_to(tmp_path)
    head = [orjson.loads(line) for line in made.data.splitlines()[:20]]
    assert detect(head) is harness
    assert made.session in made.name


# -- on genuine logs


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here")
def test_nothing_of_use_is_lost_on_genuine_logs() -> None:
    """What the allow-lists leave of every record makes the same steps, but for summaries."""
    logs = 0
    for path in sorted(CORPUS.rglob("*")):
        if not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        try:
            records = read(path)
        except OSError:
            continue
        harness = detect([record.value for record in records[:20]])
        if harness is None or harness.sharing is None:
            continue
        sharing, logs = harness.sharing(), logs + 1
        out = [record._replace(value=stripped(sharing, record.value, Counter())) for record in records]
        before, after = steps_of(harness, records, path.stem), steps_of(harness, out, path.stem)
        assert [step.kind for step in before] == [step.kind for step in after], path
        for old, new in zip(before, after, strict=True):
            if old.kind != "compaction" and new.text != LEFT_OUT:
                assert said(old) == said(new), path
    assert logs > 50
