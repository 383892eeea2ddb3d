"""Redaction: proposals, decisions by hand, applying them, and the proof that nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracetui.redact.finding import Finding

if TYPE_CHECKING:
    from tracetui.redact.review import Review

__all__ = ["Finding", "Review", "scan"]


def scan(text: str) -> list[Finding]:
    """Propose what to scrub in a text: findings in order, spans in code points, half open.

    No network, no files; safe from several threads.
    """
    from tracetui.redact.scanner import scan as run

    return run(text)


def __getattr__(name: str) -> Any:
    if name == "Review":
        from tracetui.redact.review import Review

        return Review
    raise AttributeError(name)
