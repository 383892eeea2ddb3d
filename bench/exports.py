"""Whether exported contexts are valid by the types of the official SDKs, over every log below the folders.

    python bench/exports.py FOLDER…       (pip install -e '.[bench]': openai, anthropic)

Of each log the first, the middle and the last context are exported in each format and validated: by the types of the
SDKs, and by what no type says (each call has its result right behind it, roles alternate, nothing is empty).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from anthropic.types import message_create_params as anthropic_params
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import response_create_params as response_params
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from tracetui.ctx.build import Builder
from tracetui.ctx.context import Context, context_of
from tracetui.ctx.messages import messages
from tracetui.ctx.openai import chat, responses
from tracetui.ctx.parts import parts_of
from tracetui.harness import detect
from tracetui.harness.lines import records_of
from tracetui.model import Record, Source, TracetuiError


def adapter(shape: Any) -> TypeAdapter[Any]:
    """A validator of a TypedDict that takes no key that it does not know."""
    return TypeAdapter(with_config(ConfigDict(extra="forbid", arbitrary_types_allowed=True))(shape))


FORMATS: dict[str, tuple[Callable[..., dict[str, Any]], TypeAdapter[Any]]] = {
    "messages": (messages, adapter(anthropic_params.MessageCreateParamsNonStreaming)),
    "responses": (responses, adapter(response_params.ResponseCreateParamsNonStreaming)),
    "chat": (chat, adapter(chat_params.CompletionCreateParamsNonStreaming)),
}


def contexts(path: Path) -> Iterator[tuple[Context, Callable[[int, Source], list[Record]]]]:
    """The first, the middle and the last context of a log."""
    with path.open("rb") as stream:
        records = [item for item in records_of(stream) if isinstance(item, Record)]
    harness = detect([record.value for record in records[:20]])
    if harness is None or harness.context is None:
        return
    builder = Builder(harness.name, path.stem)
    by_source: dict[Source, list[Record]] = {}
    for record in records:
        builder.feed(record)
        by_source.setdefault(record.source, []).append(record)
    index = builder.finish()
    steps = [step for step in index.call_step if step]
    for at in sorted({0, len(steps) // 2, len(steps) - 1}):
        if 0 <= at < len(steps):
            yield context_of(index, steps[at]), lambda _, source: by_source[source]


def behind(form: str, request: Mapping[str, Any]) -> str:
    """What no type says: a call whose result does not follow; "" where all do."""
    if form == "responses":
        items = request["input"]
        calls = [item["call_id"] for item in items if item.get("type") in ("function_call", "custom_tool_call")]
        outputs = [item["call_id"] for item in items if str(item.get("type", "")).endswith("_output")]
        return "" if sorted(calls) == sorted(outputs) and len(set(calls)) == len(calls) else "calls and results differ"
    if form == "chat":
        said = request["messages"]
        for at, message in enumerate(said):
            wanted = [call["id"] for call in message.get("tool_calls") or []]
            got = [after.get("tool_call_id") for after in said[at + 1 : at + 1 + len(wanted)]]
            if sorted(wanted) != sorted(name for name in got if name):
                return "results do not follow their calls"
    return ""


def main() -> None:
    """Read the command line; exit status 1 where something is not valid."""
    good: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).rglob("*.jsonl")):
            for context, reading in contexts(path):
                parts = parts_of(context, reading)
                for form, (make, types) in FORMATS.items():
                    try:
                        request = make(context, parts)
                    except TracetuiError:
                        refused[form] += 1
                        continue
                    try:
                        walk(types.validate_python(request))
                        problem = behind(form, request)
                    except ValidationError as error:
                        problem = str(error)[:600]
                    bad[form] += bool(problem)
                    good[form] += not problem
                    if problem:
                        print(f"{path.name} step {context.step} {form}: {problem}")
    for form in FORMATS:
        print(f"{form:<10} {good[form]:>6} valid {bad[form]:>4} not {refused[form]:>4} refused")
    sys.exit(bool(bad))


def walk(value: Any) -> None:
    """Iterables are validated as they are walked through: walk through all."""
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return
    for item in value:
        walk(item)


if __name__ == "__main__":
    main()
