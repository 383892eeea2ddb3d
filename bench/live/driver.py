"""Runs a program on a script: by the recorder where prompts are enough, in a terminal where keys are needed."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any

KEYS = {
    "esc": b"\x1b",
    "enter": b"\r",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "clear": b"\x15",
    "tab": b"\t",
    "ctrl-c": b"\x03",
    "shift-tab": b"\x1b[Z",
}
QUIET = 4.0
"""Seconds without a request after which a program is taken to be done."""


def record(recorder: Path, harness: str, script: Path, out: Path, program: Path, timeout: float) -> str:
    """Make one recording; how it went, in a word."""
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out, ignore_errors=True)
    if json.loads(script.read_text()).get("keys"):
        return _typed(recorder, harness, script, out, program, timeout)
    words = [
        sys.executable,
        str(recorder / "record.py"),
        harness,
        str(script),
        str(out),
        "--binary",
        str(program),
        "--timeout",
        str(timeout),
    ]
    done = subprocess.run(
        words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout * 10
    )
    if not (out / "run.json").exists():
        return f"failed: {done.stderr.strip().splitlines()[-1:]}"
    run = json.loads((out / "run.json").read_text())
    return f"{run['requests']} requests, {[prompt['status'] for prompt in run['prompts']]}"


class Terminal:
    """A program in a pseudo-terminal; what it paints is read and kept, for those who must see why a script failed."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str], sink: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(command[0], command, env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.sink = sink.open("wb")
        self.at = time.monotonic()

    def pump(self, seconds: float) -> None:
        """Read for so long; answer the questions that programs ask terminals."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.fd], [], [], min(left, 0.1))
            if not ready:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.at = time.monotonic()
            self.sink.write(data)
            if b"\x1b[6n" in data:
                os.write(self.fd, b"\x1b[1;1R")
            if b"\x1b[c" in data:
                os.write(self.fd, b"\x1b[?1;2c")
            if b"\x1b]10;?" in data:
                os.write(self.fd, b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\")
            if b"\x1b]11;?" in data:
                os.write(self.fd, b"\x1b]11;rgb:0000/0000/0000\x1b\\")

    def settle(self, most: float) -> None:
        """Read until nothing was painted for a while, once something was; so many seconds at most."""
        self.pump(4)
        end = time.monotonic() + most
        while time.monotonic() < end and time.monotonic() - self.at < 2.5:
            self.pump(0.5)

    def type(self, data: bytes) -> None:
        """Send keys."""
        os.write(self.fd, data)

    def end(self) -> None:
        """Stop the program and its children."""
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            self.pump(1.0)
            done, _ = os.waitpid(self.pid, os.WNOHANG)
            if done:
                break
        self.sink.close()
        os.close(self.fd)


def _typed(recorder: Path, harness: str, script: Path, out: Path, program: Path, timeout: float) -> str:
    sys.path.insert(0, str(recorder))
    tool: Any = importlib.import_module("record")
    serving: Any = importlib.import_module("server")
    data = json.loads(script.read_text())
    home, project = out.resolve() / "home", out.resolve() / "project"
    home.mkdir(parents=True)
    tool.make_project(
        project,
        data.get("files")
        or {"calc.py": "def add(a, b):\n    return a - b\n", "notes.txt": "".join(f"line {i}\n" for i in range(1, 41))},
    )
    server = serving.Server(script, out / "requests", cwd=str(project))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = data.get("settings", {}).get(harness, {})
    maker = tool.HARNESSES[harness](home, project, f"http://127.0.0.1:{server.server_address[1]}", settings)
    env = {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
    } | maker.env
    if harness == "claude":
        _claude_home(home, project, tool.KEY)
    model = getattr(maker, "model", None)
    words = {
        "claude": ["--model", str(model), "--dangerously-skip-permissions"],
        "codex": [],
        "pi": ["--provider", "scripted", "--model", "claude-scripted-4-6", "--thinking", "high"],
    }[harness]
    terminal = Terminal([str(program), *words], project, env, out / "screen.txt")
    try:
        terminal.settle(30)
        for act in data["keys"]:
            _act(terminal, act, data, server, timeout)
        terminal.pump(1)
    finally:
        terminal.end()
        server.shutdown()
    tool.put(
        out / "run.json",
        {"harness": harness, "prompts": [], "logs": [str(p.relative_to(out.resolve())) for p in maker.logs(home)]},
    )
    return f"{server.count} requests, typed"


def _act(terminal: Terminal, act: dict[str, Any], data: dict[str, Any], server: Any, timeout: float) -> None:
    if "say" in act:
        text = f"{data['prompts'][act['say'] - 1]['text']} [SCRIPT:p{act['say']}]"
        terminal.type(text.encode())
        terminal.pump(1.0)
        terminal.type(KEYS["enter"])
        terminal.pump(0.5)
    elif "key" in act:
        terminal.type(KEYS[act["key"]])
        terminal.pump(0.3)
    elif "wait" in act:
        terminal.pump(act["wait"])
    elif act.get("until") == "call":
        end = time.monotonic() + timeout
        before = server.count
        while server.count <= before and time.monotonic() < end:
            terminal.pump(0.2)
    else:
        end, count, since = time.monotonic() + timeout, server.count, time.monotonic()
        while time.monotonic() < end and (time.monotonic() - since < QUIET):
            terminal.pump(0.5)
            if server.count != count:
                count, since = server.count, time.monotonic()


def _claude_home(home: Path, project: Path, key: str) -> None:
    """What keeps the program from asking before its first prompt."""
    path = home / ".claude.json"
    known = json.loads(path.read_text())
    known |= {
        "theme": "dark",
        "bypassPermissionsModeAccepted": True,
        "customApiKeyResponses": {"approved": [key[-20:]], "rejected": []},
        "hasCompletedOnboarding": True,
        "lastOnboardingVersion": "9.9.9",
        "projects": {str(project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    path.write_text(json.dumps(known))
    settings = home / ".claude" / "settings.json"
    known = json.loads(settings.read_text()) if settings.exists() else {}
    settings.write_text(json.dumps(known | {"skipDangerousModePermissionPrompt": True}))
