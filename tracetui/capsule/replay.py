"""Replay: the checks of a capsule, posed again on its base, on another revision, or with another dependency.

A verdict says no more than what was seen: ``fixed`` only where the failure was reproduced on the base in this same run
and sandbox; whatever kept a command from telling is ``inconclusive``.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tracetui.capsule.checks import Check, load
from tracetui.capsule.patches import FileChange, PatchError, make, parse
from tracetui.capsule.tree import Tree, remove_tree
from tracetui.capsule.verdict import ORDER, Outcome, holds, judge, look, shows_failure, worst
from tracetui.capsule.verify import Capsule
from tracetui.model import TracetuiError
from tracetui.sandbox.runner import Limits, Sandbox
from tracetui.sandbox.tools import Tools, needed, python_version
from tracetui.text.safe import fenced, markdown_safe
from tracetui.trail.store import Store, find_git

__all__ = ["ORDER", "CheckResult", "Outcome", "Replay", "Request", "comment", "judge", "look", "tree_at", "worst"]

Progress = Callable[[str], None]


@dataclass(slots=True)
class Request:
    """What is asked: the repository, a revision of it, ``NAME==VERSION`` of a dependency (with a folder to take it
    from), and which checks, by number (None: all)."""

    repo: Path | None = None
    at: str | None = None
    other: str | None = None
    source: Path | None = None
    checks: Sequence[int] | None = None


@dataclass(slots=True)
class CheckResult:
    """The verdict of one check. ``base`` and ``seen`` are what it showed on the base and where it was asked for."""

    check: Check
    verdict: str
    why: str
    at: str | None
    base: Outcome
    seen: Outcome
    seconds: float

    def json(self) -> dict[str, Any]:
        """The result as ``replay --json`` prints it."""
        return {
            "check": self.check.number,
            "verdict": self.verdict,
            "command": self.check.command,
            "expected": self.check.expected,
            "observed": {"exit_code": self.seen.code, "line": self.seen.line},
            "exit_code": self.seen.code,
            "at": self.at,
            "seconds": round(self.seconds, 3),
            "why": self.why,
        }


# -- posing the checks


@dataclass(slots=True)
class _Place:
    """Where a check is posed: a tree, or why there is none."""

    tree: Tree | None
    problem: str | None = None


@dataclass(slots=True)
class Replay:
    """The checks of an intact capsule. Nothing runs before ``run``. Raises TracetuiError for a check that is none."""

    capsule: Capsule
    request: Request
    limits: Limits = field(default_factory=Limits)
    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None
    scratch: Path | None = None
    """The private folder for the trees; by default the system's place for temporary ones."""

    @property
    def checks(self) -> list[Check]:
        """The checks that are asked for."""
        found = load(self.capsule.read("checks.json"))
        if self.request.checks is None:
            return found
        chosen = [check for check in found if check.number in self.request.checks]
        missing = sorted(set(self.request.checks) - {check.number for check in found})
        if missing:
            raise TracetuiError(f"This capsule has no check {missing[0]}; it has {len(found)}", status=2)
        return chosen

    def runs_on(self) -> list[str]:
        """The files of the capsule that the commands run on, for the question before it."""
        listed = self._patches()
        paths = {path for item in listed for path in item.get("files", ()) if isinstance(path, str)}
        return sorted(paths | {name[6:] for name in self.capsule.names("files/")})

    def _patches(self) -> list[dict[str, Any]]:
        listed = self.capsule.manifest.section("repository").get("patches")
        return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []

    def _base(self) -> dict[str, Any] | None:
        base = self.capsule.manifest.section("repository").get("base")
        return base if isinstance(base, dict) else None

    def _chosen(self) -> set[str]:
        listed = self.capsule.manifest.section("repository").get("files")
        return {path for path in listed if isinstance(path, str)} if isinstance(listed, list) else set()

    def tools(self, also: Tools | None = None) -> Tools:
        """What of this machine the commands may read beside the system, with what the user named (``also``)."""
        place = _place(self.request, self._start())
        return needed([check.command for check in self.checks], None if place is None else place[1], also)

    def _start(self) -> str | None:
        start = (self._base() or {}).get("start")
        return start if isinstance(start, str) else None

    def run(self, sandbox: Sandbox) -> Iterator[CheckResult]:
        """Pose the checks in order, each in a fresh tree."""
        checks = self.checks
        with tempfile.TemporaryDirectory(prefix="tracetui-replay-", dir=self.scratch) as scratch:
            place = Path(scratch)
            with _Trees(self, place) as trees:
                overlay = None
                if self.request.other is not None:
                    from tracetui.capsule.dependency import fetch

                    self._tell(f"fetching {self.request.other}")
                    python = python_version(sandbox.tools)
                    overlay = fetch(self.request.other, self.request.source, place / "with", trees.names_node, python)
                for check in checks:
                    yield self._one(check, trees, sandbox, overlay)

    def _tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what)

    def _one(self, check: Check, trees: _Trees, sandbox: Sandbox, overlay: Any) -> CheckResult:
        asked = self.request.at is not None or overlay is not None
        self._tell(f"check {check.number} on the base")
        base = self._pose(check, trees.base(check), sandbox, None)
        seen: Outcome | None = None
        at = trees.base_sha
        if asked:
            self._tell(f"check {check.number} {'at ' + self.request.at if self.request.at else 'with the dependency'}")
            target = trees.at(check) if self.request.at is not None else trees.base(check)
            at = trees.at_sha if self.request.at is not None else trees.base_sha
            seen = self._pose(check, target, sandbox, overlay)
        verdict, why = judge(base, seen)
        last = seen or base
        seconds = sum(one.ran.seconds for one in (base, seen) if one is not None and one.ran is not None)
        return CheckResult(check, verdict, why, at, base, last, seconds)

    def _pose(self, check: Check, place: _Place, sandbox: Sandbox, overlay: Any) -> Outcome:
        """Run a check once; its tree is removed afterwards."""
        if place.tree is None:
            return Outcome("inconclusive", place.problem or "there is no tree to run it in", None)
        try:
            tree = place.tree
            over = [] if overlay is None else overlay.into(tree, sandbox)
            folder = tree.root / check.folder if check.folder else tree.root
            if not folder.is_dir() or folder.is_symlink():
                return Outcome("inconclusive", f"could not start: the folder {check.folder!a} is not there", None)
            root = sandbox.root(tree.root)
            command = check.command.replace("{root}", root)
            environ = {} if overlay is None else overlay.environ(sandbox)
            ran = sandbox.run(
                command,
                tree.root,
                check.folder,
                limits=self.limits,
                environ=environ,
                overlay=None if overlay is None else overlay.folder,
                over=over,
                cancelled=self.cancelled,
            )
            return look(check, replace(ran, output=_homeless(ran.output)), root)
        finally:
            if place.tree is not None:
                remove_tree(place.tree.root)


def _place(request: Request, start: str | None) -> tuple[Path, Path | None] | None:
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


def _homeless(output: str) -> str:
    """An output without the user's home folder, in which their tools may stand: verdicts are made to be shown."""
    home = str(Path.home())
    return re.sub(rf"(?<![A-Za-z0-9._-]){re.escape(home)}(?![A-Za-z0-9._-])", "~", output) if len(home) > 2 else output


class _Trees:
    """Lays out the trees that checks run in, each a folder of its own."""

    def __init__(self, replay: Replay, scratch: Path) -> None:
        self.replay, self.scratch = replay, scratch
        self.capsule = replay.capsule
        base = replay._base()
        self.start = replay._start()
        self.base_sha = base.get("commit") if base is not None and isinstance(base.get("commit"), str) else None
        self.at_sha: str | None = None
        self.evidence: dict[str, tuple[bytes | None, bytes | None]] = {}
        """Files that show the failure of the last base laid out: their bytes before and after the patches."""
        self.count = 0
        self._times: dict[tuple[Any, Any], str] | None = None
        self.store = self._store()

    def __enter__(self) -> _Trees:
        return self

    def __exit__(self, *_: object) -> None:
        if self.store is not None:
            self.store.close()

    def _store(self) -> Store | None:
        """The repository that was named, else the one around the current folder if it holds the start commit."""
        request = self.replay.request
        place = _place(request, self.start)
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

    def base(self, check: Check) -> _Place:
        """The base with the patches up to the step at which the check was seen; with all for one that was written."""
        if check.problem is not None:
            return _Place(None, f"patch not applied: {check.problem}")
        tree = self._fresh()
        try:
            if self.start is not None:
                if self.store is None or self.store.resolve(self.start) is None:
                    return _Place(None, self._missing())
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
            return _Place(None, f"patch not applied: {error}")
        except TracetuiError as error:
            return _Place(None, f"could not start: {error}")
        return _Place(tree)

    def _missing(self) -> str:
        where = "the repository does not hold it" if self.store is not None else "name a repository that has it: --repo"
        return f"could not start: the base commit {self.start} is not at hand; {where}"

    def until(self, check: Check) -> list[str]:
        """The patches that stood when the check was seen, in order: by number within a log, by time between logs."""
        names = [name for name in self.capsule.names("patches/") if name == "patches/0000.patch"]
        for item in self.replay._patches():
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

    def at(self, check: Check) -> _Place:
        """The tree of the revision, with files that the user had carried and that it does not hold, and with the tests
        of the episode where it lacks them: else a revision from before a failing test would pass for a mended one."""
        assert self.store is not None
        assert self.at_sha is not None
        tree = self._fresh()
        try:
            tree.lay_out(self.store, self.at_sha)
            for name in self.capsule.names("files/"):
                path = name[6:]
                if path in self.replay._chosen() and tree.read(path) is None:
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
            return _Place(None, f"patch not applied: {path!a}, which shows the failure, does not fit this revision")
        except TracetuiError as error:
            return _Place(None, f"could not start: {error}")
        return _Place(tree)


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


def tree_at(
    capsule: Capsule, step: int, folder: Path, repo: Path | None = None, agent: str | None = None
) -> tuple[Tree, list[str]]:
    """The tree as it was after a step (changes by shell commands are not in it), laid out below ``folder``, and the
    paths that the patches so far changed. Raises TracetuiError where the base is not at hand or a patch does not fit.
    """
    with _Trees(Replay(capsule, Request(repo=repo)), folder) as trees:
        check = Check(0, "", step=step, agent=agent)
        place = trees.base(check)
        if place.tree is None:
            raise TracetuiError(place.problem or "There is no tree at this step")
        changed = {
            path
            for name in trees.until(check)
            for patch in parse(capsule.read(name))
            for path in (patch.source, patch.target)
            if path is not None
        }
    return place.tree, sorted(changed)


# -- telling others


def comment(digest: str, results: Sequence[CheckResult], request: Request) -> str:
    """The verdict as a comment for an issue: Markdown in which nothing of the capsule is more than text."""
    verdict = worst([result.verdict for result in results])
    where = f" at `{results[0].at}`" if results and results[0].at and request.at else ""
    out = [f"**{verdict}**{where} · capsule `{digest[:16]}`\n"]
    if request.other is not None:
        out.append(f"With {markdown_safe(request.other)}.\n")
    for result in results:
        check = result.check
        out.append(
            f"{check.number}. **{result.verdict}**: {markdown_safe(result.why)}\n\n{fenced(check.command, 'sh')}"
        )
        code = "another status than 0" if check.exit_code is None else f"status {check.exit_code}"
        seen = "none" if result.seen.code is None else str(result.seen.code)
        out.append(f"Expected {code}, saw {seen}.\n")
        for name, line in (("expected", check.line), ("saw", result.seen.line)):
            if line:
                out.append(f"{name}\n\n{fenced(line)}")
    return "\n".join(out)
