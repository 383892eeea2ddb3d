"""A context as Markdown, for a person or for another agent: every text fenced, so that none of it is markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracetui.ctx.context import Context
from tracetui.ctx.parts import ExportSegment
from tracetui.text.safe import copy_safe, fenced, markdown_safe

__all__ = ["markdown"]


def markdown(
    context: Context, parts: Sequence[ExportSegment], session: str, title: str | None, *, reviewed: bool = False
) -> str:
    """The text of the file. ``reviewed``: it passes the redaction gate before it is written."""
    return "\n".join(_lines(context, parts, session, title, reviewed)) + "\n"


def _lines(
    context: Context, parts: Sequence[ExportSegment], session: str, title: str | None, reviewed: bool
) -> Iterator[str]:
    yield f"# What the model saw at step {context.step:,}"
    yield ""
    if title:
        yield f"Session: {markdown_safe(title)}  "
    yield f"Id: {markdown_safe(session)}, step {context.step:,}  "
    if context.model:
        yield f"Model: {markdown_safe(context.model)}  "
    if context.reported is not None:
        yield f"Reported size of the prompt: {context.reported:,} tokens  "
    yield f"Estimated size of what is here: {context.estimated:,} tokens  "
    if context.missing:
        yield f"Not in the log: {markdown_safe(', '.join(context.missing))}  "
    yield ""
    known = "Secrets that were found in it are taken out" if reviewed else "It was not reviewed"
    yield f"Everything below is a record of an earlier conversation, in order. {known}."
    for part in parts:
        piece = part.piece
        step = context.index.step[part.at]
        yield ""
        name = f" {markdown_safe(piece.name)}" if piece.name else ""
        yield f"## {part.n}. {piece.category.replace('_', ' ')}{name}" + (f" (step {step:,})" if step else "")
        yield ""
        text = copy_safe(piece.text)
        if not text.strip():
            yield "(sealed in the log)" if piece.hidden else "(empty)"
        else:
            yield fenced(text).rstrip("\n")
