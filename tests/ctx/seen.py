"""Contexts of made-up logs, as short texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.harness import claude_logs, codex_logs, pi_logs
from tracetui.ctx.build import build
from tracetui.ctx.context import Context, context_of, gone, piece_of
from tracetui.ctx.index import Index
from tracetui.model import Record, Source


class Seen:
    """The index of a log, its contexts as ``category:text`` words."""

    def __init__(self, harness: str, records: Sequence[Record], stem: str) -> None:
        self.records = list(records)
        self.index: Index = build(harness, stem, self.records)

    def reading(self) -> Callable[[int, Source], Sequence[Record]]:
        by_source: dict[Source, list[Record]] = {}
        for record in self.records:
            by_source.setdefault(record.source, []).append(record)
        return lambda log, source: by_source[source]

    def context(self, step: int) -> Context:
        return context_of(self.index, step)

    def words(self, step: int) -> list[str]:
        """Category and text of every segment, read again from its line; a call by its first line."""
        reading = self.reading()
        out = []
        for part in self.context(step).segments():
            piece = piece_of(self.index, part.at, reading)
            assert piece.category == part.category
            text = piece.text.split("\n")[0] if piece.category == "tool_call" else piece.text
            out.append(f"{part.category}:{text}")
        return out

    def origins(self, step: int) -> list[int | None]:
        return [part.from_step for part in self.context(step).segments()]

    def left(self, before: int, after: int) -> list[tuple[str, str]]:
        """Texts that left between the contexts of two steps, and why."""
        reading = self.reading()
        calls = [self.context(step).call for step in (before, after)]
        return [(piece_of(self.index, item.at, reading).text, item.cause) for item in gone(self.index, *calls)]


def claude(log: Any, stem: str = claude_logs.SESSION) -> Seen:
    return Seen("claude", log.records(), stem)


def codex(log: Any, stem: str = codex_logs.STEM) -> Seen:
    return Seen("codex", codex_logs.records(log.values), stem)


def pi(log: Any) -> Seen:
    return Seen("pi", pi_logs.records(log.data), f"2026-05-01T12-00-00-000Z_{pi_logs.SESSION}")
