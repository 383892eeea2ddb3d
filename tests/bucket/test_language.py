"""Terms, ``or``, brackets and negation mean in lists and in search what a look at every step says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bucket.logs import BASE, Claude, found, uuid_of
from tracetui.bucket import Bucket, Query, step_survival
from tracetui.bucket.query import MOST, parse
from tracetui.bucket.query_words import in_words
from tracetui.bucket.row import texts_of
from tracetui.bucket.tags import archive, tag
from tracetui.bucket.terms import FIXED, TERMS
from tracetui.model import SessionRow, Step, TracetuiError

Judge = Callable[[SessionRow, Step], bool]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """Five small sessions of all kinds of steps."""
    root = tmp_path_factory.mktemp("language")
    for nth in range(5):
        log = Claude(uuid_of(nth), start=nth * 86_400, cwd=f"/home/dev/{'limit' if nth % 2 else 'pace'}/part{nth}")
        log.prompt(f"alpha number {nth}")
        log.tool("Bash", {"command": "go test ./..."}, "panic: alpha" if nth % 2 else "ok", error=nth % 2 == 1)
        if nth > 1:
            log.tool("Read", {"file_path": f"tests/test_{nth}.py"}, "beta")
        if nth != 3:
            log.tool("Edit", {"file_path": f"/src/limit{nth}.py", "old_string": "beta", "new_string": "gamma"}, "done")
        log.message("gamma and kernelpanic: beta" if nth == 4 else "nothing more")
        log.write(root / "logs" / f"{uuid_of(nth)}.jsonl")
    Claude(uuid_of(2), 2 * 86_400, "abcd1234").prompt("look").tool("Bash", {"command": "ls"}, "beta").write(
        root / "logs" / uuid_of(2) / "subagents" / "agent-abcd1234.jsonl"
    )
    with Bucket.open(root / "bucket", create=True) as made:
        made.capture(found(root / "logs"))
        tag(made, made.session(uuid_of(1)), "bug")
        archive(made, made.session(uuid_of(0)))
        yield made


def holds(text: str) -> Judge:
    return lambda _, step: any(re.search(re.escape(text), one, re.IGNORECASE) for one in texts_of(step))


def word(text: str) -> Judge:
    return lambda _, step: any(re.search(rf"(?<![^\W_]){text}", one, re.IGNORECASE) for one in texts_of(step))


LEAVES: dict[str, Judge] = {
    "kind:command": lambda _, step: step.kind == "command",
    "kind:edit,read": lambda _, step: step.kind in ("edit", "read"),
    "is:failed": lambda _, step: bool(step.tool and step.failed),
    "is:ok": lambda _, step: step.tool is not None and not step.failed,
    "is:prompt": lambda _, step: step.kind == "prompt",
    "path:tests/": lambda _, step: step.kind == "read",
    "path:limit?.py": lambda _, step: step.kind == "edit",
    "path:/src": lambda _, step: step.kind == "edit",
    "tool:bash": lambda _, step: bool(step.tool and step.tool.name == "Bash"),
    "tool:*d*": lambda _, step: bool(step.tool and "d" in step.tool.name.lower()),
    "tokens:>14": lambda _, step: step.tokens is not None,
    "tokens:>15": lambda _, step: False,
    "project:limit": lambda row, _: row.id in (uuid_of(1), uuid_of(3)),
    "project:=/home/dev/pace/part2": lambda row, _: row.id == uuid_of(2),
    "tag:bug": lambda row, _: row.id == uuid_of(1),
    "is:archived": lambda row, _: row.id == uuid_of(0),
    "model:sonnet": lambda row, step: True,
    "harness:pi": lambda row, step: False,
    "alpha": word("alpha"),
    "bet": word("bet"),
    '"panic:"': holds("panic:"),
    '"./..."': holds("./..."),
    '"TEST ./"': holds("test ./"),
    '"a: al"': holds("a: al"),
}


def every(bucket: Bucket) -> list[tuple[SessionRow, str | None, Step]]:
    return [
        (row, log.agent, step) for row in bucket.sessions() for log in bucket.logs(row.id) for step in bucket.steps(log)
    ]


Tree = Any
trees = st.recursive(
    st.sampled_from(sorted(LEAVES)),
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3))
        | st.tuples(st.just("not"), inner)
    ),
    max_leaves=5,
)


def line_of(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "not":
        return f"-({line_of(tree[1])})"
    return "(" + (" " if tree[0] == "and" else " or ").join(line_of(item) for item in tree[1]) + ")"


def judge(tree: Tree, row: SessionRow, step: Step) -> bool:
    if isinstance(tree, str):
        return LEAVES[tree](row, step)
    if tree[0] == "not":
        return not judge(tree[1], row, step)
    if tree[0] == "or":
        return any(judge(item, row, step) for item in tree[1])
    # One term given twice in the same bracket asks for either of its values.
    fields: dict[str, list[bool]] = {}
    for nth, item in enumerate(tree[1]):
        name = item.partition(":")[0] if isinstance(item, str) and ":" in item and item[0] != '"' else ""
        alike = name if name and not TERMS[name].both else str(nth)
        fields.setdefault(alike, []).append(judge(item, row, step))
    return all(any(values) for values in fields.values())


def has_prefix_trap(line: str) -> bool:
    """Only the last word of an alternative is a beginning too: with two words, ``bet`` may be whole."""
    return line.count("alpha") + line.count("bet") > 1


@settings(max_examples=120, deadline=None)
@given(trees)
def test_search_finds_the_steps_that_a_look_at_each_finds(bucket: Bucket, tree: Tree) -> None:
    line = line_of(tree)
    if has_prefix_trap(line):
        return
    try:
        query = parse(line)
    except TracetuiError as error:
        assert "alternatives" in str(error)  # noqa: PT017
        return
    want = {(row.id, agent, step.number) for row, agent, step in every(bucket) if judge(tree, row, step)}
    hits = list(bucket.search(query, limit=None))
    assert {(hit.session, hit.agent, hit.step) for hit in hits} == want, line
    assert len(hits) == len(want)
    assert [hit.time for hit in hits] == sorted((hit.time for hit in hits), reverse=True)  # type: ignore[type-var]
    assert in_words(query)


def ids(bucket: Bucket, line: str) -> list[int]:
    return sorted(int(row.id[:8], 16) for row in bucket.sessions(parse(line)))


@pytest.mark.parametrize(
    ("line", "sessions"),
    [
        ("kind:command is:failed", [1, 3]),
        ("kind:read is:failed", []),  # (both have read and failed, but no read failed)
        ("kind:command has:error", [1, 3]),
        ("is:edit", [0, 1, 2, 4]),
        ("-is:edit", [3]),
        ("-kind:read", [0, 1]),
        ("kind:command -is:failed", [0, 2, 4]),
        ("-is:failed -kind:read", [0]),
        ("path:tests/", [2, 3, 4]),
        ("path:tests/test_2.py or tag:bug", [1, 2]),
        ("(path:test_2 or path:test_4) project:pace", [2, 4]),
        ("path:test_2.py path:test_4.py", [2, 4]),
        ("-(path:tests/ or is:failed)", [0]),
        ("agent:sub", [2]),
        ("agent:abcd kind:command", [2]),
        ("agent:main tool:Bash", [0, 1, 2, 3, 4]),
        ("tag:bug", [1]),
        ("tag:b*", [1]),
        ("-tag:bug -is:archived", [2, 3, 4]),
        ('"go test ./..."', [0, 1, 2, 3, 4]),
        ('"panic:"', [1, 3, 4]),
        ("panic", [1, 3]),
        ('"panic:" or tag:bug or id:00000000', [0, 1, 3, 4]),
        ('is:failed "panic:"', [1, 3]),
        ("is:prompt alpha", [0, 1, 2, 3, 4]),
        ("is:foreign", []),
        ("is:running", [0, 1, 2, 3, 4]),  # (their logs were written just now)
        ("is:at-risk", []),
        ("cost:>100", []),
        ("or", [0, 1, 2, 3, 4]),
        ("()", []),
    ],
)
def test_a_session_is_listed_for_a_step_that_is_all_of_it(bucket: Bucket, line: str, sessions: list[int]) -> None:
    assert ids(bucket, line) == sessions
    assert bucket.count(parse(line)) == len(sessions) or parse(line).text


def test_times_are_of_the_same_step(bucket: Bucket) -> None:
    """What failed on the first day is not listed for the second, on which nothing failed."""
    second = (BASE + 2 * 86_400) * 1000
    line = parse("is:failed").narrowed(Query(since=second - 3_600_000, until=second + 3_600_000))
    assert bucket.sessions(line) == []
    assert len(bucket.sessions(Query(since=second - 3_600_000, until=second + 3_600_000))) == 1


def test_survival_of_single_steps(bucket: Bucket) -> None:
    row = bucket.session(uuid_of(1))
    edit = next(step.number for step in bucket.step_rows(bucket.logs(row.id)[0]) if step.kind == "edit")
    bucket.put_summary(row, "survival", {"lost": 1, "alive": 2})
    step_survival.put(
        bucket,
        row,
        [step_survival.Judged(None, 1, edit, "lost", 1, 0), step_survival.Judged(None, 1, edit, "alive", 5, 0)],
    )
    (hit,) = bucket.search("survival:lost")
    assert (hit.session, hit.step, hit.survival) == (row.id, edit, "alive")
    assert ids(bucket, "survival:lost path:limit1") == ids(bucket, "survival:lost") == [1]
    assert list(bucket.search("kind:edit -survival:lost,alive path:limit1")) == []
    bucket.put_summary(row, "survival", None)
    step_survival.put(bucket, row, [])


def test_a_hit_says_what_became_of_its_step(bucket: Bucket) -> None:
    failed = next(bucket.search('"panic: alpha" kind:command'))
    assert (failed.failed, failed.exit_code, failed.survival) == (True, None, None)
    assert not next(bucket.search("kind:read")).failed


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("a b or c", 2),
        ("a (b or c)", 2),
        ("(a or b) (c or d)", 4),
        ("-(a b)", 2),
        ("-(a or b)", 1),
        ("or a or", 1),
        ("a or a", 1),
        ('"or"', 1),
        ("(a (b or (c", 2),
        ("a) b", 1),
        ("main() f(x)", 1),
        ("(main() or f(x))", 2),
    ],
)
def test_alternatives(text: str, alternatives: int) -> None:
    assert len(parse(text).alternatives) == alternatives


def test_brackets_within_words_are_letters() -> None:
    assert parse("main() f(x)").words == ("main()", "f(x)")
    assert [one.words for one in parse("(main() or f(x))").alternatives] == [("main()",), ("f(x)",)]
    assert parse("a) b").words == ("a)", "b")
    assert parse("()").words == ("()",)


@pytest.mark.parametrize(
    "line",
    [
        "exit:one", "longer:soon", "tokens:many", "cost:a lot", "is:tired", "-(since:7d)", "survival:dead",
        " ".join(f"(a{n} or b{n})" for n in range(8)), "(" * 60 + "a",
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused_in_a_line(line: str) -> None:
    with pytest.raises(TracetuiError) as caught:
        parse(line)
    assert caught.value.status == 2
    assert "\n" not in str(caught.value)


def test_most_alternatives_are_taken() -> None:
    assert len(parse(" ".join(f"(a{n} or b{n})" for n in range(6))).alternatives) == MOST


def test_the_manual_has_the_table() -> None:
    """Every term, its scope, and every value of those that take no other stands in the manual, and nothing else."""
    text = (Path(__file__).parents[2] / "docs" / "query.md").read_text("utf-8")
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    table = {
        cells[0].strip(" `:"): [cell.strip() for cell in cells[1:]] for cells in rows if cells[0].strip().endswith(":`")
    }
    assert list(table) == list(TERMS)
    for name, term in TERMS.items():
        assert table[name][0] == ("step, session" if name == "is" else term.scope)
        assert table[name][2] == term.meaning
    for name in ("is", "has", "survival"):
        assert set(re.findall(rf"`{name}:([a-z-]+)`", text)) >= set(FIXED[name])
    for line in re.findall(r"^    tracetui (?:ls|search) '(.*)'", text, re.MULTILINE):
        parse(line)
