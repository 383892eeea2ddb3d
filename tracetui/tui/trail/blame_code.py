"""Code with a gutter that tells who wrote it: session, step, day, state. No widgets here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from textual.strip import Strip

from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line
from tracetui.tui.kit.paint import Span, cells, clip, paint
from tracetui.tui.kit.styles import Look

__all__ = ["code_facts", "paint_code", "said_of"]

_WIDE: Final = 96
"""Cells from which on the gutter has room for a title and a day."""
_TITLE: Final = 18


def code_facts(answer: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(kind, facts) of the rows for an answer's code: ``head`` for a file of a diff, ``code`` for a line. Lines in a
    row by one writer, or of one commit without a session, are joined: only the first is ``first``."""
    code = answer.get("code")
    if not code:
        return
    titles = {share["id"]: share for row in answer["rows"] for share in row["sessions"]}
    people = [
        {**writer, **{name: titles.get(writer["session"], {}).get(name) for name in ("title", "prompt")}}
        for writer in code["writers"]
    ]
    if "files" not in code:
        last: object = None
        for number, text, row, who in code["lines"]:
            this = (who, None) if who is not None else (None, row)
            yield "code", {
                "path": code["path"], "number": number, "sign": "", "text": text, "first": this != last,
                "writer": people[who] if who is not None else None, "commit": answer["rows"][row],
            }  # fmt: skip
            last = this
        return
    for file in code["files"]:
        counts = [sum(line[0] == sign for line in file["lines"]) for sign in "+-"]
        told = "binary" if file["binary"] else f"+{counts[0]:,} -{counts[1]:,}"
        yield "head", {"text": f"{file['path']}  {told}"}
        last = None
        for sign, number, text, who in file["lines"]:
            yield "code", {
                "path": file["path"], "number": number, "sign": sign, "text": text, "commit": None,
                "writer": people[who] if who is not None else None, "first": who is None or who != last,
            }  # fmt: skip
            last = who


def said_of(facts: Mapping[str, Any]) -> str:
    """What stands on top for a line: the prompt behind it, or the commit that nobody is named for."""
    writer, commit = facts.get("writer"), facts.get("commit")
    if writer is not None:
        return one_line(str(writer.get("prompt") or writer.get("title") or writer["session"]), 400)
    if commit is not None and commit["commit"]:
        return one_line(
            f"{commit['commit'][:7]} {commit['subject']} ({commit['author']}): no session is behind it", 400
        )
    return ""


def paint_code(facts: Mapping[str, Any], look: Look, width: int) -> Strip:
    """A line of code with its gutter."""
    muted, sign = look.style("muted"), facts["sign"]
    wide = width >= _WIDE
    gutter = _gutter(facts, look, wide)
    room = 34 if wide else 14
    used = sum(cells(text) for text, _ in gutter)
    gutter.append((" " * max(1, room - used), muted))
    if sign == "@":
        return paint([*gutter, (look.sign("ellipsis"), muted)], width)
    role = {"+": "added", "-": "removed"}.get(sign, "")
    text = display_safe(str(facts["text"]).expandtabs(4))
    number = f"{facts['number']:>5} " if sign != "-" else "      "
    style = look.style(role)
    return paint([*gutter, (number, muted), (f"{sign:1} " if sign else " ", style), (text, style)], width)


def _gutter(facts: Mapping[str, Any], look: Look, wide: bool) -> list[Span]:
    """Who wrote a line: session, step, day, state; of a commit without a session its sha and author, muted."""
    muted = look.style("muted")
    writer, commit = facts["writer"], facts["commit"]
    if not facts["first"]:
        return [(look.sign("wall"), muted)] if writer is not None or commit is not None else []
    if writer is None:
        if commit is None:
            return []
        who = f"{(commit['commit'] or 'older')[:7]} {one_line(str(commit['author'] or ''), 80) if wide else ''}"
        return [(clip(who, 32 if wide else 12), muted)]
    state = "undone" if writer["reason"] == "restores_base" else writer["state"]
    step = f"{writer['agent'][:4]}:{writer['step']}" if writer["agent"] else str(writer["step"])
    spans: list[Span] = [(look.sign(state) if state else " ", look.sign_style(state) if state else muted), (" ", muted)]
    if wide:
        title = clip(one_line(str(writer.get("title") or writer["session"][:8]), 80), _TITLE)
        spans += [(title, look.style("accent")), (f" {step}", muted), (f" {fmt.relative(writer['time'])}", muted)]
    else:
        spans += [(f"{writer['session'][:4]}:{step}", look.style("accent"))]
    return spans
