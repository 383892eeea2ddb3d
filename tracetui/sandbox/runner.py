"""Running a stranger's command: in a sandbox that was probed first, within limits.

Linux: bubblewrap, everything unshared, no network, empty home, ``/tmp`` and ``/run``, the system read only, the tree
the only folder on the disk that can be written to. macOS: ``sandbox-exec`` with a profile that says the same. Without
either, a command runs only where the caller says so (``none``).
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from tracetui.model import TracetuiError
from tracetui.sandbox import bubblewrap, seatbelt, seccomp
from tracetui.sandbox.aside import HOOKS, SHELL, Aside, cut
from tracetui.sandbox.limits import Limits, Ran, run_within
from tracetui.sandbox.tools import HOME, SYSTEM_PATH, Tools

__all__ = ["Limits", "Ran", "Sandbox", "choose"]

_SHELL: Final = (
    'cd -- "$0" || exit 125; if [ -x /bin/bash ]; then exec /bin/bash -c '
    '\'ulimit -u "$1" 2>/dev/null; exec /bin/bash -c "$0"\' "$1" "$2"; '
    'else ulimit -p "$2" 2>/dev/null; exec /bin/sh -c "$1"; fi'
)
_OFFLINE: Final = {
    "npm_config_offline": "true", "npm_config_update_notifier": "false", "PIP_RETRIES": "0", "UV_OFFLINE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1", "GOPROXY": "off", "GOTOOLCHAIN": "local", "CARGO_NET_OFFLINE": "true",
}  # fmt: skip
"""So that tools say at once that there is no network, and do not try again until the time is over."""


class Sandbox:
    """A way to run commands. ``kind``: ``bubblewrap``, ``sandbox-exec`` or ``none``; ``tools`` is what commands may
    read beside the system."""

    def __init__(self, kind: str, tools: Tools | None = None) -> None:
        self.kind = kind
        self.tools = tools or Tools()

    def root(self, tree: Path) -> str:
        """The path under which commands see the tree."""
        return bubblewrap.ROOT if self.kind == "bubblewrap" else str(tree.resolve())

    def overlay(self, folder: Path) -> str:
        """The path under which commands see the folder of another dependency."""
        return bubblewrap.OVERLAY if self.kind == "bubblewrap" else str(folder.resolve())

    def hooks(self, folder: Path) -> str:
        """The path under which commands see the folder of hooks."""
        return HOOKS if self.kind == "bubblewrap" else str(folder.resolve())

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
        aside: Aside | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Ran:
        """Run ``command`` by ``bash``, else ``sh``, in ``folder`` (relative) of ``tree``. Never raises for what the
        command does.

        ``overlay`` is a folder that the command may read; ``over``: folders shown in place of those of ``tools``, by
        their path in the tree; ``environ`` adds to the small environment that it gets; ``aside`` is what it is asked
        to leave beside its output.
        """
        limits = limits or Limits()
        with tempfile.TemporaryDirectory(prefix="tracetui-sandbox-", dir=tree.resolve().parent) as scratch:
            place = Path(scratch)
            env = self._environ(place, environ or {})
            # The folder is entered inside, so that a link in the tree leads nowhere outside. Agents write for bash.
            root = self.root(tree)
            tasks = bubblewrap.tasks(limits) if self.kind == "bubblewrap" else "unlimited"
            at = f"{root}/{folder}" if folder else root
            script = ["/bin/sh", "-c", _SHELL, at, command, tasks]
            over = list(over)
            if aside is not None:
                left = f"{env['TMPDIR']}/aside"
                env |= {"TRACETUI_ASIDE": left} | ({"TRACETUI_TAP": "1"} if aside.tap else {})
                start = f"{self.hooks(aside.hooks)}/shell.sh"
                script = ["/bin/sh", "-c", SHELL, at, command, tasks, start, left, aside.mark, *aside.versions]
                over.append((aside.hooks.resolve(), HOOKS))
            if self.kind == "bubblewrap":
                with _filter() as filter_fd:
                    words = bubblewrap.words(tree, place, self.tools, overlay, over, env, filter_fd)
                    env = {"PATH": SYSTEM_PATH}
                    ran = run_within([*words, "--", *script], env, limits, cancelled, scratch, tree, fds=[filter_fd])
            else:
                words = [*self._outside(tree, place, overlay, over), *script]
                ran = run_within(words, env, limits, cancelled, scratch, tree, unconfined=True)
        if aside is None:
            return ran
        output, beside = cut(ran.output, aside.mark)
        return replace(ran, output=output, beside=beside)

    # -- how each kind is called

    def _environ(self, scratch: Path, more: dict[str, str]) -> dict[str, str]:
        inside = self.kind == "bubblewrap"
        return {
            "PATH": ":".join([*self.tools.bins, SYSTEM_PATH]),
            "HOME": HOME if inside else str(scratch / "home"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": "/tmp" if inside else str(scratch / "tmp"),  # noqa: S108 - inside the sandbox
            "USER": "capsule",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **_OFFLINE,
            **self.tools.environ,
            **more,
        }

    def _outside(self, tree: Path, scratch: Path, overlay: Path | None, over: list[tuple[Path, str]]) -> list[str]:
        """What stands before the words of a command that shares our folders."""
        for name in ("home", "tmp"):
            (scratch / name).mkdir(exist_ok=True)
        for source, at in (*over, *self.tools.mounts):
            if at.startswith("{root}/") and not os.path.lexists(tree / at[7:]):
                (tree / at[7:]).symlink_to(source)
        launched = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launcher.py"))]
        if self.kind != "sandbox-exec":
            return launched
        reads = [source for source, _ in (*self.tools.mounts, *over)] + ([overlay.resolve()] if overlay else [])
        return ["sandbox-exec", "-p", seatbelt.profile(tree.resolve(), scratch.resolve(), reads)]


@contextlib.contextmanager
def _filter() -> Iterator[int]:
    """A descriptor from which the filter of system calls can be read. Raises TracetuiError where there is none."""
    program = seccomp.program()
    if program is None:
        raise TracetuiError(f"There is no filter of system calls for this processor ({platform.machine()})")
    reads, writes = os.pipe()
    try:
        with os.fdopen(writes, "wb") as stream:
            stream.write(program)
        yield reads
    finally:
        os.close(reads)


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
    from tracetui.sandbox.probe import probe, probe_tools

    if kind == "bubblewrap" and seccomp.program() is None:
        raise TracetuiError(f"There is no sandbox for this processor ({platform.machine()}) yet{without}")
    # First without tools: what they show of the home must not be taken for a hole.
    sandbox = Sandbox(kind, tools)
    wrong = probe(Sandbox(kind), scratch) or probe_tools(sandbox, scratch)
    if wrong is not None:
        raise TracetuiError(f"The sandbox does not hold here ({wrong}){without}")
    return sandbox
