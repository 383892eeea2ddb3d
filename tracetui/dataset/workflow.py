"""A workflow: one Markdown file that says which sessions become which rows, or a report.

Front matter in YAML, prose that says what a good row is, and at most one fenced block: ``python`` with a function
``rows(unit)``, or ``jinja`` with a template. Without a block the rows are the units themselves, cut to the properties
that the row's schema names, or the lines of a ``format``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.model import TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket.terms import Query

__all__ = ["GROUNDS", "UNITS", "Workflow", "find", "load", "parse", "shipped"]

UNITS: Final = ("session", "episode", "prompt", "step", "hunk")
"""What a row may be made of: a session; the stretch of prompts around the steps that were looked for; a prompt with
what followed; a step; a hunk of an edit."""
GROUNDS: Final = ("tests", "survival", "verdict", "rating")
"""The labels that a workflow may need: results of tests and exit codes of what runs them, survival at a revision, a
capsule's verdict, a rating by the user."""
TARGETS: Final = ("dataset", "report")
EVERY: Final = ("hour", "day", "week")
_LONGEST: Final = 256 * 1024
"""Bytes of a workflow at most."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_KEYS: Final = frozenset("name for select steps unit where labels license target format schema days every".split())
_FENCE: Final = re.compile(r"^```(python|jinja)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_SHIPPED: Final = Path(__file__).with_name("workflows")


@dataclass(frozen=True)
class Workflow:
    """``select`` chooses sessions and ``steps`` steps, by the query language; ``where`` is a JSON Schema that a unit
    must satisfy to become rows, ``schema`` one that every row must. ``labels`` are grounds that a unit must have.
    ``days``: how many days after an edit its survival is judged at the earliest. ``every``: how often it is due.
    ``code`` is the fenced block, of the ``language`` ``python``, ``jinja`` or none (``""``)."""

    name: str
    about: str
    select: str = ""
    steps: str = ""
    unit: str = "session"
    where: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    license: str = "CC-BY-4.0"
    target: str = "dataset"
    format: str | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    days: int = 14
    every: str | None = None
    language: str = ""
    code: str = ""
    prose: str = ""
    text: str = ""
    shipped: bool = False

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the file's text: what consent and rows are bound to."""
        return sha256(self.text.encode("utf-8", "replace")).hexdigest()

    @property
    def foreign(self) -> bool:
        """Whether it brings code that is not ours, and so runs in the sandbox alone, after it was agreed to."""
        return bool(self.code) and not self.shipped

    def query(self, steps: bool = False) -> Query:
        """The query that chooses its sessions, or its steps. Raises TracetuiError with status 2."""
        from tracetui.bucket.query import parse as parse_query

        if not steps:
            return parse_query(self.select)
        both = [text for text in (self.select, self.steps) if text]
        return parse_query(" ".join(f"({text})" if len(both) > 1 else text for text in both))


def _wrong(where: str, what: str) -> TracetuiError:
    return TracetuiError(f"The workflow {where} {what}", status=2)


def parse(text: str, where: str, *, shipped: bool = False) -> Workflow:
    """Read a workflow; ``where`` is what to call it in errors. Raises TracetuiError (status 2) that names the field."""
    if len(text.encode("utf-8", "replace")) > _LONGEST:
        raise _wrong(where, f"is longer than {_LONGEST // 1024} KiB")
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if not text.startswith("---\n") or "\n---\n" not in text[3:]:
        raise _wrong(where, "has no front matter: it begins with a line --- and ends with another")
    head, _, body = text[4:].partition("\n---\n")
    values = _front(head, where)
    blocks = _FENCE.findall(body)
    if len(blocks) > 1:
        raise _wrong(where, "has more than one fenced block of python or jinja; one is enough")
    language, code = blocks[0] if blocks else ("", "")
    made = Workflow(
        name=_name(values, where),
        about=_text(values, "for", where) or "",
        select=_text(values, "select", where) or "",
        steps=_text(values, "steps", where) or "",
        unit=_one_of(values, "unit", UNITS, where) or "session",
        where=_schema(values, "where", where),
        labels=_labels(values, where),
        license=_text(values, "license", where) or "CC-BY-4.0",
        target=_one_of(values, "target", TARGETS, where) or "dataset",
        format=_format(values, where),
        schema=_schema(values, "schema", where),
        days=_days(values, where),
        every=_one_of(values, "every", EVERY, where),
        language=language,
        code=code,
        prose=_FENCE.sub("", body).strip(),
        text=text,
        shipped=shipped,
    )
    _whole(made, where)
    return made


def _whole(made: Workflow, where: str) -> None:
    """Refuse what does not go together."""
    if not made.about:
        raise _wrong(where, "does not say what it is for: `for`")
    if made.target == "report" and made.language != "jinja":
        raise _wrong(where, "is a report and has no fenced block of jinja")
    if made.target == "dataset":
        if made.language == "jinja":
            raise _wrong(where, "makes rows and has a template; a dataset's block is python")
        if made.format and made.language:
            raise _wrong(where, "names a `format` and brings code; one of them makes the rows")
        if not made.format and not made.schema.get("properties"):
            raise _wrong(where, "has no `schema` with `properties`, so that nobody knows what a row is")
    made.query()
    made.query(steps=True)


def _front(text: str, where: str) -> dict[str, Any]:
    """The front matter. Aliases are refused: a few of them make a text of any size."""
    import yaml

    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise _wrong(where, "uses an alias of YAML, which is not allowed here")
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 2}" if mark is not None else ""
        raise _wrong(where, f"has front matter that is no YAML{line}") from None
    if not isinstance(values, dict):
        raise _wrong(where, "has front matter that is no mapping")
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        raise _wrong(where, f"has an unknown key {str(unknown[0])[:40]!a}; known: {', '.join(sorted(_KEYS))}")
    return values


def _text(values: dict[str, Any], key: str, where: str) -> str | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value:
        raise _wrong(where, f"has a `{key}` that is no text")
    return " ".join(value.split())


def _name(values: dict[str, Any], where: str) -> str:
    name = _text(values, "name", where)
    if not name or not _NAME.fullmatch(name):
        raise _wrong(where, "has no `name` of small letters, digits and hyphens")
    return name


def _one_of(values: dict[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str | None:
    value = values.get(key)
    if value is not None and value not in allowed:
        raise _wrong(where, f"has a `{key}` that is none of {', '.join(allowed)}")
    return value


def _labels(values: dict[str, Any], where: str) -> tuple[str, ...]:
    found = values.get("labels") or []
    if not isinstance(found, list) or any(item not in GROUNDS for item in found):
        raise _wrong(where, f"has `labels` that are not a list of {', '.join(GROUNDS)}")
    return tuple(dict.fromkeys(found))


def _days(values: dict[str, Any], where: str) -> int:
    days = values.get("days", 14)
    if type(days) is not int or not 0 <= days <= 3650:
        raise _wrong(where, "has `days` that are no number from 0 to 3650")
    return days


def _format(values: dict[str, Any], where: str) -> str | None:
    from tracetui.dataset.formats import ROWS

    name = values.get("format")
    if name is not None and name not in ROWS:
        raise _wrong(where, f"has a `format` that makes no rows; these do: {', '.join(sorted(ROWS))}")
    return name


def _schema(values: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    from tracetui.dataset.schema import checker

    found = values.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _wrong(where, f"has a `{key}` that is no JSON Schema")
    try:
        plain = orjson.loads(orjson.dumps(found))
    except TypeError:
        raise _wrong(where, f"has a `{key}` with values that JSON does not have") from None
    checker(plain, f"The `{key}` of the workflow {where}")
    return dict(plain)


# -- where they are


def shipped() -> dict[str, Workflow]:
    """The workflows that come with the program, by name."""
    found = [parse(path.read_text("utf-8"), path.stem, shipped=True) for path in sorted(_SHIPPED.glob("*.md"))]
    return {item.name: item for item in found}


def load(path: Path) -> Workflow:
    """A workflow of a file. Raises TracetuiError."""
    from tracetui.text.safe import one_line

    name = one_line(path.name, 80)
    try:
        with path.open("rb") as stream:
            data = stream.read(_LONGEST + 1)
    except OSError as error:
        raise TracetuiError(f"Cannot read {one_line(str(path))} ({(error.strerror or 'failed').lower()})") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(name, "is not UTF-8") from None
    made = parse(text, name)
    ours = shipped().get(made.name)
    return ours if ours is not None and ours.digest == made.digest else made


def find(name: str, own: Mapping[str, str]) -> Workflow:
    """A workflow by its name or its file: one of the bucket's ``own`` (name -> file), a shipped one, or a path. Raises
    TracetuiError that names those that there are."""
    if "/" in name or name.endswith(".md"):
        return load(Path(name).expanduser())
    if name in own:
        return load(Path(own[name]))
    known = shipped()
    if name in known:
        return known[name]
    from difflib import get_close_matches

    near = get_close_matches(name, [*own, *known], 1)
    hint = f"did you mean {near[0]}? All of them" if near else "all of them"
    raise TracetuiError(f"There is no workflow {name[:64]!a}; {hint}: tracetui dataset list", status=2)
