"""The story as Pi writes it down."""

from __future__ import annotations

from typing import Any

from tracetui.demo.agents import Agent
from tracetui.demo.world import World

__all__ = ["Pi"]


class Pi(Agent):
    """Pi, session version 3: a tree of entries, usage with costs."""

    model = "claude-sonnet-4-6"

    def __init__(self, world: World, *, session: str | None = None) -> None:
        super().__init__(world, session=session)
        self.records.append(
            {"type": "session", "version": 3, "id": self.session, "timestamp": self.stamp(0), "cwd": self.cwd}
        )
        self.parent: str | None = None
        self._entry("model_change", provider="anthropic", modelId=self.model)
        self.blocks: list[dict[str, Any]] = []

    def _entry(self, kind: str, seconds: float = 0.1, **fields: Any) -> str:
        me = self.world.token("0123456789abcdef", 8)
        self.records.append(
            {"type": kind, "id": me, "parentId": self.parent, "timestamp": self.stamp(seconds), **fields}
        )
        self.parent = me
        return me

    def _message(self, message: dict[str, Any], seconds: float = 3) -> None:
        self._entry("message", seconds, message=message | {"timestamp": self.world.clock})

    def name(self, title: str) -> None:
        self._entry("session_info", name=title)

    def prompt(self, text: str) -> None:
        self.context += len(text) // 4
        self._message({"role": "user", "content": [{"type": "text", "text": text}]}, 25)

    def thinking(self, text: str) -> None:
        self.blocks.append({"type": "thinking", "thinking": text, "thinkingSignature": ""})

    def message(self, text: str) -> None:
        self.blocks.append({"type": "text", "text": text})
        self._respond("stop")

    def _respond(self, stop: str) -> None:
        prompt, output = self.grow(*(str(block) for block in self.blocks))
        held = prompt * 9 // 10
        cost = {"input": (prompt - held) * 3e-6, "output": output * 15e-6, "cacheRead": held * 3e-7, "cacheWrite": 0.0}
        usage = {"input": prompt - held, "output": output, "cacheRead": held, "cacheWrite": 0,
                 "totalTokens": prompt + output, "cost": cost | {"total": sum(cost.values())}}  # fmt: skip
        self._message({"role": "assistant", "content": self.blocks, "api": "anthropic-messages",
                       "provider": "anthropic", "model": self.model, "usage": usage, "stopReason": stop})  # fmt: skip
        self.blocks = []

    def compaction(self, summary: str) -> None:
        self._entry("compaction", 4, summary=summary, firstKeptEntryId=self.parent, tokensBefore=self.context)
        self.context = 9_400 + len(summary) // 4

    def _tool(
        self, verb: str, told: str, facts: dict[str, Any], output: str, *, code: int = 0, seconds: float = 0.2
    ) -> None:
        given: dict[str, Any]
        if verb == "read":
            name, given = "read", {"path": told}
        elif verb == "search":
            name, given = "grep", {"pattern": told}
        elif verb == "command":
            name, given = "bash", {"command": told}
            output = output if code == 0 else f"{output}\n\nCommand exited with code {code}"
        elif verb == "edit":
            name, given = "edit", {"path": told, "edits": [{"oldText": facts["old"], "newText": facts["new"]}]}
            output = f"Successfully replaced 1 block(s) in {told}."
        else:
            name, given = "write", {"path": told, "content": facts["text"]}
            output = f"Successfully wrote {len(facts['text'])} bytes to {told}"
        call = f"toolu_{self.world.token('0123456789ABCDEFGHJKabcdefghjk', 22)}"
        self.blocks.append({"type": "toolCall", "id": call, "name": name, "arguments": given})
        self._respond("toolUse")
        self._message({"role": "toolResult", "toolCallId": call, "toolName": name, "isError": code != 0,
                       "content": [{"type": "text", "text": output}]}, seconds)  # fmt: skip
        self.context += len(output) // 4
