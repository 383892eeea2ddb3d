"""OpenCode's sessions as records: one for the session, one for each message, one for each part.

They have the shape of OpenCode's own events (``session.updated``, ``message.updated``, ``message.part.updated`` with
``properties``), whichever of its three forms they stand in: the database, the tree of JSON files that versions before
it wrote, or the document that ``opencode export`` prints. So a session is the same records wherever it was found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui.harness.opencode.snapshots import Snapshots
from tracetui.harness.opening import open_log
from tracetui.harness.sources import DatabaseSource, DocumentSource, Member

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DATABASE", "EXPORT", "TREE", "tree_stamp"]

_TABLES: Final = frozenset({"session", "message", "part"})
_FILE_MAX: Final = 64 * 1024 * 1024
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_COLUMNS: Final = {
    "project_id": "projectID",
    "workspace_id": "workspaceID",
    "parent_id": "parentID",
}
_JSON: Final = ("summary_diffs", "metadata", "revert", "permission", "model")


def _session(info: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "session.updated", "properties": {"info": info}}


def _message(info: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "message.updated", "properties": {"info": info}}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "message.part.updated", "properties": {"part": part}}


def _key(record: Mapping[str, Any]) -> str:
    """``session``, ``message/ID`` or ``part/MESSAGE/ID``, also of the record that says it was removed."""
    inner = record.get("properties")
    kind = record.get("type")
    if not isinstance(inner, Mapping) or not isinstance(kind, str):
        return ""
    if kind == "session.updated":
        return "session"
    if kind == "message.removed":
        return f"message/{inner.get('messageID')}"
    if kind == "message.part.removed":
        return f"part/{inner.get('messageID')}/{inner.get('partID')}"
    if kind == "snapshot.file":
        return f"before/{inner.get('messageID')}/{inner.get('partID')}"
    value = inner.get("info", inner.get("part"))
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        return ""
    return f"part/{value.get('messageID')}/{value['id']}" if "part" in inner else f"message/{value['id']}"


def _gone(key: str) -> dict[str, Any] | None:
    kind, _, rest = key.partition("/")
    if kind == "message":
        return {"type": "message.removed", "properties": {"messageID": rest}}
    if kind == "part":
        message, _, own = rest.partition("/")
        return {"type": "message.part.removed", "properties": {"messageID": message, "partID": own}}
    return None


def _object(text: object) -> dict[str, Any]:
    try:
        value = orjson.loads(text) if isinstance(text, str | bytes) else None
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


# --- the database


def _is_ours(db: sqlite3.Connection) -> bool:
    columns = {
        (table, name) for table in _TABLES for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))
    }
    return {("session", "directory"), ("message", "data"), ("part", "message_id"), ("part", "data")} <= columns


def _members(db: sqlite3.Connection, _: str) -> Iterator[Member]:
    """The size is an estimate that changes with every message and part; reading them all would take the longest."""
    for name, folder, updated, messages, latest, parts in db.execute(
        "SELECT id, directory, time_updated, "
        "(SELECT count(*) FROM message m WHERE m.session_id=s.id), "
        "(SELECT max(time_updated) FROM message m WHERE m.session_id=s.id), "
        "(SELECT count(*) FROM part p WHERE p.session_id=s.id) FROM session s ORDER BY id"
    ):
        if isinstance(name, str) and _ID.fullmatch(name):
            times = [time for time in (updated, latest) if isinstance(time, int)]
            when = min(max(times, default=0), 1 << 42) * 1_000_000
            yield Member(name, messages * 1024 + parts * 2048, when, folder if isinstance(folder, str) else None)


def _info(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the session table as OpenCode tells it elsewhere."""
    info: dict[str, Any] = {"time": {}}
    for name, value in row.items():
        if value is None:
            continue
        if name in _JSON:
            value = _object(value) if str(value).startswith("{") else orjson.loads(value) if _is_json(value) else value
        group, _, rest = name.partition("_")
        if group == "time":
            info["time"][rest] = value
        elif group == "summary" and rest:
            info.setdefault("summary", {})[rest] = value
        elif group == "tokens" and rest:
            info.setdefault("tokens", {})[rest] = value
        elif name == "share_url":
            info["share"] = {"url": value}
        else:
            info[_COLUMNS.get(name, name)] = value
    return info


def _is_json(value: object) -> bool:
    try:
        orjson.loads(value if isinstance(value, str | bytes) else b"")
    except orjson.JSONDecodeError:
        return False
    return True


def _from_database(db: sqlite3.Connection, name: str, path: str) -> Iterator[dict[str, Any]]:
    found = db.execute("SELECT * FROM session WHERE id=?", (name,))
    names = [item[0] for item in found.description]
    row = found.fetchone()
    if row is None:
        return
    info = _info(dict(zip(names, row, strict=True)))
    yield _session(info)
    snapshots = Snapshots(Path(path).parent / "snapshot", info.get("projectID"))
    messages = db.execute("SELECT id, data FROM message WHERE session_id=? ORDER BY time_created, id", (name,))
    for message, data in messages.fetchall():
        about = _object(data)
        yield _message({"id": message, "sessionID": name, **about})
        snapshots.begin(about)
        for part, content in db.execute("SELECT id, data FROM part WHERE message_id=? ORDER BY id", (message,)):
            value = _object(content)
            yield _part({"id": part, "sessionID": name, "messageID": message, **value})
            before = snapshots.before(value)
            if before is not None:
                yield {
                    "type": "snapshot.file",
                    "properties": {"sessionID": name, "messageID": message, "partID": part, "text": before},
                }


# --- exported documents


def _is_export(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return False
    info, messages = value.get("info"), value["messages"]
    if not isinstance(info, dict) or not isinstance(info.get("id"), str):
        return False
    return all(isinstance(item, dict) and isinstance(item.get("info"), dict) for item in messages[:5])


def _from_export(value: Any, _: Path) -> Iterator[dict[str, Any]]:
    info = value["info"]
    yield _session(info)
    own = {"sessionID": info["id"]}
    taken: dict[str, int] = {}
    for message in value["messages"]:
        about = message.get("info") if isinstance(message, dict) else None
        if not isinstance(about, dict):
            continue
        named = _told_apart(about, taken)
        yield _message({**own, **named})
        parts = message.get("parts")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                yield _part({**own, **_told_apart(part, taken), "messageID": named.get("id")})


def _told_apart(value: dict[str, Any], taken: dict[str, int]) -> dict[str, Any]:
    """A message or part under an id of its own: in a document that was redacted several may have the same."""
    own = str(value.get("id"))
    taken[own] = nth = taken.get(own, 0) + 1
    return value if nth == 1 else {**value, "id": f"{own}~{nth}"}


# --- the older tree


def _is_tree(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and value["id"].startswith("ses_")
        and isinstance(value.get("time"), dict)
        and "messages" not in value
        and "role" not in value
    )


def _folders(path: Path) -> tuple[Path, Path]:
    """Where the messages and the parts of the session in this file stand: ``storage/message/SESSION`` and
    ``storage/part``; in the first versions ``session/message/SESSION`` and ``session/part/SESSION``."""
    beside = path.parent.parent
    if path.parent.name == "info":
        return beside / "message" / path.stem, beside / "part" / path.stem
    return beside.parent / "message" / path.stem, beside.parent / "part"


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as scan:
            found = [entry.name for entry in scan if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(name for name in found if name.endswith(".json") and _ID.fullmatch(name[:-5]))


def _file(path: Path) -> dict[str, Any]:
    try:
        with open_log(path) as stream:
            return _object(stream.read(_FILE_MAX))
    except OSError:
        return {}


def _from_tree(value: Any, path: Path) -> Iterator[dict[str, Any]]:
    yield _session(value)
    own = {"sessionID": value["id"]}
    messages, parts = _folders(path)
    for name in _names(messages):
        message = _file(messages / name)
        yield _message({**own, "id": name[:-5], **{key: item for key, item in message.items() if key != "parts"}})
        inline = message.get("parts")
        for nth, part in enumerate(inline if isinstance(inline, list) else ()):
            if isinstance(part, dict):
                yield _part({**own, "messageID": name[:-5], "id": f"{name[:-5]}-{nth}", **part})
        for part_name in _names(parts / name[:-5]):
            yield _part({**own, "messageID": name[:-5], "id": part_name[:-5], **_file(parts / name[:-5] / part_name)})


def tree_stamp(path: str, info: os.stat_result) -> tuple[int, int]:
    """Size and time of a session in the tree: its own file's and its messages', which are written again when their
    parts are done."""
    size, mtime = info.st_size, info.st_mtime_ns
    try:
        with os.scandir(_folders(Path(path))[0]) as scan:
            for entry in scan:
                state = entry.stat(follow_symlinks=False)
                size += state.st_size
                mtime = max(mtime, state.st_mtime_ns)
    except OSError:
        pass
    return size, mtime


DATABASE: Final = DatabaseSource(key=_key, gone=_gone, detect=_is_ours, members=_members, records=_from_database)
EXPORT: Final = DocumentSource(key=_key, gone=_gone, detect=_is_export, records=_from_export)
TREE: Final = DocumentSource(key=_key, gone=_gone, detect=_is_tree, records=_from_tree)
