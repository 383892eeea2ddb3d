"""JSON Schemas of workflows: checked by a library, without anything being fetched, patterns in linear time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tracetui.model import TracetuiError

__all__ = ["checker"]

_MOST: Final = 5
"""Errors of a row that are told."""


def _refuse(uri: str) -> Any:
    raise ValueError(f"nothing is fetched: {uri[:80]}")


def checker(schema: Mapping[str, Any], where: str) -> Callable[[Any], list[str]]:
    """A function that gives what is wrong with a value, each with the field's path; empty where nothing is. Raises
    TracetuiError (status 2) for what is no JSON Schema, or refers to another one."""
    import jsonschema_rs

    try:
        jsonschema_rs.meta.validate(dict(schema))
        made = jsonschema_rs.validator_for(
            dict(schema),
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000, dfa_size_limit=10_000_000),
            retriever=_refuse,
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        reason = getattr(error, "message", None) or str(error)
        raise TracetuiError(f"{where} is no JSON Schema ({reason.splitlines()[0][:160]})", status=2) from None

    def check(value: Any) -> list[str]:
        out = []
        for error in made.iter_errors(value):
            field = "/".join(str(part) for part in error.instance_path) or "(the row)"
            out.append(f"{field}: {_said(error)}")
            if len(out) >= _MOST:
                break
        return out

    return check


def _said(error: Any) -> str:
    """What is wrong, without the value, which is text of a log."""
    rule = "/".join(str(part) for part in error.schema_path)
    return f"breaks {rule}"
