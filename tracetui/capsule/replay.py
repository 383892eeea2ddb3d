"""Replay: the checks of a capsule, posed again on its base, on another revision, or with another dependency.

A verdict says no more than what was seen: ``fixed`` only where the failure was reproduced on the base in this same run
and sandbox; whatever kept a command from telling is ``inconclusive``.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tracetui.capsule.checks import Check, choose_main, load, rooted
from tracetui.capsule.derive import changed_files
from tracetui.capsule.evidence import asked, environ, gather
from tracetui.capsule.imports import imports_of
from tracetui.capsule.patches import parse
from tracetui.capsule.setting_up import copy_packages, give_git
from tracetui.capsule.signature import signature_of
from tracetui.capsule.tree import Tree, remove_tree
from tracetui.capsule.trees import Place, Request, Trees, place_of, start_of
from tracetui.capsule.verdict import ORDER, Outcome, judge, look, rests_on, told_of, worst
from tracetui.capsule.verify import Capsule
from tracetui.model import TracetuiError
from tracetui.sandbox.runner import Limits, Sandbox
from tracetui.sandbox.tools import Tools, needed, python_version
from tracetui.text.safe import fenced, markdown_safe, one_line
from tracetui.trail.store import Store

__all__ = [
    "ORDER",
    "CheckResult",
    "Outcome",
    "Replay",
    "Request",
    "comment",
    "judge",
    "look",
    "tree_at",
    "verdict_of",
    "worst",
]

Progress = Callable[[str], None]


@dataclass(slots=True)
class CheckResult:
    """The verdict of one check. ``base`` and ``seen`` are what it showed on the base and where it was asked for;
    ``rests_on`` is what the verdict rests on (`verdict.rests_on`)."""

    check: Check
    verdict: str
    why: str
    at: str | None
    base: Outcome
    seen: Outcome
    seconds: float
    rests_on: dict[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The result as ``replay --json`` prints it."""
        return {
            "check": self.check.number,
            "main": self.check.main,
            "verdict": self.verdict,
            "command": self.check.command,
            "expected": self.check.expected,
            "observed": {"exit_code": self.seen.code, "line": self.seen.line, "tests": self.seen.tests},
            "exit_code": self.seen.code,
            "at": self.at,
            "seconds": round(self.seconds, 3),
            "why": self.why,
            "rests_on": self.rests_on,
        }


# -- posing the checks


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
        found = self._with_signatures(load(self.capsule.read("checks.json")))
        main = choose_main(found)
        found = [replace(check, main=check is main) for check in found]
        if self.request.checks is None:
            return found
        chosen = [check for check in found if check.number in self.request.checks]
        missing = sorted(set(self.request.checks) - {check.number for check in found})
        if missing:
            raise TracetuiError(f"This capsule has no check {missing[0]}; it has {len(found)}", status=2)
        return chosen

    def _with_signatures(self, checks: list[Check]) -> list[Check]:
        """The checks of a capsule that holds no signatures yet, with those of the outputs in its steps."""
        wanted = {(check.agent, check.step) for check in checks if check.signature is None and check.step is not None}
        if not wanted:
            return checks
        outputs = _outputs(self.capsule.read("steps.jsonl"), wanted)
        root = self.capsule.manifest.section("session").get("root")
        return [
            replace(check, signature=signature_of(rooted(outputs[at], root if isinstance(root, str) else None)))
            if check.signature is None and (at := (check.agent, check.step)) in outputs
            else check
            for check in checks
        ]

    def runs_on(self) -> list[str]:
        """The files of the capsule that the commands run on, by its patches themselves, for the question before it."""
        return list(changed_files(self.capsule))

    def tools(self, also: Tools | None = None) -> Tools:
        """What of this machine the commands may read beside the system, with what the user named (``also``)."""
        place = place_of(self.request, self.start)
        commands = [*(check.command for check in self.checks), *self.setup]
        if place is None or place[1] is None:
            return needed(commands, None, also)
        store = Store(*place)
        try:
            return needed(commands, place[1], also, lambda name: _tracked(store, name))
        finally:
            store.close()

    @property
    def start(self) -> str | None:
        """The commit that the base begins from."""
        return start_of(self.capsule)

    @property
    def setup(self) -> list[str]:
        """The commands that set a tree up: those that the capsule declares, then the reader's."""
        declared = self.capsule.manifest.section("environment").get("setup")
        own = [word for word in declared if isinstance(word, str)] if isinstance(declared, list) else []
        return [*own, *self.request.setup]

    @property
    def revision(self) -> str | None:
        """The commit that was asked for beside the base, None where none was."""
        if self.request.at is None:
            return None
        with Trees(self.capsule, self.request, Path()) as trees:
            return trees.at_sha

    def run(self, sandbox: Sandbox) -> Iterator[CheckResult]:
        """Pose the checks in order, each in a fresh tree."""
        checks = self.checks
        with tempfile.TemporaryDirectory(prefix="tracetui-replay-", dir=self.scratch) as scratch:
            place = Path(scratch)
            with Trees(self.capsule, self.request, place) as trees:
                overlay = None
                if self.request.other is not None:
                    from tracetui.capsule.dependency import fetch

                    self._tell(f"fetching {self.request.other}")
                    python = python_version(sandbox.tools)
                    overlay = fetch(self.request.other, self.request.source, place / "with", trees.names_node, python)
                for check in checks:
                    yield self._one(check, trees, sandbox, overlay)

    def on_base(self, check: Check, sandbox: Sandbox) -> Outcome:
        """What a check shows on the base with the patches that stood when it was seen, all of them for one that is of
        no step."""
        with (
            tempfile.TemporaryDirectory(prefix="tracetui-replay-", dir=self.scratch) as scratch,
            Trees(self.capsule, self.request, Path(scratch)) as trees,
        ):
            self._tell(f"check {check.number} on the base")
            return self._pose(check, trees.base(check), sandbox, None)

    def _tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what)

    def _one(self, check: Check, trees: Trees, sandbox: Sandbox, overlay: Any) -> CheckResult:
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
        return CheckResult(check, verdict, why, at, base, last, seconds, rests_on(base, seen, sandbox.kind))

    def _set_up(self, tree: Tree, sandbox: Sandbox, root: str) -> Outcome | None:
        """Run the commands that set a tree up; what is told where one of them fails."""
        for command in self.setup:
            self._tell(f"setting up: {one_line(command, 60)}")
            ran = sandbox.run(command.replace("{root}", root), tree.root, limits=self.limits, cancelled=self.cancelled)
            if ran.code != 0:
                last = next((line for line in reversed(ran.output.splitlines()) if line.strip()), ran.why or "")
                why = (
                    f"the set-up failed ({one_line(command, 60)}, status {ran.code}): {one_line(_homeless(last), 120)}"
                )
                return Outcome("inconclusive", why, None, replace(ran, output=_homeless(ran.output)))
        return None

    def _pose(self, check: Check, place: Place, sandbox: Sandbox, overlay: Any) -> Outcome:
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
            ask, found = asked(command), imports_of(tree.root)
            give_git(tree)
            if self.setup:
                sandbox = Sandbox(sandbox.kind, copy_packages(tree, sandbox.tools, root))
                failed = self._set_up(tree, sandbox, root)
                if failed is not None:
                    return failed
            folders = [f"{root}/{name}" if name else root for name in found.folders]
            given = environ(sandbox.hooks(ask.hooks), folders)
            for name, value in ({} if overlay is None else overlay.environ(sandbox)).items():
                given[name] = (
                    f"{value}:{given[name]}" if name in ("PYTHONPATH", "NODE_PATH") and given.get(name) else value
                )
            ran = sandbox.run(
                command,
                tree.root,
                check.folder,
                limits=self.limits,
                environ=given,
                overlay=None if overlay is None else overlay.folder,
                over=over,
                aside=ask,
                cancelled=self.cancelled,
            )
            ran = replace(ran, output=_homeless(ran.output))
            packages = found.packages if overlay is None else ()
            evidence = gather(ran, rooted(ran.output, root), root, tree.root, packages)
            return look(check, ran, root, evidence)
        finally:
            if place.tree is not None:
                remove_tree(place.tree.root)


def _tracked(store: Store, name: str) -> bool:
    """Whether Git holds a path, or something below it, at HEAD or in the index."""
    sha = store.resolve("HEAD")
    paths: Collection[str] = store.files(sha) if sha is not None else ()
    if any(path == name or path.startswith(f"{name}/") for path in paths):
        return True
    return any(
        store.index_entry(f"{name}/{below}") is not None for below in ("pyvenv.cfg", "bin/python", ".package-lock.json")
    )


def _homeless(output: str) -> str:
    """An output without the user's home folder, in which their tools may stand: verdicts are made to be shown."""
    home = str(Path.home())
    return re.sub(rf"(?<![A-Za-z0-9._-]){re.escape(home)}(?![A-Za-z0-9._-])", "~", output) if len(home) > 2 else output


def _outputs(steps: bytes, wanted: Collection[tuple[Any, Any]]) -> dict[tuple[Any, Any], str]:
    """The outputs of some steps, by (agent, number), of the lines of ``steps.jsonl``."""
    import orjson

    found: dict[tuple[Any, Any], str] = {}
    for line in steps.splitlines():
        with contextlib.suppress(orjson.JSONDecodeError, AttributeError, TypeError):
            value = orjson.loads(line)
            at, output = (value.get("agent"), value.get("step")), (value.get("tool") or {}).get("output")
            if at in wanted and isinstance(output, str):
                found[at] = output
    return found


def verdict_of(results: Sequence[CheckResult]) -> tuple[str, CheckResult | None]:
    """(the verdict of the whole, the result that it is of): that of the main check, where it was posed, else the worst
    of all; the other checks are told beside it."""
    main = next((result for result in results if result.check.main), None)
    verdict = worst([result.verdict for result in results]) if main is None else main.verdict
    return verdict, main or next((result for result in results if result.verdict == verdict), None)


def tree_at(
    capsule: Capsule, step: int, folder: Path, repo: Path | None = None, agent: str | None = None
) -> tuple[Tree, list[str]]:
    """The tree as it was after a step (changes by shell commands are not in it), laid out below ``folder``, and the
    paths that the patches so far changed. Raises TracetuiError where the base is not at hand or a patch does not fit.
    """
    with Trees(capsule, Request(repo=repo), folder) as trees:
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
    """The verdict as a comment for an issue: what it is, what it rests on, how to repeat it. Markdown in which nothing
    of the capsule is more than text."""
    verdict, main = verdict_of(results)
    at = main.at if main is not None and request.at else None
    out = [f"**{verdict}**{f' at `{at}`' if at else ''} · capsule `{digest[:16]}`\n"]
    if request.other is not None:
        out.append(f"With {markdown_safe(request.other)}.\n")
    if main is not None:
        told = told_of(main.rests_on, main.check.number)
        out.append("".join(f"- {markdown_safe(line)}\n" for line in (main.why, *told)))
    for result in results:
        check = result.check
        beside = "" if result is main else f", beside it: **{result.verdict}**: {markdown_safe(result.why)}"
        out.append(f"Check {check.number}{beside}\n\n{fenced(check.command, 'sh')}")
        code = "another status than 0" if check.exit_code is None else f"status {check.exit_code}"
        seen = "none" if result.seen.code is None else str(result.seen.code)
        out.append(f"Expected {code}, saw {seen}.\n")
        if not result.seen.tests:
            for name, line in (("expected", check.line), ("saw", result.seen.line)):
                if line:
                    out.append(f"{name}\n\n{fenced(line)}")
    words = f"tracetui replay FILE.capsule.zip --repo .{f' --at {at}' if at else ''}"
    out.append(f"To repeat it, in the repository (it asks before it runs anything):\n\n{fenced(words, 'sh')}")
    return "\n".join(out)
