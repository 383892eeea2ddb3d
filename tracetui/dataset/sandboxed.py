"""Code of a workflow that is not ours: agreed to once per digest, run in the sandbox, one process for many units.

It has the units and nothing else: no network, home, repository or bucket. What it writes is as hostile as any file.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.dataset.workflow import Workflow
from tracetui.model import SessionRow, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.dataset.making import Maker, RunSummary, _SessionRows
    from tracetui.dataset.material import Material
    from tracetui.dataset.store import DatasetStore
    from tracetui.dataset.units import WorkUnit
    from tracetui.sandbox.runner import Sandbox

__all__ = ["agreed", "made_by_code", "rendered"]

_UNITS: Final = 256 * 1024 * 1024
"""Bytes of units that one process is given."""
_LINE: Final = 16 * 1024 * 1024
"""Bytes of what one unit may give."""
_SECONDS: Final = 600.0
_MEMORY: Final = 2 * 1024**3


def agreed(store: DatasetStore, workflow: Workflow) -> None:
    """Raise TracetuiError where the user has not agreed to run a workflow's code as it is now."""
    if workflow.foreign and store.agreed(workflow.name) != workflow.digest:
        raise TracetuiError(
            f"The workflow {workflow.name} brings code that you have not agreed to; look at it, and agree with: "
            f"tracetui dataset run {workflow.name} --agree {workflow.digest[:16]}"
        )


def made_by_code(
    maker: Maker, sessions: Sequence[SessionRow], summary: RunSummary | None
) -> Iterator[tuple[SessionRow, _SessionRows]]:
    """The rows that a workflow's code makes of sessions. Raises TracetuiError where it may not run, or fails as a
    whole; what one unit does wrong is told of its session."""
    from tracetui.dataset.making import _SessionRows

    workflow = maker.workflow
    if workflow.foreign:
        agreed(maker.store, workflow)
    if not sessions:
        return
    held: list[tuple[SessionRow, Material, list[WorkUnit], _SessionRows]] = []
    with _scratch(maker.bucket) as tree:
        size = 0
        with (tree / "units.jsonl").open("wb") as stream:
            for session in sessions:
                material = maker.material(session, summary)
                if material is None:
                    continue
                found = _SessionRows()
                units: list[WorkUnit] = []
                for unit in maker.units(material, found):
                    data = orjson.dumps(unit.value)
                    size += len(data) + 1
                    if size > _UNITS:
                        raise TracetuiError(f"The units of {workflow.name} are too large; select fewer sessions")
                    stream.write(data + b"\n")
                    unit.value.clear()
                    units.append(unit)
                held.append((session, material, units, found))
        told = _answers(_run(tree, workflow, maker.bucket), workflow) if any(units for _, _, units, _ in held) else {}
    nth = 0
    for session, material, units, found in held:
        for unit in units:
            answer = told.get(nth, {"error": "it gave no answer"})
            nth += 1
            if "ask" in answer:
                choices = [str(item)[:80] for item in answer.get("choices") or ()][:9]
                found.asked.append((unit.key, str(answer["ask"])[:300], choices))
            elif isinstance(answer.get("rows"), list):
                maker._rows_of(material, unit, answer["rows"], found)
            else:
                found.problems.append(f"step {unit.first}: {str(answer.get('error'))[:200]}")
        yield session, found


def rendered(workflow: Workflow, values: dict[str, Any], bucket: Bucket) -> str:
    """The text of a report that is not ours. Raises TracetuiError."""
    with _scratch(bucket) as tree:
        import jinja2
        import markupsafe

        for package in (jinja2, markupsafe):
            source = Path(package.__file__ or "").parent
            shutil.copytree(source, tree / "lib" / source.name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        (tree / "units.jsonl").write_bytes(orjson.dumps(values) + b"\n")
        told = _answers(_run(tree, workflow, bucket), workflow)
    text = told.get(0, {}).get("text")
    if not isinstance(text, str):
        raise TracetuiError(f"The workflow {workflow.name} gave no text")
    return text


class _scratch:  # noqa: N801 - used as a function
    """A private folder of the bucket that the code may write to, removed at the end."""

    def __init__(self, bucket: Bucket) -> None:
        folder = bucket.path / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._made = tempfile.TemporaryDirectory(prefix="workflow-", dir=folder)

    def __enter__(self) -> Path:
        tree = Path(self._made.name) / "tree"
        tree.mkdir(mode=0o700)
        return tree

    def __exit__(self, *_: object) -> None:
        self._made.cleanup()


def _run(tree: Path, workflow: Workflow, bucket: Bucket) -> Iterator[bytes]:
    """Run the code over the units in ``tree``; the lines that it wrote."""
    from tracetui.sandbox.limits import Limits

    shutil.copyfile(Path(__file__).with_name("driver.py"), tree / "driver.py")
    (tree / "code").write_text(workflow.code, "utf-8")
    command = f"python3 -s -S -B driver.py {workflow.language} code < units.jsonl > rows.jsonl"
    limits = Limits(seconds=_SECONDS, memory=_MEMORY, file=2 * _UNITS, disk=3 * _UNITS, tasks=64)
    ran = _sandbox().run(command, tree, limits=limits, environ={"PYTHONHASHSEED": "0"})
    if ran.code not in (0, 1):
        raise TracetuiError(f"The code of {workflow.name} was ended ({ran.why or f'exit status {ran.code}'})")
    return _lines(tree / "rows.jsonl", workflow)


@cache
def _sandbox() -> Sandbox:
    """The sandbox of this machine, probed once."""
    from tracetui.sandbox.runner import choose
    from tracetui.sandbox.tools import needed

    try:
        return choose(tools=needed(["python3 driver.py"], None))
    except TracetuiError as error:
        reason = str(error).partition("; to run it without one")[0]
        raise TracetuiError(f"{reason}; without one only workflows without code, and those shipped, run") from None


def _lines(path: Path, workflow: Workflow) -> Iterator[bytes]:
    """The lines of a file that hostile code wrote: a regular file, with lines of a bearable length."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise TracetuiError(f"The code of {workflow.name} left no rows") from None
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise TracetuiError(f"The code of {workflow.name} left no rows")
        while line := stream.readline(_LINE + 1):
            if len(line) > _LINE:
                raise TracetuiError(f"The code of {workflow.name} gave a row of more than {_LINE // 1024**2} MiB")
            yield line


def _answers(lines: Iterator[bytes], workflow: Workflow) -> dict[int, dict[str, Any]]:
    out: dict[int, dict[str, Any]] = {}
    for line in lines:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise TracetuiError(f"The code of {workflow.name} wrote what is no JSON") from None
        if isinstance(value, dict) and "fatal" in value:
            raise TracetuiError(f"The code of {workflow.name} failed: {str(value['fatal'])[:200]}")
        if isinstance(value, dict) and type(value.get("n")) is int:
            out.setdefault(value["n"], value)
    return out
