"""The one place that runs Git, for history streams only, so that a hostile repository runs nothing.

The repository is named by its Git folder and treated as bare: no work tree, no index, no attributes of the tree. Its
ownership does not matter then, since nothing that it configures is run.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from tracetui.model import TracetuiError

__all__ = ["GitError", "Objects", "arguments", "environment", "read", "stream"]

_SETTINGS: Final = (
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "core.commitGraph=true",
    "log.showSignature=false",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "diff.algorithm=default",
    "diff.external=",
    "diff.submodule=short",
    "diff.orderFile=",
    "submodule.recurse=false",
)


class GitError(TracetuiError):
    """Git could not read the repository; the message is its own, cut to one line."""


def environment() -> dict[str, str]:
    """The environment that Git runs in: every ``GIT_*`` cleared, no system or global configuration, no lock, no fetch
    of missing objects, no prompt, no replaced objects."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("GIT_")}
    kept.update(
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_SYSTEM="/dev/null",
        GIT_CONFIG_GLOBAL="/dev/null",
        GIT_ATTR_NOSYSTEM="1",
        GIT_OPTIONAL_LOCKS="0",
        GIT_NO_LAZY_FETCH="1",
        GIT_NO_REPLACE_OBJECTS="1",
        GIT_TERMINAL_PROMPT="0",
        GIT_ALLOW_PROTOCOL="none",
        GIT_PAGER="cat",
        GIT_EDITOR="false",
        GIT_ASKPASS="false",
        GIT_SSH_COMMAND="false",
        LC_ALL="C",
        LANGUAGE="C",
    )
    return kept


def arguments(folder: Path, command: Sequence[str]) -> list[str]:
    """The argument list for a Git command on the repository whose Git folder is ``folder``."""
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    return ["git", *settings, "--no-pager", "--bare", f"--git-dir={folder}", *command]


def _start(folder: Path, command: Sequence[str], stdin: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            arguments(folder, command),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd="/",
            close_fds=True,
        )
    except OSError as error:
        raise GitError(f"Git could not be started ({error.strerror}); install git") from error


def _reason(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "no message"


def read(folder: Path, command: Sequence[str], given: bytes = b"") -> bytes:
    """The whole output of a Git command; ``given`` goes to its standard input.

    Raises ``GitError`` when it fails.
    """
    with _start(folder, command) as process:
        out, err = process.communicate(given)
        if process.returncode:
            raise GitError(f"git {command[0]}: {_reason(err)}")
        return out


class _Feeder(threading.Thread):
    """Writes the input of a process while its output is read."""

    def __init__(self, pipe: IO[bytes], lines: Iterable[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._lines = pipe, lines

    def run(self) -> None:
        try:
            with self._pipe:
                for line in self._lines:
                    self._pipe.write(line)
        except (OSError, ValueError):
            pass  # the reader went away


def stream(folder: Path, command: Sequence[str], given: Iterable[bytes], block: int = 1 << 20) -> Iterator[bytes]:
    """The output of a Git command in blocks of bytes, while ``given`` is written to its input.

    Closing the iterator ends the process. Raises ``GitError`` after the last block when the command failed.
    """
    process = _start(folder, command)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feeder = _Feeder(process.stdin, given)
    errors: list[bytes] = []
    drain = threading.Thread(target=lambda pipe=process.stderr: errors.append(pipe.read(65536)), daemon=True)
    feeder.start()
    drain.start()
    whole = False
    try:
        while data := process.stdout.read1(block):  # type: ignore[attr-defined]
            yield data
        whole = True
    finally:
        if not whole:
            process.kill()
        process.stdout.close()
        process.wait()
        feeder.join(5)
        drain.join(5)
        process.stderr.close()
    if process.returncode:
        raise GitError(f"git {command[0]}: {_reason(b''.join(errors))}")


class Objects:
    """Objects by name through one ``git cat-file --batch``, for repositories that libgit2 cannot open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def get(self, name: str) -> tuple[str, bytes] | None:
        """(type, content) of the object, None when it is missing."""
        if not name or any(mark in name for mark in "\n\0"):
            return None
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None:
                self._close()
                process = self._process = _start(self._folder, ["cat-file", "--batch"])
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
                process.stdin.flush()
                head = process.stdout.readline().split()
                if len(head) != 3 or not head[2].isdigit():
                    return None  # "NAME missing", "ambiguous", or Git ended
                content = process.stdout.read(int(head[2]) + 1)
            except OSError:
                return None
            return head[1].decode("ascii"), content[:-1]

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout, process.stderr):
                try:
                    if pipe is not None:
                        pipe.close()
                except OSError:
                    pass
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._close()
