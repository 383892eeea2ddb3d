"""How fast the app is, under a pseudo-terminal, beside a bare Textual app measured in the same minute.

    python bench/tui.py [--sessions 10000] [--steps 100000] [--runs 9] [--presses 1000] [--json]

First frame: from exec to the bytes of the first full frame, with a bucket of many sessions. Keys: from the write of a
key to the last byte that it caused, in a session of many steps; the figure is the 99th percentile.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, ROWS = 120, 40
KEYS = {"j": b"j", "k": b"k", "page down": b"\x1b[6~", "g": b"g", "G": b"G", "n": b"n"}

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("first frame of a bare app")
Bare().run()
"""

BARE_LIST = """
from rich.segment import Segment
from textual.app import App
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
class Rows(ScrollView, can_focus=True):
    BINDINGS = [("j", "go(1)", ""), ("k", "go(-1)", ""), ("pagedown", "go(38)", ""), ("G", "go(1000000)", ""),
                ("g", "go(-1000000)", ""), ("n", "go(7)", "")]
    at = 0
    def on_mount(self):
        self.virtual_size = Size(118, 100_000)
        self.focus()
    def action_go(self, by):
        old, self.at = self.at, min(max(self.at + by, 0), 99_999)
        self.refresh_line(old)
        self.refresh_line(self.at)
        top = self.scroll_offset.y
        if not top <= self.at < top + 40:
            self.scroll_to(y=self.at if self.at < top else self.at - 39, animate=False, force=True)
    def render_line(self, y):
        at = y + self.scroll_offset.y
        mark = ">" if at == self.at else " "
        return Strip([Segment(f"{mark} {at} a row of a bare list, as plain as can be")]).adjust_cell_length(118)
class Bare(App):
    def compose(self):
        yield Rows()
Bare().run()
"""


class Terminal:
    """A program under a pty that answers the questions a modern terminal would answer."""

    ANSWERS: ClassVar = {
        b"\x1b[?2026$p": b"\x1b[?2026;2$y",
        b"\x1b[?u": b"\x1b[?0u",
        b"\x1b[c": b"\x1b[?62;4c",
        b"\x1b[?2048$p": b"\x1b[?2048;0$y",
    }

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvpe(command[0], command, environ)
        self.seen = b""
        self.bytes = 0

    def read(self, seconds: float) -> bytes:
        """What comes within so many seconds; nothing when nothing comes or the program is gone."""
        ready, _, _ = select.select([self.handle], [], [], max(0.0, seconds))
        if not ready:
            return b""
        try:
            chunk = os.read(self.handle, 1 << 16)
        except OSError:
            return b""
        self.bytes += len(chunk)
        self.seen = (self.seen + chunk)[-400_000:]
        for question, answer in self.ANSWERS.items():
            if question in chunk:
                os.write(self.handle, answer)
        return chunk

    def until(self, sentinel: bytes, seconds: float = 30.0) -> float:
        """Seconds from the start until ``sentinel`` was written."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if self.read(0.5) and sentinel in self.seen:
                return time.perf_counter() - self.started
        raise SystemExit(f"{sentinel!r} was not shown within {seconds:.0f} s; last: {self.seen[-2000:]!r}")

    def quiet(self, seconds: float = 0.5) -> None:
        """Read until nothing came for so long."""
        while self.read(seconds):
            pass

    def press(self, key: bytes, settle: float = 0.025) -> float | None:
        """Seconds from the key to the last byte of the burst that it caused; None when nothing was written.

        A burst ends when nothing came for ``settle`` seconds; it must be shorter than the 40 ms after which the app
        loads what belongs to the row, which is no part of the answer to the key.
        """
        sent = time.perf_counter()
        os.write(self.handle, key)
        last = None
        end = sent + 2
        while (now := time.perf_counter()) < end:
            if not self.read(settle if last else end - now):
                break
            last = time.perf_counter()
        return last - sent if last else None

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far; what counts on a machine that is busy with other things."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """Resident kilobytes."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.handle)


def log_lines(session: str, steps: int, start: int) -> Iterator[str]:
    """A log of the shape of Claude Code: turns of a prompt, thinking, reads, an edit, commands and a message."""
    parent = None
    step = 0

    def record(kind: str, message: dict[str, object], **more: object) -> str:
        nonlocal parent
        uuid = f"{session}-{step}-{kind}"
        value = {
            "type": kind,
            "uuid": uuid,
            "parentUuid": parent,
            "sessionId": session,
            "cwd": f"/home/u/src/project-{start % 40}",
            "version": "2.1.0",
            "gitBranch": "main",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1_700_000_000 + start * 600 + step)),
            "message": message,
            **more,
        }
        parent = uuid
        return json.dumps(value)

    def answer(block: dict[str, object]) -> str:
        usage = {"input_tokens": 3, "cache_read_input_tokens": 2000 + step, "output_tokens": 90}
        message = {"role": "assistant", "id": f"m{step}", "model": "model-a", "content": [block], "usage": usage}
        return record("assistant", message, requestId=f"r{step}")

    while step < steps:
        turn = step % 10
        step += 1
        if turn == 0:
            yield record("user", {"role": "user", "content": f"please look at problem {step} of {session}"})
        elif turn in (1, 9):
            text = f"step {step}: the window resets because the count lives in memory"
            yield answer({"type": "text", "text": text})
        else:
            name, given = {
                2: ("Read", {"file_path": f"/src/module_{step % 97}.py"}),
                3: ("Grep", {"pattern": f"window_{step}"}),
                4: ("Edit", {"file_path": f"/src/module_{step % 97}.py", "old_string": "a", "new_string": f"b{step}"}),
            }.get(turn, ("Bash", {"command": f"pytest -q tests/test_{step % 97}.py"}))
            call = f"call{step}"
            yield answer({"type": "tool_use", "id": call, "name": name, "input": given})
            result = {
                "type": "tool_result",
                "tool_use_id": call,
                "content": f"needle {step}",
                "is_error": step % 35 == 0,
            }
            yield record("user", {"role": "user", "content": [result]})


def build(folder: Path, sessions: int, steps: int, environ: dict[str, str]) -> tuple[Path, str]:
    """A bucket with many small sessions and a long one; gives it and the id of the long one."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for number in range(sessions):
        name = f"{number:08x}-0000-4000-8000-{number:012x}"
        (logs / f"{name}.jsonl").write_text("\n".join(log_lines(name, 6, number)) + "\n")
    long = "ffffffff-0000-4000-8000-ffffffffffff"
    with (logs / f"{long}.jsonl").open("w") as out:
        for line in log_lines(long, steps, sessions + 10):
            out.write(line + "\n")
    bucket = folder / "bucket"
    command = [sys.executable, "-m", "tracetui", "--bucket", str(bucket), "index", str(logs)]
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return bucket, long


def first_frame(command: list[str], sentinel: bytes, environ: dict[str, str]) -> tuple[float, float]:
    """Seconds on the clock and of the processor until ``sentinel`` was shown."""
    terminal = Terminal(command, environ)
    try:
        return terminal.until(sentinel), terminal.cpu
    finally:
        terminal.close()


def keys_of(terminal: Terminal, presses: int) -> tuple[dict[str, dict[str, float]], float]:
    """Figures for each key, and the 99th percentile of them all, in milliseconds."""
    found: dict[str, dict[str, float]] = {}
    every: list[float] = []
    for name, key in KEYS.items():
        terminal.press(b"g")
        terminal.quiet(0.3)
        times = []
        for at in range(presses // len(KEYS)):
            if name == "k" and not at:
                terminal.press(b"G")
                terminal.quiet(0.2)
            if name in "gG":
                terminal.press(b"G" if name == "g" else b"g")
            took = terminal.press(key)
            if took is not None:
                times.append(took * 1e3)
        every += times
        found[name] = {
            "p50_ms": round(statistics.median(times), 1),
            "p99_ms": round(percentile(times, 0.99), 1),
            "max_ms": round(max(times), 1),
        }
    return found, round(percentile(every, 0.99), 1)


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--presses", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="a folder that holds, or will hold, the bucket")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    folder = options.keep or Path(tempfile.mkdtemp(prefix="tracetui-bench-"))
    environ = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(ROOT),
    }
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
    found: dict[str, object] = {}
    try:
        bucket, long = folder / "bucket", "ffffffff-0000-4000-8000-ffffffffffff"
        if not bucket.is_dir():
            bucket, long = build(folder, options.sessions, options.steps, environ)
        (folder / "home").mkdir(exist_ok=True)
        app = [sys.executable, "-m", "tracetui", "--bucket", str(bucket)]
        bare: list[tuple[float, float]] = []
        ours: list[tuple[float, float]] = []
        for _ in range(options.runs):  # in turns, so that both see the same machine
            bare.append(first_frame([sys.executable, "-c", BARE], b"first frame", environ))
            ours.append(first_frame(app, b"Adding up", environ))
        a, b = (statistics.median(wall for wall, _ in runs) for runs in (bare, ours))
        c, d = (statistics.median(cpu for _, cpu in runs) for runs in (bare, ours))
        found["first_frame"] = {
            "bare_ms": round(a * 1e3),
            "app_ms": round(b * 1e3),
            "ratio": round(b / a, 2),
            "bare_cpu_ms": round(c * 1e3),
            "app_cpu_ms": round(d * 1e3),
            "cpu_ratio": round(d / c, 2),
        }

        terminal = Terminal([sys.executable, "-c", BARE_LIST], environ)
        try:
            terminal.until(b"> 0")
            terminal.quiet(0.5)
            found["bare_keys"], found["bare_keys_p99_ms"] = keys_of(terminal, options.presses)
        finally:
            terminal.close()

        source = (
            "import sys; from tracetui.bucket import Bucket; from tracetui.tui.app import run; "
            "sys.exit(run(Bucket.open(sys.argv[1]), session=sys.argv[2]))"
        )
        terminal = Terminal([sys.executable, "-c", source, str(bucket), long], environ)
        try:
            terminal.until(b"1 of ")
            terminal.quiet(1.5)
            terminal.press(b"/")
            terminal.quiet(0.5)
            for letter in b"needle":
                terminal.press(bytes([letter]))
            terminal.quiet(3.0)
            terminal.press(b"\r")
            terminal.quiet(1.0)
            found["keys"], found["keys_p99_ms"] = keys_of(terminal, options.presses)
            found["memory_mb"] = round(terminal.memory / 1000)
        finally:
            terminal.close()
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(found))
        return
    frame = found["first_frame"]
    assert isinstance(frame, dict)
    print(f"first frame, {options.sessions:,} sessions   {frame['app_ms']} ms   bare Textual app {frame['bare_ms']} ms")
    print(
        f"  {frame['ratio']}x; processor {frame['app_cpu_ms']} ms and {frame['bare_cpu_ms']} ms, {frame['cpu_ratio']}x"
    )
    print(
        f"keys in {options.steps:,} steps, p99   {found['keys_p99_ms']} ms   bare list {found['bare_keys_p99_ms']} ms"
    )
    print(f"memory                          {found['memory_mb']} MB")
    ours_keys, bare_keys = found["keys"], found["bare_keys"]
    assert isinstance(ours_keys, dict)
    assert isinstance(bare_keys, dict)
    for name, figures in ours_keys.items():
        p50, p99, most = figures["p50_ms"], figures["p99_ms"], figures["max_ms"]
        beside = bare_keys[name]
        print(
            f"  {name:<10} p50 {p50:>6} ms   p99 {p99:>6} ms   max {most:>6} ms"
            f"   bare p50 {beside['p50_ms']:>6} ms   p99 {beside['p99_ms']:>6} ms"
        )


if __name__ == "__main__":
    main()
