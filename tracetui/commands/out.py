"""Writing results: JSON Lines for programs, aligned lines for people; log text never reaches the terminal raw."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from tracetui.harness.spell import tokens_json
from tracetui.model import SessionRow
from tracetui.model import to_iso as iso
from tracetui.text.format import middle_cut
from tracetui.text.safe import SafeText, one_line
from tracetui.text.width import cell_len, cut, pad

__all__ = ["Column", "JsonLines", "Paper", "dumps", "note", "session_json"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Legal in JSON as they are, yet a terminal that shows the line would obey them: DEL, C1, bidi and line separators.
_RISKY: Final = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf|\xe2\x80[\x8b-\x8d]"
)
_ROLES: Final = {
    "accent": "36", "good": "32", "change": "33", "bad": "31", "warn": "33", "pending": "34", "muted": "2",
    "prompt": "1;36", "added": "32", "removed": "31", "match": "1;7", "bold": "1",
}  # fmt: skip


def _mend(value: Any) -> Any:
    """What orjson refuses, made writable: lone surrogates become U+FFFD, strange keys texts."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(str(key)): _mend(item) for key, item in value.items()}
    return value


def dumps(value: Any) -> bytes:
    """One JSON text in UTF-8, without a line end. Whatever a log held can be written; what a terminal would obey is
    escaped as ``\\uXXXX``, which reads back as the same text."""
    try:
        data = orjson.dumps(value)
    except TypeError:  # a lone surrogate, an integer over 64 bits, a nesting too deep for orjson
        try:
            data = json.dumps(_mend(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except (RecursionError, ValueError):
            data = json.dumps(str(type(value))).encode()
    if data.isascii() and b"\x7f" not in data:
        return data
    return _RISKY.sub(lambda match: b"".join(b"\\u%04x" % ord(char) for char in match[0].decode()), data)


class JsonLines:
    """One JSON object a line on standard output, as bytes, so that no locale meddles."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._raw = getattr(sys.stdout, "buffer", None)

    def write(self, value: Any) -> None:
        """Write one line."""
        data = dumps(value) + b"\n"
        if self._raw is None:
            sys.stdout.write(data.decode())
        else:
            self._raw.write(data)

    def flush(self) -> None:
        """Send what was written on its way now."""
        (self._raw or sys.stdout).flush()


_FINDINGS: Final = ("open", "accepted", "rejected")
_SURVIVAL: Final = ("alive", "transformed", "reverted", "lost", "pending", "unknown")


def session_json(row: SessionRow) -> dict[str, Any]:
    """A session as ``ls --json`` prints it."""
    return {
        "id": row.id,
        "harness": row.harness,
        "title": row.title,
        "cwd": row.cwd,
        "repo": row.repo,
        "branch": row.branch,
        "model": row.model,
        "started": iso(row.started),
        "ended": iso(row.ended),
        "steps": row.steps,
        "prompts": row.prompts,
        "tool_calls": row.tool_calls,
        "errors": row.errors,
        "edits": row.edits,
        "subagents": row.subagents,
        "tokens": tokens_json(row.tokens),
        "cost_usd": row.cost_usd,
        "cost_estimate_usd": row.cost_estimate_usd,
        "cost_table": row.cost_table,
        "bytes": row.bytes,
        "findings": None if row.findings is None else {**dict.fromkeys(_FINDINGS, 0), **_decided(row.findings)},
        "survival": None if row.survival is None else {name: row.survival.get(name, 0) for name in _SURVIVAL},
        "path": row.path,
        "parts": row.parts,
        "tags": list(row.tags),
        "archived": row.archived,
    }


def _decided(findings: Mapping[str, int]) -> dict[str, int]:
    """The counts by decision; how many of them open a door is only for lists on a screen."""
    return {name: count for name, count in findings.items() if name != "secrets"}


class Column(NamedTuple):
    """A column of a table: its head, ``<`` or ``>``, and how much of the spare width it may have (0: as wide as its
    widest cell). ``middle``: cut in the middle, for paths."""

    head: str
    align: str = "<"
    share: int = 0
    middle: bool = False


class Paper:
    """Standard output for people: knows its ``width`` in cells, whether it may use ``colour`` and signs (``ascii``)."""

    def __init__(self) -> None:
        out = sys.stdout
        tty = out.isatty()
        self.colour = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = max(40, shutil.get_terminal_size((100, 24)).columns) if tty else _columns(120)
        encoding = (getattr(out, "encoding", "") or "").lower().replace("-", "")
        self.ascii = encoding != "utf8"
        if self.ascii and hasattr(out, "reconfigure"):
            out.reconfigure(errors="replace")

    def style(self, text: str, role: str | None) -> str:
        """``text`` in the colour of a role, where colour may be used."""
        if not role or not self.colour or not text:
            return text
        return f"\x1b[{_ROLES[role]}m{text}\x1b[0m"

    def line(self, text: str = "") -> None:
        """Write one line; ``text`` must have been made safe."""
        sys.stdout.write(text + "\n")

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        roles: Sequence[str | None] = (),
        head: bool = True,
    ) -> None:
        """Write rows of cells in aligned columns with one space between. Cells are made safe here; those of columns
        with a share are cut to what is left of the width."""
        cells = [[one_line(cell) for cell in row] for row in rows]
        if head:
            cells.insert(0, [SafeText(column.head) for column in columns])
        widths = [max((cell_len(row[at]) for row in cells), default=0) for at in range(len(columns))]
        spare = self.width - sum(w for w, column in zip(widths, columns) if not column.share) - len(columns) + 1
        shares = sum(column.share for column in columns)
        for at, column in enumerate(columns):
            if column.share:
                widths[at] = min(widths[at], max(8, spare * column.share // shares))
        for nth, row in enumerate(cells):
            parts: list[str] = []
            for at, cell in enumerate(row):
                last = at == len(columns) - 1 and columns[at].align == "<"
                shown = middle_cut(cell, widths[at]) if columns[at].middle else cut(cell, widths[at])
                text = shown if last else pad(shown, widths[at], columns[at].align)
                role = "muted" if head and nth == 0 else roles[at] if at < len(roles) else None
                parts.append(self.style(text, role))
            self.line(" ".join(parts).rstrip() if not self.colour else " ".join(parts))


def _columns(default: int) -> int:
    named = os.environ.get("COLUMNS", "")
    return max(40, int(named)) if named.isdigit() and len(named) < 5 else default


def note(message: str) -> None:
    """A remark to the person at the terminal, on standard error, one line."""
    sys.stderr.write(f"tracetui: {one_line(message)}\n")
