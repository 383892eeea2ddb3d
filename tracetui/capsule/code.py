"""The code side of an episode as it was found: its repository and base, its trail, its edits as patches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tracetui.capsule.base import Base
from tracetui.capsule.history import Played
from tracetui.capsule.patches import FileChange, PatchError, apply, check_path, make, parse
from tracetui.model import Step

__all__ = ["CodeFacts"]

Bytes = Callable[[bytes], bytes]
Text = Callable[[str], str]


@dataclass(slots=True)
class CodeFacts:
    """What was found. ``root`` is the repository's folder as the log names it; ``head`` the revision at which the trail
    was judged; ``played`` the edits; ``lead`` what leads from the start commit to the base."""

    root: str | None = None
    base: Base | None = None
    head: str | None = None
    remote: str | None = None
    remote_left_out: bool = False
    hidden: list[str] = field(default_factory=list)
    """Addresses of a remote that may be private: to be taken out of everything."""
    trail: list[dict[str, Any]] = field(default_factory=list)
    commands: list[tuple[str | None, Step, str | None]] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    played: Played = field(default_factory=Played)
    lead: list[FileChange] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    real: Callable[[str], bytes | None] = lambda _: None
    """The bytes of a file at the start commit."""
    chosen: list[str] = field(default_factory=list)
    """Of ``files`` those that the user wanted carried."""
    notes: list[str] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)

    def facts(self, text: Text) -> dict[str, Any]:
        """What the manifest says of it."""
        base = self.base
        return {
            "remote": None if self.remote is None else text(self.remote),
            "remote_left_out": self.remote_left_out,
            "base": None
            if base is None
            else {
                "commit": base.commit,
                "how": base.how,
                "files": base.files,
                "matched": base.matched,
                "pushed": base.pushed,
                "start": base.start or base.commit,
            },
            "survival_at": self.head,
            "patches": self.listed,
            "files": sorted(map(text, self.chosen)),
        }

    def patches(
        self, redact: Bytes, text: Text, tick: Callable[[], None] = lambda: None
    ) -> tuple[dict[str, bytes], dict[str, bytes], list[str]]:
        """(patches, files, problems) with their texts redacted; each patch is tried on what it will meet.

        A problem names a patch that does not apply, or an edit that is in none. ``tick`` is called for each patch.
        """
        files = {
            f"files/{text(path)}": redact(data)
            for path, data in {**self.files, **self.played.carried}.items()
            if check_path(text(path)) is None
        }
        state: dict[str, bytes | None] = {name[6:]: data for name, data in files.items()}
        patches: dict[str, bytes] = {}
        problems: list[str] = list(self.played.before_problems)
        self.listed = []
        first = _joined(self.lead, self.played.before)
        if first:
            self._one("patches/0000.patch", None, 0, first, [], redact, text, state, patches, problems)
        for nth, step in enumerate(self.played.steps, 1):
            tick()
            name = f"patches/{nth:04d}.patch"
            self._one(name, step.agent, step.step, step.changes, step.problems, redact, text, state, patches, problems)
        return patches, files, list(dict.fromkeys(map(text, problems)))

    def _one(
        self,
        name: str,
        agent: str | None,
        step: int,
        changes: Iterable[FileChange],
        problems: Iterable[str],
        redact: Bytes,
        text: Text,
        state: dict[str, bytes | None],
        patches: dict[str, bytes],
        told: list[str],
    ) -> None:
        hidden = [
            FileChange(
                text(change.path),
                None if change.before is None else redact(change.before),
                None if change.after is None else redact(change.after),
                None if change.to is None else text(change.to),
            )
            for change in changes
        ]
        own = [text(problem) for problem in problems]
        data = make(hidden)
        if data:
            patches[name] = data
            wrong = self._try(data, state)
            if wrong is not None:
                own.append(f"{name} does not apply: {wrong}")
        told += [f"step {agent + '/' if agent else ''}{step}: {problem}" for problem in own]
        if data or own:
            paths = sorted({path for change in hidden for path in (change.path, change.to) if path is not None})
            self.listed.append(
                {"name": name if data else None, "agent": agent, "step": step, "files": paths, "problems": own}
            )

    def _try(self, data: bytes, state: dict[str, bytes | None]) -> str | None:
        """Apply a patch to the files as a reader will have them; what is wrong."""
        wrong: str | None = None
        try:
            for patch in parse(data):
                source = patch.source or patch.target or ""
                before = state[source] if source in state else self.real(source)
                try:
                    after = apply(patch, before)
                except PatchError as error:
                    wrong = wrong or str(error)
                    continue
                if patch.source is not None:
                    state[patch.source] = None
                if patch.target is not None:
                    state[patch.target] = after
        except PatchError as error:
            wrong = wrong or str(error)
        return wrong


def _joined(lead: Iterable[FileChange], before: Iterable[FileChange]) -> list[FileChange]:
    """One change per file of what leads to the base and of the edits before the range."""
    texts: dict[str, tuple[bytes | None, bytes | None]] = {}
    for change in (*lead, *before):
        was = texts[change.path][0] if change.path in texts else change.before
        texts[change.path] = (was, change.after)
    return [FileChange(path, was, now) for path, (was, now) in sorted(texts.items()) if was != now]
