"""The text form of apply_patch: finding it in a call's input, and reading it.

The grammar: ``*** Begin Patch``, then per file ``*** Add File: P`` (lines with ``+``), ``*** Delete File: P`` or
``*** Update File: P`` (optionally ``*** Move to: Q``) with chunks that begin with ``@@`` and hold lines with a blank,
``-`` or ``+`` in front, then ``*** End Patch``. There are no line numbers; models leave marks out, so all is optional.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["BEGIN", "PatchFile", "holds_patch", "read_patch", "texts"]

BEGIN: Final = "*** Begin Patch"
_END: Final = "*** End Patch"
_ADD: Final = "*** Add File: "
_UPDATE: Final = "*** Update File: "
_DELETE: Final = "*** Delete File: "
_OPENINGS: Final = ((_ADD, "add"), (_UPDATE, "update"), (_DELETE, "delete"))
_MOVE: Final = "*** Move to: "
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_JOINED: Final = {mark: re.compile(rf"{mark},[ \t\r\n]*{mark}") for mark in "\"'"}
_ADDED: Final = {mark: re.compile(rf"(?<!\\){mark}[ \t\r\n]*\+[ \t\r\n]*{mark}") for mark in "\"'"}


@dataclass(slots=True)
class PatchFile:
    """What a patch does to one file: ``op`` add, update, delete or move; ``pieces`` are (old, new) per chunk."""

    path: str
    op: str
    to: str | None = None
    added: list[str] = field(default_factory=list)
    pieces: list[tuple[str, str]] = field(default_factory=list)

    @property
    def content(self) -> str:
        """The text of an added file."""
        return "".join(f"{line}\n" for line in self.added)


def read_patch(text: str) -> list[PatchFile]:
    """Read the files of one patch, in order. Lines that fit nowhere are passed over, as Codex's lenient mode does."""
    files: list[PatchFile] = []
    now: PatchFile | None = None
    old: list[str] = []
    new: list[str] = []

    def close() -> None:
        if now is not None and (old or new):
            now.pieces.append(("".join(old), "".join(new)))
        old.clear()
        new.clear()

    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    for line in lines:
        line = line.removesuffix("\r")
        if line.startswith("*** "):
            close()
            now = _headed(line, now, files)
        elif now is None:
            continue
        elif now.op == "add":
            if line.startswith("+"):
                now.added.append(line[1:])
        elif line.startswith("@@"):
            close()
        elif line.startswith("+"):
            new.append(f"{line[1:]}\n")
        elif line.startswith("-"):
            old.append(f"{line[1:]}\n")
        elif line.startswith(" ") or line == "":
            old.append(f"{line[1:]}\n")
            new.append(f"{line[1:]}\n")
    close()
    return files


def _headed(line: str, now: PatchFile | None, files: list[PatchFile]) -> PatchFile | None:
    """The file that is spoken of behind a line ``*** …``; a new one is put to ``files``."""
    for opening, op in _OPENINGS:
        if line.startswith(opening):
            files.append(PatchFile(line[len(opening) :].strip(), op))
            return None if op == "delete" else files[-1]
    if line.startswith(_MOVE) and now is not None:
        now.to, now.op = line[len(_MOVE) :].strip(), "move"
    return None if line.startswith(_END) else now


def holds_patch(value: object) -> bool:
    """Whether a call's input carries an apply_patch: a shell command, an argument list or a script that runs one."""
    if isinstance(value, str):
        return BEGIN in value and ("apply_patch" in value or "applypatch" in value or value.lstrip().startswith(BEGIN))
    if isinstance(value, dict):
        return any(holds_patch(value.get(name)) for name in ("command", "cmd", "patch", "input"))
    if isinstance(value, list):
        return holds_patch("\n".join(part for part in value if isinstance(part, str)))
    return False


def _unescape(text: str) -> str:
    """Undo the backslashes of a JavaScript string."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while True:
        found = text.find("\\", at)
        if found < 0 or found + 1 >= len(text):
            out.append(text[at:])
            return "".join(out)
        out.append(text[at:found])
        mark = text[found + 1]
        at = found + 2
        digits = text[at : at + 4] if mark == "u" else text[at : at + 2] if mark == "x" else ""
        if digits and len(digits) == (4 if mark == "u" else 2) and all(c in "0123456789abcdefABCDEF" for c in digits):
            out.append(chr(int(digits, 16)))
            at += len(digits)
        else:
            out.append(_ESCAPES.get(mark, mark))


def _mended(text: str) -> str:
    """Surrogate pairs written as two escapes become one character; a lone one is replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _from_script(script: str, start: int, end: int) -> str:
    body = script[start:end]
    before = script[max(0, start - 40) : start].rstrip()
    if before.endswith("String.raw`"):
        return body
    quote = before[-1:]
    if quote == "`":
        return _mended(_unescape(body))
    if quote in _ADDED:
        if _JOINED[quote].match(body, len(BEGIN)):
            return _mended(_unescape("\n".join(_JOINED[quote].split(body))))
        return _mended(_unescape(_ADDED[quote].sub("", body)))
    if "\n" not in body.strip() and "\\n" in body:
        return _mended(_unescape(body))
    return body


def texts(value: Any, *, script: bool = False) -> list[str]:
    """The patch texts in a call's input, in order; ``script`` says that it is code of code mode."""
    if isinstance(value, dict):
        for name in ("input", "patch", "command", "cmd"):
            if name in value:
                found = texts(value[name], script=script)
                if found:
                    return found
        return []
    if isinstance(value, list):
        return [text for part in value if isinstance(part, str) for text in texts(part, script=script)]
    if not isinstance(value, str):
        return []
    out: list[str] = []
    at = value.find(BEGIN)
    while at >= 0:
        end = value.find(_END, at)
        after = value.find(BEGIN, at + len(BEGIN))
        if end < 0 or (0 <= after < end):
            end = after if after >= 0 else len(value)
        else:
            end += len(_END)
        body = value[at:end]
        if script or ("\n" not in body.strip() and "\\n" in body):
            body = _from_script(value, at, end)
        out.append(body)
        at = value.find(BEGIN, end)
    if not out and value.lstrip().startswith((_ADD, _UPDATE, _DELETE)):
        out.append(value)
    return out
