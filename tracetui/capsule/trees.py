"""The trees that checks run in: the base with its patches, a revision with the tests that show the failure."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracetui.capsule.checks import Check
from tracetui.capsule.patches import FileChange, PatchError, make, parse
from tracetui.capsule.tree import Tree
from tracetui.capsule.verdict import holds, shows_failure
from tracetui.model import TracetuiError
from tracetui.trail.store import Store, find_git

if TYPE_CHECKING:
    from tracetui.capsule.verify import Capsule

__all__ = ["Place", "Request", "Trees", "patches_of", "place_of", "start_of"]


@dataclass(slots=True)
class Request:
    """What is asked: the repository, a revision of it, ``NAME==VERSION`` of a dependency (with a folder to take it
    from), and which checks, by number (None: all)."""

    repo: Path | None = None
    at: str | None = None
    other: str | None = None
    source: Path | None = None
    checks: Sequence[int] | None = None
    setup: Sequence[str] = ()
    """Commands that set the tree up before each check, beside those that the capsule declares."""


def patches_of(capsule: Capsule) -> list[dict[str, Any]]:
    """The patches as the manifest lists them."""
    listed = capsule.manifest.section("repository").get("patches")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def start_of(capsule: Capsule) -> str | None:
    """The commit that readers begin from."""
    start = _base(capsule).get("start")
    return start if isinstance(start, str) else None


def _base(capsule: Capsule) -> dict[str, Any]:
    base = capsule.manifest.section("repository").get("base")
    return base if isinstance(base, dict) else {}


def _chosen(capsule: Capsule) -> set[str]:
    """Files that the user had carried along."""
    listed = capsule.manifest.section("repository").get("files")
    return {path for path in listed if isinstance(path, str)} if isinstance(listed, list) else set()


@dataclass(slots=True)
class Place:
    """Where a check is posed: a tree, or why there is none."""

    tree: Tree | None
    problem: str | None = None


def place_of(request: Request, start: str | None) -> tuple[Path, Path | None] | None:
    """(Git folder, work tree) of the repository that was named, else of the one around the current folder if it holds
    the start commit."""
    if request.repo is not None:
        return find_git(request.repo)
    place = find_git(Path.cwd())
    if place is None or start is None:
        return None
    store = Store(*place)
    try:
        return place if store.resolve(start) is not None else None
    finally:
        store.close()


class Trees:
    """Lays out the trees that checks run in, each a folder of its own."""

    def __init__(self, capsule: Capsule, request: Request, scratch: Path) -> None:
        self.capsule, self.request, self.scratch = capsule, request, scratch
        base = _base(capsule)
        self.start = start_of(capsule)
        self.base_sha = base.get("commit") if isinstance(base.get("commit"), str) else None
        self.at_sha: str | None = None
        self.evidence: dict[str, tuple[bytes | None, bytes | None]] = {}
        """Files that show the failure of the last base laid out: their bytes before and after the patches."""
        self.count = 0
        self._times: dict[tuple[Any, Any], str] | None = None
        self.store = self._store()

    def __enter__(self) -> Trees:
        return self

    def __exit__(self, *_: object) -> None:
        if self.store is not None:
            self.store.close()

    def _store(self) -> Store | None:
        """The repository that was named, else the one around the current folder if it holds the start commit."""
        request = self.request
        place = place_of(request, self.start)
        if place is None:
            if request.repo is not None:
                raise TracetuiError(f"{request.repo} is not in a Git repository; name one that is")
            if request.at is not None:
                raise TracetuiError("--at needs the repository; name it with --repo")
            return None
        store = Store(*place)
        if request.at is not None:
            self.at_sha = store.resolve(request.at)
            if self.at_sha is None:
                store.close()
                raise TracetuiError(f"{request.at} is no revision of the repository; name a branch, tag or commit")
        return store

    def names_node(self, name: str) -> bool:
        """Whether the package.json of the tree names a dependency."""
        import orjson

        sha = self.at_sha or self.start
        if self.store is None or sha is None:
            return False
        try:
            value = orjson.loads(self.store.text_at(sha, "package.json") or b"{}")
        except (orjson.JSONDecodeError, KeyError):
            return False
        groups = [value.get(key) for key in ("dependencies", "devDependencies", "peerDependencies")]
        return any(isinstance(group, dict) and name in group for group in groups)

    def _fresh(self) -> Tree:
        self.count += 1
        root = self.scratch / f"tree-{self.count}"
        root.mkdir()
        return Tree(root)

    def base(self, check: Check) -> Place:
        """The base with the patches up to the step at which the check was seen; with all for one that was written."""
        if check.problem is not None:
            return Place(None, f"patch not applied: {check.problem}")
        tree = self._fresh()
        try:
            if self.start is not None:
                if self.store is None or self.store.resolve(self.start) is None:
                    return Place(None, self._missing())
                tree.lay_out(self.store, self.start)
            for name in self.capsule.names("files/"):
                tree.write(name[6:], self.capsule.read(name))
            shown: dict[str, bytes | None] = {}
            for name in self.until(check):
                patches = parse(self.capsule.read(name))
                for patch in patches:
                    if patch.target is not None and shows_failure(patch.target, check.command):
                        shown.setdefault(patch.target, tree.read(patch.target))
                tree.apply(patches)
            self.evidence = {path: (before, tree.read(path)) for path, before in shown.items()}
        except PatchError as error:
            return Place(None, f"patch not applied: {error}")
        except TracetuiError as error:
            return Place(None, f"could not start: {error}")
        return Place(tree)

    def _missing(self) -> str:
        where = "the repository does not hold it" if self.store is not None else "name a repository that has it: --repo"
        return f"could not start: the base commit {self.start} is not at hand; {where}"

    def until(self, check: Check) -> list[str]:
        """The patches that stood when the check was seen, in order: by number within a log, by time between logs."""
        names = [name for name in self.capsule.names("patches/") if name == "patches/0000.patch"]
        for item in patches_of(self.capsule):
            name, step, agent = item.get("name"), item.get("step"), item.get("agent")
            if name == "patches/0000.patch":
                continue
            if check.step is not None and isinstance(step, int) and self._later((agent, step), check):
                break
            if isinstance(name, str) and name in self.capsule.archive.entries:
                names.append(name)
            problems = item.get("problems")
            if isinstance(problems, list) and any("does not apply" in str(problem) for problem in problems):
                raise PatchError(str(problems[0]))
        return names

    def _later(self, place: tuple[Any, int], check: Check) -> bool:
        """Whether a step, (agent, number), came after the one at which the check was seen. What a subagent did is no
        part of the failure that it was called to mend."""
        agent, step = place
        if agent == check.agent:
            return check.step is not None and step > check.step
        if self._times is None:
            self._times = _times(self.capsule.read("steps.jsonl"))
        then, now = self._times.get((check.agent, check.step)), self._times.get(place)
        return then is not None and now is not None and now > then

    def at(self, check: Check) -> Place:
        """The tree of the revision, with files that the user had carried and that it does not hold, and with the tests
        of the episode where it lacks them: else a revision from before a failing test would pass for a mended one."""
        assert self.store is not None
        assert self.at_sha is not None
        tree = self._fresh()
        try:
            tree.lay_out(self.store, self.at_sha)
            for name in self.capsule.names("files/"):
                path = name[6:]
                if path in _chosen(self.capsule) and tree.read(path) is None:
                    tree.write(path, self.capsule.read(name))
            for path, (before, after) in sorted(self.evidence.items()):
                now = tree.read(path)
                if after is None or (now is not None and holds(now, before, after)):
                    continue
                if now == before:
                    tree.write(path, after)
                else:
                    tree.apply(parse(make([FileChange(path, before, after)])))
        except PatchError:
            return Place(None, f"patch not applied: {path!a}, which shows the failure, does not fit this revision")
        except TracetuiError as error:
            return Place(None, f"could not start: {error}")
        return Place(tree)


def _times(steps: bytes) -> dict[tuple[Any, Any], str]:
    """(agent, step) -> time, of the lines of ``steps.jsonl`` that have one; in UTC, so that texts compare as times."""
    import orjson

    found: dict[tuple[Any, Any], str] = {}
    for line in steps.splitlines():
        with contextlib.suppress(orjson.JSONDecodeError, AttributeError, TypeError):
            value = orjson.loads(line)
            time = value.get("time")
            if isinstance(time, str):
                found[value.get("agent"), value.get("step")] = time
    return found
