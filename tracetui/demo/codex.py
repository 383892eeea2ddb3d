"""The story as Codex writes it down."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

import orjson

from tracetui.demo.agents import Agent
from tracetui.demo.world import World

__all__ = ["Codex"]


class Codex(Agent):
    """Codex 0.13x: an envelope per line; events for the screen beside the items that go to the model."""

    model = "gpt-5.3-codex"

    def __init__(self, world: World, *, session: str | None = None, **meta: Any) -> None:
        super().__init__(world, session=session)
        git = {
            "commit_hash": str(world.head),
            "branch": "main",
            "repository_url": "https://github.com/example/pace.git",
        }
        payload = {
            "id": self.session,
            "timestamp": self.stamp(0),
            "cwd": self.cwd,
            "originator": "codex_cli_rs",
            "cli_version": "0.131.0",
            "source": "cli",
            "model_provider": "openai",
            "base_instructions": {"text": "You are a coding agent. You and the user share one workspace."},
            "git": git,
            **meta,
        }
        self._emit("session_meta", payload, 0)
        self.totals = [0, 0, 0]

    def _emit(self, kind: str, payload: dict[str, Any], seconds: float = 1) -> None:
        self.records.append({"timestamp": self.stamp(seconds), "type": kind, "payload": payload})

    def _item(self, kind: str, seconds: float = 1, **fields: Any) -> None:
        self._emit("response_item", {"type": kind, **fields}, seconds)

    def _event(self, kind: str, **fields: Any) -> None:
        self._emit("event_msg", {"type": kind, **fields}, 0.1)

    def prompt(self, text: str) -> None:
        turn = self.world.uuid()
        self.context += len(text) // 4
        self._emit("turn_context", {"turn_id": turn, "cwd": self.cwd, "model": self.model, "effort": "medium",
                                    "approval_policy": "on-request", "sandbox_policy": {"type": "workspace-write"},
                                    "summary": "auto"}, 15)  # fmt: skip
        self._event("task_started", turn_id=turn, model_context_window=272_000)
        self._item("message", role="user", content=[{"type": "input_text", "text": text}])
        self._event("user_message", message=text, images=[], local_images=[], text_elements=[])

    def thinking(self, text: str) -> None:
        self._event("agent_reasoning", text=text)
        self._item("reasoning", 3, summary=[{"type": "summary_text", "text": text}], encrypted_content="")

    def message(self, text: str) -> None:
        self._event("agent_message", message=text)
        self._item("message", 4, role="assistant", content=[{"type": "output_text", "text": text}])
        self._count(text)

    def _count(self, *texts: str) -> None:
        prompt, output = self.grow(*texts)
        cached = prompt * 9 // 10
        self.totals = [self.totals[0] + prompt, self.totals[1] + cached, self.totals[2] + output]

        def usage(given: int, held: int, out: int) -> dict[str, int]:
            return {"input_tokens": given, "cached_input_tokens": held, "output_tokens": out,
                    "reasoning_output_tokens": out // 3, "total_tokens": given + out}  # fmt: skip

        info = {"total_token_usage": usage(*self.totals), "last_token_usage": usage(prompt, cached, output),
                "model_context_window": 272_000}  # fmt: skip
        self._event("token_count", info=info, rate_limits=None)

    def compaction(self, summary: str) -> None:
        history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": summary}]}]
        self._emit("compacted", {"message": summary, "replacement_history": history}, 4)
        self._event("context_compacted")
        self.context = 9_400 + len(summary) // 4

    def plan(self, *todos: tuple[str, str]) -> None:
        steps = [{"step": text, "status": state} for text, state in todos]
        self._call("update_plan", {"plan": steps}, "Plan updated")

    def _call(self, name: str, given: dict[str, Any], output: str, seconds: float = 0.3) -> None:
        call = f"call_{self.world.token('0123456789ABCDEFGHJKabcdefghjk', 24)}"
        arguments = orjson.dumps(given).decode()
        self._item("function_call", name=name, arguments=arguments, call_id=call)
        self._item("function_call_output", seconds, call_id=call, output=output)
        self._count(arguments)
        self.context += len(output) // 4

    def _shell(self, command: str, output: str, code: int, seconds: float) -> None:
        text = (
            f"Chunk ID: {self.world.token('0123456789abcdef', 6)}\nWall time: {seconds:.4f} seconds\n"
            f"Process exited with code {code}\nOriginal token count: {len(output) // 4}\nOutput:\n{output}"
        )
        self._call("exec_command", {"cmd": command, "workdir": self.cwd, "yield_time_ms": 10_000}, text, seconds)

    def _tool(
        self, verb: str, told: str, facts: dict[str, Any], output: str, *, code: int = 0, seconds: float = 0.2
    ) -> None:
        if verb == "read":
            self._shell(f"sed -n '1,200p' {told}", output, 0, seconds)
        elif verb == "search":
            self._shell(f"rg -n {told!r}", output, 0, seconds)
        elif verb == "command":
            self._shell(told, output, code, seconds)
        else:
            patch, change = self._patch(verb, told, facts)
            call = f"call_{self.world.token('0123456789ABCDEFGHJKabcdefghjk', 24)}"
            self._item("custom_tool_call", name="apply_patch", input=patch, call_id=call, status="completed")
            mark = "A" if change["type"] == "add" else "M"
            said = f"Success. Updated the following files:\n{mark} {told}\n"
            self._event("patch_apply_end", call_id=call, turn_id=self.world.uuid(), stdout=said, stderr="",
                        success=True, changes={self.path(told): change})  # fmt: skip
            result = orjson.dumps({"output": said, "metadata": {"exit_code": 0, "duration_seconds": 0.1}}).decode()
            self._item("custom_tool_call_output", call_id=call, output=result)
            self._count(patch)

    def _patch(self, verb: str, path: str, facts: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        before, after = facts["before"], self.world.tree[path]
        if before is None:
            added = "".join(f"+{line}\n" for line in after.splitlines())
            return f"*** Begin Patch\n*** Add File: {path}\n{added}*** End Patch", {"type": "add", "content": after}
        lines = list(unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), n=3))[2:]
        body = "".join("@@\n" if line.startswith("@@") else line for line in lines)
        change = {"type": "update", "unified_diff": "".join(lines), "move_path": None}
        return f"*** Begin Patch\n*** Update File: {path}\n{body}*** End Patch", change
