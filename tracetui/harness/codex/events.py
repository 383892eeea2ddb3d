"""What the events of a Codex log that are no prompt, message or call say, and which of them are no step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["EVENTS", "IGNORED", "event_text", "item_text", "without_asides"]

EVENTS: Final = frozenset(
    """turn_aborted error stream_error warning guardian_warning deprecation_notice thread_rolled_back undo_completed
    entered_review_mode exited_review_mode guardian_assessment task_complete turn_complete model_reroute
    injected_message background_event""".split()
)
"""Events that are steps of kind ``event``."""

IGNORED: Final = frozenset(
    """thread_goal_updated thread_settings_applied session_configured plan_update turn_diff shutdown_complete
    agent_reasoning_section_break raw_response_item item_started mcp_startup_update mcp_startup_complete
    mcp_list_tools_response hook_started hook_completed exec_approval_request apply_patch_approval_request
    elicitation_request request_permissions request_user_input terminal_interaction patch_apply_updated undo_started
    safety_buffering model_verification turn_moderation_metadata skills_update_available list_skills_response
    get_history_entry_response conversation_path""".split()
)
"""Events that are no step: progress, settings, and what other records tell whole."""

_ASIDES: Final = ("oai-mem-citation", "citations")
_PLAN: Final = "proposed_plan"


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words(*parts: object) -> str:
    return " ".join(part for part in parts if isinstance(part, str) and part)


def _review(output: object) -> str:
    """A review as its verdict, explanation and findings."""
    if not isinstance(output, dict):
        return ""
    rows = [_str(output.get("overall_correctness")), _str(output.get("overall_explanation"))]
    findings = output.get("findings")
    for finding in findings if isinstance(findings, list) else []:
        if isinstance(finding, dict):
            rows += [_str(finding.get("title")), _str(finding.get("body"))]
    return "\n".join(row for row in rows if row)


def event_text(name: str, event: Mapping[str, Any]) -> str:
    """The words of an event of ``EVENTS``."""
    if name == "turn_aborted":
        return _words("turn aborted:", _str(event.get("reason")) or "no reason given")
    if name == "thread_rolled_back":
        turns = event.get("num_turns")
        return f"rolled back {turns} turn{'' if turns == 1 else 's'}" if type(turns) is int else "rolled back"
    if name == "entered_review_mode":
        told = _str(event.get("prompt")) or _str(event.get("user_facing_hint"))
        return f"review begins: {told}" if told else "review begins"
    if name == "exited_review_mode":
        told = _review(event.get("review_output"))
        return f"review ends\n{told}" if told else "review ends"
    if name in ("task_complete", "turn_complete"):
        error = event.get("error")
        told = _str(error.get("message")) if isinstance(error, dict) else _str(error)
        return _words("turn ended with an error:", told)
    if name == "guardian_assessment":
        action = event.get("action")
        what = _str(action.get("command")) or _str(action.get("type")) if isinstance(action, dict) else ""
        risk = _str(event.get("risk_level"))
        head = _words("guardian", _str(event.get("status")), f"({risk} risk)" if risk else "", what)
        return "\n".join(part for part in (head, _str(event.get("rationale"))) if part)
    told = _str(event.get("message")) or _str(event.get("text")) or _str(event.get("reason"))
    title = name.replace("_", " ")
    return f"{title}: {told}" if told else title


def item_text(name: str, item: Mapping[str, Any]) -> str | None:
    """The words of a completed item that is an event; None where the type of item is not known."""
    if name == "HookPrompt":
        fragments = item.get("fragments")
        parts = fragments if isinstance(fragments, list) else []
        return "\n".join(_str(part.get("text")) for part in parts if isinstance(part, dict)) or "hook"
    if name == "Sleep":
        took = item.get("duration_ms")
        return f"slept {took / 1000:g} s" if type(took) is int and 0 <= took < 1 << 50 else "slept"
    if name in ("EnteredReviewMode", "ExitedReviewMode"):
        told = _str(item.get("review")) or _review(item.get("review_output")) or _str(item.get("user_facing_hint"))
        head = "review begins" if name.startswith("Entered") else "review ends"
        return f"{head}: {told}" if told else head
    if name == "Error":
        return _words("error:", _str(item.get("message"))) or "error"
    return None


def _cut(text: str, tag: str) -> tuple[str, str]:
    """Text without its first ``<tag>…</tag>``, and what stood in it."""
    start = text.find(f"<{tag}>")
    if start < 0:
        return text, ""
    inner = start + len(tag) + 2
    end = text.find(f"</{tag}>", inner)
    if end < 0:
        return text[:start], text[inner:]
    return text[:start] + text[end + len(tag) + 3 :], text[inner:end]


def without_asides(text: str) -> tuple[str, str]:
    """A model's message as its events show it, and the plan that stood in it.

    Codex takes citation blocks and a proposed plan out of what it shows; response items keep them.
    """
    if "</" not in text:
        return text, ""
    for tag in _ASIDES:
        text = _cut(text, tag)[0]
    return _cut(text, _PLAN)
