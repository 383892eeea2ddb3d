"""What a run of a check shows beside its status: which tests failed, passed and were skipped, where the tested package
came from, which interpreter it was, and what kept a part of the command from being found."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from tracetui.capsule.runners import Told, read_output
from tracetui.capsule.runners.junit import read_xml
from tracetui.capsule.signature import Signature, find_test, same_error
from tracetui.sandbox.aside import Aside
from tracetui.sandbox.limits import Ran
from tracetui.text.safe import one_line

__all__ = ["HOOKS", "Evidence", "asked", "environ", "gather", "not_found"]

HOOKS: Final = Path(__file__).with_name("hooks")
_NOT_FOUND: Final = (
    re.compile(r"^(?:/\S{1,40}/)?(?:ba|da|z|k|a)?sh: (?:line \d{1,6}: |\d{1,6}: )?(\S.{0,200}?): "
               r"(?:command not found|not found|No such file or directory|Permission denied|cannot execute.{0,60})$"),
    re.compile(r"^(?:env|xargs|timeout|nohup|nice|stdbuf|sudo): .{0,60}['\u2018]?(\S{1,200}?)['\u2019]?: "
               r"(?:No such file or directory|command not found|Permission denied)$"),
    re.compile(r"^(?:/\S{1,200}/)?python[0-9.]{0,5}: (can't open file .{1,200}|No module named \S{1,100})"),
    re.compile(r"^(?:make|gmake)(?:\[\d{1,3}\])?: (\S{1,100}): No such file or directory$"),
    re.compile(r"^Error: (Cannot find module '\{root\}.{0,200}')$"),
)  # fmt: skip
"""What shells and launchers say of a program or a script that is not there."""
_VERSIONS: Final = {
    "go": "go version", "cargo": "cargo --version", "rustc": "rustc --version", "rspec": "ruby --version",
    "ruby": "ruby --version", "rake": "ruby --version", "bundle": "ruby --version", "mvn": "java -version",
    "gradle": "java -version", "gradlew": "java -version", "javac": "javac -version", "java": "java -version",
    "node": "node --version", "npm": "node --version", "npx": "node --version", "gcc": "gcc --version",
    "cc": "cc --version", "clang": "clang --version", "make": "make --version", "php": "php --version",
}  # fmt: skip
_READS_LINES: Final = re.compile(r"\b(?:while|until|read|xargs|parallel|for)\b")
_FILTERED: Final = re.compile(r"\|&?\s{0,9}(?:tail|head|grep|sed)\b")
_XML: Final = 200
_XML_SIZE: Final = 4_000_000


@dataclass(slots=True)
class Evidence:
    """``told`` is what the runners said, by name. ``statuses``: of the parts of the last pipeline, None where the shell
    does not tell. ``outside``: why the tested code was not the tree's. ``versions`` of interpreters and tools."""

    told: dict[str, Told] = field(default_factory=dict)
    statuses: tuple[int, ...] | None = None
    missing: str | None = None
    outside: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)

    def of(self, runner: str | None) -> Told | None:
        """What one runner told; of an unnamed one, the first that named failures."""
        if runner is not None:
            return self.told.get(runner)
        return next(iter(self.told.values()), None)

    def states(self, signature: Signature) -> dict[str, str]:
        """The state of each test of a signature: ``same`` (failed with its error), ``other`` (failed with another),
        ``passed``, ``skipped``, ``gone`` (others were named, this one was not), ``unnamed`` (nothing was)."""
        told = self.of(signature.runner)
        return {test: _state(told, test, error) for test, error in signature.tests}

    def beyond(self, signature: Signature) -> dict[str, str]:
        """Tests that failed and that the signature does not name, with their errors."""
        told = self.of(signature.runner)
        if told is None:
            return {}
        known = [test for test, _ in signature.tests]
        failed = {test: error for test, error in told.failed.items() if find_test(test, known) is None}
        telling = {test: error for test, error in failed.items() if error}
        return telling or ({} if any(told.failed.get(test) for test in told.failed) else failed)


def _state(told: Told | None, test: str, error: str) -> str:
    if told is None:
        return "unnamed"
    if test == "build":
        return (
            "same" if any(same_error(error, other) for other in told.broken) else ("other" if told.broken else "passed")
        )
    found = find_test(test, list(told.failed))
    if found is not None:
        return "same" if same_error(error, told.failed[found]) else "other"
    if find_test(test, list(told.passed)) is not None:
        return "passed"
    if find_test(test, list(told.skipped)) is not None:
        return "skipped"
    if told.runner in ("compiler", "make"):
        return "passed"
    return "gone" if told.passed else "unnamed"


# -- before the run


def asked(command: str) -> Aside:
    """What to ask a command to leave beside its output."""
    try:
        words = shlex.split(command, comments=False)
    except ValueError:
        words = command.split()
    names = [word.rpartition("/")[2] for word in words]
    versions = tuple(dict.fromkeys(_VERSIONS[name] for name in names if name in _VERSIONS))
    tap = _FILTERED.search(command) is not None and _READS_LINES.search(command) is None
    return Aside(HOOKS, versions, tap)


def environ(hooks: str, more: Sequence[str] = ()) -> dict[str, str]:
    """Variables by which runners name each test: ``hooks`` is where the folder of hooks stands for the command,
    ``more`` are folders of the tree that Python imports from first."""
    return {
        "PYTHONPATH": ":".join([*more, hooks]),
        "PYTEST_PLUGINS": "tracetui_tests",
        "GOFLAGS": "-v",
        "NODE_OPTIONS": f"--require={hooks}/node.cjs",
        "SPEC_OPTS": "--format documentation",
    }


# -- after it


def gather(ran: Ran, output: str, root: str, tree: Path | None, packages: Iterable[str] = ()) -> Evidence:
    """The evidence of a run. ``output`` spells the tree ``{root}``, which stood at ``root`` for the command; ``tree``
    is where it lies, for the reports that runners left there; ``packages`` are what of Python it holds."""
    beside = ran.beside
    texts = [output, *(_spelled(text, root) for text in beside.get("tap", ()))]
    found = Evidence(missing=not_found("\n".join(texts)))
    for text in texts:
        for told in read_output(text):
            _merge(found.told, told)
    for told in (*_recorded(beside.get("tests", ()), root), *(_reports(tree) if tree is not None else ())):
        _merge(found.told, told)
    for text in beside.get("status", ()):
        numbers = [int(word) for word in text.split() if word.isdigit()]
        found.statuses = tuple(numbers[1:]) or None
    found.versions = [one_line(text, 80) for text in beside.get("version", ()) if text.strip()]
    _python(found, _objects(beside.get("python", ())), root, set(packages))
    for value in _objects(beside.get("node", ())):
        if isinstance(value.get("version"), str):
            found.versions.append(f"Node {value['version'][:40]}")
    found.versions = list(dict.fromkeys(found.versions))
    return found


def not_found(output: str) -> str | None:
    """The line with which a shell or launcher says that a program or script is not there, None where none does."""
    for line in output.split("\n"):
        if len(line) < 500 and any(pattern.match(line.strip()) for pattern in _NOT_FOUND):
            return one_line(line.strip(), 160)
    return None


def _spelled(text: str, root: str) -> str:
    from tracetui.capsule.checks import rooted

    return rooted(text, root)


def _merge(known: dict[str, Told], told: Told) -> None:
    """What one text tells beside what another told of the same run: each may hold a part."""
    old = known.get(told.runner)
    if old is None:
        known[told.runner] = told
        return
    for test, error in told.failed.items():
        old.fail(test, error)
    old.passed |= told.passed
    old.skipped |= told.skipped
    old.files |= told.files
    old.broken += [error for error in told.broken if error not in old.broken]
    old.passed -= old.failed.keys()
    # The same summary stands in both; where one was cut off, the other counted more.
    old.ran = told.ran if old.ran is None else max(old.ran, told.ran or 0)
    old.skips = told.skips if old.skips is None else max(old.skips, told.skips or 0)


def _objects(texts: Iterable[str]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for text in texts:
        for line in text.split("\n"):
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(value, dict):
                out.append(value)
    return out


def _recorded(texts: Iterable[str], root: str) -> list[Told]:
    """What the hooks told of single tests."""
    found: dict[str, Told] = {}
    for value in _objects(texts):
        runner, test, word = value.get("runner"), value.get("test"), value.get("outcome")
        if not isinstance(runner, str) or not isinstance(test, str):
            continue
        told = found.setdefault(runner, Told(runner))
        test = _spelled(test, root)
        if word == "failed":
            told.fail(test)
        elif word == "passed":
            told.passed.add(test)
        elif word == "skipped":
            told.skipped.add(test)
    for told in found.values():
        told.passed -= told.failed.keys() | told.skipped
    return list(found.values())


def _reports(tree: Path) -> list[Told]:
    """The XML reports that JUnit's runners left in their usual places."""
    found: list[Told] = []
    for folder in ("target/surefire-reports", "build/test-results/test"):
        place = tree / folder
        if place.is_symlink() or not place.is_dir():
            continue
        for path in sorted(place.glob("TEST-*.xml"))[:_XML]:
            if not path.is_symlink() and path.is_file() and path.stat().st_size < _XML_SIZE:
                told = read_xml(path.read_text("utf-8", "replace"))
                if told is not None:
                    found.append(told)
    return found


def _python(found: Evidence, told: Sequence[Mapping[str, Any]], root: str, packages: set[str]) -> None:
    """Which Python it was, and whether each package of the tree that was imported came from the tree."""
    for value in told:
        version, modules = value.get("version"), value.get("modules")
        if isinstance(version, str):
            found.versions.append(f"Python {version[:40]}")
        if not isinstance(modules, dict):
            continue
        for name in packages & modules.keys():
            place = str(modules[name])
            if place == root or place.startswith(root + "/"):
                found.sources[name] = _spelled(place, root)
            else:
                found.outside = f"{name} was imported from {one_line(place, 120)}, not from the tree"
