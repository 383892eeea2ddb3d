"""Scripted histories: a small repository, an agent that edits its files, and people who do all sorts of things to it.

``Scene`` keeps a clock of its own; every commit and edit has a fixed time, so that the same script gives the same
shas. Agent edits change the work tree and are kept as ``Edit`` values, as a reader would give them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tracetui.harness.base import FileEdit
from tracetui.trail.assigned import Assigned
from tracetui.trail.hunks import Edit, Hunk
from tracetui.trail.judge import HunkState, Judge, judge

START = 1_760_000_000

BASE = """import os
import sys


def first(path):
    with open(path) as handle:
        return handle.readline()


def second(values):
    total = 0
    for value in values:
        total += value * 2
    return total


def third(name):
    print("hello", name)
    return len(name)
"""


class Scene:
    def __init__(
        self, folder: Path, *, files: dict[str, str | bytes] | None = None, init: tuple[str, ...] = ()
    ) -> None:
        self.root = folder / "repo"
        self.root.mkdir(parents=True, exist_ok=True)
        self.now = START
        self.edits: list[Edit] = []
        self.step = 0
        self.git("init", "-q", "-b", "main", *init)
        self.git("config", "user.name", "Dev")
        self.git("config", "user.email", "dev@example.org")
        self.git("config", "core.autocrlf", "false")
        self.git("config", "commit.gpgsign", "false")
        for name, text in (files if files is not None else {"app.py": BASE}).items():
            self.put(name, text)
        if files is None or files:
            self.commit("base")

    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return kept | {
            "GIT_AUTHOR_DATE": f"{self.now} +0000",
            "GIT_COMMITTER_DATE": f"{self.now} +0000",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_EDITOR": "true",
            "GIT_MERGE_AUTOEDIT": "no",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def git(self, *command: str, cwd: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *command],
            cwd=cwd or self.root,
            env=self.env(),
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {command}: {done.stdout.decode()} {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "replace").strip()

    def tick(self, seconds: int = 60) -> None:
        self.now += seconds

    # -- people

    def put(self, name: str, text: str | bytes) -> None:
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)

    def read(self, name: str) -> str:
        return (self.root / name).read_bytes().decode("utf-8")

    def sub(self, name: str, old: str, new: str, count: int = 1) -> None:
        text = self.read(name)
        assert old in text, (old, text)
        self.put(name, text.replace(old, new, count))

    def commit(self, message: str, *, amend: bool = False) -> str:
        self.tick()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, *(["--amend"] if amend else []))
        return self.sha()

    def sha(self, name: str = "HEAD") -> str:
        return self.git("rev-parse", name)

    # -- the agent

    def _edit(self, name: str, change: FileEdit, session: str, tool: str) -> Edit:
        self.tick(10)
        self.step += 1
        edit = Edit(session, None, self.step, f"call-{self.step}", tool, self.now * 1000 + 250, change, str(self.root))
        self.edits.append(edit)
        return edit

    def write(self, name: str, text: str, session: str = "s1") -> Edit:
        place = self.root / name
        before = place.read_bytes().decode("utf-8", "replace") if place.exists() else None
        self.put(name, text)
        op = "add" if before is None else "update"
        return self._edit(name, FileEdit(str(place), op, before if before is not None else "", text), session, "Write")

    def edit(
        self, name: str, old: str, new: str, session: str = "s1", *, whole: bool = True, every: bool = False
    ) -> Edit:
        before = self.read(name)
        assert old in before, (old, before)
        after = before.replace(old, new) if every else before.replace(old, new, 1)
        self.put(name, after)
        change = FileEdit(
            str(self.root / name),
            "update",
            before if whole else None,
            after if whole else None,
            ((old, new),),
            every,
        )
        return self._edit(name, change, session, "Edit")

    def edit_latin(self, name: str, old: str, new: str, session: str = "s1") -> Edit:
        """An edit of a Latin-1 file; the log holds its text."""
        before = (self.root / name).read_bytes().decode("latin-1")
        after = before.replace(old, new, 1)
        self.put(name, after.encode("latin-1"))
        return self._edit(name, FileEdit(str(self.root / name), "update", before, after), session, "Edit")

    def append(self, name: str, text: str, session: str = "s1") -> Edit:
        before = self.read(name)
        return self.write(name, before + text, session)

    def delete(self, name: str, session: str = "s1") -> Edit:
        before = self.read(name)
        (self.root / name).unlink()
        return self._edit(name, FileEdit(str(self.root / name), "delete", before, ""), session, "apply_patch")

    def move(self, name: str, to: str, after: str | None = None, session: str = "s1") -> Edit:
        before = self.read(name)
        (self.root / name).unlink()
        self.put(to, after if after is not None else before)
        change = FileEdit(
            str(self.root / name),
            "move",
            before,
            after if after is not None else before,
            (),
            False,
            str(self.root / to),
        )
        return self._edit(name, change, session, "apply_patch")

    # -- the judge

    def judge(self, at: str = "HEAD", **options: object) -> list[HunkState]:
        return judge(self.edits, at=at, **options)  # type: ignore[arg-type]

    def one(self, at: str = "HEAD") -> HunkState:
        """The state of the only hunk."""
        states = self.judge(at)
        assert len(states) == 1, [(state.step, state.hunk, state.state) for state in states]
        return states[0]

    def of(self, edit: Edit, at: str = "HEAD") -> HunkState:
        """The state of the first hunk of an edit."""
        return next(state for state in self.judge(at) if state.step == edit.step and state.hunk == 0)

    def on_other_machine(self, folder: str) -> None:
        """As if the log came from another machine where the repository lay in ``folder``."""
        root = str(self.root)
        self.edits = [
            replace(
                edit,
                cwd=folder,
                change=replace(
                    edit.change,
                    path=edit.change.path.replace(root, folder),
                    to=edit.change.to.replace(root, folder) if edit.change.to else None,
                ),
            )
            for edit in self.edits
        ]


HELPER = """

def helper(items, limit):
    picked = [item for item in items if item.size < limit]
    if not picked:
        raise ValueError("nothing fits the limit")
    return sorted(picked, key=rank_of)
"""


def assigned(owner: Judge, hunks: list[Hunk]) -> Callable[[str], Assigned]:
    """What a commit brought, by an attribution of these hunks."""
    table = owner.attribute(hunks)
    return lambda sha: table.assigned(owner.index.index[sha])
