"""What the readers of runners make of outputs that the runners printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracetui.capsule.runners import Told, read_output
from tracetui.capsule.runners.junit import read_xml
from tracetui.capsule.signature import find_test, same_error, signature_of

DATA = Path(__file__).with_name("data") / "runners"
GO = {"TestBad": "got 1, want 2", "TestSub": "", "TestSub/one": "inside",
      "TestPanic": "panic: assignment to entry in nil map"}  # fmt: skip
PYTEST = {
    "test_a.py::test_bad": "assert -1 == 3",
    "test_a.py::test_param[a b]": "too short: a b",
    "test_a.py::test_param[c - d]": "too short: c - d",
    "test_a.py::TestK::test_in": "Failed: DID NOT RAISE <class 'ValueError'>",
    "test_a.py::U::test_u": "{'a': 1} != {'a': 2}",
    "test_a.py::test_setup": "RuntimeError: boom",
}
UNITTEST = {"ut_b.A.test_err": "ValueError: chained", "ut_b.A.test_bad": "1 != 2", "ut_b.A.test_sub (i=1)": "1 != 0"}
JEST = {
    "sum › adds": "expect(received).toBe(expected) // Object.is equality / Expected: 3 / Received: -1",
    "sum › deep › throws": "TypeError: nope",
}
MOCHA = {
    "top": "Expected values to be loosely deep-equal: / { / a: 1 / }",
    "sum › adds": "Expected values to be strictly equal: / -1 !== 3",
    "sum › deep › throws": "TypeError: nope",
}
VITEST = {"sum › adds": "expected -1 to be 3 // Object.is equality", "sum › deep › throws": "TypeError: nope"}
RSPEC = {"Sum adds": "expected: 3 / got: -1 / (compared using ==)", "Sum deep raises": "ArgumentError: / nope"}
CARGO = {
    "tests::pan": "index out of bounds: the len is 0 but the index is 0",
    "tests::bad": "assertion `left == right` failed: sum of 1 / left: -1 / right: 3",
    "src/lib.rs - add": "assertion `left == right` failed / left: 0 / right: 2",
}


def told(name: str) -> Told:
    return read_output((DATA / f"{name}.txt").read_text())[0]


@pytest.mark.parametrize(
    ("name", "runner", "failed", "passed", "skipped", "ran"),
    [
        ("pytest", "pytest", PYTEST, set(), set(), 7),
        ("pytest_short", "pytest", PYTEST, set(), set(), 7),
        ("pytest_rN", "pytest", PYTEST, set(), set(), 7),
        ("pytest_v", "pytest", PYTEST, {"test_a.py::test_good"}, {"test_a.py::test_s"}, 7),
        ("unittest", "unittest", UNITTEST, set(), set(), 4),
        ("unittest_v", "unittest", UNITTEST, {"ut_b.A.test_ok"}, {"ut_b.A.test_sk"}, 4),
        ("go", "go test", GO, set(), set(), None),
        ("go_v", "go test", GO, {"TestGood", "TestSub/two"}, {"TestSkip"}, None),
        ("cargo", "cargo test", CARGO, {"tests::good"}, {"tests::ig"}, 4),
        ("rspec", "RSpec", RSPEC, set(), set(), 3),
        ("rspec_d", "RSpec", RSPEC, {"Sum is fine"}, {"Sum deep waits"}, 3),
        ("jest", "jest", JEST, set(), set(), 4),
        ("jest_v", "jest", JEST, {"other", "sum › fine"}, {"sum › sk"}, 4),
        ("vitest", "vitest", VITEST, set(), set(), 4),
        ("vitest_v", "vitest", VITEST, {"other", "sum › fine"}, set(), 4),
        ("mocha", "mocha", MOCHA, {"sum › fine"}, {"sum › sk"}, 4),
        ("mocha_dot", "mocha", MOCHA, set(), set(), 4),
        ("junit", "JUnit", {"ChopTest.whole": "expected: <abc> but was: <ab>"}, set(), set(), 4),
        ("gradle", "JUnit", {"ChopTest.whole": "expected: <abc> but was: <ab>"}, {"ChopTest.empty"}, set(), None),
        ("gcc", "compiler", {"chop.c": "'siz' undeclared (first use in this function); did you mean 'size'?"},
         set(), set(), None),
    ],
)  # fmt: skip
def test_failures_by_name(
    name: str, runner: str, failed: dict[str, str], passed: set[str], skipped: set[str], ran: int | None
) -> None:
    found = told(name)
    assert (found.runner, found.ran) == (runner, ran)
    assert found.failed == failed
    assert (found.passed, found.skipped) == (passed, skipped)


@pytest.mark.parametrize("name", ["node_spec", "node_tap"])
def test_node_by_both_reporters(name: str) -> None:
    found = told(name)
    assert found.runner == "node:test"
    assert found.failed["bad"] == "Expected values to be strictly equal: / 1 !== 2"
    assert set(found.failed) == {"bad", "deep", "thrown", "suite"}
    assert (found.passed, found.skipped, found.ran) == ({"good"}, {"sk"}, 4)


def test_builds_that_failed() -> None:
    assert "q/c_test.go: undefined: undefinedThing" in told("go").broken


def test_a_report_in_xml() -> None:
    text = (
        '<testsuite name="x"><testcase classname="org.example.ChopTest" name="whole()"><failure message="expected: '
        '&lt;abc&gt; but was: &lt;ab&gt;" type="org.opentest4j.AssertionFailedError">at x</failure></testcase>'
        '<testcase classname="org.example.ChopTest" name="empty"/>'
        '<testcase classname="org.example.ChopTest" name="off"><skipped/></testcase></testsuite>'
    )
    found = read_xml(text)
    assert found is not None
    assert found.failed == {"ChopTest.whole": "expected: <abc> but was: <ab>"}
    assert (found.passed, found.skipped) == ({"ChopTest.empty"}, {"ChopTest.off"})
    assert read_xml('<!DOCTYPE a [<!ENTITY b "c">]>' + text) is None
    assert read_xml(text[:-5]) is None


@pytest.mark.parametrize("output", ["", "Exit code 1\n", "FAIL\n", "hello\n1 error\n", "\x1b[31m\n" * 50])
def test_what_no_runner_said(output: str) -> None:
    assert signature_of(output) is None


def test_two_runs_of_one_failure_have_one_signature() -> None:
    output = (DATA / "pytest.txt").read_text()
    again = output.replace("test_a.py:4:", "test_a.py:40:").replace("0.0", "1.3")
    assert signature_of(output) == signature_of(again)
    assert signature_of(output) == signature_of((DATA / "pytest_v.txt").read_text())
    assert signature_of(output) != signature_of(output.replace("assert -1 == 3", "assert -1 == 4"))


@pytest.mark.parametrize(
    ("recorded", "seen", "same"),
    [
        ("assert 1 == 2", "assert 1 == 2", True),
        ("assert 1 == 2", "assert 1 == 3", False),
        ("", "assert 1 == 3", True),
        ("AssertionError: assert 'abcd...", "AssertionError: assert 'abcdef' == 'x'", True),
        ("...", "anything", False),
        ("user \u2039person:1\u203a is unknown", "user ann is unknown", True),
        ("user \u2039person:1\u203a is unknown", "user ann is known", False),
    ],
)
def test_which_errors_are_the_same(recorded: str, seen: str, same: bool) -> None:
    assert same_error(recorded, seen) is same


def test_an_id_below_another_folder() -> None:
    assert find_test("tests/a.py::t", ["pkg/tests/a.py::t", "b.py::t"]) == "pkg/tests/a.py::t"
    assert find_test("a.py::t", ["x/a.py::t", "y/a.py::t"]) is None
