"""A step as a document: to be read, as JSON, or as the raw records. Values in, text out; run in a worker."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.harness.base import FileEdit
from tracetui.model import LogRow, Record, SessionRow, Source, Step
from tracetui.text import format as fmt
from tracetui.text.syntax import language_of
from tracetui.tui.kit.document import Document, DocumentMaker
from tracetui.tui.kit.images import Image, find_images

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.trail.lines import Change
    from tracetui.tui.kit.tabs import TabAsk

__all__ = ["VIEWS", "LoadedStep", "diff_lines", "document_of", "fetch", "json_value", "parts", "raw_values", "step_tab"]

VIEWS: Final = ("read", "JSON", "raw")
_SPILL_LIMIT: Final = 16 * 1024 * 1024
_CONTEXT: Final = 3
"""Unchanged lines shown around a change."""
_RAW_LIMIT: Final = 16 * 1024 * 1024
_COLOUR_CODES: Final = re.compile(r"\x1b\[[0-9;:]{0,40}m")
_NAMED_PATH: Final = re.compile(r"(?:Full output saved to:?|\[full output:) ([^\n\]]{1,4096})")
_PATH_KEYS: Final = ("file_path", "path", "notebook_path", "filePath", "absolute_path", "target_file", "filename")
_EDIT_KEYS: Final = frozenset(
    {"old_string", "new_string", "content", "edits", "oldText", "newText", "new_source", "input"}
)


@dataclass(slots=True)
class LoadedStep:
    """Everything that the step pane shows of one step."""

    step: Step
    session: SessionRow | None = None
    log: LogRow | None = None
    edits: Sequence[FileEdit] = ()
    images: Sequence[Image] = ()
    raw: Sequence[tuple[Source, bytes]] = ()
    spilled: str | None = None
    """The output that the harness put beside its log, where it is still there."""
    documents: dict[str, Document] = field(default_factory=dict)

    @property
    def path(self) -> str | None:
        """The file that the step is about, as its call names it."""
        if self.edits:
            return self.edits[0].path
        value = self.step.tool.input if self.step.tool else None
        if isinstance(value, Mapping):
            for key in _PATH_KEYS:
                found = value.get(key)
                if isinstance(found, str) and found:
                    return found
        return None

    def short(self, path: str) -> str:
        """A path without the folder that the session worked in."""
        cwd = (self.session.cwd or "").rstrip("/") if self.session is not None else ""
        return path[len(cwd) + 1 :] if cwd and path.startswith(cwd + "/") else path


def fetch(
    bucket: Bucket, log: int, number: int, session: SessionRow | None, cancelled: Callable[[], bool]
) -> LoadedStep | None:
    """Read a step and its records from the bucket's copy; None when nobody waits any more. Raises `TracetuiError`."""
    step = bucket.step(log, number)
    if cancelled():
        return None
    loaded = LoadedStep(step, session)
    if session is not None:
        loaded.log = next((row for row in bucket.logs(session.id, session.harness) if row.id == log), None)
    raw: list[tuple[Source, bytes]] = []
    records: list[Record] = []
    seen: set[int] = set()
    left = _RAW_LIMIT
    from tracetui.harness.lines import parse_line

    for source in step.sources:
        if source.offset in seen or source.length > left:
            continue
        seen.add(source.offset)
        if cancelled():
            return None
        line = bucket.raw(log, source)
        left -= len(line)
        raw.append((source, line))
        records += [Record(source, value, nth) for nth, value in enumerate(parse_line(line)[0])]
    loaded.raw = raw
    if step.kind == "edit":
        loaded.edits = _edits(session, loaded.log, step, records)
    if step.images or step.kind == "read":
        images: dict[bytes, Image] = {}
        for record in records:
            for image in find_images(record.value):
                images.setdefault(image.data, image)
        loaded.images = tuple(images.values())
    if session is not None and not session.foreign and loaded.log is not None:
        loaded.spilled = _spilled(step, loaded.log)
    return loaded


def _edits(session: SessionRow | None, log: LogRow | None, step: Step, records: Sequence[Record]) -> Sequence[FileEdit]:
    from tracetui.harness import HARNESSES

    name = log.harness if log is not None else session.harness if session is not None else ""
    harness = HARNESSES.get(name)
    if harness is None:
        return ()
    return tuple(harness.edits(step, records))


def _spilled(step: Step, log: LogRow) -> str | None:
    """The full text of an output that was too large for the log, if it lies in the session's own folder."""
    output = step.tool.output if step.tool else None
    named = _NAMED_PATH.search(output) if output else None
    if named is None:
        return None
    from tracetui.harness.opening import follow, open_log

    path = re.sub(r" \d[\d.]* [kMG]?B$", "", named[1].strip())
    folder = Path(log.path).with_suffix("")
    real = follow(path, folder)
    if real is None:
        return None
    try:
        with open_log(real) as file:
            return file.read(_SPILL_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None


# -- to be read -------------------------------------------------------------------------------------------------------


def document_of(loaded: LoadedStep, view: str) -> Document:
    """The document of a view (one of `VIEWS`); each is made once."""
    made = loaded.documents.get(view)
    if made is None:
        make = {"read": _readable, "JSON": _json_view, "raw": _raw_view}[view]
        made = loaded.documents[view] = make(loaded)
    return made


def _readable(loaded: LoadedStep) -> Document:
    step, maker = loaded.step, DocumentMaker()
    if step.text and step.tool is None:
        style = {"prompt": "prompt", "event": "muted"}.get(step.kind, "")
        _clean(maker, step.text, "markdown", style=style, name="text")
    if step.tool is not None:
        if step.text:
            _clean(maker, step.text, "markdown", name="text")
        _input(maker, loaded)
        _output(maker, loaded)
    for number, image in enumerate(loaded.images, 1):
        maker.heading(f"image {number} of {len(loaded.images)}" if len(loaded.images) > 1 else "image", name="image")
        maker.add(f"{image.label}{'; i opens it' if image.kind else ''}")
    if step.images > len(loaded.images):
        missing = step.images - len(loaded.images)
        maker.heading("image", name="image")
        maker.add(f"{fmt.plural(missing, 'image')} that this log names and does not hold")
    if not maker.make().source:
        maker.add("This step has no text.", style="muted")
    return maker.make()


def _clean(maker: DocumentMaker, text: str, language: str, *, style: str = "", name: str = "") -> None:
    """Add a text without its colour codes, which are noise to a reader; what was left out is said."""
    codes = 0
    if "\x1b[" in text:
        text, codes = _COLOUR_CODES.subn("", text)
    maker.add(text, language, style, name)
    if codes:
        maker.add(f"{fmt.plural(codes, 'colour code')} left out here; v shows the records as they are", style="muted")


def _input(maker: DocumentMaker, loaded: LoadedStep) -> None:
    step = loaded.step
    assert step.tool is not None
    value = step.tool.input
    if loaded.edits:
        for edit in loaded.edits:
            _edit(maker, edit, loaded)
        rest = {k: v for k, v in value.items() if k not in _EDIT_KEYS} if isinstance(value, Mapping) else {}
        rest = {
            k: v for k, v in rest.items() if v not in (None, False) and not (isinstance(v, str) and v == loaded.path)
        }
        if rest:
            maker.heading("input", name="input")
            _values(maker, rest)
        return
    if value is None or value == "" or value == {}:
        return
    maker.heading("input", name="input")
    if isinstance(value, str):
        language = "shell" if step.kind == "command" else "diff" if step.kind == "edit" else ""
        maker.add(value, language)
        return
    if isinstance(value, Mapping):
        value = dict(value)
        if step.kind == "command":
            _command(maker, value)
        _values(maker, value, loaded.path)
        return
    maker.add(_pretty(value), "json")


def _command(maker: DocumentMaker, value: dict[str, Any]) -> None:
    """Take the command out of the input, as a shell would get it."""
    for key in ("command", "cmd"):
        command = value.pop(key, None)
        if isinstance(command, list) and all(isinstance(word, str) for word in command):
            command = command[2] if len(command) == 3 and command[1] in ("-c", "-lc") else " ".join(command)
        if isinstance(command, str):
            maker.add(command, "shell")
        elif command is not None:
            value[key] = command


def _values(maker: DocumentMaker, values: Mapping[str, Any], path: str | None = None) -> None:
    """Names and values, one a line; a value of several lines stands below its name."""
    for key, value in values.items():
        name = " ".join(str(key).split())[:200]
        if isinstance(value, str) and "\n" in value:
            maker.add(f"{name}:", style="muted")
            maker.add(value, language_of(path) if key in ("content", "new_source") else _guess(key))
        elif isinstance(value, str):
            maker.add(f"{name}: {value}", "config")
        elif isinstance(value, list | dict) and len(value) > 0:
            maker.add(f"{name}:", style="muted")
            maker.add(_pretty(value), "json")
        else:
            maker.add(f"{name}: {_pretty(value)}", "config")


def _guess(key: str) -> str:
    return {"prompt": "markdown", "plan": "markdown", "description": "markdown", "patch": "diff", "diff": "diff"}.get(
        key, ""
    )


def _output(maker: DocumentMaker, loaded: LoadedStep) -> None:
    step = loaded.step
    assert step.tool is not None
    output = loaded.spilled if loaded.spilled is not None else step.tool.output
    if output is None:
        maker.heading("output", name="output")
        if loaded.session is not None and loaded.session.harness == "":
            maker.add("Tool output is not kept by this harness.", style="muted")
        else:
            maker.add("The log holds no result for this call.", style="muted")
        return
    if not output.strip():
        maker.heading("output", name="output")
        maker.add("empty" if not output else "only blanks", style="muted")
        return
    if loaded.edits and not step.failed and len(output) < 4000 and step.kind == "edit":
        language = ""
    else:
        language = _output_language(loaded)
    lines = output.count("\n") + (not output.endswith("\n"))
    where = ", read from the file beside the log" if loaded.spilled is not None else ""
    maker.heading(f"output, {fmt.plural(lines, 'line')}{where}", name="output")
    _clean(maker, output, language, style="bad" if step.tool.is_error and step.kind != "command" else "")


def _output_language(loaded: LoadedStep) -> str:
    kind = loaded.step.kind
    if kind == "read":
        return language_of(loaded.path)
    if kind in ("web", "agent", "plan"):
        return "markdown"
    output = loaded.step.tool.output if loaded.step.tool else None
    head = (output or "").lstrip()[:200]
    if head.startswith(("diff --git ", "--- a/", "Index: ")):
        return "diff"
    if head[:1] in ("{", "[") and head[1:2] in ('"', "{", "\n", "[", " "):
        return "json"
    return ""


def _edit(maker: DocumentMaker, edit: FileEdit, loaded: LoadedStep) -> None:
    """One file's change. Its path stands here only where the header above cannot have it: one of several."""
    lines = list(diff_lines(edit))
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    name = {"add": "new file", "delete": "deleted"}.get(edit.op, "")
    if edit.op == "move" and edit.to:
        name = f"moved to {edit.to}"
    path = loaded.short(edit.path) if len(loaded.edits) > 1 else ""
    facts = [path, name, f"+{added} -{removed}" if lines else ""]
    if edit.replace_all:
        facts.append("every occurrence")
    maker.heading(", ".join(fact for fact in facts if fact) or "edit", name="edit")
    if edit.binary:
        maker.add("a binary file; its text is not in the log", style="muted")
    elif lines:
        maker.add("\n".join(lines), "diff")
    elif edit.op not in ("delete", "move"):
        maker.add("no changed line in the log", style="muted")


def _split(text: str) -> list[str]:
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def diff_lines(edit: FileEdit) -> Iterator[str]:
    """The edit as lines of a unified diff, three lines of context around a change."""
    if edit.binary:
        return
    if edit.before is not None or edit.after is not None:
        yield from _unified(edit.before or "", edit.after or "", numbered=True)
        return
    for old, new in edit.pieces:
        yield from _unified(old, new, numbered=False)


def _unified(before: str, after: str, *, numbered: bool) -> Iterator[str]:
    """The hunks of a line diff. The lines are compared as everywhere in the program (`trail.lines`)."""
    from tracetui.trail.lines import changes

    found = changes(before.encode("utf-8", "surrogatepass"), after.encode("utf-8", "surrogatepass"))
    old, new = _split(before), _split(after)
    groups: list[list[Change]] = []
    for change in found:
        # Changes whose contexts touch share a hunk.
        if groups and change.old - (groups[-1][-1].old + groups[-1][-1].old_len) <= 2 * _CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    for group in groups:
        first, last = group[0], group[-1]
        low = max(0, first.old - _CONTEXT)
        high = min(len(old), last.old + last.old_len + _CONTEXT)
        new_low = first.new - (first.old - low)
        new_size = last.new + last.new_len + (high - last.old - last.old_len) - new_low
        if numbered:
            yield f"@@ -{low + (high > low)},{high - low} +{new_low + (new_size > 0)},{new_size} @@"
        elif len(groups) > 1:
            yield "@@"
        at = low
        for change in group:
            yield from (" " + line for line in old[at : change.old])
            yield from ("-" + line for line in old[change.old : change.old + change.old_len])
            yield from ("+" + line for line in new[change.new : change.new + change.new_len])
            at = change.old + change.old_len
        yield from (" " + line for line in old[at:high])


# -- as JSON and as records -------------------------------------------------------------------------------------------


def _pretty(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (ValueError, RecursionError):
        return "nested too deep to be shown; the records show it"


def json_value(loaded: LoadedStep) -> dict[str, Any]:
    """The step as ``tracetui show --json`` prints it."""
    from tracetui.harness.spell import step_json

    session, log = loaded.session, loaded.log
    agent, path = (log.agent, log.path) if log is not None else (None, "")
    found = step_json(session.id if session is not None else "", agent, path, loaded.step)
    if log is None:
        found["source"]["path"] = None
    if session is None:
        found["session"] = None
    return found


def raw_values(loaded: LoadedStep) -> dict[str, Any]:
    """The records that made the step, by their line in the log."""
    from tracetui.harness.lines import parse_line

    found: dict[str, Any] = {}
    for source, line in loaded.raw:
        values, _ = parse_line(line)
        found[f"line {source.line:,}"] = values[0] if len(values) == 1 else values or line.decode("utf-8", "replace")
    return found


def _json_view(loaded: LoadedStep) -> Document:
    return DocumentMaker().add(_pretty(json_value(loaded)), "json", name="text").make()


def _raw_view(loaded: LoadedStep) -> Document:
    """The lines of the log that made the step, byte for byte."""
    maker = DocumentMaker()
    for source, line in loaded.raw:
        maker.heading(f"line {source.line:,}, {fmt.size(source.length)}", name="record")
        maker.add(line.decode("utf-8", "replace").rstrip("\n"), "json")
    if len(loaded.raw) < len({source.offset for source in loaded.step.sources}):
        maker.heading("more")
        maker.add("Records over 16 MB are left out here; tracetui show --json has their place.", style="muted")
    if not loaded.raw:
        maker.add("The copy holds no record of this step.", style="muted")
    return maker.make()


def step_tab(ask: TabAsk) -> Document:
    """The provider of the tab that shows the step itself."""
    return document_of(ask.loaded, ask.view)


def parts(loaded: LoadedStep) -> list[tuple[str, str]]:
    """What of a step can be copied by itself, by name, those first that are copied most."""
    step, found = loaded.step, []
    if loaded.session is not None:
        agent = f"/{loaded.log.agent}" if loaded.log is not None and loaded.log.agent else ""
        found.append(("Address", f"{loaded.session.id}{agent}:{step.number}"))
    if step.text:
        found.append(("Text", step.text))
    if step.tool is not None:
        value = step.tool.input
        command = value.get("command", value.get("cmd")) if isinstance(value, Mapping) else None
        if isinstance(command, list) and all(isinstance(word, str) for word in command):
            import shlex

            command = shlex.join(command)
        if isinstance(command, str) and command:
            found.append(("Command", command))
        if loaded.path:
            found.append(("Path", loaded.path))
        if step.tool.output:
            found.append(("Output", loaded.spilled or step.tool.output))
        if value is not None:
            found.append(("Input", value if isinstance(value, str) else _pretty(value)))
    if loaded.session is not None:
        found.append(("Session id", loaded.session.id))
    if loaded.log is not None:
        found.append(("Log file", loaded.log.path))
    return found
