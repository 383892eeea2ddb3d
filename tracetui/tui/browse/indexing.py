"""Indexing, always in a child process, so that key presses never wait for the interpreter lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.message import Message
from textual.message_pump import MessagePump

from tracetui.text.safe import one_line

__all__ = ["IndexReport", "Indexer", "IndexingDone", "IndexingProgress", "Scanner", "ScanningDone", "ScanningProgress"]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How a run ended. ``found`` is its last JSON line (the keys of ``index --json``, as far as it gives them);
    ``error`` is one line when it failed, ``stopped`` is true when the user stopped it."""

    found: Mapping[str, Any]
    error: str | None = None
    stopped: bool = False
    paths: tuple[str, ...] = ()


class IndexingProgress(Message):
    """The child read on. Newer news replaces older that nobody has seen yet."""

    def __init__(self, done: int, total: int, sessions: int) -> None:
        super().__init__()
        self.done = done
        self.total = total
        self.sessions = sessions

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, IndexingProgress)


class IndexingDone(Message):
    """The child is gone."""

    def __init__(self, report: IndexReport) -> None:
        super().__init__()
        self.report = report


class ScanningProgress(Message):
    """The child that looks for secrets read on: ``done`` of ``total`` logs."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__()
        self.done = done
        self.total = total

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ScanningProgress)


class ScanningDone(Message):
    """The child that looked for secrets is gone."""

    def __init__(self, report: IndexReport) -> None:
        super().__init__()
        self.report = report


def command(bucket: Path, paths: Sequence[str] = ()) -> list[str]:
    """The child's argument list. ``-P`` keeps the current folder, which may be a stranger's repository, off the
    import path."""
    return [sys.executable, "-P", "-m", "tracetui", "--bucket", str(bucket), "index", "--progress", "--", *paths]


def rest_command(bucket: Path, paths: Sequence[str] = ()) -> list[str]:
    """The argument list of the child that reads the rest of the logs whose beginning ``open`` shows."""
    return [sys.executable, "-P", "-m", "tracetui.commands.log_child", str(bucket), str(os.getpid()), *paths]


def scan_command(bucket: Path, paths: Sequence[str] = ()) -> list[str]:
    """The argument list of the child that looks for secrets in what is new; it goes on where it stopped."""
    return [sys.executable, "-P", "-m", "tracetui", "--bucket", str(bucket), "index", "--progress", "--scan"]


class Indexer:
    """Runs one child at a time and posts its progress to ``target``.

    The child writes JSON lines ``{"done", "total", "bytes", "sessions"}``; a line without ``done`` is the report. What
    is no JSON is kept as the reason, should it fail.
    """

    def __init__(self, bucket: Path, target: MessagePump, *, make_command: Callable[..., list[str]] = command) -> None:
        self._bucket = bucket
        self._target = target
        self._make_command = make_command
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self.paths: tuple[str, ...] = ()
        """The files of the run, empty for a run over everything."""

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self, paths: Sequence[str] = ()) -> bool:
        """Start a run over everything, or over these files; False when one is running."""
        if self._process is not None:
            return False
        self._stopped, self.paths = False, tuple(paths)
        package = str(Path(__file__).parents[3])
        searched = os.environ.get("PYTHONPATH")
        environ = {**os.environ, "PYTHONPATH": package + (os.pathsep + searched if searched else "")}
        try:
            process = subprocess.Popen(
                self._make_command(self._bucket, paths),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environ,
            )
        except OSError as error:
            self._tell(IndexReport({}, f"Cannot start indexing: {error.strerror}"))
            return False
        self._process = process
        threading.Thread(target=self._read, args=(process, tuple(paths)), name="indexing", daemon=True).start()
        return True

    def _read(self, process: subprocess.Popen[bytes], paths: tuple[str, ...]) -> None:
        found: dict[str, Any] = {}
        reason = ""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                try:
                    news = json.loads(line)
                except ValueError:
                    reason = one_line(line.decode("utf-8", "replace"), 200) or reason
                    continue
                if not isinstance(news, dict):
                    continue
                if "done" in news:
                    done, total, sessions = (_number(news.get(key)) for key in ("done", "total", "sessions"))
                    self._progressed(IndexingProgress(done, total, sessions))
                else:
                    found = news
        status = process.wait()
        self._process = None
        error = None
        if status and not self._stopped:
            error = reason.removeprefix("tracetui: ") or f"Indexing ended with status {status}"
        self._tell(IndexReport(found, error, self._stopped, paths))

    def _tell(self, report: IndexReport) -> None:
        self._target.post_message(IndexingDone(report))

    def _progressed(self, progress: IndexingProgress) -> None:
        self._target.post_message(progress)

    def stop(self, *, wait: bool = False) -> None:
        """Ask the child to end; what it captured stays. It is gone when `IndexingDone` comes; with ``wait`` when this
        returns: nothing of it may be written to a folder that is about to be removed."""
        process = self._process
        if process is not None:
            self._stopped = True
            process.terminate()
            if wait:
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Scanner(Indexer):
    """Looks for secrets in what was captured, in a child of its own, so that a growing log need not wait for it."""

    def __init__(self, bucket: Path, target: MessagePump) -> None:
        super().__init__(bucket, target, make_command=scan_command)

    def _tell(self, report: IndexReport) -> None:
        self._target.post_message(ScanningDone(report))

    def _progressed(self, progress: IndexingProgress) -> None:
        self._target.post_message(ScanningProgress(progress.done, progress.total))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
