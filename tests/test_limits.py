"""How large a class and how branched a function may be. What is over is named here, and may only become less."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tracetui"
METHODS = 40
LINES = 400
BRANCHES = 25
EXCUSED = 40
"""Functions at most that ruff's C901 (15) lets pass with a reason."""

CLASSES_OVER = {
    "Capture": (28, 535),
    "CodexReader": (39, 603),
    "OpenCodeReader": (33, 501),
    "PiReader": (23, 424),
    "Redaction": (55, 592),
    "Review": (41, 388),
}
"""Class: methods and lines over the classes of its MRO that are ours. Split it, and take it out here."""


@cache
def trees() -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def classes() -> dict[str, tuple[set[str], set[str], int]]:
    """Class -> its own methods, the names of its bases, its lines. Names of classes are taken to be of one class."""
    found: dict[str, tuple[set[str], set[str], int]] = {}
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                methods = {sub.name for sub in node.body if isinstance(sub, ast.FunctionDef | ast.AsyncFunctionDef)}
                bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
                names = {getattr(base, "id", getattr(base, "attr", "")) for base in bases}
                assert node.end_lineno is not None
                size = node.end_lineno - node.lineno + 1
                known = found.get(node.name, (set(), set(), 0))
                # Of two classes of one name the larger counts; it is over if one is.
                found[node.name] = max(known, (methods, names, size), key=lambda item: (len(item[0]), item[2]))
    return found


def sizes() -> dict[str, tuple[int, int]]:
    """Class -> methods and lines over its MRO, bases that are not ours left out."""
    known = classes()

    def gather(name: str, seen: set[str]) -> tuple[set[str], int]:
        if name in seen or name not in known:
            return set(), 0
        seen.add(name)
        methods, bases, lines = known[name]
        methods = set(methods)
        for base in sorted(bases):
            more, size = gather(base, seen)
            methods |= more
            lines += size
        return methods, lines

    return {name: (len(methods), lines) for name in known for methods, lines in [gather(name, set())]}


def test_classes_are_of_a_size_that_can_be_read() -> None:
    over = {name: size for name, size in sizes().items() if size[0] > METHODS or size[1] > LINES}
    assert not over.keys() - CLASSES_OVER.keys(), {name: over[name] for name in over.keys() - CLASSES_OVER.keys()}
    assert not CLASSES_OVER.keys() - over.keys(), "in the limits by now; take it out of CLASSES_OVER"
    for name, (methods, lines) in over.items():
        assert methods <= CLASSES_OVER[name][0], f"{name} grew to {methods} methods"
        assert lines <= CLASSES_OVER[name][1] + 10, f"{name} grew to {lines} lines"


def branches(node: ast.AST) -> int:
    """Cyclomatic complexity with what ruff leaves out: and, or, conditional expressions, asserts; the functions inside
    counted too."""
    count = 1
    for sub in ast.walk(node):
        if isinstance(
            sub,
            ast.If | ast.For | ast.AsyncFor | ast.While | ast.ExceptHandler | ast.IfExp | ast.Assert | ast.match_case,
        ):
            count += 1
        elif isinstance(sub, ast.BoolOp):
            count += len(sub.values) - 1
        elif isinstance(sub, ast.comprehension):
            count += 1 + len(sub.ifs)
    return count


def functions() -> Iterator[tuple[str, int]]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}:{node.name}", branches(node)


def test_functions_are_not_more_branched_than_can_be_followed() -> None:
    over: dict[str, int] = {}
    for name, count in functions():
        if count > BRANCHES:
            over[name] = max(count, over.get(name, 0))
    assert not over


def test_what_ruff_lets_pass_has_a_reason() -> None:
    excused = [
        (path, line)
        for path in trees()
        for line in (ROOT / path).read_text("utf-8").splitlines()
        if "noqa" in line and "C901" in line
    ]
    assert len(excused) <= EXCUSED
    for path, line in excused:
        assert re.search(r"# noqa: C901 - \w.{8,}", line), f"{path}: no reason: {line}"


def test_the_app_has_as_many_rooms_as_fit_on_a_screen() -> None:
    entries = [path.name for path in (PACKAGE / "tui").iterdir() if path.name not in ("__init__.py", "__pycache__")]
    assert len(entries) <= 9, entries


@pytest.mark.parametrize("path", [path for path in trees() if "/tui/" in path])
def test_files_of_the_app_have_one_subject(path: str) -> None:
    # A little over is better than a file cut in two for its length alone.
    limit = 500
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= limit
