"""Patches: unified diffs as ``git apply`` takes them, made from texts, read back, and applied by our own code.

The applier is meant for patches of strangers: a hunk goes where its header says or nowhere (no fuzz, no offset, linear
time), and a path that leaves the folder, means Git's own files or leads through a link is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tracetui.model import TracetuiError
from tracetui.trail.lines import changes

__all__ = ["FileChange", "FilePatch", "PatchError", "PatchHunk", "apply", "check_path", "make", "parse"]

_CONTEXT: Final = 3
_HEADER: Final = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_MODES: Final = frozenset({"100644", "100755"})
_PART_LIMIT: Final = 255
_IGNORED: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]"
)
_TURNS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NO_NEWLINE: Final = b"\\ No newline at end of file\n"


class PatchError(TracetuiError):
    """A patch that is damaged, that is refused, or that does not fit; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What became of one file: its bytes before and after (None: not there), and its new name where it moved."""

    path: str
    before: bytes | None
    after: bytes | None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class PatchHunk:
    """``old`` lines from line ``start`` (0-based) on become ``new``; lines carry their line ends."""

    start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


@dataclass(slots=True)
class FilePatch:
    """One file of a patch. ``source`` None: the file is made; ``target`` None: it is removed. ``mode``: that of a new
    or changed file, ``100644`` or ``100755``; None: as it was."""

    source: str | None
    target: str | None
    mode: str | None = None
    hunks: list[PatchHunk] = field(default_factory=list)


# -- paths


def check_path(path: str) -> str | None:
    """Why a path of a patch or a tree is refused, None when it may be written below a folder.

    What a file system may read as ``.git`` counts as that: any case, Unicode form, with characters that some ignore,
    trailing dots and blanks, streams, and the short names of FAT.
    """
    if not path or "\0" in path or "\n" in path or len(path) > 4096:
        return "is no path"
    if path.startswith(("/", "\\")) or "\\" in path or (len(path) > 1 and path[1] == ":"):
        return "is absolute, or written for another system"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "leaves the folder"
        if len(part.encode("utf-8", "surrogatepass")) > _PART_LIMIT:
            return "has a part that is too long"
        if _TURNS.search(part):
            return "holds marks that turn the direction of text"
        plain = _IGNORED.sub("", unicodedata.normalize("NFKC", part))
        plain = unicodedata.normalize("NFKC", plain.casefold()).partition(":")[0].rstrip(". ")
        if plain in (".git", "..", ".") or not plain or re.fullmatch(r"git~\d{1,6}", plain):
            return "means Git's own files"
        if plain == ".gitmodules" or re.fullmatch(r"gitmod~\d{1,6}", plain):
            return "is a list of submodules"
    return None


_ESCAPES: Final = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}


def _quoted(path: str) -> bytes:
    """A path as Git writes it in a patch: quoted where it holds controls, quotes or backslashes."""
    raw = path.encode("utf-8", "surrogateescape")
    if any(byte < 32 or byte in (34, 92, 127) for byte in raw):
        out = "".join(_ESCAPES.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in raw)
        return b'"' + out.encode() + b'"'
    return raw


def _unquoted(raw: bytes) -> str:
    """The path of a header line. Raises ``PatchError``."""
    if not raw.startswith(b'"'):
        return raw.split(b"\t", 1)[0].decode("utf-8", "surrogateescape")
    out = bytearray()
    at, end = 1, len(raw)
    while at < end and raw[at] != 34:
        if raw[at] != 92:
            out.append(raw[at])
            at += 1
            continue
        digits = raw[at + 1 : at + 4]
        if len(digits) == 3 and all(48 <= digit <= 55 for digit in digits):
            out.append(int(digits, 8) & 255)
            at += 4
            continue
        escape = {110: 10, 116: 9, 114: 13, 34: 34, 92: 92, 97: 7, 98: 8, 102: 12, 118: 11}.get(
            raw[at + 1] if at + 1 < end else 0
        )
        if escape is None:
            raise PatchError("A patch names a file in a way that cannot be read")
        out.append(escape)
        at += 2
    if at >= end:
        raise PatchError("A patch names a file in a way that cannot be read")
    return out.decode("utf-8", "surrogateescape")


# -- making


def _lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    last = lines.pop()
    out = [line + b"\n" for line in lines]
    if last:
        out.append(last)
    return out


def make(files: Iterable[FileChange]) -> bytes:
    """A patch of these changes, in the order given; empty when nothing changed. Binary files cannot be in it."""
    return b"".join(map(_make_file, files))


def _make_file(change: FileChange) -> bytes:
    target = change.to or change.path
    if change.before == change.after and target == change.path:
        return b""
    old_name, new_name = _quoted("a/" + change.path), _quoted("b/" + target)
    out = [b"diff --git " + old_name + b" " + new_name + b"\n"]
    if change.before is None:
        out.append(b"new file mode 100644\n")
    elif change.after is None:
        out.append(b"deleted file mode 100644\n")
    elif target != change.path:
        out += [b"rename from " + _quoted(change.path) + b"\n", b"rename to " + _quoted(target) + b"\n"]
    before, after = change.before or b"", change.after or b""
    if before != after:
        out.append(b"--- " + (b"/dev/null" if change.before is None else old_name + _tab(old_name)) + b"\n")
        out.append(b"+++ " + (b"/dev/null" if change.after is None else new_name + _tab(new_name)) + b"\n")
        out += _make_hunks(before, after)
    return b"".join(out)


def _tab(name: bytes) -> bytes:
    """Git ends a name that holds a blank with a tab."""
    return b"\t" if b" " in name and not name.startswith(b'"') else b""


def _make_hunks(before: bytes, after: bytes) -> Iterator[bytes]:
    old, new = _lines(before), _lines(after)
    runs = changes(before, after)
    at = 0
    while at < len(runs):
        end = at
        while end + 1 < len(runs) and runs[end + 1].old - (runs[end].old + runs[end].old_len) <= 2 * _CONTEXT:
            end += 1
        first, last = runs[at], runs[end]
        lead = min(_CONTEXT, first.old)
        tail = min(_CONTEXT, len(old) - last.old - last.old_len)
        start, stop = first.old - lead, last.old + last.old_len + tail
        new_start, new_stop = first.new - lead, last.new + last.new_len + tail
        body: list[bytes] = []
        place = start
        for run in runs[at : end + 1]:
            body += [b" " + line for line in old[place : run.old]]
            body += [b"-" + line for line in old[run.old : run.old + run.old_len]]
            body += [b"+" + line for line in new[run.new : run.new + run.new_len]]
            place = run.old + run.old_len
        body += [b" " + line for line in old[place:stop]]
        yield b"@@ -%s +%s @@\n" % (_span(start, stop - start), _span(new_start, new_stop - new_start))
        for line in body:
            yield line if line.endswith(b"\n") else line + b"\n" + _NO_NEWLINE
        at = end + 1


def _span(start: int, count: int) -> bytes:
    return b"%d,%d" % (start + 1 if count else start, count)


# -- reading


class _Reader:
    """The lines of a patch, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.lines = _lines(data)
        self.at = 0

    def peek(self) -> bytes:
        return self.lines[self.at] if self.at < len(self.lines) else b""


def parse(data: bytes) -> list[FilePatch]:
    """The files of a patch. Raises ``PatchError`` for anything but text changes of regular files below the folder."""
    reader = _Reader(data)
    found: list[FilePatch] = []
    while reader.at < len(reader.lines):
        line = reader.peek()
        if not line.strip():
            reader.at += 1
            continue
        if not line.startswith(b"diff --git "):
            raise PatchError("A patch holds lines that belong to no file")
        found.append(_parse_file(reader))
    return found


@dataclass(slots=True)
class _Head:
    """What the lines before the first hunk of a file say."""

    source: str | None = None
    target: str | None = None
    mode: str | None = None
    made: bool = False
    removed: bool = False


def _parse_head(reader: _Reader) -> _Head:
    head = _Head()
    while True:
        line = reader.peek().rstrip(b"\n")
        word, _, rest = line.partition(b" ")
        if line.startswith(b"new file mode "):
            head.made, head.mode = True, _mode(line[14:])
        elif line.startswith(b"deleted file mode "):
            head.removed = True
            _mode(line[18:])
        elif line.startswith(b"old mode "):
            _mode(line[9:])
        elif line.startswith(b"new mode "):
            head.mode = _mode(line[9:])
        elif line.startswith(b"rename from "):
            head.source = _unquoted(line[12:])
        elif line.startswith(b"rename to "):
            head.target = _unquoted(line[10:])
        elif line.startswith((b"copy ", b"GIT binary", b"Binary files")):
            raise PatchError("A patch holds a copy or a binary file, which capsules do not carry")
        elif word == b"index":
            if rest[-7:-6] == b" ":
                _mode(rest[-6:])
        elif not line.startswith(b"similarity index ") and not line.startswith(b"dissimilarity index "):
            return head
        reader.at += 1


def _parse_file(reader: _Reader) -> FilePatch:
    first = reader.peek()
    reader.at += 1
    head = _parse_head(reader)
    patch = FilePatch(head.source, head.target, head.mode)
    if reader.peek().startswith(b"--- "):
        old = reader.peek()[4:].rstrip(b"\n")
        reader.at += 1
        if not reader.peek().startswith(b"+++ "):
            raise PatchError("A patch is damaged: a file has one name only")
        new = reader.peek()[4:].rstrip(b"\n")
        reader.at += 1
        patch.source = _named(old, b"a/", head.source)
        patch.target = _named(new, b"b/", head.target)
        while reader.peek().startswith(b"@@ "):
            patch.hunks.append(_parse_hunk(reader))
    elif head.made or head.removed:
        path = _git_line(first)
        patch.source, patch.target = (None, path) if head.made else (path, None)
    both = head.made and head.removed
    if (patch.source is None) != head.made or (patch.target is None) != head.removed or both:
        raise PatchError("A patch is damaged: it does not say what becomes of a file")
    for named in (patch.source, patch.target):
        if named is not None and (wrong := check_path(named)) is not None:
            raise PatchError(f"A patch is refused: a path in it {wrong}")
    return patch


def _git_line(line: bytes) -> str:
    """The path of a ``diff --git`` line whose two names are the same (an empty file that is made or removed)."""
    rest = line[11:].rstrip(b"\n")
    if rest.startswith(b'"'):
        return _unquoted(rest)[2:]
    half = len(rest) // 2
    if rest[:half][2:] != rest[half + 1 :][2:] or rest[half : half + 1] != b" ":
        raise PatchError("A patch is damaged: it does not say which file it means")
    return rest[:half][2:].decode("utf-8", "surrogateescape")


def _mode(raw: bytes) -> str:
    mode = raw.strip().decode("ascii", "replace")
    if mode not in _MODES:
        what = {"120000": "a symbolic link", "160000": "a submodule"}.get(mode, "something that is no file")
        raise PatchError(f"A patch is refused: it would write {what}")
    return mode


def _named(raw: bytes, prefix: bytes, known: str | None) -> str | None:
    if raw.split(b"\t", 1)[0] == b"/dev/null":
        return None
    path = _unquoted(raw)
    if not path.startswith(prefix.decode()) or (known is not None and path[2:] != known):
        raise PatchError("A patch is damaged: the names of a file do not agree")
    return path[2:]


def _parse_hunk(reader: _Reader) -> PatchHunk:
    head = _HEADER.match(reader.peek())
    if head is None:
        raise PatchError("A patch is damaged: a hunk has no place")
    start, old_count, new_start, new_count = (int(part) if part is not None else 1 for part in head.groups())
    if (old_count and not start) or (new_count and not new_start):
        raise PatchError("A patch is damaged: a hunk has no place")
    reader.at += 1
    old: list[bytes] = []
    new: list[bytes] = []
    while len(old) < old_count or len(new) < new_count:
        line = reader.peek()
        sign, text = line[:1], line[1:]
        if line == b"\n":
            sign, text = b" ", b"\n"
        if sign not in (b" ", b"-", b"+") or not text.endswith(b"\n"):
            raise PatchError("A patch is damaged: a hunk ends too early")
        reader.at += 1
        if reader.peek().startswith(b"\\ "):
            text = text[:-1]
            reader.at += 1
        if sign != b"+":
            old.append(text)
        if sign != b"-":
            new.append(text)
    if len(old) != old_count or len(new) != new_count:
        raise PatchError("A patch is damaged: a hunk has another size than it says")
    for lines in (old, new):
        if any(not line.endswith(b"\n") for line in lines[:-1]):
            raise PatchError("A patch is damaged: a line in the middle has no end")
    return PatchHunk(start - 1 if old_count else start, tuple(old), tuple(new))


# -- applying


def apply(patch: FilePatch, before: bytes | None) -> bytes | None:
    """The file's bytes after the patch (None: removed). Raises ``PatchError`` unless every hunk fits exactly."""
    name = ascii(patch.source or patch.target or "")
    if patch.source is None:
        if before is not None:
            raise PatchError(f"The patch would make {name}, which is there already")
    elif before is None:
        raise PatchError(f"The patch changes {name}, which is not there")
    old = _lines(before or b"")
    out: list[bytes] = []
    at = 0
    for hunk in patch.hunks:
        end = hunk.start + len(hunk.old)
        if hunk.start < at or tuple(old[hunk.start : end]) != hunk.old:
            raise PatchError(f"The patch does not fit {name} at line {hunk.start + 1:,}")
        out += old[at : hunk.start]
        out += hunk.new
        at = end
    out += old[at:]
    if any(not line.endswith(b"\n") for line in out[:-1]):
        raise PatchError(f"The patch does not fit the end of {name}")
    if patch.target is None:
        if out:
            raise PatchError(f"The patch removes {name}, which holds more than it says")
        return None
    return b"".join(out)
