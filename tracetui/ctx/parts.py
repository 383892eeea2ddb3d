"""The pieces of a context for an export: which are taken along, and which cannot stand without another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tracetui.ctx.context import Context, piece_of
from tracetui.ctx.index import NO_PIECE
from tracetui.harness.context import ContextPiece
from tracetui.model import Record, Source

__all__ = ["ExportSegment", "parts_of"]

Reading = Callable[[int, Source], Sequence[Record]]


@dataclass(frozen=True, slots=True)
class ExportSegment:
    """A segment to take along: its number in the context, its place in the index, its piece. ``changed``: the text is
    not the one that stands in the record ``origin`` (it was blanked or edited)."""

    n: int
    at: int
    piece: ContextPiece
    origin: int
    changed: bool = False


def parts_of(
    context: Context, reading: Reading, leave_out: Collection[int] = (), *, whole: bool = False
) -> list[ExportSegment]:
    """The parts of a context without the segments numbered ``leave_out``, calls without a result, results without a
    call, and what is empty. ``whole``: texts that the program cut as the log has them."""
    index = context.index
    originals = {index.key[at]: at for at in sorted(context.view.replaced, reverse=True)}
    parts: list[ExportSegment] = []
    for n, at in enumerate(context.ids, 1):
        if n in leave_out:
            continue
        piece = piece_of(index, at, reading, whole=whole)
        origin = at
        if index.key[at] in originals and originals[index.key[at]] != at:
            origin = originals[index.key[at]]
            before = piece_of(index, origin, reading)
            piece = piece._replace(call=before.call, name=before.name)
        changed = origin != at or index.place[at] == NO_PIECE
        parts.append(ExportSegment(n, at, piece, origin, changed))
    return _paired(parts)


def _paired(parts: list[ExportSegment]) -> list[ExportSegment]:
    called: set[str] = set()
    answered: set[str] = set()
    for part in parts:
        name = part.piece.call
        if name and part.piece.category == "tool_call":
            called.add(name)
        elif name and part.piece.category == "tool_result" and name in called:
            answered.add(name)
    seen: set[tuple[str, str]] = set()
    out: list[ExportSegment] = []
    for part in parts:
        piece = part.piece
        if piece.category in ("tool_call", "tool_result"):
            if piece.call not in answered or (piece.category, piece.call) in seen:
                continue
            seen.add((piece.category, piece.call))
        elif not piece.text.strip() and not piece.hidden:
            continue
        out.append(part)
    return out
