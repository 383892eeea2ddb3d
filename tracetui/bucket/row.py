"""A step as the row that the index keeps of it: packed sources, the text that is searched, its hash."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from tracetui.harness import tools
from tracetui.model import KINDS, Source, Step

__all__ = ["SOURCE", "StepColumns", "doc_of", "pack_sources", "plain", "row_of", "texts_of", "unpack_sources"]

SOURCE: Final = struct.Struct("<IIBI")
"""A source of a step in the index: line, low and high part of the offset, length."""
_TWO: Final = struct.Struct("<IIBIIIBI")
_MARK: Final = struct.Struct("<q")
_MAX: Final = 0xFFFFFFFF
_KIND: Final = {kind: nth for nth, kind in enumerate(KINDS)}
_MUTE: Final = frozenset({int, bool, float})
_Number = int | str | None
_NO_TOKENS: Final[tuple[_Number, _Number, _Number, _Number, _Number]] = ("", "", "", "", "")
_BETWEEN: Final = "\n\ue000\n"
"""Between the texts of a step; a word of its own to the index, so that no phrase reaches from one into the next."""


class StepColumns(NamedTuple):
    """The row of a step in the index, with its ``text``, a signed 64-bit hash of it and the files that it speaks of; ""
    where there is no value. ``kind`` counts in ``model.KINDS``, ``sources`` is made by ``pack_sources``,
    ``time`` in milliseconds."""

    number: int
    kind: int
    flags: int
    time: int | None
    summary: str
    tool: str
    exit_code: int | str | None
    duration: int | str | None
    input: int | str | None
    output: int | str | None
    cache_read: int | str | None
    cache_write: int | str | None
    cache_write_long: int | str | None
    model: str
    key: str
    thread: str
    size: int
    images: int
    cost: float | int | str
    sources: bytes
    digest: int
    text: str
    paths: list[str]


def pack_sources(sources: tuple[Source, ...]) -> bytes:
    """Sources as bytes."""
    if len(sources) == 2:
        # A call and its result: nearly half of all steps.
        (line, at, length), (other, then, size) = sources
        if line <= _MAX and length <= _MAX and other <= _MAX and size <= _MAX:
            return _TWO.pack(
                *(line, at & _MAX, (at >> 32) & 0xFF, length, other, then & _MAX, (then >> 32) & 0xFF, size)
            )
    elif len(sources) == 1:
        line, at, length = sources[0]
        if line <= _MAX and length <= _MAX:
            return SOURCE.pack(line, at & _MAX, (at >> 32) & 0xFF, length)
    return b"".join(
        [
            SOURCE.pack(line & _MAX, offset & _MAX, (offset >> 32) & 0xFF, min(length, _MAX))
            for line, offset, length in sources
        ]
    )


def unpack_sources(data: bytes) -> tuple[Source, ...]:
    """The reverse of ``pack_sources``."""
    return tuple(Source(line, low | high << 32, length) for line, low, high, length in SOURCE.iter_unpack(data))


def _strings(value: Any, out: list[str]) -> None:
    if type(value) is dict:
        # Nearly all inputs are flat.
        flat: list[str] = []
        for item in value.values():
            if type(item) is str:
                flat.append(item)
            elif item is not None and type(item) not in _MUTE:
                break
        else:
            out += flat
            return
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, Mapping):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, list | tuple):
            stack.extend(reversed(item))


def texts_of(step: Step) -> list[str]:
    """The texts of a step that are searched: its text, the strings of a call's input, its output; an unnamed kind of
    tool (MCP) by its name too."""
    out: list[str] = []
    if step.text:
        out.append(step.text)
    tool = step.tool
    if tool is not None:
        if step.kind == "tool" and tool.name:
            out.append(tool.name)
        _strings(tool.input, out)
        if tool.output and tool.output != step.text:
            out.append(tool.output)
    return out


def doc_of(step: Step) -> tuple[str, int]:
    """The text of a step as it is indexed, and a 64-bit hash of it (signed, as SQLite keeps it)."""
    text = step.text or "" if step.tool is None else _BETWEEN.join(texts_of(step))
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = text.encode("utf-8", "replace")
        text = data.decode("utf-8")
    (mark,) = _MARK.unpack(blake2b(data, digest_size=8).digest())
    return text, mark


def plain(text: str) -> str:
    """Text that can be stored: lone surrogates replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def row_of(step: Step) -> StepColumns:
    """The row that the index keeps of a step."""
    tool, tokens, cost = step.tool, step.tokens, step.cost_usd
    text, digest = doc_of(step)
    flags = 2 if step.sidechain else 0
    summary, model, key, thread = step.summary, step.model or "", step.key, step.thread or ""
    name = ""
    code: int | str | None = ""
    took: int | str | None = ""
    if tool is not None:
        flags |= step.failed
        name, code, took = tool.name, tool.exit_code, tool.duration_ms
        if code is None:
            code = ""
        if took is None:
            took = ""
    if not f"{summary}{key}{model}{thread}{name}".isascii():
        summary, key, model, thread, name = map(plain, (summary, key, model, thread, name))
    paid = "" if cost is None else cost
    touched = [] if tool is None else tools.paths(step.kind, tool.input)
    if touched:
        touched = [plain(path) for path in touched]
    used = _NO_TOKENS
    if tokens is not None:
        used = tokens.input, tokens.output, tokens.cache_read, tokens.cache_write, tokens.cache_write_long
    size, sources = len(text), pack_sources(step.sources)
    head = (step.number, _KIND[step.kind], flags, step.time, summary, name, code, took)
    return StepColumns(*head, *used, model, key, thread, size, step.images, paid, sources, digest, text, touched)
