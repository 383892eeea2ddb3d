"""Genuine logs of real programs (bench/live.py), each with what the program sent at every call."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from tracetui.ctx.build import build
from tracetui.ctx.context import context_of, piece_of
from tracetui.harness.context import ContextPiece
from tracetui.harness.lines import Splitter
from tracetui.model import Record, Source

FILES = sorted((Path(__file__).parent / "recorded").glob("*.json"))


def canonical(given: Any) -> str:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return given.strip()
    return json.dumps(given, sort_keys=True, ensure_ascii=False)


def shown(pieces: list[ContextPiece]) -> dict[str, Counter[Any]]:
    calls = [(p.call, p.name, canonical(p.value)) for p in pieces if p.category == "tool_call"]
    results = [(p.call, p.text.strip()) for p in pieces if p.category == "tool_result"]
    texts = [p.text.strip() for p in pieces if p.category == "message"]
    thinking = [p.text.strip() for p in pieces if p.category == "thinking"]
    return {
        "calls": Counter(calls),
        "results": Counter(results),
        "texts": Counter(texts),
        "thinking": Counter(thinking),
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_context_is_what_the_program_sent(path: Path) -> None:
    told = json.loads(path.read_text())
    splitter = Splitter()
    data = b"".join(orjson.dumps(record) + b"\n" for record in told["records"])
    records = [item for item in [*splitter.feed(data), *splitter.finish()] if isinstance(item, Record)]
    index = build(told["harness"], told["stem"], records)
    by_source: dict[Source, list[Record]] = {}
    for record in records:
        by_source.setdefault(record.source, []).append(record)

    def reading(log: int, source: Source) -> list[Record]:
        return by_source[source]

    places: dict[str, int] = {}
    for at, by in enumerate(index.by):
        piece = piece_of(index, at, reading)
        for sign in (piece.call, piece.text) if by >= 0 else ():
            if sign:
                places.setdefault(sign, by)
    compared = 0
    for call in told["calls"]:
        place = next((places[sign] for sign in (*call["ids"], *call["texts"]) if sign in places), None)
        assert place is not None, call["ids"]
        context = context_of(index, index.call_step[place])
        ours = shown([piece_of(index, at, reading) for at in context.ids])
        sent = {
            "calls": Counter((ident, name, canonical(given)) for ident, name, given in call["sent"]["calls"]),
            "results": Counter((ident, text.strip()) for ident, text in call["sent"]["results"]),
            "texts": Counter(text.strip() for text in call["sent"]["texts"]),
            "thinking": Counter(text.strip() for text in call["sent"]["thinking"]),
        }
        assert ours == sent, f"{path.stem}: the call that gave {call['ids'] or call['texts']}"
        compared += 1
    assert compared >= 5
