"""Draw screenshots/ from the demo: each shot is a size, a theme and the keys that lead to it.

python scripts/shots.py [NAME …]
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


class Shot(NamedTuple):
    """``keys`` are Textual key names; ``text:…`` types the text."""

    size: tuple[int, int]
    keys: tuple[str, ...]
    theme: str = "dark"


SHOTS: dict[str, Shot] = {
    "sessions": Shot((140, 40), (*"jjj2jjjjjj",)),
    "diff": Shot((140, 38), (*"jjjjjj", "2", "e", "3", "]", "]", "+", "s", "wait")),
    "ctx": Shot((120, 34), (*"jjj2GC", "wait")),
    "redact": Shot((140, 36), (*"jjjr", "wait", "a", "wait")),
    "search": Shot((120, 34), ("F", "text:window", "wait")),
    "narrow-light": Shot((80, 24), ("j", "j", "j", "2", "j", "j", "j", "j", "j", "j", "j"), "light"),
    "keys": Shot((120, 34), ("2", "question_mark")),
}


async def _draw(bucket: Any, name: str, shot: Shot) -> None:
    from tracetui.tui.app import TracetuiApp

    app = TracetuiApp(bucket, banner="demo: nothing here is real", config={"theme": shot.theme})
    async with app.run_test(size=shot.size) as pilot:
        await pilot.pause(0.6)
        for key in shot.keys:
            if key == "wait":
                await pilot.pause(1.0)
            elif key.startswith("text:"):
                await pilot.press(*key.removeprefix("text:"))
            else:
                await pilot.press(key)
                await pilot.pause(0.15)
        await pilot.pause(1.0)
        svg = app.export_screenshot(title="tracetui", simplify=True)
    # The font is not fetched from anywhere: what the reader has is good enough.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    # Blanks at the ends of a run are dropped by some viewers; hard ones stay.
    svg = re.sub(r">([^<>\n]+)</text>", lambda found: ">" + found[1].replace(" ", "&#160;") + "</text>", svg)
    target = ROOT / "screenshots" / f"{name}.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(svg, encoding="utf-8")
    print(f"{target.relative_to(ROOT)}  {len(svg) // 1024} kB")


def main(names: list[str]) -> None:
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    from tracetui.bucket import Bucket
    from tracetui.bucket.consent import write_consent
    from tracetui.demo import make
    from tracetui.harness.roots import LogFile, files_of

    # A short, always equal place, since paths show on the screen.
    folder = Path(tempfile.gettempdir()) / "ada"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        demo = make(folder)
        os.environ["HOME"] = str(demo.home)
        bucket = Bucket.open(demo.bucket, create=True)
        try:
            write_consent(bucket)
            bucket.capture([found for found in files_of(demo.logs) if isinstance(found, LogFile)], workers=1)
            for name, shot in SHOTS.items():
                if not names or name in names:
                    asyncio.run(_draw(bucket, name, shot))
        finally:
            bucket.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
