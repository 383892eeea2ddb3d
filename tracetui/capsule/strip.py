"""What a record of a range says about what came before it, left out: the range is the range.

A record is a step's own words and what the harness puts beside them: summaries of what was compacted, replaced history,
whole files as they were, lists of tasks, instructions, ids of other records. What is known to be the step's own stays;
of the rest, what is no text (numbers, times, states) and what the step's own words hold too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from tracetui.model import Record

__all__ = ["LEFT_OUT", "Links", "Own", "cut", "stripped"]

LEFT_OUT: Final = "[text from before the episode, left out]"

_CLAUDE: Final = frozenset(
    "type uuid parentUuid logicalParentUuid sessionId session_id timestamp cwd version gitBranch userType isSidechain "
    "message slug requestId toolUseResult sourceToolAssistantUUID sourceToolUseID agentId subtype entrypoint isMeta "
    "level thinkingMetadata attachment hookInfos hookErrors hookAdditionalContext stopReason toolUseID parentToolUseID "
    "permissionMode operation content promptId promptSource origin effort compactMetadata microcompactMetadata "
    "isCompactSummary error errorDetails cause toolDenialKind teamName attributionAgent attributionSkill "
    "attributionPlugin attributionMcpServer attributionMcpTool source direction trigger fallbackModel originalModel "
    "sessionKind scope apiRefusalCategory apiRefusalExplanation userFacingHint commandName".split()
)
_CODEX_HEAD: Final = frozenset(
    "type id timestamp cwd originator cli_version source subagent thread_source model_provider commit_hash branch "
    "repository_url session_id history_mode memory_mode mode model effort reasoning_effort approval_policy "
    "approvals_reviewer personality current_date timezone turn_id trace_id parent_thread_id forked_from_id "
    "agent_nickname agent_path agent_role workspace_roots writable_roots multi_agent_version multi_agent_mode "
    "window_id kind collaboration_mode_kind plan_type limit_id limit_name sandbox_mode network network_access access "
    "path".split()
)
_SUMMARIES: Final = frozenset({"auto", "concise", "detailed", "none"})
_COMPACTED: Final = frozenset({"compacted", "context_compacted", "compaction", "context_compaction"})
_PI_HEAD: Final = frozenset("type version id timestamp cwd provider modelId thinkingLevel".split())
_PI_SUMMARY: Final = frozenset("type role id parentId timestamp firstKeptEntryId fromId usage".split())
_PI_TOOLS: Final = frozenset({"bash", "edit", "find", "grep", "ls", "read", "write", "apply_patch"})
_PI_SUMMARIES: Final = frozenset({"compaction", "branch_summary", "compactionSummary", "branchSummary"})
_BEFORE: Final = ("original", "previous", "prior", "before", "old")
_OWN: Final = frozenset({"oldstring", "old_string", "oldtext", "old_text", "oldstr", "old_str", "oldstart", "oldlines"})


def stripped(harness: str, value: dict[str, Any], *, head: bool = False, compaction: bool = False) -> dict[str, Any]:
    """A record of a range without the text from before it. ``head``: it makes no step, but says what log it is or
    frames the steps; ``compaction``: it makes a compaction. The shape of its harness stays."""
    if harness == "claude":
        return _claude(value, compaction)
    if harness == "codex":
        return _codex(value, head)
    if harness == "pi":
        return _pi(value, head)
    return value


def _texts(value: Any, out: list[str] | None = None) -> list[str]:
    out = [] if out is None else out
    if isinstance(value, str):
        out.append(value)
    elif isinstance(value, dict):
        for item in value.values():
            _texts(item, out)
    elif isinstance(value, list):
        for item in value:
            _texts(item, out)
    return out


def _blank(value: Any, own: str = "", keep: AbstractSet[str] = frozenset(), key: str = "") -> Any:
    """A value with every text left out, but those that ``own`` holds and those below the keys ``keep``."""
    if isinstance(value, str):
        return value if not value or key in keep or value in own else LEFT_OUT
    if isinstance(value, dict):
        return {name: _blank(item, own, keep, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_blank(item, own, keep, key) for item in value]
    return value


def _only(value: Any, keep: AbstractSet[str], key: str = "") -> Any:
    """An object with those of its texts alone that stand below the keys ``keep``; the keys of others go."""
    if isinstance(value, dict):
        out = {}
        for name, item in value.items():
            if isinstance(item, str):
                if name in keep:
                    out[name] = item
            elif isinstance(item, dict | list):
                out[name] = _only(item, keep, name)
            else:
                out[name] = item
        return out
    if isinstance(value, list):
        return [_only(item, keep, key) for item in value if not isinstance(item, str) or key in keep]
    return value


def _without_originals(value: Any) -> Any:
    """A result without what was there before the call: whole originals, old lists. What the call replaced stays."""
    if isinstance(value, dict):
        return {
            name: _blank(item)
            if name.lower().startswith(_BEFORE) and name.lower() not in _OWN
            else _without_originals(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_without_originals(item) for item in value]
    return value


# -- Claude Code


def _claude(value: dict[str, Any], compaction: bool) -> dict[str, Any]:
    out = dict(value)
    message = value.get("message")
    if value.get("isCompactSummary") is True or (compaction and value.get("type") == "user"):
        if isinstance(message, dict):
            out["message"] = {**message, "content": LEFT_OUT}
        elif message is not None:
            out["message"] = LEFT_OUT
        out["isCompactSummary"] = True  # older logs know a summary by its words, which are gone
    for name in ("compactMetadata", "microcompactMetadata"):
        if name in out:
            out[name] = _blank(out[name], keep=frozenset({"trigger", "compactedToolIds"}))
    if value.get("subtype") == "away_summary":
        out["content"] = LEFT_OUT
    if "toolUseResult" in out:
        out["toolUseResult"] = _without_originals(out["toolUseResult"])
    strange = [name for name in out if name not in _CLAUDE]
    if strange:
        own = "\n".join(_texts([out.get("message"), out.get("content"), out.get("attachment")]))
        for name in strange:
            out[name] = _blank(out[name], own)
    return out


# -- Codex


def _codex(value: dict[str, Any], head: bool) -> dict[str, Any]:
    payload = value.get("payload")
    if not isinstance(payload, dict):
        if value.get("type") is None and "record_type" not in value and "instructions" in value:
            return {name: item for name, item in value.items() if name != "instructions"}  # a header without envelope
        return value
    kind, inner = value.get("type"), payload.get("type")
    item = payload.get("item")
    if head or kind in ("session_meta", "turn_context"):
        kept = _only(payload, _CODEX_HEAD)
        if payload.get("summary") in _SUMMARIES:
            kept["summary"] = payload["summary"]
        if inner in ("task_complete", "turn_complete"):
            kept["last_agent_message"] = None
        return {**value, "payload": kept}
    if kind == "compacted":
        changed = _blank({**payload, "replacement_history": []}, keep=frozenset({"window_id"}))
        if "replacement_history" not in payload:
            del changed["replacement_history"]
        return {**value, "payload": {**changed, "message": LEFT_OUT}}
    if inner in _COMPACTED:
        return {**value, "payload": _blank(payload, keep=frozenset({"type", "id", "turn_id"}))}
    if isinstance(item, dict) and item.get("type") == "ContextCompaction":
        return {**value, "payload": {**payload, "item": _blank(item, keep=frozenset({"type", "id"}))}}
    if "last_agent_message" in payload:
        payload = {**payload, "last_agent_message": None}
    if "changes" in payload:
        payload = {**payload, "changes": _changes(payload["changes"])}
    if isinstance(item, dict) and "changes" in item:
        payload = {**payload, "item": {**item, "changes": _changes(item["changes"])}}
    return {**value, "payload": payload}


def _changes(changes: Any) -> Any:
    """Changes of files; of a deleted one, only that it is."""
    if isinstance(changes, list):
        return [_change(change) for change in changes]
    if isinstance(changes, dict):
        return {path: _change(change) for path, change in changes.items()}
    return changes


def _change(change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    gone = change.get("type") == "delete" or "delete" in change
    if not gone:
        return _without_originals(change)
    return _blank(change, keep=frozenset({"type", "path", "move_path"}))


# -- Pi


def _pi(value: dict[str, Any], head: bool) -> dict[str, Any]:
    if value.get("type") == "session":
        return {name: item for name, item in value.items() if name in _PI_HEAD}
    if value.get("type") in _PI_SUMMARIES:
        return _pi_summary(value)
    message = value.get("message")
    if head or not isinstance(message, dict):
        if value.get("type") == "custom_message" and "details" in value:
            own = "\n".join(_texts(value.get("content")))
            return {**value, "details": _blank(value["details"], own)}
        return value
    if message.get("role") in _PI_SUMMARIES:
        return {**value, "message": _pi_summary(message)}
    if "details" in message:
        details = message["details"]
        if message.get("toolName") in _PI_TOOLS:
            details = _without_originals(details)
        else:
            details = _blank(details, "\n".join(_texts(message.get("content"))))
        return {**value, "message": {**message, "details": details}}
    return value


def _pi_summary(value: dict[str, Any]) -> dict[str, Any]:
    kept = {
        name: item for name, item in value.items() if name in _PI_SUMMARY or not isinstance(item, str | dict | list)
    }
    return {**kept, "summary": LEFT_OUT} if "summary" in value else kept


# -- records that several steps share


class Own:
    """Of a record that steps outside the range share, what belongs to the range's: the ``keys`` of its steps (a
    record's id and the block), and the ids of their ``calls``."""

    __slots__ = ("calls", "keys")

    def __init__(self, keys: Iterable[str], calls: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.calls = frozenset(calls)

    def block(self, nth: int, block: Any) -> bool:
        """Whether the block is one of theirs: by its call's id, else by its number."""
        if isinstance(block, dict):
            for name in ("tool_use_id", "toolCallId", "id"):
                if isinstance(block.get(name), str) and block[name] in self.calls:
                    return True
            if isinstance(block.get("tool_use_id"), str):
                return False
        return any(key.endswith(f":{nth}") for key in self.keys)


def cut(
    harness: str,
    value: dict[str, Any],
    own: Own,
    parts: Callable[[], Iterable[tuple[str, str]]],
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """A record that several steps share with what is the range's alone. ``parts`` gives the (key, text) of the texts
    that a user's record says. ``whole``: every block stays where it is, emptied, for whom counts them."""
    message = value.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict):
        return value
    if harness == "claude" and value.get("type") == "user":
        blocks = content if isinstance(content, list) else []
        results = [block for block in blocks if isinstance(block, dict) and isinstance(block.get("tool_use_id"), str)]
        mine = [block for block in results if block["tool_use_id"] in own.calls]
        said = [{"type": "text", "text": text} for key, text in parts() if key in own.keys]
        out = {**value, "message": {**message, "content": [*mine, *said]}}
        if len(results) != 1 or not mine:
            out.pop("toolUseResult", None)
        return out
    if isinstance(content, list):
        kept = [
            block if own.block(nth, block) else _emptied(block)
            for nth, block in enumerate(content)
            if whole or own.block(nth, block)
        ]
        message = {**message, "content": kept}
    if "errorMessage" in message and not any(key.endswith(":end") for key in own.keys):
        message = {name: item for name, item in message.items() if name != "errorMessage"}
        if message.get("stopReason") in ("error", "aborted") and content:
            message["stopReason"] = "stop"
    return {**value, "message": message}


def _emptied(block: Any) -> Any:
    return _blank(block, keep=frozenset({"type", "id", "name"})) if isinstance(block, dict | list | str) else block


# -- ids of other records


class Links:
    """The tree of a log's records, so that those of a range hang on one another and on none outside of it."""

    _PARENT: Final[Mapping[str, tuple[str, str]]] = {"claude": ("uuid", "parentUuid"), "pi": ("id", "parentId")}
    _OTHERS: Final = ("logicalParentUuid", "sourceToolAssistantUUID", "messageId", "interruptedMessageId", "leafUuid")

    def __init__(self, harness: str, records: Iterable[Record], holds: Callable[[Record], bool]) -> None:
        """``holds`` tells which records are carried."""
        self.harness = harness
        self._parents: dict[str, str | None] = {}
        self._kept: set[str] = set()
        names = self._PARENT.get(harness)
        if names is None:
            return
        own, parent = names
        for record in records:
            ident, above = record.value.get(own), record.value.get(parent)
            if isinstance(ident, str):
                self._parents.setdefault(ident, above if isinstance(above, str) else None)
                if holds(record):
                    self._kept.add(ident)

    def above(self, ident: str | None) -> str | None:
        """The nearest carried record from ``ident`` upwards."""
        seen: set[str] = set()
        while ident is not None and ident not in self._kept and ident not in seen:
            seen.add(ident)
            ident = self._parents.get(ident)
        return ident if ident in self._kept else None

    def mended(self, value: dict[str, Any]) -> dict[str, Any]:
        """A carried record that names carried ones only."""
        names = self._PARENT.get(self.harness)
        if names is None:
            return value
        own, parent = names
        out = dict(value)
        if isinstance(value.get(parent), str):
            out[parent] = self.above(value[parent])
        if self.harness == "claude":
            for name in self._OTHERS:
                if isinstance(out.get(name), str) and out[name] not in self._kept:
                    del out[name]
            return out
        first = out.get("firstKeptEntryId")
        if isinstance(first, str) and first not in self._kept:
            out["firstKeptEntryId"] = out.get(own)  # its own id: nothing before it is kept
        if isinstance(out.get("fromId"), str) and out["fromId"] not in self._kept:
            out["fromId"] = out.get(parent) or "root"
        return out
