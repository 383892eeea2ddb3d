"""The sandbox: no network, no home, no way out of the folder, killed at its limits."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tracetui.capsule.tree import remove_tree
from tracetui.model import TracetuiError
from tracetui.sandbox import bubblewrap, keyring, seccomp
from tracetui.sandbox.bubblewrap import options
from tracetui.sandbox.managers import managed
from tracetui.sandbox.probe import probe
from tracetui.sandbox.runner import Limits, Sandbox, choose
from tracetui.sandbox.tools import Tools, named, needed


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
    ran = choose(tools=named([tools])).run(
        f"hello-of-ours; echo x > {tools}/bin/new; ls {tmp_path}", tree, limits=LIMITS
    )
    assert ran.output.startswith("hello\n")
    assert sorted(path.name for path in (tools / "bin").iterdir()) == ["hello-of-ours"]
    assert ran.output.splitlines()[-1] == "tools"
    with pytest.raises(TracetuiError):
        named([tmp_path / "none"])


@needs_sandbox
def test_killed_when_it_starts_too_many_processes(sandbox: Sandbox, tree: Path) -> None:
    """Bounded here: what it would start ends by itself, should the watch fail."""
    limits = Limits(seconds=30, tasks=60)
    ran = sandbox.run("for n in $(seq 1 200); do sleep 15 & done; wait; echo ALL", tree, limits=limits)
    assert (ran.code, ran.why) == (None, "tasks")
    assert "ALL" not in ran.output
    few = sandbox.run("for n in $(seq 1 20); do sleep 0.2 & done; wait; echo ALL", tree, limits=limits)
    assert (few.code, few.output) == (0, "ALL\n")


@needs_sandbox
def test_killed_when_it_fills_the_disk_or_the_memory_with_files(sandbox: Sandbox, tree: Path) -> None:
    limits = Limits(seconds=30, disk=48 * 1024**2, memory=160 * 1024**2)
    for name in ("f$n", "f; rm f"):
        write = "for n in 1 2 3 4 5 6 7 8; do " + (
            'head -c 16000000 /dev/zero > f$n; done' if name == "f$n" else
            'eval "exec $((n + 2))>g"; rm g; head -c 16000000 /dev/zero >&$((n + 2)); done'
        )  # fmt: skip
        ran = sandbox.run(f"{write}; sync; sleep 10; echo ALL", tree, limits=limits)
        assert (ran.code, ran.why) == (None, "disk"), name
        assert "ALL" not in ran.output
        for path in tree.glob("f*"):
            path.unlink()
    memory = "for n in 1 2 3 4; do head -c 70000000 /dev/zero > /tmp/f$n; done; sleep 10; echo ALL"
    ran = sandbox.run(memory, tree, limits=limits)
    assert (ran.code, ran.why) == (None, "memory")


@needs_sandbox
def test_nothing_but_the_tree_can_be_written_to(sandbox: Sandbox, tree: Path) -> None:
    script = "for at in / /dev /etc /capsule /usr /proc; do echo x > $at/new && echo WROTE $at; done; unshare -U true"
    ran = sandbox.run(script, tree, limits=LIMITS)
    assert "WROTE" not in ran.output
    assert ran.code != 0 or "--disable-userns" not in options()
    assert sandbox.run("echo x > /dev/null && echo x > /tmp/x && echo x > /dev/shm/x", tree, limits=LIMITS).code == 0


def test_a_tree_is_removed_whatever_was_made_of_it(tmp_path: Path) -> None:
    root, kept = tmp_path / "tree", tmp_path / "kept"
    root.mkdir()
    kept.mkdir()
    (kept / "file").write_text("x")
    here = os.open(root, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (root / "link").symlink_to(kept)
    (root / "shut" / "in").mkdir(parents=True)
    (root / "shut" / "in" / "file").write_text("x")
    os.mkfifo(root / "pipe")
    (root / "shut" / "in").chmod(0)
    (root / "shut").chmod(0)
    remove_tree(root)
    assert not root.exists()
    assert (kept / "file").read_text() == "x"


# -- what of this machine a check may read


def python_of(folder: Path) -> Path:
    """A Python that tells that it lives in a folder."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "python3"
    program.write_text(f"#!/bin/sh\necho {folder}\necho {folder}\n")
    program.chmod(0o755)
    return program


def test_only_what_a_command_names_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "ann"
    python_of(home / ".pyenv" / "versions" / "3.99")
    (home / ".local" / "bin").mkdir(parents=True)
    (home / ".local" / "bin" / "ours").write_text("#!/bin/sh\n")
    (home / ".local" / "bin" / "ours").chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home}/.pyenv/versions/3.99/bin:{home}/.local/bin:/usr/bin:/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert needed(["ls -l"], None).mounts == []
    found = needed(["cd {root} && python3 -m pytest -q | tail"], None)
    assert [str(place) for place, _ in found.mounts] == [str(home / ".pyenv" / "versions" / "3.99")]
    assert found.bins == [str(home / ".pyenv" / "versions" / "3.99" / "bin")]
    assert "python3 of your PATH" in found.told[0]
    # A folder that many tools share is not shown, nor is the home.
    assert needed(["ours"], None).mounts == []
    with pytest.raises(TracetuiError, match="home"):
        named([home])
    with pytest.raises(TracetuiError, match="home"):
        named([tmp_path])


def test_neither_a_word_nor_a_link_leads_to_what_is_no_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "ann"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text("key\n")
    python_of(home / ".aws")
    private = home / "work" / "private" / "bin"
    private.mkdir(parents=True)
    (private / "deploy").write_text("#!/bin/sh\n")
    (private / "deploy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{private}:/usr/bin:/bin")
    # The repository brings an environment whose Python is a link to the user's keys.
    repo = tmp_path / "repo"
    (repo / ".venv" / "bin").mkdir(parents=True)
    (repo / ".venv" / "pyvenv.cfg").write_text(f"home = {home}/.aws/bin\n")
    (repo / ".venv" / "bin" / "python").symlink_to(home / ".aws" / "bin" / "python3")
    for tracked in (False, True):
        found = needed(["deploy; .venv/bin/python -m pytest"], repo, None, lambda _, answer=tracked: answer)
        assert [place for place, _ in found.mounts if place.is_relative_to(home)] == []
        assert bool(found.mounts) is not tracked
    (home / ".pyenv" / "versions").mkdir(parents=True)
    (home / ".pyenv" / "versions" / "3.99").symlink_to(home / ".aws")
    assert not managed((home / ".pyenv" / "versions" / "3.99").resolve())
    assert not managed(home / ".pyenv" / "versions")


def test_of_caches_only_what_holds_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "ann"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name in (".npm/_cacache", ".m2/repository", ".cargo/registry"):
        (home / name).mkdir(parents=True)
    (home / ".m2" / "settings.xml").write_text("<password/>")
    shown = {str(place.relative_to(home)) for place, _ in needed(["mvn -o test", "npm ci"], None).mounts
             if place.is_relative_to(home)}  # fmt: skip
    assert shown == {".npm/_cacache", ".m2/repository"}


@needs_sandbox
def test_packages_of_the_repository_are_shown_and_cannot_be_changed(tree: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    (repo / "node_modules" / "six").mkdir(parents=True)
    (repo / "node_modules" / "six" / "index.js").write_text("module.exports = 6\n")
    venv = repo / ".venv"
    python_of(venv)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (repo / "secret").write_text("of the work tree\n")
    tools = needed(["npm test && .venv/bin/python -m pytest"], repo)
    script = f"cat node_modules/six/index.js; .venv/bin/python3; echo x > node_modules/new; cat {repo}/secret; true"
    ran = choose(tools=tools).run(script, tree, limits=LIMITS)
    assert "module.exports = 6" in ran.output
    assert str(venv) in ran.output
    assert "of the work tree" not in ran.output
    assert not (repo / "node_modules" / "new").exists()
    # What the tree itself holds is not covered.
    (tree / "node_modules").mkdir(exist_ok=True)
    (tree / "node_modules" / "own").write_text("own\n")
    assert "own" in choose(tools=tools).run("ls node_modules", tree, limits=LIMITS).output
    assert Tools().mounts == []


# -- the box


@needs_sandbox
def test_settings_of_the_kernel_cannot_be_written(sandbox: Sandbox, tree: Path) -> None:
    """As root outside, most of them could be from inside."""
    ran = sandbox.run("find /proc/sys -type f -writable | head; echo 1 > /proc/self/oom_score_adj; true", tree)
    assert "/proc/sys" not in ran.output
    assert "Read-only" in ran.output or "Permission" in ran.output


@needs_sandbox
def test_keys_of_the_login_cannot_be_read(sandbox: Sandbox, tree: Path) -> None:
    number = keyring.add_key("tracetui-test", b"ticket")
    call = keyring.reading()
    if number is None or call is None or shutil.which("perl", path="/usr/bin") is None:
        pytest.skip("no keyring, or nothing to read one with")
    code = (
        f'$b = "\\0" x 64; $n = syscall({call[0]}, {call[1]}, {number}, $b, 64); '
        'print $n > 0 ? "READ $b" : "refused $!", "\\n"'
    )
    try:
        outside = subprocess.run(["perl", "-e", code], capture_output=True, text=True, check=False).stdout
        ran = sandbox.run(f"perl -e '{code}'; cat /proc/keys; grep Seccomp: /proc/self/status", tree)
    finally:
        keyring.remove_key(number)
    assert "READ ticket" in outside, "the test would see it"
    assert "READ" not in ran.output
    assert "tracetui-test" not in ran.output
    assert ran.output.split()[-1] == "2"


@needs_sandbox
@pytest.mark.parametrize("words", ["unshare -U true", "unshare -m true", "mount -t tmpfs x /mnt", "chroot / true"])
def test_calls_without_a_use_fail_and_nothing_is_killed(sandbox: Sandbox, tree: Path, words: str) -> None:
    ran = sandbox.run(f"{words}; echo status $?; echo still here", tree)
    assert "status 0" not in ran.output
    assert ran.output.endswith("still here\n")


def test_the_filter_lets_ordinary_calls_through_and_no_other() -> None:
    """The filter's machine, played by hand over its program: what becomes of a call on each processor."""

    def verdict(machine: str, audit: int, number: int, *arguments: int) -> int:
        code = seccomp.program(machine)
        assert code is not None
        steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
        words = {0: number, 4: audit, 16: arguments[0] if arguments else 0, 24: arguments[1] if arguments[1:] else 0}
        at = value = 0
        while True:
            kind, yes, no, k = steps[at]
            at += 1
            if kind == 0x20:
                value = words[k]
            elif kind == 0x06:
                return int(k)
            else:
                holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[kind]
                at += yes if holds else no

    allowed, refused, absent = 0x7FFF0000, 0x00050001, 0x00050026
    for name, machine in seccomp.MACHINES.items():
        other = next(one for one in seccomp.MACHINES.values() if one is not machine)
        assert verdict(name, other.audit, 0) == refused, "another machine's calls"
        assert verdict(name, machine.audit, 63) == allowed
        assert all(verdict(name, machine.audit, number) == refused for number in machine.denied.values())
        assert verdict(name, machine.audit, 425) == absent
        assert verdict(name, machine.audit, 435) == absent
        assert verdict(name, machine.audit, machine.clone, 0x11) == allowed
        assert verdict(name, machine.audit, machine.clone, 0x10000011) == refused
        assert verdict(name, machine.audit, machine.ioctl, 0, 0x5401) == allowed
        assert verdict(name, machine.audit, machine.ioctl, 0, 0x5412) == refused
    assert verdict("x86_64", seccomp.MACHINES["x86_64"].audit, 0x40000000 + 1) == absent
    assert seccomp.program("riscv64") is None


@needs_sandbox
def test_tools_below_the_home_are_no_hole(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment of the user's lies in the home: it is shown, the rest of the home is not."""
    home = tmp_path / "home"
    python_of(home / "venvs" / "x")
    (home / "secret").write_text("not for checks\n")
    monkeypatch.setenv("HOME", str(home))
    tools = named([home / "venvs" / "x"])
    ran = choose(tools=tools).run(f"ls {home} {home}/venvs/x; cat {home}/secret", tree)
    assert "bin" in ran.output
    assert "not for checks" not in ran.output


@needs_sandbox
def test_a_hole_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each danger, let in on purpose, is found by its own word."""
    real = bubblewrap.words

    def holed(*given: object) -> list[str]:
        words = real(*given)  # type: ignore[arg-type]
        at = words.index("--seccomp")
        del words[at : at + 2]
        return words

    monkeypatch.setattr(bubblewrap, "words", holed)
    wrong = probe(Sandbox("bubblewrap"), tmp_path)
    assert wrong is not None
    assert "no filter of system calls" in wrong


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="daemons are found on Linux only")
def test_without_a_sandbox_no_daemon_is_left(tree: Path) -> None:
    daemon = "(setsid sh -c 'while true; do echo alive > beat; sleep 0.05; done' &) & sleep 0.3; exit 5"
    ran = Sandbox("none").run(daemon, tree, limits=LIMITS)
    assert (ran.code, ran.why) == (5, None)
    (tree / "beat").unlink()
    time.sleep(0.3)
    assert not (tree / "beat").exists()
    ran = Sandbox("none").run(daemon.replace("exit 5", "sleep 60"), tree, limits=Limits(seconds=1))
    assert ran.why == "timeout"
    (tree / "beat").unlink(missing_ok=True)
    time.sleep(0.3)
    assert not (tree / "beat").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as above")
def test_a_command_that_dies_by_a_signal_says_so_without_a_sandbox(tree: Path) -> None:
    assert Sandbox("none").run("kill -TERM $$", tree, limits=LIMITS).why == "signal 15"
