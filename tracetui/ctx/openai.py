"""A context as a request of OpenAI's Responses API or of its chat completions, valid by the types of the official SDK
(``bench/exports.py`` checks that)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from tracetui.ctx.context import Context
from tracetui.ctx.messages import Block, Idents, content_blocks, declared_tool, tool_name
from tracetui.ctx.parts import ExportSegment
from tracetui.harness.context import ContextPiece
from tracetui.model import TracetuiError

__all__ = ["chat", "responses"]

_MODEL: Final = frozenset({"message", "tool_call"})
_LONGEST: Final = 64
"""Characters of a call's id that the APIs take."""


def responses(context: Context, parts: Sequence[ExportSegment]) -> dict[str, Any]:
    """The request: ``model``, ``instructions``, ``input``, ``tools`` and ``store`` (false).

    Reasoning is kept where it can be read by the service: sealed, of the model that is asked. Raises TracetuiError
    (status 1) where the format cannot hold the context.
    """
    _refuse_sealed(parts, "responses")
    idents, tools = Idents(_LONGEST), _Tools(_response_tool)
    system: list[str] = []
    items: list[dict[str, Any]] = []
    custom: set[str | None] = set()
    for part in parts:
        piece = part.piece
        if piece.category == "system":
            if not tools.declare(piece):
                system.append(piece.text)
        elif piece.category == "thinking":
            items += _reasoning(context, part)
        elif piece.category == "message":
            items.append({"role": "assistant", "content": piece.text})
        elif piece.category == "tool_call":
            name, call = tool_name(piece.name), idents.of(piece.call)
            if isinstance(piece.value, str):
                custom.add(piece.call)
                tools.use(name, {"type": "custom", "name": name})
                items.append({"type": "custom_tool_call", "call_id": call, "name": name, "input": piece.value})
            else:
                tools.use(name)
                told = {"call_id": call, "name": name, "arguments": _arguments(piece)}
                items.append({"type": "function_call"} | told)
        elif piece.category == "tool_result":
            kind = "custom_tool_call_output" if piece.call in custom else "function_call_output"
            items.append({"type": kind, "call_id": idents.of(piece.call), "output": _output(piece)})
        else:
            role = "developer" if piece.category == "instructions" else "user"
            content = [_response_block(block) for block in content_blocks(piece)]
            if content:
                items.append({"type": "message", "role": role, "content": content})
    if not items:
        raise TracetuiError("There is nothing to export: the context holds no message")
    request: dict[str, Any] = {"model": context.model or "unknown"}
    if system:
        request["instructions"] = "\n\n".join(system)
    return request | {"input": items} | tools.told() | {"store": False}


def chat(context: Context, parts: Sequence[ExportSegment]) -> dict[str, Any]:
    """The request: ``model``, ``messages`` and ``tools``; thinking is left out. Raises TracetuiError (status 1) where
    the format cannot hold the context."""
    _refuse_sealed(parts, "chat")
    idents, tools = Idents(_LONGEST), _Tools(_chat_tool)
    out: list[dict[str, Any]] = []
    spoken: dict[str, Any] | None = None  # what the model says at present
    results: list[dict[str, Any]] = []
    pictures: list[Block] = []

    def close() -> None:
        """Results stand right behind the calls, and images that came with them in a message of the user."""
        nonlocal spoken
        out.extend(results)
        if pictures:
            out.append({"role": "user", "content": [_chat_block(block) for block in pictures]})
        spoken = None
        results.clear()
        pictures.clear()

    for part in parts:
        piece = part.piece
        if piece.category == "system":
            if not tools.declare(piece):
                out.insert(sum(said["role"] == "system" for said in out), {"role": "system", "content": piece.text})
        elif piece.category in _MODEL:
            if results:
                close()
            if spoken is None:
                spoken = {"role": "assistant", "content": None}
                out.append(spoken)
            if piece.category == "message":
                spoken["content"] = f"{spoken['content']}\n\n{piece.text}" if spoken["content"] else piece.text
            else:
                name = tool_name(piece.name)
                tools.use(name)
                told = {"name": name, "arguments": _arguments(piece)}
                called = {"id": idents.of(piece.call), "type": "function", "function": told}
                spoken.setdefault("tool_calls", []).append(called)
        elif piece.category == "tool_result":
            blocks = content_blocks(piece)
            text = "\n".join(block["text"] for block in blocks if block["type"] == "text")
            results.append({"role": "tool", "tool_call_id": idents.of(piece.call), "content": text or "(no output)"})
            pictures += [block for block in blocks if block["type"] == "image"]
        elif piece.category != "thinking":
            close()
            content = [_chat_block(block) for block in content_blocks(piece)]
            if content:
                out.append({"role": "user", "content": content})
    close()
    if not any(said["role"] != "system" for said in out):
        raise TracetuiError("There is nothing to export: the context holds no message")
    return {"model": context.model or "unknown", "messages": out} | tools.told()


def _refuse_sealed(parts: Sequence[ExportSegment], form: str) -> None:
    if any(part.piece.category == "summary" and not part.piece.text.strip() for part in parts):
        raise TracetuiError(
            f"The {form} format cannot hold this context: its summary is sealed; export it as native instead"
        )


class _Tools:
    """The tools of a request: those that the log declares, and those that were called."""

    def __init__(self, shape: Callable[[Block], dict[str, Any]]) -> None:
        self._shape = shape
        self._known: dict[str, dict[str, Any]] = {}

    def declare(self, piece: ContextPiece) -> bool:
        """Take the declaration of a tool; False where the piece is none."""
        if not isinstance(piece.value, dict) or not (piece.name or "").startswith("tool "):
            return False
        tool = declared_tool(piece.value)
        self._known[tool["name"]] = self._shape(tool)
        return True

    def use(self, name: str, shape: dict[str, Any] | None = None) -> None:
        """A tool was called: it is declared, if only by its name."""
        self._known.setdefault(name, shape or self._shape({"name": name, "input_schema": {"type": "object"}}))

    def told(self) -> dict[str, Any]:
        """The part of the request."""
        return {"tools": list(self._known.values())} if self._known else {}


def _response_tool(tool: Block) -> dict[str, Any]:
    return {"type": "function", "strict": False} | _function(tool)


def _chat_tool(tool: Block) -> dict[str, Any]:
    return {"type": "function", "function": _function(tool)}


def _function(tool: Block) -> dict[str, Any]:
    told = {"name": tool["name"], "parameters": tool["input_schema"]}
    return told | ({"description": tool["description"]} if "description" in tool else {})


def _arguments(piece: ContextPiece) -> str:
    given = piece.value
    if isinstance(given, str) and given:
        given = {"input": given}
    return orjson.dumps({} if given in (None, "") else given).decode()


def _output(piece: ContextPiece) -> Any:
    blocks = content_blocks(piece)
    if any(block["type"] == "image" for block in blocks):
        return [_response_block(block) for block in blocks]
    return "\n".join(block["text"] for block in blocks) or "(no output)"


def _response_block(block: Block) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "input_text", "text": block["text"]}
    return {"type": "input_image", "image_url": _url(block), "detail": "auto"}


def _chat_block(block: Block) -> dict[str, Any]:
    if block["type"] == "text":
        return {"type": "text", "text": block["text"]}
    return {"type": "image_url", "image_url": {"url": _url(block)}}


def _url(block: Block) -> str:
    source = block["source"]
    return f"data:{source['media_type']};base64,{source['data']}"


def _reasoning(context: Context, part: ExportSegment) -> list[dict[str, Any]]:
    """A reasoning item as it was sent, where the service can still read it."""
    item, index = part.piece.value, context.index
    by = index.by[part.at]
    if not isinstance(item, dict) or item.get("type") != "reasoning" or by < 0 or not context.model:
        return []
    sealed, summary = item.get("encrypted_content"), item.get("summary")
    if index.names[index.call_model[by]] != context.model or not isinstance(sealed, str) or not sealed:
        return []
    texts = [said["text"] for said in summary or () if isinstance(said, dict) and isinstance(said.get("text"), str)]
    told = [{"type": "summary_text", "text": text} for text in texts]
    ident = item.get("id")
    name = ident if isinstance(ident, str) and ident else f"rs_{part.n}"
    return [{"type": "reasoning", "id": name, "summary": told, "encrypted_content": sealed}]
