"""Running a stranger's command: in a sandbox that was probed first, within limits of time, memory and output.

Linux: bubblewrap, everything unshared, no network, empty home, ``/tmp`` and ``/run``, the system read only, the tree
the only folder that can be written to. macOS: ``sandbox-exec`` with a profile that says the same. Without either, a
command runs only where the caller says so (``plain``).
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tracetui.model import TracetuiError

__all__ = ["Limits", "Ran", "Sandbox", "choose"]

ROOT: Final = "/capsule/root"
"""Where the tree stands inside the sandbox."""
HOME: Final = "/capsule/home"
OVERLAY: Final = "/capsule/with"
"""Where another version of a dependency stands inside the sandbox."""
_SYSTEM: Final = ("/opt", "/nix/store")
"""Where systems keep software beside /usr; read only too."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ETC: Final = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf",
    "ssl/certs", "ssl/openssl.cnf", "java-17-openjdk", "java-21-openjdk", "java-11-openjdk", "protocols", "services",
)  # fmt: skip
_SHELL: Final = (
    'cd -- "$0" || exit 125; if [ -x /bin/bash ]; then exec /bin/bash -c "$1"; else exec /bin/sh -c "$1"; fi'
)
_POLL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """``seconds`` of wall time, bytes of ``memory`` (all processes together), of ``output``, and of one written
    ``file``."""

    seconds: float = 300.0
    memory: int = 4 * 1024**3
    output: int = 8 * 1024 * 1024
    file: int = 1024**3


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended. ``code`` is None when it was killed or never started; ``why`` then says so: ``timeout``,
    ``memory``, ``output``, ``signal N`` or what kept it from starting. ``output`` is what it printed, both streams."""

    code: int | None
    output: str
    seconds: float
    why: str | None = None


class Sandbox:
    """A way to run commands. ``kind``: ``bubblewrap``, ``sandbox-exec`` or ``none``; ``root`` is where a command sees
    the tree."""

    def __init__(self, kind: str, tools: Iterable[Path] = ()) -> None:
        self.kind = kind
        self.tools = tuple(tools)

    def root(self, tree: Path) -> str:
        """The path under which commands see the tree."""
        return ROOT if self.kind == "bubblewrap" else str(tree.resolve())

    def overlay(self, folder: Path) -> str:
        """The path under which commands see the folder of another dependency."""
        return OVERLAY if self.kind == "bubblewrap" else str(folder.resolve())

    def run(
        self,
        command: str,
        tree: Path,
        folder: str = "",
        *,
        limits: Limits | None = None,
        environ: dict[str, str] | None = None,
        overlay: Path | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Ran:
        """Run ``command`` by ``/bin/sh`` in ``folder`` (relative) of ``tree``. Never raises for what the command does.

        ``overlay`` is a folder that the command may read; ``environ`` adds to the small environment that it gets.
        """
        limits = limits or Limits()
        with tempfile.TemporaryDirectory(prefix="tracetui-sandbox-") as scratch:
            words, env = self._words(command, tree, folder, Path(scratch), overlay, environ or {})
            return _run(words, env, limits, cancelled, cwd=scratch)

    # -- how each kind is called

    def _words(
        self, command: str, tree: Path, folder: str, scratch: Path, overlay: Path | None, more: dict[str, str]
    ) -> tuple[list[str], dict[str, str]]:
        root = self.root(tree)
        where = f"{root}/{folder}" if folder else root
        bins = [str(tool.resolve() / "bin") for tool in self.tools]
        own = [place for place in os.environ.get("PATH", "").split(":") if place.startswith(_SYSTEM)]
        home = HOME if self.kind == "bubblewrap" else str(scratch / "home")
        env = {
            "PATH": ":".join([*bins, _PATH, *own]),
            "HOME": home,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": "/tmp" if self.kind == "bubblewrap" else str(scratch / "tmp"),  # noqa: S108 - inside the sandbox
            "USER": "capsule",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CI": "1",
            **more,
        }
        # The folder is entered inside, so that a link in the tree leads nowhere outside. Agents write for bash.
        script = ["/bin/sh", "-c", _SHELL, where, command]
        if self.kind == "bubblewrap":
            return [*self._bubblewrap(tree, scratch, overlay, env), "--", *script], {"PATH": _PATH}
        for name in ("home", "tmp"):
            (scratch / name).mkdir(exist_ok=True)
        if self.kind == "sandbox-exec":
            profile = _profile(tree.resolve(), scratch.resolve(), overlay, self.tools)
            return ["sandbox-exec", "-p", profile, *script], env
        return script, env

    def _bubblewrap(self, tree: Path, scratch: Path, overlay: Path | None, env: dict[str, str]) -> list[str]:
        (scratch / "passwd").write_text("capsule:x:1000:1000::/capsule/home:/bin/sh\n")
        (scratch / "group").write_text("capsule:x:1000:\n")
        (scratch / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        words = [
            "bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv",
            "--uid", "1000", "--gid", "1000", "--hostname", "capsule", "--cap-drop", "ALL",
            "--ro-bind", "/usr", "/usr",
        ]  # fmt: skip
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            place = Path("/") / name
            if place.is_symlink():
                words += ["--symlink", str(place.readlink()), str(place)]
            elif place.is_dir():
                words += ["--ro-bind", str(place), str(place)]
        for system in _SYSTEM:
            words += ["--ro-bind-try", system, system]
        for name in _ETC:
            words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        for name in ("passwd", "group", "hosts"):
            words += ["--ro-bind", str(scratch / name), f"/etc/{name}"]
        words += ["--proc", "/proc", "--dev", "/dev"]
        for empty in ("/tmp", "/run", "/var/tmp", HOME):  # noqa: S108 - inside the sandbox
            words += ["--tmpfs", empty]
        words += ["--bind", str(tree.resolve()), ROOT]
        if overlay is not None:
            words += ["--ro-bind", str(overlay.resolve()), OVERLAY]
        for tool in self.tools:  # under their own names, which interpreters and libraries know
            words += ["--ro-bind", str(tool.resolve()), str(tool.resolve())]
        for name, value in env.items():
            words += ["--setenv", name, value]
        return [*words, "--chdir", ROOT]


def _profile(tree: Path, scratch: Path, overlay: Path | None, tools: Iterable[Path]) -> str:
    """A profile for ``sandbox-exec``: no network, no home, the tree and a scratch folder to write to."""

    def path(place: Path) -> str:
        return '"' + str(place).replace("\\", "\\\\").replace('"', '\\"') + '"'

    readable = ["/usr", "/bin", "/sbin", "/System", "/Library", "/opt", "/dev", "/private/etc", "/private/var/db"]
    places = [Path(place) for place in readable] + [tree, scratch, *tools] + ([overlay] if overlay else [])
    return "\n".join(
        [
            "(version 1)",
            "(deny default)",
            "(allow process-fork process-exec signal sysctl-read mach-lookup ipc-posix-shm)",
            "(deny network*)",
            '(allow file-read-metadata (subpath "/"))',
            "(allow file-read* " + " ".join(f"(subpath {path(place)})" for place in places) + ' (literal "/"))',
            "(allow file-write* "
            + " ".join(f"(subpath {path(place)})" for place in (tree, scratch))
            + ' (literal "/dev/null") (literal "/dev/tty"))',
        ]
    )


# -- choosing


def choose(*, allow_none: bool = False, tools: Iterable[Path] = ()) -> Sandbox:
    """The sandbox of this machine, after it was probed. Raises TracetuiError when there is none, unless ``allow_none``
    says that commands may run without one.

    ``tools`` are folders (with ``bin``) that commands may read beside the system's. Where the system has no Python, the
    one that runs this program is such a folder.
    """
    tools = tuple(tools)
    wrong_tool = next((tool for tool in tools if not tool.is_dir()), None)
    if wrong_tool is not None:
        raise TracetuiError(f"{wrong_tool} is no folder of tools", status=2)
    if shutil.which("python3", path=_PATH) is None and (Path(sys.base_prefix) / "bin" / "python3").exists():
        tools = (*tools, Path(sys.base_prefix))
    kind = {"Linux": "bubblewrap", "Darwin": "sandbox-exec"}.get(platform.system())
    if allow_none:
        return Sandbox("none", tools)
    tool = {"bubblewrap": "bwrap", "sandbox-exec": "sandbox-exec"}.get(kind or "")
    without = "; to run it without one, with all your rights: --no-sandbox"
    if kind is None or tool is None or shutil.which(tool) is None:
        hint = "install bubblewrap (bwrap)" if kind == "bubblewrap" else "this system has none that is known"
        raise TracetuiError(f"There is no sandbox to run a stranger's command in: {hint}{without}")
    sandbox = Sandbox(kind, tools)
    wrong = probe(sandbox)
    if wrong is not None:
        raise TracetuiError(f"The sandbox does not hold here ({wrong}){without}")
    return sandbox


_PROBE: Final = """
test "$(pwd -P)" != / || echo BAD no folder
echo x > inside || echo BAD read-only folder
echo x > "$OUTSIDE" && echo BAD a way out
cat "$SECRET" && echo BAD a way to read
test -z "$TRACETUI_PROBE" || echo BAD the environment
(ls "$REALHOME"/* >/dev/null 2>&1) && echo BAD the home folder
if test -r /proc/net/dev; then test "$(grep -c : /proc/net/dev)" -le 1 || echo BAD the network; fi
echo DONE
"""


def probe(sandbox: Sandbox) -> str | None:
    """Try whether the sandbox holds: no way out of the folder, no home, no environment, no network. What is wrong."""
    with tempfile.TemporaryDirectory(prefix="tracetui-probe-") as scratch:
        place = Path(scratch)
        tree = place / "tree"
        tree.mkdir()
        secret = place / "secret"
        secret.write_text("seen\n")
        environ = {
            "OUTSIDE": str(place / "outside"),
            "SECRET": str(secret),
            "REALHOME": os.environ.get("HOME") or "/root",
        }
        os.environ["TRACETUI_PROBE"] = "1"
        try:
            ran = sandbox.run(_PROBE, tree, environ=environ, limits=Limits(20, 1024**3, 65536, 1024**2))
        finally:
            del os.environ["TRACETUI_PROBE"]
        if ran.code is None or "DONE" not in ran.output:
            first = next((line for line in ran.output.splitlines() if line.strip()), ran.why or "it did not start")
            return first[:120]
        bad = [line[4:] for line in ran.output.splitlines() if line.startswith("BAD ")]
        if (place / "outside").exists():
            bad.append("a file was written outside")
        return ", ".join(bad) or None


# -- running


def _limit(limits: Limits) -> Callable[[], None]:
    def apply() -> None:
        import resource

        for name, value in (("RLIMIT_DATA", limits.memory), ("RLIMIT_FSIZE", limits.file), ("RLIMIT_CORE", 0)):
            number = getattr(resource, name, None)
            if number is not None:
                hard = resource.getrlimit(number)[1]
                cap = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(number, (cap, cap))

    return apply


class _Drain(threading.Thread):
    """Keeps the first and the last part of what a process prints, and counts all of it."""

    def __init__(self, pipe: Any, limit: int) -> None:
        super().__init__(daemon=True)
        self.pipe, self.half = pipe, limit // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.count = 0

    def run(self) -> None:
        try:
            while data := self.pipe.read1(65536):
                self.count += len(data)
                room = self.half - len(self.head)
                self.head += data[:room]
                self.tail += data[max(0, room) :]
                if len(self.tail) > 2 * self.half:
                    del self.tail[: len(self.tail) - self.half]
        except (OSError, ValueError):
            pass

    def text(self) -> str:
        tail = self.tail[-self.half :]
        gap = b"\n[...]\n" if len(self.head) + len(tail) < self.count else b""
        return bytes(self.head + gap + tail).decode("utf-8", "replace")


def _run(words: list[str], env: dict[str, str], limits: Limits, cancelled: Callable[[], bool] | None, cwd: str) -> Ran:
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            close_fds=True,
            start_new_session=True,
            preexec_fn=_limit(limits),  # noqa: PLW1509 - one call to setrlimit, before any thread of ours matters
        )
    except OSError as error:
        return Ran(None, "", 0.0, f"it could not be started: {error.strerror or error}")
    drain = _Drain(process.stdout, limits.output)
    drain.start()
    why: str | None = None
    try:
        while True:
            try:
                process.wait(_POLL)
                break
            except subprocess.TimeoutExpired:
                pass
            if time.monotonic() - began > limits.seconds:
                why = "timeout"
            elif drain.count > 8 * limits.output:
                why = "output"
            elif _memory(process.pid) > limits.memory:
                why = "memory"
            elif cancelled is not None and cancelled():
                why = "cancelled"
            if why is not None:
                break
    finally:
        _kill(process)
    drain.join(5)
    if process.stdout is not None:
        process.stdout.close()
    code: int | None = process.returncode
    if why is None and code is not None and code < 0:
        why = f"signal {-code}"
    return Ran(None if why else code, drain.text(), time.monotonic() - began, why)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and its group; in bubblewrap the first process of its own space takes all others with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()


def _memory(pid: int) -> int:
    """Resident bytes of a process and all that descend from it; 0 where that is not known."""
    if not sys.platform.startswith("linux"):
        return 0
    page = os.sysconf("SC_PAGE_SIZE")
    parents: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/stat", "rb") as stream:  # noqa: PTH123 - runs ten times a second
                fields = stream.read(2048).rpartition(b")")[2].split()
        except OSError:
            continue
        if len(fields) > 21:
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            sizes[int(entry.name)] = int(fields[21]) * page
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        total += sizes.get(one, 0)
        waiting += parents.get(one, ())
    return total
