"""How bubblewrap is called: everything unshared, no network, empty home, ``/tmp`` and ``/run``, the system and
``/proc`` read only, the tree the only folder on the disk that can be written to, and a filter of system calls on top.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tracetui.sandbox.limits import Limits, tasks_of_user
from tracetui.sandbox.tools import HOME, Tools

__all__ = ["OVERLAY", "ROOT", "is_free", "options", "tasks", "words"]

ROOT: Final = "/capsule/root"
"""Where the tree stands inside the sandbox."""
OVERLAY: Final = "/capsule/with"
"""Where another version of a dependency stands inside the sandbox."""
_ETC: Final = (
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf",
    "ssl/certs", "ssl/openssl.cnf", "java-17-openjdk", "java-21-openjdk", "java-11-openjdk", "protocols", "services",
)  # fmt: skip
_MIB: Final = 1024**2
_EMPTY: Final = (
    ("/tmp", 1024), ("/run", 64), ("/var/tmp", 256), (HOME, 1024), ("/dev/shm", 512),  # noqa: S108 - inside the sandbox
)  # fmt: skip
"""Folders of memory and what they hold at most, in MiB."""
_HIDDEN: Final = (
    "keys", "key-users", "kcore", "kmsg", "kallsyms", "sched_debug", "timer_list", "latency_stats", "sysrq-trigger",
)  # fmt: skip
"""Files of ``/proc`` that tell of the system outside, or act on it."""
_COUNTED_APART: Final = (5, 14)
"""The version of Linux that counts the processes of a sandbox by themselves, not with all of the user's."""


def words(  # noqa: C901 - a branch for each thing that is bound or hidden
    tree: Path,
    scratch: Path,
    tools: Tools,
    overlay: Path | None,
    over: Iterable[tuple[Path, str]],
    env: Mapping[str, str],
    filter_fd: int,
) -> list[str]:
    """The program and its options for a command that sees ``tree`` as `ROOT`; ``filter_fd`` is the descriptor that the
    filter of system calls is read from."""
    (scratch / "passwd").write_text("capsule:x:1000:1000::/capsule/home:/bin/sh\n")
    (scratch / "group").write_text("capsule:x:1000:\n")
    (scratch / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    out = [
        "bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv",
        "--uid", "1000", "--gid", "1000", "--hostname", "capsule", "--cap-drop", "ALL",
        "--ro-bind", "/usr", "/usr",
    ]  # fmt: skip
    known = options()
    if "--disable-userns" in known:
        out.append("--disable-userns")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        place = Path("/") / name
        if place.is_symlink():
            out += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            out += ["--ro-bind", str(place), str(place)]
    out += ["--ro-bind-try", "/nix/store", "/nix/store"]
    for name in _ETC:
        out += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in ("passwd", "group", "hosts"):
        out += ["--ro-bind", str(scratch / name), f"/etc/{name}"]
    # Read only, or whoever is root outside could set the kernel's settings from inside.
    out += ["--proc", "/proc"]
    for name in _HIDDEN:
        if Path("/proc", name).exists():
            out += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    out += ["--remount-ro", "/proc", "--dev", "/dev"]

    def empty(at: str, mib: int) -> None:
        out.extend(["--size", str(mib * _MIB)] if "--size" in known else [])
        out.extend(["--tmpfs", at])

    for at, mib in _EMPTY:
        empty(at, mib)
    out += ["--bind", str(tree.resolve()), ROOT]
    if overlay is not None:
        out += ["--ro-bind", str(overlay.resolve()), OVERLAY]
    made: set[str] = set()
    for source, at in (*tools.mounts, *over):
        name = at[7:] if at.startswith("{root}/") else ""
        if name and name.split("/")[0] not in made:
            # What the tree itself holds comes first; below what is shown in it, more may be shown.
            if "/" in name or not is_free(tree / name):
                continue
            made.add(name)
        out += ["--ro-bind", str(source), f"{ROOT}/{name}" if name else at]
    for at in tools.scratch:
        if at[7:].split("/")[0] in made:
            empty(f"{ROOT}/{at[7:]}", 256)
    for name, value in env.items():
        out += ["--setenv", name, value]
    out += ["--seccomp", str(filter_fd)]
    return [*out, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", ROOT]


def is_free(path: Path) -> bool:
    """Whether nothing stands at a path of a tree but an empty folder, as one is left where something was shown."""
    if not os.path.lexists(path):
        return True
    if path.is_symlink() or not path.is_dir():
        return False
    with os.scandir(path) as found:
        return next(found, None) is None


@functools.cache
def options() -> frozenset[str]:
    """The options that this bubblewrap has."""
    try:
        done = subprocess.run(["bwrap", "--help"], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(re.findall(r"--[a-z0-9-]{2,40}", (done.stdout + done.stderr).decode("utf-8", "replace")))


def tasks(limits: Limits) -> str:
    """How many processes the shell is told to allow. The watch kills at half of it: what the shell may start is only to
    keep them from growing faster than they are watched."""
    numbers = re.findall(r"[0-9]{1,6}", platform.release())[:2]
    apart = tuple(int(number) for number in numbers) >= _COUNTED_APART
    return str(2 * limits.tasks + (0 if apart else tasks_of_user()))
