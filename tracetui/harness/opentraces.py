"""Capsules of opentraces (``opentraces.capsule.v1``), read only: their steps as records of the harness they came from.

Such a capsule is a JSON document with a slice of a session, already redacted by its maker; nothing in it binds its
content to a digest. Its steps are put into the shape of the harness that ``source.agent`` names, one that opentraces
can record. What it leaves out (reasoning, prompts before the slice) is left out here too.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from tracetui.harness.opening import open_log
from tracetui.model import TracetuiError
from tracetui.text.safe import one_line

__all__ = ["NAME", "Envelope", "find", "read", "refuse"]

NAME: Final = "capsule.json"
SIZE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a capsule; a larger one is not read."""
STEP_LIMIT: Final = 20_000
CALL_LIMIT: Final = 200
"""Calls of one step, and observations: a slice of a session has a handful."""
DEPTH_LIMIT: Final = 100
"""Nesting of the document; opentraces writes about ten levels, a tool's input adds its own."""
_SCHEMA: Final = "opentraces.capsule."
_VERSION: Final = "opentraces.capsule.v1"
_HEAD: Final = 64 * 1024
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z-]{0,20}")
_EXCLUDED: Final = "[EXCLUDED:"

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a capsule says of itself, with the lines of its session. Every text in it is the maker's word.

    ``digest``: of the file's bytes, hex. ``first`` and ``last``: the numbers of its steps in the session it was cut
    from.
    """

    digest: str
    ident: str
    session: str
    agent: str
    version: str
    model: str
    project: str
    first: int
    last: int
    lines: tuple[bytes, ...]

    @property
    def words(self) -> str:
        """One line for people: whose capsule it is, what is in it, and that nobody checked."""
        steps = f"step {self.first}" if self.first == self.last else f"steps {self.first} to {self.last}"
        of = f" of {one_line(self.project, 40)}" if self.project else ""
        return f"opentraces capsule, nothing verified: {self.ident}{of}, {steps}, read only"


@dataclass(frozen=True, slots=True)
class _Call:
    ident: str
    name: str
    given: dict[str, Any]
    output: str | None
    failed: bool


@dataclass(frozen=True, slots=True)
class _Turn:
    """One step: who spoke (``user``, ``agent`` or ``system``), when, what was said, and the calls with their output."""

    place: int
    role: str
    time: str
    text: str
    model: str
    tokens: dict[str, int]
    calls: tuple[_Call, ...]


def find(path: str | os.PathLike[str]) -> str | None:
    """The document of the capsule that a path means: the file itself, or ``capsule.json`` in the folder; None where
    there is none. Only the beginning of a file is looked at."""
    name = os.fspath(path)
    # A file that the user names may be a link, the one in a folder may not.
    name = os.path.join(name, NAME) if os.path.isdir(name) else os.path.realpath(name)  # noqa: PTH112, PTH118
    try:
        with open_log(name) as stream:
            head = stream.read(_HEAD)
            if head.lstrip()[:1] != b"{":
                return None
            if os.path.basename(name) == NAME or b'"capsule_id"' in head:  # noqa: PTH119
                # The keys are sorted: the schema stands near the end.
                data = head + stream.read(SIZE_LIMIT + 1 - len(head))
                return name if re.search(rb'"schema_version"\s*+:\s*+"opentraces\.capsule\.v', data) else None
    except (OSError, ValueError):
        pass
    return None


def read(path: str) -> Envelope:
    """Read the capsule at ``path``, as ``find`` gave it. Raises TracetuiError, in one line, for what is too large, too
    deep, no capsule of this version, or of an agent without a reader."""
    try:
        with open_log(path) as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise _refused(error.strerror or "not readable") from None
    if len(data) > SIZE_LIMIT:
        raise _refused(f"larger than {SIZE_LIMIT >> 20} MiB")
    if _depth(data) > DEPTH_LIMIT:
        raise _refused(f"nested deeper than {DEPTH_LIMIT} levels")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _refused("not whole JSON") from None
    schema = value.get("schema_version") if isinstance(value, dict) else None
    if schema != _VERSION:
        newer = isinstance(schema, str) and schema.startswith(_SCHEMA)
        raise _refused("a format that this program does not know" if newer else "no capsule of opentraces")
    source, part = _object(value.get("source")), _object(value.get("slice"))
    listed = part.get("steps")
    if not isinstance(listed, list) or not listed:
        raise _refused("it holds no steps")
    if len(listed) > STEP_LIMIT:
        raise _refused(f"more than {STEP_LIMIT:,} steps")
    agent = _text(source.get("agent"))
    shape = _SHAPES.get(agent)
    if shape is None:
        raise _refused(f"its agent ({one_line(agent, 30) or 'none named'}) is none whose sessions this program reads")
    digest = hashlib.sha256(data).hexdigest()
    turns = [_turn(step, place) for place, step in enumerate(listed, 1) if isinstance(step, dict)]
    numbers = [step.get("step_index") for step in listed if isinstance(step, dict)]
    known = [number for number in numbers if type(number) is int and 0 <= number < 10_000_000]
    envelope = Envelope(
        digest=digest,
        ident=_plain(value.get("capsule_id")) or digest[:16],
        session=_plain(source.get("trace_id")) or digest[:32],
        agent=agent,
        version=_text(source.get("agent_version")),
        model=_text(source.get("model")),
        project=_text(source.get("project_slug")),
        first=min(known, default=1),
        last=max(known, default=len(turns)),
        lines=(),
    )
    made = shape(envelope, turns)
    return replace(envelope, lines=tuple(orjson.dumps(line) + b"\n" for line in made))


def refuse(path: str | os.PathLike[str], what: str) -> None:
    """Raise TracetuiError where ``path`` is a capsule of opentraces: one line with why ``what`` (a sentence) cannot be
    done with it, and what can."""
    if find(path) is not None:
        name = os.fspath(path)
        raise TracetuiError(f"{name} is an opentraces capsule: {what}; to read its session: tracetui open {name}")


def _refused(why: str) -> TracetuiError:
    return TracetuiError(f"The opentraces capsule is not opened: {why}")


def _depth(data: bytes) -> int:
    """How deep brackets nest outside strings, without parsing."""
    deepest = depth = 0
    for found in re.finditer(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', data, re.DOTALL):
        mark = data[found.start()]
        if mark == 0x22:
            continue
        depth += 1 if mark in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEPTH_LIMIT:
            break
    return deepest


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return "" if not isinstance(value, str) or value.startswith(_EXCLUDED) else value


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else ""


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value[:CALL_LIMIT] if isinstance(item, dict)] if isinstance(value, list) else []


def _turn(step: dict[str, Any], place: int) -> _Turn:
    time = step.get("timestamp")
    usage = _object(step.get("token_usage"))
    tokens = {name: count for name, count in usage.items() if type(count) is int and 0 <= count < 1 << 40}
    model = _text(step.get("model"))
    return _Turn(
        place,
        _text(step.get("role")),
        time if isinstance(time, str) and _TIME.fullmatch(time) else "",
        _text(step.get("content")),
        model.partition("/")[2] or model,
        tokens,
        tuple(_calls(step, place)),
    )


def _calls(step: dict[str, Any], place: int) -> Iterator[_Call]:
    """The calls of a step with ids of ours: redaction leaves many with the same word for an id. An observation belongs
    to the call that alone carries its id, else to the one at its place in the step."""
    calls, seen = _objects(step.get("tool_calls")), _objects(step.get("observations"))
    names = [call.get("tool_call_id") for call in calls]
    left = list(seen)
    paired: dict[int, dict[str, Any]] = {}
    for at, name in enumerate(names):
        own = [item for item in left if item.get("source_call_id") == name]
        if names.count(name) == 1 and len(own) == 1:
            paired[at] = own[0]
            left.remove(own[0])
    for at, call in enumerate(calls):
        if at not in paired and left:
            paired[at] = left.pop(0)
        result = paired.get(at)
        output, error = (None, "") if result is None else (result.get("content"), _text(result.get("error")))
        if result is not None and not isinstance(output, str):
            output = _text(result.get("output_summary"))
        if output is not None and error and error not in output:
            output = f"{output}\n{error}".lstrip("\n")
        given = call.get("input")
        yield _Call(
            f"call-{place}-{at + 1}",
            _text(call.get("tool_name")) or "tool",
            given if isinstance(given, dict) else {"input": given},
            output,
            bool(error),
        )


def _anthropic(turn: _Turn) -> dict[str, int]:
    names = {"input_tokens": "input_tokens", "output_tokens": "output_tokens",
             "cache_read_tokens": "cache_read_input_tokens",
             "cache_write_tokens": "cache_creation_input_tokens"}  # fmt: skip
    return {out: turn.tokens[name] for name, out in names.items() if name in turn.tokens}


def _claude(envelope: Envelope, turns: list[_Turn]) -> Iterator[Line]:
    parent: str | None = None
    count = 0

    def line(kind: str, turn: _Turn, message: Line) -> Line:
        nonlocal parent, count
        count += 1
        own = f"{envelope.digest[:16]}-{count}"
        made: Line = {"parentUuid": parent, "isSidechain": False, "userType": "external", "uuid": own}
        made["type"] = "user" if kind == "result" else kind
        made |= {"sessionId": envelope.session, "version": envelope.version, "message": message}
        if turn.time and kind != "result":  # when a result came, the capsule does not tell
            made["timestamp"] = turn.time
        if turn.role == "system":
            made["isMeta"] = True
        parent = own
        return made

    for turn in turns:
        if turn.role != "agent":
            if turn.text:
                yield line("user", turn, {"role": "user", "content": turn.text})
            continue
        blocks: list[Line] = [{"type": "text", "text": turn.text}] if turn.text else []
        blocks += [
            {"type": "tool_use", "id": call.ident, "name": call.name, "input": call.given} for call in turn.calls
        ]
        if blocks:
            message = {"role": "assistant", "type": "message", "id": f"msg-{turn.place}", "model": turn.model}
            yield line("assistant", turn, {**message, "content": blocks, "usage": _anthropic(turn)})
        for call in turn.calls:
            if call.output is not None:
                result = {"type": "tool_result", "tool_use_id": call.ident, "content": call.output}
                yield line("result", turn, {"role": "user", "content": [{**result, "is_error": call.failed}]})


def _codex(envelope: Envelope, turns: list[_Turn]) -> Iterator[Line]:
    def line(turn: _Turn, kind: str, payload: Line) -> Line:
        return {"type": kind, "payload": payload} | ({"timestamp": turn.time} if turn.time else {})

    yield line(turns[0], "session_meta", {"id": envelope.session, "cli_version": envelope.version})
    model = ""
    for turn in turns:
        if turn.model and turn.model != model:
            model = turn.model
            yield line(turn, "turn_context", {"model": model})
        if turn.text:
            agent = turn.role == "agent"
            role = "assistant" if agent else "user" if turn.role == "user" else "developer"
            content = [{"type": "output_text" if agent else "input_text", "text": turn.text}]
            yield line(turn, "response_item", {"type": "message", "role": role, "content": content})
        for call in turn.calls:
            item: Line = {"type": "function_call", "name": call.name, "call_id": call.ident}
            yield line(turn, "response_item", item | {"arguments": orjson.dumps(call.given).decode()})
            if call.output is not None:
                item = {"type": "function_call_output", "call_id": call.ident, "output": call.output}
                yield line(turn, "response_item", item)


def _pi(envelope: Envelope, turns: list[_Turn]) -> Iterator[Line]:
    parent: str | None = None
    count = 0
    zero = next((turn.time for turn in turns if turn.time), "1970-01-01T00:00:00Z")

    def line(turn: _Turn, message: Line) -> Line:
        nonlocal parent, count
        count += 1
        made = {"type": "message", "id": f"{count:08x}", "parentId": parent, "timestamp": turn.time or zero}
        parent = f"{count:08x}"
        return made | {"message": message}

    yield {"type": "session", "version": 3, "id": envelope.session, "timestamp": zero, "cwd": ""}
    for turn in turns:
        text: list[Line] = [{"type": "text", "text": turn.text}] if turn.text else []
        if turn.role != "agent":
            if text:
                yield line(turn, {"role": "user", "content": text})
            continue
        asked = [{"type": "toolCall", "id": c.ident, "name": c.name, "arguments": c.given} for c in turn.calls]
        if text or asked:
            stop = "toolUse" if asked else "stop"
            yield line(turn, {"role": "assistant", "content": [*text, *asked], "model": turn.model, "stopReason": stop})
        for call in turn.calls:
            if call.output is not None:
                content = [{"type": "text", "text": call.output}]
                result = {"role": "toolResult", "toolCallId": call.ident, "toolName": call.name}
                yield line(turn, {**result, "isError": call.failed, "content": content})


_SHAPES: Final[dict[str, Callable[[Envelope, list[_Turn]], Iterator[Line]]]] = {
    "claude-code": _claude,
    "claude": _claude,
    "codex-cli": _codex,
    "codex": _codex,
    "pi": _pi,
}
"""By the agent's name as opentraces writes it."""
