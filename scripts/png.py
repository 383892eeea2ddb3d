"""A picture of the app, exact to the cell, without a browser: drive it headless, paint its screen with Pillow.

    python scripts/png.py BUCKET OUT.png [--size 120x40] [--theme NAME] [--keys j,j,enter,3]

Needs a monospace TrueType font (DejaVu Sans Mono, Menlo or the one named by ``PNG_FONT``); box-drawing and block
characters are painted by hand, so that lines meet whatever the font.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import get_character_cell_size
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont
    from textual.app import App

CELL = (10, 21)
SIZE = 16
FONTS = (
    (os.environ.get("PNG_FONT", ""), os.environ.get("PNG_FONT_BOLD", "")),
    ("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"),
    ("/System/Library/Fonts/Menlo.ttc", "/System/Library/Fonts/Menlo.ttc"),
)
# Which of left, right, up, down a box-drawing character reaches.
LINES = {
    "─": "lr", "│": "ud", "┬": "lrd", "┴": "lru", "├": "udr", "┤": "udl", "┼": "lrud", "┌": "rd", "┐": "ld",
    "└": "ru", "┘": "lu", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu", "━": "lr", "┃": "ud", "▌": "",
}  # fmt: skip
BLOCKS = "▁▂▃▄▅▆▇█"


def _fonts() -> tuple[FreeTypeFont, FreeTypeFont]:
    from PIL import ImageFont

    for plain, bold in FONTS:
        if plain and Path(plain).exists():
            heavy = bold if bold and Path(bold).exists() else plain
            return ImageFont.truetype(plain, SIZE), ImageFont.truetype(heavy, SIZE)
    raise SystemExit("png.py: no monospace font found; name one in PNG_FONT")


def _colours(style: Style | None) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    def rgb(color: Color | None, *, front: bool) -> tuple[int, int, int]:
        found = (color or Color.default()).get_truecolor(DIMMED_MONOKAI, foreground=front)
        return found.red, found.green, found.blue

    front, back = rgb(style.color if style else None, front=True), rgb(style.bgcolor if style else None, front=False)
    if style is not None and style.reverse:
        front, back = back, front
    if style is not None and style.dim:
        front = (
            (2 * front[0] + back[0]) // 3,
            (2 * front[1] + back[1]) // 3,
            (2 * front[2] + back[2]) // 3,
        )
    return front, back


def _paint(draw: ImageDraw, x: int, y: int, char: str, front: Any, font: FreeTypeFont, cells: int) -> None:
    width, height = CELL
    if LINES.get(char):
        mid_x, mid_y = x + width // 2, y + height // 2
        thick = 3 if char in "━┃" else 1
        for way in LINES[char]:
            end = {"l": (x, mid_y), "r": (x + width, mid_y), "u": (mid_x, y), "d": (mid_x, y + height)}[way]
            draw.line([(mid_x, mid_y), end], fill=front, width=thick)
    elif char in BLOCKS:
        top = y + height - height * (BLOCKS.index(char) + 1) // 8
        draw.rectangle([x, top, x + width - 1, y + height - 1], fill=front)
    elif char == "▌":
        draw.rectangle([x, y, x + width // 2 - 1, y + height - 1], fill=front)
    else:
        draw.text((x, y + 1), char, font=font, fill=front)


def rasterise(app: App[Any], path: Path) -> None:
    """Paint the screen of a running app into a PNG."""
    from PIL import Image, ImageDraw

    regular, bold = _fonts()
    width, height = app.size
    picture = Image.new("RGB", (width * CELL[0], height * CELL[1]))
    draw = ImageDraw.Draw(picture)
    for row, strip in enumerate(app.screen._compositor.render_strips()):
        column = 0
        for text, style, _ in strip:
            front, back = _colours(style)
            for char in text:
                cells = get_character_cell_size(char)
                x, y = column * CELL[0], row * CELL[1]
                if cells:
                    draw.rectangle([x, y, x + cells * CELL[0] - 1, y + CELL[1] - 1], fill=back)
                    _paint(draw, x, y, char, front, bold if style and style.bold else regular, cells)
                    if style and style.underline:
                        draw.line([(x, y + CELL[1] - 2), (x + cells * CELL[0], y + CELL[1] - 2)], fill=front)
                column += cells
    picture.save(path, optimize=True)


async def _shoot(bucket: Path, out: Path, size: tuple[int, int], theme: str | None, keys: list[str]) -> None:
    from tracetui.bucket import Bucket
    from tracetui.tui.app import TracetuiApp

    opened = Bucket.open(bucket)
    try:
        app = TracetuiApp(opened, read_only=True, config={"ascii": False, **({"theme": theme} if theme else {})})
        async with app.run_test(size=size) as pilot:
            await _settle(app, pilot)
            for key in keys:
                await pilot.press(*([*key[5:]] if key.startswith("type:") else [key]))
                await _settle(app, pilot)
            rasterise(app, out)
    finally:
        opened.close()


async def _settle(app: App[Any], pilot: Any) -> None:
    for _ in range(3):
        await pilot.pause(0.06)
        await app.workers.wait_for_complete()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bucket", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--theme")
    parser.add_argument("--keys", default="", help="comma-separated; type:words types letters")
    args = parser.parse_args()
    width, _, height = args.size.partition("x")
    keys = [key for key in args.keys.split(",") if key]
    asyncio.run(_shoot(args.bucket, args.out, (int(width), int(height)), args.theme, keys))


if __name__ == "__main__":
    main()
