"""What import-linter cannot say of its layers: that exceptions are late, that nothing runs in a circle, that the first
frame imports no more than it needs. The layers themselves stand in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tracetui"
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}
TYPING_CIRCLES = 15
"""Circles for typing: most are a screen and its controllers. They may only become fewer."""


@cache
def modules() -> dict[str, Path]:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in names.items()}


@cache
def imports(name: str) -> dict[str, frozenset[str]]:
    """The modules of ours that a module imports: at the ``top`` level, for ``typing`` only, ``late`` in a function."""
    found: dict[str, set[str]] = {"top": set(), "typing": set(), "late": set()}

    def visit(node: ast.AST, when: str) -> None:
        for child in ast.iter_child_nodes(node):
            then = when
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                then = "typing"
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and when == "top":
                then = "late"
            if isinstance(child, ast.Import):
                found[then].update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    inner = f"{child.module}.{alias.name}"
                    found[then].add(inner if inner in modules() else child.module)
            else:
                visit(child, then)

    visit(ast.parse(modules()[name].read_text("utf-8")), "top")
    return {when: frozenset(set_ & modules().keys() - {name}) for when, set_ in found.items()}


def circles(edges: Callable[[str], Iterable[str]]) -> list[list[str]]:
    """The sets of modules that reach each other (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def walk(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges(node):
            if other not in index:
                walk(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in modules():
        if name not in index:
            walk(name)
    return found


def test_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_every_module_has_a_layer() -> None:
    said = " ".join(CONTRACTS["layers"]["layers"])
    known = {word.strip("()|") for word in said.split()}
    for name in modules():
        assert name == "tracetui" or any(name == layer or name.startswith(f"{layer}.") for layer in known), name


def test_exceptions_are_late() -> None:
    """The commands that open the app do so inside the function that does it; so a command starts without Textual."""
    for exception in CONTRACTS["layers"]["ignore_imports"]:
        name, _, target = exception.partition(" -> ")
        assert target in imports(name)["late"], exception
        assert target not in imports(name)["top"], exception


def test_nothing_is_imported_in_a_circle() -> None:
    assert circles(lambda name: imports(name)["top"]) == []


def test_circles_for_typing_become_fewer() -> None:
    found = circles(lambda name: imports(name)["top"] | imports(name)["typing"])
    assert len(found) <= TYPING_CIRCLES, found


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("tracetui.model", "orjson"),
        ("tracetui.harness", "textual rich pygit2 zstandard tree_sitter detect_secrets pygments multiprocessing"),
        ("tracetui.bucket", "textual rich pygit2 zstandard re2 tree_sitter detect_secrets pygments multiprocessing"),
        (
            "tracetui.cli",
            "textual rich pygit2 zstandard re2 tree_sitter detect_secrets pygments sqlite3 multiprocessing",
        ),
        ("tracetui.tui.app", "pygit2 zstandard re2 tree_sitter detect_secrets pygments textual.widgets._markdown"),
    ],
)
def test_import_is_light(module: str, banned: str) -> None:
    """The first frame comes first: heavy packages are imported where they are used."""
    code = f"import sys, {module}; print(*[m for m in {banned.split()!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.split() == []
