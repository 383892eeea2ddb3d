"""Running a stranger's command: in a sandbox that was probed first, within limits.

Linux: bubblewrap, everything unshared, no network, empty home, ``/tmp`` and ``/run``, the system read only, the tree
the only folder on the disk that can be written to. macOS: ``sandbox-exec`` with a profile that says the same. Without
either, a command runs only where the caller says so (``none``).
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from tracetui.capsule.limits import Limits, Ran, run_within, tasks_of_user
from tracetui.capsule.tools import HOME, SYSTEM_PATH, Tools
from tracetui.model import TracetuiError

__all__ = ["Limits", "Ran", "Sandbox", "choose", "probe"]

ROOT: Final = "/capsule/root"
"""Where the tree stands inside the sandbox."""
OVERLAY: Final = "/capsule/with"
"""Where another version of a dependency stands inside the sandbox."""
_ETC: Final = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf",
    "ssl/certs", "ssl/openssl.cnf", "java-17-openjdk", "java-21-openjdk", "java-11-openjdk", "protocols", "services",
)  # fmt: skip
_SHELL: Final = (
    'cd -- "$0" || exit 125; if [ -x /bin/bash ]; then exec /bin/bash -c '
    '\'ulimit -u "$1" 2>/dev/null; exec /bin/bash -c "$0"\' "$1" "$2"; '
    'else ulimit -p "$2" 2>/dev/null; exec /bin/sh -c "$1"; fi'
)
_MIB: Final = 1024**2
_OFFLINE: Final = {
    "npm_config_offline": "true", "npm_config_update_notifier": "false", "PIP_RETRIES": "0", "UV_OFFLINE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1", "GOPROXY": "off", "GOTOOLCHAIN": "local", "CARGO_NET_OFFLINE": "true",
}  # fmt: skip
"""So that tools say at once that there is no network, and do not try again until the time is over."""
_EMPTY: Final = (
    ("/tmp", 1024), ("/run", 64), ("/var/tmp", 256), (HOME, 1024), ("/dev/shm", 512),  # noqa: S108 - inside the sandbox
)  # fmt: skip
"""Folders of memory and what they hold at most, in MiB."""
_COUNTED_APART: Final = (5, 14)
"""The version of Linux that counts the processes of a sandbox by themselves, not with all of the user's."""


class Sandbox:
    """A way to run commands. ``kind``: ``bubblewrap``, ``sandbox-exec`` or ``none``; ``tools`` is what commands may
    read beside the system."""

    def __init__(self, kind: str, tools: Tools | None = None) -> None:
        self.kind = kind
        self.tools = tools or Tools()

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
        over: Iterable[tuple[Path, str]] = (),
        cancelled: Callable[[], bool] | None = None,
    ) -> Ran:
        """Run ``command`` by ``bash``, else ``sh``, in ``folder`` (relative) of ``tree``. Never raises for what the
        command does.

        ``overlay`` is a folder that the command may read; ``over``: folders shown in place of those of ``tools``, by
        their path in the tree; ``environ`` adds to the small environment that it gets.
        """
        limits = limits or Limits()
        with tempfile.TemporaryDirectory(prefix="tracetui-sandbox-", dir=tree.resolve().parent) as scratch:
            words, env = self._words(command, tree, folder, Path(scratch), overlay, over, environ or {}, limits)
            return run_within(words, env, limits, cancelled, scratch, tree)

    # -- how each kind is called

    def _words(
        self,
        command: str,
        tree: Path,
        folder: str,
        scratch: Path,
        overlay: Path | None,
        over: Iterable[tuple[Path, str]],
        more: dict[str, str],
        limits: Limits,
    ) -> tuple[list[str], dict[str, str]]:
        root = self.root(tree)
        where = f"{root}/{folder}" if folder else root
        home = HOME if self.kind == "bubblewrap" else str(scratch / "home")
        env = {
            "PATH": ":".join([*self.tools.bins, SYSTEM_PATH]),
            "HOME": home,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": "/tmp" if self.kind == "bubblewrap" else str(scratch / "tmp"),  # noqa: S108 - inside the sandbox
            "USER": "capsule",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **_OFFLINE,
            **self.tools.environ,
            **more,
        }
        # The folder is entered inside, so that a link in the tree leads nowhere outside. Agents write for bash.
        tasks = _tasks(limits) if self.kind == "bubblewrap" else "unlimited"
        script = ["/bin/sh", "-c", _SHELL, where, command, tasks]
        if self.kind == "bubblewrap":
            return [*self._bubblewrap(tree, scratch, overlay, over, env), "--", *script], {"PATH": SYSTEM_PATH}
        for name in ("home", "tmp"):
            (scratch / name).mkdir(exist_ok=True)
        for source, at in (*over, *self.tools.mounts):
            if at.startswith("{root}/") and not os.path.lexists(tree / at[7:]):
                (tree / at[7:]).symlink_to(source)
        if self.kind == "sandbox-exec":
            reads = [source for source, _ in (*self.tools.mounts, *over)] + ([overlay.resolve()] if overlay else [])
            return ["sandbox-exec", "-p", _profile(tree.resolve(), scratch.resolve(), reads), *script], env
        return script, env

    def _bubblewrap(
        self, tree: Path, scratch: Path, overlay: Path | None, over: Iterable[tuple[Path, str]], env: dict[str, str]
    ) -> list[str]:
        (scratch / "passwd").write_text("capsule:x:1000:1000::/capsule/home:/bin/sh\n")
        (scratch / "group").write_text("capsule:x:1000:\n")
        (scratch / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        words = [
            "bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv",
            "--uid", "1000", "--gid", "1000", "--hostname", "capsule", "--cap-drop", "ALL",
            "--ro-bind", "/usr", "/usr",
        ]  # fmt: skip
        known = _options()
        if "--disable-userns" in known:
            words.append("--disable-userns")
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            place = Path("/") / name
            if place.is_symlink():
                words += ["--symlink", str(place.readlink()), str(place)]
            elif place.is_dir():
                words += ["--ro-bind", str(place), str(place)]
        words += ["--ro-bind-try", "/nix/store", "/nix/store"]
        for name in _ETC:
            words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        for name in ("passwd", "group", "hosts"):
            words += ["--ro-bind", str(scratch / name), f"/etc/{name}"]
        words += ["--proc", "/proc", "--dev", "/dev"]

        def empty(at: str, mib: int) -> None:
            words.extend(["--size", str(mib * _MIB)] if "--size" in known else [])
            words.extend(["--tmpfs", at])

        for at, mib in _EMPTY:
            empty(at, mib)
        words += ["--bind", str(tree.resolve()), ROOT]
        if overlay is not None:
            words += ["--ro-bind", str(overlay.resolve()), OVERLAY]
        made: set[str] = set()
        for source, at in (*self.tools.mounts, *over):
            name = at[7:] if at.startswith("{root}/") else ""
            if name and name.split("/")[0] not in made:
                # What the tree itself holds comes first; below what is shown in it, more may be shown.
                if "/" in name or not is_free(tree / name):
                    continue
                made.add(name)
            words += ["--ro-bind", str(source), f"{ROOT}/{name}" if name else at]
        for at in self.tools.scratch:
            if at[7:].split("/")[0] in made:
                empty(f"{ROOT}/{at[7:]}", 256)
        for name, value in env.items():
            words += ["--setenv", name, value]
        return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", ROOT]


def is_free(path: Path) -> bool:
    """Whether nothing stands at a path of a tree but an empty folder, as one is left where something was shown."""
    if not os.path.lexists(path):
        return True
    if path.is_symlink() or not path.is_dir():
        return False
    with os.scandir(path) as found:
        return next(found, None) is None


@functools.cache
def _options() -> frozenset[str]:
    """The options that this bubblewrap has."""
    try:
        done = subprocess.run(["bwrap", "--help"], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(re.findall(r"--[a-z0-9-]{2,40}", (done.stdout + done.stderr).decode("utf-8", "replace")))


def _tasks(limits: Limits) -> str:
    """How many processes the shell is told to allow. The watch kills at half of it: what the shell may start is only to
    keep them from growing faster than they are watched."""
    numbers = re.findall(r"[0-9]{1,6}", platform.release())[:2]
    apart = tuple(int(number) for number in numbers) >= _COUNTED_APART
    return str(2 * limits.tasks + (0 if apart else tasks_of_user()))


def _profile(tree: Path, scratch: Path, reads: Iterable[Path]) -> str:
    """A profile for ``sandbox-exec``: no network, no home, the tree and a scratch folder to write to."""

    def path(place: Path) -> str:
        return '"' + str(place).replace("\\", "\\\\").replace('"', '\\"') + '"'

    readable = ["/usr", "/bin", "/sbin", "/System", "/Library", "/opt", "/dev", "/private/etc", "/private/var/db"]
    places = [*(Path(place) for place in readable), tree, scratch, *reads]
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


def choose(*, allow_none: bool = False, tools: Tools | None = None, scratch: Path | None = None) -> Sandbox:
    """The sandbox of this machine, after it was probed. Raises TracetuiError when there is none, unless ``allow_none``
    says that commands may run without one. ``tools`` is what commands may read beside the system; ``scratch`` a private
    folder for the probe."""
    kind = {"Linux": "bubblewrap", "Darwin": "sandbox-exec"}.get(platform.system())
    if allow_none:
        return Sandbox("none", tools)
    tool = {"bubblewrap": "bwrap", "sandbox-exec": "sandbox-exec"}.get(kind or "")
    without = "; to run it without one, with all your rights: --no-sandbox"
    if kind is None or tool is None or shutil.which(tool) is None:
        hint = "install bubblewrap (bwrap)" if kind == "bubblewrap" else "this system has none that is known"
        raise TracetuiError(f"There is no sandbox to run a stranger's command in: {hint}{without}")
    sandbox = Sandbox(kind, tools)
    wrong = probe(sandbox, scratch)
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


def probe(sandbox: Sandbox, scratch: Path | None = None) -> str | None:
    """Try whether the sandbox holds: no way out of the folder, no home, no environment, no network. What is wrong."""
    with tempfile.TemporaryDirectory(prefix="tracetui-probe-", dir=scratch) as folder:
        place = Path(folder)
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
            ran = sandbox.run(_PROBE, tree, environ=environ, limits=Limits(20, 1024**3, 65536, _MIB))
        finally:
            del os.environ["TRACETUI_PROBE"]
        if ran.code is None or "DONE" not in ran.output:
            first = next((line for line in ran.output.splitlines() if line.strip()), ran.why or "it did not start")
            return first[:120]
        bad = [line[4:] for line in ran.output.splitlines() if line.startswith("BAD ")]
        if (place / "outside").exists():
            bad.append("a file was written outside")
        return ", ".join(bad) or None
