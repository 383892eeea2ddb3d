"""How many small faults the tests notice in the code that guards data.

    python bench/mutation.py [--sample 40] [--seed 1] [--module bucket.copies ...] [--out REPORT.txt]

Each module of `GUARDS` is changed in one small way at a time by cosmic-ray (needs the extra ``bench``), in a copy of
the tree, and its tests are run; a change that no test notices is listed with its diff. With ``--sample N`` only N
changes of a module are tried, drawn with the seed. Prints a line per module (noticed of tried) and the whole; status 1
below 85 %. Changes in docstrings, annotations and imports for types are left out: nothing could notice them.
"""

from __future__ import annotations

import argparse
import ast
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
REACH = 0.85
GUARDS: dict[str, tuple[str, ...]] = {
    "bucket.copies": ("tests/bucket",),
    "bucket.capture": ("tests/bucket",),
    "bucket.forget": ("tests/bucket", "tests/cli/test_lists.py"),
    "bucket.rebuild": ("tests/bucket",),
    "capsule.archive": ("tests/capsule/test_archive.py", "tests/capsule/test_verify.py"),
    "capsule.verify": (
        "tests/capsule/test_verify.py",
        "tests/capsule/test_archive.py",
        "tests/capsule/test_hostile.py",
    ),
    "redact.apply": ("tests/redact",),
    "redact.proof": ("tests/redact",),
    "redact.gate": ("tests/redact",),
    "trail.judge": ("tests/trail",),
    "trail.outcome": ("tests/trail",),
}
"""What guards data, and the tests that must notice when it does not."""
EQUIVALENT = ROOT / "bench" / "mutation_equivalent.txt"
"""Changes that no test can notice, with the reason: ``module:function:operator occurrence  why`` a line."""


class Outcome(NamedTuple):
    """What came of the changes of one module."""

    module: str
    tried: int
    noticed: int
    missed: list[str]


def dead_lines(path: Path) -> set[int]:
    """Lines (from 1) on which a change changes nothing that runs: docstrings, annotations, imports for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            found.update(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(range(node.lineno, node.body[0].lineno))  # the signature: mostly annotations
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.update(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, ast.AnnAssign) and node.value is None:
            found.add(node.lineno)
    return found


def run(module: str, tests: tuple[str, ...], sample: int, seed: int, work: Path) -> Outcome:
    """Try the changes of one module in the copy at ``work``."""
    path = f"tracetui/{module.replace('.', '/')}.py"
    command = f"{sys.executable} -m pytest -x -q -p no:randomly {' '.join(tests)}"
    config = work / "mutation.toml"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{path}"\ntimeout = 120.0\nexcluded-modules = []\n'
        f'test-command = "{command}"\n[cosmic-ray.distributor]\nname = "local"\n'
    )
    session = work / "mutation.sqlite"
    session.unlink(missing_ok=True)
    tool = [sys.executable, "-m", "cosmic_ray.cli"]
    subprocess.run([*tool, "init", str(config), str(session)], cwd=work, check=True, capture_output=True)
    dead = dead_lines(work / path)
    with sqlite3.connect(session) as base:
        rows = base.execute(
            "SELECT job_id, start_pos_row FROM mutation_specs ORDER BY operator_name, occurrence, start_pos_row"
        ).fetchall()
        alive = [job for job, row in rows if row not in dead]
        kept = set(alive if not sample else random.Random(seed).sample(alive, min(sample, len(alive))))
        drop = [(job,) for job, _ in rows if job not in kept]
        base.executemany("DELETE FROM mutation_specs WHERE job_id = ?", drop)
        base.executemany("DELETE FROM work_items WHERE job_id = ?", drop)
    subprocess.run([*tool, "exec", str(config), str(session)], cwd=work, check=True, capture_output=True)
    with sqlite3.connect(session) as base:
        results = base.execute(
            "SELECT r.test_outcome, r.diff, m.definition_name, m.operator_name, m.occurrence"
            " FROM work_results r JOIN mutation_specs m USING (job_id)"
        ).fetchall()
    known = EQUIVALENT.read_text(encoding="utf-8") if EQUIVALENT.is_file() else ""
    missed = []
    tried = 0
    for outcome, diff, function, operator, occurrence in results:
        name = f"{module}:{function}:{operator.rpartition('/')[2]} {occurrence}"
        if f"{name} " in known:
            continue
        tried += 1
        if str(outcome).lower().endswith("survived"):
            missed.append(f"{name}\n{diff}")
    return Outcome(module, tried, tried - len(missed), missed)


def main() -> int:
    """Run the modules that were asked for and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="changes per module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", action="append", choices=list(GUARDS))
    parser.add_argument("--out", type=Path, help="where the diffs of what was not noticed go")
    asked = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="tracetui-mutation-") as folder:
        work = Path(folder) / "tree"
        skip = shutil.ignore_patterns(".git", ".venv", "__pycache__", "screenshots", "*.sqlite")
        shutil.copytree(ROOT, work, ignore=skip)
        for module in asked.module or GUARDS:
            outcome = run(module, GUARDS[module], asked.sample, asked.seed, work)
            outcomes.append(outcome)
            share = outcome.noticed / max(1, outcome.tried)
            print(f"{module:18} {outcome.noticed:4} of {outcome.tried:4}  {share:6.1%}", flush=True)
            if asked.out:
                with asked.out.open("a", encoding="utf-8") as file:
                    file.writelines(f"{text}\n\n" for text in outcome.missed)
    tried, noticed = sum(o.tried for o in outcomes), sum(o.noticed for o in outcomes)
    print(f"{'all':18} {noticed:4} of {tried:4}  {noticed / max(1, tried):6.1%}")
    return 0 if noticed >= REACH * tried else 1


if __name__ == "__main__":
    sys.exit(main())
