"""The story as Claude Code writes it down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracetui.demo.agents import Agent, Entry
from tracetui.demo.world import World

__all__ = ["Claude"]


class Claude(Agent):
    """Claude Code 2.1: one record per content block; a response shares message id, request id and usage."""

    model = "claude-opus-4-6"

    def __init__(self, world: World, *, session: str | None = None, agent: str | None = None, **extra: Any) -> None:
        super().__init__(world, session=session)
        self.agent, self.extra = agent, extra
        self.parent: str | None = None
        self.response: tuple[str, str, int] | None = None

    def _emit(self, kind: str, seconds: float, **fields: Any) -> str:
        me = self.world.uuid()
        record: Entry = {
            "parentUuid": self.parent,
            "isSidechain": self.agent is not None,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.session,
            "version": "2.1.61",
            "gitBranch": "main",
            **({"agentId": self.agent} if self.agent else {}),
            **self.extra,
            "type": kind,
            **fields,
            "uuid": me,
            "timestamp": self.stamp(seconds),
        }
        self.records.append(record)
        self.parent = me
        return me

    def prompt(self, text: str) -> None:
        self.response = None
        self.context += len(text) // 4
        self._emit("user", 20, message={"role": "user", "content": text})

    def title(self, text: str) -> None:
        self.records.append({"type": "ai-title", "aiTitle": text, "sessionId": self.session})

    def _block(self, block: dict[str, Any], size: str) -> str:
        if self.response is None:
            self.response = (f"msg_{self.world.token('0123456789abcdefghjk', 20)}", f"req_{self.world.uuid()[:18]}", 0)
            self._cached = max(0, self.context - 1_800)
        message, request, written = self.response
        prompt, output = self.grow(size)
        written += output
        self.response = (message, request, written)
        usage = {
            "input_tokens": 4,
            "cache_creation_input_tokens": max(0, prompt - self._cached),
            "cache_read_input_tokens": self._cached,
            "output_tokens": written,
            "service_tier": "standard",
        }
        body = {
            "id": message,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [block],
            "stop_reason": None,
            "usage": usage,
        }
        return self._emit("assistant", 4, message=body, requestId=request)

    def thinking(self, text: str) -> None:
        self._block(
            {"type": "thinking", "thinking": text, "signature": self.world.token("ABCDEFGHabcdefgh0123", 88)}, text
        )

    def message(self, text: str) -> None:
        self._block({"type": "text", "text": text}, text)
        self.response = None

    def call(
        self,
        name: str,
        given: dict[str, Any],
        output: str,
        structured: Any,
        *,
        failed: bool = False,
        seconds: float = 0.2,
    ) -> None:
        call = f"toolu_{self.world.token('0123456789ABCDEFGHJKabcdefghjk', 22)}"
        caller = self._block({"type": "tool_use", "id": call, "name": name, "input": given}, str(given))
        result: dict[str, Any] = {"tool_use_id": call, "type": "tool_result", "content": output}
        if failed:
            result["is_error"] = True
        self._emit(
            "user",
            seconds,
            message={"role": "user", "content": [result]},
            toolUseResult=structured,
            sourceToolAssistantUUID=caller,
        )
        self.context += len(output) // 4
        self.response = None

    def plan(self, *todos: tuple[str, str]) -> None:
        items = [{"content": text, "status": state, "activeForm": text} for text, state in todos]
        self.call(
            "TodoWrite", {"todos": items}, "Todos have been modified successfully.", {"oldTodos": [], "newTodos": items}
        )

    def web(self, url: str, question: str, answer: str) -> None:
        self.call(
            "WebFetch",
            {"url": url, "prompt": question},
            answer,
            {"url": url, "code": 200, "codeText": "OK", "bytes": 5120, "result": answer, "durationMs": 1840},
            seconds=1.8,
        )

    def task(self, description: str, prompt: str, work: Callable[[Claude], None], answer: str) -> Claude:
        """Hand a task to a subagent; gives the subagent's own log."""
        agent = self.world.token("0123456789abcdef", 17)
        call = f"toolu_{self.world.token('0123456789ABCDEFGHJKabcdefghjk', 22)}"
        given = {"description": description, "prompt": prompt, "subagent_type": "Explore"}
        caller = self._block({"type": "tool_use", "id": call, "name": "Agent", "input": given}, prompt)
        sub = Claude(self.world, session=self.session, agent=agent)
        sub.prompt(prompt)
        work(sub)
        sub.message(answer)
        told = [{"type": "text", "text": answer}]
        self._emit(
            "user",
            1,
            message={"role": "user", "content": [{"tool_use_id": call, "type": "tool_result", "content": told}]},
            toolUseResult={
                "status": "completed",
                "prompt": prompt,
                "agentId": agent,
                "agentType": "Explore",
                "content": told,
                "totalDurationMs": 41_000,
                "totalTokens": sub.context,
                "totalToolUseCount": sum(1 for r in sub.records if "toolUseResult" in r),
            },
            sourceToolAssistantUUID=caller,
        )
        self.response = None
        return sub

    def compaction(self, summary: str) -> None:
        last, before = self.parent, self.context
        self.parent = None
        self._emit(
            "system",
            2,
            subtype="compact_boundary",
            content="Conversation compacted",
            level="info",
            logicalParentUuid=last,
            compactMetadata={"trigger": "auto", "preTokens": before},
        )
        self.context = 9_400 + len(summary) // 4
        text = f"This session is being continued from a previous conversation. Summary:\n{summary}"
        self._emit(
            "user", 1, message={"role": "user", "content": text}, isCompactSummary=True, isVisibleInTranscriptOnly=True
        )
        self.response = None

    def _tool(
        self, verb: str, told: str, facts: dict[str, Any], output: str, *, code: int = 0, seconds: float = 0.2
    ) -> None:
        if verb == "read":
            lines = output.splitlines()
            shown = "\n".join(f"{n:>6}→{line}" for n, line in enumerate(lines, 1))
            file = {"filePath": self.path(told), "content": output, "numLines": len(lines), "startLine": 1}
            self.call(
                "Read",
                {"file_path": self.path(told)},
                shown,
                {"type": "text", "file": file | {"totalLines": len(lines)}},
            )
        elif verb == "search":
            structured = {"mode": "content", "numFiles": 0, "filenames": [], "content": output}
            self.call("Grep", {"pattern": told, "output_mode": "content", "-n": True}, output, structured)
        elif verb == "command":
            text = output if code == 0 else f"Exit code {code}\n{output}"
            said: Any = (
                {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
                if code == 0
                else f"Error: {text}"
            )
            given = {"command": told, "description": f"Run {told.split()[0]}"}
            self.call("Bash", given, text, said, failed=code != 0, seconds=seconds)
        elif verb == "edit":
            structured = {
                "filePath": self.path(told),
                "oldString": facts["old"],
                "newString": facts["new"],
                "originalFile": facts["before"],
                "structuredPatch": [],
                "userModified": False,
                "replaceAll": False,
            }
            given = {"file_path": self.path(told), "old_string": facts["old"], "new_string": facts["new"]}
            self.call("Edit", given, f"The file {self.path(told)} has been updated successfully.", structured)
        else:
            structured = {
                "type": "create" if facts["before"] is None else "update",
                "filePath": self.path(told),
                "content": facts["text"],
                "originalFile": facts["before"],
                "structuredPatch": [],
            }
            given = {"file_path": self.path(told), "content": facts["text"]}
            self.call("Write", given, f"File created successfully at: {self.path(told)}", structured)
