"""How the values of typed terms are compared: the same for SQL, which calls these, and for a row in hand."""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from tracetui.bucket.terms import Clause, Query
from tracetui.model import SessionRow

__all__ = ["OPERATORS", "in_path", "in_project", "matches_session", "wild", "within"]

OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
_RUNNING_MS: Final = 5 * 60 * 1000


def within(value: str, text: str | None) -> bool:
    """Whether a text holds the value, any case; ``=value`` is the whole text."""
    if text is None:
        return False
    if value.startswith("="):
        return value[1:].casefold() == text.casefold()
    return value.casefold() in text.casefold()


def in_project(value: str, folder: str | None) -> bool:
    """Whether a session that worked in ``folder`` belongs to the project ``value``: an absolute value names the folder
    or one above it, ``=`` before it that folder alone; another one is a part of the path's last component, or whole
    components (``src/limit``)."""
    if not folder:
        return False
    if value.startswith("="):
        return folder.rstrip("/") == value[1:].rstrip("/")
    if value.startswith("/"):
        return folder == value or folder.startswith(value.rstrip("/") + "/")
    low, part = folder.rstrip("/").casefold(), value.casefold()
    return part in low.rpartition("/")[2] or f"/{part}/" in low + "/" or ("/" in part and part in low)


@lru_cache(maxsize=64)
def _glob(value: str) -> re.Pattern[str]:
    """A pattern of ``*`` and ``?``; what stands between is literal. RE2 would do, but such a pattern is without nested
    repetition: each ``*`` is tried at every place at most."""
    parts = re.split(r"([*?]+)", value)
    made = "".join(
        (".*" if "*" in part else "." * len(part)) if part[:1] in ("*", "?") else re.escape(part) for part in parts
    )
    return re.compile(made, re.IGNORECASE | re.DOTALL)


_STARS: Final = 8


def wild(value: str, text: str | None) -> bool:
    """Whether a name is the value, any case; with ``*`` and ``?`` as a shell has them (eight stars at most)."""
    if text is None:
        return False
    if ("*" in value or "?" in value) and value.count("*") <= _STARS:
        return _glob(value).fullmatch(text) is not None
    return value.casefold() == text.casefold()


def in_path(value: str, path: str | None) -> bool:
    """Whether a path holds the value, any case: an absolute value is the file or a folder above it; with ``*`` or ``?``
    it is matched against the path's end, from the beginning of a name on."""
    if not path:
        return False
    path = path.replace("\\", "/")
    if ("*" in value or "?" in value) and value.count("*") <= _STARS:
        return (
            _glob(value if value.startswith(("/", "*")) else f"*/{value}").fullmatch("/" + path.lstrip("/")) is not None
        )
    if value.startswith("/"):
        return path == value or path.startswith(value.rstrip("/") + "/")
    return value.casefold() in path.casefold()


def matches_session(query: Query, row: SessionRow) -> bool:
    """Whether a session passes, in one alternative at least, every term that its row can answer. Words and phrases, and
    terms that speak of single steps (but ``survival:`` and the kinds of steps that a row counts), need the steps and
    are left to the index."""
    return any(_matches(one, row) for one in query.alternatives)


def _matches(query: Query, row: SessionRow) -> bool:
    if query.since is not None and (row.ended is None or row.ended < query.since):
        return False
    if query.until is not None:
        begun = row.started if row.started is not None else row.ended
        if begun is None or begun >= query.until:
            return False
    return all(_clause(term, row) for term in query.terms)


def _clause(term: Clause, row: SessionRow) -> bool:
    found = [_holds(term.field, value, row) for value in term.values]
    if any(one is None for one in found):
        return True
    return any(found) != term.negated


def _holds(name: str, value: str, row: SessionRow) -> bool | None:
    """Whether the value of a term holds for a session; None where its row cannot tell."""
    if name in ("kind", "path", "tool", "exit", "longer", "tokens", "agent"):
        return None
    if name == "harness":
        return row.harness == value
    if name == "id":
        return row.id.startswith(value)
    if name == "survival":
        return bool((row.survival or {}).get(value))
    if name == "project":
        return in_project(value, row.cwd) or in_project(value, row.repo)
    if name in ("model", "branch", "title", "repo"):
        return within(value, getattr(row, name))
    if name == "tag":
        return any(wild(value, tag) for tag in row.tags)
    if name == "cost":
        from tracetui.bucket.query import number_of

        sign, number = number_of(value, ">")
        known = row.cost_usd if row.cost_usd is not None else row.cost_estimate_usd
        return known is not None and OPERATORS[sign](known, number)
    return bool((_has if name == "has" else _is)(value, row))


def _has(value: str, row: SessionRow) -> object:
    return {
        "error": row.errors,
        "edit": row.edits,
        "findings": (row.findings or {}).get("open"),
        "subagent": row.subagents,
        "bookmark": row.bookmarked,
        "note": row.note,
        "tag": row.tags,
        "cost": row.cost_usd is not None,
        "survival": row.survival,
        "branch": row.branch,
        "repo": row.repo,
    }[value]


def _is(value: str, row: SessionRow) -> object:
    if value == "ok":
        return None
    findings = row.findings or {}
    return {
        "failed": row.errors,
        "edit": row.edits,
        "prompt": row.prompts,
        "bookmarked": row.bookmarked,
        "unread": row.unread,
        "running": not row.gone and (row.ended or 0) >= time.time() * 1000 - _RUNNING_MS,
        "at-risk": False,
        "gone": row.gone,
        "archived": row.archived,
        "in-review": findings.get("open") and (findings.get("accepted") or findings.get("rejected")),
        "folded": row.folded is not None,
        "forked": row.forked_from is not None,
        "foreign": row.foreign,
    }.get(value, row.folded == value)
