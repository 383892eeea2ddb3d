"""Several logs of one session: copies, parts, strangers; each record counts once."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bucket.logs import Claude, found, session_of, uuid_of
from tracetui.bucket import Bucket
from tracetui.bucket.doctor import examine
from tracetui.harness.roots import LogFile
from tracetui.model import LogRow

ONE = uuid_of(1)


def rooted(path: Path) -> list[LogFile]:
    """A log as a walk over Claude Code's root would find it."""
    return [file._replace(harness="claude", root=str(path.parent)) for file in found(path)]


def lines_of(bucket: Bucket, session: str = ONE) -> list[tuple[int, int, str]]:
    """(part, number, key) of the steps that count."""
    return [
        (log.part, row.number, row.key)
        for log in bucket.logs(session)
        if log.shown
        for row in bucket.step_rows(log)
        if not row.double
    ]


def keys_of(bucket: Bucket, session: str = ONE) -> list[str]:
    return sorted(key for _, _, key in lines_of(bucket, session))


def forked(logs: Path) -> tuple[Path, Path, Claude, Claude]:
    """A session that went on in two places after its first turn."""
    one, two = session_of(ONE, 2), session_of(ONE, 1)
    two.count, two.at = 100, 500
    two.prompt("go on elsewhere").tool("Edit", {"file_path": "/w/a.py", "old_string": "a", "new_string": "b"}, "done")
    return one.write(logs / "a" / f"{ONE}.jsonl"), two.write(logs / "b" / f"{ONE}.jsonl"), one, two


def test_two_logs_that_do_not_hold_each_other_are_parts(bucket: Bucket, logs: Path) -> None:
    first, second, _, _ = forked(logs)
    bucket.capture(rooted(first))
    whole = bucket.session(ONE)
    bucket.capture(rooted(second))
    row = bucket.session(ONE)
    assert row.parts == 2
    assert (row.steps, row.prompts, row.edits) == (whole.steps + 2, whole.prompts + 1, whole.edits + 1)
    shown = [log for log in bucket.logs(ONE) if log.shown]
    assert [(log.part, log.path) for log in shown] == [(1, str(first)), (2, str(second))]
    assert shown[1].doubles == {1, 2, 3}
    assert len(keys_of(bucket)) == len(set(keys_of(bucket))) == row.steps
    hits = list(bucket.search("rate_limit"))
    assert sorted((hit.part, hit.step) for hit in hits) == [(1, 1), (1, 4)]
    assert [(hit.part, hit.kind) for hit in bucket.search("elsewhere")] == [(2, "prompt")]
    assert bucket.stats()["steps"] == row.steps


def test_numbers_of_parts_stay(bucket: Bucket, logs: Path) -> None:
    first, second, _, _ = forked(logs)
    third = session_of(ONE, 1)
    path = third.write(logs / "c" / f"{ONE}.jsonl")
    bucket.capture(rooted(path))
    bucket.capture(rooted(first))
    bucket.capture(rooted(second))

    def numbers() -> dict[str, int]:
        return {Path(log.path).parent.name: log.part for log in bucket.logs(ONE) if log.shown}

    assert numbers() == {"a": 1, "b": 2}
    third.count, third.at = 200, 0
    third.prompt("a third way").write(path)
    bucket.capture(rooted(path))
    assert numbers() == {"a": 1, "b": 2, "c": 3}
    bucket.rebuild()
    assert numbers() == {"a": 1, "b": 2, "c": 3}


def test_a_log_within_another_is_a_copy(bucket: Bucket, logs: Path) -> None:
    whole = session_of(ONE, 3)
    small = whole.write(logs / "a" / f"{ONE}.jsonl")
    small.write_bytes(b"".join(line + b"\n" for line in whole.lines[4:9]))
    large = whole.write(logs / "b" / f"{ONE}.jsonl")
    bucket.capture(rooted(small))
    alone = lines_of(bucket)
    bucket.capture(rooted(large))
    assert bucket.session(ONE).parts == 1
    assert [log.path for log in bucket.logs(ONE) if log.shown] == [str(large)]
    assert len(alone) < bucket.session(ONE).steps == 9
    checks = [check for check in examine(bucket, {}, logs) if check.check == "parts"]
    assert [(check.status, check.path) for check in checks] == [("ok", str(small)), ("ok", None)]
    assert str(large) in checks[0].message
    assert "12 records are of logs that are shown, 5 of others" in checks[1].message


def test_a_stranger_with_ones_id_is_set_aside(bucket: Bucket, logs: Path) -> None:
    own, _, _, _ = forked(logs)
    stranger = Claude(ONE, 50)
    for _ in range(40):
        stranger.count += 1000
        stranger.prompt("rate_limit, said the stranger")
    stranger.lines.insert(0, json.dumps({"type": "permission-mode", "permissionMode": "x", "sessionId": ONE}).encode())
    other = stranger.write(logs / "mail" / f"{ONE}.jsonl")
    own.write_bytes(stranger.lines[0] + b"\n" + own.read_bytes())
    bucket.capture(found(other))
    assert bucket.session(ONE).steps == 40, "alone it is the user's own"
    bucket.capture(rooted(own))
    assert bucket.session(ONE).steps == 6
    (row,) = [row for row in bucket.sessions() if row.foreign]
    assert row.id.startswith("foreign:")
    assert row.id.endswith(ONE)
    assert row.steps == 40
    assert [c.path for c in examine(bucket, {}, logs) if c.check == "parts" and c.status == "warn"] == [str(other)]
    stranger.count += 1000
    stranger.prompt("more").write(other)
    bucket.capture(found(other))
    assert (bucket.session(ONE).steps, bucket.session(row.id).steps) == (6, 41)
    bucket.rebuild()
    assert (bucket.session(ONE).steps, bucket.session(row.id).steps) == (6, 41)


def test_a_named_log_that_shares_a_record_joins(bucket: Bucket, logs: Path) -> None:
    own, _, _, _ = forked(logs)
    agent = Claude(ONE, 20, agent="a1b2").prompt("look").message("seen")
    agent.write(logs / "b" / ONE / "subagents" / "agent-a1b2.jsonl")
    bucket.capture(rooted(own))
    bucket.capture([file._replace(root=str(logs / "b")) for file in found(logs / "b")])
    row = bucket.session(ONE)
    assert (row.parts, row.subagents, row.steps) == (2, 1, 6 + 2 + 2)
    assert not [other for other in bucket.sessions() if other.foreign]


def test_foreign_from_the_start(bucket: Bucket, logs: Path) -> None:
    own, other, _, _ = forked(logs)
    bucket.capture(found(other), foreign=True)
    (row,) = bucket.sessions()
    assert row.foreign
    assert row.id.startswith("foreign:")
    bucket.capture(rooted(own))
    assert bucket.session(ONE).parts == 1
    bucket.rebuild()
    assert sorted(item.foreign for item in bucket.sessions()) == [False, True]


def test_a_call_counts_where_its_result_is(bucket: Bucket, logs: Path) -> None:
    log = session_of(ONE, 1)
    head = b"".join(line + b"\n" for line in log.lines[:-1])
    extra = Claude(ONE, 700)
    extra.count = 300
    extra.prompt("went on without the result")
    (logs / "a").mkdir()
    (logs / "a" / f"{ONE}.jsonl").write_bytes(head + extra.data)
    log.write(logs / "b" / f"{ONE}.jsonl")
    bucket.capture(rooted(logs / "a" / f"{ONE}.jsonl"))
    bucket.capture(rooted(logs / "b" / f"{ONE}.jsonl"))
    (call,) = [
        bucket.step(log, row.number)
        for log in bucket.logs(ONE)
        for row in bucket.step_rows(log)
        if row.kind == "command" and not row.double
    ]
    assert call.tool is not None
    assert call.tool.output == "0 passed\nexit fine"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    log = session_of(ONE, 4)
    log.lines.insert(3, b'{"type":"summary","summary":"x","leafUuid":"y"}')
    return log.lines


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_split_gives_the_same_steps(
    whole: list[bytes], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("split")
    pieces: list[list[bytes]] = []
    at = 0
    while at < len(whole):
        end = min(len(whole), at + chance.randint(1, 9))
        # Calls and results stand together somewhere: which part tells a torn one is a question of its own.
        begin = max(0, at - chance.randint(2, 5))
        pieces.append(whole[begin : min(len(whole), end + 1)])
        at = end
    chance.shuffle(pieces)
    with Bucket.open(folder / "bucket", create=True) as bucket:
        for nth, piece in enumerate(pieces):
            path = folder / str(nth) / f"{ONE}.jsonl"
            path.parent.mkdir()
            path.write_bytes(b"".join(line + b"\n" for line in piece))
            bucket.capture(rooted(path))
        keys = [key.rpartition(":")[0] for key in keys_of(bucket)]
        steps = [step for log in _shown(bucket) for step in bucket.steps(log) if step.number not in log.doubles]
        row = bucket.session(ONE)
    assert len(keys) == len(set(keys)) == row.steps == 12
    assert {step.tool.output for step in steps if step.tool} == {f"{n} passed\nexit fine" for n in range(4)}


def _shown(bucket: Bucket) -> list[LogRow]:
    return [log for log in bucket.logs(ONE) if log.shown]


def test_a_log_of_a_root_is_no_stranger_once_it_is_found_there(bucket: Bucket, logs: Path) -> None:
    own = session_of(ONE, 2).write(logs / f"{ONE}.jsonl")
    agent = Claude(ONE, 20, agent="a1b2").prompt("look").write(logs / ONE / "subagents" / "agent-a1b2.jsonl")
    bucket.capture(rooted(agent))
    bucket.capture(found(own))
    assert [row.foreign for row in bucket.sessions() if row.id.endswith(ONE)] in ([True, False], [False, True])
    bucket.capture([*rooted(own), *rooted(agent)])
    (row,) = bucket.sessions()
    assert (row.id, row.steps, row.foreign) == (ONE, 7, False)


def test_a_call_gets_the_result_that_another_part_holds(bucket: Bucket, logs: Path) -> None:
    log = session_of(ONE, 2)
    # The session moved to another folder between the first call and its result.
    for name, piece in (("a", log.lines[:3]), ("b", log.lines[3:])):
        (logs / name).mkdir()
        (logs / name / f"{ONE}.jsonl").write_bytes(b"".join(line + b"\n" for line in piece))
        bucket.capture(rooted(logs / name / f"{ONE}.jsonl"))
    for _ in range(2):
        row = bucket.session(ONE)
        assert (row.parts, row.steps, row.tool_calls, row.errors) == (2, 6, 2, 1)
        first, second = _shown(bucket)
        step = bucket.step(first, 3)
        assert step.tool is not None
        assert step.tool.output == "0 passed\nexit fine"
        assert second.doubles == {1}
        assert [(hit.part, hit.step) for hit in bucket.search('"0 passed"')] == [(1, 3)]
        bucket.rebuild()
    bucket.forget(ONE)
    assert not any(b"exit fine" in file.read_bytes() for file in bucket.path.rglob("*") if file.is_file())
