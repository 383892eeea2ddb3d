"""Writing a dataset: its approved rows, where each came from, and the workflow that made them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.capsule.export import new_file, new_folder
from tracetui.dataset.gate import RowGate
from tracetui.dataset.store import DatasetStore, StoredRow
from tracetui.dataset.workflow import Workflow
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["PROVENANCE", "ROWS_FILE", "WORKFLOW", "approved_rows", "put_rows", "write_dataset"]

ROWS_FILE: Final = "data.jsonl"
PROVENANCE: Final = "provenance.jsonl"
WORKFLOW: Final = "workflow.md"


def approved_rows(bucket: Bucket, store: DatasetStore, workflow: Workflow) -> Iterator[StoredRow]:
    """The rows of a dataset that were approved as they are, each past the gate. Raises TracetuiError where there is
    none, where one does not pass, and where something was decided about its session since it was made."""
    from tracetui.dataset.making import Maker
    from tracetui.redact.decisions import Decisions

    name = workflow.name
    maker = Maker(bucket, store, workflow)
    current: dict[tuple[str, str], bool] = {}
    counts = store.states(name)
    if not counts["approved"]:
        waiting = counts["new"] + counts["changed"]
        what = f"{waiting:,} wait for review: tracetui dataset review {name}" if waiting else "it has no rows"
        raise TracetuiError(f"{name} has no approved row; {what}")
    with Decisions(bucket.path) as decisions:
        gate = RowGate(bucket, decisions)
        for row in store.rows(name):
            if row.state == "approved":
                of = (row.harness, row.session)
                if of not in current:
                    current[of] = maker.current(*of)
                if not current[of]:
                    raise TracetuiError(
                        f"Nothing was written: {row.session} changed since its rows were made (its log, a decision, a "
                        f"label or the workflow); make them again: tracetui dataset run {name}"
                    )
                why = gate.why(row)
                if why is not None:
                    raise TracetuiError(
                        f"Nothing was written: row {row.id} of {row.session} does not pass ({why}); decide about it: "
                        f"tracetui redact {row.session}"
                    )
                yield row


def put_rows(folder: Path, rows: Iterator[StoredRow], name: str = ROWS_FILE) -> list[dict[str, Any]]:
    """Write rows and their provenance below a folder; a line of facts per file."""
    data, origin = sha256(), sha256()
    sizes = [0, 0]
    count = 0
    with new_file(folder, name) as stream, new_file(folder, PROVENANCE) as told:
        for count, row in enumerate(rows, 1):
            line = row.body.encode() + b"\n"
            came = orjson.dumps({"row": count, "digest": row.digest, "nth": row.nth, **row.source}) + b"\n"
            for at, (out, digest, text) in enumerate(((stream, data, line), (told, origin, came))):
                out.write(text)
                digest.update(text)
                sizes[at] += len(text)
    return [
        {"path": name, "format": "rows", "rows": count, "bytes": sizes[0], "sha256": data.hexdigest()},
        {"path": PROVENANCE, "format": "provenance", "rows": count, "bytes": sizes[1], "sha256": origin.hexdigest()},
    ]


def put_text(folder: Path, name: str, text: str, what: str) -> dict[str, Any]:
    """Write one text below a folder; its line of facts."""
    data = text.encode("utf-8", "replace")
    with new_file(folder, name) as stream:
        stream.write(data)
    return {"path": name, "format": what, "rows": None, "bytes": len(data), "sha256": sha256(data).hexdigest()}


def write_dataset(
    bucket: Bucket, store: DatasetStore, workflow: Workflow, target: Path, *, force: bool = False
) -> list[dict[str, Any]]:
    """Write the approved rows of a dataset to a folder, all of it or nothing; a line of facts per file."""
    with new_folder(target, force=force) as made:
        files = put_rows(made, approved_rows(bucket, store, workflow))
        files.append(put_text(made, WORKFLOW, workflow.text, "workflow"))
    return files
