"""``transitions``: one line a model call: state, action, reward with its ground, next state.

A state is everything that came before in the thread. To write it out each time would grow with the square of the
session, so a line holds what is new in it: ``state.messages`` are those since the action before, and the whole state
of line *n* is the states and actions of all earlier lines of its ``thread``, in order, and its own.
``next_state.messages`` are those of the next line's state; its ``end`` says that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from tracetui.capsule.export import Redacted, RedactedLog, register
from tracetui.dataset.outcomes import EXIT_CODE, TEST, results_of
from tracetui.dataset.turns import Turn, messages_of, turns_of
from tracetui.model import Step, to_iso

__all__ = ["reward_of", "rows_of"]


@register("transitions")
def _transitions(session: Redacted) -> Iterator[tuple[str, bytes]]:
    rows = (row for log in session.logs for row in rows_of(session, log))
    yield f"{session.harness}-{session.id}.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in rows)


def rows_of(session: Redacted, log: RedactedLog) -> Iterator[dict[str, Any]]:
    """The lines of one log."""
    turns = turns_of(log.steps)
    steps = {step.number: step for step in log.steps}
    calls = [nth for nth, turn in enumerate(turns) if turn.role == "assistant"]
    states = [_state(turns, before, nth) for before, nth in zip([-1, *calls], calls)]
    states.append(_state(turns, calls[-1], len(turns)) if calls else [])
    thread = "/".join(filter(None, (f"~{log.part}" if log.part > 1 else "", log.agent))) or None
    for at, nth in enumerate(calls):
        turn = turns[nth]
        last = at + 1 == len(calls)
        yield {
            "session": session.id,
            "harness": session.harness,
            "thread": thread,
            "call": at + 1,
            "steps": turn.steps,
            "time": to_iso(turn.time),
            "model": turn.model,
            "state": {"messages": states[at]},
            "action": messages_of([turn])[0],
            **reward_of([steps[number] for number in turn.steps]),
            "next_state": {"messages": states[at + 1], "end": last},
        }


def _state(turns: Sequence[Turn], before: int, upto: int) -> list[dict[str, Any]]:
    """What came between two actions: results of the one before, then what was said."""
    results = messages_of([turns[before]])[1:] if before >= 0 else []
    return results + messages_of(turns[before + 1 : upto])


def reward_of(steps: Sequence[Step]) -> dict[str, Any]:
    """``reward`` and its ``ground`` for an action: 1 or 0 by the results of the tests that it ran, else by their exit
    code; both None where it ran none. A run in which some tests failed has the share of those that passed."""
    found = [result for step in steps for result in results_of(step)]
    tests = [result for result in found if result.ground == TEST]
    codes = [result for result in found if result.ground == EXIT_CODE]
    if tests and not (all(result.passed for result in tests) and any(not result.passed for result in codes)):
        passed = sum(result.passed for result in tests)
        named = sorted({result.id for result in tests})
        return {"reward": passed / len(tests), "ground": {"kind": TEST, "ids": named, "step": tests[-1].step}}
    if codes:
        whole = all(result.passed for result in codes)
        return {"reward": float(whole), "ground": {"kind": EXIT_CODE, "ids": [], "step": codes[-1].step}}
    return {"reward": None, "ground": None}
