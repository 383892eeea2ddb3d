"""Unified diffs as logs hold them: read leniently, since no two programs write them alike. What a capsule carries is
read strictly, by `capsule.patches`."""

from __future__ import annotations

__all__ = ["pieces_of_diff"]


def pieces_of_diff(diff: str) -> list[tuple[str, str]]:
    """The hunks of a unified diff of one file as (old, new) text, context in both.

    File headers are passed over; ``\\ No newline at end of file`` takes the line end off the line before it.
    """
    out: list[tuple[str, str]] = []
    old: list[str] = []
    new: list[str] = []
    inside = False
    last = ""

    def close() -> None:
        if old or new:
            out.append(("".join(old), "".join(new)))
        old.clear()
        new.clear()

    lines = diff.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    for line in lines:
        sign = line[:1]
        if line.startswith("@@"):
            close()
            inside = True
        elif not inside:
            continue
        elif sign == "+":
            new.append(f"{line[1:]}\n")
        elif sign == "-":
            old.append(f"{line[1:]}\n")
        elif sign in (" ", ""):
            old.append(f"{line[1:]}\n")
            new.append(f"{line[1:]}\n")
        elif sign == "\\":
            if last in ("-", " ", "") and old:
                old[-1] = old[-1].removesuffix("\n")
            if last in ("+", " ", "") and new:
                new[-1] = new[-1].removesuffix("\n")
        last = sign
    close()
    return out
