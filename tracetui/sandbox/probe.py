"""Whether a sandbox holds on this machine: the dangers themselves are tried from inside, before a command is.

What is tried does not harm if it works: a setting of the kernel is written as it is, a key of ours is read.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracetui.sandbox import keyring
from tracetui.sandbox.limits import Limits, Ran

if TYPE_CHECKING:
    from tracetui.sandbox.runner import Sandbox

__all__ = ["probe", "probe_tools"]

_LIMITS: Final = Limits(20, 1024**3, 65536, 1024**2)
_DANGERS: Final = """
test "$(pwd -P)" != / || echo BAD no folder
echo x > inside || echo BAD a read-only folder
echo x > "$OUTSIDE" && echo BAD a way out
cat "$SECRET" && echo BAD a way to read
test -z "$TRACETUI_PROBE" || echo BAD the environment
(ls "$REALHOME"/* >/dev/null 2>&1) && echo BAD the home folder
if test -r /proc/net/dev; then test "$(grep -c : /proc/net/dev)" -le 1 || echo BAD the network; fi
test -d /proc/self || test ! -d /proc || echo BAD no processes
"""
_DANGERS_LINUX: Final = """
for f in /proc/sys/vm/swappiness /proc/sys/kernel/printk; do
  if test -r $f; then v=$(cat $f); (printf '%s\\n' "$v" > $f) 2>/dev/null && echo BAD settings of the kernel; fi
done
test -e /sys/kernel && echo BAD /sys
test -s /proc/keys && echo BAD the list of keys
grep -q "^Seccomp:[[:space:]]*2" /proc/self/status || echo BAD no filter of system calls
(unshare -U true) >/dev/null 2>&1 && echo BAD spaces of its own
if command -v perl >/dev/null && test -n "$KEY"; then
  perl -e '$b = "\\0" x 64; exit 1 if syscall($ENV{KEYCTL}, $ENV{READ}, $ENV{KEY}, $b, 64) > 0' ||
    echo BAD keys of your login
fi
"""


def probe(sandbox: Sandbox, scratch: Path | None = None) -> str | None:
    """Try the dangers in a sandbox without tools: what is wrong, None when it holds. ``scratch`` is a private folder
    for the trial."""
    key = keyring.add_key(f"tracetui-probe-{secrets.token_hex(8)}", b"seen") if sandbox.kind == "bubblewrap" else None
    call = keyring.reading()
    environ = {"REALHOME": os.environ.get("HOME") or "/root"}
    if key is not None and call is not None:
        environ |= {"KEY": str(key), "KEYCTL": str(call[0]), "READ": str(call[1])}
    os.environ["TRACETUI_PROBE"] = "1"
    try:
        script = _DANGERS + (_DANGERS_LINUX if sandbox.kind == "bubblewrap" else "")
        return _tried(sandbox, script, environ, scratch)
    finally:
        del os.environ["TRACETUI_PROBE"]
        if key is not None:
            keyring.remove_key(key)


def probe_tools(sandbox: Sandbox, scratch: Path | None = None) -> str | None:
    """Try that the tools of a sandbox can be read, cannot be written to, and that nothing else of the home came along
    with them: what is wrong, or None."""
    lines = []
    home = Path(os.path.realpath(os.environ.get("HOME") or "/root"))
    shown = [Path(at) for _, at in sandbox.tools.mounts if not at.startswith("{root}/")]
    below = {place.relative_to(home).parts[0] for place in shown if place.is_relative_to(home) and place != home}
    environ = {"REALHOME": str(home), "ALLOWED": " ".join(["", *sorted(below), ""])}
    for number, place in enumerate(shown):
        environ[f"TOOL{number}"] = str(place)
        lines.append(f'test -r "$TOOL{number}" || echo BAD a tool that cannot be read: "$TOOL{number}"')
        lines.append(f'test -w "$TOOL{number}" && echo BAD a tool that can be written to: "$TOOL{number}"')
    lines.append(
        'for name in $(ls -A "$REALHOME" 2>/dev/null); do '
        'case "$ALLOWED" in *" $name "*) ;; *) echo BAD the home folder ;; esac; done'
    )
    return _tried(sandbox, "\n".join(lines), environ, scratch) if shown else None


def _tried(sandbox: Sandbox, script: str, environ: Mapping[str, str], scratch: Path | None) -> str | None:
    with tempfile.TemporaryDirectory(prefix="tracetui-probe-", dir=scratch) as folder:
        place = Path(folder)
        tree = place / "tree"
        tree.mkdir()
        secret = place / "secret"
        secret.write_text("seen\n")
        given = {**environ, "OUTSIDE": str(place / "outside"), "SECRET": str(secret)}
        ran = sandbox.run(f"{script}\necho DONE\n", tree, environ=given, limits=_LIMITS)
        written = (place / "outside").exists()
    return _wrong(ran, written=written)


def _wrong(ran: Ran, *, written: bool) -> str | None:
    """What a trial tells."""
    if ran.code is None or "DONE" not in ran.output:
        first = next((line for line in ran.output.splitlines() if line.strip()), ran.why or "it did not start")
        return first[:120]
    bad = [line[4:] for line in ran.output.splitlines() if line.startswith("BAD ")]
    if written:
        bad.append("a file was written outside")
    return ", ".join(dict.fromkeys(bad)) or None
