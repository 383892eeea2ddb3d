"""Only its own package knows a harness: no text elsewhere is its name, and nothing elsewhere imports its package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tracetui.harness import HARNESSES

PACKAGE = Path(__file__).parents[2] / "tracetui"
EXAMPLES: dict[str, set[str]] = {}
"""Files whose help names harnesses as examples: text for people, by which nothing is decided."""


def _files() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(("harness/", "demo/")):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def test_nothing_else_knows_a_harness() -> None:
    found: list[str] = []
    files = 0
    for name, tree in _files():
        files += 1
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in HARNESSES.keys() - EXAMPLES.get(name, set()):
                found.append(f"{name}:{node.lineno} names {node.value}")
            for module in _modules(node):
                if module.removeprefix("tracetui.harness.").partition(".")[0] in HARNESSES:
                    found.append(f"{name}: imports {module}")
    assert found == []
    assert files > 100
