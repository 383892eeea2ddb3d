"""What the demo's agents can do: the verbs of the story. A subclass per harness writes them down in its own shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from tracetui.demo.world import World
from tracetui.model import to_iso

__all__ = ["Agent", "Entry"]

Entry = dict[str, Any]


class Agent:
    """One session. Verbs change the world's tree where they must, and append records."""

    def __init__(self, world: World, *, session: str | None = None) -> None:
        self.world = world
        self.cwd = str(world.repo)
        self.session = session or world.uuid()
        self.started = world.clock
        self.records: list[Entry] = []
        self.context = 9_400
        """Tokens of the prompt so far; starts with what a system prompt and its tools take."""

    # what the story needs ------------------------------------------------------------------------------------------

    def read(self, path: str) -> None:
        self._tool("read", path, {"path": path}, self.world.tree[path])

    def search(self, pattern: str) -> None:
        found = [
            f"{path}:{n}:{line}"
            for path, text in sorted(self.world.tree.items())
            for n, line in enumerate(text.splitlines(), 1)
            if pattern in line
        ]
        self._tool("search", pattern, {"pattern": pattern}, "\n".join(found) or "No matches found")

    def command(self, command: str, output: str, code: int = 0, seconds: float = 1.2) -> None:
        self._tool("command", command, {"command": command}, output, code=code, seconds=seconds)

    def edit(self, path: str, old: str, new: str) -> None:
        before = self.world.tree[path]
        if before.count(old) != 1:
            raise ValueError(f"the story edits {path} where its text stands {before.count(old)} times")
        self.world.tree[path] = before.replace(old, new)
        self._tool("edit", path, {"path": path, "old": old, "new": new, "before": before}, "")

    def write(self, path: str, text: str) -> None:
        before = self.world.tree.get(path)
        self.world.tree[path] = text
        self._tool("write", path, {"path": path, "text": text, "before": before}, "")

    def prompt(self, text: str) -> None:
        raise NotImplementedError

    def thinking(self, text: str) -> None:
        raise NotImplementedError

    def message(self, text: str) -> None:
        raise NotImplementedError

    def _tool(
        self, verb: str, told: str, facts: dict[str, Any], output: str, *, code: int = 0, seconds: float = 0.2
    ) -> None:
        raise NotImplementedError

    # what every harness needs --------------------------------------------------------------------------------------

    def stamp(self, seconds: float = 3) -> str:
        return to_iso(self.world.tick(seconds)) or ""

    def grow(self, *texts: str) -> tuple[int, int]:
        """(prompt, output) tokens of a call that wrote these texts; the context grows by them."""
        output = sum(len(text) for text in texts) // 4 + 30
        prompt = self.context
        self.context += output
        return prompt, output

    def path(self, relative: str) -> str:
        return f"{self.cwd}/{relative}"

    def save(self, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in self.records))
        return target
