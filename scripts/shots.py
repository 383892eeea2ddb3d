"""Draw screenshots/ from the demo: each shot is a size, a theme and the keys that lead to it.

python scripts/shots.py [NAME …]
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


class Shot(NamedTuple):
    """``keys`` are Textual key names; ``text:…`` types the text. ``sealed``: on the demo's capsule."""

    size: tuple[int, int]
    keys: tuple[str, ...]
    theme: str = "dark"
    sealed: bool = False


SHOTS: dict[str, Shot] = {
    "home": Shot((120, 34), ("H", "wait")),
    "sessions": Shot((140, 30), (*"jjj", "wait")),
    "timeline": Shot((140, 40), (*"jjj2jjjjjj", "wait")),
    "diff": Shot((140, 38), (*"jjjjjj", "2", "e", "3", "]", "]", "+", "s", "wait")),
    "ctx": Shot((120, 34), (*"jjj2GC", "wait")),
    "redact": Shot((140, 36), (*"jjjr", "wait", "a", "wait")),
    "verdict": Shot((120, 34), ("A", "wait", "v", "wait", "enter", "verdict"), sealed=True),
    "player": Shot((140, 36), ("A", "wait", "right", "right", "right", "right", "right", "right", "wait"), sealed=True),
    "search": Shot((120, 34), ("F", "text:window", "wait")),
    "narrow-light": Shot((80, 24), ("j", "j", "j", "2", "j", "j", "j", "j", "j", "j", "j"), "light"),
    "keys": Shot((120, 34), ("2", "question_mark")),
}


async def _draw(bucket: Any, demo: Any, name: str, shot: Shot) -> None:
    from tracetui.tui.app import TracetuiApp

    more: dict[str, Any] = {}
    if shot.sealed:
        foreign = next(row.id for row in bucket.sessions() if row.foreign)
        more = {"session": foreign, "capsule": demo.capsule, "repo": demo.repo}
    app = TracetuiApp(bucket, banner="demo: nothing here is real", config={"theme": shot.theme}, **more)
    async with app.run_test(size=shot.size) as pilot:
        await pilot.pause(0.6)
        for key in shot.keys:
            if key == "wait":
                await pilot.pause(1.0)
            elif key == "verdict":  # the check runs
                await pilot.pause(4.0)
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


def _seal(demo: Any) -> None:
    """Seal the demo's capsule and keep it in its bucket, as the demo itself does."""
    from tracetui.commands.demo import sealing

    for words in (*sealing(demo), ["--bucket", str(demo.bucket), "open", "--keep", str(demo.capsule)]):
        command = [sys.executable, "-m", "tracetui", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)


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
            wanted = {name: shot for name, shot in SHOTS.items() if not names or name in names}
            for name, shot in wanted.items():
                if not shot.sealed:
                    asyncio.run(_draw(bucket, demo, name, shot))
            if any(shot.sealed for shot in wanted.values()):
                _seal(demo)
            for name, shot in wanted.items():
                if shot.sealed:
                    asyncio.run(_draw(bucket, demo, name, shot))
        finally:
            bucket.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
