"""The sandbox: no network, no home, no way out of the folder, killed at its limits."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tracetui.capsule.sandbox import Limits, Sandbox, choose, probe
from tracetui.capsule.tools import named
from tracetui.model import TracetuiError


def _refusal() -> str | None:
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    tried = subprocess.run(
        ["bwrap", "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else f"user namespaces are refused here: {tried.stderr.decode()[:100]}"


REFUSAL = _refusal()
needs_sandbox = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))
LIMITS = Limits(seconds=20, memory=512 * 1024**2, output=64 * 1024, file=4 * 1024**2)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_text("content\n")
    return folder


@pytest.fixture
def sandbox() -> Sandbox:
    return choose()


@needs_sandbox
def test_it_runs_in_the_folder_and_tells_how_it_ended(sandbox: Sandbox, tree: Path) -> None:
    ran = sandbox.run("pwd; cat ../file; echo err >&2; echo made > new; exit 7", tree, "sub", limits=LIMITS)
    assert (ran.code, ran.why) == (7, None)
    assert ran.output == "/capsule/root/sub\ncontent\nerr\n"
    assert (tree / "sub" / "new").read_text() == "made\n"


@needs_sandbox
def test_no_way_out_of_the_folder(sandbox: Sandbox, tree: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret\n")
    (tree / "link").symlink_to(secret)
    (tree / "up").symlink_to(tmp_path)
    script = (
        f"cat {secret}; cat link; cat ../secret; cat /capsule/secret; ls up; echo x > {tmp_path}/out; echo x > up/out; "
        "echo x > /usr/out; echo x > /etc/out; cat /etc/shadow; ls /root /home /sys/kernel; mount -t tmpfs t /mnt; "
        "true"
    )
    ran = sandbox.run(script, tree, limits=LIMITS)
    assert ran.code == 0
    assert "very secret" not in ran.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret", "tree"]
    assert not Path("/usr/out").exists()
    assert not Path("/etc/out").exists()


@needs_sandbox
def test_no_home_no_environment_no_sockets_of_the_user(
    sandbox: Sandbox, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id").write_text("private key\n")
    for name in ("DISPLAY", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "leaked-value")
    monkeypatch.setenv("HOME", str(home))
    ran = sandbox.run(f'env; ls -A "$HOME" {home}; ls -A /tmp /run /var/tmp; id -u; hostname', tree, limits=LIMITS)
    assert "leaked-value" not in ran.output
    assert "private" not in ran.output
    assert ".ssh" not in ran.output
    assert str(home) not in ran.output.replace(f"{home}'", "").replace(f"access '{home}", "")
    assert "1000" in ran.output.splitlines()


@needs_sandbox
def test_no_network(sandbox: Sandbox, tree: Path) -> None:
    """A server of ours on this machine is not reached, nor is there any interface but the loop."""
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if python is None:
        pytest.skip("no python3 on the system path")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('REACHED')"
        assert subprocess.run([python, "-c", code], capture_output=True, text=True).stdout == "REACHED\n"
        ran = sandbox.run(f'{python} -c "{code}"; cat /proc/net/dev', tree, limits=LIMITS)
    assert "REACHED" not in ran.output
    assert "refused" in ran.output
    interfaces = [line.split(":")[0].strip() for line in ran.output.splitlines() if ":" in line and "|" not in line]
    assert "eth0" not in interfaces
    assert "lo" in interfaces


@needs_sandbox
def test_killed_at_the_limit_of_time_with_all_its_children(sandbox: Sandbox, tree: Path) -> None:
    script = "(while true; do echo alive > beat; sleep 0.05; done) & setsid sleep 60 & sleep 60"
    ran = sandbox.run(script, tree, limits=Limits(seconds=1))
    assert (ran.code, ran.why) == (None, "timeout")
    assert ran.seconds < 15
    (tree / "beat").unlink(missing_ok=True)
    time.sleep(0.3)
    assert not (tree / "beat").exists()


@needs_sandbox
def test_killed_at_the_limit_of_memory(sandbox: Sandbox, tree: Path) -> None:
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if python is None:
        pytest.skip("no python3 on the system path")
    limits = Limits(seconds=30, memory=200 * 1024**2)
    ran = sandbox.run(f"{python} -c \"x = b'x' * (400 * 1024**2); print('GOT IT')\"", tree, limits=limits)
    assert "GOT IT" not in ran.output
    assert ran.code != 0
    # Many processes, each below the limit of one, are over it together.
    many = f"for n in 1 2 3 4; do {python} -c \"import time; x = b'x' * (90 * 1024**2); time.sleep(20)\" & done; wait"
    ran = sandbox.run(many, tree, limits=limits)
    assert (ran.code, ran.why) == (None, "memory")


@needs_sandbox
def test_output_and_files_are_limited(sandbox: Sandbox, tree: Path) -> None:
    ran = sandbox.run("echo first; yes 0123456789", tree, limits=Limits(seconds=30, output=10_000))
    assert (ran.code, ran.why) == (None, "output")
    assert ran.output.startswith("first\n")
    assert len(ran.output) < 11_000
    ran = sandbox.run("head -c 9000000 /dev/zero > big; echo $?", tree, limits=LIMITS)
    assert (tree / "big").stat().st_size <= LIMITS.file
    ran = sandbox.run("seq 1 30000; echo last", tree, limits=LIMITS)
    assert ran.code == 0
    assert ran.output.startswith("1\n2\n")
    assert ran.output.endswith("\nlast\n")
    assert "[...]" in ran.output


@needs_sandbox
def test_a_run_can_be_cancelled(sandbox: Sandbox, tree: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    ran = sandbox.run("sleep 60", tree, limits=LIMITS, cancelled=stop.is_set)
    assert (ran.code, ran.why) == (None, "cancelled")


@needs_sandbox
def test_signals_and_commands_that_are_not_there(sandbox: Sandbox, tree: Path) -> None:
    assert sandbox.run("no-such-command-of-ours", tree, limits=LIMITS).code == 127
    assert sandbox.run("./file", tree, limits=LIMITS).code == 126
    killed = sandbox.run("kill -SEGV $$", tree, limits=LIMITS)
    assert killed.code in (None, 139)
    assert sandbox.run("true", tree, "none", limits=LIMITS).code not in (0, None)


@needs_sandbox
def test_the_probe_sees_a_sandbox_that_does_not_hold() -> None:
    assert probe(choose()) is None
    wrong = probe(Sandbox("none"))
    assert wrong is not None
    assert "outside" in wrong


def test_without_a_sandbox_it_is_refused(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(TracetuiError, match="--no-sandbox"):
        choose()
    plain = choose(allow_none=True)
    assert plain.kind == "none"
    ran = plain.run("pwd; env; exit 3", tree, limits=LIMITS)
    assert ran.code == 3
    assert os.environ["HOME"] not in [line.partition("=")[2] for line in ran.output.splitlines() if line[:5] == "HOME="]


@needs_sandbox
def test_tools_that_the_user_names_can_be_read_and_not_written(tree: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    (tools / "bin").mkdir(parents=True)
    (tools / "bin" / "hello-of-ours").write_text("#!/bin/sh\necho hello\n")
    (tools / "bin" / "hello-of-ours").chmod(0o755)
    ran = choose(tools=named([tools])).run(f"hello-of-ours; echo x > {tools}/bin/new; ls {tmp_path}", tree, limits=LIMITS)
    assert ran.output.startswith("hello\n")
    assert sorted(path.name for path in (tools / "bin").iterdir()) == ["hello-of-ours"]
    assert ran.output.splitlines()[-1] == "tools"
    with pytest.raises(TracetuiError):
        named([tmp_path / "none"])
