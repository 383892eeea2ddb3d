"""What stands against sharing, and what can be done about it; texts for others and exclusions."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from logs import PASSWORD, SESSION, TOKEN

from tracetui.model import Source, TracetuiError
from tracetui.redact import Review, gate
from tracetui.redact.proof import Leak
from tracetui.redact.review import Cancelled
from tracetui.redact.values import Place

SAID = "the merger with Quorble is off the table until autumn comes round again"


def test_known_values_keep_a_text_back(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracetui.redact.known.socket.gethostname", lambda: "forge-19.lan")
    row = place.capture()
    assert gate.pass_text(place.bucket, [row], "all is well") == "all is well"
    for text in ("asked by zorblax", "by Zorblax", "on forge-19 it runs", f"see {TOKEN}"):
        with pytest.raises(TracetuiError, match="possible secret"):
            gate.pass_text(place.bucket, [row], text)
    with Review(place.bucket, row) as review:
        review.scan()
        review.reject(next(p for p in review.places() if p.kind == "user"), "all")
    assert gate.pass_text(place.bucket, [row], "asked by zorblax") == "asked by zorblax"


def test_what_an_excluded_step_said_is_in_no_text_for_others(place: Any) -> None:
    place.log.prompt(SAID)
    place.log.say(f"You said: {SAID}. Noted.")
    place.log.put("user", {"role": "user", "content": f"Summary: {SAID[:60]}…"}, isCompactSummary=True)
    row = place.capture()
    with Review(place.bucket, row) as review:
        log = review.logs()[0]
        key = next(key for number, kind, key, _ in place.bucket.sources(log) if kind == "prompt" and number > 1)
        review.exclude("step", key)
        out = json.dumps([records for _, _, records in review.redacted()])
        assert "Quorble" not in out
        assert "You said: " in out
    text = gate.pass_text(place.bucket, [row], json.dumps({"x": f"> {SAID}\n\nthen {SAID[:50]}…"}))
    assert "Quorble" not in text
    assert json.loads(text)["x"].startswith("> ‹excluded›")


def test_what_the_proof_found_is_decided_about(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.redact.finding import Finding

    def sees_more(self: Any, texts: list[str]) -> list[list[Finding]]:
        return [
            [Finding(at, at + 9, "file", "late", 2, why="late")] if (at := text.find("notes.txt")) >= 0 else []
            for text in texts
        ]

    monkeypatch.setattr("tracetui.redact.findings.Findings.scan_texts", sees_more)
    with Review(place.bucket, place.capture()) as review:
        review.scan()
        review.accept_tier(2)
        shut = gate.check(review, proof=True)
        assert not shut.passes
        leak = shut.leaks[0]
        assert (leak.text, leak.rule) == ("notes.txt", "late")
        assert "notes" not in repr(leak)
        review.reject_leak(leak)
        assert gate.check(review, proof=True).passes
        assert {leak.text for leak in review.prove().exempt} == {"notes.txt"}
        review.undo()
        review.mark(leak.text, 0, len(leak.text), leak.kind)
        assert gate.check(review, proof=True).passes
        assert "notes.txt" not in json.dumps([records for _, _, records in review.redacted()])


def test_the_proof_is_no_proof_before_its_end(place: Any) -> None:
    from tracetui.redact.review import Cancelled

    with Review(place.bucket, place.capture()) as review:
        review.scan()
        review.accept_tier(2)
        told: list[tuple[int, int]] = []
        review.prove(progress=lambda done, total: told.append((done, total)))
        assert told
        assert all(0 <= done < total for done, total in told)
        calls = 0

        def soon() -> bool:
            nonlocal calls
            calls += 1
            return calls > 2

        with pytest.raises(Cancelled):
            review.prove(cancelled=soon)


def test_ctx_export_leaves_excluded_steps_out(place: Any, run: Any, tmp_path: Any) -> None:
    with Review(place.bucket, place.capture()) as review:
        review.scan()
        review.accept_tier(2)
        review.exclude("results")
    out = tmp_path / "x.md"
    assert run("ctx", f"{SESSION}:3", "--export", "markdown", "-o", str(out)).status == 0
    text = out.read_text()
    assert "DB_PASSWORD" not in text
    assert "‹github-token:1›" in text
    assert run("ctx", f"{SESSION}:3", "--export", "markdown", "-o", str(out), "--unreviewed").status == 0
    assert PASSWORD in out.read_text()


def test_what_a_rule_replaces_is_decided(place: Any) -> None:
    from tracetui.redact.decisions import Rule

    row = place.capture()
    with Review(place.bucket, row) as review:
        review.scan()

        def still() -> set[str]:
            return {place.value for place in gate.check(review).open}

        group = next(group for group in review.groups() if group.text == PASSWORD)
        split = next(group for group in review.groups() if group.text == TOKEN)
        others = still() - {group.value}
        assert split.value in others
        # A part of it, what stands around it, and what puts it back are not enough.
        for rule in (
            Rule("literal", PASSWORD[:4]),
            Rule("regex", f"{PASSWORD}=never"),
            Rule("literal", PASSWORD, f"<{PASSWORD}>"),
        ):
            review.add_rule(rule)
            assert still() == others | {group.value}
            review.drop_rule(rule)
        # Nor is a pattern that does not see the value where colour codes split it.
        review.add_rule(Rule("glob", PASSWORD[:4] + "*", "<password>"), Rule("regex", "ghp_[0-9A-Za-z]{30,}"))
        assert still() == others
        assert review.progress().open == len(others)
        assert {one.value for one in review.accept_tier(2)} == others
        assert gate.check(review, proof=True).passes
        out = json.dumps([records for _, _, records in review.redacted()])
        assert PASSWORD not in out
        assert "<password>" in out
        review.undo()
        review.undo()
        assert still() == others | {group.value}
    findings = place.bucket.session(row.id).findings
    assert findings is not None
    assert findings["open"] == len(others) + 1


def test_a_text_is_looked_at_as_it_reads_not_as_it_is_escaped() -> None:
    stripe, token = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "ghp" + "_" + "wx18PeFBupSy8GQmU7iskUEAsIzXMS00bFXY"
    for secret in (stripe, token, "postgres://svc:kv7Tulpe88@db.acme.dev/x", "ada@zorblax-labs.dev"):
        escaped = re.sub(r"([_:@.])", r"\\\1", secret)
        for text in (f"Fixes the login, see {escaped}", f"see {escaped.replace('/', '&#47;')}"):
            with pytest.raises(TracetuiError):
                gate.check_text(text)
    gate.check_text(r"a plain \*word\* and user\_name, 3 \< 4")


def place_of(value: str) -> Place:
    where = ("i", "key", None, "/log", Source(1, 0, 9), 0, "r", "/text", "/text", False, 0, 4)
    return Place(*where, "token", "rule", 1, "plain", "why", value)


def test_the_gate_says_in_one_line_what_is_in_the_way() -> None:
    leak = Leak(None, 0, "rid-1", "/a", False, 0, 4, "token", "left", 1, "an accepted value, plain", "key", "abcd")
    other = replace(leak, rid="rid-2")
    one, same, two = place_of("x"), place_of("x"), place_of("y")
    assert gate.Gate((), ()).passes
    assert gate.Gate((), ()).say() == ""
    for shut in (gate.Gate((one,), ()), gate.Gate((), (one,)), gate.Gate((), (), (leak,))):
        assert not shut.passes
    assert gate.Gate((one, same), ()).say() == "1 finding open (2 copies)"
    assert gate.Gate((one, two), (one,)).say() == "2 findings open (2 copies); 1 not scanned"
    assert gate.Gate((), (), (leak, other)).say() == (
        "2 left in the result, the first at rid-1/a (an accepted value, plain)"
    )


def test_no_proof_is_made_of_what_nobody_decided_or_scanned(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Review(place.bucket, place.capture()) as review:
        review.scan()

        def proved(*_: object, **__: object) -> None:
            raise AssertionError("it is not ready to be proved")

        monkeypatch.setattr(Review, "prove", proved)
        assert gate.check(review, proof=True).open
        review.accept_tier(2)
        assert gate.check(review).passes, "not asked for"
        with pytest.raises(AssertionError):
            gate.check(review, proof=True)
        monkeypatch.setattr(Review, "unscanned", lambda self: [place_of("x")])
        assert len(gate.check(review, proof=True).unscanned) == 1


def test_a_session_that_is_not_scanned_is_scanned_first(place: Any) -> None:
    with Review(place.bucket, place.capture()) as review:
        with pytest.raises(Cancelled):
            gate.check(review, cancelled=lambda: True)
        assert gate.check(review).open


def test_a_text_for_others_counts_what_is_in_it() -> None:
    other = "ghp_" + "zY9xW8vU7tS6rQ5pO4nM3lK2jI1hG0fE5dC6"
    with pytest.raises(TracetuiError, match=r"holds 1 possible secret \(.*say --unreviewed$"):
        gate.check_text(f"see {TOKEN}")
    with pytest.raises(TracetuiError, match=r"holds 2 possible secrets \(.*say --flag$"):
        gate.check_text(f"see {TOKEN} and {other}", flag="--flag")
    gate.check_text(f"see {TOKEN}", decided=lambda value, kind, why: value == TOKEN)
    gate.check_text("see ‹github-token:1›, ‹password:2›")
    for text in (f"‹github-token:1›{TOKEN}", f"{TOKEN}‹github-token:1›"):
        with pytest.raises(TracetuiError, match="1 possible secret"):
            gate.check_text(text)


def test_of_a_context_what_was_excluded_is_left_out(place: Any) -> None:
    class Part(NamedTuple):
        n: int
        category: str
        from_step: int | None

    row = place.capture()
    with Review(place.bucket, row) as review:
        log = review.logs()[0]
        steps = [(number, kind, key) for number, kind, key, _ in place.bucket.sources(log)]
        parts = [Part(number, "message", number) for number, _, _ in steps]
        more = [Part(1001, "tool_result", None), Part(1002, "thinking", None), Part(1003, "system", None)]

        def out() -> set[int]:
            return set(gate.excluded_segments(place.bucket, row, log, [*parts, *more]))

        assert out() == set()
        review.exclude("step", steps[0][2])
        assert out() == {number for number, _, key in steps if key == steps[0][2]}
        review.exclude("kind", "command")
        left = {number for number, kind, key in steps if key == steps[0][2] or kind == "command"}
        assert out() == left
        assert len(left) > 1
        review.exclude("results", "")
        assert out() == left | {1001}
        review.exclude("thinking", "")
        assert out() == left | {1001, 1002}
