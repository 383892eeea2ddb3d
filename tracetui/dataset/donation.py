"""A donation: approved rows as a folder that is ready for a hub or a pull request. It is written, never sent."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui import __version__
from tracetui.capsule.export import new_folder
from tracetui.dataset.features import card_of
from tracetui.dataset.figures import Figures, figures_of, times_of
from tracetui.dataset.output import ROWS_FILE, WORKFLOW, approved_rows, put_rows, put_text
from tracetui.dataset.store import DatasetStore, StoredRow
from tracetui.dataset.workflow import Workflow
from tracetui.model import TracetuiError, to_iso
from tracetui.text.safe import markdown_safe, one_line

if TYPE_CHECKING:
    from tracetui.bucket import Bucket

__all__ = ["PARQUET", "Terms", "donate", "sentence", "upload_command"]

PARQUET: Final = "data.parquet"
_GROUP: Final = 500
"""Rows of a group of the Parquet file."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which licence, whom to ask for removal, and where it will be given to."""

    license: str
    contact: str
    target: str


def sentence(terms: Terms) -> str:
    """What the user agrees to."""
    where = f" to {one_line(terms.target, 200)}" if terms.target else ""
    return (
        f"I looked at these rows, have the right to share what is in them, and give them{where} under "
        f"{one_line(terms.license, 80)}; I know that what was given can be asked back but not undone."
    )


def upload_command(folder: Path, terms: Terms) -> str:
    """The command that would upload the folder to the hub of Hugging Face; the user runs it, or does not."""
    return shlex.join(["hf", "upload", terms.target or "USER/DATASET", str(folder), ".", "--repo-type", "dataset"])


def donate(
    bucket: Bucket,
    store: DatasetStore,
    workflow: Workflow,
    target: Path,
    terms: Terms,
    now: int,
    *,
    force: bool = False,
) -> list[dict[str, Any]]:
    """Write the folder, whole or not at all, and keep that its sessions were given away; a line of facts per file.
    ``now``: milliseconds since the epoch, the time of the user's consent. Raises TracetuiError."""
    if any("\n" in text or "\0" in text for text in (terms.license, terms.contact, terms.target)):
        raise TracetuiError("The licence, the contact and the target are one line each", status=2)
    agreed = sentence(terms)
    sessions: dict[tuple[str, str], None] = {}

    def approved() -> Iterator[StoredRow]:
        for row in approved_rows(bucket, store, workflow):
            sessions[row.harness, row.session] = None
            yield row

    with new_folder(target, force=force) as made:
        files = put_rows(made, approved())
        figures = figures_of((row for row in store.rows(workflow.name) if row.state == "approved"), times_of(bucket))
        parquet = _parquet(made)
        if parquet is not None:
            files.append(parquet)
        schema = orjson.dumps(dict(workflow.schema), option=orjson.OPT_INDENT_2).decode() + "\n"
        files.append(put_text(made, "schema.json", schema, "schema"))
        files.append(put_text(made, WORKFLOW, workflow.text, "workflow"))
        head = _head(made, terms, figures)
        files.append(put_text(made, "README.md", card(workflow, figures, terms, files, head), "card"))
        consent = f"{agreed}\n\nAgreed to on {to_iso(now)}.\n"
        files.append(put_text(made, "CONSENT.md", consent, "consent"))
        sums = "".join(f"{item['sha256']}  {item['path']}\n" for item in sorted(files, key=lambda item: item["path"]))
        files.append(put_text(made, "SHA256SUMS", sums, "checksums"))
    store.give(sessions, terms.target, terms.contact, sha256(agreed.encode()).hexdigest(), now)
    return files


def _parquet(folder: Path) -> dict[str, Any] | None:
    """The rows as Parquet beside the JSON Lines; None without ``pyarrow``. Values whose types differ from row to row
    are JSON texts."""
    try:
        import pyarrow as pa
        import pyarrow.json as reading
        import pyarrow.parquet as pq
    except ImportError:
        return None
    source, target = folder / ROWS_FILE, folder / PARQUET
    try:
        table = reading.read_json(source, read_options=reading.ReadOptions(block_size=256 * 1024 * 1024))
    except pa.ArrowInvalid:
        table = _flat(pa, source)
    pq.write_table(table, target, compression="zstd", row_group_size=_GROUP)
    target.chmod(0o600)
    digest = sha256(target.read_bytes()).hexdigest()
    return {
        "path": PARQUET, "format": "parquet", "rows": table.num_rows, "bytes": target.stat().st_size, "sha256": digest,
    }  # fmt: skip


def _flat(pa: Any, source: Path) -> Any:
    """A table whose columns are texts: what is no text stands in it as JSON."""
    columns: dict[str, list[str | None]] = {}
    count = 0
    with source.open("rb") as stream:
        for line in stream:
            for name, value in orjson.loads(line).items():
                held = columns.setdefault(name, [None] * count)
                held.append(value if isinstance(value, str) or value is None else orjson.dumps(value).decode())
            count += 1
            for held in columns.values():
                held.extend([None] * (count - len(held)))
    return pa.table({name: pa.array(held, pa.string()) for name, held in columns.items()})


def card(workflow: Workflow, figures: Figures, terms: Terms, files: list[dict[str, Any]], head: str) -> str:
    """The dataset card: licence, schema, figures, how it was redacted, whom to ask for removal."""

    def counts(found: Mapping[str, int]) -> str:
        return ", ".join(f"{markdown_safe(name)} {count:,}" for name, count in found.items()) or "none"

    same = f", `{PARQUET}` the same rows" if any(item["path"] == PARQUET for item in files) else ""
    told = figures.json()
    named = one_line(terms.contact, 200).replace("`", "")
    contact = f"`{named}`" if named else "(the one who gave it named no contact)"
    fields = "".join(
        f"| `{markdown_safe(str(name))}` | {_type(kind)} |\n" for name, kind in _properties(workflow).items()
    )
    return (
        f"{head}\n# {markdown_safe(workflow.name)}\n\n"
        f"{markdown_safe(workflow.about)}\n\n## What is in it\n\n| | |\n|---|---|\n"
        f"| rows | {figures.rows:,} |\n| sessions | {figures.sessions:,} |\n| steps | {figures.steps:,} |\n"
        f"| tokens, about | {figures.tokens:,} |\n| harnesses | {counts(figures.harnesses)} |\n"
        f"| languages | {counts(figures.languages)} |\n| outcomes | {counts(figures.outcomes)} |\n"
        f"| span of time | {(figures.first or '?')[:10]} to {(figures.last or '?')[:10]} |\n"
        f"| people and hosts that still stand in it | {counts(figures.left)} |\n"
        f"| duplicates | {told['duplicates']:,} exact, {told['near_duplicates']:,} near |\n\n"
        f"`{ROWS_FILE}` holds a row a line{same}; `provenance.jsonl` "
        "says which session, steps, decisions and workflow each came from; `workflow.md` is the workflow behind it.\n\n"
        f"## Schema\n\n| field | type |\n|---|---|\n{fields}\n"
        "## How it was redacted\n\nEvery string of the sessions was scanned for secrets and personal data; the one who "
        "gave this decided about each finding that is certain or likely, accepted values were replaced by placeholders "
        "(`‹kind:number›`) in all their forms, the result was searched again, and each row was looked at and approved. "
        f"Made with tracetui {__version__}.\n\n"
        f"## Licence and removal\n\n{markdown_safe(terms.license)}. To ask for removal: {contact}.\n"
    )  # fmt: skip


def _head(folder: Path, terms: Terms, figures: Figures) -> str:
    """The front matter of the card: licence, size, where the rows are and what their columns hold."""
    told = {
        "license": _license(terms.license),
        "tags": ["agent-traces", "coding-agent"],
        "size_categories": [_size(figures.rows)],
    }
    return card_of([(ROWS_FILE, (folder / ROWS_FILE).read_bytes())], told)


def _properties(workflow: Workflow) -> Mapping[str, Any]:
    found = workflow.schema.get("properties")
    return found if isinstance(found, dict) else {}


def _type(kind: Any) -> str:
    found = kind.get("type", "any") if isinstance(kind, dict) else "any"
    return markdown_safe(" or ".join(map(str, found)) if isinstance(found, list) else str(found))


def _license(name: str) -> str:
    """The licence as the hub names it: small letters, or ``other``."""
    plain = name.strip().lower()
    known = (
        "cc-by-4.0",
        "cc0-1.0",
        "cc-by-sa-4.0",
        "cc-by-nc-4.0",
        "odc-by",
        "mit",
        "apache-2.0",
        "cdla-permissive-2.0",
    )
    return plain if plain in known else "other"


def _size(rows: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if rows < limit:
            return name
    return "100K<n<1M"
