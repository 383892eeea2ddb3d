"""What stood on a terminal, from the bytes that were written to it."""

from __future__ import annotations

import re

from rich.cells import cell_len

__all__ = ["shown"]

_PARTS = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])|([^\x1b]+)")


def shown(output: bytes) -> str:
    """Every row that ever stood on the screen, in the order in which it came to stand there."""
    rows: dict[int, dict[int, str]] = {}
    seen: list[str] = []
    x = y = 0

    def row() -> None:
        cells = rows.get(y, {})
        text = "".join(cells.get(at, " ") for at in range(max(cells, default=-1) + 1)).rstrip()
        if text and (not seen or seen[-1] != text):
            seen.append(text)

    for found in _PARTS.finditer(output.decode("utf-8", "replace")):
        if found[1]:
            row()
            y, x = int(found[1]) - 1, int(found[2]) - 1
        elif found[3]:
            cells = rows.setdefault(y, {})
            for character in found[3]:
                width = cell_len(character)
                cells[x] = character
                cells.update(dict.fromkeys(range(x + 1, x + width), ""))
                x += width
    row()
    return "\n".join(seen)
