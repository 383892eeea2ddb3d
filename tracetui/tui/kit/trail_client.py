"""Questions about trails, answered by a child process, so that key presses never wait for the interpreter lock.

One question is with the child at a time; the others wait by rank. What is asked for the screen goes before what is
asked for lists, and stops it; that is asked again afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, Final

from textual.message import Message
from textual.message_pump import MessagePump

__all__ = ["Question", "TrailAnswer", "TrailProgress", "TrailService", "command"]

NOW: Final = 0
"""The rank of what somebody waits for."""
HERE: Final = 1
"""The rank of the session under the cursor."""
LIST: Final = 2
"""The rank of the other sessions on screen."""
REST: Final = 3
_MOST_STARTS: Final = 4


@dataclass(eq=False, slots=True)
class Question:
    """Something asked. ``answer`` or ``error`` is set when ``done`` is; neither when it was cancelled."""

    ask: str
    values: Mapping[str, Any]
    rank: int
    target: MessagePump | None = None
    answer: dict[str, Any] | None = None
    error: str | None = None
    cancelled: bool = False
    number: int = 0
    started: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)


class TrailAnswer(Message):
    """A question is done."""

    bubble = False

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question


class TrailProgress(Message):
    """The child works on a question; ``what`` is ``index`` (commits) or ``judge`` (hunks)."""

    bubble = False

    def __init__(self, question: Question, what: str, done: int, total: int) -> None:
        super().__init__()
        self.question = question
        self.what = what
        self.done = done
        self.total = total

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, TrailProgress)


def command(bucket: Path) -> list[str]:
    """The child's argument list. ``-P`` keeps the current folder, which may be a stranger's repository, off the
    import path."""
    return [sys.executable, "-P", "-m", "tracetui.trail.serve", str(bucket)]


def _parsed(line: bytes) -> Any:
    """A line of the child, quickly; the standard library reads halves of character pairs too."""
    import orjson

    try:
        return orjson.loads(line)
    except ValueError:
        return json.loads(line)


class TrailService:
    """The child and what it is asked. It is started with the first question and again when it ended. Any thread."""

    enabled: ClassVar[bool] = True
    """Tests without a real bucket turn it off; then nothing is ever answered."""

    def __init__(self, bucket: Path, *, make_command: Callable[[Path], list[str]] = command) -> None:
        self._bucket = bucket
        self._make_command = make_command
        self._lock = threading.RLock()
        self._waiting: list[Question] = []
        self._running: Question | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping: Question | None = None
        self._held = False
        self._numbers = 0
        self._starts = 0
        self._closed = False

    def ask(self, ask: str, *, rank: int = NOW, to: MessagePump | None = None, **values: Any) -> Question:
        """Ask; `TrailAnswer` comes to ``to``, unless cancelled. ``values`` are the words of `trail.serve`."""
        question = Question(ask, values, rank, to)
        with self._lock:
            if not self.enabled or self._closed:
                question.cancelled = True
                question.done.set()
                return question
            self._numbers += 1
            question.number = self._numbers
            self._waiting.append(question)
            running = self._running
            if running is not None and rank < running.rank and self._stopping is not running:
                # What nobody waits for gives way, and comes again.
                self._stopping = running
                self._tell({"cancel": running.number})
            self._next()
        return question

    def hold(self, on: bool) -> None:
        """Leave what is only asked for lists alone, or go on with it: somebody types, or nobody does any more."""
        with self._lock:
            if on == self._held:
                return
            self._held = on
            running = self._running
            if on and running is not None and running.rank >= LIST and self._stopping is not running:
                self._stopping = running
                self._tell({"cancel": running.number})
            self._next()

    def cancel(self, question: Question) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            if question.done.is_set():
                return
            question.cancelled = True
            if question is self._running:
                self._tell({"cancel": question.number})
            elif question in self._waiting:
                self._waiting.remove(question)
            question.done.set()

    def wait(self, question: Question, cancelled: Callable[[], bool]) -> dict[str, Any] | None:
        """Wait in a worker for the answer; None when it was cancelled. Raises TracetuiError."""
        while not question.done.wait(0.02):
            if cancelled():
                self.cancel(question)
                return None
        if question.error is not None:
            from tracetui.model import TracetuiError

            raise TracetuiError(question.error)
        return question.answer

    def pending(self, *ranks: int) -> list[Question]:
        """The questions of these ranks that are not answered yet."""
        with self._lock:
            running = [self._running] if self._running is not None else []
            return [q for q in (*running, *self._waiting) if q.rank in ranks and not q.cancelled]

    def close(self) -> None:
        """End the child; what was asked is cancelled."""
        with self._lock:
            self._closed = True
            for question in (*self._waiting, *([self._running] if self._running else [])):
                question.cancelled = True
                question.done.set()
            self._waiting.clear()
            process, self._process = self._process, None
            if process is not None and process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
                process.terminate()
        if process is not None:
            process.wait()

    # -- the child

    def _next(self) -> None:
        """Hand the next question to the child, when it has none."""
        if self._running is not None or self._closed:
            return
        ready = [question for question in self._waiting if question.rank < LIST or not self._held]
        if not ready or (self._process is None and not self._start()):
            return
        question = min(ready, key=lambda q: (q.rank, q.number))
        self._waiting.remove(question)
        self._running = question
        # Asked again, a question has a new number: an old cancellation is not meant for it.
        self._numbers += 1
        question.number = self._numbers
        question.started = monotonic()
        self._tell({**question.values, "n": question.number, "ask": question.ask})

    def _start(self) -> bool:
        if self._starts >= _MOST_STARTS:
            self._fail("The process that works out trails keeps ending; details: tracetui doctor")
            return False
        self._starts += 1
        package = str(Path(__file__).parents[3])
        searched = os.environ.get("PYTHONPATH")
        environ = {**os.environ, "PYTHONPATH": package + (os.pathsep + searched if searched else "")}
        try:
            process = subprocess.Popen(
                self._make_command(self._bucket),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environ,
                cwd=self._bucket,
            )
        except OSError as error:
            self._fail(f"Cannot start the process that works out trails: {error.strerror}")
            return False
        self._process = process
        threading.Thread(target=self._read, args=(process,), name="trail", daemon=True).start()
        return True

    def _fail(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, []
        for question in waiting:
            question.error = reason
            self._finish(question)

    def _tell(self, message: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(json.dumps(message).encode("ascii") + b"\n")
            process.stdin.flush()
        except (OSError, ValueError):
            return  # it is gone; the reader sees that

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                try:
                    said = _parsed(line)
                except ValueError:
                    continue
                if isinstance(said, dict):
                    self._heard(said)
        process.wait()
        with self._lock:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            if self._process is not process:
                return
            self._process = None
            running, self._running = self._running, None
            if running is not None and not running.done.is_set():
                running.error = "The process that works out trails ended; it is started again with the next question"
                self._finish(running)
            self._next()

    def _heard(self, said: Mapping[str, Any]) -> None:
        with self._lock:
            question = self._running
            if question is None or said.get("n") != question.number:
                return
            told = said.get("progress")
            if isinstance(told, list) and len(told) == 3:
                if question.target is not None and not question.cancelled:
                    question.target.post_message(TrailProgress(question, str(told[0]), int(told[1]), int(told[2])))
                return
            self._running = None
            again = self._stopping is question and "cancelled" in said and not question.cancelled
            self._stopping = None
            if again:
                self._waiting.append(question)
            elif not question.cancelled:
                answer = said.get("answer")
                question.answer = answer if isinstance(answer, dict) else None
                question.error = str(said["error"]) if "error" in said else None
                self._starts = 1
                self._finish(question)
            self._next()

    @staticmethod
    def _finish(question: Question) -> None:
        question.done.set()
        if question.target is not None and not question.cancelled:
            question.target.post_message(TrailAnswer(question))
