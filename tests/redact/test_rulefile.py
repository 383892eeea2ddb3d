"""Rules as a text file: read, written privately, refused inside a Git work tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.model import TracetuiError
from tracetui.redact.decisions import Rule
from tracetui.redact.rulefile import dump_rules, load_rules, parse_rules

RULES = [Rule("literal", "Project Falcon", "x"), Rule("regex", r"ACME-\d+", None), Rule("glob", "cust-*", "")]


def test_rules_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "rules.txt"
    old = os.umask(0)
    try:
        dump_rules(path, RULES)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secrets" in path.read_text().splitlines()[0]
    assert load_rules(path) == RULES


def test_a_work_tree_is_refused_without_force(tmp_path: Path) -> None:
    (tmp_path / "repo" / "sub").mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    path = tmp_path / "repo" / "sub" / "rules.txt"
    with pytest.raises(TracetuiError, match="work tree"):
        dump_rules(path, RULES)
    assert not path.exists()
    dump_rules(path, RULES, force=True)
    assert load_rules(path) == RULES


def test_a_line_without_a_form_is_literal_and_bad_lines_are_named() -> None:
    assert parse_rules("# c\n\nsecret word==>y\nhttp://x") == [
        Rule("literal", "secret word", "y"),
        Rule("literal", "http://x", None),
    ]
    with pytest.raises(TracetuiError, match="Line 2"):
        parse_rules("literal:a\nregex:(")
    with pytest.raises(TracetuiError, match="empty text"):
        parse_rules("regex:x*")


@given(st.lists(st.builds(Rule, st.just("literal"), st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1).filter(lambda t: "==>" not in t), st.none() | st.just("r"))))  # fmt: skip  # noqa: E501
def test_literals_survive(rules: list[Rule]) -> None:
    text = "\n".join(f"literal:{r.pattern}" + ("" if r.replacement is None else "==>r") for r in rules)
    assert parse_rules(text) == rules
