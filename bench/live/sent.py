"""A request that an agent sent to its model, as plain items: whichever of four APIs it speaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tracetui.harness.content import flatten

REMINDER = re.compile(r"<(/?)system-reminder>")


@dataclass
class Sent:
    """What stood in a request: calls ``(id, name, input)``, results ``(id, text)``, the model's texts, its thinking,
    the user's side (people and programs), reminders that a program put beside, the system prompt."""

    calls: list[tuple[str, str, str]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    user: list[str] = field(default_factory=list)
    reminders: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def all_texts(self) -> Iterator[str]:
        """Every text but the system prompt, for an estimate of the size."""
        for _, name, given in self.calls:
            yield f"{name} {given}"
        for _, text in self.results:
            yield text
        yield from self.texts
        yield from self.thinking
        yield from self.user
        yield from self.reminders

    def said(self, text: str) -> None:
        """Something on the user's side: reminders apart."""
        self.order.append(" ".join(text.split()))
        for part in split(text, self.reminders):
            self.user.append(part)


def split(text: str, reminders: list[str]) -> list[str]:
    """The text without its reminders, which go to the list."""
    rest: list[str] = []
    at = depth = begin = 0
    for match in REMINDER.finditer(text):
        if not match[1]:
            if not depth:
                rest.append(text[at : match.start()])
                begin = match.end()
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                reminders.append(text[begin : match.start()].strip())
                at = match.end()
    rest.append(text[at:] if not depth else text[begin:])
    return [part.strip() for part in rest if part.strip()]


def ident(call: str | None) -> str:
    """The id of a call without the tool's name that Gemini CLI may put before it."""
    head, mark, tail = (call or "").partition("__call_")
    return f"call_{tail}" if mark and head else call or ""


def canonical(given: Any) -> str:
    """The input of a call, the same however it was written."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return given.strip()
    if isinstance(given, dict):
        given = {name: item for name, item in given.items() if item is not None}
    return json.dumps(given, sort_keys=True, ensure_ascii=False)


def result_text(content: Any, reminders: list[str]) -> str:
    """The text of a result, reminders apart; images as marks."""
    return "\n".join(split(flatten(content).text, reminders))


def sent(path: str, body: dict[str, Any]) -> Sent:
    """The items of a request by the address that it went to."""
    route = path.split("?")[0]
    if route.endswith("/messages"):
        return _messages(body)
    if route.endswith("/responses"):
        return _responses(body)
    if route.endswith("/chat/completions"):
        return _chat(body)
    return _gemini(body)


def _messages(body: dict[str, Any]) -> Sent:
    out = Sent()
    system = body.get("system")
    out.system += [system] if isinstance(system, str) else [block.get("text", "") for block in system or []]
    keep = _kept_thinking(body)
    for nth, message in enumerate(body["messages"]):
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            kind = block["type"]
            if kind == "tool_use":
                out.calls.append((block["id"], block["name"], canonical(block["input"])))
                out.order.append(block["id"])
            elif kind == "tool_result":
                out.results.append((block["tool_use_id"], result_text(block.get("content"), out.reminders)))
                out.order.append("=" + block["tool_use_id"])
                out.order.append(" ".join(flatten(block.get("content")).text.split()))
            elif kind in ("thinking", "redacted_thinking"):
                if nth >= keep:
                    out.thinking.append(block.get("thinking", "").strip())
            elif message["role"] == "assistant":
                if block.get("text", "").strip():
                    out.texts.append(block["text"].strip())
                    out.order.append(" ".join(block["text"].split()))
            elif message["role"] == "system":
                out.reminders.append(flatten(block).text.strip())
                out.order.append(" ".join(flatten(block).text.split()))
            else:
                out.said(flatten(block).text)
    return out


def _kept_thinking(body: dict[str, Any]) -> int:
    """The message from which on thinking reaches the model. The API takes the thinking of earlier turns out, but for
    models that keep it (Opus from 4.5, others from 4.6 on), or where the request asks to keep it."""
    edits = (body.get("context_management") or {}).get("edits") or []
    asked = next((edit.get("keep") for edit in edits if edit.get("type") == "clear_thinking_20251015"), None)
    if asked == "all":
        return 0
    if asked is None:
        match = re.search(r"(opus|sonnet|haiku|fable)-(\d+)(?:-(\d{1,2})(?!\d))?", body.get("model") or "")
        if match is None or (int(match[2]), int(match[3] or 0)) >= ((4, 5) if match[1] == "opus" else (4, 6)):
            return 0
    turns = asked.get("value", 1) if isinstance(asked, dict) else 1
    for nth in range(len(body["messages"]) - 1, -1, -1):
        message = body["messages"][nth]
        content = message["content"]
        blocks = [content] if isinstance(content, str) else content
        if message["role"] == "user" and not any(isinstance(b, dict) and b["type"] == "tool_result" for b in blocks):
            turns -= 1
            if turns <= 0:
                return nth
    return 0


def _responses(body: dict[str, Any]) -> Sent:
    out = Sent()
    if body.get("instructions"):
        out.system.append(body["instructions"])
    for item in body.get("input") or []:
        kind = item.get("type") or ("message" if "role" in item else "")
        if kind == "message":
            text = flatten(item.get("content")).text.strip()
            if item["role"] == "assistant":
                out.texts.append(text)
                out.order.append(" ".join(text.split()))
            else:
                (out.reminders if item["role"] in ("developer", "system") else out.user).append(text)
                out.order.append(" ".join(text.split()))
        elif kind == "reasoning":
            out.thinking.append(flatten(item.get("content") or item.get("summary")).text.strip())
        elif kind.endswith("_output"):
            out.results.append((item.get("call_id") or "", flatten(item.get("output", item.get("tools"))).text.strip()))
            out.order.append("=" + (item.get("call_id") or ""))
        elif kind.endswith("_call"):
            name = str(item.get("name") or {"local_shell_call": "local_shell"}.get(kind, kind))
            given = item.get("arguments", item.get("input", item.get("action")))
            out.calls.append((item.get("call_id") or "", name, canonical(given)))
            out.order.append(item.get("call_id") or "")
        elif kind == "agent_message":
            out.user.append(flatten(item.get("content")).text.strip())
    return out


def _chat(body: dict[str, Any]) -> Sent:
    out = Sent()
    for message in body["messages"]:
        role, text = message["role"], flatten(message.get("content")).text
        if role in ("system", "developer"):
            out.system.append(text)
        elif role == "tool":
            out.results.append((message["tool_call_id"], result_text(message.get("content"), out.reminders)))
            out.order.append("=" + message["tool_call_id"])
        elif role == "user":
            out.said(text)
        else:
            thinking = message.get("reasoning_content") or message.get("reasoning")
            if thinking:
                out.thinking.append(thinking.strip())
            if text.strip():
                out.texts.append(text.strip())
                out.order.append(" ".join(text.split()))
            for call in message.get("tool_calls") or []:
                out.calls.append((call["id"], call["function"]["name"], canonical(call["function"]["arguments"])))
                out.order.append(call["id"])
    return out


def _gemini(body: dict[str, Any]) -> Sent:
    out = Sent()
    out.system += [part.get("text", "") for part in (body.get("systemInstruction") or {}).get("parts", [])]
    for content in body.get("contents") or []:
        for part in content.get("parts", []):
            if "functionCall" in part:
                call = part["functionCall"]
                out.calls.append((ident(call.get("id")), call["name"], canonical(call.get("args") or {})))
                out.order.append(ident(call.get("id")))
            elif "functionResponse" in part:
                answer = part["functionResponse"]
                said = answer.get("response") or {}
                out.results.append((ident(answer.get("id")), str(said.get("output", said.get("error", ""))).strip()))
                out.order.append("=" + (ident(answer.get("id"))))
            elif part.get("thought"):
                out.thinking.append(part.get("text", "").strip())
            elif content.get("role") == "model":
                out.texts.append(part.get("text", "").strip())
                out.order.append(" ".join(part.get("text", "").split()))
            else:
                out.said(part.get("text", ""))
    return out
