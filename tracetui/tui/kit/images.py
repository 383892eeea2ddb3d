"""Images that the records of a step hold: what they are by their bytes, and how large. Nothing is decoded."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tracetui.text import format as fmt

__all__ = ["Image", "find_images", "kind_of"]

_MOST: Final = 200
_DEPTH: Final = 40
_LEAST: Final = 32
_KEYS: Final = ("data", "image_url", "url", "blob")


@dataclass(frozen=True, slots=True)
class Image:
    """``kind`` is ``png, jpeg, gif, webp``, or None for anything else, which is not opened. ``size`` in pixels where
    the head tells it."""

    kind: str | None
    data: bytes
    size: tuple[int, int] | None = None
    declared: str = ""

    @property
    def label(self) -> str:
        """``PNG, 1,024 x 768, 240 kB``."""
        parts = [self.kind.upper() if self.kind else "not an image that is opened"]
        if self.size is not None:
            parts.append(f"{self.size[0]:,} x {self.size[1]:,}")
        parts.append(fmt.size(len(self.data)))
        return ", ".join(parts)


def kind_of(data: bytes) -> str | None:
    """The kind of image by its first bytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return None


def _pixels(kind: str | None, data: bytes) -> tuple[int, int] | None:
    """Width and height from the head of the file, None when it does not say."""
    if kind == "png" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if kind == "gif" and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if kind == "webp" and len(data) >= 30:
        if data[12:16] == b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        if data[12:16] == b"VP8 ":
            width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
            return width, height
        if data[12:16] == b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == "jpeg":
        at = 2
        for _ in range(200):
            if at + 9 > len(data) or data[at] != 0xFF:
                return None
            marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
            if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
            at += 2 + max(2, length)
    return None


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=False)
    except (binascii.Error, ValueError):
        return None


def _image_data(value: dict[str, Any]) -> tuple[str, str] | None:
    """(declared type, base64) of a block that carries an image, as any of the harnesses writes it."""
    for key in _KEYS:
        data = value.get(key)
        if isinstance(data, dict):
            continue
        if not isinstance(data, str) or len(data) < _LEAST:
            continue
        if data.startswith("data:"):
            head, comma, body = data.partition(",")
            if comma and "base64" in head and "image/" in head:
                return head[5:].partition(";")[0], body
            continue
        declared = value.get("media_type") or value.get("mimeType") or value.get("mime_type") or ""
        if isinstance(declared, str) and declared.startswith("image/") and key in ("data", "blob"):
            return declared, data
    return None


def find_images(value: Any) -> Iterator[Image]:
    """The images in a record's value, in order, those that are held twice once. Looks at most 40 levels deep."""
    seen: set[bytes] = set()
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack and len(seen) < _MOST:
        item, depth = stack.pop()
        if isinstance(item, dict):
            found = _image_data(item)
            if found is not None:
                data = _decode(found[1])
                if data and data not in seen:
                    seen.add(data)
                    kind = kind_of(data)
                    yield Image(kind, data, _pixels(kind, data), found[0])
            if depth < _DEPTH:
                stack.extend((child, depth + 1) for child in reversed(item.values()))
        elif isinstance(item, list) and depth < _DEPTH:
            stack.extend((child, depth + 1) for child in reversed(item))
