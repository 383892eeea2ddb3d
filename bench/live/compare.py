"""A recording against what tracetui says of it: per model call, what stood in the context and what was sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sent import Sent, canonical, sent, split

from tracetui.bucket import Bucket
from tracetui.ctx.context import Context, context_of, piece_of
from tracetui.ctx.estimate import Estimator, text_tokens
from tracetui.ctx.index import Index
from tracetui.ctx.opening import index_of, records_for
from tracetui.harness.context import ContextPiece
from tracetui.model import LogRow

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Found:
    """A call as tracetui shows it."""

    log: LogRow
    context: Context
    pieces: list[ContextPiece]


@dataclass
class Verdict:
    """One call compared. ``wrong``: what differs, in words; ``future``: texts that were said later; ``unseen``: what
    was sent beside and is not shown."""

    request: int
    label: str
    wrong: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    disorder: str = ""
    ours: int = 0
    theirs: int = 0
    thread: str = ""
    place: int = 0
    missing: tuple[str, ...] = ()
    over: bool = False


def indexed(out: Path) -> Path:
    """The recording's logs in a bucket of their own, made anew."""
    bucket = out / "bucket"
    if bucket.exists():
        subprocess.run(["rm", "-rf", str(bucket)], check=True)
    home = out / "home"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "PYTHONPATH": str(ROOT),
    }
    words = [sys.executable, "-m", "tracetui", "--bucket", str(bucket), "index", "--json", "--workers", "0"]
    done = subprocess.run(words, check=False, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"index: {done.stderr.strip()}")
    return bucket


def plain(piece: ContextPiece) -> ContextPiece:
    """Gemini CLI puts the tool's name before the id of a call when it logs it."""
    head, mark, tail = (piece.call or "").partition("__call_")
    return piece._replace(call=f"call_{tail}") if mark and head else piece


class Shown:
    """Everything that tracetui shows of a recording: calls by the ids and texts of their replies."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.logs: list[tuple[LogRow, Index]] = []
        self.by_call: dict[str, tuple[int, int]] = {}
        self.by_text: dict[str, list[tuple[int, int]]] = {}
        seen = set()
        for session in bucket.sessions():
            for log in bucket.logs(session.id, session.harness):
                if log.id in seen or not log.shown:
                    continue
                seen.add(log.id)
                self._add(log, index_of(bucket, log))

    def _add(self, log: LogRow, index: Index) -> None:
        nth = len(self.logs)
        self.logs.append((log, index))
        reading = records_for(self.bucket, log, index)
        for at, by in enumerate(index.by):
            if by < 0 or index.log[at]:
                continue
            piece = plain(piece_of(index, at, reading))
            if piece.category == "tool_call" and piece.call:
                self.by_call.setdefault(piece.call, (nth, by))
            elif piece.text.strip():
                self.by_text.setdefault(piece.text.strip(), []).append((nth, by))

    def find(self, reply: list[dict[str, Any]]) -> tuple[int, int] | None:
        """The log and call that a reply became."""
        for block in reply:
            if "tool" in block and block["id"] in self.by_call:
                return self.by_call[block["id"]]
        for block in reply:
            text = block.get("text") or block.get("think")
            places = [at for at in self.by_text.get((text or "").strip(), ()) if self.logs[at[0]][1].call_step[at[1]]]
            if places:  # a fork holds what it copied once more; both see the same
                return places[0]
        return None

    def found(self, at: tuple[int, int]) -> Found | None:
        """The context of a call; None where it has no step."""
        log, index = self.logs[at[0]]
        step = index.call_step[at[1]]
        if not step:
            return None
        context = context_of(index, step)
        reading = records_for(self.bucket, log, index)
        return Found(log, context, [plain(piece_of(index, place, reading)) for place in context.ids])


def logged(out: Path, reply: list[dict[str, Any]]) -> bool:
    """Whether the logs hold a reply in any way."""
    signs = [json.dumps(block["id"] if "tool" in block else block.get("text") or block.get("think")) for block in reply]
    for path in (out / "home").rglob("*"):
        if path.suffix in (".jsonl", ".json", ".db", ".db-wal") and path.is_file():
            data = path.read_bytes()
            if any(sign[1:-1].encode() in data for sign in signs):
                return True
    return False


def _differs(name: str, ours: list[Any], theirs: list[Any]) -> list[str]:
    mine, sent_ = Counter(ours), Counter(theirs)
    out = []
    for item in (sent_ - mine).elements():
        out.append(f"{name} not shown: {str(item)[:150]!r}")
    for item in (mine - sent_).elements():
        out.append(f"{name} not sent: {str(item)[:150]!r}")
    return out


OPENING = "We are setting up the context for our chat."
"""Of the message with which Qwen Code begins every conversation, and which it does not log; nor the model's answer."""
ANSWER = "Got it. Thanks for the context!"


def compare(found: Found, body: Sent, later: set[str], verdict: Verdict) -> None:
    """Fill the verdict on one call."""
    if ANSWER in body.texts and not any(piece.text.strip() == ANSWER for piece in found.pieces):
        verdict.unseen += [text for text in body.user if OPENING in text]
        body.user = [text for text in body.user if OPENING not in text]
        body.texts.remove(ANSWER)
    pieces = found.pieces
    reminders: list[str] = []
    results = []
    for piece in pieces:
        if piece.category == "tool_result":
            results.append((piece.call or "", "\n".join(split(piece.text, reminders))))
    calls = [(p.call or "", p.name or "", canonical(p.value)) for p in pieces if p.category == "tool_call"]
    texts = [p.text.strip() for p in pieces if p.category == "message" and p.text.strip()]
    # A summary that the program sends as the model's own word is one of its texts.
    texts += [p.text.strip() for p in pieces if p.category == "summary" and p.text.strip() in body.texts]
    pieces = [p for p in pieces if p.category != "summary" or p.text.strip() not in body.texts]
    thinking = [p.text.strip() for p in pieces if p.category == "thinking"]
    beside = [p for p in pieces if p.category in ("prompt", "summary", "attachment", "instructions")]
    wrong = verdict.wrong
    wrong += _differs("call", calls, _spaced(body.calls, calls))
    wrong += _differs("result", results, [(call, text) for call, text in body.results])
    wrong += _differs("text", texts, [text for text in body.texts if text])
    wrong += _differs("thinking", thinking, body.thinking)
    _user(beside, [p for p in pieces if p.category == "system"], body, verdict, reminders)
    verdict.disorder = in_order(pieces, body.order)
    for piece in pieces:
        if piece.call in later or (piece.category in ("message", "thinking") and piece.text.strip() in later):
            verdict.future.append(f"{piece.category} {piece.text[:80]!r}")


def in_order(pieces: list[ContextPiece], flow: list[str]) -> str:
    """The first piece that stands elsewhere in the request than we show it; "" where none does."""
    at = 0
    for piece in pieces:
        if piece.category in ("system", "thinking"):
            continue
        sign = piece.call or "" if piece.category == "tool_call" else "=" + (piece.call or "")
        if piece.category not in ("tool_call", "tool_result"):
            words = " ".join(piece.text.split())[:60]
            here = next((nth for nth in range(at, len(flow)) if words in flow[nth]), None)
            if here is None:
                if any(words in part for part in flow):
                    return f"{piece.category} {words}"
                continue  # what was not sent in these words is told of elsewhere
        else:
            here = next((nth for nth in range(at, len(flow)) if flow[nth] == sign), None)
            if here is None:
                if sign in flow:
                    return f"{piece.category} {sign}"
                continue
        at = here
    return ""


def _spaced(theirs: list[tuple[str, str, str]], ours: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Names that we show with their namespace are the same names."""
    known = {call: name for call, name, _ in ours}
    return [(call, known[call] if known.get(call, "").endswith(name) else name, given) for call, name, given in theirs]


def _user(
    beside: list[ContextPiece], found_system: list[ContextPiece], body: Sent, verdict: Verdict, reminders: list[str]
) -> None:
    whole = "\n".join([*body.user, *body.reminders])
    flat = " ".join(whole.split())
    for piece in beside:
        if piece.category in ("prompt", "summary") and piece.text.strip():
            parts = split(piece.text, [])
            if not all(part in whole or " ".join(part.split()) in flat for part in parts):
                verdict.wrong.append(f"{piece.category} not sent: {piece.text[:150]!r}")
    shown = sorted((p.text.strip() for p in beside if p.text.strip()), key=len, reverse=True)
    bare = []
    for text in shown:
        bare += split(text, reminders) or []
    for text in body.user:
        rest = text
        for part in [*shown, *bare]:
            rest = rest.replace(part, " ")
        around = sum(piece.unsaid for piece in beside if piece.unsaid and piece.text.strip() in text)
        if len(rest.strip()) > around:
            verdict.wrong.append(f"user text not shown: {rest.strip()[:150]!r}")
    system = [p.text for p in found_system]
    known = " ".join(" ".join([*shown, *reminders, *system]).split())
    for text in body.reminders:
        if not _covered(text, known, shown):
            verdict.unseen.append(text)


def _covered(text: str, known: str, shown: list[str]) -> bool:
    """Whether a reminder is shown: its words stand in ours, or ours in it."""
    if " ".join(text.split()) in known:
        return True
    return any(len(part) >= 8 and (part in text or " ".join(part.split()) in " ".join(text.split())) for part in shown)


def size(body: Sent, harness: str, model: str | None) -> int:
    """The estimated tokens of what was sent, by the same weights as ours."""
    estimator = Estimator(harness)
    if model:
        estimator.model = model
    return round(sum(text_tokens(text, estimator._weights) for text in body.all_texts()))


def verdicts(out: Path) -> Iterator[Verdict]:
    """Every request of a recording that a step of the log came of."""
    run = json.loads((out / "run.json").read_text())
    requests = [json.loads(path.read_text()) for path in sorted((out / "requests").iterdir())]
    said: dict[str, int] = {}
    for request in requests:
        for block in request.get("reply") or []:
            for name in (block["id"], (block.get("text") or block.get("think") or "").strip()):
                if name:
                    said.setdefault(name, request["n"])
    with Bucket.open(indexed(out)) as bucket:
        shown = Shown(bucket)
        done: set[tuple[int, int]] = set()
        for request in requests:
            reply = request.get("reply")
            if not reply or request["turn"] in ("title", "summary", "none", "count", None):
                continue
            verdict = Verdict(request["n"], f"{out.name}#{request['n']}")
            at = shown.find(reply)
            if at is None and not logged(out, reply):
                continue  # asked beside the conversation (suggestions, titles), or given up
            if at is None:
                verdict.wrong.append("reply not in any log: " + json.dumps(reply)[:120])
                yield verdict
                continue
            found = shown.found(at)
            if found is None or at in done:
                if found is None:
                    verdict.wrong.append("call without a step")
                    yield verdict
                continue
            done.add(at)
            later = {name for name, n in said.items() if n >= request["n"]}
            body = sent(request["path"], request["body"])
            compare(found, body, later, verdict)
            verdict.thread, verdict.place = f"{at[0]}", at[1]
            told = [at for at in found.context.ids if at not in found.context.index.system]
            verdict.ours = sum(found.context.index.tokens[at] for at in told)
            verdict.theirs = size(body, run["harness"], found.context.model)
            verdict.missing = found.context.missing
            reported, lost = found.context.reported, found.context.missing_tokens
            verdict.over = (
                reported is not None
                and lost is not None
                and found.context.estimated + lost > max(reported, found.context.estimated)
            )
            yield verdict
