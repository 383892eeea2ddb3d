"""Identity, agents, titles, inherited history, queued prompts and the kind of session of Claude Code logs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.claude_logs import OTHER, SESSION, Log, again, call, iso, kinds, read, records, steps, text
from tracetui.harness.claude.reader import ClaudeReader
from tracetui.model import from_iso

# ---- identity ------------------------------------------------------------------------------------------------------


def test_the_session_is_that_of_the_first_record_whatever_the_file_is_called() -> None:
    log = Log()
    log.user("hi")
    for stem in ("copy", OTHER, SESSION):
        found, reader = read(log, stem)
        assert (reader.facts.session, reader.facts.agent, reader.facts.forked_from) == (SESSION, None, None)
        assert kinds(found) == ["prompt"]


def test_a_log_without_ids_is_called_after_its_file() -> None:
    log = Log(sessionId=None)
    log.user("hi")
    _, reader = read(log, "notes")
    assert reader.facts.session == "notes"


def resumed() -> Log:
    """A resumed file of an old version: history of another session first, then the file's own records."""
    log = Log(sessionId=OTHER, version="1.0.9")
    log.user("first life")
    log.answer(text("old answer"), call("old", "Bash", command="x"), costUSD=1.0)
    log.add("progress", data={"type": "hook_progress"})
    log.book("ai-title", aiTitle="Old title")
    log.add("hologram")
    log.common["sessionId"] = SESSION
    log.user("second life")
    log.answer(text("new answer"), model="claude-haiku")
    return log


def test_the_files_own_id_wins_and_what_stands_before_it_is_inherited() -> None:
    found, reader = read(resumed())
    assert [(step.number, step.text, step.sources[0].line) for step in found] == [
        (1, "second life", 6),
        (2, "new answer", 7),
    ]
    assert reader.known == {"inherited": 2, "progress/hook_progress": 1, "ai-title": 1}
    assert reader.unknown == {"hologram": 1}
    facts = reader.facts
    assert (facts.session, facts.forked_from, facts.title) == (SESSION, OTHER, "second life")
    assert (facts.model, facts.cost_usd, facts.started) == ("claude-haiku", None, from_iso(iso(5)))
    assert reader.count == 2


def test_steps_handed_over_before_the_files_own_id_came_are_replaced_or_withdrawn() -> None:
    log = resumed()
    log.values = log.values[:5] + log.values[5:6]
    got = log.records()
    reader = ClaudeReader(SESSION)
    for record in got[:5]:
        reader.feed(record)
    assert (reader.facts.session, reader.facts.title) == (OTHER, "Old title")
    early = {step.number: step.text for step in reader.take()}
    assert early == {1: "first life", 2: "old answer", 3: None}
    reader = ClaudeReader(SESSION, reader.dump())
    reader.feed(got[5])
    assert reader.count == 1
    assert {step.number: step.text for step in reader.take()} == {1: "second life"}
    reader = ClaudeReader(SESSION, reader.dump())
    log.done("old", "a late result of the copied history")
    reader.feed(log.records()[-1])
    assert [(step.number, step.kind) for step in reader.take()] == [(2, "event")]


def test_history_is_inherited_at_once_where_the_books_name_the_session_first() -> None:
    log = Log(sessionId=OTHER)
    log.values.append({"type": "mode", "mode": "normal", "sessionId": SESSION})
    log.user("first life")
    log.common["sessionId"] = SESSION
    log.user("second life")
    log.common["sessionId"] = OTHER
    log.user("a stray one, later")
    found, reader = read(log)
    assert [step.text for step in found] == ["second life", "a stray one, later"]
    assert reader.known == {"mode": 1, "inherited": 1}
    assert reader.facts.forked_from == OTHER


def test_records_marked_as_forked_are_inherited() -> None:
    log = Log()
    log.user("first life", forkedFrom={"sessionId": OTHER, "messageUuid": "x"})
    log.answer(text("old"), forkedFrom={"sessionId": OTHER, "messageUuid": "y"})
    log.user("second life")
    found, reader = read(log)
    assert [(step.number, step.text) for step in found] == [(1, "second life")]
    assert reader.known == {"inherited": 2}
    assert reader.facts.forked_from == OTHER
    assert reader.facts.model is None


@pytest.mark.parametrize("ident", ["../../etc/passwd", "id with blanks", "-rf", "x" * 500, "\u202eevil"])
def test_odd_ids_are_kept_as_they_are(ident: str) -> None:
    log = Log(sessionId=ident)
    log.user("hi")
    assert read(log, "file")[1].facts.session == ident


# ---- agents --------------------------------------------------------------------------------------------------------


def test_a_subagents_file_belongs_to_its_parents_session() -> None:
    log = Log(isSidechain=True, agentId="a12bc3")
    log.user("look for it")
    log.answer(text("found"))
    found, reader = read(log, "agent-a12bc3")
    assert (reader.facts.session, reader.facts.agent) == (SESSION, "a12bc3")
    assert kinds(found) == ["prompt", "message"]
    assert not any(step.sidechain for step in found)
    assert reader.facts.title == "look for it"


def test_an_old_subagents_file_is_known_by_its_name() -> None:
    log = Log(isSidechain=True)
    log.user("look for it")
    assert read(log, "agent-5f2e")[1].facts.agent == "5f2e"


def test_side_chains_of_a_main_log_stay_in_it() -> None:
    log = Log()
    log.user("/do", isMeta=True)
    log.user("part one of it", isSidechain=True)
    log.answer(text("done"), isSidechain=True, model="claude-haiku")
    log.user("thanks, and now?")
    log.answer(text("nothing"))
    log.answer(text("more"), isSidechain=True, model="claude-haiku")
    found, reader = read(log)
    assert [(step.kind, step.sidechain) for step in found] == [
        ("event", False),
        ("prompt", True),
        ("message", True),
        ("prompt", False),
        ("message", False),
        ("message", True),
    ]
    assert reader.facts.agent is None
    assert reader.facts.title == "thanks, and now?"
    assert reader.facts.model == "claude-opus-4-6"


def test_a_compactions_fork_asks_nothing_of_a_person() -> None:
    log = Log(isSidechain=True, agentId="acompact-70d8e7")
    log.user("<system-reminder>x</system-reminder>", isMeta=True)
    log.user("Your task is to create a detailed summary of the conversation so far")
    log.answer(text("<summary>all</summary>"))
    found, reader = read(log, "agent-acompact-70d8e7")
    assert kinds(found) == ["event", "event", "message"]
    assert reader.facts.agent == "acompact-70d8e7"


# ---- facts ---------------------------------------------------------------------------------------------------------


def test_facts_of_a_session() -> None:
    log = Log(cwd="/home/me/limit", gitBranch="", version="2.0.1", entrypoint="cli")
    log.user("hi")
    log.common |= {"gitBranch": "fix", "version": "2.1.9", "cwd": "/home/me/limit/src"}
    log.answer(text("one"), model="claude-sonnet-4-6")
    log.answer(text("two"), model="claude-opus-4-6", at=50)
    log.answer(text("clock went back"), at=0.5)
    facts = read(log)[1].facts
    assert (facts.harness, facts.cwd, facts.branch, facts.version) == ("claude", "/home/me/limit", "fix", "2.1.9")
    assert (facts.model, facts.headless, facts.warmup, facts.window) == ("claude-opus-4-6", False, False, None)
    assert (facts.started, facts.ended) == (from_iso(iso(0.5)), from_iso(iso(50)))


def test_where_a_session_moved_and_what_its_worktree_began_from() -> None:
    log = Log()
    log.user("hi")
    log.book("relocated", relocatedCwd="/home/me/new")
    log.book("worktree-state", worktreeSession={"originalHeadCommit": "a" * 40})
    log.values.append({"type": "relocated", "sessionId": OTHER, "relocatedCwd": "/elsewhere"})
    log.values.append(
        {"type": "worktree-state", "sessionId": OTHER, "worktreeSession": {"originalHeadCommit": "b" * 40}}
    )
    facts = read(log)[1].facts
    assert (facts.cwd, facts.commit) == ("/home/me/new", "a" * 40)


@pytest.mark.parametrize(("fields", "expected"), [({"entrypoint": "sdk-py"}, True), ({"entrypoint": "cli"}, False)])
def test_headless_runs(fields: dict[str, str], expected: bool) -> None:
    log = Log(**fields)
    log.user("hi")
    assert read(log)[1].facts.headless is expected


def test_a_prompt_from_the_sdk_is_headless_too() -> None:
    log = Log()
    log.user("hi", promptSource="sdk")
    assert read(log)[1].facts.headless
    editor = Log(entrypoint="claude-vscode")
    editor.user("hi", promptSource="sdk")
    assert not read(editor)[1].facts.headless


def test_warm_ups() -> None:
    log = Log()
    log.user("Warmup")
    log.answer(text("Ready."))
    assert read(log)[1].facts.warmup
    log.user("now for real")
    assert not read(log)[1].facts.warmup

    passing = Log()
    passing.user("<command-name>/exit</command-name>")
    passing.user("<local-command-stdout>Bye!</local-command-stdout>")
    assert read(passing)[1].facts.warmup

    command = Log()
    command.user("<command-name>/init</command-name>")
    command.answer(text("Looking."))
    assert not read(command)[1].facts.warmup
    assert not read([{"type": "ai-title", "aiTitle": "x", "sessionId": SESSION}])[1].facts.warmup


# ---- titles --------------------------------------------------------------------------------------------------------


def test_titles_by_precedence_the_last_of_each_wins() -> None:
    log = Log()
    facts = []

    def title() -> str | None:
        facts.append(read(log)[1].facts.title)
        return facts[-1]

    log.user("<command-message>do</command-message><command-name>/do</command-name><command-args>it all</command-args>")
    assert title() == "/do it all"
    own = log.user("fix the   flaky\ntest")
    log.user("another")
    assert title() == "fix the flaky test"
    log.values.insert(0, {"type": "summary", "summary": "Of another session", "leafUuid": "not-here"})
    assert title() == "fix the flaky test"
    log.values.insert(0, {"type": "summary", "summary": "Before", "leafUuid": own})
    assert title() == "Before"
    log.values.append({"type": "summary", "summary": "After", "leafUuid": own})
    assert title() == "After"
    log.book("ai-title", aiTitle="A one")
    log.book("ai-title", aiTitle="A two")
    assert title() == "A two"
    log.book("agent-name", agentName="robin")
    assert title() == "robin"
    log.book("custom-title", customTitle="Mine")
    log.book("ai-title", aiTitle="A three")
    assert title() == "Mine"
    log.book("custom-title", customTitle=None)
    log.book("custom-title", customTitle="  ")
    assert title() == "Mine"


def test_books_are_no_steps() -> None:
    log = Log()
    books: list[tuple[str, dict[str, Any]]] = [
        ("ai-title", {"aiTitle": "x"}),
        ("mode", {"mode": "normal"}),
        ("permission-mode", {"permissionMode": "plan"}),
        ("last-prompt", {"lastPrompt": "x"}),
        ("pr-link", {"prNumber": 1}),
        ("file-history-snapshot", {"snapshot": {}}),
        ("tag", {"tag": "x"}),
        ("bridge-session", {}),
        ("cost-state", {}),
        ("content-replacement", {}),
    ]
    for kind, rest in books:
        log.book(kind, **rest)
    found, reader = read(log)
    assert found == []
    assert reader.known == {kind: 1 for kind, _ in books}


# ---- queued prompts ------------------------------------------------------------------------------------------------


def test_a_queued_prompt_that_began_a_turn_is_its_user_record() -> None:
    log = Log()
    log.queue("enqueue", "and then?")
    log.queue("dequeue")
    log.user("and then?")
    found, reader = read(log)
    assert [(step.kind, step.sources[0].line) for step in found] == [("prompt", 3)]
    assert reader.known == {"queue-operation/enqueue": 1, "queue-operation/dequeue": 1}


def test_a_queued_prompt_that_was_attached_is_the_attachment() -> None:
    log = Log()
    log.user("go")
    log.queue("enqueue", "use make")
    log.queue("remove")
    log.attach("queued_command", prompt="use make", commandMode="prompt", origin={"kind": "human"})
    log.answer(text("ok"))
    found = steps(log)
    assert [(step.kind, step.text, step.sources[0].line) for step in found] == [
        ("prompt", "go", 1),
        ("prompt", "use make", 4),
        ("message", "ok", 5),
    ]


def test_a_queued_prompt_that_went_into_the_turn_of_an_old_version_is_shown_where_it_went_in() -> None:
    """Until about 2.1.110 the queue's own records are its only trace."""
    log = Log(version="2.1.39")
    log.user("go")
    log.answer(call("a", "Bash", command="docker up"))
    log.queue("enqueue", '{"task_id":"b1","task_type":"local_bash"}')
    log.queue("enqueue", "why docker?")
    log.queue("enqueue", "it runs on the host")
    log.queue("remove")
    log.queue("remove")
    log.done("a", "up")
    log.answer(text("You are right."))
    found, reader = read(log)
    assert [(step.kind, step.text) for step in found] == [
        ("prompt", "go"),
        ("command", None),
        ("prompt", "why docker?"),
        ("prompt", "it runs on the host"),
        ("message", "You are right."),
    ]
    assert [[source.line for source in step.sources] for step in found[2:4]] == [[6, 4], [7, 5]]
    assert len({step.key for step in found}) == 5
    assert reader.facts.title == "go"
    all_records = log.records()
    for step in found[2:4]:
        twin = again(step, all_records)
        assert (twin.kind, twin.text, twin.time, twin.sources) == (step.kind, step.text, step.time, step.sources)


def test_texts_taken_back_from_the_queue_are_no_prompts() -> None:
    log = Log()
    log.attach("date_change", newDate="2026-05-02")
    log.queue("enqueue", "never mind")
    log.queue("popAll")
    log.queue("enqueue", "nor this")
    log.queue("remove")
    log.queue("enqueue", "but this", at=1)
    log.queue("remove", reason="absorbed_mid_turn")
    log.queue("enqueue", "not that", at=1)
    log.queue("remove", reason="cancelled")
    log.answer(text("ok"))
    assert [step.text for step in steps(log)] == ["2026-05-02", "but this", "ok"]


def test_a_removal_that_names_its_text_takes_that_one() -> None:
    log = Log(version="2.1.39")
    log.user("go")
    log.queue("enqueue", "one")
    log.queue("enqueue", "two")
    log.queue("remove", "two")
    log.queue("remove", "three, whose record was lost", reason="absorbed_mid_turn")
    log.answer(text("ok"))
    assert [step.text for step in steps(log)] == ["go", "two", "three, whose record was lost", "ok"]


def test_the_same_words_do_not_count_again() -> None:
    long = "please use make for all of this"
    log = Log()
    log.user("go")
    log.attach("queued_command", prompt=long)
    log.answer(text("ok"))
    log.user(long)
    log.answer(text("yes"))
    log.user(long)
    found, reader = read(log)
    assert [step.text for step in found] == ["go", long, "ok", "yes", long]
    assert reader.known == {"user/queued": 1}

    twice = Log()
    twice.queue("enqueue", long)
    twice.queue("dequeue")
    twice.user(long)
    twice.attach("queued_command", prompt=long)
    found, reader = read(twice)
    assert kinds(found) == ["prompt"]
    assert reader.known["attachment/queued_command"] == 1


def test_short_words_said_twice_are_said_twice() -> None:
    log = Log()
    log.attach("queued_command", prompt="yes")
    log.answer(text("ok"))
    log.user("yes")
    log.user("yes")
    assert kinds(steps(log)) == ["prompt", "message", "prompt", "prompt"]


@pytest.mark.parametrize(
    "item",
    [
        {"prompt": "<task-notification><summary>x</summary></task-notification>", "commandMode": "task-notification"},
        {"prompt": "words of a peer", "origin": {"kind": "peer"}},
        {"prompt": "words", "isMeta": True},
        {"prompt": "<system-reminder>x</system-reminder>", "commandMode": "prompt"},
    ],
)
def test_queued_notices_are_events(item: dict[str, Any]) -> None:
    log = Log()
    log.attach("queued_command", **item)
    (step,) = steps(log)
    assert (step.kind, step.text) == ("event", item["prompt"])


def test_a_queued_prompt_may_hold_an_image() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
    log = Log()
    log.queue("enqueue", "like this")
    log.attach("queued_command", prompt=[picture, text("like this")], commandMode="prompt")
    log.queue("remove", reason="absorbed_mid_turn")
    log.answer(text("ok"))
    found = steps(log)
    assert [(step.kind, step.text, step.images) for step in found] == [
        ("prompt", "[image png 3 B]\nlike this", 1),
        ("message", "ok", 0),
    ]


def test_a_task_notice_in_the_queue_of_an_old_version_is_an_event() -> None:
    log = Log(version="2.1.39")
    log.user("go")
    log.queue("enqueue", "<task-notification>\n<summary>done</summary>\n</task-notification>")
    log.queue("remove")
    log.answer(text("ok"))
    found = steps(log)
    assert [(step.kind, step.summary) for step in found] == [("prompt", "go"), ("event", "done"), ("message", "ok")]


def test_hostile_queues_do_not_grow_without_bound() -> None:
    log = Log()
    for nth in range(1000):
        log.queue("enqueue", f"text {nth}")
    reader = ClaudeReader(SESSION)
    for record in records(log.values):
        reader.feed(record)
    assert len(reader.dump()) < 40_000
