"""The range is the range: words planted everywhere outside of it, and in what its own records say about that, come out
nowhere in the bytes of a capsule."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.capsule.conftest import Cli
from tests.capsule.story import SESSION

STAMP = "2026-02-02T10:{:02d}:{:02d}.000Z"
Record = dict[str, Any]


class Words:
    """Unique words: ``out`` must not come out of a capsule, ``own`` must."""

    def __init__(self) -> None:
        self.outs: list[str] = []
        self.owns: list[str] = []

    @property
    def out(self) -> str:
        self.outs.append(f"zqout{len(self.outs):03d}x")
        return f"said {self.outs[-1]} before"

    @property
    def own(self) -> str:
        self.owns.append(f"zqown{len(self.owns):03d}x")
        return f"said {self.owns[-1]} here"


def sealed(cli: Cli, log: Path, address: str, target: Path, *words: object) -> dict[str, bytes]:
    ident = address.partition(":")[0]
    for done in (
        cli("index", log if log.suffix else log.parent),
        cli("redact", ident, "--accept-tier", "2"),
        cli("seal", address, "-o", target, *words),
    ):
        assert done.status == 0, done.err
    with zipfile.ZipFile(target) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def save(path: Path, records: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in records))
    return path


def leaks(found: dict[str, bytes], words: list[str]) -> dict[str, list[str]]:
    return {
        word: where
        for word in words
        if (where := [name for name, data in found.items() if word.encode() in data or word in name])
    }


def check(found: dict[str, bytes], words: Words) -> None:
    assert leaks(found, words.outs) == {}
    kept = leaks(found, words.owns)
    assert [word for word in words.owns if word not in kept] == []
    assert all("records/001.jsonl" in where for where in kept.values())


def read_back(cli: Cli, found: dict[str, bytes], tmp_path: Path) -> list[dict[str, Any]]:
    """The records alone, as a log on another machine: the steps that ``show`` reads out of them."""
    place = save(tmp_path / "back" / "log.jsonl", [])
    place.write_bytes(found["records/001.jsonl"])
    home = tmp_path / "elsewhere"
    assert cli("index", place, home=home).status == 0
    (row,) = cli("ls", "--json", home=home).lines
    return cli("show", row["id"], "--json", home=home).lines


def same(told: list[dict[str, Any]], back: list[dict[str, Any]]) -> None:
    def facts(step: dict[str, Any]) -> Any:
        return step["kind"], step["text"], step["tool"], step["time"], step["model"], step["tokens"]

    assert [facts(step) for step in told if step["agent"] is None] == [facts(step) for step in back]


# -- Claude Code


class Claude:
    def __init__(self) -> None:
        self.records: list[Any] = []
        self.at = 0

    def put(self, kind: str, *, parent: str | None = "", **fields: Any) -> str:
        self.at += 1
        me = f"00000000-0000-4000-8000-{self.at:012d}"
        above = f"00000000-0000-4000-8000-{self.at - 1:012d}" if self.at > 1 else None
        self.records.append(
            {
                "parentUuid": above if parent == "" else parent, "isSidechain": False, "userType": "external",
                "cwd": "/w/p", "sessionId": SESSION, "version": "2.1.30", "gitBranch": "main", "type": kind, **fields,
                "uuid": me, "timestamp": STAMP.format(self.at // 60, self.at % 60),
            }
        )  # fmt: skip
        return me

    def user(self, content: Any, **fields: Any) -> str:
        return self.put("user", message={"role": "user", "content": content}, **fields)

    def answer(self, *blocks: Record, **fields: Any) -> str:
        body = {"id": f"msg_{self.at}", "type": "message", "role": "assistant", "model": "m", "content": [*blocks],
                "usage": {"input_tokens": 5, "output_tokens": 9}}  # fmt: skip
        return self.put("assistant", message=body, requestId=f"req_{self.at}", **fields)


def text(words: str) -> Record:
    return {"type": "text", "text": words}


def call(ident: str, name: str, given: Record) -> Record:
    return {"type": "tool_use", "id": ident, "name": name, "input": given}


def result(ident: str, output: str) -> Record:
    return {"type": "tool_result", "tool_use_id": ident, "content": output}


def test_claude(cli: Cli, tmp_path: Path) -> None:
    w, log = Words(), Claude()
    log.records.append({"type": "summary", "summary": w.out, "leafUuid": "0" * 8})
    log.user(w.out, todos=[{"content": w.out}], planContent=w.out)  # 1
    log.put("progress", data={"type": "hook_progress", "hook": w.out})
    log.answer(text(w.out))  # 2
    log.answer(call("c1", "Read", {"file_path": f"/w/p/{w.out}"}))  # 3
    log.user([result("c1", w.out)], toolUseResult={"type": "text", "file": {"content": w.out}})
    log.put("attachment", attachment={"type": "nested_memory", "path": "x", "content": {"content": w.out}})  # 4
    # Two calls of one response and one record with both results, of which only the second is in the range.
    log.answer(text(w.out), call("c2", "Bash", {"command": w.out}), call("c3", "Bash", {"command": w.own}))  # 5 6 7
    log.user([result("c2", w.out), result("c3", w.own)], toolUseResult={"stdout": w.out, "stderr": ""})
    start = 7
    plain = f"<system-reminder>\n{w.own}\n</system-reminder>\n"
    log.put("progress", data={"type": "bash_progress", "output": w.out})
    log.user(plain + w.own, todos=[{"content": w.out}], strange={"deep": [w.out]}, planContent=w.out)  # 8 9
    log.answer(call("c4", "TodoWrite", {"todos": [{"content": w.own}]}))  # 10
    log.user(
        [result("c4", "ok")],
        toolUseResult={"oldTodos": [{"content": w.out, "status": "pending"}], "newTodos": [{"content": w.own}]},
        sourceToolAssistantUUID="0" * 8,
    )
    given = {"file_path": "/w/p/x.py", "old_string": "one", "new_string": "two"}
    log.answer(call("c5", "Edit", given))  # 11
    log.user(
        [result("c5", w.own)],
        toolUseResult={"filePath": "/w/p/x.py", "oldString": "one", "newString": "two", "structuredPatch": [],
                       "originalFile": f"one\n{w.out}\n", "originalFileContents": w.out},
    )  # fmt: skip
    log.put(
        "system",
        subtype="compact_boundary",
        content="Conversation compacted",
        parent=None,
        logicalParentUuid=w.outs[0],
        compactMetadata={"trigger": "auto", "preTokens": 9, "userContext": w.out},
    )  # 12
    log.user(w.out, isCompactSummary=True, isVisibleInTranscriptOnly=True)
    log.put("system", subtype="away_summary", content=w.out)  # 13
    log.user(f"This session is being continued from a previous conversation that ran out of context. {w.out}")  # 14
    log.answer(text(w.own))  # 15
    log.answer(call("c6", "Bash", {"command": w.own}), call("c7", "Bash", {"command": w.out}), text(w.out))
    end = 16
    log.user([result("c6", w.own)], toolUseResult={"stdout": w.own, "stderr": ""})
    log.user([result("c7", w.out)], toolUseResult={"stdout": w.out, "stderr": ""})
    log.user(w.out)
    log.put("system", subtype="stop_hook_summary", hookErrors=[w.out], preventedContinuation=True, stopReason=w.out)
    log.records.append({"type": "ai-title", "aiTitle": w.out, "sessionId": SESSION})
    log.records.append({"type": "last-prompt", "lastPrompt": w.out, "sessionId": SESSION})
    path = save(tmp_path / "in" / f"{SESSION}.jsonl", log.records)
    found = sealed(cli, path, f"{SESSION}:{start}-{end}", tmp_path / "x.zip")
    steps = lines(found["steps.jsonl"])
    assert [step["step"] for step in steps] == list(range(start, end + 1))
    assert [step["kind"] for step in steps] == [
        "command", "event", "prompt", "plan", "edit", "compaction", "event", "compaction", "message", "command",
    ]  # fmt: skip
    check(found, w)
    same(steps, read_back(cli, found, tmp_path))
    # No record names one that is not there, and the chain goes on over those that were left out between them.
    records = lines(found["records/001.jsonl"])
    ids = {record["uuid"] for record in records}
    assert {record.get("parentUuid") for record in records} <= ids | {None}
    assert [record["parentUuid"] for record in records].count(None) == 2
    assert all(record.get("logicalParentUuid", next(iter(ids))) in ids for record in records)
    assert not any(record["uuid"] == "0" * 8 or "sourceToolAssistantUUID" in record for record in records)


def test_claude_what_the_user_ticks_is_kept(cli: Cli, tmp_path: Path) -> None:
    log = Claude()
    log.user("outside zqone")
    log.user("summary zqtwo", isCompactSummary=True)
    log.user("inside zqthree", todos=[{"content": "zqfour"}])
    path = save(tmp_path / "in" / f"{SESSION}.jsonl", log.records)
    for words, there in (((), []), (("--include-before",), ["zqtwo", "zqfour"])):
        found = sealed(cli, path, f"{SESSION}:2-3", tmp_path / "x.zip", *words)
        everything = b"".join(found.values())
        assert [word for word in ("zqone", "zqtwo", "zqfour") if word.encode() in everything] == there
        assert b"zqthree" in everything


def test_claude_a_subagent_of_the_range(cli: Cli, tmp_path: Path) -> None:
    """A subagent that the range started comes whole, but for the history that it was given; another one stays out."""
    w, log = Words(), Claude()
    log.user(w.out)
    log.answer(call("c1", "Task", {"prompt": w.out}))
    log.user([result("c1", w.out)], toolUseResult={"agentId": "first", "status": "completed", "content": w.out})
    log.answer(call("c2", "Task", {"prompt": w.own}))
    log.user([result("c2", w.own)], toolUseResult={"agentId": "second", "status": "completed", "prompt": w.own})
    path = save(tmp_path / "in" / f"{SESSION}.jsonl", log.records)
    sub: dict[str, list[str]] = {}
    for name in ("first", "second"):
        other = Claude()
        other.user(w.out, isSidechain=True, agentId=name, forkedFrom={"sessionId": "9" * 8})
        sub[name] = [f"zqsub{name}{nth}" for nth in range(2)]
        other.user(sub[name][0], isSidechain=True, agentId=name)
        other.answer(text(sub[name][1]), isSidechain=True, agentId=name)
        save(tmp_path / "in" / SESSION / "subagents" / f"agent-{name}.jsonl", other.records)
    found = sealed(cli, path.with_suffix(""), f"{SESSION}:3-3", tmp_path / "x.zip")
    check(found, w)
    assert leaks(found, sub["first"]) == {}
    assert all("records/002.jsonl" in where for where in leaks(found, sub["second"]).values())
    assert set(leaks(found, sub["second"])) == set(sub["second"])


def test_two_records_on_one_line(cli: Cli, tmp_path: Path) -> None:
    w, log = Words(), Claude()
    log.user(w.out)
    log.user(w.out)
    log.user(w.own)
    one, two, three = (json.dumps(record) for record in log.records)
    path = save(tmp_path / "in" / f"{SESSION}.jsonl", [one, two + three])
    found = sealed(cli, path, f"{SESSION}:3-3", tmp_path / "x.zip")
    check(found, w)


# -- Codex


def codex(kind: str, payload: Record, at: Iterator[int]) -> Record:
    nth = next(at)
    return {"timestamp": STAMP.format(nth // 60, nth % 60), "type": kind, "payload": payload}


def test_codex(cli: Cli, tmp_path: Path) -> None:
    ident = "019c0000-1111-7222-8333-abcdefabcdef"
    w = Words()
    at = iter(range(3000))
    records: list[Record] = []

    def put(kind: str, payload: Record) -> None:
        records.append(codex(kind, payload, at))

    def event(kind: str, **fields: Any) -> None:
        put("event_msg", {"type": kind, **fields})

    def item(kind: str, **fields: Any) -> None:
        put("response_item", {"type": kind, **fields})

    def said(role: str, words: str) -> None:
        kind = "input_text" if role != "assistant" else "output_text"
        item("message", role=role, content=[{"type": kind, "text": words}])

    def ran(ident: str, command: str, output: str) -> None:
        item("function_call", name="exec_command", call_id=ident, arguments=json.dumps({"cmd": command}))
        item(
            "function_call_output", call_id=ident, output=f"Chunk ID: 1\nProcess exited with code 1\nOutput:\n{output}"
        )

    def turn() -> None:
        settings = {"model": "m", "reasoning_effort": "high", "developer_instructions": w.out}
        put("turn_context", {"turn_id": "t", "cwd": "/w/p", "model": "m", "summary": "auto", "user_instructions": w.out,
                             "developer_instructions": w.out, "unheard_of": {"deep": [w.out]}, "effort": "high",
                             "collaboration_mode": {"mode": "default", "settings": settings}})  # fmt: skip

    put("session_meta", {"id": ident, "timestamp": STAMP.format(0, 0), "cwd": "/w/p", "originator": "codex_cli_rs",
                         "cli_version": "0.130.0", "source": "cli", "model_provider": "openai", "instructions": w.out,
                         "base_instructions": {"text": w.out}, "dynamic_tools": [{"name": "x", "description": w.out}],
                         "git": {"commit_hash": "1" * 40, "branch": "main"}})  # fmt: skip
    put("world_state", {"full": True, "state": {"agents_md": {"text": w.out}}})
    turn()
    said("user", (prompt := w.out))
    event("user_message", message=prompt, images=[])
    said("assistant", (answer := w.out))
    event("agent_message", message=answer)
    ran("c1", w.out, w.out)
    usage = {"input_tokens": 5, "output_tokens": 1, "total_tokens": 6}
    event("token_count", info={"last_token_usage": usage, "total_token_usage": usage})
    event("task_complete", turn_id="t", last_agent_message=w.out)
    outside = len(records)
    event("thread_name_updated", thread_id=ident, thread_name=w.out)
    turn()
    said("user", (prompt := w.own))
    event("user_message", message=prompt, images=[])
    turn()
    ran("c2", w.own, w.own)
    patch = f"*** Begin Patch\n*** Delete File: gone.py\n*** Update File: x.py\n@@\n-one\n+{w.own}\n*** End Patch"
    item("custom_tool_call", name="apply_patch", call_id="c3", status="completed", input=patch)
    update = {"type": "update", "unified_diff": f"@@ -1 +1 @@\n-one\n+{w.own}\n", "original_content": w.out}
    changes: Record = {"/w/p/gone.py": {"type": "delete", "content": w.out}, "/w/p/x.py": update}
    event("patch_apply_end", call_id="c3", turn_id="t", stdout="", stderr="", success=True, changes=changes)
    item("custom_tool_call_output", call_id="c3", output="Success")
    changes = {"/w/p/also.py": {"type": "delete", "content": w.out}}
    event("item_completed", thread_id=ident, turn_id="t", item={"type": "FileChange", "id": "c4", "changes": changes,
                                                               "status": "completed"})  # fmt: skip
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": w.out}]}]
    put("compacted", {"message": w.out, "replacement_history": history, "window_id": "1", "more": w.out})
    event("context_compacted", summary=w.out)
    event("task_complete", turn_id="t", last_agent_message=w.out)
    said("assistant", (answer := w.own))
    event("agent_message", message=answer)
    inside = len(records)
    event("task_complete", turn_id="t", last_agent_message=w.out)
    said("user", (prompt := w.out))
    event("user_message", message=prompt, images=[])
    ran("c5", w.out, w.out)
    path = save(tmp_path / "in" / f"rollout-2026-02-02T10-00-00-{ident}.jsonl", records)
    assert outside < inside
    assert cli("index", path).status == 0
    shown = cli("show", ident, "--json").lines
    first = next(step["step"] for step in shown if w.owns[0] in str(step))
    last = [step["step"] for step in shown if w.owns[-1] in str(step)][-1]
    found = sealed(cli, path, f"{ident}:{first}-{last}", tmp_path / "x.zip")
    check(found, w)
    steps = lines(found["steps.jsonl"])
    assert [step["kind"] for step in steps] == [step["kind"] for step in shown[first - 1 : last]]
    assert [step["model"] for step in steps] == [step["model"] for step in shown[first - 1 : last]]
    same(steps, read_back(cli, found, tmp_path))
    kinds = [record["type"] for record in lines(found["records/001.jsonl"])]
    assert kinds.count("session_meta") == 1
    assert "world_state" not in kinds


# -- Pi


def test_pi(cli: Cli, tmp_path: Path) -> None:
    ident = "bbbb2222-0000-4000-8000-000000000000"
    w = Words()
    records: list[Record] = [
        {"type": "session", "version": 3, "id": ident, "timestamp": STAMP.format(0, 0), "cwd": "/w/p",
         "parentSession": f"/home/{w.out}/x.jsonl", "systemPrompt": w.out},
    ]  # fmt: skip

    def put(kind: str, parent: str | None = "", **fields: Any) -> str:
        nth = len(records)
        above = (f"r{nth - 1}" if nth > 1 else None) if parent == "" else parent
        records.append(
            {"type": kind, "id": f"r{nth}", "parentId": above, "timestamp": STAMP.format(nth // 60, nth % 60), **fields}
        )
        return f"r{nth}"

    def message(role: str, content: Any, **fields: Any) -> str:
        return put("message", message={"role": role, "content": content, **fields})

    def answer(*blocks: Record, **fields: Any) -> None:
        usage = {"input": 1, "output": 1, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 2}
        message("assistant", [*blocks], **{"api": "x", "provider": "p", "model": "m", "usage": usage,
                                           "stopReason": "toolUse", **fields})  # fmt: skip

    def tool(name: str, ident: str, given: Record) -> Record:
        return {"type": "toolCall", "id": ident, "name": name, "arguments": given}

    def back(name: str, ident: str, words: str, **fields: Any) -> None:
        message("toolResult", [text(words)], toolCallId=ident, toolName=name, isError=False, **fields)

    put("session_info", name=w.out)
    message("system", w.out, sections={"x": w.out}, toolsAdded=[{"name": w.out}])
    message("user", w.out)  # 1
    answer(text(w.out), tool("bash", "c1", {"command": w.out}), tool("bash", "c2", {"command": w.own}),
           stopReason="error", errorMessage=w.own)  # 2 3 4 5  # fmt: skip
    back("bash", "c1", w.out)
    back("bash", "c2", w.own)
    put("label", targetId="r3", label=w.out)
    put("custom", customType="state", data={"all": w.out})
    message("user", w.own)  # 6
    answer({"type": "thinking", "thinking": w.own}, tool("todo", "c3", {"add": w.own}))  # 7 8
    back("todo", "c3", w.own, details={"todos": [{"text": w.out}], "nextId": 4})
    answer(tool("edit", "c4", {"path": "x.py", "oldText": "one", "newText": w.own}))  # 9
    back("edit", "c4", "done", details={"diff": " 1 one", "originalContent": w.out})
    put("compaction", summary=w.out, firstKeptEntryId="r3", tokensBefore=9, retainedTail=[{"content": w.out}],
        details={"readFiles": [w.out]}, systemMessage=w.out)  # 10  # fmt: skip
    put("branch_summary", fromId="r3", summary=w.out, details={"readFiles": [w.out]})  # 11
    message("compactionSummary", None, summary=w.out, tokensBefore=3)  # 12
    put("custom_message", customType="note", content=w.own, display=True, details={"state": w.out})  # 13
    answer(text(w.own), text(w.out), stopReason="error", errorMessage=w.out)  # 14 | 15 16
    message("user", w.out)
    path = save(tmp_path / "in" / f"2026-02-02T10-00-00-000Z_{ident}.jsonl", records)
    found = sealed(cli, path, f"{ident}:4-14", tmp_path / "x.zip")
    steps = lines(found["steps.jsonl"])
    assert [step["kind"] for step in steps] == [
        "command", "event", "prompt", "thinking", "plan", "edit", "compaction", "event", "compaction", "event",
        "message",
    ]  # fmt: skip
    check(found, w)
    same(steps, read_back(cli, found, tmp_path))
    kept = lines(found["records/001.jsonl"])
    ids = {record["id"] for record in kept}
    assert {record.get("parentId") for record in kept} <= ids | {None}
    assert all(record.get("firstKeptEntryId", ident) in ids for record in kept)


# -- what else stands in a capsule


def test_context_of_a_range_tells_size_and_origin_only(cli: Cli, tmp_path: Path) -> None:
    log = Claude()
    for nth in range(6):
        log.user(f"prompt number zq{nth}")
        log.answer(text(f"answer number zr{nth}"))
    path = save(tmp_path / "in" / f"{SESSION}.jsonl", log.records)
    found = sealed(cli, path, f"{SESSION}:5-6", tmp_path / "x.zip")
    told = [line for line in lines(found["ctx.jsonl"]) if "segment" in line]
    assert {line["from_step"] for line in told} == {1, 2, 3, 4, 5}
    for line in told:
        inside = line["from_step"] == 5
        assert (line["preview"] is not None, line["source"] is not None) == (inside, inside)
        assert line["bytes"] > 10
        assert line["category"] in ("prompt", "message")


def test_a_secret_is_no_preview(cli: Cli, tmp_path: Path) -> None:
    """The index of contexts knows the text from before it was redacted; none of it comes out, whatever was left out."""
    from tracetui.bucket import Bucket
    from tracetui.redact.review import Review

    secret = "gh" + "p_" + "b7Jd02mQr8Yx" * 3
    log = Claude()
    log.user("hello")
    log.answer({"type": "thinking", "thinking": "", "signature": secret}, text(f"the token is {secret}"), text("more"))
    log.user("thanks")
    log.answer(text("bye"))
    path = save(tmp_path / "in" / f"{SESSION}.jsonl", log.records)
    assert cli("index", path).status == 0
    with Bucket.open(tmp_path / "nobody" / "bucket") as bucket, Review(bucket, bucket.session(SESSION)) as review:
        review.scan()
        review.exclude("step", next(key for n, _, key, _ in bucket.sources(review.logs()[0]) if n == 2))
    for address in (SESSION, f"{SESSION}:2-4"):
        found = sealed(cli, path, address, tmp_path / "x.zip")
        assert secret.encode() not in b"".join(found.values())
