"""detect-secrets in its cage: proposes, cannot be switched off by a text, and is killed when it takes too long."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from tracetui.redact.outside import Outside

IAM = "ibm_iam_api_key = '" + "Zk3vQ8xT1nRw7LpY5cJd2HsGf9aB4mK6eW0uXiOoPqRs'"


def test_it_proposes_where_its_own_keywords_stand() -> None:
    texts = ["nothing here", f"a\n{IAM}\nb", "basic https://bob:q8Zx2vLm4Kp9@h.acme.dev/x", 'password = "q8Zx2vLm4Kp9"']
    with Outside() as outside:
        found = outside.scan(texts)
    assert found[0] == []
    for text, items in zip(texts[1:], found[1:]):
        assert items, text
        for item in items:
            assert item.rule.startswith("detect-secrets-")
            assert "\n" not in text[item.start : item.end]
    assert any(texts[2][f.start : f.end] == "q8Zx2vLm4Kp9" for f in found[2])
    assert {f.tier for f in found[3]} == {3}


def test_marks_and_ids_on_the_line_do_not_blind_it() -> None:
    line = 'password = "q8Zx2vLm4Kp9"'
    with Outside() as outside:
        plain, marked, ided = outside.scan([line, f"{line}  # pragma: allowlist secret", '{"session_id":"a"} ' + line])
    assert [(f.start, f.end) for f in marked] == [(f.start, f.end) for f in plain] != []
    assert [(f.start - 19, f.end - 19) for f in ided if f.start >= 19] == [(f.start, f.end) for f in plain]


def test_it_returns_whole_tokens_not_their_prefix() -> None:
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xL6uR3"
    with Outside() as outside:
        (found,) = outside.scan([f"see {token}"])
    assert (4, 4 + len(token)) in [(f.start, f.end) for f in found]


def test_runs_of_blanks_and_long_lines_never_reach_it() -> None:
    with Outside(seconds=5) as outside:
        found = outside.scan(['"key"' + " " * 5_000 + "password ibm", "password" + "x" * 100_000])
    assert not [f for items in found for f in items if f.rule == "unscanned"]


def test_a_line_that_takes_too_long_ends_the_child_and_only_its_text_is_unscanned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of its patterns takes cubic time on blanks; lines with many never reach it, but for this test."""
    monkeypatch.setattr("tracetui.redact.outside._BLANKS", "never")
    texts = [IAM, 'ibm_iam_api"key"' + " " * 1_900 + "x", "harmless", IAM + " "]
    with Outside(seconds=0.5) as outside:
        outside._start()
        first: Any = outside._child
        found = outside.scan(texts)
    assert first.returncode == -signal.SIGVTALRM
    assert [[f.rule == "unscanned" for f in items] for items in found[1:3]] == [[True], []]
    assert found[1][0].end == len(texts[1])
    assert [[f.rule.split("-ibm")[0] for f in items] for items in (found[0], found[3])] == [["detect-secrets"]] * 2


def test_a_busy_machine_makes_nothing_unscanned() -> None:
    """Only what the child computes counts, not how long it waits for its turn."""
    with Outside(seconds=1.0) as outside:
        child = outside._start()
        os.kill(child.pid, signal.SIGSTOP)
        threading.Timer(1.5, os.kill, (child.pid, signal.SIGCONT)).start()
        assert [f.rule for f in outside.scan([IAM])[0]] == ["detect-secrets-ibm-cloud-iam"]


def test_when_it_hangs_it_is_killed_and_the_text_is_unscanned(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = Outside()
    child = outside._start()
    outside._patience = 0.3
    os.kill(child.pid, signal.SIGSTOP)  # stopped: it will not answer
    texts = ['password = "q8Zx2vLm4Kp9"', "harmless"]
    found = outside.scan(texts)
    assert [(f.rule, f.tier, f.end) for f in found[0]] == [("unscanned", 1, len(texts[0]))]
    assert found[1] == []
    assert child.poll() is not None
    outside._patience = 60.0
    again = outside.scan(texts)
    assert not [f for f in again[0] if f.rule == "unscanned"]
    held: Any = outside._child
    outside.close()
    until = time.monotonic() + 5
    while held.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    assert held.poll() is not None
