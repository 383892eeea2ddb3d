"""Asking the process that works trails out: ranks, cancelling, crashes. The process here is a scripted one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracetui.model import TracetuiError
from tracetui.tui.kit.trail_client import HERE, LIST, NOW, Question, TrailService

CHILD = """
import json, queue, sys, threading, os
questions, dropped, wake = queue.Queue(), set(), threading.Condition()
def read():
    for line in sys.stdin:
        said = json.loads(line)
        if "cancel" in said:
            with wake:
                dropped.add(said["cancel"])
                wake.notify_all()
        else:
            questions.put(said)
    os._exit(0)
threading.Thread(target=read, daemon=True).start()
served = 0
def say(**message):
    print(json.dumps(message), flush=True)
while True:
    q = questions.get()
    served += 1
    if q["ask"] == "crash":
        os._exit(3)
    if q["ask"] == "slow":
        say(n=q["n"], progress=["index", 1, 9])
        with wake:
            stopped = wake.wait_for(lambda: q["n"] in dropped, timeout=q.get("patience", 20))
        if stopped:
            say(n=q["n"], cancelled=True)
            continue
    if q["ask"] == "bad":
        say(n=q["n"], error="No such thing")
        continue
    print("noise that is no answer", flush=True)
    say(n=q["n"], answer={"ask": q["ask"], "name": q.get("name"), "served": served})
"""


@pytest.fixture
def service(no_trails: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TrailService]:
    monkeypatch.setattr(TrailService, "enabled", True)
    made = TrailService(tmp_path, make_command=lambda bucket: [sys.executable, "-c", CHILD])
    yield made
    made.close()


def got(service: TrailService, question: Question) -> object:
    return service.wait(question, lambda: False)


def test_answers_errors_and_noise(service: TrailService) -> None:
    first, bad = service.ask("say", name="one"), service.ask("bad")
    assert got(service, first) == {"ask": "say", "name": "one", "served": 1}
    with pytest.raises(TracetuiError, match="No such thing"):
        got(service, bad)


def test_what_is_waited_for_goes_first_and_the_other_comes_again(service: TrailService) -> None:
    slow = service.ask("slow", rank=LIST, patience=0.5)
    later = service.ask("say", rank=LIST, name="later")
    here = service.ask("say", rank=HERE, name="here")
    now = service.ask("say", rank=NOW, name="now")
    assert got(service, now) == {"ask": "say", "name": "now", "served": 2}
    assert got(service, here) == {"ask": "say", "name": "here", "served": 3}
    # The one that gave way was asked again, before what came after it or after; it is not lost.
    assert got(service, slow) is not None
    assert got(service, later) is not None
    assert not service.pending(NOW, HERE, LIST)


def test_cancelled_questions_are_never_answered(service: TrailService) -> None:
    slow = service.ask("slow")
    waiting = service.ask("say", name="never")
    last = service.ask("say", name="last")
    service.cancel(waiting)
    service.cancel(slow)
    assert got(service, last) == {"ask": "say", "name": "last", "served": 2}
    assert waiting.done.is_set()
    assert waiting.answer is None
    assert slow.answer is None
    assert service.wait(service.ask("slow"), lambda: True) is None


def test_a_process_that_ends_is_started_again_but_not_for_ever(service: TrailService) -> None:
    with pytest.raises(TracetuiError, match="ended"):
        got(service, service.ask("crash"))
    assert got(service, service.ask("say", name="again")) == {"ask": "say", "name": "again", "served": 1}
    for _ in range(4):
        with pytest.raises(TracetuiError):
            got(service, service.ask("crash"))
    with pytest.raises(TracetuiError, match="keeps ending"):
        got(service, service.ask("say"))


def test_closed_it_answers_nothing(service: TrailService) -> None:
    slow = service.ask("slow")
    service.close()
    assert slow.done.is_set()
    assert service.ask("say").cancelled


def test_lists_wait_while_somebody_types_and_the_screen_does_not(service: TrailService) -> None:
    service.hold(True)
    listed = service.ask("say", rank=LIST, name="listed")
    here = service.ask("say", rank=HERE, name="here")
    assert got(service, here) == {"ask": "say", "name": "here", "served": 1}
    assert not listed.done.wait(0.1)
    service.hold(False)
    assert got(service, listed) == {"ask": "say", "name": "listed", "served": 2}


def test_what_runs_for_a_list_gives_way_to_keys_and_comes_again(service: TrailService) -> None:
    slow = service.ask("slow", rank=LIST, patience=0.5)
    while not service.pending(LIST):
        pass
    service.hold(True)
    assert got(service, service.ask("say", rank=HERE, name="here")) is not None
    assert not slow.done.is_set()
    service.hold(False)
    assert got(service, slow) is not None
