"""Search: words, phrases, prefixes, signs, regular expressions; against looking at every text."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bucket.logs import Claude, found, session_of, uuid_of
from tracetui.bucket import Bucket, Query
from tracetui.bucket import search as search_module
from tracetui.bucket.query import parse
from tracetui.bucket.raw_search import _finder, words_form
from tracetui.bucket.row import texts_of
from tracetui.model import Hit, TracetuiError


def words_of(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]


def truth(bucket: Bucket, words: tuple[str, ...], phrases: tuple[str, ...] = ()) -> set[tuple[str, int]]:
    """The steps that hold all of it, by looking at every text."""

    def holds(text: list[str], wanted: list[str], prefix: bool) -> bool:
        size = len(wanted)
        return any(
            text[at : at + size - 1] == wanted[:-1]
            and (text[at + size - 1] == wanted[-1] or (prefix and text[at + size - 1].startswith(wanted[-1])))
            for at in range(len(text) - size + 1)
        )

    out = set()
    items = [(word, nth == len(words) - 1) for nth, word in enumerate(words)]
    for row in bucket.sessions():
        for log in bucket.logs(row.id):
            if log.shown:
                for step in bucket.steps(log):
                    texts = [words_of(text) for text in texts_of(step)]
                    whole = texts_of(step)
                    if all(
                        any(holds(text, words_of(item), prefix) for text in texts) for item, prefix in items
                    ) and all(
                        any(re.search(re.escape(phrase), text, re.IGNORECASE) for text in whole) for phrase in phrases
                    ):
                        out.add((row.id, step.number))
    return out


def places(hits: list[Hit]) -> list[tuple[str, int]]:
    return [(hit.session, hit.step) for hit in hits]


_VOCABULARY = [
    "alpha",
    "beta",
    "alphabet",
    "rate_limit",
    "rate limit",
    "foo.bar",
    "foo bar",
    "Straße",
    "über",
    "x",
    "42",
]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(_VOCABULARY), min_size=1, max_size=6), min_size=3, max_size=20),
    st.lists(
        st.sampled_from(["alpha", "be", "rate_limit", "foo.bar", "FOO", "x", "lim", "über", "4", "straße"]), max_size=3
    ),
    st.lists(
        st.sampled_from(
            [
                "rate limit",
                "foo bar",
                "alpha beta",
                "te_li",
                "foo.",
                ".bar",
                "HAB",
                "a;",
                "; x",
                "ß",
                "o b",
                "rate_limit",
                "2",
            ]
        ),
        max_size=2,
    ),
)
def test_every_step_that_holds_it_and_no_other(texts: list[list[str]], words: list[str], phrases: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, Bucket.open(Path(folder) / "b", create=True) as bucket:
        for nth in range(2):
            log = Claude(uuid_of(nth), start=nth * 7)
            for text in texts[nth::2]:
                log.prompt(" ".join(text[:2]))
                log.tool("Bash", {"command": " ; ".join(text), "description": text[0]}, "\n".join(reversed(text)))
            log.write(Path(folder) / "logs" / f"{nth}.jsonl")
        bucket.capture(found(Path(folder) / "logs"), workers=0)
        query = Query(words=tuple(words), phrases=tuple(phrases))
        hits = list(bucket.search(query, limit=None))
        times = [hit.time or 0 for hit in hits]
        assert times == sorted(times, reverse=True)
        assert len(places(hits)) == len(set(places(hits)))
        if query.text:
            assert set(places(hits)) == truth(bucket, query.words, query.phrases)
            assert set(places(list(bucket.search(query, limit=None, sort="score")))) == set(places(hits))
            for hit in hits:
                start, end = hit.match
                assert 0 <= start < end <= len(hit.snippet)
            wanted = {row.id for row in bucket.sessions(query)}
            assert wanted == {hit.session for hit in hits}


def fill(bucket: Bucket, logs: Path) -> None:
    for nth in range(30):
        log = session_of(uuid_of(nth), 4, start=nth * 1000)
        log.tool("Read", {"file_path": f"/a/b{nth}.py"}, "def shared_text():\n    return 'always the same'\n")
        log.message(f"checkpoint {nth} says {'needle in the hay' if nth == 13 else 'nothing'}")
        log.write(logs / f"{nth}.jsonl")
    bucket.capture(found(logs))


def test_newest_first_whatever_the_order_of_capture(bucket: Bucket, logs: Path) -> None:
    early = session_of(uuid_of(1), 3, start=0).write(logs / "a.jsonl")
    late = session_of(uuid_of(2), 3, start=5).write(logs / "b.jsonl")
    for order in ([late], [late, early]):
        bucket.capture(found(*order))
    hits = list(bucket.search("rate_limit"))
    assert [hit.time for hit in hits] == sorted((hit.time for hit in hits), reverse=True)
    assert {hit.session for hit in hits} == {uuid_of(1), uuid_of(2)}
    assert len(hits) == 6


def test_blocks_are_merged_in_order(bucket: Bucket, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that overlap in time, in many small blocks of documents: the order of time holds, all are found."""
    from tracetui.bucket import index

    monkeypatch.setattr(index, "BLOCK", 3)
    monkeypatch.setattr(search_module, "BLOCK", 3)
    for nth in range(12):
        log = Claude(uuid_of(nth), start=nth * 3)
        for turn in range(40):
            log.prompt(f"common word{turn} of {nth}")
            log.at += nth % 4
        log.write(logs / f"{nth}.jsonl")
    bucket.capture(found(logs))
    for limit in (1, 7, 50, None):
        hits = list(bucket.search("common", limit=limit))
        assert len(hits) == (480 if limit is None else limit)
        times = [hit.time or 0 for hit in hits]
        assert times == sorted(times, reverse=True)
    every = [hit.time or 0 for hit in bucket.search("common", limit=None)]
    assert [hit.time or 0 for hit in bucket.search("common", limit=50)] == every[:50]
    assert len(list(bucket.search("co", limit=None))) == 480


def test_text_held_twice_is_indexed_once_and_found_everywhere(bucket: Bucket, logs: Path) -> None:
    log = Claude(uuid_of(1))
    for _ in range(50):
        log.tool("Read", {"file_path": "/same"}, "the very same output")
    log.write(logs / "a.jsonl")
    bucket.capture(found(logs))
    assert len(list(bucket.search('"very same output"', limit=None))) == 50
    assert bucket._db.execute("SELECT count(*) FROM doc").fetchone()[0] == 1


def test_a_result_that_comes_later_is_found(bucket: Bucket, logs: Path) -> None:
    log = Claude(uuid_of(1)).call("Bash", {"command": "make earlyword"}, "toolu_1")
    path = log.write(logs / "a.jsonl")
    bucket.capture(found(logs))
    assert len(list(bucket.search("earlyword"))) == 1
    log.result("toolu_1", "lateword came")
    path.write_bytes(log.data)
    bucket.capture(found(logs))
    assert places(list(bucket.search("earlyword lateword"))) == [(uuid_of(1), 1)]
    assert places(list(bucket.search("earlyword"))) == [(uuid_of(1), 1)]
    row = bucket.sessions()[0]
    assert (row.steps, row.tool_calls) == (1, 1)


def test_hidden_generations_are_not_searched(bucket: Bucket, logs: Path) -> None:
    session_of(uuid_of(1), 2).write(logs / "a.jsonl")
    longer = Claude(uuid_of(1))
    for nth in range(30):
        longer.prompt(f"other {nth}")
    longer.write(logs / "b.jsonl")
    bucket.capture(found(logs))
    assert list(bucket.search("rate_limit")) == []
    assert len(list(bucket.search("other"))) == 30


def test_filters(bucket: Bucket, logs: Path) -> None:
    fill(bucket, logs)
    everything = list(bucket.search("checkpoint", limit=None))
    assert len(everything) == 30
    middle = everything[10].time
    assert middle is not None
    assert len(list(bucket.search(Query(words=("checkpoint",), since=middle), limit=None))) == 11
    assert len(list(bucket.search(Query(words=("checkpoint",), until=middle), limit=None))) == 19
    assert {hit.kind for hit in bucket.search(Query.of(words=("fine",), kind=("command",)), limit=None)} == {"command"}
    assert list(bucket.search(Query.of(words=("checkpoint",), kind=("command",)))) == []
    assert list(bucket.search(Query.of(words=("checkpoint",), harness=("codex",)))) == []
    assert len(list(bucket.search(Query.of(words=("checkpoint",), project=("limit",)), limit=None))) == 30
    assert list(bucket.search(Query.of(words=("checkpoint",), project=("elsewhere",)))) == []
    assert len(list(bucket.search(Query(words=("checkpoint",), not_words=("nothing",)), limit=None))) == 1
    assert len(list(bucket.search(Query(words=("checkpoint",), not_phrases=("in the hay",)), limit=None))) == 29
    bucket.bookmark(uuid_of(3))
    assert [hit.session for hit in bucket.search(parse("checkpoint is:bookmarked"))] == [uuid_of(3)]
    plain = list(bucket.search(Query.of(kind=("read",)), limit=None))
    assert len(plain) == 30
    assert [hit.time for hit in plain] == sorted((hit.time for hit in plain), reverse=True)
    assert len(list(bucket.search("checkpoint kind:message", limit=4))) == 4


def test_sessions_are_found_by_title_and_note_too(bucket: Bucket, logs: Path) -> None:
    for nth in range(3):
        log = Claude(uuid_of(nth), start=nth)
        log.prompt("look into zebra")
        if nth == 1:
            log.put("custom-title", customTitle="My Grand title")
        log.write(logs / f"{nth}.jsonl")
    bucket.capture(found(logs))
    bucket.note(bucket.session(uuid_of(2)), "ask grandma, not zebra")

    def ids(line: str) -> list[str]:
        return sorted(row.id for row in bucket.sessions(parse(line)))

    assert ids("grand") == [uuid_of(1), uuid_of(2)]
    assert ids('"grand title"') == ids("title my") == ids("grand -grandma") == [uuid_of(1)]
    assert ids("grand harness:codex") == ids("grand nothing") == []
    assert ids("zebra") == [uuid_of(0), uuid_of(1), uuid_of(2)]


def test_a_word_in_very_many_sessions(bucket: Bucket) -> None:
    bucket._db.executemany(
        "INSERT INTO session(harness, id, raw, title, path) VALUES('pi', ?, '', 'same', '')",
        ((f"s{nth}",) for nth in range(40_000)),
    )
    assert len(bucket.sessions(parse("same"))) == 40_000


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        (r"needle in", 1),
        (r"NEEDLE", 0),
        (r"(?i)NEEDLE", 1),
        (r"checkpoint \d+ says", 30),
        (r"^def shared_text", 30),
        (r"\(\):\n    return", 30),
        (r"'always the same'$", 30),
        (r"eckpoi", 30),
        (r"\d{2} says", 20),
        (r"(needle|heystack) in", 1),
        (r"x{3}", 0),
        (r"b1[0-4]\.py", 5),
        (r"/a/b7", 1),
    ],
)
def test_regular_expressions(bucket: Bucket, logs: Path, pattern: str, count: int) -> None:
    fill(bucket, logs)
    hits = list(bucket.search(pattern, regex=True, limit=None))
    assert len(hits) == count
    assert [hit.time for hit in hits] == sorted((hit.time for hit in hits), reverse=True)
    for hit in hits:
        assert hit.snippet[hit.match[0] : hit.match[1]].strip()
    assert len(list(bucket.search(pattern, regex=True, limit=2))) == min(count, 2)
    assert list(bucket.search(pattern, regex=True, filters=Query.of(harness=("pi",)))) == []


@pytest.mark.parametrize("pattern", ["(", "a)(b", r"(?<=x)y", r"\1", "[z-a]", "a**", "\ud800"])
def test_a_bad_pattern_is_status_2_at_once(bucket: Bucket, pattern: str) -> None:
    with pytest.raises(TracetuiError) as caught:
        bucket.search(pattern, regex=True)
    assert caught.value.status == 2
    assert "\n" not in str(caught.value)


def test_signs_and_scripts_without_spaces(bucket: Bucket, logs: Path) -> None:
    log = Claude(uuid_of(1))
    log.prompt("设置玩家位置并自动发现新地点").message("a -> b, $? and https://x/y\\z")
    log.prompt("Die Straße ist naß: ÜBER alles")
    log.lines.append(log.lines[0].replace("设置".encode(), b"\\u8bbe\\u7f6e").replace(b"000001", b"000099"))
    log.write(logs / "a.jsonl")
    bucket.capture(found(logs))
    assert len(list(bucket.search("自动发现"))) == 2
    assert len(list(bucket.search("设置"))) == 2
    assert len(list(bucket.search("->"))) == 1
    assert len(list(bucket.search("$?"))) == 1
    assert len(list(bucket.search("über"))) == 1
    assert list(bucket.search("动自")) == []
    assert len(list(bucket.search('"https://x/y"'))) == 1


def test_snippets_are_one_line_with_the_match_marked(bucket: Bucket, logs: Path) -> None:
    text = "lorem ipsum\n" * 40 + "before\tthe Needle\r\nafter \x1b[31m red\u202e" + "\ndolor sit" * 40
    Claude(uuid_of(1)).prompt(text).write(logs / "a.jsonl")
    bucket.capture(found(logs))
    (hit,) = bucket.search("needle")
    assert hit.snippet[hit.match[0] : hit.match[1]] == "Needle"
    assert not set(hit.snippet) & set("\n\r\t")
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert "\x1b[31m" in hit.snippet
    assert len(hit.snippet) < 300
    assert hit.score > 0
    (hit,) = bucket.search("red", limit=1)
    assert hit.snippet[hit.match[0] : hit.match[1]] == "red"


def test_cancelling(bucket: Bucket, logs: Path) -> None:
    fill(bucket, logs)
    for regex, text in ((False, "checkpoint"), (True, "eckpoint"), (True, "[a-z]{9}t"), (False, "ch")):
        done: list[int] = []
        hits = bucket.search(text, regex=regex, limit=None, cancelled=lambda: len(done) >= 3)
        for _ in hits:
            done.append(1)
        assert 3 <= len(done) <= 12


def test_limits_and_orders(bucket: Bucket, logs: Path) -> None:
    fill(bucket, logs)
    assert list(bucket.search("checkpoint", limit=0)) == []
    best = list(bucket.search("checkpoint nothing", sort="score", limit=None))
    assert [hit.score for hit in best] == sorted((hit.score for hit in best), reverse=True)
    with pytest.raises(TracetuiError) as caught:
        bucket.search("x", sort="oldest")
    assert caught.value.status == 2


def test_hostile_query_text_is_only_text(bucket: Bucket, logs: Path) -> None:
    fill(bucket, logs)
    for word in ('"', 'a"b', "AND", "x OR", "body:y", "*", "^a", "NEAR(a b)", "a\0b", "';DROP", "{", "\ud800x", "é\0"):
        list(bucket.search(Query(words=(word,)), limit=5))
        list(bucket.search(Query(phrases=(word,)), limit=5))
        list(bucket.search(Query(words=("checkpoint",), not_words=(word,)), limit=5))
    assert len(bucket.sessions()) == 30


def test_hostile_text_does_not_hang(bucket: Bucket, logs: Path) -> None:
    log = Claude(uuid_of(1))
    log.prompt("a" * 300_000 + " rate" + "_ " * 100_000 + "x").prompt("rate limit")
    log.write(logs / "a.jsonl")
    bucket.capture(found(logs))
    assert len(list(bucket.search("rate_limit", limit=None))) == 1
    assert len(list(bucket.search("(a*)*b", regex=True, limit=None))) == 0


_PIECES = ["a", "B", "z", "7", "_", "-", ".", '"', "\\", "/", "\n", "\t", " ", "é", "ß", "中", "😀", "<", "\x7f"]
_PATTERNS = [
    r"a", r"B\.", r"a.B", r"[a-z]7", r"\w+_", r"a\s+B", r"[^a]z", r'"a', r"\\", r"/", r"\t", r"\x01", r"é",
    r"中+", r"😀", r"(?i)b7", r"(?i)É", r"a{2}", r"a{2,}z?", r"(?:a|zB)7", r"^a", r"z$", r"\d", r"\n", r"a\nB",
    r"[\"z]B", r"(?s)a.z", r"(?i:k)", r"[é-ü]", r"<a", r"\W7", r"\S\S", r"(a|b|)z", r"7\b", r"\Ba",
    r"[[:alpha:]]7", r"\pL7", r"a*?z",
]  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=12), min_size=1, max_size=12), st.booleans())
def test_patterns_miss_nothing_however_json_writes_it(texts: list[list[str]], escaped: bool) -> None:
    import json

    import re2

    with tempfile.TemporaryDirectory() as folder, Bucket.open(Path(folder) / "b", create=True) as bucket:
        log = Claude(uuid_of(1))
        for text in texts:
            log.prompt("x" + "".join(text)).tool("Bash", {"command": "".join(text)}, "".join(reversed(text)))
        if escaped:
            log.lines = [json.dumps(json.loads(line)).replace("/", "\\/").encode() for line in log.lines]
        log.write(Path(folder) / "logs" / "1.jsonl")
        bucket.capture(found(Path(folder) / "logs"), workers=0)
        (row,) = bucket.logs(uuid_of(1))
        steps = list(bucket.steps(row))
        for pattern in _PATTERNS:
            regex = re2.compile(f"(?m:{pattern})")
            want = {step.number for step in steps if any(regex.search(text) for text in texts_of(step))}
            assert {hit.step for hit in bucket.search(pattern, regex=True, limit=None)} == want, pattern


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["foo", "rate", "Straße"]),
    st.sampled_from(["limit", "n1", "bar", "u00e9"]),
    st.text(st.sampled_from(' .,_-\n\t\r\\"/\x00\x1f\u2014\u00a0'), min_size=1, max_size=6),
    st.integers(1, 3),
    st.booleans(),
)
def test_words_that_follow_each_other_are_seen_however_json_writes_them(
    first: str, second: str, between: str, depth: int, escaped: bool
) -> None:
    line = f"({first}{between}{second})"
    for _ in range(depth):
        line = json.dumps({"text": line}, ensure_ascii=escaped)
    finder = _finder(words_form([first.lower(), second.upper()]))
    assert finder.search(line.encode()) is not None
    assert finder.search(line.replace(second, "x").encode()) is None


def test_identifiers_among_many_steps_that_hold_their_parts(bucket: Bucket, logs: Path) -> None:
    expected = []
    for nth in range(12):
        log = Claude(uuid_of(nth), start=nth * 1000)
        for step in range(30):
            hit = step % 10 == nth % 10
            log.prompt(f"{'the rate_limit of' if hit else 'limit the rate of'} {nth} {step}")
            if hit:
                expected.append((uuid_of(nth), step + 1))
        log.write(logs / f"{log.session}.jsonl")
    bucket.capture(found(logs))
    assert places(list(bucket.search(Query(words=("rate_limit",)), limit=None))) == expected[::-1]
    assert places(list(bucket.search(Query(phrases=("Rate_limit",)), limit=4))) == expected[:-5:-1]
    assert list(bucket.search(Query(words=("rate.of.limit",)), limit=None)) == []
    assert len(list(bucket.search(r"rate_limit of \d+ 1\d$", regex=True, limit=None))) == 12


def test_a_phrase_over_two_blocks_of_a_text(bucket: Bucket, logs: Path) -> None:
    blocks = [{"type": "text", "text": "it ends with red"}, {"type": "text", "text": "herring it begins"}]
    log = Claude(uuid_of(1)).put("user", message={"role": "user", "content": blocks})
    log.write(logs / f"{log.session}.jsonl")
    bucket.capture(found(logs))
    whole = [step for row in bucket.sessions() for step in bucket.steps(bucket.logs(row.id)[0])]
    wanted = 1 if any("red\nherring" in (step.text or "") for step in whole) else 0
    assert wanted
    assert len(list(bucket.search(Query(phrases=("red\nherring",))))) == wanted
    assert list(bucket.search(Query(phrases=("red herring",)))) == []
