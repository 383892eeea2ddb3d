"""Applying and proving: no copy of an accepted value is left in any form, and nothing else changes."""

from __future__ import annotations

import base64
import copy
import html
import json
import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import vectors as v
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.model import Record, Source
from tracetui.redact.apply import EXCLUDED, Plan, redact, redact_text
from tracetui.redact.decisions import Rule
from tracetui.redact.proof import prove
from tracetui.redact.units import PIXEL, rewrite, units

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xL6uR3"
PASSWORD = "q8/Z+x2!v'L\"m4<&é"

FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda s: s,
    "json": lambda s: json.dumps({"k": s}),
    "json-ascii-twice": lambda s: json.dumps(json.dumps({"k": s})),
    "slashes": lambda s: json.dumps({"k": s}, ensure_ascii=False).replace("/", "\\/"),
    "unicode": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "percent": lambda s: f"https://h/?t={quote(s, safe='')}&x=1",
    "base64-0": lambda s: base64.b64encode(f"{s} and more".encode()).decode(),
    "base64-1": lambda s: base64.b64encode(f"x{s}:y".encode()).decode(),
    "base64-2": lambda s: base64.urlsafe_b64encode(f"xy{s}\n".encode()).decode(),
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "html": lambda s: f"<b>{html.escape(s)}</b>",
    "ansi": lambda s: f"\x1b[31m{s[:5]}\x1b[0m\x1b[1m{s[5:11]}\x1b[0m{s[11:]}",
    "wrapped": lambda s: f"{s[:7]}\n{s[7:12]}\n{s[12:]}",
    "numbered": lambda s: f"     1→{s[:9]}\n     2→{s[9:]}",
    "diff": lambda s: f"+{s[:9]}\n+{s[9:]}",
    "shell": lambda s: "'" + s.replace("'", "'\\''") + "'",
}  # fmt: skip


def _records(*values: Any) -> list[Record]:
    return [
        Record(Source(n + 1, n * 100, 99), {"uuid": f"u{n}", "type": "user", "text": value})
        for n, value in enumerate(values)
    ]


def _plan(*values: tuple[str, str]) -> Plan:
    return Plan(values=[(text, kind, f"key{n}") for n, (text, kind) in enumerate(values)])


@pytest.mark.parametrize(
    "secret", [TOKEN, PASSWORD, "9f3c1e7ab2d84056c1f7e93b0a6d2c85"], ids=["token", "password", "hex"]
)
@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_value_is_left(form: str, secret: str) -> None:
    text = "before " + FORMS[form](secret) + " after"
    changed, spans = redact_text(text, _plan((secret, "secret")))
    assert spans
    assert changed.startswith("before ")
    assert changed.endswith(" after")
    left = re.sub(
        r"‹[a-z-]+:\d+›|\x1b\[\d*m|\n|\s+\d→|[+]|[^A-Za-z0-9]", "", changed.replace("before", "").replace("after", "")
    )
    bare = re.sub(r"[^A-Za-z0-9]", "", secret)
    for at in range(len(bare) - 6):
        assert bare[at : at + 7] not in left
    assert changed.count("\n") == text.count("\n")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from(sorted(FORMS)), st.sampled_from(sorted(v.BODIES)))
def test_any_secret_in_any_form_is_gone_and_proved_gone(seed: int, form: str, body: str) -> None:
    secret = v.BODIES[body](random.Random(seed))
    records = _records(f"a {FORMS[form](secret)} b", {"nested": [FORMS[form](secret), {secret: 1}]}, "harmless words")
    plan = _plan((secret, "api-key"))
    out = redact(records, plan, "claude")
    proof = prove(out, plan, "claude")
    assert not [leak for leak in proof.leaks if leak.rule == "left"], (out, proof.leaks)
    assert out[2] == records[2].value


@pytest.mark.parametrize("size", [8, 12, 20, 30])
def test_values_cut_short_are_replaced(size: int) -> None:
    core = TOKEN[4:]
    text = f"{TOKEN[: 4 + size]}... and …{core[-size:]} and {core[:size]}"
    changed, _ = redact_text(text, _plan((TOKEN, "github-token")))
    assert changed == "‹github-token:1›... and …‹github-token:1› and ‹github-token:1›"


def test_a_prefix_alone_and_common_words_stay() -> None:
    plan = _plan((TOKEN, "github-token"), ("correct-horse-database-staple", "password"))
    for text in ("tokens begin with ghp_ always", "the database is correct", "horse"):
        assert redact_text(text, plan)[0] == text


def test_short_and_personal_values_are_replaced_whole_only() -> None:
    plan = _plan(("zorb", "user"), ("hunter2!", "password"))
    text = "/home/zorb/zorbian zorb@x zorb-1 azorb -home-zorb-x hunter2! hunter2!x hunter2 \\nzorb"
    assert redact_text(text, plan)[0] == (
        "/home/‹user:1›/zorbian ‹user:1›@x ‹user:1›-1 azorb -home-‹user:1›-x ‹password:1› ‹password:1›x hunter2 \\n‹user:1›"  # noqa: E501
    )


def test_one_placeholder_per_value_by_first_appearance() -> None:
    other = "glpat-" + "Zk3vQ8xT1nRw7LpY5cJd"
    plan = _plan((other, "gitlab-token"), (TOKEN, "github-token"), (TOKEN[::-1], "github-token"))
    out = redact(_records(TOKEN[::-1], f"{TOKEN} {other}", TOKEN), plan, "claude")
    assert [r["text"] for r in out] == ["‹github-token:1›", "‹github-token:2› ‹gitlab-token:1›", "‹github-token:2›"]


def test_placeholders_in_the_source_are_left_and_their_numbers_not_used() -> None:
    plan = _plan((TOKEN, "github-token"))
    out = redact(_records(f"see ‹github-token:1› and {TOKEN}"), plan, "claude")
    assert out[0]["text"] == "see ‹github-token:1› and ‹github-token:2›"


def test_the_longest_value_wins() -> None:
    plan = _plan((TOKEN[:20], "secret"), (f"x={TOKEN}", "header"))
    assert redact_text(f"x={TOKEN}", plan)[0] == "‹header:1›"


def test_a_private_key_keeps_its_lines_in_every_copy() -> None:
    body = "\n".join(v.draw(random.Random(n), v.STANDARD, 64) for n in range(4))
    head, foot = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"
    key = f"{head}\n{body}\n{foot}"
    numbered = "\n".join(f"{n:6}→{line}" for n, line in enumerate(key.split("\n"), 1))
    escaped = json.dumps({"key": key})
    single = body.split("\n")[2]
    plan = _plan((key, "private-key"))
    out = redact(_records(f"cat:\n{key}\ndone", numbered, escaped, f"+{single}"), plan, "claude")
    for record, before in zip(out, (f"cat:\n{key}\ndone", numbered, escaped, f"+{single}")):
        assert record["text"].count("\n") == before.count("\n")
        for line in body.split("\n"):
            assert line[:12] not in record["text"]
    assert json.loads(out[2]["text"])
    assert not [leak for leak in prove(out, plan, "claude").leaks if leak.rule == "left"]


def test_before_after_and_patch_of_an_edit_stay_together() -> None:
    old, new = f"a\nkey = {TOKEN}\nc\n", f"a\nkey = {TOKEN}\nc2\n"
    value = {
        "uuid": "u", "type": "user",
        "toolUseResult": {"originalFile": old, "newString": new, "structuredPatch": [
            {"oldStart": 1, "oldLines": 3, "lines": [" a", f" key = {TOKEN}", "-c", "+c2"]}]},
    }  # fmt: skip
    out = redact([Record(Source(1, 0, 9), value)], _plan((TOKEN, "github-token")), "claude")[0]["toolUseResult"]
    assert out["originalFile"] == "a\nkey = ‹github-token:1›\nc\n"
    assert [line[1:] for line in out["structuredPatch"][0]["lines"][:2]] == out["originalFile"].split("\n")[:2]
    assert out["structuredPatch"][0]["oldLines"] == 3


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [_shape(item) for item in value.values()]
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return type(value).__name__ if isinstance(value, str) else value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([TOKEN, f"x {TOKEN}", "zorb", "/home/zorb/x", "", "‹user:1›", "é\n"]),  # noqa: E501
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", TOKEN, "zorb", "id", "x/y~z"]), inner, max_size=4),  # noqa: E501
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(JSON, max_size=5))
def test_shape_stays_and_applying_twice_changes_nothing(values: list[Any]) -> None:
    records = _records(*values)
    before = copy.deepcopy([r.value for r in records])
    plan = _plan((TOKEN, "github-token"), ("zorb", "user"))
    once = redact(records, plan, "claude")
    assert [r.value for r in records] == before
    assert [_shape(r) for r in once] == [_shape(r) for r in before]
    assert [r["uuid"] for r in once] == [r["uuid"] for r in before]
    assert json.loads(json.dumps(once)) == once
    assert TOKEN[6:20] not in json.dumps(once)
    again = redact([Record(Source(n + 1, 0, 0), r) for n, r in enumerate(once)], plan, "claude")
    assert again == once


def test_keys_that_become_the_same_are_all_kept() -> None:
    out = rewrite({"a": 1, "b": 2, "c": 3}, lambda text, *_: "x" if text in "ab" else text)
    assert sorted(out.values()) == [1, 2, 3]
    assert len(out) == 3


def test_signatures_encrypted_text_and_images_are_dropped_by_their_paths() -> None:
    claude = {
        "uuid": "u", "message": {"content": [
            {"type": "thinking", "thinking": "hm", "signature": "EqQ" * 40},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 90}},
            {"type": "text", "text": "t", "data": 7}]},
    }  # fmt: skip
    out = redact([Record(Source(1, 0, 9), claude)], Plan(), "claude")[0]["message"]["content"]
    assert out[0] == {"type": "thinking", "thinking": "hm", "signature": ""}
    assert out[1]["source"]["data"] == PIXEL
    assert base64.b64decode(PIXEL).startswith(b"\x89PNG")
    assert out[2] == {"type": "text", "text": "t", "data": 7}
    codex = {
        "type": "response_item",
        "payload": {
            "type": "reasoning",
            "encrypted_content": "gAAAA" * 30,
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}],
        },
    }
    out = redact([Record(Source(1, 0, 9), codex)], Plan(), "codex")[0]["payload"]
    assert out["encrypted_content"] == ""
    assert out["content"][0]["image_url"] == f"data:image/png;base64,{PIXEL}"
    kept = redact([Record(Source(1, 0, 9), codex)], Plan(keep_opaque=True, keep_images=True), "codex")[0]
    assert kept == codex


def test_an_excluded_record_keeps_its_ids_and_its_text_is_gone_from_copies() -> None:
    secret = "the quarterly figures are down by a third this time"
    records = [
        Record(Source(1, 0, 9), {"uuid": "u1", "type": "user", "message": {"role": "user", "content": secret}}),
        Record(Source(2, 9, 9), {"uuid": "u2", "type": "user", "summary": f"They said: {secret}. Then left."}),
        Record(Source(3, 18, 9), {"uuid": "u3", "type": "user", "message": {"role": "user", "content": "hello"}}),
    ]
    plan = Plan(excluded={(None, "u1")})
    out = redact(records, plan, "claude")
    assert out[0] == {"uuid": "u1", "type": "user", "message": {"role": "user", "content": EXCLUDED}}
    assert out[1]["summary"] == f"They said: {EXCLUDED}. Then left."
    assert out[2] == records[2].value


def test_rules_that_stay_apply_with_and_without_replacement() -> None:
    plan = Plan(
        rules=[Rule("literal", "Project Falcon", "the project"), Rule("regex", r"ACME-\d{4}"), Rule("glob", "cust-*")]
    )
    text, _ = redact_text("Project Falcon: ACME-1234, ACME-9999, ACME-1234 for cust-foo.bar (now)", plan)
    assert text == "the project: ‹rule:1›, ‹rule:2›, ‹rule:1› for ‹rule:3› (now)"


def test_a_spared_place_stays_and_the_proof_lists_it() -> None:
    records = _records(f"here {TOKEN}", f"there {TOKEN}")
    plan = _plan((TOKEN, "github-token"))
    plan.spared[None, "u0", "/text", False] = [(5, 5 + len(TOKEN))]
    out = redact(records, plan, "claude")
    assert out[0]["text"] == f"here {TOKEN}"
    assert out[1]["text"] == "there ‹github-token:1›"
    proof = prove(out, plan, "claude", rejected=lambda *_: True)
    assert proof.clean
    assert {leak.rid for leak in proof.exempt} == {"u0"}


def test_the_proof_finds_what_was_left() -> None:
    plan = _plan((TOKEN, "github-token"), ("zorb", "user"))
    core = TOKEN[4:]
    for text in (
        TOKEN,
        f"..{core[5:17]}..",
        base64.b64encode(f"ab{TOKEN}".encode()).decode(),
        "by zorb",
        quote(PASSWORD) + core[:12],
    ):
        proof = prove([{"uuid": "a", "text": "fine"}, {"uuid": "b", "x": [text]}], plan, "claude")
        assert [leak.rid for leak in proof.leaks if leak.rule == "left"][:1] == ["b"], text
    fresh = prove([{"uuid": "a", "text": 'password = "w7Yx1!kPz3"'}], plan, "claude")
    assert [leak.rule for leak in fresh.leaks] == ["named-value"]
    assert prove([{"uuid": "a", "text": "nothing here"}], plan, "claude").clean


def test_units_skip_ids_by_exact_path_only() -> None:
    value = {
        "uuid": "u",
        "sessionId": "s",
        "message": {"id": "m", "content": [{"id": "i", "input": {"id": "seen", "uuid": "seen2"}}]},
        "x/y~": "k",
    }
    found = {unit.field: unit.text for unit in units(value, "claude") if not unit.in_key}
    assert found == {"/message/content/0/input/id": "seen", "/message/content/0/input/uuid": "seen2", "/x~1y~0": "k"}
    assert {unit.text for unit in units(value, "claude") if unit.in_key} >= {"x/y~", "uuid", "input"}


@pytest.mark.parametrize(
    "rules",
    [
        [("foo", "foobar")],
        [("foo", "bar"), ("bar", "foo")],
        [("foo", "bar"), ("bar", "baz"), ("baz", None)],
        [("foo", "a\nfoo")],
        [("fo", ""), ("o", "fo")],
    ],
)
def test_rules_applied_twice_change_nothing_more(rules: list[tuple[str, str | None]]) -> None:
    plan = Plan(rules=[Rule("literal", old, new) for old, new in rules])
    once = redact_text("foo foofoo xfoo bar baz", plan)[0]
    assert redact_text(once, plan)[0] == once


def test_a_literal_rule_reaches_escaped_and_broken_copies() -> None:
    plan = Plan(rules=[Rule("literal", 'Project "Falcon"', "it")])
    for form in ("json", "json-ascii-twice", "percent", "base64-1", "html", "ansi", "wrapped", "numbered"):
        out = redact_text(FORMS[form]('Project "Falcon"'), plan)[0]
        assert "it" in out, form
        assert "alcon" not in out, form
