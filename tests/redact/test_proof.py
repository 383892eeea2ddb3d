"""The proof, place by place: what it calls a leak, and what it passes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tracetui.model import Record, Source
from tracetui.redact import proof
from tracetui.redact.apply import Plan, redact
from tracetui.redact.finding import Finding
from tracetui.redact.proof import Leak, neutral, prove

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xL6uR3"
CORE = TOKEN[4:]
OWN = "‹github-token:1›"


def plan_of(*values: tuple[str, str], numbered: bool = False) -> Plan:
    plan = Plan(values=[(text, kind, f"key{nth}") for nth, (text, kind) in enumerate(values)])
    if numbered:
        redact([Record(Source(1, 0, 9), {"uuid": "n", "text": " ".join(text for text, _ in values)})], plan, "claude")
    return plan


def leaks_of(text: str, plan: Plan, **keys: Any) -> list[Leak]:
    keys.setdefault("many", lambda texts: [[] for _ in texts])
    return list(prove([{"uuid": "a", "x": ["fine", text]}], plan, "claude", **keys).leaks)


def at(found: list[Leak]) -> list[tuple[int, int]]:
    return [(leak.start, leak.end) for leak in found]


def test_a_leak_says_where_and_what() -> None:
    (leak,) = leaks_of(f"see {TOKEN}!", plan_of(("zorbelquack", "user"), (TOKEN, "github-token")), agent="sub")
    assert (leak.agent, leak.rid, leak.field, leak.in_key) == ("sub", "a", "/x/1", False)
    assert (leak.start, leak.end, leak.text) == (4, 4 + len(TOKEN), TOKEN)
    assert (leak.kind, leak.rule, leak.tier, leak.key) == ("github-token", "left", 1, "key1")
    assert leak.why.startswith("an accepted value, ")


@pytest.mark.parametrize("start", [0, 1, 11, len(CORE) - 13, len(CORE) - 12])
def test_any_twelve_characters_of_a_secret_are_a_part_of_it(start: int) -> None:
    piece = CORE[start : start + 12]
    found = leaks_of(f"..{piece}..", plan_of((TOKEN, "github-token")))
    assert at(found) == [(2, 14)]
    assert leaks_of(f"..{piece[:6]}-{piece[6:]}..", plan_of((TOKEN, "github-token"))) == []


def test_a_part_is_found_by_its_own_search_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the search for values would not find, the search for parts does: they check each other."""
    monkeypatch.setattr(Plan, "matcher", type("Blind", (), {"hits": staticmethod(lambda text: [])})())
    for start in (0, 5, len(CORE) - 12):
        (leak,) = leaks_of(f"..{CORE[start : start + 12]}..", plan_of((TOKEN, "github-token")))
        assert (leak.start, leak.end, leak.why) == (2, 14, "an accepted value, part")
    assert leaks_of(f"..{CORE[3:14]}..", plan_of((TOKEN, "github-token"))) == [], "eleven"
    assert leaks_of("Margaretha Quillback", plan_of(("Margaretha Quillback", "name"))) == [], "of a person: whole only"
    assert at(leaks_of("abcabcabcabcabc", plan_of(("abcabcabcabcabc", "password")))) == [], (
        "three characters say little"
    )
    assert len(leaks_of("abcdabcdabcd", plan_of(("abcdabcdabcd", "password")))) == 1, "four do"
    assert leaks_of("kT7!pq2", plan_of(("kT7!pq2", "password"))) == []


def test_a_value_is_told_once_where_it_stands_longest() -> None:
    plan = plan_of((TOKEN, "github-token"))
    assert at(leaks_of(f"{TOKEN} {TOKEN}", plan)) == [(0, len(TOKEN)), (len(TOKEN) + 1, 2 * len(TOKEN) + 1)]
    both = plan_of((TOKEN, "github-token"), ("w7Yx1kPz3Qm8", "password"))
    assert [leak.key for leak in leaks_of(f"w7Yx1kPz3Qm8 {TOKEN}", both)] == ["key1", "key0"]


def test_what_a_placeholder_is_called_is_no_leak() -> None:
    plan = plan_of((TOKEN, "github-token"), ("github", "word"), numbered=True)
    assert leaks_of(f"a {OWN} b", plan) == []
    assert at(leaks_of(f"{OWN}github", plan)) == [(len(OWN), len(OWN) + 6)], "right behind one"
    assert at(leaks_of(f"github{OWN}", plan)) == [(0, 6)], "right before one"
    assert at(leaks_of("‹github-token:77›", plan)) == [(1, 7)], "one that is not of this plan"


def test_placeholders_say_nothing_to_detectors() -> None:
    def owns(kind: str, number: int) -> bool:
        return (kind, number) == ("github-token", 1)

    assert neutral("nothing here", owns) == "nothing here"
    assert neutral(f"a {OWN} b", owns) == f"a ‹{'·' * (len(OWN) - 2)}› b"
    assert neutral("‹github-token:2›", owns) == "‹github-token:2›"
    assert neutral("‹github-token›", owns) == "‹github-token›"


def finds(*found: tuple[int, int, int]) -> Callable[[list[str]], list[list[Finding]]]:
    return lambda texts: [
        [Finding(start, end, "thing", "rule", tier, why="why") for start, end, tier in found] if len(text) > 4 else []
        for text in texts
    ]


def test_what_detectors_see_in_the_result_is_a_leak() -> None:
    plan = plan_of((TOKEN, "github-token"), numbered=True)
    (one, two) = leaks_of("some text", plan, many=finds((0, 4, 1), (5, 9, 2), (2, 3, 3)))
    assert [(one.text, one.tier, one.rule, one.why), (two.text, two.tier)] == [("some", 1, "rule", "why"), ("text", 2)]
    text = f"ab{OWN}cd"
    end = 2 + len(OWN)
    spans = ((0, 2, 1), (1, 3, 1), (2, end, 1), (end - 1, end + 1, 1), (end, end + 2, 1))
    assert at(leaks_of(text, plan, many=finds(*spans))) == [(0, 2), (end, end + 2)]


def test_what_the_user_left_is_exempt() -> None:
    def rejected(*told: str) -> bool:
        return told == ("some", "thing", "a", "/x/1", "rule", "why")

    made = prove(
        [{"uuid": "a", "x": ["fine", "some text"]}], plan_of(), "claude", rejected=rejected,
        many=finds((0, 4, 1), (5, 9, 2)),
    )  # fmt: skip
    assert [leak.text for leak in made.exempt] == ["some"]
    assert [leak.text for leak in made.leaks] == ["text"]
    assert not made.clean


def test_each_text_is_scanned_once_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_BATCH", 12)
    asked: list[list[str]] = []
    stepped: list[int] = []

    def many(texts: list[str]) -> list[list[Finding]]:
        asked.append(sorted(text for text in texts if text.startswith("text")))
        return [[] for _ in texts]

    records = [{"uuid": "a", "x": ["text-1", "text-2"]}, {"uuid": "a", "x": ["text-1"]}, {"uuid": "a", "x": "text-3!"}]
    made = prove(records, plan_of(), "claude", many=many, step=lambda: stepped.append(1))
    assert [texts for texts in asked if texts] == [["text-1", "text-2"], ["text-3!"]]
    assert len(stepped) == 3
    assert made.clean
    assert made.searched == 4 + 3 + 3, "keys too, but no ids"
