"""A query in words, as it stands under the query line: what is listed, and of what."""

from __future__ import annotations

import datetime as _dt
from collections.abc import Iterable
from typing import Final

from tracetui.bucket.terms import Clause, Query

__all__ = ["in_words"]

_KINDS: Final = {
    "prompt": "prompts", "message": "messages", "thinking": "thinking", "plan": "plans", "read": "reads",
    "search": "searches", "command": "commands", "edit": "edits", "web": "web calls", "agent": "calls of subagents",
    "tool": "calls of other tools", "compaction": "compactions", "event": "events",
}  # fmt: skip
_STEP: Final = {
    "failed": "that failed",
    "ok": "that did not fail",
    "edit": "that edit files",
    "prompt": "that are prompts",
}
_STATE: Final = {
    "bookmarked": "bookmarked", "unread": "not read since they grew", "running": "running now",
    "at-risk": "about to be deleted by their harness", "gone": "deleted by their harness", "archived": "archived",
    "in-review": "with a redaction begun", "empty": "empty", "headless": "run headless", "warmup": "warm-ups",
    "subagent": "of subagents", "folded": "folded away", "forked": "forked from another", "foreign": "from a capsule",
}  # fmt: skip
_HAS: Final = {
    "error": "a failed step", "edit": "an edit", "findings": "open findings", "subagent": "subagents",
    "bookmark": "a bookmark", "note": "a note", "tag": "a tag", "cost": "a stated cost", "survival": "a judged trail",
    "branch": "a branch", "repo": "a repository",
}  # fmt: skip


def in_words(query: Query, *, of: str = "steps", now: int | None = None) -> str:
    """What a query finds, in one line of plain English: of ``steps`` (search, the timeline) or ``sessions`` (the list).
    ``now`` in milliseconds tells which year needs no naming."""
    if query.empty:
        return f"all {of}"
    found = [_sessions(one, now) if of == "sessions" else _steps(one, now) for one in query.alternatives]
    return "; or ".join(dict.fromkeys(found))


def _steps(query: Query, now: int | None) -> str:
    of_session = _of_session(query)
    words = [_of_step(query), _times(query, now)]
    if of_session:
        words.append(f"in sessions {of_session}")
    return " ".join(word for word in words if word)


def _sessions(query: Query, now: int | None) -> str:
    words = ["sessions", _of_session(query)]
    of_step = [term for term in query.terms if term.scope == "step"]
    text = bool(query.words or query.phrases or query.not_words or query.not_phrases)
    when = _times(query, now)
    if of_step and not text and all(term.negated for term in of_step):
        parts = [_of_step(Query(terms=(term._replace(negated=False),))) for term in of_step]
        words += [when, "without " + _listed(parts, "and without")]
    elif of_step or text:
        words += ["with", _of_step(query), when]
    else:
        words.append(when)
    return " ".join(word for word in words if word)


def _of_step(query: Query) -> str:
    """What is asked of a step, as ``commands that failed on paths with tests/``."""
    noun, rest = "steps", []
    for term in query.terms:
        if term.scope != "step":
            continue
        if term.field == "kind" and not term.negated and noun == "steps":
            noun = _listed([_KINDS[value] for value in term.values])
        elif term.field == "is" and term.values[0] in ("prompt", "edit") and not term.negated and noun == "steps":
            noun = "prompts" if term.values[0] == "prompt" else "edits"
        else:
            rest.append(_step_term(term))
    rest += [f"with {_listed([_shown(item) for item in query.words], 'and')}"] if query.words else []
    rest += [f"with the text {_listed([_shown(item, True) for item in query.phrases], 'and')}"] if query.phrases else []
    refused = [*map(_shown, query.not_words), *(_shown(item, True) for item in query.not_phrases)]
    rest += [f"without {_listed(refused)}"] if refused else []
    return " ".join([noun, *rest])


def _step_term(term: Clause) -> str:
    values = [_shown(value) for value in term.values]
    if term.field == "is":
        words = _listed([_STEP[value] for value in term.values])
        return (
            words.replace("that ", "that do not ", 1)
            if term.values == ("edit",) and term.negated
            else (f"not those {words}" if term.negated else words)
        )
    words = {
        "kind": f"that are {_listed([_KINDS.get(value, value) for value in term.values])}",
        "survival": f"with lines {_listed(values)}",
        "path": f"on paths with {_listed(values)}",
        "tool": f"by the tool {_listed(values)}",
        "exit": f"with exit status {_listed(values)}",
        "longer": f"longer than {_listed([value.removeprefix('>') for value in values])}",
        "tokens": f"of {_listed([_number(value) for value in values])} tokens",
        "agent": {"main": "of the session itself", "sub": "of subagents"}.get(
            term.values[0], f"of the subagent {_listed(values)}"
        ),
    }[term.field]
    return f"not {words}" if term.negated else words


def _of_session(query: Query) -> str:
    parts = [_session_term(term) for term in query.terms if term.scope == "session"]
    return ", ".join(parts)


def _session_term(term: Clause) -> str:
    values = [_shown(value.removeprefix("=")) for value in term.values]
    listed = _listed(values)
    if term.field == "is":
        words = _listed([_STATE.get(value, value) for value in term.values])
    elif term.field == "has":
        return f"{'without' if term.negated else 'with'} {_listed([_HAS.get(value, value) for value in term.values])}"
    else:
        words = {
            "harness": f"of {listed}",
            "project": f"in {listed}",
            "model": f"by {listed}",
            "branch": f"on branch {listed}",
            "repo": f"of the repository {listed}",
            "cost": f"that cost {_listed([_number(value) for value in values])} dollars",
            "tag": f"tagged {listed}",
            "id": f"with the id {listed}",
            "title": f"called {listed}",
        }[term.field]
    return f"not {words}" if term.negated else words


def _times(query: Query, now: int | None) -> str:
    since = None if query.since is None else _time(query.since, now)
    # A day that is named is within: what ends at midnight is said by the day before.
    until = (
        None if query.until is None else _time(query.until - (_time(query.until, now) == _day(query.until, now)), now)
    )
    if until is not None and until.endswith(" 23:59"):
        until = until.removesuffix(" 23:59")
    if since is not None and since == until:
        return f"on {since}"
    return " ".join([*([f"since {since}"] if since else []), *([f"until {until}"] if until else [])])


def _day(ms: int, now: int | None) -> str:
    """The day alone."""
    return _time(ms, now).rpartition(" ")[0] if ":" in _time(ms, now) else _time(ms, now)


def _time(ms: int, now: int | None) -> str:
    """A local time; a midnight as its day."""
    try:
        moment = _dt.datetime.fromtimestamp(ms / 1000).astimezone()
        today = (
            _dt.datetime.fromtimestamp(now / 1000).astimezone() if now is not None else _dt.datetime.now().astimezone()
        )
    except (OverflowError, ValueError, OSError):
        return "a time beyond the calendar"
    day = f"{moment.day} {moment:%b}" + ("" if moment.year == today.year else f" {moment.year}")
    return day if not (moment.hour or moment.minute) else f"{day} {moment:%H:%M}"


def _number(value: str) -> str:
    return {">=": "at least ", "<=": "at most ", ">": "more than ", "<": "less than "}.get(
        value[:2] if value[1:2] == "=" else value[:1], ""
    ) + value.lstrip("<>=")


def _shown(value: str, quoted: bool = False) -> str:
    return f'"{value}"' if quoted or " " in value else value


def _listed(values: Iterable[str], word: str = "or") -> str:
    items = list(dict.fromkeys(values))
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}" if items else ""
