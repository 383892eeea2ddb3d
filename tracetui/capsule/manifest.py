"""The manifest: what a capsule says about itself, and the size and SHA-256 of every other entry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tracetui.capsule.archive import RefusedError

__all__ = ["FORMAT", "MANIFEST", "SIGNATURE", "Manifest", "allowed", "build", "digest_of", "parse"]

FORMAT: Final = "tracetui.capsule.v2"
"""What is written."""
READS: Final = ("tracetui.capsule.v1", FORMAT)
"""What is read, the oldest first."""
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "signature.sshsig"
LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a manifest."""
REQUIRED: Final = ("README.md", "checks.json", "ctx.jsonl", "steps.jsonl", "trail.jsonl", "transcript.md")
_NAMES: Final = re.compile(r"records/[0-9]{3,6}\.jsonl|patches/[0-9]{4,7}\.patch|files/.+")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FORMATS: Final = re.compile(r"tracetui\.capsule\.v([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read. ``entries``: name -> (size in bytes, SHA-256 in hex); ``facts`` is the whole object;
    ``digest`` the SHA-256 of its bytes, which a signature signs."""

    digest: str
    entries: Mapping[str, tuple[int, str]]
    facts: Mapping[str, Any]

    @property
    def steps(self) -> int:
        """How many steps the capsule carries."""
        steps = _dict(self.facts.get("session")).get("steps")
        return steps if isinstance(steps, int) and not isinstance(steps, bool) else 0

    @property
    def redactions(self) -> dict[str, int]:
        """How often each kind was redacted."""
        found = _dict(self.facts.get("redactions"))
        return {str(kind): count for kind, count in found.items() if isinstance(count, int)}

    def section(self, name: str) -> dict[str, Any]:
        """A part of the manifest that is an object; empty when there is none."""
        return _dict(self.facts.get(name))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def allowed(name: str) -> bool:
    """Whether a capsule may hold an entry of this name."""
    return name in REQUIRED or name in (MANIFEST, SIGNATURE) or _NAMES.fullmatch(name) is not None


def digest_of(data: bytes) -> str:
    """The digest of a capsule: the SHA-256, in hex, of its manifest's bytes."""
    return hashlib.sha256(data).hexdigest()


def build(facts: Mapping[str, Any], entries: Mapping[str, bytes]) -> bytes:
    """The bytes of the manifest that lists ``entries`` (all but itself and the signature) and says ``facts``."""
    listed = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(entries.items())
    ]
    whole = {"format": FORMAT, **facts, "entries": listed}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def parse(data: bytes) -> Manifest:
    """Read a manifest. Raises ``RefusedError`` for one that is damaged or of a newer format."""
    try:
        facts = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise RefusedError("This is no capsule: its manifest cannot be read") from None
    if not isinstance(facts, dict):
        raise RefusedError("This is no capsule: its manifest is no object")
    named = facts.get("format")
    match = _FORMATS.fullmatch(named) if isinstance(named, str) else None
    if match is None:
        raise RefusedError("This is no capsule: its manifest names no format of ours")
    if named not in READS:
        raise RefusedError(f"This capsule has the newer format {named}; this version reads {FORMAT}: update tracetui")
    entries: dict[str, tuple[int, str]] = {}
    listed = facts.get("entries")
    for item in listed if isinstance(listed, list) else [None]:
        name, size, sha = (item.get(key) for key in ("name", "size", "sha256")) if isinstance(item, dict) else (0, 0, 0)
        if not isinstance(name, str) or type(size) is not int or not isinstance(sha, str) or not _HASH.fullmatch(sha):
            raise RefusedError("This is no capsule: its manifest lists entries in another way")
        if name in entries:
            raise RefusedError("This is no capsule: its manifest lists an entry twice")
        entries[name] = (size, sha)
    return Manifest(digest_of(data), entries, facts)
