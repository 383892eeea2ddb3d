"""A log as a conversation: what the user said, and each response of the model with its calls and their results.

Every format of training data and every unit of a workflow speaks of these, so that they cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tracetui.model import TOOL_KINDS, Step, Tokens

__all__ = ["Call", "Turn", "arguments_of", "messages_of", "tools_of", "turns_of"]

_SPEAKS: Final = frozenset({"message", "thinking"})


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call with its result. ``id`` is one of a kind within its log; ``output`` is None where there is none."""

    id: str
    name: str
    input: Any
    output: str | None
    step: Step


@dataclass(slots=True)
class Turn:
    """``role``: ``user`` for a prompt, ``assistant`` for one response of the model, ``system`` for a compaction or an
    event of the harness. ``steps`` are the numbers of the steps that it is made of."""

    role: str
    text: str = ""
    thinking: str = ""
    calls: list[Call] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    kind: str = ""
    model: str | None = None
    time: int | None = None
    tokens: Tokens | None = None
    cost_usd: float | None = None
    response: str | None = None

    @property
    def first(self) -> int:
        """The number of its first step."""
        return self.steps[0]


def turns_of(steps: Iterable[Step]) -> list[Turn]:
    """The turns of one log's steps, in order.

    Steps of one response are one turn, by the response's id; where a log has none, a response ends where the model
    speaks again after a call.
    """
    out: list[Turn] = []
    ids: set[str] = set()
    for step in steps:
        if step.kind in TOOL_KINDS or step.kind in _SPEAKS:
            turn = _response(out, step)
            _add(turn, step, ids)
        else:
            role = "user" if step.kind == "prompt" else "system"
            text = step.text or step.summary
            if text:
                out.append(Turn(role, text, steps=[step.number], kind=step.kind, time=step.time))
    return out


def _response(out: list[Turn], step: Step) -> Turn:
    """The turn that a step of the model belongs to; a new one where it begins another response."""
    last = out[-1] if out else None
    if last is not None and last.role == "assistant":
        if step.response is not None or last.response is not None:
            same = step.response == last.response or (step.response is None and step.kind in TOOL_KINDS)
        else:
            same = step.kind in TOOL_KINDS or not last.calls
        if same:
            return last
    out.append(Turn("assistant", kind="response", model=step.model, time=step.time, response=step.response))
    return out[-1]


def _add(turn: Turn, step: Step, ids: set[str]) -> None:
    turn.steps.append(step.number)
    turn.model = turn.model or step.model
    if step.tokens is not None:
        turn.tokens = step.tokens if turn.tokens is None else turn.tokens + step.tokens
    if step.cost_usd is not None:
        turn.cost_usd = (turn.cost_usd or 0.0) + step.cost_usd
    if step.kind == "thinking":
        turn.thinking = _joined(turn.thinking, step.text)
    elif step.tool is None:
        turn.text = _joined(turn.text, step.text)
    else:
        name = step.tool.call_id or f"call_{step.number}"
        while name in ids:
            name = f"{name}_{step.number}"
        ids.add(name)
        turn.calls.append(Call(name, step.tool.name, step.tool.input, step.tool.output, step))


def _joined(text: str, more: str | None) -> str:
    return f"{text}\n\n{more}" if text and more else text or (more or "")


def arguments_of(call: Call) -> dict[str, Any]:
    """The arguments of a call as an object; what is none (a patch, a script) stands under ``input``."""
    if isinstance(call.input, dict):
        return call.input
    return {} if call.input in (None, "") else {"input": call.input}


def messages_of(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The turns as chat messages with the keys ``role, content, reasoning_content, tool_calls, tool_call_id, name``,
    all of them in each, so that every message has one shape. Arguments are JSON texts; a result that the log lacks is
    an empty one. A compaction is what the model was given in place of what came before: a message of the user. Events
    of the harness are no messages.
    """
    out: list[dict[str, Any]] = []
    for turn in turns:
        if turn.kind == "event":
            continue
        if turn.role != "assistant":
            out.append(_message("user", turn.text))
            continue
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": orjson.dumps(arguments_of(call)).decode()},
            }
            for call in turn.calls
        ]
        out.append(_message("assistant", turn.text, turn.thinking or None, calls or None))
        out += [_message("tool", call.output or "", call=call.id, name=call.name) for call in turn.calls]
    return out


def _message(
    role: str, content: str, thinking: str | None = None, calls: Any = None, call: str | None = None, name: Any = None
) -> dict[str, Any]:
    return {
        "role": role, "content": content, "reasoning_content": thinking, "tool_calls": calls, "tool_call_id": call,
        "name": name,
    }  # fmt: skip


def tools_of(turns: Iterable[Turn]) -> list[str]:
    """The names of the tools that were called, sorted."""
    return sorted({call.name for turn in turns for call in turn.calls})
