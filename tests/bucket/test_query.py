"""The query line: what is a term, what is a word, and what is refused by name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.bucket.query import matches_session, parse, parse_time
from tracetui.bucket.query_complete import complete
from tracetui.bucket.query_words import in_words
from tracetui.bucket.terms import FIELDS, Clause, Query
from tracetui.model import SessionRow, TracetuiError

# A Wednesday, local noon.
NOW = round(dt.datetime(2026, 5, 20, 12, 0).timestamp() * 1000)  # noqa: DTZ001
DAY = 86_400_000


@pytest.fixture(autouse=True)
def _harnesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracetui.bucket.query._harnesses", lambda: ("claude", "codex", "pi"))


def local(*parts: int) -> int:
    return round(dt.datetime(*parts).timestamp() * 1000)  # type: ignore[arg-type]  # noqa: DTZ001


def test_words_phrases_and_terms() -> None:
    query = parse('harness:codex rate "a phrase" -flaky -"not this" kind:edit,command has:error model:gpt limi')
    assert query == Query.of(
        words=("rate", "limi"),
        phrases=("a phrase",),
        not_words=("flaky",),
        not_phrases=("not this",),
        harness=("codex",),
        kind=("edit", "command"),
        has=("error",),
        model=("gpt",),
    )
    assert query.text
    assert not query.empty


def test_quotes_hold_blanks_and_escapes() -> None:
    assert parse('title:"rate limit" branch:"a\\"b"') == Query.of(title=("rate limit",), branch=('a"b',))
    assert parse('"kind:edit"').phrases == ("kind:edit",)
    assert parse('word "unclosed phrase') == Query.of(words=("word",), phrases=("unclosed phrase",))
    assert parse('""  - ') == Query.of(words=("-",))
    assert parse("").empty


@pytest.mark.parametrize(
    "word", ["std::vector", "12:30", "http://x.example", "TypeError:", "C:\\x", "--no-verify", "a:b"]
)
def test_colons_and_dashes_of_the_world_stay_words(word: str) -> None:
    assert parse(word) == Query.of(words=(word,))


def test_negated_terms() -> None:
    assert parse("-harness:pi -kind:event,thinking -title:x").terms == (
        Clause("harness", ("pi",), negated=True),
        Clause("kind", ("event", "thinking"), negated=True),
        Clause("title", ("x",), negated=True),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kind:bogus", "kind:bogus"),
        ("has:teeth", "has:teeth"),
        ("is:odd", "is:odd"),
        ("harness:emacs", "harness:emacs"),
        ("since:soon", "since:soon"),
        ("since:2026-13-01", "since:2026-13-01"),
        ("until:99999999d", "until:99999999d"),
        ("-since:7d", "-since:"),
        ("model:", "model:"),
        ('title:""', "title:"),
        ("harnes:pi", "harnes:"),
        ("modle:gpt", "modle:"),
        pytest.param("x" * 19_994, "20,000", id="too-long"),
    ],
)
def test_errors_name_the_bad_term(text: str, names: str) -> None:
    with pytest.raises(TracetuiError) as caught:
        parse("words " + text)
    assert caught.value.status == 2
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("7d", NOW - 7 * DAY, NOW - 7 * DAY),
        ("12h", NOW - DAY // 2, NOW - DAY // 2),
        ("30m", NOW - 1_800_000, NOW - 1_800_000),
        ("2w", NOW - 14 * DAY, NOW - 14 * DAY),
        ("3mo", local(2026, 2, 20, 12), local(2026, 2, 20, 12)),
        ("1y", local(2025, 5, 20, 12), local(2025, 5, 20, 12)),
        ("today", local(2026, 5, 20), local(2026, 5, 21)),
        ("yesterday", local(2026, 5, 19), local(2026, 5, 20)),
        ("mon", local(2026, 5, 18), local(2026, 5, 19)),
        ("2026-05-01", local(2026, 5, 1), local(2026, 5, 2)),
        ("2026-04", local(2026, 4, 1), local(2026, 5, 1)),
        ("2025-12", local(2025, 12, 1), local(2026, 1, 1)),
        ("2025", local(2025, 1, 1), local(2026, 1, 1)),
    ],
)
def test_times(text: str, since: int, until: int) -> None:
    assert parse(f"since:{text}", now=NOW).since == since
    assert parse(f"until:{text}", now=NOW).until == until


def test_iso_times() -> None:
    assert parse_time("2026-05-01T12:00:00Z") == 1777636800000
    assert parse_time("2026-05-01t12:00:00.5+02:00") == 1777636800500 - 7_200_000
    assert parse_time("2026-05-01 14:00") == local(2026, 5, 1, 14)
    assert parse("since:7d since:1d", now=NOW).since == NOW - DAY


@given(
    st.text()
    | st.lists(st.sampled_from([*(f"{name}:" for name in FIELDS), '"', "-", " ", "a", ",", "7d", "\\"])).map("".join)
)
def test_any_line_parses_or_is_refused_politely(text: str) -> None:
    try:
        query = parse(text, now=NOW)
    except TracetuiError as error:
        assert error.status == 2  # noqa: PT017
    else:
        assert isinstance(query, Query)
    for cursor in range(0, len(text) + 1, 3):
        for found in complete(text, cursor):
            assert 0 <= found.start <= found.end == cursor


def row(**values: object) -> SessionRow:
    base: dict[str, object] = {
        "id": "abcd-1234", "harness": "codex", "log": 1, "title": "Fix the Rate limit", "cwd": "/home/u/src/Limit",
        "branch": "fix/rate", "model": "gpt-5-codex", "started": NOW - 3 * DAY, "ended": NOW - 2 * DAY,
    }  # fmt: skip
    return SessionRow(**{**base, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("harness:codex", True),
        ("harness:pi", False),
        ("harness:pi,codex", True),
        ("harness:pi harness:codex", True),
        ("-harness:codex", False),
        ("project:limit", True),
        ("project:src", True),
        ("project:sr", False),
        ("project:src/limit", True),
        ("project:/home/u/src/Limit", True),
        ("project:/home/u", True),
        ("project:/home/u/s", False),
        ("title:rate", True),
        ('title:"rate limit"', True),
        ("branch:fix", True),
        ("model:GPT", True),
        ("model:opus", False),
        ("id:abcd", True),
        ("id:1234", False),
        ("since:2d", True),
        ("since:1d", False),
        ("until:3d", False),
        ("until:2d", True),
        ("has:error", True),
        ("has:edit", False),
        ("has:error has:edit", False),
        ("-has:error", False),
        ("-has:edit is:unread", True),
        ("is:gone", False),
        ("has:findings", True),
        ("kind:edit -kind:edit words", True),
    ],
)
def test_sessions_are_judged_by_their_row(text: str, expected: bool) -> None:
    session = row(errors=2, unread=True, findings={"open": 1, "accepted": 0, "rejected": 0})
    assert matches_session(parse(text, now=NOW), session) is expected


def test_folds() -> None:
    assert matches_session(parse("is:headless"), row(folded="headless"))
    assert matches_session(parse("is:folded"), row(folded="warmup"))
    assert not matches_session(parse("is:folded"), row())
    assert not matches_session(parse("since:7d", now=NOW), row(started=None, ended=None))


def test_project_as_a_person_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/u")
    assert parse("project:.").values("project") == (str(Path.cwd()),)
    assert parse("project:~/src/Limit/").values("project") == ("/home/u/src/Limit",)
    assert matches_session(parse("project:~/src/Limit/"), row())


def test_completion_of_names_and_values() -> None:
    assert [c.text for c in complete("ha", 2)] == ["harness:", "has:"]
    assert [c.text for c in complete("", 0)] == [name + ":" for name in FIELDS]
    assert complete("word -ha", 8)[0][:3] == (6, 8, "harness:")
    known = {"project": ["my app", "limit"], "harness": ["claude", "codex", "pi"]}
    assert [c.text for c in complete("x project:", 10, known)] == ['"my app" ', "limit "]
    assert complete("project:li rest", 10, known) == [(8, 10, "limit ", "")]
    assert complete("harness:pi,co", 13, known)[0][:3] == (11, 13, "codex ")
    assert [c.text for c in complete("has:e", 5)] == ["error ", "edit "] + [c.text for c in complete("has:e", 5)[2:]]
    assert all(c.hint for c in complete("is:", 3))
    assert complete('"quoted ha', 10) == []
    assert complete("nothing", 7) == []


def test_completions_parse() -> None:
    known = {"title": ['a "b" \\c d'], "harness": ["pi"]}
    for name in FIELDS:
        for found in complete(name + ":", len(name) + 1, known):
            line = (name + ":")[: found.start] + found.text
            parse(line)
    line = complete("title:", 6, known)[0]
    assert parse("title:" + line.text).values("title") == ('a "b" \\c d',)


@pytest.mark.parametrize(
    ("text", "of", "words"),
    [
        ("", "sessions", "all sessions"),
        ("kind:command is:failed path:tests/ pytest", "steps", "commands that failed on paths with tests/ with pytest"),
        ("kind:command is:failed", "sessions", "sessions with commands that failed"),
        ("-is:edit", "sessions", "sessions without edits"),
        ("harness:codex tag:bug", "sessions", "sessions of codex, tagged bug"),
        ('"go test" -flaky', "steps", 'steps with the text "go test" without flaky'),
        ("is:prompt since:2026-05-19 until:2026-05-19", "steps", "prompts on 19 May"),
        ("since:2026-05-18 until:2026-05-19", "sessions", "sessions since 18 May until 19 May"),
        ("is:failed or survival:lost", "steps", "steps that failed; or steps with lines lost"),
        ("longer:10s agent:sub project:limit", "steps", "steps longer than 10s of subagents in sessions in limit"),
        ("cost:>1 -has:note", "sessions", "sessions that cost more than 1 dollars, without a note"),
    ],
)
def test_a_query_in_words(text: str, of: str, words: str) -> None:
    assert in_words(parse(text, now=NOW), of=of, now=NOW) == words
