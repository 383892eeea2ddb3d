"""A score only where trusted labels agree with it; else what blocks it, and the label that would help most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import Log
from tracetui.dataset.verifier import LEAST, agreement

RUNS = 12


@pytest.fixture
def family(cli: Cli, tmp_path: Path) -> Any:
    """Sessions that each call the command once; those with an odd number fail and take longer."""

    def make(tests: bool = False) -> list[str]:
        names = []
        for nth in range(RUNS):
            name = f"5e55{nth:04d}-1111-4222-8333-abcdefabcdef"
            log = Log("/w/p", name)
            log.prompt(f"/polish file number {nth}")
            for at in range(4 if nth % 2 else 1):
                log.command(f"lint {at}", "bad" if nth % 2 else "fine", 1 if nth % 2 else 0)
            if tests:
                log.command("python3 -m pytest", "1 passed", 0)
            log.message("Done.")
            log.save(tmp_path / "logs" / f"{name}.jsonl")
            names.append(name)
        assert cli("index", tmp_path / "logs").status == 0
        return names

    return make


def status(cli: Cli) -> dict[str, Any]:
    done = cli("verifier", "run", "/polish", "--json")
    assert done.status in (0, 1), done.err
    last = done.lines[-1]
    assert (done.status == 0) is (last["state"] == "scored")
    assert len(done.lines) == last["runs"] + 1
    return {**last, "scores": [line["score"] for line in done.lines[:-1]]}


def rate(cli: Cli, name: str, value: str) -> None:
    assert cli("dataset", "rate", name, "--value", value).status == 0


def test_without_labels_there_is_no_score_but_what_would_help(cli: Cli, family: Any) -> None:
    names = family()
    found = status(cli)
    assert (found["state"], set(found["scores"])) == ("blocked_no_labels", {None})
    assert f"rate {LEAST} of {RUNS} runs" in found["unblock"]
    assert any(name in found["unblock"] for name in names)
    assert "no score" in cli("verifier", "status", "/polish").out
    assert cli("verifier", "run", "nothing-like-it").status == 1


def test_tests_that_the_run_itself_ran_are_no_label(cli: Cli, family: Any) -> None:
    family(tests=True)
    assert status(cli)["state"] == "blocked_self_graded"


def test_one_class_says_nothing(cli: Cli, family: Any) -> None:
    for name in family()[:LEAST]:
        rate(cli, name, "good")
    found = status(cli)
    assert found["state"] == "blocked_one_class"
    assert "went wrong" in found["unblock"]


def test_agreement_no_better_than_chance_is_no_calibration(cli: Cli, family: Any) -> None:
    for nth, name in enumerate(family()):
        rate(cli, name, "good" if nth // 2 % 2 else "bad")
    found = status(cli)
    assert found["state"] == "blocked_uncalibrated"
    assert found["interval"][0] <= 0.5
    assert set(found["scores"]) == {None}


def test_labels_that_agree_give_scores_per_run_and_version(cli: Cli, family: Any) -> None:
    names = family()
    for nth, name in enumerate(names[:10]):
        rate(cli, name, "bad" if nth % 2 else "good")
    found = status(cli)
    assert found["state"] == "scored"
    assert found["agreement"] == 1.0
    assert 0.5 < found["interval"][0] < 1.0
    assert min(found["scores"][::2]) > max(found["scores"][1::2]), "also of the runs that nobody rated"
    assert found["versions"][0]["runs"] == RUNS
    assert found["labels"] == {"rating": 10}


def test_agreement_is_the_area_with_its_interval() -> None:
    assert agreement([1, 1], [0, 0])[0] == 1.0
    assert agreement([0, 0], [1, 1])[0] == 0.0
    area, (low, high) = agreement([0.9, 0.8, 0.7, 0.3], [0.6, 0.5, 0.4, 0.2])
    assert area == 13 / 16
    assert low < 0.5 < area < high <= 1.0
