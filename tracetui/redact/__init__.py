"""Redaction: proposals, decisions by hand, applying them, and the proof that nothing is left."""

from __future__ import annotations

from tracetui.redact.finding import Finding

__all__ = ["Finding", "scan"]


def scan(text: str) -> list[Finding]:
    """Propose what to scrub in a text: findings in order, spans in code points, half open.

    No network, no files; safe from several threads.
    """
    from tracetui.redact.scanner import scan as run

    return run(text)
