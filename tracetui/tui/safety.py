"""Two nets under the app: a line filter for control characters, and a report of unexpected errors without data."""

from __future__ import annotations

import os
import secrets
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tracetui.text.safe import display_safe, is_display_safe

__all__ = ["ControlFilter", "write_error_report"]


# One cell each, as wide as what they stand for; many of them are two cells wide in CJK locales.
_PLAIN: Final = str.maketrans(
    {
        glyph: plain
        for glyphs, plain in (
            ("─━┄┈╌╴╶╸╺", "-"),
            ("│┃┆┊╎╵╷╹╻▏▎▍▌▋▊▉▐▕", "|"),
            ("┌┐└┘├┤┬┴┼╭╮╯╰", "+"),
            ("▁▂▃▄▅▆▇▔", " "),
            ("█", "#"),
            ("·−–—", "-"),
            ("…", "."),
            ("≈", "~"),
            ("→", ">"),
            ("←", "<"),
            ("×", "x"),
            ("•", "*"),
            ("‘’", "'"),
            ("“”", '"'),
        )
        for glyph in glyphs
    }
)


class ControlFilter(LineFilter):
    """Replaces what `text.safe.display_safe` replaces in every segment of every widget, whoever made it: nothing that
    a log holds can move the cursor, set the clipboard or turn the text around.

    It applies ``others`` (Textual's own filters) as well, so that each strip is looked up in one cache only. With
    ``ascii_only`` frames, scroll bars and the usual marks of prose are drawn in ASCII too, whoever drew them.
    """

    def __init__(self, others: Sequence[LineFilter], *, ascii_only: bool = False) -> None:
        super().__init__()
        self.others = list(others)
        self.ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not all(segment.control or is_display_safe(segment.text) for segment in segments):
            segments = [
                segment if segment.control else Segment(display_safe(segment.text), segment.style)
                for segment in segments
            ]
        if self.ascii_only:
            segments = [
                segment
                if segment.control or segment.text.isascii()
                else Segment(segment.text.translate(_PLAIN), segment.style)
                for segment in segments
            ]
        for other in self.others:
            segments = other.apply(segments, background)
        return segments


def write_error_report(error: BaseException, folder: Path) -> Path | None:
    """Write what went wrong to a private file in ``folder`` and return its path, None when that fails.

    It names the frames and the type of each error, never local variables, and of the message only its first line cut
    to 200 characters, since messages quote data.
    """
    lines: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        stack = traceback.StackSummary.extract(traceback.walk_tb(link.__traceback__), capture_locals=False)
        lines += [*stack.format(), f"{type(link).__name__}: {display_safe(str(link).partition(chr(10))[0][:200])}\n\n"]
        link = link.__cause__ or link.__context__
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(3)}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as out:
            out.writelines(lines)
    except OSError:
        return None
    return path
