"""The reader of OpenCode's records.

A message of the assistant is one response (in versions before 1.0 several, told apart by its ``step-finish`` parts).
A part that was changed comes again under its id: the step that it made is told anew, with the same number.
"""

from __future__ import annotations

from typing import Any, Final

from tracetui.harness import tools
from tracetui.harness.content import mark
from tracetui.harness.stepping import StepDraft, Stepper, noted, number, string
from tracetui.model import Kind, Record, Source, Tokens

__all__ = ["OpenCodeReader", "kind_of", "tokens_of"]

_KINDS: Final[dict[str, Kind]] = {"codesearch": "web", "list": "search", "patch": "edit", "multiedit": "edit"}
_SILENT: Final = frozenset({"step-start", "snapshot", "patch", "agent", "compaction"})
_RECENT: Final = 64
_UNTITLED: Final = ("New session - ", "Child session - ")


def kind_of(name: str) -> Kind:
    """The step kind of a call to OpenCode's tool of this name."""
    return _KINDS.get(name.lower()) or tools.kind(name)


def tokens_of(value: object) -> Tokens | None:
    """Counts as a message or a ``step-finish`` tells them; None where all are 0 or missing. The output is told
    without the reasoning."""
    if not isinstance(value, dict):
        return None
    box = value.get("cache")
    cache = box if isinstance(box, dict) else {}
    found = Tokens(
        number(value.get("input")) or 0,
        (number(value.get("output")) or 0) + (number(value.get("reasoning")) or 0),
        number(cache.get("read")) or 0,
        number(cache.get("write")) or 0,
    )
    return found if found.prompt or found.output else None


def _paid(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        return None
    return float(value)


class OpenCodeReader(Stepper):
    """See ``base.Reader``."""

    harness = "opencode"
    small = ("_about", "_users", "_group", "_waits")
    held = ("_recent", "_firsts")

    def begin(self) -> None:
        """Set what belongs to the recent messages."""
        self._about: dict[str, dict[str, Any]] = {}  # of a response: model, tokens, cost, whether it is a summary
        self._users: dict[str, list[int]] = {}  # the source of a message of the user
        self._group: dict[str, int] = {}  # how many responses of a message are finished
        self._waits: dict[str, bool] = {}  # whether a response said anything since the last one of its message
        self._recent: dict[str, StepDraft] = {}
        self._firsts: dict[str, StepDraft] = {}

    def feed(self, record: Record) -> None:
        """Take the next record."""
        value = record.value
        kind, inner = value.get("type"), value.get("properties")
        if not isinstance(inner, dict):
            inner = {}
        info, part = inner.get("info"), inner.get("part")
        if kind == "session.updated" and isinstance(info, dict):
            self._session(info)
            self.known["session"] += 1
        elif kind == "message.updated" and isinstance(info, dict):
            self._message(record, info)
        elif kind == "message.part.updated" and isinstance(part, dict):
            self._part(record, part)
        elif kind in ("message.removed", "message.part.removed"):
            self.known[str(kind)] += 1
        elif kind == "snapshot.file":
            self._before(record, string(inner.get("partID")))
        elif record.oversize and isinstance(kind, str):
            self.known[f"{kind[:40]}/too long"] += 1
        else:
            self._unknown(kind)

    def _before(self, record: Record, part: str | None) -> None:
        """The text that a call replaced: one more source of its step."""
        draft = self._recent.get(part or "")
        if draft is None:
            self.known["snapshot.file"] += 1
            return
        self.stepped += 1
        draft.add(record.source, 2)
        self._changed[draft.number] = draft

    # --- the session and its messages

    def _session(self, info: dict[str, Any]) -> None:
        facts = self.facts
        facts.session = string(info.get("id")) or facts.session
        facts.cwd = string(info.get("directory")) or facts.cwd
        facts.version = string(info.get("version")) or facts.version
        facts.parent = string(info.get("parentID")) or facts.parent
        time = info.get("time")
        if isinstance(time, dict):
            self._when(number(time.get("created")))
        title = string(info.get("title"))
        self._title(None if title is None or title.startswith(_UNTITLED) else title)

    def _message(self, record: Record, info: dict[str, Any]) -> None:
        own, role = string(info.get("id")), info.get("role")
        if own is None or role not in ("user", "assistant"):
            self._unknown(f"message/{role if isinstance(role, str) else '?'}")
            return
        facts = self.facts
        facts.session = facts.session if facts.session != self._stem else string(info.get("sessionID")) or facts.session
        box = info.get("time")
        time: dict[str, Any] = box if isinstance(box, dict) else {}
        created = number(time.get("created"))
        self._when(created)
        self._when(number(time.get("completed")))
        fresh = self._first(f"m{own}")
        if role == "user":
            self.known["message/user"] += 1
            self._users[own] = [*record.source, created or 0]
            _trim(self._users)
            return
        path = info.get("path")
        if facts.cwd is None and isinstance(path, dict):
            facts.cwd = string(path.get("cwd"))
        model = string(info.get("modelID"))
        facts.model = model or facts.model
        about: dict[str, Any] = {
            "model": model,
            "tokens": info.get("tokens") if isinstance(info.get("tokens"), dict) else None,
            "cost": _paid(info.get("cost")),
            "summary": info.get("summary") is True,
            "time": created,
            "source": list(record.source),
        }
        self._about[own] = about
        _trim(self._about)
        first = self._firsts.get(f"{own}:0")
        if first is not None and own not in self._group:
            self._count(first, tokens_of(about["tokens"]), about["cost"])
        failure = info.get("error")
        if isinstance(failure, dict) and (fresh or self._first(f"e{own}")):
            self._first(f"e{own}")
            self._failed(record, own, failure, created)
            return
        self.known["message/assistant"] += 1

    def _failed(self, record: Record, own: str, failure: dict[str, Any], time: int | None) -> None:
        """A response that failed or was stopped."""
        data = failure.get("data")
        said = string(data.get("message")) if isinstance(data, dict) else None
        name = string(failure.get("name")) or "error"
        self.stepped += 1
        draft = self._begin(record, "event", f"{own}:error", time, f"{name}: {said}" if said else name)
        self._of(draft, own)

    def _of(self, draft: StepDraft, own: str | None) -> None:
        """Tie a step to the response that it is part of."""
        about = self._about.get(own or "")
        if own is None or about is None:
            return
        nth = self._group.get(own, 0)
        draft.model = about["model"]
        draft.response = f"{own}:{nth}" if nth else own
        if draft.time is None:
            draft.time = about["time"]
        if f"{own}:{nth}" not in self._firsts:
            self._keep(self._firsts, f"{own}:{nth}", draft, _RECENT)
            if not nth:
                self._count(draft, tokens_of(about["tokens"]), about["cost"])
        self._waits[own] = False
        _trim(self._waits)

    def _count(self, draft: StepDraft, tokens: Tokens | None, paid: float | None) -> None:
        if tokens is not None and tokens != draft.tokens:
            draft.tokens = tokens
            self._changed[draft.number] = draft
        if paid != draft.cost:
            self._pay(draft, paid)
            self._changed[draft.number] = draft

    # --- parts

    def _part(self, record: Record, part: dict[str, Any]) -> None:
        own, of, kind = string(part.get("id")), string(part.get("messageID")), part.get("type")
        if not isinstance(kind, str):
            self._unknown("part/?")
            return
        key = own or f"L{record.source.line}.{record.nth}"
        recent = self._recent.get(key)
        if recent is not None:
            self._again(record, part, kind, recent)
            return
        if own is not None and not self._first(f"p{of}/{own}"):
            self.known[f"part/{kind[:40]}/changed"] += 1
            return
        if kind == "text":
            self._text(record, part, key, of)
        elif kind == "reasoning":
            self._said(record, part, key, of, "thinking")
        elif kind == "tool":
            self._tool(record, part, key, of)
        elif kind == "step-finish":
            self._finish(record, part, key, of)
        elif kind == "file":
            self._file(record, part, of)
        elif kind == "subtask":
            self._subtask(record, part, key, of)
        elif kind == "retry":
            self._retry(record, part, key, of)
        elif kind in _SILENT:
            self.known[f"part/{kind}"] += 1
        else:
            self._unknown(f"part/{kind}")

    def _again(self, record: Record, part: dict[str, Any], kind: str, draft: StepDraft) -> None:
        """A later version of a part whose step may still change."""
        self.stepped += 1
        draft.add(record.source, 2 if draft.kind in ("prompt", "event", "compaction") else 1)
        self._changed[draft.number] = draft
        if kind == "tool":
            self._outcome(draft, part)
        else:
            text = string(part.get("text"))
            if text is not None and draft.key == part.get("id"):
                draft.text, draft.summary = text, tools.one_line(text)
                draft.time = _times(part)[0] or draft.time

    def _said(self, record: Record, part: dict[str, Any], key: str, of: str | None, kind: Kind) -> StepDraft | None:
        text = noted(record, string(part.get("text")) or "")
        if not text.strip():
            self.known[f"part/{part['type']}/empty"] += 1
            if part.get("id") is not None:
                self._seen_again(of, key)
            return None
        self.stepped += 1
        draft = self._begin(record, kind, key, _times(part)[0], text)
        self._keep(self._recent, key, draft, _RECENT)
        self._of(draft, of)
        return draft

    def _seen_again(self, of: str | None, key: str) -> None:
        """Forget a part that told nothing yet, so that its next version makes the step."""
        from hashlib import blake2b

        self._seen.discard(blake2b(f"p{of}/{key}".encode("utf-8", "replace"), digest_size=6).digest())

    def _text(self, record: Record, part: dict[str, Any], key: str, of: str | None) -> None:
        user = self._users.get(of or "")
        if user is None:
            about = self._about.get(of or "", {})
            aside = part.get("synthetic") is True or part.get("ignored") is True
            kind: Kind = "compaction" if about.get("summary") else "event" if aside else "message"
            draft = self._said(record, part, key, of, kind)
            if draft is not None and kind == "compaction":
                draft.sources = (Source(*about["source"]), record.source)  # the message tells that it is one
            return
        text = noted(record, string(part.get("text")) or "")
        if not text.strip():
            self.known["part/text/empty"] += 1
            self._seen_again(of, key)
            return
        self.stepped += 1
        time = _times(part)[0] or user[3] or None
        if part.get("synthetic") is True or part.get("ignored") is True:
            put = self._begin(record, "event", key, time, text)
            put.sources = (Source(*user[:3]), record.source)
            self._keep(self._recent, key, put, _RECENT)
            return
        asked = self._firsts.get(f"{of}:asked")
        if asked is not None:
            asked.text = f"{asked.text}\n{text}" if asked.text else text
            asked.sources = (*asked.sources, record.source)
            asked.summary = tools.one_line(asked.text)
            self._changed[asked.number] = asked
            return
        asked = self._prompt(record, key, time, text)
        # The message tells whose text it is; it began before its parts.
        asked.sources = (Source(*user[:3]), record.source)
        self._keep(self._firsts, f"{of}:asked", asked, _RECENT)

    def _subtask(self, record: Record, part: dict[str, Any], key: str, of: str | None) -> None:
        """A command that the user gave to a subagent."""
        command, prompt = string(part.get("command")), string(part.get("prompt")) or ""
        self.stepped += 1
        user = self._users.get(of or "")
        text = f"/{command}\n{prompt}" if command else prompt
        draft = self._prompt(record, key, user[3] if user else None, text)
        draft.thread = None

    def _file(self, record: Record, part: dict[str, Any], of: str | None) -> None:
        """A file that the user attached: part of what was asked."""
        asked = self._firsts.get(f"{of}:asked")
        mime = string(part.get("mime")) or ""
        if asked is None:
            self.known["part/file"] += 1
            return
        self.stepped += 1
        asked.images += mime.startswith("image/")
        name = mark("file", string(part.get("filename")) or mime)
        asked.text = f"{asked.text}\n{name}"
        asked.sources = (*asked.sources, record.source)
        self._changed[asked.number] = asked

    def _retry(self, record: Record, part: dict[str, Any], key: str, of: str | None) -> None:
        box = part.get("error")
        data = box.get("data") if isinstance(box, dict) else None
        said = string(data.get("message")) if isinstance(data, dict) else None
        self.stepped += 1
        self._of(self._begin(record, "event", key, _times(part)[0], f"retry: {said}" if said else "retry"), of)

    def _finish(self, record: Record, part: dict[str, Any], key: str, of: str | None) -> None:
        """The end of a response: what it took."""
        tokens, paid = tokens_of(part.get("tokens")), _paid(part.get("cost"))
        nth = self._group.get(of or "", 0)
        first = self._firsts.get(f"{of}:{nth}")
        if first is None and tokens is not None and self._waits.get(of or "", True):
            # A response that said nothing was paid for all the same.
            self.stepped += 1
            reason = string(part.get("reason"))
            first = self._begin(
                record, "event", key, None, f"empty response ({reason})" if reason else "empty response"
            )
            self._of(first, of)
        else:
            self.known["part/step-finish"] += 1
        if first is not None:
            self._count(first, tokens, paid)
        if of is not None:
            self._group[of] = nth + 1
            _trim(self._group)
            self._waits.pop(of, None)

    # --- calls

    def _tool(self, record: Record, part: dict[str, Any], key: str, of: str | None) -> None:
        self.stepped += 1
        name = string(part.get("tool")) or "tool"
        kind = kind_of(name)
        draft = self._begin(record, kind, key, None, None, tools.one_line(name))
        draft.name, draft.call = name, string(part.get("callID"))
        self._outcome(draft, part)
        if record.oversize:
            draft.output = noted(record, draft.output or "")
        self._keep(self._recent, key, draft, _RECENT)
        self._of(draft, of)

    def _outcome(self, draft: StepDraft, part: dict[str, Any]) -> None:
        """What the state of a call tells now."""
        box = part.get("state")
        state: dict[str, Any] = box if isinstance(box, dict) else {}
        status = state.get("status")
        if state.get("input"):
            draft.given = state["input"]
        elif draft.given is None:
            draft.given = state.get("input")
        draft.summary = tools.summary(draft.name, _telling(draft.given), of_kind=draft.kind) or draft.summary
        times = state.get("time")
        start, end = (number(times.get("start")), number(times.get("end"))) if isinstance(times, dict) else (None, None)
        draft.time = start or draft.time
        self._when(end)
        extra = state.get("metadata")
        about: dict[str, Any] = extra if isinstance(extra, dict) else {}
        draft.thread = string(about.get("sessionId")) if draft.kind == "agent" else None
        if status not in ("completed", "error"):
            return
        if start is not None and end is not None and end >= start:
            draft.duration = end - start
        if status == "error":
            draft.is_error = True
            draft.output = string(state.get("error")) or ""
            return
        draft.output = state["output"] if isinstance(state.get("output"), str) else ""
        code = about.get("exit")
        draft.exit_code = code if type(code) is int else None
        draft.is_error = False if draft.exit_code is None else draft.exit_code != 0
        files = state.get("attachments")
        draft.images = sum(
            isinstance(file, dict) and str(file.get("mime")).startswith("image/")
            for file in (files if isinstance(files, list) else ())
        )


def _telling(given: Any) -> Any:
    """The input with the patch where ``tools.summary`` looks for it."""
    if isinstance(given, dict) and isinstance(given.get("patchText"), str):
        return given["patchText"]
    return given


def _times(part: dict[str, Any]) -> tuple[int | None, int | None]:
    time = part.get("time")
    return (number(time.get("start")), number(time.get("end"))) if isinstance(time, dict) else (None, None)


def _trim(box: dict[str, Any]) -> None:
    if len(box) > _RECENT:
        del box[next(iter(box))]
