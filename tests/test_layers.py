"""The house: imports run one way, only ``tui`` knows Textual, and the first frame imports no more than it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tracetui"

# From the bottom up; a place may import places that stand before its own group, and itself.
LAYERS: list[set[str]] = [
    {"model", "__init__"},
    {"text"},
    {"harness"},
    {"bucket"},
    {"trail", "ctx", "redact"},
    {"capsule", "dataset", "config"},
    {"demo"},
    {"commands"},
    {"tui"},
    {"cli"},
    {"__main__"},
]
# A command opens the app and reads the parser; the app names a command: each late, inside the function that does it.
LATE = {("commands", "tui"), ("commands", "cli")}


def _place(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> list[tuple[int, str, bool]]:
    """(line, module, at module level) of every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[tuple[int, str, bool]] = []
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "tracetui":
                found += [(node.lineno, f"tracetui.{alias.name}", id(node) in top) for alias in node.names]
            else:
                found.append((node.lineno, node.module, id(node) in top))
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_place_has_a_layer() -> None:
    known = set().union(*LAYERS)
    assert {_place(path) for path in FILES} <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    place = _place(path)
    rank = next(i for i, layer in enumerate(LAYERS) if place in layer)
    for line, module, top in _imports(path):
        first, *rest = module.split(".")
        if first in {"textual", "rich"}:
            assert place == "tui", f"{path}:{line} imports {module} outside tui"
        if first != "tracetui" or not rest or rest[0] == place:
            continue
        if rest[0].startswith("_") or ((place, rest[0]) in LATE and not top):
            continue
        target = next((i for i, layer in enumerate(LAYERS) if rest[0] in layer), 0)
        assert target < rank, f"{path}:{line} imports {module} upwards"


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
