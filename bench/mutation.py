"""How many small faults the tests notice in the code that guards data.

    python bench/mutation.py [--sample 40] [--seed 1] [--module bucket.copies ...] [--out REPORT.txt]

Each module of `GUARDS` is changed in one small way at a time, as cosmic-ray's operators change code (needs the extra
``bench``), in a copy of the tree; a change that no test notices is listed with its diff. Prints a line per module
(noticed of tried) and the whole; status 1 below 85 % in any. With ``--sample N`` only N changes of a module are tried,
drawn with the seed.

To be quick, the tests of a module run once with each line noted that they pass through; for a change only the tests
that pass through its line are run, the fastest first, in a fork of a process that has imported all but what depends on
the changed module. What cannot be noticed is not counted: annotations, docstrings, and what `EQUIVALENT` lists with the
reason. Needs a system with fork.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
REACH = 0.85
_BUCKET = (
    *("tests/bucket/test_guards.py", "tests/bucket/test_copies.py", "tests/bucket/test_damage.py"),
    *("tests/bucket/test_capture.py", "tests/bucket/test_upgrade.py", "tests/bucket/test_place.py"),
    *("tests/bucket/test_parts.py", "tests/bucket/test_record_sources.py", "tests/bucket/test_within.py"),
    *("tests/bucket/test_withdraw.py", "tests/bucket/test_crash.py"),
)
_REDACT = (
    *("tests/redact/test_apply.py", "tests/redact/test_gate.py", "tests/redact/test_session.py"),
    *("tests/redact/test_leaks.py", "tests/redact/test_decisions.py"),
)
_TRAIL = (
    *("tests/trail/test_variations.py", "tests/trail/test_alive.py", "tests/trail/test_reverted.py"),
    *("tests/trail/test_transformed.py", "tests/trail/test_pending.py", "tests/trail/test_safety.py"),
    *("tests/trail/test_distance.py", "tests/trail/test_index.py"),
)
GUARDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "bucket.copies": ("tests/bucket/test_copies.py", _BUCKET),
    "bucket.frames": ("tests/bucket/test_copies.py", _BUCKET),
    "bucket.capture": ("tests/bucket/test_guards.py", _BUCKET),
    "bucket.run": ("tests/bucket/test_capture.py", _BUCKET),
    "bucket.ingest": ("tests/bucket/test_capture.py", _BUCKET),
    "bucket.forget": ("tests/bucket/test_forget.py", ("tests/bucket/test_forget.py", "tests/bucket/test_place.py")),
    "bucket.rebuild": ("tests/bucket/test_guards.py", (*_BUCKET, "tests/cli/test_doctor.py")),
    "capsule.archive": ("tests/capsule/test_archive.py", ("tests/capsule/test_archive.py",)),
    "capsule.verify": ("tests/capsule/test_verify.py", ("tests/capsule/test_verify.py",)),
    "redact.apply": ("tests/redact/test_apply.py", _REDACT),
    "redact.proof": ("tests/redact/test_proof.py", ("tests/redact/test_proof.py", *_REDACT)),
    "redact.gate": ("tests/redact/test_gate.py", _REDACT),
    "trail.judge": ("tests/trail/test_judge_parts.py", ("tests/trail/test_judge_parts.py", *_TRAIL)),
    "trail.assessment": ("tests/trail/test_variations.py", _TRAIL),
    "trail.outcome": ("tests/trail/test_alive.py", _TRAIL),
}
"""What guards data, and the tests that must notice when it does not: those of its own file first."""
EQUIVALENT = ROOT / "bench" / "mutation_equivalent.toml"
"""Changes that no test can notice, or none should (a tuned constant): ``module``, ``old`` and ``new`` line (without
``new``: whatever becomes of the line), ``why``."""
_ENOUGH = 12.0
"""Seconds of tests for one change, about."""
_BINARY = frozenset(
    [
        *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul"),
        *("RShift_LShift", "LShift_RShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitAnd"),
    ]
)
_COMPARISON = frozenset(
    [
        *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "In_NotIn", "NotIn_In"),
        *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
    ]
)
"""Of the eleven operators that cosmic-ray puts in place of each, the opposite and the one that is off by one: what else
there is (``is`` for ``==``, a power for a sum) is the same thing, or fails at once."""


class Change(NamedTuple):
    """A changed module: where (first line, function), how (the operator's name), the old and new lines, its text."""

    line: int
    function: str
    operator: str
    old: str
    new: str
    code: str


class Test(NamedTuple):
    """A test: seconds it took, lines of the module that it passed through."""

    name: str
    seconds: float
    lines: frozenset[int]


class Outcome(NamedTuple):
    """What came of the changes of one module."""

    module: str
    tried: int
    missed: list[str]


# what may be changed


def dead_spans(tree: ast.AST) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """What runs never: annotations, docstrings, imports for types; (line, column) of first and end."""
    nodes: list[ast.AST] = []
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            nodes.append(body[0])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            nodes.append(node.returns)
        if isinstance(node, ast.arg) and node.annotation is not None:
            nodes.append(node.annotation)
        if isinstance(node, ast.AnnAssign):
            nodes.append(node.annotation)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            nodes.append(node)
    return [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in nodes]  # type: ignore[attr-defined]


def changes(source: str) -> Iterator[Change]:
    """Every change that cosmic-ray's operators make of a module's text."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.ast.ast_query import ASTQuery
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    dead = dead_spans(ast.parse(source))
    lines = source.splitlines()
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        made = get_operator(name)
        if made.arguments() or name.endswith("NoOp"):
            continue
        if not telling(name.rpartition("/")[2]):
            continue
        operator = made()
        nth = -1
        for node in nodes:
            for place, _ in operator.mutation_positions(node):
                nth += 1
                if any(first <= place < end for first, end in dead):
                    continue
                try:
                    code = mutate_code(source, operator, nth)
                except AttributeError:  # (cosmic-ray cannot replace an exception that is named with its module)
                    continue
                if code is None or code == source:
                    continue
                ours, theirs = differing(lines, code.splitlines())
                short = name.rpartition("/")[2]
                if short.startswith("ReplaceBinaryOperator_Mul") and (ours == "*," or ours.startswith("def ")):
                    continue  # (no product: what comes behind is named by its keyword)
                where = ASTQuery(node).get_definition_name() or ""
                yield Change(place[0], where, short, ours, theirs, code)


def differing(old: list[str], new: list[str]) -> tuple[str, str]:
    """The lines that differ, of either text, without what indents them."""
    out: tuple[list[str], list[str]] = ([], [])
    for line in difflib.unified_diff(old, new, n=0, lineterm=""):
        if line[:1] in "-+" and not line.startswith(("---", "+++")):
            out[line[0] == "+"].append(line[1:].strip())
    return " ".join(out[0]), " ".join(out[1])


def telling(operator: str) -> bool:
    """Whether an operator of cosmic-ray says something that others do not."""
    kind = re.fullmatch(r"Replace(Binary|Comparison)Operator_(\w+)", operator)
    return kind is None or kind[2] in (_BINARY if kind[1] == "Binary" else _COMPARISON)


# running tests in forks


class Noting:
    """A pytest plugin that notes what each test takes, and which lines of one file it passes through."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.tests: list[tuple[str, float, list[int]]] = []
        self._lines: set[int] = set()

    def _trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != self.path:
            return None
        self._lines.add(frame.f_lineno)
        return self._trace

    def pytest_runtest_protocol(self, item: Any) -> None:
        self._lines.clear()
        self._began = time.perf_counter()
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        self.tests.append((nodeid, time.perf_counter() - self._began, sorted(self._lines)))


def forked(work: Path, arguments: list[str], limit: float, noted: Path | None = None, path: str = "") -> int:
    """Run pytest in a child; its status, or -1 where it took longer than ``limit`` seconds."""
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            os.chdir(work)
            sink = os.open(f"{noted}.log" if noted else os.devnull, os.O_RDWR | os.O_CREAT, 0o600)
            for handle in (0, 1, 2):
                os.dup2(sink, handle)
            import pytest

            plugin = Noting(path)
            status = int(pytest.main(arguments, plugins=[plugin] if noted else []))
            if noted:
                noted.write_text(json.dumps(plugin.tests))
            os._exit(status)
        except BaseException:  # noqa: BLE001 (a fork must not go on as its parent would)
            os._exit(99)
    ends = time.monotonic() + limit
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def preload(work: Path, module: str) -> None:
    """Import what pytest needs, and of tracetui what does not depend on the module."""
    names = {}
    for path in sorted((work / "tracetui").rglob("*.py")):
        name = ".".join(path.relative_to(work).with_suffix("").parts).removesuffix(".__init__")
        names[name] = path
    needs = {name: set(_imports(ast.parse(path.read_text("utf-8")), name, names)) for name, path in names.items()}
    tainted, grew = {f"tracetui.{module}"}, True
    while grew:
        more = {name for name, found in needs.items() if found & tainted} - tainted
        tainted |= more
        grew = bool(more)
    sys.path.insert(0, str(work))
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    layers = ("tracetui.model", "tracetui.text", "tracetui.harness", "tracetui.bucket", "tracetui.trail")
    for name in (
        "pytest",
        "_pytest.runner",
        "hypothesis.strategies",
        "pytest_asyncio.plugin",
        "xdist.plugin",
        "pygit2",
    ):
        importlib.import_module(name)
    for name in names:
        if name not in tainted and name.startswith((*layers, "tracetui.redact")):
            importlib.import_module(name)


def _imports(tree: ast.AST, name: str, known: dict[str, Path]) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts)))
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for full in found:
            pieces = full.split(".")
            yield from (part for end in range(1, len(pieces) + 1) if (part := ".".join(pieces[:end])) in known)


def run(module: str, own: str, tests: tuple[str, ...], sample: int, seed: int, work: Path) -> Outcome:
    """Try the changes of one module in the copy at ``work``. To be called in a process of its own."""
    path = work / f"tracetui/{module.replace('.', '/')}.py"
    source = path.read_text("utf-8")
    preload(work, module)
    noted = work.parent / "noted.json"
    base = ["-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "--assert=plain"]
    status = forked(work, [*base, "-m", "not corpus", *tests], 900, noted, str(path))
    if status != 0:
        print(Path(f"{noted}.log").read_text("utf-8", "replace")[-3000:])
        print(f"{module}: its tests do not pass as they are (status {status})")
        return Outcome(module, 0, [])
    found = sorted(Test(name, took, frozenset(lines)) for name, took, lines in json.loads(noted.read_text()))
    found.sort(key=lambda test: (not test.name.startswith(own), test.seconds))
    known = [
        item for item in tomllib.loads(EQUIVALENT.read_text("utf-8"))["equivalent"] if item["module"] in (module, "*")
    ]
    all_changes = [
        change
        for change in changes(source)
        if not any(item["old"] == change.old and item.get("new", change.new) == change.new for item in known)
    ]
    if sample and sample < len(all_changes):
        all_changes = random.Random(seed).sample(all_changes, sample)
    within = enclosing(source)
    missed = []
    try:
        for change in all_changes:
            span = within.get(change.line, {change.line})
            chosen, seconds = [], 0.0
            # (What runs when the module is imported, no test passes through: then any may notice.)
            for test in [test for test in found if test.lines & span] or found:
                if seconds < _ENOUGH:
                    chosen.append(test.name)
                    seconds += test.seconds
            path.write_text(change.code, "utf-8")
            for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                stale.unlink()
            if forked(work, [*base, *chosen], 20 + 6 * seconds) == 0:
                place = f"{module}:{change.line} {change.function} {change.operator}"
                missed.append(f"{place}\n- {change.old}\n+ {change.new}")
    finally:
        path.write_text(source, "utf-8")
    return Outcome(module, len(all_changes), missed)


def enclosing(source: str) -> dict[int, set[int]]:
    """Line -> the lines of its statement (the tests pass through the first of them at least)."""
    out: dict[int, set[int]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            assert node.end_lineno is not None
            span = set(range(node.lineno, node.end_lineno + 1))
            for line in span:
                out[line] = span
    return out


def main() -> int:
    """Run the modules that were asked for and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="changes per module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", action="append", choices=list(GUARDS))
    parser.add_argument("--out", type=Path, help="where the lines of what was not noticed go")
    asked = parser.parse_args()
    tried = noticed = 0
    low = False
    with tempfile.TemporaryDirectory(prefix="tracetui-mutation-") as folder:
        work = Path(folder) / "tree"
        skip = shutil.ignore_patterns(".git", ".venv", "__pycache__", "screenshots", "*.sqlite")
        shutil.copytree(ROOT, work, ignore=skip)
        for module in asked.module or GUARDS:
            began = time.monotonic()
            result = Path(folder) / "result.json"
            result.unlink(missing_ok=True)
            # (A process each: what it imports beforehand depends on the module.)
            child = os.fork()
            if child == 0:
                with contextlib.suppress(KeyboardInterrupt):
                    result.write_text(json.dumps(run(module, *GUARDS[module], asked.sample, asked.seed, work)))
                os._exit(0)
            os.waitpid(child, 0)
            if not result.exists():
                low = True
                continue
            outcome = Outcome(*json.loads(result.read_text()))
            count = outcome.tried - len(outcome.missed)
            tried, noticed = tried + outcome.tried, noticed + count
            share = count / max(1, outcome.tried)
            low = low or share < REACH
            took = time.monotonic() - began
            print(f"{module:18} {count:4} of {outcome.tried:4}  {share:6.1%}  {took:5.0f} s", flush=True)
            if asked.out:
                with asked.out.open("a", encoding="utf-8") as file:
                    file.writelines(f"{text}\n\n" for text in outcome.missed)
    print(f"{'all':18} {noticed:4} of {tried:4}  {noticed / max(1, tried):6.1%}")
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
