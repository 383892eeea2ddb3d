"""Whether exported tasks are valid by the models of Harbor itself, whose package needs Python 3.12.

    python bench/harbor_tasks.py FOLDER…       (pip install 'harbor==0.25.0', as in the extra ``bench``)

FOLDER: what ``tracetui export FILE.capsule.zip --format harbor -o FOLDER`` wrote. Each task is read by Harbor's
``Task``; a key of ``task.toml`` that its models do not know is told too, since they pass over it.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harbor.models.task.config import TaskConfig
from harbor.models.task.task import Task
from pydantic import BaseModel


def unknown(value: dict[str, Any], model: type[BaseModel], at: str = "") -> Iterator[str]:
    """The keys of a table that a model has no field for."""
    for key, inner in value.items():
        field = model.model_fields.get(key)
        if field is None:
            yield f"{at}{key}"
            continue
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        below = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if isinstance(inner, dict) and below is not None:
            yield from unknown(inner, below, f"{at}{key}.")


def main() -> None:
    """Read the command line; exit status 1 where a task is not valid, or where there is none."""
    good = bad = 0
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).glob("*/task.toml")):
            problems = list(unknown(tomllib.loads(path.read_text("utf-8")), TaskConfig))
            try:
                task = Task(path.parent)
                problems += [] if Task.is_valid_dir(path.parent) else ["is no task's folder"]
                problems += [] if task.instruction.strip() else ["has no instruction"]
            except ValueError as error:
                problems.append(str(error)[:600])
            bad += bool(problems)
            good += not problems
            for problem in problems:
                print(f"{path.parent.name}: {problem}")
    print(f"{good:>6} valid {bad:>4} not")
    sys.exit(bool(bad) or not good)


if __name__ == "__main__":
    main()
