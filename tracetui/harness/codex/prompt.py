"""What of a user-role message a person wrote, and what Codex put there.

Codex sends its own text (environment, AGENTS.md, skills, notices) in the user role too. Newer logs name the kind of
each content item (``content_item_kinds``); older ones are told by the marks that their text begins with.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tracetui.harness.content import flatten

__all__ = ["UserText", "from_harness", "read_user", "unwrap"]

_REQUEST: Final = "## My request for Codex:"
_TAGS: Final = frozenset(
    """additional_context agent_message_board app-context apps_instructions codex_internal_context collaboration_mode
    context_window context_window_guidance environment_context environments external_context goal_context
    hook_prompt ide_context instructions internal_context model_switch multi_agent_mode permissions_instructions
    personality_spec plugins_instructions realtime_conversation recommended_plugins rollout_budget skill
    skills_instructions subagent_notification subagents system-reminder token_budget token_budget_reminder
    turn_aborted user_action user_goal_update user_instructions user_shell_command world_state""".split()
)
_HEADS: Final = (
    "# AGENTS.md instructions",
    "# Instructions for ",
    "Warning: The maximum number of unified exec processes",
    "Warning: apply_patch was requested via",
    "Warning: Your account was flagged",
)
_TAG_LENGTH: Final = 40


class UserText(NamedTuple):
    """A user-role message: the human's text or the harness's, and how many images the human gave."""

    text: str
    human: bool
    images: int = 0


def _tag(text: str) -> str | None:
    """The name of the tag that text begins with; blanks in it become underscores."""
    end = text.find(">", 1, _TAG_LENGTH + 2)
    return text[1:end].strip().replace(" ", "_").lower() if end > 1 else None


def from_harness(text: str, *, guess: bool = False) -> bool:
    """Whether this text of a user-role message is Codex's own.

    With ``guess``, also text that is wrapped whole in a tag whose name no person would type (``<some_context>``).
    """
    text = text.lstrip()
    if not text.startswith("<"):
        return text.startswith(_HEADS)
    name = _tag(text)
    if name is None:
        return False
    if name in _TAGS:
        return True
    return guess and "_" in name and name.replace("_", "").isalpha() and text.rstrip().endswith(f"</{name}>")


def unwrap(text: str) -> str:
    """The request in what an IDE extension wrapped around it (open files, selection); other text as it is."""
    if _REQUEST not in text or not text.lstrip().startswith("#"):
        return text
    at = 0 if text.startswith(_REQUEST) else text.find("\n" + _REQUEST) + 1
    if at == 0 and not text.startswith(_REQUEST):
        return text
    return text[at + len(_REQUEST) :].strip() or text


def _is_image_tag(text: str) -> bool:
    return text.startswith(("<image", "</image>", "<local_image", "</local_image>")) and len(text) < 400


def read_user(content: Any, kinds: Any = None) -> UserText:
    """Read the content of a user-role message item; ``kinds`` are its ``content_item_kinds`` where the log has them."""
    parts = content if isinstance(content, list) else [content]
    if not (isinstance(kinds, list) and kinds and len(kinds) == len(parts)):
        kinds = None
    human: list[str] = []
    ours: list[str] = []
    marks: list[str] = []
    images = 0
    for at, part in enumerate(parts):
        flat = flatten(part)
        if flat.images:
            images += flat.images
            marks.append(flat.text)
            continue
        if isinstance(part, dict) and not isinstance(part.get("text"), str):
            continue  # a skill or a mention: its words stand in the text
        text = flat.text
        if not text:
            continue
        if kinds is not None and isinstance(kinds[at], str) and kinds[at] not in ("", "unknown"):
            (human if kinds[at].startswith("user.") else ours).append(text)
        elif from_harness(text, guess=True):
            ours.append(text)
        elif not (images or len(parts) > 1) or not _is_image_tag(text):
            human.append(text)
    if ours and (kinds is None or not human):
        return UserText("\n\n".join(ours + human), human=False)
    text = unwrap("".join(human))
    return UserText(text if text.strip() else "\n".join(marks), human=True, images=images)
