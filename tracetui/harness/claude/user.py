"""Records of type ``user``: prompts of people, results of tools, harness text, summaries; and queued texts."""

from __future__ import annotations

from typing import Any, Final

from tracetui.harness.claude.builder import RecordContext, StepBuilder
from tracetui.harness.claude.labels import CONTINUED, describe, segments
from tracetui.harness.claude.session import worded
from tracetui.harness.content import flatten

__all__ = ["read_queued", "read_user"]

_HUMAN: Final = frozenset({"human", "user", "cli"})
_MEDIA: Final = ("image", "document")


def read_user(maker: StepBuilder, here: RecordContext) -> bool:
    """Make the steps of a user record; whether there were any."""
    message = here.value.get("message")
    content = message.get("content") if type(message) is dict else message
    if type(content) is str:
        return _said(maker, here, [content])
    if type(content) is not list:
        return maker.unread(here, "user")
    if len(content) == 1 and type(content[0]) is dict and content[0].get("type") == "tool_result":
        if maker.result(here, content[0], here.value.get("toolUseResult"), "r0"):
            return True
        maker.known["user/tool_result"] += 1
        return False
    results = [block for block in content if _is_result(block)]
    if not results:
        return _said(maker, here, content)
    extra = here.value.get("toolUseResult") if len(results) == 1 else None
    rest = _beside(content, results) if len(content) > len(results) else []
    made = False
    for nth, block in enumerate(results):
        made |= maker.result(here, block, extra, f"r{nth}")
    if rest:
        made |= _said(maker, here, rest, alone=False)
    if not made:
        maker.known["user/tool_result"] += 1
    return made


def _beside(content: list[Any], results: list[Any]) -> list[Any]:
    """What stands beside the results; images beside a single one belong to it and are put into it."""
    rest = [block for block in content if not _is_result(block)]
    media = [block for block in rest if type(block) is dict and block.get("type") in _MEDIA]
    if not media or len(results) > 1:
        return rest
    inner = results[0].get("content")
    before = inner if type(inner) is list else [inner] if type(inner) is str else []
    results[0] = {**results[0], "content": [*before, *media]}
    return [block for block in rest if block not in media]


def _is_result(block: object) -> bool:
    if type(block) is not dict:
        return False
    kind = block.get("type")
    return kind == "tool_result" or (type(kind) is str and kind.endswith("_tool_result"))


def _said(maker: StepBuilder, here: RecordContext, content: list[Any], *, alone: bool = True) -> bool:
    """What a user record says (``alone``: without results): a compaction's summary, a prompt, harness text."""
    if here.value.get("isCompactSummary") is True:
        maker.summary(here, flatten(content).text)
        return True
    parts = _parts(content, _from_person(maker, here.value, alone))
    if not parts:
        if here.record.oversize:
            return maker.unread(here, "user")
        if alone:
            maker.known["user/empty"] += 1
        return False
    if parts[0][0] and parts[0][1].startswith(CONTINUED):
        maker.summary(here, "\n".join(text for _, text, _ in parts))
        return True
    made = False
    for nth, (human, text, images) in enumerate(parts):
        if human:
            if not maker.queue.prompted(worded(text) if images else text):
                continue
            maker.prompt(here, nth, text, images)
        else:
            line = describe(text)
            maker.session.commanded(text, line)
            maker.event(here, nth, text, line, images)
        made = True
    if not made and alone:
        maker.known["user/queued"] += 1
    return made


def _parts(content: list[Any], person: bool) -> list[tuple[bool, str, int]]:
    """Runs of words of a person and of harness text, in order: (whether a person's, text, images)."""
    parts: list[tuple[bool, str, int]] = []
    for block in content:
        text, images = flatten([block])
        if not text or text.isspace():
            continue
        for human, piece in [(True, text)] if images else segments(text):
            human = human and person
            if parts and parts[-1][0] == human:
                last = parts.pop()
                parts.append((human, f"{last[1]}\n{piece}", last[2] + images))
            else:
                parts.append((human, piece, images))
            images = 0
    return parts


def _from_person(maker: StepBuilder, value: dict[str, Any], alone: bool) -> bool:
    """Whether the words of a record that are not plainly harness text are those of a person (or a parent agent)."""
    if (
        value.get("isMeta") is True
        or value.get("isVisibleInTranscriptOnly") is True
        or (alone and value.get("toolUseResult") is not None)
        or value.get("sourceToolUseID") is not None
        or value.get("turnCompanion") is True
        or value.get("promptSource") == "system"
        or maker.session.machine
    ):
        return False
    return _human_origin(value)


def _human_origin(value: dict[str, Any]) -> bool:
    origin = value.get("origin")
    kind = origin.get("kind") if type(origin) is dict else None
    return kind is None or (type(kind) is str and kind in _HUMAN)


def read_queued(maker: StepBuilder, here: RecordContext, item: dict[str, Any]) -> bool:
    """An attachment ``queued_command``: a text typed, or a notice that came, while the agent was busy."""
    text, images = flatten(item.get("prompt"))
    if not text.strip():
        if here.record.oversize:
            return maker.unread(here, "attachment")
        maker.known["attachment/queued_command"] += 1
        return False
    if not maker.queue.attached(worded(text) if images else text):
        maker.known["attachment/queued_command"] += 1
        return False
    mode = item.get("commandMode")
    if (
        (mode is None or mode == "prompt")
        and item.get("isMeta") is not True
        and not maker.session.machine
        and _human_origin(item)
        and all(human for human, _ in segments(text))
    ):
        maker.prompt(here, 0, text, images)
    else:
        maker.event(here, 0, text, describe(text), images)
    return True
