"""The query line: free words, ``"phrases"`` and typed terms (``harness:codex since:7d has:error -kind:event``).

A term is ``field:value`` or ``field:"a value"``, one value or several parted by commas; a ``-`` before a word, phrase
or term negates it. A word with a colon whose first part is no field stays a word (``std::vector``, ``12:30``), unless
it is nearly a field: then it is an error rather than a search that finds nothing. All is linear in the text.
"""

from __future__ import annotations

import datetime as _dt
import os.path
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tracetui.bucket.terms import FIELDS, HAS, IS, SURVIVAL, Query
from tracetui.model import KINDS, SessionRow, TracetuiError

__all__ = ["Completion", "complete", "in_project", "matches_session", "parse", "parse_time", "project_value", "quoted"]

_FIELD: Final = re.compile(r"([A-Za-z_]{2,12}):")
_AGO: Final = re.compile(r"(\d{1,6})(mo|min|m|h|d|w|y)")
_UNIT_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIXED: Final[dict[str, Sequence[str]]] = {
    "kind": KINDS,
    "has": tuple(HAS),
    "is": tuple(IS),
    "survival": tuple(SURVIVAL),
}
_LENGTH_LIMIT: Final = 10_000


class Completion(NamedTuple):
    """Put ``text`` in the place of ``line[start:end]``; ``hint`` says what it means."""

    start: int
    end: int
    text: str
    hint: str


class _Token(NamedTuple):
    start: int
    end: int
    negated: bool
    field: str | None
    value: str
    value_start: int
    quoted: bool


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text)
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        start = at
        # "--flag" and "->" are words; "-word" and '-"a phrase"' negate.
        negated = text[at] == "-" and at + 1 < end and (text[at + 1].isalnum() or text[at + 1] in '"_')
        at += negated
        field = None
        match = _FIELD.match(text, at)
        if match and match[1].lower() in FIELDS:
            field = match[1].lower()
            at = match.end()
        value_start = at
        quoted = at < end and text[at] == '"'
        if quoted:
            pieces: list[str] = []
            at += 1
            while at < end and text[at] != '"':
                if text[at] == "\\" and at + 1 < end and text[at + 1] in '"\\':
                    at += 1
                pieces.append(text[at])
                at += 1
            at = min(end, at + 1)
            value = "".join(pieces)
        else:
            while at < end and not text[at].isspace():
                at += 1
            value = text[value_start:at]
        found.append(_Token(start, at, negated, field, value, value_start, quoted))
    return found


def _wrong(message: str) -> TracetuiError:
    return TracetuiError(message, status=2)


def parse(text: str, *, now: int | None = None) -> Query:
    """Read a query line.

    Relative times count from ``now`` (milliseconds since the epoch, by default the clock's), dates are local. An
    unclosed quote runs to the end, so that a line can be parsed while it is typed. Raises ``TracetuiError`` with
    status 2 that names the bad term.
    """
    if len(text) > _LENGTH_LIMIT:
        raise _wrong(f"the query is {len(text):,} characters long; the limit is {_LENGTH_LIMIT:,}")
    values: dict[str, list[str]] = {name: [] for name in FIELDS}
    words: dict[tuple[bool, bool], list[str]] = {(q, n): [] for q in (False, True) for n in (False, True)}
    excluded: list[tuple[str, str]] = []
    since = until = None
    for token in _tokens(text):
        if token.field is None:
            value = token.value
            if not token.quoted:
                _refuse_near_miss(value)
            if value.strip():
                words[token.quoted, token.negated].append(value)
            continue
        name = token.field
        if not token.value.strip():
            raise _wrong(f"{name}: needs a value ({FIELDS[name]}); to search for the word itself, quote it")
        if name in ("since", "until"):
            if token.negated:
                raise _wrong(f"-{name}: cannot be negated; use {'until' if name == 'since' else 'since'}:")
            when = parse_time(token.value, now=now, end=name == "until", term=f"{name}:{token.value}")
            if name == "since":
                since = when if since is None else max(since, when)
            else:
                until = when if until is None else min(until, when)
            continue
        for value in _split(name, token):
            if token.negated:
                excluded.append((name, value))
            else:
                values[name].append(value)
    return Query(
        words=tuple(words[False, False]),
        phrases=tuple(words[True, False]),
        not_words=tuple(words[False, True]),
        not_phrases=tuple(words[True, True]),
        harness=_unique(values["harness"]),
        project=_unique(values["project"]),
        model=_unique(values["model"]),
        branch=_unique(values["branch"]),
        id=_unique(values["id"]),
        title=_unique(values["title"]),
        kinds=_unique(values["kind"]),
        has=_unique(values["has"]),
        is_=_unique(values["is"]),
        survival=_unique(values["survival"]),
        since=since,
        until=until,
        excluded=tuple(dict.fromkeys(excluded)),
    )


def _unique(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _split(name: str, token: _Token) -> list[str]:
    """The checked values of a typed term."""
    if name == "project":
        return [project_value(token.value)]
    if name not in ("harness", *_FIXED):
        return [token.value]
    values = [value.lower() for value in token.value.replace(" ", ",").split(",") if value]
    if not values:
        raise _wrong(f"{name}: needs a value ({FIELDS[name]})")
    known = _FIXED.get(name) or _harnesses()
    for value in values:
        if known and value not in known:
            raise _wrong(f"{name}:{value} is not known; one of {', '.join(known)}")
    return values


def _harnesses() -> Sequence[str]:
    from tracetui.harness import HARNESSES

    return tuple(HARNESSES)


def _refuse_near_miss(word: str) -> None:
    match = _FIELD.match(word)
    if match is None or match.end() == len(word) or word[match.end()] in ":/\\" or len(match[1]) < 3:
        return
    name = match[1].lower()
    near = next((field for field in FIELDS if _one_edit_apart(name, field)), None)
    if near is not None:
        raise _wrong(f"{match[1]}: is not a term; {near}: is. To search for the word itself, quote it")


def _one_edit_apart(a: str, b: str) -> bool:
    """Whether one letter put in, left out or changed, or two neighbours swapped, makes ``a`` into ``b``."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1 or a == b or len(b) < 4:
        return False
    at = 0
    while at < len(a) and a[at] == b[at]:
        at += 1
    if len(a) < len(b):
        return a[at:] == b[at + 1 :]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])


def project_value(text: str) -> str:
    """A project as a person names it: ``.``, ``./x``, ``../x`` and ``~/x`` become absolute folders, the rest stays."""
    text = text.rstrip("/") or text
    if text in (".", "..") or text.startswith(("./", "../")):
        return os.path.normpath(Path.cwd() / text)  # symlinks stay as the agent saw them
    if text == "~" or text.startswith("~/"):
        return os.path.expanduser(text)  # noqa: PTH111 - never raises
    return text


def parse_time(text: str, *, now: int | None = None, end: bool = False, term: str | None = None) -> int:
    """A point in time as typed, in milliseconds since the epoch.

    ``7d``, ``12h``, ``30m``, ``2w``, ``3mo``, ``1y`` ago; ``now``, ``today``, ``yesterday``, a weekday (the last one);
    ``2026``, ``2026-05``, ``2026-05-01``, or ISO 8601 with a time. Without a zone it is local. With ``end``, the end
    of the day, month or year named. Raises ``TracetuiError`` (status 2) that names ``term``.
    """
    now = round(time.time() * 1000) if now is None else now
    word = text.strip().lower()
    try:
        return _time(word, text.strip(), now, end)
    except (ValueError, OverflowError, OSError):
        raise _wrong(
            f"{term or text} is not a time; use 7d, 12h, 2w, today, yesterday, 2026-05-01 or 2026-05-01T14:00"
        ) from None


def _time(word: str, text: str, now: int, end: bool) -> int:
    if word == "now":
        return now
    today = _dt.datetime.fromtimestamp(now / 1000).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    match = _AGO.fullmatch(word)
    if match:
        number, unit = int(match[1]), match[2]
        if unit in ("mo", "y"):
            months = number * (12 if unit == "y" else 1)
            years, month = divmod(today.year * 12 + today.month - 1 - months, 12)
            then = (
                _dt.datetime.fromtimestamp(now / 1000)
                .astimezone()
                .replace(year=years, month=month + 1, day=min(today.day, _days_in(years, month + 1)))
            )
            return _ms(then)
        return max(0, now - number * _UNIT_MS[unit[0]])
    day: _dt.date | None = None
    if word in ("today", "yesterday"):
        day = today.date() - _dt.timedelta(days=word == "yesterday")
    elif len(word) >= 3 and any(name.startswith(word) for name in _DAYS):
        weekday = next(nth for nth, name in enumerate(_DAYS) if name.startswith(word))
        day = today.date() - _dt.timedelta(days=(today.weekday() - weekday) % 7)
    if day is not None:
        return _midnight(day + _dt.timedelta(days=1) if end else day)
    parts = word.split("-")
    if len(parts[0]) == 4 and all(part.isascii() and part.isdigit() for part in parts) and len(parts) <= 3:
        numbers = [int(part) for part in parts]
        first = _dt.date(numbers[0], *([*numbers[1:], 1, 1][:2]))
        if not end:
            return _midnight(first)
        if len(numbers) == 1:
            return _midnight(_dt.date(first.year + 1, 1, 1))
        days = _days_in(first.year, first.month) if len(numbers) == 2 else 1
        return _midnight(first + _dt.timedelta(days=days))
    if len(text) < 10:
        raise ValueError
    return _ms(_dt.datetime.fromisoformat(text.upper().replace(" ", "T", 1))) + end


def _days_in(year: int, month: int) -> int:
    return (_dt.date(year + month // 12, month % 12 + 1, 1) - _dt.date(year, month, 1)).days


def _midnight(day: _dt.date) -> int:
    return _ms(_dt.datetime(day.year, day.month, day.day))  # noqa: DTZ001 - local time is meant


def _ms(moment: _dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def matches_session(query: Query, row: SessionRow) -> bool:
    """Whether a session passes every term that its row can answer; words, phrases and ``kinds`` need the steps and are
    left to the index."""
    if query.since is not None and (row.ended is None or row.ended < query.since):
        return False
    if query.until is not None:
        begun = row.started if row.started is not None else row.ended
        if begun is None or begun >= query.until:
            return False
    for name in ("harness", "project", "model", "branch", "id", "title", "survival"):
        values: tuple[str, ...] = getattr(query, name)
        if values and not any(_holds(name, value, row) for value in values):
            return False
    if not all(_holds("has", value, row) for value in query.has):
        return False
    if not all(_holds("is", value, row) for value in query.is_):
        return False
    return not any(name != "kind" and _holds(name, value, row) for name, value in query.excluded)


def _within(text: str | None, value: str) -> bool:
    return text is not None and value.casefold() in text.casefold()


def _holds(name: str, value: str, row: SessionRow) -> bool:
    if name == "harness":
        return row.harness == value
    if name == "id":
        return row.id.startswith(value)
    if name == "survival":
        return bool((row.survival or {}).get(value))
    if name == "project":
        return in_project(value, row.cwd) or in_project(value, row.repo)
    if name in ("model", "branch", "title"):
        return _within(getattr(row, name), value)
    if name == "has":
        return bool(
            {
                "error": row.errors,
                "edit": row.edits,
                "findings": (row.findings or {}).get("open"),
                "subagent": row.subagents,
                "bookmark": row.bookmarked,
                "note": row.note,
                "cost": row.cost_usd is not None,
                "survival": row.survival,
                "branch": row.branch,
                "repo": row.repo,
            }[value]
        )
    return {
        "bookmarked": row.bookmarked,
        "unread": row.unread,
        "gone": row.gone,
        "folded": row.folded is not None,
        "forked": row.forked_from is not None,
        "foreign": row.foreign,
        "archived": row.archived,
        "in-review": bool(
            (row.findings or {}).get("open")
            and (row.findings or {}).get("accepted", 0) + (row.findings or {}).get("rejected", 0)
        ),
    }.get(value, row.folded == value)


def in_project(value: str, folder: str | None) -> bool:
    """Whether a session that worked in ``folder`` belongs to the project ``value``: an absolute value names the folder
    or one above it; another one is a part of the path's last component, or whole components (``src/limit``)."""
    if not folder:
        return False
    if value.startswith("/"):
        return folder == value or folder.startswith(value.rstrip("/") + "/")
    low, part = folder.rstrip("/").casefold(), value.casefold()
    return part in low.rpartition("/")[2] or f"/{part}/" in low + "/" or ("/" in part and part in low)


def complete(text: str, cursor: int, known: Mapping[str, Sequence[str]] | None = None) -> list[Completion]:
    """What may stand at the cursor of a query line: names of terms, or values of the term that is being typed.

    ``known`` lists values by field (``harness``, ``project``, ``model``, ``branch``, ``title``, ``id``), the likeliest
    first; ``kind``, ``has``, ``is`` and ``survival`` are known here. Values that begin with what is typed come before
    those that hold it. Never raises; nothing fits inside quoted words.
    """
    cursor = max(0, min(cursor, len(text)))
    token = next((found for found in _tokens(text[:cursor]) if found.end == cursor), None)
    if token is None or (cursor and text[cursor - 1].isspace() and not token.quoted):
        return [Completion(cursor, cursor, name + ":", hint) for name, hint in FIELDS.items()]
    if token.field is None:
        if token.quoted:
            return []
        typed = token.value.lower()
        return [
            Completion(token.value_start, cursor, name + ":", hint)
            for name, hint in FIELDS.items()
            if name.startswith(typed)
        ]
    start, typed = token.value_start, token.value
    hints: Mapping[str, str] = {"has": HAS, "is": IS, "survival": SURVIVAL}.get(token.field, {})
    if token.field in ("harness", *_FIXED) and not token.quoted:
        head, comma, typed = typed.rpartition(",")
        start += len(head) + len(comma)
    values: Sequence[str] = _FIXED.get(token.field) or (known or {}).get(token.field, ())
    if token.field in ("since", "until") and not values:
        values = ("12h", "1d", "7d", "2w", "1mo", "today", "yesterday")
    low = typed.lower()
    fits = [value for value in values if low in value.lower()]
    fits.sort(key=lambda value: not value.lower().startswith(low))
    return [Completion(start, cursor, quoted(value) + " ", hints.get(value, "")) for value in dict.fromkeys(fits)]


def quoted(value: str) -> str:
    """A value as it stands in a query line: in quotes where it needs them."""
    if value and not any(char.isspace() or char == '"' for char in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
