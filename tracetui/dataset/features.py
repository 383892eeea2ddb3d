"""The types of the columns of rows, for the card of a dataset: without them a loader takes the types of the first file
for those of all, and a column that is empty there for one that is empty everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

__all__ = ["card_of", "features_of"]

_SCALARS: Final = {bool: "bool", int: "int64", float: "float64", str: "string", type(None): "null"}


class _Mixed(Exception):
    """Values of one column have types that no column can hold together."""


def features_of(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    """The features of rows as ``dataset_info`` of a card spells them; None where a column mixes types."""
    kind: Any = {}
    try:
        for row in rows:
            kind = _merged(kind, _kind(row))
    except _Mixed:
        return None
    return _fields(kind)


def _kind(value: Any) -> Any:
    """A scalar's name, ``[kind]`` of a list, ``{name: kind}`` of an object."""
    if isinstance(value, dict):
        return {str(name): _kind(item) for name, item in value.items()}
    if isinstance(value, list):
        kind: Any = "null"
        for item in value:
            kind = _merged(kind, _kind(item))
        return [kind]
    return _SCALARS[type(value)]


def _merged(one: Any, other: Any) -> Any:
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _merged(one.get(name, "null"), other.get(name, "null")) for name in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(one[0], other[0])]
    if {one, other} == {"int64", "float64"} if isinstance(one, str) and isinstance(other, str) else False:
        return "float64"
    raise _Mixed


def _fields(kinds: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_field(name, kind) for name, kind in kinds.items()]


def _field(name: str, kind: Any) -> dict[str, Any]:
    if isinstance(kind, dict):
        return {"name": name, "struct": _fields(kind)}
    if isinstance(kind, list):
        inner = kind[0]
        if isinstance(inner, dict):
            return {"name": name, "list": _fields(inner)}
        if isinstance(inner, str):
            return {"name": name, "list": inner}
        # A list of lists: the features of the inner one, under no name.
        return {"name": name, "list": {key: value for key, value in _field("", inner).items() if key != "name"}}
    return {"name": name, "dtype": kind}


def card_of(files: Iterable[tuple[str, bytes]], head: Mapping[str, Any] | None = None) -> str:
    """The front matter of a card for JSON Lines files (path, bytes): where they are, and the types of their columns. An
    object without fields, of which no column can be made, leaves the types out."""
    import yaml

    found = [(path, data) for path, data in files if path.endswith(".jsonl")]
    features = features_of(orjson.loads(line) for _, data in found for line in data.splitlines())
    told: dict[str, Any] = {**(head or {})}
    paths = [path for path, _ in found]
    data_files = [{"split": "train", "path": paths[0] if len(paths) == 1 else paths}]
    told["configs"] = [{"config_name": "default", "data_files": data_files}]
    if features is not None and not _empty(features):
        told["dataset_info"] = {"features": features}
    return f"---\n{yaml.safe_dump(told, sort_keys=False, allow_unicode=True)}---\n"


def _empty(features: Any) -> bool:
    """Whether an object without fields stands somewhere in the features."""
    if isinstance(features, dict):
        return features.get("struct") == [] or features.get("list") == [] or any(map(_empty, features.values()))
    return isinstance(features, list) and any(map(_empty, features))
