"""A reader's state as bytes, and back: small facts and open steps as JSON, hashes of what was seen as they are."""

from __future__ import annotations

import base64
import marshal
from array import array
from hashlib import blake2b
from typing import Any, cast

import orjson

from tracetui.harness.claude.usage import pack_tokens, unpack_tokens
from tracetui.model import Kind, Source, Step, ToolUse

__all__ = ["fingerprint", "freeze", "pack_step", "thaw", "unpack_step"]


def fingerprint(text: str) -> int:
    """64 bits of BLAKE2b: with a million ids the chance that any two collide is below 1 in 10 million."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def pack_step(step: Step) -> Any:
    """A step as a JSON value."""
    tool, tokens = step.tool, step.tokens
    packed = [
        step.number,
        step.kind,
        step.key,
        [list(source) for source in step.sources],
        step.time,
        step.model,
        step.text,
        None
        if tool is None
        else [tool.name, tool.input, tool.output, tool.is_error, tool.exit_code, tool.call_id, tool.duration_ms],
        pack_tokens(tokens),
        step.summary,
        step.response,
        step.thread,
        step.sidechain,
        step.images,
        step.cost_usd,
    ]
    try:
        orjson.dumps(packed)
    except TypeError:  # an input nested deeper than orjson writes, though it reads it
        return base64.b85encode(marshal.dumps(packed)).decode("ascii")
    return packed


def unpack_step(packed: Any) -> Step:
    """The reverse of ``pack_step``."""
    if isinstance(packed, str):
        packed = marshal.loads(base64.b85decode(packed))  # noqa: S302 - our own bytes, out of the private bucket
    number, kind, key, sources, time, model, text, tool, tokens, summary, response, thread, side, images, cost = packed
    return Step(
        number=number,
        kind=cast(Kind, kind),
        key=key,
        sources=tuple(Source(*source) for source in sources),
        time=time,
        model=model,
        text=text,
        tool=None if tool is None else ToolUse(*tool),
        tokens=unpack_tokens(tokens),
        summary=summary,
        response=response,
        thread=thread,
        sidechain=side,
        images=images,
        cost_usd=cost,
    )


def freeze(state: dict[str, Any], seen: set[int]) -> bytes:
    """State and hashes as bytes: the length of the JSON, a line end, the JSON, the hashes."""
    text = orjson.dumps(state)
    return b"%d\n" % len(text) + text + array("Q", sorted(seen)).tobytes()


def thaw(data: bytes) -> tuple[dict[str, Any], set[int]]:
    """The reverse of ``freeze``. Raises ValueError where the bytes are none of ours."""
    head, _, rest = data.partition(b"\n")
    length = int(head)
    hashes = array("Q")
    hashes.frombytes(rest[length:])
    return orjson.loads(rest[:length]), set(hashes)
