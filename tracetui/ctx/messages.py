"""A context as a request of the Messages API that validates: roles alternate, every call is followed by its results,
nothing is empty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tracetui.ctx.context import Context
from tracetui.ctx.parts import ExportSegment
from tracetui.harness import HARNESSES
from tracetui.harness.content import flatten
from tracetui.harness.context import ContextPiece
from tracetui.model import TracetuiError

__all__ = ["Idents", "content_blocks", "declared_tool", "messages", "tool_name"]

_MEDIA: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST: Final = 128
_MODEL: Final = frozenset({"message", "thinking", "tool_call"})
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")

Block = dict[str, Any]


def messages(context: Context, parts: Sequence[ExportSegment]) -> dict[str, Any]:
    """The request: ``model``, ``max_tokens``, ``system``, ``tools`` and ``messages``.

    Thinking is kept where its signature holds: words and signature of the model that is asked. Raises TracetuiError
    (status 1) where the format cannot hold the context.
    """
    if any(part.piece.category == "summary" and not part.piece.text.strip() for part in parts):
        raise TracetuiError(
            "The messages format cannot hold this context: its summary is sealed; export it as native instead"
        )
    system: list[Block] = []
    tools: dict[str, Block] = {}
    idents = Idents()
    results = {part.piece.call: part.piece for part in parts if part.piece.category == "tool_result"}
    out: list[dict[str, Any]] = []
    again = False  # results came in: what the model wrote next is a response of its own
    for part in parts:
        piece = part.piece
        if piece.category == "system":
            if isinstance(piece.value, dict) and (piece.name or "").startswith("tool "):
                tool = declared_tool(piece.value)
                tools[tool["name"]] = tool
            else:
                system.append({"type": "text", "text": piece.text})
        elif piece.category == "tool_result":
            again = True  # stands behind its call
        elif piece.category in _MODEL:
            block = _spoken(context, part, idents)
            if block is not None:
                _add(out, "assistant", [block], again)
                again = False
                if piece.category == "tool_call":
                    _answer(out, results[piece.call], idents)
        else:
            _add(out, "user", content_blocks(piece))
    out = _ordered(out)
    for message in out:
        for block in message["content"]:
            if block["type"] == "tool_use":
                schema = {"type": "object"}
                tools.setdefault(block["name"], {"name": block["name"], "input_schema": schema})
    if not out:
        raise TracetuiError("There is nothing to export: the context holds no message")
    request: dict[str, Any] = {"model": context.model or "unknown", "max_tokens": 8192}
    if system:
        request["system"] = system
    if tools:
        request["tools"] = list(tools.values())
    request["messages"] = out
    return request


class Idents:
    """Ids of calls in the characters and the length that an API takes, still one for one."""

    def __init__(self, longest: int = _LONGEST) -> None:
        self._longest = longest
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, call: str | None) -> str:
        name = call or ""
        ident = self._known.get(name)
        if ident is None:
            ident = _NAME.sub("_", name)[: self._longest] or "call"
            stem, nth = ident, 1
            while ident in self._taken:
                nth += 1
                ident = f"{stem[: self._longest - 12]}_{nth}"
            self._known[name] = ident
            self._taken.add(ident)
        return ident


def _add(out: list[dict[str, Any]], role: str, blocks: list[Block], again: bool = False) -> None:
    if not blocks:
        return
    if out and out[-1]["role"] == role and not again:
        out[-1]["content"].extend(blocks)
    else:
        out.append({"role": role, "content": blocks, "results": []})


def _answer(out: list[dict[str, Any]], piece: ContextPiece, idents: Idents) -> None:
    """Keep the result of a call with the message that made it, to stand behind it."""
    block: Block = {"type": "tool_result", "tool_use_id": idents.of(piece.call)}
    content = content_blocks(piece)
    if len(content) == 1 and content[0]["type"] == "text":
        block["content"] = content[0]["text"]
    else:
        block["content"] = content or "(no output)"
    out[-1]["results"].append(block)


def _ordered(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results right behind the calls; then the roles again in turn, from the user to the user."""
    out: list[dict[str, Any]] = []
    for message in given:
        content = message["content"]
        if out and out[-1]["role"] == message["role"]:
            out[-1]["content"].extend(content)
        else:
            out.append({"role": message["role"], "content": content})
        if message["results"]:
            out.append({"role": "user", "content": message["results"]})
    if out and out[0]["role"] == "assistant":
        out.insert(0, {"role": "user", "content": [{"type": "text", "text": "(the conversation began before this)"}]})
    if out and out[-1]["role"] == "assistant":
        out.append({"role": "user", "content": [{"type": "text", "text": "(continue)"}]})
    return out


def _spoken(context: Context, part: ExportSegment, idents: Idents) -> Block | None:
    """A block that the model wrote; None for thinking whose signature would not hold."""
    piece = part.piece
    if piece.category == "message":
        return {"type": "text", "text": piece.text}
    if piece.category == "tool_call":
        given = piece.value
        if not isinstance(given, dict):
            given = {} if given in (None, "") else {"input": given}
        return {"type": "tool_use", "id": idents.of(piece.call), "name": tool_name(piece.name), "input": given}
    index = context.index
    rules = HARNESSES[index.harness].context
    if rules is None or not rules.signed_thinking or not isinstance(piece.value, dict):
        return None
    by = index.by[part.at]
    if by < 0 or not context.model or index.names[index.call_model[by]] != context.model:
        return None
    signature = piece.value.get("signature")
    if not isinstance(signature, str) or not signature or not piece.text.strip():
        return None
    return {"type": "thinking", "thinking": piece.text, "signature": signature}


def tool_name(name: str | None) -> str:
    return _NAME.sub("_", name or "tool")[:_LONGEST] or "tool"


def declared_tool(value: dict[str, Any]) -> Block:
    tool: Block = {"name": tool_name(value.get("name") if isinstance(value.get("name"), str) else None)}
    if isinstance(value.get("description"), str) and value["description"]:
        tool["description"] = value["description"]
    schema = value.get("parameters", value.get("input_schema"))
    tool["input_schema"] = schema if isinstance(schema, dict) and schema.get("type") == "object" else {"type": "object"}
    return tool


def content_blocks(piece: ContextPiece) -> list[Block]:
    """Text and images of a piece; never an empty text."""
    if piece.images and isinstance(piece.value, list):
        blocks: list[Block] = []
        for item in piece.value:
            image = _image(item)
            if image is not None:
                blocks.append(image)
                continue
            text = flatten(item).text
            if text.strip():
                blocks.append({"type": "text", "text": text})
        return blocks
    return [{"type": "text", "text": piece.text}] if piece.text.strip() else []


def _image(item: Any) -> Block | None:
    """An image block of any harness as the API has it; None for what is no image that it takes."""
    if not isinstance(item, dict):
        return None
    source = item.get("source")
    media: Any = None
    data: Any = None
    if isinstance(source, dict):
        media, data = source.get("media_type"), source.get("data")
    elif "data" in item:
        media, data = item.get("mimeType") or item.get("media_type"), item["data"]
    else:
        url = item.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        if isinstance(url, str) and url.startswith("data:"):
            head, _, data = url.partition(",")
            media = head[5:].partition(";")[0]
    if media not in _MEDIA or not isinstance(data, str) or not data or not _BASE64.fullmatch(data):
        return None
    return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}
