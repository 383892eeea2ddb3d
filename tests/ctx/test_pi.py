"""Contexts of Pi: the path to the root, compaction and what it keeps, branches, edits, system messages."""

from __future__ import annotations

from tests.ctx.seen import pi
from tests.harness.pi_logs import Log, call, text, thinking


def test_the_path_and_nothing_else() -> None:
    log = Log()
    log.user("Go.")
    log.assistant(thinking("Hm."), call("t1", "bash", command="ls"))
    fork = log.result("t1", "a")
    log.assistant(text("Left."))
    log.user("Right?", parent=fork)
    log.assistant(text("Right."))
    seen = pi(log)
    assert seen.words(2) == seen.words(3) == ["prompt:Go."]
    assert seen.words(6) == ["prompt:Go.", "thinking:Hm.", "tool_call:bash", "tool_result:a", "prompt:Right?"]
    assert seen.origins(6) == [1, 2, 3, 3, 5]


def test_compaction_keeps_from_the_first_kept_entry_on() -> None:
    log = Log()
    log.user("One?")
    log.assistant(text("One."))
    kept = log.user("Two?")
    log.assistant(text("Two."))
    log.add("compaction", summary="They asked for one.", firstKeptEntryId=kept, tokensBefore=100)
    log.user("Three?")
    log.assistant(text("Three."))
    seen = pi(log)
    assert seen.words(7) == ["summary:They asked for one.", "prompt:Two?", "message:Two.", "prompt:Three?"]
    assert seen.origins(7) == [5, 3, 4, 6]
    assert seen.left(4, 7) == [("One?", "compaction"), ("One.", "compaction")]
    second = log.user("Four?")
    log.assistant(text("Four."))
    log.add("compaction", summary="Three things.", firstKeptEntryId=second, tokensBefore=100)
    log.user("Five?")
    log.assistant(text("Five."))
    assert pi(log).words(12) == ["summary:Three things.", "prompt:Four?", "message:Four.", "prompt:Five?"]


def test_compaction_that_keeps_nothing_and_format_1() -> None:
    log = Log()
    log.user("One?")
    log.assistant(text("One."))
    log.add("compaction", own="cccccccc", summary="Sum.", firstKeptEntryId="cccccccc")
    log.user("Two?")
    log.assistant(text("Two."))
    assert pi(log).words(5) == ["summary:Sum.", "prompt:Two?"]
    log = Log(version=None, linear=True)
    log.user("One?")
    log.assistant(text("One."))
    log.user("Two?")
    log.add("compaction", summary="Sum.", firstKeptEntryIndex=3)
    log.assistant(text("Two."))
    assert pi(log).words(5) == ["summary:Sum.", "prompt:Two?"]


def test_branch_summaries_custom_messages_and_excluded_commands() -> None:
    log = Log()
    log.user("One?")
    log.add("branch_summary", fromId="x", summary="Left it.")
    log.add("custom_message", customType="note", content="Seen.", display=True)
    log.add("custom", customType="state", data={"a": 1})
    log.message("bashExecution", command="ls", output="a", exitCode=0)
    log.message("bashExecution", command="secret", output="b", exitCode=0, excludeFromContext=True)
    log.assistant(text("Ok."))
    words = pi(log).words(6)
    assert words[:3] == ["prompt:One?", "summary:Left it.", "attachment:Seen."]
    assert words[3].startswith("attachment:Ran `ls`")
    assert len(words) == 4


def test_an_edit_replaces_or_leaves_out() -> None:
    log = Log()
    log.user("Go.")
    log.assistant(call("t1", "bash", command="ls"))
    result = log.result("t1", "very long")
    log.assistant(text("Ok."))
    log.add("context_edit", targetId=result, replacement={"content": [{"type": "text", "text": "short"}]})
    log.user("More.")
    log.assistant(text("More."))
    log.add("context_edit", targetId=result, replacement=None)
    log.user("Last.")
    log.assistant(text("Last."))
    seen = pi(log)
    assert seen.words(5) == ["prompt:Go.", "tool_call:bash", "tool_result:short", "message:Ok.", "prompt:More."]
    assert seen.left(3, 5) == [("very long", "edit")]
    assert "tool_result:short" not in seen.words(7)
    assert seen.left(5, 7) == [("short", "edit")]


def test_system_messages_make_it_exact() -> None:
    log = Log()
    tool = {"name": "read", "description": "Reads.", "parameters": {}}
    log.message("system", "You are Pi.", sections={"rules": "Be brief."}, toolsAdded=[tool])
    log.user("Go.")
    log.assistant(text("Ok."))
    log.message("system", "", sections={"rules": "Be long."}, toolsRemoved=[{"name": "read"}])
    log.user("More.")
    log.assistant(text("Done."))
    seen = pi(log)
    first = seen.context(2)
    assert first.exact
    assert first.missing == ()
    assert seen.words(2)[:2] == ["system:You are Pi.", "system:Be brief."]
    assert [word.partition(":")[2][:9] for word in seen.words(2)[2:]] == ['{"name":"', "Go."]
    assert seen.words(4) == ["system:You are Pi.", "prompt:Go.", "message:Ok.", "system:Be long.", "prompt:More."]
    assert {cause for _, cause in seen.left(2, 4)} == {"edit"}
    assert not pi(Log_without_system()).context(2).exact


def Log_without_system() -> Log:
    log = Log()
    log.user("Go.")
    log.assistant(text("Ok."))
    return log


def test_a_failed_response_is_not_shown_again() -> None:
    log = Log()
    log.user("Go.")
    log.assistant(text("Half"), stopReason="error", errorMessage="overloaded")
    log.assistant(text("Whole."))
    log.user("More.")
    log.assistant(text("Done."))
    seen = pi(log)
    assert seen.words(max(n for n, at in enumerate(seen.index.step_call) if at >= 0)) == [
        "prompt:Go.", "message:Whole.", "prompt:More.",
    ]  # fmt: skip
