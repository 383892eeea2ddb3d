"""Content blocks of messages and tool results -> plain text, whichever harness wrote them.

Understood are the shapes of the Anthropic Messages API (``text``, ``image`` with ``source``, ``document``,
``tool_reference`` ...), of OpenAI's Responses API (``input_text``, ``output_text``, ``input_image``), of MCP
(``resource``) and of Pi (``image`` with ``data`` and ``mimeType``). Anything else is named, never dropped in silence,
and no shape raises.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = ["Flat", "file_mark", "flatten", "mark", "size_words"]

_MARK_LIMIT: Final = 60
_DEPTH: Final = 4


class Flat(NamedTuple):
    """The text of some content and the number of images in it."""

    text: str
    images: int


def size_words(size: int) -> str:
    """Bytes as people write them: ``312 B``, ``12 kB``, ``3.4 MB`` (powers of 1000)."""
    if size < 1000:
        return f"{size} B"
    if size < 999_500:
        return f"{(size + 500) // 1000} kB"
    return f"{size / 1_000_000:.1f} MB"


def mark(*words: str) -> str:
    """Words in brackets that stand for something that is not text: ``[image png 12 kB]``."""
    inner = " ".join(" ".join(word[:_MARK_LIMIT].split()) for word in words if word)
    return f"[{inner}]"


def file_mark(what: str, mime: object, data: object) -> str:
    """The mark of base64 ``data``: ``what``, the second half of its media type, and its decoded size."""
    kind = mime.rpartition("/")[2] if isinstance(mime, str) else ""
    size = ""
    if isinstance(data, str) and data:
        size = size_words(max(0, len(data) * 3 // 4 - data.endswith("=") - data.endswith("==")))
    return mark(what, kind, size)


def flatten(content: object, depth: int = 0) -> Flat:
    """The text of a message's or a tool result's content, in order, one block per paragraph line.

    A string is itself; None is empty; a list is its blocks, joined by line ends; a lone block is read as a list of it.
    Content nested in blocks is followed ``_DEPTH`` levels.
    """
    if isinstance(content, str):
        return Flat(content, 0)
    if content is None:
        return Flat("", 0)
    if isinstance(content, list):
        if len(content) == 1:
            return _block(content[0], depth)
        texts: list[str] = []
        images = 0
        for item in content:
            flat = _block(item, depth)
            images += flat.images
            if flat.text:
                texts.append(flat.text)
        return Flat("\n".join(texts), images)
    return _block(content, depth)


def _block(block: object, depth: int) -> Flat:
    if isinstance(block, str):
        return Flat(block, 0)
    if not isinstance(block, dict):
        return Flat("" if block is None else str(block)[:200], 0)
    kind = block.get("type")
    if not isinstance(kind, str):
        kind = None
    text = block.get("text")
    if isinstance(text, str) and kind in _TEXT_TYPES:
        return Flat(text, 0)
    if kind in ("image", "input_image", "image_url", "local_image"):
        return Flat(_image(block), 1)
    if kind == "document":
        return _document(block, depth)
    if kind == "resource":
        return _resource(block.get("resource"))
    named = _named(kind, block)
    if named is not None:
        return Flat(named, 0)
    if kind in ("search_result", "web_fetch_result"):
        inner = flatten(block.get("content"), depth + 1) if depth < _DEPTH else Flat("", 0)
        title = _text(block.get("title")) or _text(block.get("url"))
        return Flat("\n".join(part for part in (title, inner.text) if part), inner.images)
    if isinstance(text, str):
        return Flat(text, 0)
    if isinstance(block.get("content"), (str, list)) and depth < _DEPTH:
        return flatten(block["content"], depth + 1)
    return Flat(mark(_text(kind) or "block"), 0)


def _named(kind: str | None, block: dict[str, Any]) -> str | None:
    """What stands for a block that is told in a few words; None for any other."""
    if kind == "tool_reference":
        return mark("tool", _text(block.get("tool_name")))
    if kind == "resource_link":
        return mark("resource", _text(block.get("uri")))
    if kind == "audio":
        return file_mark("audio", block.get("mimeType"), block.get("data"))
    if kind == "web_search_result":
        return " ".join(part for part in (_text(block.get("title")), _text(block.get("url"))) if part)
    if kind in ("web_search_tool_result_error", "web_fetch_tool_result_error"):
        return f"{kind}: {_text(block.get('error_code'))}"
    return None


_TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal", None})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _image(block: dict[str, Any]) -> str:
    source = block.get("source")
    if isinstance(source, dict):
        if source.get("type") == "url" or ("data" not in source and "url" in source):
            return _linked(source.get("url"))
        return file_mark("image", source.get("media_type"), source.get("data"))
    if "data" in block:
        return file_mark("image", block.get("mimeType") or block.get("media_type"), block["data"])
    url = block.get("image_url")
    if isinstance(url, dict):
        url = url.get("url")
    if url is None:
        url = block.get("url") or block.get("path") or block.get("file_id")
    return _linked(url)


def _linked(url: object) -> str:
    if not isinstance(url, str):
        return mark("image")
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        return file_mark("image", head[5:].partition(";")[0], data)
    return mark("image", url)


def _document(block: dict[str, Any], depth: int) -> Flat:
    source = block.get("source")
    title = _text(block.get("title"))
    if isinstance(source, dict):
        kind = source.get("type")
        if kind == "text" and isinstance(source.get("data"), str):
            return Flat("\n".join(part for part in (mark("document", title), source["data"]) if part), 0)
        if kind == "content" and isinstance(source.get("content"), (str, list)) and depth < _DEPTH:
            return flatten(source["content"], depth + 1)
        if kind == "url":
            return Flat(mark("document", title, _text(source.get("url"))), 0)
        return Flat(file_mark(f"document {title}".strip(), source.get("media_type"), source.get("data")), 0)
    return Flat(mark("document", title), 0)


def _resource(resource: object) -> Flat:
    if not isinstance(resource, dict):
        return Flat(mark("resource"), 0)
    if isinstance(resource.get("text"), str):
        return Flat(resource["text"], 0)
    mime = resource.get("mimeType")
    image = isinstance(mime, str) and mime.startswith("image/")
    return Flat(file_mark("image" if image else "resource", mime, resource.get("blob")), int(image))
