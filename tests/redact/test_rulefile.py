"""Rules as a text file: read, written privately, refused inside a Git work tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.model import TracetuiError
from tracetui.redact.decisions import Rule, pattern_of
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


@given(st.lists(st.builds(Rule, st.sampled_from(["literal", "glob"]), st.text(st.sampled_from("ab=>\n\r#: *?\\.é"), min_size=1), st.none() | st.text(st.sampled_from("xy=> "), max_size=4)), max_size=4))  # fmt: skip  # noqa: E501
def test_rules_that_do_not_fit_on_a_line_come_back_as_patterns_that_mean_the_same(rules: list[Rule]) -> None:
    import tempfile

    import re2

    from tracetui.redact.decisions import pattern_of

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules"
        dump_rules(path, rules, force=True)
        read = load_rules(path)
    assert len(read) == len(rules)
    for old, new in zip(rules, read):
        assert (old.replacement or None) == (new.replacement or None)
        spaced = old.pattern.endswith(" ") and old.replacement is not None
        if "\n" not in old.pattern and "\r" not in old.pattern and "==>" not in old.pattern and not spaced:
            assert new.form == old.form
        for text in (old.pattern, f"x{old.pattern}y", "ab", "a\nb"):
            found = [re2.search(pattern_of(rule), text) for rule in (old, new)]
            assert len({match and match.span() for match in found}) == 1


def test_what_is_no_text_is_no_file_of_rules(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"literal:a\0b\n")
    with pytest.raises(TracetuiError, match="no text"):
        load_rules(tmp_path / "x")


def test_blanks_around_the_arrow_are_no_part_of_a_rule(tmp_path: Path) -> None:
    assert parse_rules("literal:acme ==> customer\nliteral:acme ==>\nliteral:acme==>x\n") == [
        Rule("literal", "acme", "customer"),
        Rule("literal", "acme", ""),
        Rule("literal", "acme", "x"),
    ]
    rules = [Rule("literal", "acme ", " x")]
    dump_rules(tmp_path / "rules", rules, force=True)
    (read,) = load_rules(tmp_path / "rules")
    assert read.form == "regex"
    assert pattern_of(read).endswith(r"\x20")
    assert read.replacement == " x"
