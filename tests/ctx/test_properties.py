"""What holds for every history, made up or real."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import real_logs
from tests.ctx.seen import Seen, claude, codex, pi
from tests.harness import claude_logs, codex_logs, pi_logs
from tracetui.ctx.build import Builder
from tracetui.ctx.context import context_of, gone
from tracetui.ctx.index import Index
from tracetui.harness import HARNESSES, detect
from tracetui.harness.context import CAUSES
from tracetui.harness.lines import records_of
from tracetui.model import Record

DEEDS = st.lists(
    st.sampled_from(["ask", "say", "think", "call", "calls", "compact", "keep", "blank", "back", "model"]),
    min_size=1,
    max_size=40,
)


def _claude(deeds: list[str]) -> tuple[Seen, list[tuple[int, list[str], str]]]:
    """A log, and what a plain list of messages would hold at each call: (step, texts, cause of what left)."""
    log = claude_logs.Log()
    plain: list[tuple[str, str]] = []  # (uuid, text)
    expected: list[tuple[int, list[str], str]] = []
    step = 0
    stack: list[tuple[str | None, list[tuple[str, str]]]] = []
    why = ""
    for nth, deed in enumerate(deeds):
        if deed == "ask":
            step += 1
            stack.append((log.last, list(plain)))
            plain.append((log.user(f"ask {nth}"), f"ask {nth}"))
        elif deed in ("say", "think", "call", "calls"):
            expected.append((step + 1, [words for _, words in plain], why))
            why = ""
            response = f"r{nth}"
            said = f"{deed} {nth}"
            if deed in ("say", "think"):
                step += 1
                block = claude_logs.text(said) if deed == "say" else claude_logs.thinking(said)
                plain.append((log.answer(block, response=response), said))
                continue
            names = [f"{said}.{at}" for at in range(1 if deed == "call" else 3)]
            made = []
            for name in names:
                step += 1
                made.append(log.answer(claude_logs.call(name, "Bash", command=name), response=response))
                plain.append((made[-1], f"Bash\ncommand: {name}"))
            for name, own in zip(names, made, strict=True):
                plain.append((log.done(name, f"out {name}", parentUuid=own), f"out {name}"))
        elif deed == "compact" and log.last:
            step += 1
            log.system("compact_boundary", parentUuid=None, logicalParentUuid=log.last)
            plain = [(log.user(f"sum {nth}", isCompactSummary=True), f"sum {nth}")]
            why = "compaction"
        elif deed == "keep" and len(plain) > 2 and not plain[-1][1].startswith(("out", "Bash")):
            step += 1
            kept = plain[-1:]
            log.system(
                "compact_boundary", parentUuid=None, logicalParentUuid=log.last,
                compactMetadata={"preservedSegment": {
                    "headUuid": kept[0][0], "tailUuid": kept[-1][0], "anchorUuid": f"anchor {nth}"}},
            )  # fmt: skip
            log.user(f"sum {nth}", isCompactSummary=True)
            log.values[-1]["uuid"] = log.last = f"anchor {nth}"
            plain = [(log.last, f"sum {nth}"), *kept]
            why = "compaction"
        elif deed == "blank":
            outs = [words for _, words in plain if words.startswith("out")]
            if outs:
                step += 1
                log.system("microcompact_boundary", microcompactMetadata={"compactedToolIds": [outs[0][4:]]})
                plain = [
                    (own, "[Old tool result content cleared]" if words == outs[0] else words) for own, words in plain
                ]
                why = why or "microcompaction"
        elif deed == "back" and stack:
            log.last, plain = stack[-1][0], list(stack[-1][1])
            stack.pop()
            if log.last is None:
                plain = []
            why = "rollback"
    return claude(log), expected


@given(DEEDS)
@settings(max_examples=150, deadline=None)
def test_claude_is_what_a_plain_list_of_messages_would_hold(deeds: list[str]) -> None:
    seen, expected = _claude(deeds)
    reading = seen.reading()
    from tracetui.ctx.context import piece_of

    for step, texts, _ in expected:
        found = [piece_of(seen.index, at, reading).text for at in seen.context(step).ids]
        assert sorted(found) == sorted(texts)
    _holds(seen.index)


def _holds(index: Index) -> None:
    """No segment of a later step; what leaves has a cause; numbers add up; bytes and back."""
    previous: int | None = None
    for step in range(1, len(index.step_call)):
        call = index.call_of(step)
        if call is None:
            continue
        context = context_of(index, step)
        assert context.first_step <= step
        assert all(index.step[at] < context.first_step for at in context.ids)
        assert context.estimated == sum(part.tokens for part in context.segments())
        assert len(set(context.ids)) == len(context.ids)
        if previous is not None and previous != call:
            same = index.same_thread(index.call_node[previous], index.call_node[call])
            old, new = set(index.view(previous).ids), set(context.ids)
            left = gone(index, previous, call)
            assert {item.at for item in left} == old - new
            assert all(item.cause in CAUSES for item in left)
            if (
                same
                and not index.cuts
                and not index.effects
                and index.above(index.call_node[call], index.call_node[previous])
            ):
                assert all(item.cause == "thinking_of_earlier_turn" for item in left)
        previous = call
    again = Index.load(index.dump())
    assert again == index


@given(st.lists(st.sampled_from(["ask", "say", "think", "call", "compact", "back", "tokens"]), max_size=40))
@settings(max_examples=80, deadline=None)
def test_codex_histories_hold(deeds: list[str]) -> None:
    log = codex_logs.Log(base_instructions={"text": "Base."})
    plain = ["Base."]
    turns: list[int] = []
    total = 0
    expected: list[list[str]] = []
    writing = False
    for nth, deed in enumerate(deeds):
        if deed == "ask":
            turns.append(len(plain))
            log.asked(f"Ask {nth}.")
            plain.append(f"Ask {nth}.")
            writing = False
        elif deed in ("say", "think", "call"):
            if not writing:
                expected.append(list(plain))
            writing = True
            if deed == "say":
                log.answered(f"Say {nth}.")
                plain.append(f"Say {nth}.")
            elif deed == "think":
                log.thought(f"Think {nth}.")
                plain.append(f"Think {nth}.")
            else:
                log.call("exec_command", {"cmd": f"c{nth}"}, call_id=f"c{nth}")
                log.output(f"out {nth}", call_id=f"c{nth}")
                plain += [f"exec_command\ncmd: c{nth}", f"out {nth}"]
                writing = False
        elif deed == "compact":
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"Kept {nth}."}]}
            log.add("compacted", {"message": "", "replacement_history": [item]})
            plain, turns, writing = ["Base.", f"Kept {nth}."], [1], False
        elif deed == "back" and turns:
            log.event("thread_rolled_back", num_turns=1)
            plain, writing = plain[: turns.pop()], False
        elif deed == "tokens" and writing:
            total += 100
            log.tokens(total, (100, 0, 10))
            if deeds[nth + 1 : nth + 2] in (["say"], ["think"]):
                return
    seen = codex(log)
    reading = seen.reading()
    from tracetui.ctx.context import piece_of

    found = []
    for call in range(len(seen.index.call_node)):
        view = seen.index.view_at(seen.index.call_node[call], 1)
        found.append([piece_of(seen.index, at, reading).text for at in view.ids])
    assert found == expected
    _holds(seen.index)


@given(
    st.lists(
        st.tuples(st.sampled_from(["user", "assistant", "compaction", "edit", "failed"]), st.integers(0, 30)),
        min_size=1, max_size=40,
    )
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_pi_is_what_pi_would_build(deeds: list[tuple[str, int]]) -> None:
    """Random trees, against Pi's own way: path from leaf to root, latest compaction, edits of the path."""
    log = pi_logs.Log()
    entries: dict[str, dict[str, Any]] = {}
    order: list[str] = []

    def path(own: str | None) -> list[str]:
        out: list[str] = []
        while own:
            out.append(own)
            own = entries[own]["parent"]
        return out[::-1]

    def context(own: str | None) -> list[str]:
        way = path(own)
        at = max((nth for nth, name in enumerate(way) if entries[name]["kind"] == "compaction"), default=-1)
        shown: list[str] = []
        if at >= 0:
            kept = entries[way[at]]["kept"]
            before = way[:at]
            shown = [way[at]] + (before[before.index(kept) :] if kept in before else [])
        shown += way[at + 1 :]
        edits = {entries[name]["target"] for name in way if entries[name]["kind"] == "edit"}
        return [
            entries[name]["text"]
            for nth, name in enumerate(shown)
            if entries[name]["text"] and name not in edits and (nth == 0 or entries[name]["kind"] != "compaction")
        ]

    expected: list[list[str]] = []
    for nth, (kind, number) in enumerate(deeds):
        parent = order[-1] if order and (number % 4 or not order) else order[number % len(order)] if order else None
        entry: dict[str, Any] = {"kind": kind, "parent": parent, "text": f"{kind} {nth}"}
        if kind == "user":
            own = log.user(entry["text"], parent=parent)
        elif kind == "assistant":
            expected.append(context(parent))
            own = log.assistant(pi_logs.text(entry["text"]), parent=parent)
        elif kind == "failed":
            expected.append(context(parent))
            own = log.assistant(pi_logs.text(entry["text"]), parent=parent, stopReason="aborted")
            entry["text"] = ""
        elif kind == "compaction":
            way = path(parent)
            since = max((at for at, name in enumerate(way) if entries[name]["kind"] == "compaction"), default=-1)
            choice = way[since + 1 :]
            entry["kept"] = choice[number % len(choice)] if choice else None
            own = log.add("compaction", parent=parent, summary=entry["text"], firstKeptEntryId=entry["kept"] or "none")
        else:
            entry["target"] = order[number % len(order)] if order else "none"
            entry["text"] = ""
            own = log.add("context_edit", parent=parent, targetId=entry["target"], replacement=None)
        entries[own] = entry
        order.append(own)
    seen = pi(log)
    reading = seen.reading()
    from tracetui.ctx.context import piece_of

    found = []
    for call in range(len(seen.index.call_node)):
        found.append([piece_of(seen.index, at, reading).text for at in seen.index.view(call).ids])
    assert found == expected
    _holds(seen.index)


def test_a_context_of_many_steps_is_a_few_slices() -> None:
    log = claude_logs.Log()
    log.user("Go.")
    for nth in range(3000):
        log.answer(claude_logs.call(f"t{nth}", "Bash", command="ls"))
        log.done(f"t{nth}", "a")
    log.answer(claude_logs.text("Done."))
    index = claude(log).index
    assert len(index.runs(index.call_node[-1])) <= 2
    assert len(index.view(len(index.call_node) - 1).ids) == 6001


@pytest.mark.corpus
def test_the_corpus_holds() -> None:
    for path in real_logs("*/*/*.jsonl"):
        if path.stat().st_size > 1_500_000:
            continue
        with path.open("rb") as stream:
            records = [item for item in records_of(stream) if isinstance(item, Record)]
        harness = detect([record.value for record in records[:20]])
        if harness is None:
            continue
        if harness.context is None:
            continue
        builder = Builder(harness.name, path.stem)
        for record in records:
            builder.feed(record)
        _holds(builder.finish())


@pytest.mark.parametrize("harness", sorted(name for name, harness in HARNESSES.items() if harness.context))
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_no_shape_raises(harness: str, data: st.DataObject) -> None:
    leaf = st.none() | st.booleans() | st.integers(-5, 1 << 40) | st.text(max_size=8) | st.sampled_from(["a", "b"])
    value = st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=6),
        max_leaves=25,
    )
    record = st.fixed_dictionaries(
        {"type": st.sampled_from(_TYPES)},
        optional={word: value for word in _WORDS if word != "type"},
    )
    values = data.draw(st.lists(record, max_size=8))
    builder = Builder(harness, "x")
    stream = b"".join(orjson.dumps(item) + b"\n" for item in values)
    for item in claude_logs.records([]) or pi_logs.records(stream):
        builder.feed(item)
    _holds(builder.finish())


_WORDS = [
    "id", "parentId", "uuid", "parentUuid", "message", "content", "role", "payload", "type", "summary", "attachment",
    "firstKeptEntryId", "replacement_history", "sections", "toolsAdded", "targetId", "replacement", "num_turns",
    "isSidechain", "state", "compactMetadata", "preservedSegment", "headUuid", "subtype", "logicalParentUuid",
]  # fmt: skip
_TYPES = [
    "user", "assistant", "system", "attachment", "message", "compaction", "context_edit", "compacted", "event_msg",
    "response_item", "session_meta", "world_state", "session", "progress", "queue-operation", "branch_summary",
]  # fmt: skip
