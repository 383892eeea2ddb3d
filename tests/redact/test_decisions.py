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
