# ruff: noqa: E501
"""Sessions of every harness with a secret in every field and form: one accepted finding, and nothing is left in the
records, nor in a capsule made of them."""

from __future__ import annotations

import json
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leaks
import pytest
import vectors as v

from tracetui.bucket import Bucket
from tracetui.harness.roots import files_of
from tracetui.redact import Review, gate

BODY = v.draw(random.Random(41), v.MIXED, 36)
TOKEN = "ghp_" + BODY
FORMS = [wrap(TOKEN) for name, wrap in leaks.WRAPS.items() if name not in ("upper", "lower")]
CUT = [cut(BODY) for cut in leaks.CUTS.values()]
SLUG = f"-srv-{TOKEN}-app".replace("_", "-")
PATCH = f"@@ -1,2 +1,2 @@\n a\n-b {BODY[:20]}…\n+{TOKEN}\n"


def _claude(root: Path) -> tuple[Path, str]:
    session = "5f1d2c3b-aaaa-4bbb-8ccc-0123456789ab"
    folder = root / "projects" / SLUG
    count = 0

    def record(kind: str, agent: str | None = None, **more: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        return {
            "type": kind, "uuid": f"aaaaaaaa-0000-4000-8000-{count:012d}",
            "parentUuid": f"aaaaaaaa-0000-4000-8000-{count - 1:012d}" if count > 1 else None,
            "sessionId": session, "cwd": f"/srv/{TOKEN}/app", "gitBranch": f"fix/{TOKEN[:20]}", "version": "2.1.30",
            "userType": "external", "isSidechain": agent is not None, "timestamp": f"2026-03-01T10:00:{count % 60:02d}.000Z",
            **({"agentId": agent} if agent else {}), **more,
        }  # fmt: skip

    def said(*content: Any) -> dict[str, Any]:
        return {"id": f"msg_{count}", "type": "message", "role": "assistant", "model": "claude-x", "content": [*content],
                "usage": {"input_tokens": 1, "output_tokens": 2}}  # fmt: skip

    def call(name: str, nth: int, **given: Any) -> dict[str, Any]:
        return {"type": "tool_use", "id": f"toolu_{BODY[:10]}{nth}", "name": name, "input": given}

    def result(nth: int, content: Any) -> dict[str, Any]:
        block = {"type": "tool_result", "tool_use_id": f"toolu_{BODY[:10]}{nth}", "content": content}
        return {"role": "user", "content": [block]}

    every = "\n".join(FORMS)
    main = [
        record("user", message={"role": "user", "content": f"use {TOKEN}"}),
        record("assistant", message=said({"type": "thinking", "thinking": f"hm {TOKEN}", "signature": TOKEN * 3})),
        record("assistant", message=said(call("Bash", 1, command=f"curl -u x:{TOKEN} h", env={TOKEN: "key"}))),
        record("user", message=result(1, every), toolUseResult={"stdout": every, "stderr": CUT[0], "interrupted": False}),
        record("assistant", message=said(call("Edit", 2, file_path=f"/srv/{TOKEN}/a", old_string="b", new_string=TOKEN))),
        record("user", message=result(2, [{"type": "text", "text": f"     1→{TOKEN}"}]), toolUseResult={
            "filePath": f"/srv/{TOKEN}/a", "oldString": "b", "newString": TOKEN, "originalFile": f"a\n{TOKEN[:-2]}\n",
            "structuredPatch": [{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 2, "lines": [" a", f"+{TOKEN[:20]}", f"+{TOKEN[20:]}"]}]}),
        *(record("user", message={"role": "user", "content": text}) for text in (*FORMS, *CUT)),
        record("system", subtype="stop_hook_summary", hookInfos=[{"command": f"x {TOKEN}"}], hookErrors=[every]),
        record("progress", data={"type": "bash_progress", "fullOutput": every, "output": TOKEN}, toolUseID="toolu_9"),
        record("user", isCompactSummary=True, message={"role": "user", "content": f"Summary: the token {BODY[:12]}… was used"}),
        {"type": "summary", "summary": f"Using {TOKEN}", "leafUuid": "aaaaaaaa-0000-4000-8000-000000000001"},
        {"type": "ai-title", "aiTitle": f"Token {BODY[:15]}…", "sessionId": session},
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {"trackedFileBackups": {f"/srv/{TOKEN}/a": {"version": 1}}}},
    ]  # fmt: skip
    agent = [
        record("user", "ab12", message={"role": "user", "content": f"sub {TOKEN}"}),
        record("assistant", "ab12", message=said({"type": "text", "text": json.dumps(json.dumps(TOKEN[4:30]))})),
    ]
    path = folder / f"{session}.jsonl"
    (folder / session / "subagents").mkdir(parents=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in main))
    (folder / session / "subagents" / "agent-ab12.jsonl").write_text("".join(json.dumps(r) + "\n" for r in agent))
    return path, session


def _codex(root: Path) -> tuple[Path, str]:
    session = "019c3f2a-1111-7222-8333-0123456789ab"
    items: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": session, "timestamp": "2026-03-01T10:00:00.000Z", "cwd": f"/srv/{TOKEN}/app", "originator": "codex",
                          "cli_version": "0.104.0", "instructions": f"never print {TOKEN}", "git": {"repository_url": f"https://x:{TOKEN}@h/r.git", "branch": TOKEN}}),
        ("event_msg", {"type": "user_message", "message": f"use {TOKEN}", "images": []}),
        ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"use {TOKEN}"}]}),
        ("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": f"about {BODY[:9]}..."}], "encrypted_content": TOKEN * 4}),
    ]  # fmt: skip
    for nth, text in enumerate([*FORMS, *CUT]):
        items += [
            ("response_item", {"type": "function_call", "name": "shell_command", "call_id": f"call_{nth}", "arguments": json.dumps({"command": text})}),
            ("response_item", {"type": "function_call_output", "call_id": f"call_{nth}", "output": json.dumps({"output": text, "metadata": {"exit_code": 0}})}),
        ]  # fmt: skip
    items += [
        ("response_item", {"type": "custom_tool_call", "name": "apply_patch", "call_id": "call_p", "input": f"*** Begin Patch\n*** Update File: a\n@@\n-b\n+{TOKEN}\n*** End Patch"}),
        ("event_msg", {"type": "patch_apply_end", "call_id": "call_p", "success": True, "changes": {f"/srv/{TOKEN}/a": {"type": "update", "unified_diff": PATCH}}}),
        ("compacted", {"message": f"so far: {TOKEN}", "replacement_history": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "\n".join(FORMS)}]}]}),
        ("event_msg", {"type": "thread_name_updated", "thread_name": f"Token {BODY[:14]}"}),
    ]  # fmt: skip
    path = root / "sessions" / "2026" / "03" / "01" / f"rollout-2026-03-01T10-00-00-{session}.jsonl"
    path.parent.mkdir(parents=True)
    rows = [
        {"timestamp": f"2026-03-01T10:00:{n % 60:02d}.000Z", "type": t, "payload": p} for n, (t, p) in enumerate(items)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path, session


def _pi(root: Path) -> tuple[Path, str]:
    session = "6a1d2c3b-bbbb-7bbb-8ccc-0123456789ab"
    entries: list[dict[str, Any]] = [
        {"type": "message", "message": {"role": "user", "content": [{"type": "text", "text": f"use {TOKEN}"}]}}
    ]
    for nth, text in enumerate([*FORMS, *CUT]):
        entries += [
            {"type": "message", "message": {"role": "assistant", "provider": "p", "model": "m", "stopReason": "toolUse", "content": [
                {"type": "thinking", "thinking": text, "thinkingSignature": TOKEN}, {"type": "toolCall", "id": f"call{nth}", "name": "bash", "arguments": {"command": text}}]}},
            {"type": "message", "message": {"role": "toolResult", "toolCallId": f"call{nth}", "toolName": "bash", "isError": False, "content": [{"type": "text", "text": text}], "details": {"diff": PATCH, text: 1}}},
        ]  # fmt: skip
    entries += [
        {"type": "compaction", "summary": f"used {TOKEN}", "firstKeptEntryId": "00000001", "tokensBefore": 9, "details": {"readFiles": [f"/srv/{TOKEN}/a"]}},
        {"type": "session_info", "name": f"About {BODY[:10]}…"},
        {"type": "custom", "customType": "x", "data": {"deep": [{TOKEN: [TOKEN]}]}},
    ]  # fmt: skip
    path = root / f"--srv-{TOKEN}-app--" / f"2026-03-01T10-00-00-000Z_{session}.jsonl"
    path.parent.mkdir(parents=True)
    head = {
        "type": "session",
        "version": 3,
        "id": session,
        "timestamp": "2026-03-01T10:00:00.000Z",
        "cwd": f"/srv/{TOKEN}/app",
    }
    rows = [head] + [
        {
            "id": f"{n:08x}",
            "parentId": f"{n - 1:08x}" if n > 1 else None,
            "timestamp": "2026-03-01T10:00:01.000Z",
            **entry,
        }
        for n, entry in enumerate(entries, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path, session


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [_shape(inner) for inner in value.values()]
    return [_shape(inner) for inner in value] if isinstance(value, list) else type(value)


def _ids(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("uuid", "parentUuid", "call_id", "tool_use_id", "toolCallId", "id", "parentId", "type"):
                yield name, json.dumps(inner)
            yield from _ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids(inner)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    held = Bucket.open(tmp_path / "bucket", create=True)
    yield held
    held.close()


@pytest.mark.parametrize("make", [_claude, _codex, _pi], ids=["claude", "codex", "pi"])
def test_one_accepted_finding_leaves_nothing_anywhere(make: Any, bucket: Bucket, tmp_path: Path) -> None:
    path, session = make(tmp_path / "root")
    bucket.capture(list(files_of([str(tmp_path / "root")])), workers=0)
    row = bucket.session(session)
    with Review(bucket, row) as review:
        review.scan()
        (found,) = [g for g in review.groups() if g.text == TOKEN]
        review.accept(found.places[0])
        told: list[tuple[int, int]] = []
        proof = review.prove(progress=lambda done, total: told.append((done, total)))
        assert not [leak for leak in proof.leaks if leak.rule == "left"]
        assert told == sorted(told)
        originals = path.read_text().splitlines()
        seen: set[str] = set()
        for log, before, after in review.redacted():
            assert len(before) == len(after) == log.records
            for old, new in zip(before, after):
                assert _shape(old.value) == _shape(new)
                assert list(_ids(old.value)) == list(_ids(new))
                for text in {*_strings(new)} - seen:
                    seen.add(text)
                    if text.startswith("toolu_"):
                        continue  # ids stay, whatever they look like
                    assert not leaks.left(BODY, text, depth=3), text
        assert originals == path.read_text().splitlines()
        review.accept_tier(2)
        with pytest.raises(Exception, match="Cancelled"):
            review.prove(cancelled=lambda: True)


def test_a_capsule_holds_nothing_of_it_either(bucket: Bucket, tmp_path: Path) -> None:
    from tracetui.capsule.episode import choose
    from tracetui.capsule.seal import Options, draft

    _, session = _claude(tmp_path / "root")
    bucket.capture(list(files_of([str(tmp_path / "root")])), workers=0)
    row = bucket.session(session)
    with Review(bucket, row) as review:
        review.scan()
        review.accept_tier(2)
        passed = gate.check(review, proof=True)
        assert passed.passes, passed.say()
    file = tmp_path / "a.capsule.zip"
    draft(bucket, choose(bucket, row, None, None), Options()).write(file)
    with zipfile.ZipFile(file) as held:
        assert len(held.namelist()) > 5
        for name in held.namelist():
            assert TOKEN not in name
            text = held.read(name).decode("utf-8", "replace")
            read = [json.loads(line) for line in text.splitlines()] if name.endswith(".jsonl") else [text]
            for one in {*_strings(read)}:
                for part in re.split(r"toolu_\w+", one):
                    assert not leaks.left(BODY, part, depth=2), (name, part)
