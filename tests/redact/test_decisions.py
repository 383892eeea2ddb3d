"""Decisions: undo over rules that stay, across sessions, processes and kills."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tracetui.model import TracetuiError
from tracetui.redact.decisions import Decisions, Rule

A, B = ("claude", "aaaa1111"), ("codex", "bbbb2222")
ONE, TWO = Rule("literal", "Falcon", "it"), Rule("regex", r"ACME-\d+")


@pytest.fixture
def held(tmp_path: Path) -> Any:
    with Decisions(tmp_path) as decisions:
        yield decisions


def _accept(held: Decisions, where: tuple[str, str], value: str) -> None:
    held.add(*where, "accept", {"value": value, "kind": "secret"})


def test_undo_reaches_rules_in_the_order_in_which_things_were_decided(held: Decisions, tmp_path: Path) -> None:
    _accept(held, A, "first secret")
    held.change_rules(*A, add=[ONE, TWO])
    held.add(*A, "exclude", {"what": "thinking", "key": ""})
    held.change_rules(*A, drop=[ONE])
    assert held.state(*A).rules == [TWO]
    assert held.undo(*A) == "unrule"
    assert held.state(*A).rules == held.state(*B).rules == [ONE, TWO]
    with Decisions(tmp_path) as again:
        assert again.undo(*A) == "exclude"
        assert again.undo(*A) == "rule"
        assert again.state(*A).rules == []
        assert [item.value for item in again.state(*A).accepted.values()] == ["first secret"]
        assert [again.redo(*A) for _ in range(4)] == ["rule", "exclude", "unrule", None]
    state = held.state(*A)
    assert state.rules == [TWO]
    assert state.excluded == {("thinking", "")}
    assert [held.undo(*A) for _ in range(5)] == ["unrule", "exclude", "rule", "accept", None]


def test_undo_takes_back_no_rule_of_another_session(held: Decisions) -> None:
    held.change_rules(*A, add=[ONE])
    assert held.undo(*B) is None
    held.change_rules(*B, add=[TWO])
    assert held.undo(*A) == "rule"
    assert held.state(*A).rules == held.state(*B).rules == [TWO]
    held.change_rules(*A, drop=[TWO])
    assert held.redo(*A) is None
    assert held.undo(*B) == "rule"
    assert held.undo(*A) == "unrule"
    assert held.state(*B).rules == []
    assert held.redo(*B) == "rule"
    assert held.state(*A).rules == [TWO]


def test_changing_a_rule_is_one_entry_and_a_bad_one_changes_nothing(held: Decisions) -> None:
    held.change_rules(*A, add=[ONE])
    held.change_rules(*A, add=[TWO], drop=[ONE])
    assert held.undo(*A) == "rule"
    assert held.state(*A).rules == [ONE]
    with pytest.raises(TracetuiError):
        held.change_rules(*A, add=[Rule("regex", "(")], drop=[ONE])
    assert held.state(*A).rules == [ONE]


def test_entries_of_rules_hold_nothing_of_the_session(held: Decisions, tmp_path: Path) -> None:
    held.change_rules(*A, add=[ONE])
    held.undo(*A)
    held.close()
    assert all(A[1].encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_what_another_process_decided_is_seen_and_undone_by_it_alone(held: Decisions, tmp_path: Path) -> None:
    before = held.version()
    with Decisions(tmp_path) as other:
        _accept(other, A, "theirs")
        assert held.version() != before
        _accept(held, A, "ours")
        assert other.undo(*A) == "accept"
    assert [item.value for item in held.state(*A).accepted.values()] == ["theirs"]


def test_no_two_values_share_a_placeholder(held: Decisions, tmp_path: Path) -> None:
    with Decisions(tmp_path) as other:
        held.keep_placeholders(*A, {"x": ("secret", 1), "y": ("secret", 2)})
        other.keep_placeholders(*A, {"z": ("secret", 1), "y": ("secret", 3), "w": ("secret", 4)})
    assert held.placeholders(*A) == {"x": ("secret", 1), "y": ("secret", 2), "w": ("secret", 4)}


_WRITER = """
import sys
from pathlib import Path
from tracetui.redact.decisions import Decisions, Rule
with Decisions(Path(sys.argv[1])) as held:
    for n in range(100_000):
        held.add("claude", "aaaa1111", "accept", {"value": f"value {n}", "kind": "secret"})
        held.change_rules("claude", "aaaa1111", add=[Rule("literal", f"rule {n}")])
        print(n, flush=True)
"""


def test_a_kill_in_the_middle_loses_nothing_that_was_said(tmp_path: Path) -> None:
    import signal
    import subprocess
    import sys

    with subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = [child.stdout.readline() for _ in range(25)][-1]
        child.send_signal(signal.SIGKILL)
    with Decisions(tmp_path) as held:
        state = held.state(*A)
        assert len(state.accepted) > int(last)
        assert len(state.accepted) - len(state.rules) in (0, 1)
        assert held.undo(*A) in ("accept", "rule")
