"""What of Codex's records may leave a range of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracetui.harness.sharing import LEFT_OUT, Sharing, allow, blank

__all__ = ["SHARING"]

_COMMON: Final = """
    type timestamp ordinal
    payload(type id call_id turn_id status thread_id session_id trace_id started_at completed_at duration_ms duration
        started_at_ms completed_at_ms event_id item_id process_id metadata(turn_id)
        internal_chat_message_metadata_passthrough(turn_id create_time))
"""
_PARTS: Final = "type text image_url refusal annotations detail url title"
_CONTENT: Final = f"content content/*({_PARTS})"
# The old text of a deleted or replaced file never leaves: a change is told by its patch.
_CHANGES: Final = """?(type unified_diff move_path content kind path diff -original_content -old_content
    add(content) update(unified_diff move_path) delete() -delete/content)
    *(type path kind diff move_path unified_diff content -original_content -old_content)"""
_HEAD: Final = """
    timestamp cwd originator cli_version source source/subagent source/subagent(thread_spawn(parent_thread_id depth
    agent_nickname agent_role agent_path)) thread_source model_provider git(commit_hash branch repository_url)
    history_mode memory_mode multi_agent_version parent_thread_id forked_from_id agent_nickname agent_path agent_role
    context_window(window_id) -instructions -base_instructions -dynamic_tools -user_instructions
"""
_SETTINGS: Final = """
    cwd model effort summary approval_policy approvals_reviewer personality current_date timezone workspace_roots
    sandbox_policy(type mode network_access writable_roots exclude_tmpdir_env_var exclude_slash_tmp)
    collaboration_mode(mode model reasoning_effort settings(model reasoning_effort -developer_instructions)
    -developer_instructions) multi_agent_version multi_agent_mode multi_agent_mode(mode) realtime_active
    truncation_policy(mode limit) -user_instructions -developer_instructions -base_instructions
    -final_output_json_schema -permission_profile -active_permission_profile -file_system_sandbox_policy -comp_hash
"""
_RAN: Final = """command command/* parsed_cmd cwd stdout stderr aggregated_output formatted_output exit_code source
    query action results kind tool server arguments invocation result error duration namespace success content_items
    readOnlyHint text message prompt summary_text raw_content path revised_prompt saved_path review review_output
    client_id phase memory_citation sender_thread_id receiver_thread_ids agents_states model reasoning_effort"""
_AGENT: Final = """sender_thread_id receiver_thread_id receiver_agent_nickname receiver_agent_role new_thread_id
    new_agent_nickname new_agent_role agent_thread_id agent_path prompt model reasoning_effort agent_statuses statuses
    kind occurred_at_ms"""
_CALL: Final = "name namespace arguments input action execution function(name arguments)"
_LIMITS: Final = "used_percent window_minutes resets_at resets_in_seconds"
_COUNT: Final = f"""info info(last_token_usage total_token_usage model_context_window prompt completion) usage
    rate_limits(limit_id limit_name plan_type primary({_LIMITS}) secondary({_LIMITS}) credits individual_limit
    rate_limit_reached_type spend_control_reached primary_used_percent secondary_used_percent primary_window_minutes
    secondary_window_minutes primary_to_secondary_ratio_percent)"""


_RAN_MORE: Final = (
    "connector_id link_id plugin_id action_name app_name read_only_hint interaction_input user_facing_hint"
)
_PAYLOADS: Final = {
    "session_meta": _HEAD,
    "turn_context": _SETTINGS,
    "compacted": "message window_id window_number -replacement_history -previous_window_id -first_window_id",
    "compaction": "item(type id)",
    "message agent_message user_message": f"""role phase author recipient {_CONTENT} message kind text_elements images
        local_images audio local_audio client_id -memory_citation""",
    "reasoning agent_reasoning agent_reasoning_raw_content": f"summary(*(type text)) {_CONTENT} encrypted_content text",
    "function_call custom_tool_call local_shell_call tool_call tool_search_call web_search_call": f"{_CALL} query",
    "function_call_output custom_tool_call_output local_shell_call_output tool_result tool_search_output": f"""output
        output/*({_PARTS}) output(type text detail image_url content success body) result name tools execution""",
    "image_generation_call image_generation_end view_image_tool_call": "result revised_prompt saved_path path",
    """exec_command_begin exec_command_end mcp_tool_call_begin mcp_tool_call_end web_search_begin web_search_end
    dynamic_tool_call_request dynamic_tool_call_response""": f"{_RAN} {_RAN_MORE} turnId callId",
    "patch_apply_begin patch_apply_end": f"stdout stderr success auto_approved changes({_CHANGES})",
    "item_started item_completed": f"item(type id status {_CONTENT} {_RAN} changes({_CHANGES}))",
    "token_count turn.completed": f"{_COUNT} message",
    "task_started turn_started": "model_context_window collaboration_mode_kind",
    "task_complete turn_complete": "last_agent_message time_to_first_token_ms error(message codex_error_info)",
    "turn_aborted": "reason",
    "error stream_error warning undo_completed undo_started background_event": """message codex_error_info success
        additional_details""",
    "entered_review_mode exited_review_mode": """user_facing_hint target(type title sha instructions branch) prompt
        review_output""",
    "guardian_assessment": "action target_item_id user_authorization risk_level decision_source rationale",
    "plan_update": "explanation plan",
    """collab_agent_spawn_begin collab_agent_spawn_end collab_agent_interaction_begin collab_agent_interaction_end
    collab_waiting_begin collab_waiting_end collab_close_begin collab_close_end collab_resume_begin collab_resume_end
    sub_agent_activity""": _AGENT,
    "inter_agent_communication inter_agent_communication_metadata": f"""author recipient sender receiver trigger_turn
        {_CONTENT} message""",
    "thread_rolled_back": "num_turns",
}
_KINDS: Final = {kinds: f"payload({fields})" for kinds, fields in _PAYLOADS.items()} | {
    "header": "id git(commit_hash branch repository_url) -instructions",
    "state": "record_type",
    "bare": f"""id call_id name namespace arguments input output role status summary(*(type text)) encrypted_content
        {_CONTENT} action""",
}
_COMPACTED: Final = frozenset({"context_compacted", "compaction", "context_compaction"})
_SUMMARIES: Final = frozenset({"auto", "concise", "detailed", "none", "None"})


def _kind(value: Mapping[str, Any]) -> str:
    kind, payload = value.get("type"), value.get("payload")
    if not isinstance(payload, dict):
        if kind is None:
            return "state" if "record_type" in value else "header"
        return "bare"
    if not isinstance(kind, str):
        return ""
    inner, item = payload.get("type"), payload.get("item")
    if kind == "response_item" and inner is None:
        return "message"
    told = inner if isinstance(inner, str) else ""
    if told in _COMPACTED or (isinstance(item, dict) and item.get("type") == "ContextCompaction"):
        return "compaction"
    return told if kind in ("response_item", "event_msg") else kind


def _empty(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    payload = value.get("payload")
    if not isinstance(payload, dict):
        return value
    kind = _kind(value)
    changed: dict[str, Any] = {}
    if kind == "compacted":
        changed["message"] = LEFT_OUT
    elif kind == "turn_context" and str(payload.get("summary")) not in _SUMMARIES:
        changed["summary"] = None
    if "last_agent_message" in payload:
        changed["last_agent_message"] = None
    if "changes" in payload:
        changed["changes"] = _without_deleted(payload["changes"])
    item = payload.get("item")
    if isinstance(item, dict) and "changes" in item:
        changed["item"] = {**item, "changes": _without_deleted(item["changes"])}
    return {**value, "payload": {**payload, **changed}} if changed else value


def _without_deleted(changes: Any) -> Any:
    """Changes of files; of a deleted one, only that it is."""
    if isinstance(changes, list):
        return [_of_deleted(change) for change in changes]
    if isinstance(changes, dict):
        return {path: _of_deleted(change) for path, change in changes.items()}
    return changes


def _of_deleted(change: Any) -> Any:
    if not isinstance(change, dict) or not (change.get("type") == "delete" or "delete" in change):
        return change
    return blank(change, keep=frozenset({"type", "path", "move_path"}))


_FRAME: Final = frozenset({"token_count", "task_started", "turn_started", "task_complete", "turn_complete"})

SHARING: Final = Sharing(
    kind=_kind,
    allowed=allow(_COMMON, _KINDS),
    empty=_empty,
    heads=frozenset({"session_meta", "header"}),
    settings=frozenset({"turn_context"}),
    frame=_FRAME,
    trailing=frozenset({"token_count"}),
)
