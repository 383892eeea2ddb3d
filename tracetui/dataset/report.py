"""Reports: a template over what the selected sessions asked, did, landed and broke.

What a template is given is escaped for Markdown beforehand, so that no text of a log can mean anything in the result;
the result passes the gate for texts meant for others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from tracetui.dataset.making import selected
from tracetui.dataset.outcomes import mended, outcome_of
from tracetui.dataset.workflow import Workflow
from tracetui.model import LogRow, SessionRow, Step, TracetuiError, to_iso
from tracetui.text.safe import markdown_safe, one_line

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.trail import Trail

__all__ = ["report", "values_of"]

_TEXT: Final = 300
"""Characters of a text in a report."""
_TOP: Final = 20
"""Prompts, commits and hunks of a session that are named."""
_SURVIVAL: Final = ("alive", "transformed", "reverted", "lost", "pending", "unknown")


def report(
    bucket: Bucket,
    workflow: Workflow,
    *,
    unreviewed: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> str:
    """The text of a report. ``unreviewed``: without the gate. Raises TracetuiError where the template fails, or where
    the text holds something that nobody decided about."""
    from tracetui.redact.gate import pass_text

    sessions = selected(bucket, workflow.query())
    values = values_of(bucket, sessions, progress, cancelled)
    if workflow.foreign:
        from tracetui.dataset.sandboxed import agreed, rendered
        from tracetui.dataset.store import DatasetStore

        with DatasetStore(bucket.path) as store:
            agreed(store, workflow)
        text = rendered(workflow, values, bucket)
    else:
        text = _rendered(workflow, values)
    return text if unreviewed else pass_text(bucket, sessions, text)


def _rendered(workflow: Workflow, values: dict[str, Any]) -> str:
    """A shipped template, in a sandbox of the template language."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        autoescape=False,
    )  # fmt: skip
    try:
        return made.from_string(workflow.code).render(**values)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        raise TracetuiError(f"The template of {workflow.name} failed{where} ({type(error).__name__})") from None


def values_of(
    bucket: Bucket,
    sessions: Sequence[SessionRow],
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """What a template is given: ``sessions`` in the order of time, ``projects`` (name -> sessions) and ``totals``."""
    from tracetui.trail import Trail

    told: list[dict[str, Any]] = []
    with Trail(bucket) as trail:
        for nth, session in enumerate(sessions):
            if cancelled is not None and cancelled():
                break
            if progress is not None:
                progress(nth, len(sessions))
            told.append(_session(bucket, trail, session))
    projects: dict[str, list[dict[str, Any]]] = {}
    for item in told:
        projects.setdefault(item["project"], []).append(item)
    totals = {
        "sessions": len(told),
        "prompts": sum(row.prompts for row in sessions),
        "edits": sum(row.edits for row in sessions),
        "failures": sum(row.errors for row in sessions),
        "survival": {name: sum(item["survival"][name] for item in told) for name in _SURVIVAL},
        "landed": sum(len(item["landed"]) for item in told),
        "findings": sum(item["findings"] for item in told),
    }
    return {"sessions": told, "projects": dict(sorted(projects.items())), "totals": totals}


def _said(text: str | None, limit: int = _TEXT) -> str:
    return markdown_safe(one_line(text or "", limit))


def _session(bucket: Bucket, trail: Trail, session: SessionRow) -> dict[str, Any]:
    states = trail.hunks(session) if session.edits else []
    counted = [state for state in states if state.counted]
    counts = Counter(state.state for state in counted)
    cost = session.cost_usd if session.cost_usd is not None else session.cost_estimate_usd
    return {
        "id": session.id,
        "harness": _said(session.harness),
        "title": _said(session.title or session.id, 120),
        "project": _said(PurePosixPath(session.cwd).name if session.cwd else "no folder", 80),
        "branch": _said(session.branch, 80),
        "model": _said(session.model, 80),
        "started": to_iso(session.started),
        "ended": to_iso(session.ended),
        "prompts": session.prompts,
        "edits": session.edits,
        "failures": session.errors,
        **_told(bucket, session),
        "survival": {name: counts[name] for name in _SURVIVAL},
        "landed": _commits(trail, session, [state.landing for state in counted if state.landing]),
        "undone": _undone(trail, session, states),
        "findings": (session.findings or {}).get("open", 0),
        "cost_usd": cost,
    }


def _told(bucket: Bucket, session: SessionRow) -> dict[str, Any]:
    """What a session's own log tells: what was asked, what was said last, how its tests ended."""
    logs = [log for log in bucket.logs(session.id, session.harness) if log.shown]
    own = [log for log in logs if log.agent is None] or logs[:1]
    steps = [step for log in own for step in _telling(bucket, log)]
    messages = [step for step in steps if step.kind == "message" and step.text]
    outcome = outcome_of(steps)
    return {
        "asked": [_said(step.text) for step in steps if step.kind == "prompt" and step.text][:_TOP],
        "done": _said(messages[-1].text) if messages else "",
        "outcome": outcome.outcome,
        "outcome_step": outcome.step,
        "mended": [_said(name, 120) for name in sorted(mended(steps))[:_TOP]],
    }


def _telling(bucket: Bucket, log: LogRow) -> list[Step]:
    """The steps of a log that a report speaks of, read from the copy: what was said, and commands."""
    rows = [row for row in bucket.step_rows(log) if row.kind in ("prompt", "message", "command") and not row.double]
    return [bucket.step(log, row.number) for row in rows]


def _subject(trail: Trail, session: SessionRow, sha: str) -> str:
    place = trail.repository(session)
    commit = trail.judge_for(place).store.commit(sha) if place is not None else None
    return _said(commit.message.strip().split("\n", 1)[0], 100) if commit is not None else ""


def _commits(trail: Trail, session: SessionRow, shas: Sequence[str]) -> list[dict[str, Any]]:
    """The commits that took hunks in, with how many each, the one with the most first."""
    counts = Counter(shas)
    return [
        {"commit": sha[:9], "subject": _subject(trail, session, sha), "hunks": count}
        for sha, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
    ]


def _undone(trail: Trail, session: SessionRow, states: Sequence[Any]) -> list[dict[str, Any]]:
    """The hunks that had landed and are gone, with the commit that ended each and the prompt behind them."""
    return [
        {
            "path": _said(state.path, 200),
            "step": state.step,
            "state": state.state,
            "reason": _said(state.reason.replace("_", " ")),
            "landing": (state.landing or "")[:9],
            "killer": (state.killer or "")[:9],
            "subject": _subject(trail, session, state.killer) if state.killer else "",
        }
        for state in states
        if state.counted and state.landing and state.state in ("reverted", "lost")
    ][:_TOP]
