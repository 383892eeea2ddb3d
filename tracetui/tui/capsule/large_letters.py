"""Large letters for a verdict: two pixels in one cell, or one in plain ASCII."""

from __future__ import annotations

from typing import Final

__all__ = ["large"]

_FONT: Final = {
    "C": (".###", "#...", "#...", "#...", ".###"),
    "D": ("###.", "#..#", "#..#", "#..#", "###."),
    "E": ("####", "#...", "###.", "#...", "####"),
    "F": ("####", "#...", "###.", "#...", "#..."),
    "I": ("###", ".#.", ".#.", ".#.", "###"),
    "L": ("#...", "#...", "#...", "#...", "####"),
    "N": ("#...#", "##..#", "#.#.#", "#..##", "#...#"),
    "O": (".##.", "#..#", "#..#", "#..#", ".##."),
    "P": ("###.", "#..#", "###.", "#...", "#..."),
    "R": ("###.", "#..#", "###.", "#.#.", "#..#"),
    "S": (".###", "#...", ".##.", "...#", "###."),
    "U": ("#..#", "#..#", "#..#", "#..#", ".##."),
    "V": ("#...#", "#...#", ".#.#.", ".#.#.", "..#.."),
    "X": ("#..#", "#..#", ".##.", "#..#", "#..#"),
}
_HALVES: Final = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}


def large(word: str, width: int, *, ascii_only: bool = False) -> list[str]:
    """The word in lines of one width, at most ``width`` cells; the plain word where that has no room."""
    glyphs = [_FONT.get(letter) for letter in word.upper()]
    if any(glyph is None for glyph in glyphs):
        return [word.upper()]
    rows = [".".join(glyph[y] for glyph in glyphs if glyph is not None) for y in range(5)]
    if len(rows[0]) > width:
        return [word.upper()]
    if ascii_only:
        return [row.replace(".", " ") for row in rows]
    rows.append("." * len(rows[0]))
    return ["".join(_HALVES[a + b] for a, b in zip(rows[y], rows[y + 1])) for y in (0, 2, 4)]
