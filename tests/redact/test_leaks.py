"""Nothing of an accepted value can be read in what comes out, by a decoder that knows nothing of how it was looked for;
and nothing else is gone."""

from __future__ import annotations

import random
import re

import leaks
import pytest
import vectors as v
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.model import Record, Source
from tracetui.redact.apply import Plan, redact, redact_text
from tracetui.redact.proof import prove


def _draw(seed: int, size: int, marks: str = "") -> str:
    return v.draw(random.Random(seed), v.MIXED + marks, size)


# Value, its secret core.
SECRETS: dict[str, tuple[str, str]] = {
    "token": ((body := _draw(1, 36), f"ghp_{body}")[1], body),
    "long": ((body := _draw(2, 93, "-_"), f"sk-ant-api03-{body}AA")[1], body),
    "slashes": (_draw(3, 40, "+/"),) * 2,
    "hex": (v.draw(random.Random(4), "0123456789abcdef", 32),) * 2,
    "password": ("q8/Z+x2!v'L\"m4<&é%$w",) * 2,
    "words": ("Tr0ub4dor&3-battery/staple=9",) * 2,
    "jwt": ((body := _draw(5, 60, "-_") + "." + _draw(6, 43, "-_"), f"eyJhbGciOiJIUzI1NiJ9.{body}")[1], body),
    "url": ((body := _draw(7, 18), f"postgres://svc_user:{body}@db-7.corp.example:5432/x")[1], body),
}  # fmt: skip


def _plan(value: str, kind: str = "secret") -> Plan:
    return Plan(values=[(value, kind, "key")])


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_is_left_of_a_secret_however_it_was_wrapped(name: str) -> None:
    value, core = SECRETS[name]
    for form, wrap in leaks.WRAPS.items():
        text = f"before {wrap(value)} after"
        assert leaks.left(core, text), form
        out, _ = redact_text(text, plan := _plan(value))
        assert not leaks.left(core, out), (form, out)
        assert out.startswith("before "), (form, out)
        assert out.endswith(" after"), (form, out)
        assert out.count("\n") == text.count("\n"), form
        assert redact_text(out, plan)[0] == out, form


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_is_left_of_a_secret_that_was_cut_short(name: str) -> None:
    value, core = SECRETS[name]
    for form, cut in leaks.CUTS.items():
        text = f"before {cut(core)} after"
        assert leaks.left(core, text), form
        out, _ = redact_text(text, _plan(value))
        assert not leaks.left(core, out), (form, out)
    shown = f"{value[: len(value) - len(core) + 8]}…"
    if value.endswith(core):
        assert redact_text(shown, _plan(value))[0] == "‹secret:1›…"


OUTER = (
    "raw",
    "json once",
    "json twice",
    "percent",
    "html",
    "ansi in json",
    "shell in json",
    "in a path",
    "base64 of json",
)


@settings(max_examples=80, deadline=None)
@given(
    st.text(st.sampled_from(v.MIXED + "-_+/.=!$&'\"<>\\ %~#é"), min_size=14, max_size=48),
    st.sampled_from(sorted(leaks.WRAPS)),
    st.sampled_from(OUTER),
)
def test_any_value_in_any_two_wrappings_is_gone_and_proved_gone(value: str, inner: str, outer: str) -> None:
    value = f"Zq7{value}x9K".replace("  ", " ")
    text = leaks.WRAPS[outer](leaks.WRAPS[inner](value))
    if not leaks.left(value, text, least=12, depth=4):
        return
    plan = _plan(value)
    records = [Record(Source(1, 0, 9), {"uuid": "u", "type": "user", "x": [text, {text: 1}], "y": "harmless"})]
    out = redact(records, plan, "claude")
    (key,) = out[0]["x"][1]
    for one in (out[0]["x"][0], key):
        assert not leaks.left(value, one, least=12, depth=4), (inner, outer, one)
    assert out[0]["y"] == "harmless"
    assert not [leak for leak in prove(out, plan, "claude").leaks if leak.rule == "left"]
    assert redact([Record(Source(1, 0, 9), out[0])], plan, "claude") == out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("long", "keys begin with sk-ant-api03- and sk-ant-api03-..., not sk-ant-admin01-"),
        ("long", "SK-ANT-API03 sk-ant-api03-" + _draw(77, 40)),
        ("token", "ghp_ ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ghp_" + _draw(78, 36)),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9 and eyJhbGciOiJIUzI1NiJ9." + _draw(79, 40) + ".x"),
        ("url", "postgres://localhost/x postgres://svc_user@db-7.corp.example:5432/y svc_user db-7.corp.example"),
        ("words", "a battery, a staple; /battery/staple/ Troubadour battery-powered"),
        ("hex", "0123456789abcdef commit 1debc26 0x1debc267 deadbeefdeadbeef"),
        ("slashes", "a/b/c /usr/lib/python3 +1/-1"),
    ],
)  # fmt: skip
def test_text_that_only_begins_alike_stays(name: str, text: str) -> None:
    value, _ = SECRETS[name]
    assert redact_text(text, _plan(value))[0] == text


def test_the_prefix_of_an_issuer_stays_before_a_url_of_the_same_host() -> None:
    value = "https://hooks.chat.example/services/T00AAA11/B22CCC33/" + _draw(9, 24)
    text = "see https://hooks.chat.example/services/ and https://hooks.chat.example/services/T99ZZZ88/B77YYY66/none"
    assert redact_text(text, _plan(value))[0] == text
    assert _draw(9, 24)[:9] not in redact_text(f"cut: {value[:-9]}…", _plan(value))[0]


@pytest.mark.parametrize(
    ("kind", "value", "text", "expected"),
    [
        ("user", "zorblax", "/home/zorblax/x ~zorblax zorblax@h C:\\Users\\zorblax\\y", "/home/{}/x ~{} {}@h C:\\Users\\{}\\y"),  # noqa: E501
        ("user", "zorblax", "-home-zorblax-limit zorblax_backup zorblaxProject", "-home-{}-limit {}_backup {}Project"),
        ("user", "zorblax", "Zorblax ZORBLAX wrote", "{} {} wrote"),
        ("user", "zorblax", "zorblaxian azorblax zorblax2 zorblaxé", "zorblaxian azorblax zorblax2 zorblaxé"),
        ("user", "jo.do", "-Users-jo-do-x /Users/jo.do", "-Users-{}-x /Users/{}"),
        ("user", "max", "max maxSize max_size maximum Max", "{} maxSize {}_size maximum Max"),
        ("user", "zorblax", "用户zorblax登录", "用户{}登录"),
        ("email", "jo@acme.dev", "Jo@Acme.dev, xjo@acme.dev jo@acme.developer JO@ACME.DEV", "{}, xjo@acme.dev jo@acme.developer {}"),  # noqa: E501
        ("host", "build7.corp", "ssh build7.corp:22 BUILD7.CORP build7.corps", "ssh {}:22 {} build7.corps"),
        ("password", "hunter2!", "hunter2!, hunter2 xhunter2! a=hunter2!x", "{}, hunter2 xhunter2! a={}x"),
    ],
)  # fmt: skip
def test_personal_data_and_short_values_are_replaced_whole_at_word_boundaries(
    kind: str, value: str, text: str, expected: str
) -> None:
    out, _ = redact_text(text, _plan(value, kind))
    assert out == expected.replace("{}", f"‹{kind}:1›")


def test_a_value_of_several_lines_keeps_them_in_every_copy() -> None:
    body = [v.draw(random.Random(n), v.STANDARD, 64) for n in range(4)] + ["x7Kq+w=="]
    key = "\n".join(["-----BEGIN EC PRIVATE " + "KEY-----", *body, "-----END EC PRIVATE " + "KEY-----"])
    file = f"cert: 1\n{key}\nend\n"
    lines = file.splitlines()
    plan = _plan(key, "private-key")
    expected = ["cert: 1", lines[1], *["‹private-key:1›"] * 5, lines[-2], "end"]
    assert redact_text(file, plan)[0].splitlines() == expected
    for mark in ("+", "-", " ", "> ", "    "):
        marked = "\n".join(mark + line for line in lines)
        assert redact_text(marked, plan)[0].splitlines() == [mark + line for line in expected], mark
    numbered = "\n".join(f"{n:6}→{line}" for n, line in enumerate(lines, 98))
    assert redact_text(numbered, plan)[0].splitlines() == [f"{n:6}→{line}" for n, line in enumerate(expected, 98)]
    hunk = {
        "oldStart": 1,
        "oldLines": 0,
        "newStart": 1,
        "newLines": len(lines),
        "lines": ["+" + line for line in lines],
    }
    record = {"uuid": "u", "type": "user", "toolUseResult": {"structuredPatch": [hunk], "content": file}}
    (out,) = redact([Record(Source(1, 0, 9), record)], plan, "claude")
    changed = out["toolUseResult"]["structuredPatch"][0]
    assert [line[1:] for line in changed["lines"]] == out["toolUseResult"]["content"].splitlines() == expected
    assert {**changed, "lines": hunk["lines"]} == hunk
    escaped = redact_text('{"patch": "+' + "\\n+".join(lines) + '"}', plan)[0]
    assert escaped == '{"patch": "+' + "\\n+".join(expected) + '"}'


def test_a_value_within_another_and_overlapping_ones() -> None:
    inner = _draw(21, 24)
    outer = f"https://{inner}:x@host.example/{_draw(22, 20)}"
    plan = Plan(values=[(inner, "token", "a"), (outer, "url", "b")])
    assert redact_text(f"{outer} {inner}", plan)[0] == "‹url:1› ‹token:1›"
    left, right = _draw(23, 16) + "Overlap9Overlap8", "Overlap9Overlap8" + _draw(24, 20)
    both = left[:16] + right
    out, _ = redact_text(f"a {both} b", Plan(values=[(left, "x", "a"), (right, "y", "b")]))
    assert out == "a ‹y:1› b"


def test_numbers_that_any_log_of_the_episode_uses_are_left_out() -> None:
    from tracetui.redact.apply import prepare

    value, _ = SECRETS["token"]
    main = [Record(Source(1, 0, 9), {"uuid": "a", "x": value})]
    other = [Record(Source(1, 0, 9), {"uuid": "b", "x": "we saw ‹secret:1› there"})]
    plan = _plan(value)
    prepare([(main, "claude", None), (other, "claude", "agent")], plan)
    assert redact(main, plan, "claude", prepared=True)[0]["x"] == "‹secret:2›"
    assert redact(other, plan, "claude", "agent", prepared=True)[0]["x"] == "we saw ‹secret:1› there"


def test_the_proof_exempts_the_rejected_place_and_no_other_in_the_same_text() -> None:
    value, _ = SECRETS["token"]
    text = f"one {value} two {value} three {value[4:20]}"
    records = [Record(Source(1, 0, 9), {"uuid": "u", "x/y": {value: "key", "text": text}})]
    plan = _plan(value)
    start = text.index(value, 10)
    plan.spared[None, "u", "/x~1y/text", False] = [(start, start + len(value))]
    (out,) = redact(records, plan, "claude")
    assert out["x/y"]["text"] == f"one ‹secret:1› two {value} three ‹secret:1›"
    proof = prove([out], plan, "claude")
    assert [leak for leak in proof.leaks if leak.rule == "left"] == []
    assert {out["x/y"]["text"][leak.start : leak.end] for leak in proof.exempt if leak.rule == "left"} == {value}
    out["x/y"]["text"] += f" and {value}"
    forged = prove([out], plan, "claude")
    assert [re.sub(r"\d", "", leak.field) for leak in forged.leaks if leak.rule == "left"] == ["/x~y/text"]


def test_proving_tells_how_far_it_is_and_can_be_cancelled() -> None:
    seen: list[int] = []

    def step() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove([{"uuid": str(n)} for n in range(9)], Plan(), "claude", step=step)
