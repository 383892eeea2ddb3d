"""Findings of sessions: places, steps, growth, resuming, decisions that survive, the gate, and forgetting."""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from logs import PASSWORD, SESSION, TOKEN, leaking

from tracetui.bucket import Bucket
from tracetui.harness.roots import files_of
from tracetui.model import TracetuiError
from tracetui.redact import Review, findings, gate
from tracetui.redact.decisions import Rule
from tracetui.redact.lookup import Lookup
from tracetui.redact.sweep import sweep


def _review(place: Any) -> Review:
    return Review(place.bucket, place.capture())


def _by_kind(review: Review) -> dict[str, Any]:
    return {group.text: group for group in review.groups()}


def test_findings_tell_where_they_stand(place: Any) -> None:
    with _review(place) as review:
        assert review.scan()
        lines = place.log.path.read_text().splitlines()
        for found in review.places():
            record = json.loads(lines[found.source.line - 1])
            for part in found.field.split("/")[1:]:
                record = record[int(part)] if isinstance(record, list) else record[part]
            assert record[found.start : found.end]
            assert review.text_at(found) == record
        groups = _by_kind(review)
        assert {TOKEN, PASSWORD, "zorblax"} <= set(groups)
        token = groups[TOKEN]
        assert token.tier == 1
        assert {p.step for p in token.places} == {1, 2, 3}
        assert {p.field for p in token.places} >= {
            "/message/content", "/message/content/0/input/command", "/message/content/0/content", "/toolUseResult/stdout",  # noqa: E501
            "/message/content/0/text",
        }  # fmt: skip
        assert "ansi" in {p.view for p in token.places}
        assert groups["zorblax"].rule == "known-value"
        assert len({p.id for p in review.places()}) == len(review.places())


def test_decisions_reach_all_copies_and_survive_growth_and_scanning_anew(place: Any) -> None:
    with _review(place) as review:
        review.scan()
        token = _by_kind(review)[TOKEN]
        review.accept(token)
        review.reject(_by_kind(review)["zorblax"].places[0], "place")
        states = {(p.id): review.state.of(p) for p in review.places()}
    place.log.prompt(f"again {TOKEN} by zorblax")
    with _review(place) as review:
        review.scan()
        now = {p.id: review.state.of(p) for p in review.places()}
        assert {i: now[i] for i in states} == states
        fresh = [p for p in review.places() if p.id not in states]
        assert {(p.kind, review.state.of(p)) for p in fresh} == {("github-token", "accepted"), ("user", "open")}
        assert {p.source.line for p in fresh} == {len(place.log.path.read_text().splitlines())}
    for name in ("findings.db", "findings.db-wal", "findings.db-shm"):
        (place.folder / "bucket" / name).unlink(missing_ok=True)
    with _review(place) as review:
        review.scan()
        assert {p.id: review.state.of(p) for p in review.places()} == now


def test_scanning_goes_on_where_it_stopped_and_scans_nothing_twice(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for nth in range(30):
        place.log.call(f"cat {nth}", f"line {nth} " + "words and more " * 20)
    monkeypatch.setattr(findings, "_BATCH", 4_000)
    seen: list[str] = []
    real = findings.scan_many

    def counting(texts: list[str]) -> Any:
        seen.extend(texts)
        return real(texts)

    monkeypatch.setattr(findings, "scan_many", counting)
    with _review(place) as review:
        assert not review.scan(cancelled=lambda: True)
        assert not review.findings.done(review.session)
        first = len(seen)
        assert review.scan()
        assert review.findings.done(review.session)
        whole = [text for text in seen if len(text) >= 160]
        assert len(whole) == len(set(whole))
        assert first < len(seen)
        found = [(p.id, p.source.line) for p in review.places()]
        seen.clear()
        assert review.scan()
        assert not seen
    for name in ("findings.db", "findings.db-wal", "findings.db-shm"):
        (place.folder / "bucket" / name).unlink(missing_ok=True)
    with _review(place) as review:
        review.scan()
        assert [(p.id, p.source.line) for p in review.places()] == found


def test_the_same_text_in_another_session_is_not_scanned_again(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "a long output " * 30 + TOKEN
    place.log.prompt(long)
    with _review(place) as review:
        review.scan()
    other = leaking(
        place.log.path.with_name("6a1d2c3b-aaaa-4bbb-8ccc-0123456789ab.jsonl"),
        session="6a1d2c3b-aaaa-4bbb-8ccc-0123456789ab",
    )
    other.prompt(long)
    seen: list[str] = []
    real = findings.scan_many
    monkeypatch.setattr(findings, "scan_many", lambda texts: seen.extend(texts) or real(texts))
    place.capture()
    with Review(place.bucket, place.bucket.session(other.session)) as review:
        review.scan()
        assert long not in seen
        assert any(review.text_at(p) == long for p in review.places())


def test_undo_and_redo_also_after_a_restart(place: Any) -> None:
    with _review(place) as review:
        review.scan()
        review.accept(_by_kind(review)[TOKEN])
        review.reject(_by_kind(review)[PASSWORD].places[0])
        assert review.progress().open == 1
    with _review(place) as review:
        assert review.undo() == "reject"
        assert _by_kind(review)[PASSWORD].state == "open"
        assert review.undo() == "accept"
        assert review.undo() is None
        assert review.redo() == "accept"
    with _review(place) as review:
        assert _by_kind(review)[TOKEN].state == "accepted"
        assert review.redo() == "reject"
        assert review.redo() is None
        assert _by_kind(review)[PASSWORD].state == "rejected"
        review.undo()
        review.mark("see notes.txt there", 4, 13, "file")
        assert review.redo() is None
        assert len(review.accept_tier(2)) == 2
        review.undo()
        assert {g.state for g in review.groups() if g.tier <= 2} == {"open", "accepted"}


@pytest.mark.parametrize("scope", ["place", "path", "name", "kind", "all"])
def test_rejections_reach_as_far_as_they_say(place: Any, scope: str) -> None:
    place.log.call("env", f"DB_PASSWORD={PASSWORD}\nAPP_PASSWORD=w7Yx1!kPz3")
    place.log.prompt(f"my password: {PASSWORD}")
    with _review(place) as review:
        review.scan()
        passwords = [p for p in review.places() if p.kind == "password"]
        chosen = next(p for p in passwords if p.field == "/toolUseResult/stdout")
        review.reject(chosen, scope)
        for p in review.places():
            expected = {
                "place": p.key == chosen.key,
                "path": p.kind == "password" and p.field == chosen.field,
                "name": p.why == chosen.why,
                "kind": p.kind == "password",
                "all": p.value == chosen.value,
            }[scope]
            assert (review.state.of(p) == "rejected") == expected, (scope, p)
    with _review(place) as review, pytest.raises(TracetuiError):
        review.reject(review.places()[0], "everything")


def test_lists_show_how_many_are_open(place: Any) -> None:
    assert place.bucket.session(SESSION).findings is None
    assert sweep(place.bucket, gentle=False) == 1
    opened = place.bucket.session(SESSION).findings["open"]
    with _review(place) as review:
        assert review.progress().open == opened == len([g for g in review.groups() if g.tier <= 2]) == 3
    assert sweep(place.bucket, gentle=False) == 0
    with _review(place) as review:
        review.accept_tier(2)
    counts = place.bucket.session(SESSION).findings
    assert counts == {"open": 0, "accepted": opened, "rejected": 0}
    place.log.prompt("APP_PASSWORD=w7Yx1!kPz3")
    place.capture()
    assert sweep(place.bucket, gentle=False) == 1
    assert place.bucket.session(SESSION).findings["open"] == 1


def test_the_gate_opens_when_all_is_decided_and_the_proof_is_clean(place: Any) -> None:
    with _review(place) as review:
        shut = gate.check(review)
        assert not shut.passes
        assert "open" in shut.say()
        review.accept_tier(1)
        assert {p.kind for p in gate.check(review).open} == {"password"}
        review.accept_tier(2)
        passed = gate.check(review, proof=True)
        assert passed.passes, passed.say()
        assert review.prove().searched > 20
        out = json.dumps([records for _, _, records in review.redacted()], ensure_ascii=False)
        for secret in (TOKEN, PASSWORD, "zorblax", TOKEN[4:16]):
            assert secret not in out
        assert "‹github-token:1›" in out
        assert "/home/‹user:1›/limit" in out


def test_a_rejected_value_passes_the_gate_and_is_listed_as_exempt(place: Any) -> None:
    with _review(place) as review:
        review.scan()
        review.reject(_by_kind(review)[PASSWORD].places[0], "all")
        review.accept_tier(2)
        assert gate.check(review, proof=True).passes
        proof = review.prove()
        assert proof.clean
        assert {leak.kind for leak in proof.exempt} == {"password"}


def test_what_was_not_scanned_blocks(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracetui.redact.scanner._SECONDS_PER_CHUNK", -1.0)
    place.log.prompt("the token is here\n" * 2_000)
    with _review(place) as review:
        review.scan()
        review.accept_tier(2)
        shut = gate.check(review)
        assert {p.rule for p in shut.unscanned} == {"unscanned"}
        assert "not scanned" in shut.say()
        for place_ in review.unscanned():
            review.reject(place_, "place")
        assert gate.check(review).passes


def test_a_range_of_steps_is_reviewed_alone(place: Any) -> None:
    with Review(place.bucket, place.capture(), (3, 3)) as review:
        review.scan()
        assert {p.step for p in review.places()} == {3}


def test_steps_results_and_kinds_can_be_excluded(place: Any) -> None:
    with _review(place) as review:
        review.exclude("results")
        out = [record for _, _, records in review.redacted() for record in records]
        assert out[2]["message"]["content"][0]["content"] == "‹excluded›"
        assert out[2]["message"]["content"][0]["tool_use_id"] == "toolu_1"
        assert out[2]["toolUseResult"]["stdout"] == "‹excluded›"
        assert out[0]["message"]["content"].startswith("use the token")
        review.undo()
        review.exclude("kind", "prompt")
        out = [record for _, _, records in review.redacted() for record in records]
        assert out[0]["message"]["content"] == "‹excluded›"
        assert out[0]["uuid"].startswith("5f1d2c3b")
        assert "ok ghp_" in out[2]["toolUseResult"]["stdout"]
        review.exclude("kind", "prompt", on=False)
        key = next(key for _, kind, key, _ in place.bucket.sources(review.logs()[0]) if kind == "command")
        review.exclude("step", key)
        out = [record for _, _, records in review.redacted() for record in records]
        assert out[1]["message"]["content"][0]["input"]["command"] == "‹excluded›"
        assert out[2]["toolUseResult"]["stdout"] == "‹excluded›"
        assert out[5]["message"]["content"][0]["content"] != "‹excluded›" or len(out) < 6


def test_marks_show_every_state_in_order(place: Any) -> None:
    with _review(place) as review:
        review.scan()
        found = next(p for p in review.places() if p.field == "/toolUseResult/stdout" and p.kind == "password")
        text = review.text_at(found)
        lookup = Lookup(review)
        review.accept(_by_kind(review)[TOKEN])
        marks = lookup.marks(found.at, text)
        assert all(one.end <= other.start for one, other in itertools.pairwise(marks))
        assert {mark.state for mark in marks} == {"accepted", "open"}
        assert sum(mark.text.count("‹github-token:") for mark in marks) >= 3
        review.reject(found, "place")
        assert "rejected" in {mark.state for mark in lookup.marks(found.at, text)}


def test_a_value_that_is_kept_in_one_place_is_partly_accepted_everywhere_the_same(place: Any) -> None:
    """One model: the value, the header, the list of sessions and the editor say the same."""
    with _review(place) as review:
        review.scan()
        token = _by_kind(review)[TOKEN]
        review.accept(token)
        review.reject(token.places[0], "place")
        now = _by_kind(review)[TOKEN]
        assert now.state == "partly"
        assert sorted({*now.states}) == ["accepted", "rejected"]
        progress = review.progress()
        assert (progress.accepted, progress.rejected, progress.partly) == (0, 0, 1)
    findings = place.bucket.session(SESSION).findings
    assert (findings["accepted"], findings["rejected"], findings["partly"]) == (0, 0, 1)


def test_rules_stay_for_every_session(place: Any) -> None:
    with _review(place) as review:
        review.add_rule(Rule("literal", "notes.txt", "a file"))
        with pytest.raises(TracetuiError):
            review.add_rule(Rule("regex", "(", None))
        with pytest.raises(TracetuiError):
            review.add_rule(Rule("regex", "a*", None))
    with _review(place) as review:
        assert [rule.pattern for rule in review.state.rules] == ["notes.txt"]
        assert "a file" in json.dumps([records for _, _, records in review.redacted()], ensure_ascii=False)


def test_forgetting_removes_findings_decisions_and_maps(place: Any) -> None:
    with _review(place) as review:
        review.scan()
        review.accept_tier(2)
        list(review.redacted())
    folder = place.folder / "bucket"
    assert any(PASSWORD.encode() in path.read_bytes() for path in folder.glob("decisions.db*"))
    place.bucket.forget(SESSION)
    place.bucket.close()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in (PASSWORD, TOKEN, "zorblax", "DB_PASSWORD", SESSION):
                assert secret.encode() not in data, (path.name, secret)


def test_everything_is_private_and_the_logs_are_untouched(place: Any) -> None:
    before = place.log.path.read_bytes()
    copies = {p: p.read_bytes() for p in (place.folder / "bucket" / "copies").rglob("*") if p.is_file()}
    with _review(place) as review:
        review.scan()
        review.accept_tier(2)
        list(review.redacted())
        for path in (place.folder / "bucket").glob("*.db*"):
            assert path.stat().st_mode & 0o777 == 0o600, path
    assert place.log.path.read_bytes() == before
    assert {p: p.read_bytes() for p in copies} == copies


def test_findings_hold_no_values(place: Any) -> None:
    with _review(place) as review:
        review.scan()
    for path in (place.folder / "bucket").glob("findings.db*"):
        data = path.read_bytes()
        assert TOKEN.encode() not in data
        assert PASSWORD.encode() not in data


def test_two_buckets_know_nothing_of_each_other(place: Any, tmp_path: Path) -> None:
    with Bucket.open(tmp_path / "other", create=True) as other, _review(place) as review:
        with Review(other, review.session) as foreign:
            assert foreign.decisions.hash("x") != review.decisions.hash("x")


def test_texts_for_others_pass_the_gate_or_are_refused(place: Any) -> None:
    text = f"Use {TOKEN} or {PASSWORD} in /home/zorblax/limit"
    with pytest.raises(TracetuiError, match="possible secret"):
        gate.pass_text(place.bucket, [place.capture()], f"DB_PASSWORD={PASSWORD}")
    with _review(place) as review:
        review.scan()
        review.accept_tier(2)
        list(review.redacted())
    passed = gate.pass_text(place.bucket, [place.capture()], text)
    assert passed == "Use ‹github-token:1› or ‹password:1› in /home/‹user:1›/limit"
    with pytest.raises(TracetuiError):
        gate.pass_text(place.bucket, [place.capture()], "APP_PASSWORD=w7Yx1!kPz3")
    assert gate.pass_text(place.bucket, [], "nothing to hide") == "nothing to hide"


def test_deep_scanning_asks_detect_secrets_in_one_process(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.redact.outside import Outside

    place.log.prompt("db: cloudant_password = 'f3c1e7ab2d84056c1f7e93b0a6d2c859f3c1e7ab2d84056c1f7e93b0a6d2c85f'")
    started: list[int] = []
    real = Outside.__init__
    monkeypatch.setattr(Outside, "__init__", lambda self, *a: started.append(1) or real(self, *a))  # type: ignore[func-returns-value]
    monkeypatch.setattr(findings, "_BATCH", 500)
    with _review(place) as review:
        review.scan(deep=True)
        assert sum(started) == 1
        deep = {(p.field, p.start, p.end) for p in review.places()}
        review.scan()
        assert {(p.field, p.start, p.end) for p in review.places() if p.tier <= 2} <= deep


def test_accepting_one_form_accepts_what_it_decodes_to_and_its_parts(tmp_path: Path, place: Any) -> None:
    """A header, an ``_auth``, a value of a cluster's Secret, a percent-encoded password, ``user:password``: the plain
    text elsewhere goes with them, and the proof looks for it; what is short or common stays."""
    plain = "kv7!Tulpe-88"
    forms = {
        "header": "Authorization: Basic " + base64.b64encode(f"bob:{plain}".encode()).decode(),
        "npmrc": "//r.acme.dev/:_auth=" + base64.b64encode(f"root:{plain}".encode()).decode(),
        "cluster": "kind: Secret\ndata:\n  db: " + base64.b64encode(plain.encode()).decode() + "\n",
        "url": "postgres://svc:" + quote(plain, safe="") + "@db.acme.dev/x",
        "pair": f"curl -u svc:{plain} https://h.acme.dev",
    }
    for name, text in forms.items():
        log = leaking(tmp_path / name / f"{SESSION[:-3]}{len(name):03}.jsonl", session=f"{SESSION[:-3]}{len(name):03}")
        log.prompt(text)
        log.prompt(f"and by itself: {plain} (root and bob may read this)")
        bucket = Bucket.open(tmp_path / f"bucket-{name}", create=True)
        bucket.capture([*files_of([str(log.path)])], workers=0)
        with Review(bucket, bucket.sessions()[0]) as review:
            review.scan()
            line = len(log.path.read_text().splitlines()) - 1
            found = next(p for p in review.places() if p.source.line == line and p.field == "/message/content")
            review.accept(found)
            out = json.dumps([records for _, _, records in review.redacted()])
            assert plain not in out, name
            assert "root and bob may read this" in out, name
            assert not [leak for leak in review.prove().leaks if leak.rule == "left"], name
            assert all(review.state.of(p) == "accepted" for p in review.places() if review.value_of(p) == plain)
        bucket.close()
