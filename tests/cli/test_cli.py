"""The command line as a whole: help, wrong words, one-line errors, pipes, terminals, completion."""

from __future__ import annotations

import io
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui import __version__, cli
from tracetui.__main__ import main
from tracetui.bucket import Bucket
from tracetui.commands import COMMANDS
from tracetui.commands.address import Address, parse_address
from tracetui.model import TracetuiError

from .conftest import FIRST, HOSTILE_ID, SECOND, Run

ROOT = Path(__file__).parents[2]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--version"], ["-V"], ["--bucket", "/x", "--version"]):
        assert main(words) == 0
        assert capsys.readouterr().out == f"tracetui {__version__}\n"


def test_help_lists_what_exists_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in out
    assert main(["help"]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"tracetui {name}" in out.split("examples:")[1]
    assert main(["help", name]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_parse(name: str) -> None:
    import shlex

    command = COMMANDS[name]
    parser = cli.build_parser(command)
    for line, what in command.load().EXAMPLES:
        assert what
        words = shlex.split(line.split("tracetui ", 1)[1].split(" | ")[0].rstrip(')"'))
        assert words[0] == name
        parser.parse_args(words[1:])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["lss"], "did you mean ls?"),
        (["juggle", "abcd"], "not a command"),
        (["--bogus"], "--bogus"),
        (["--bucket"], "--bucket"),
        (["--bucket="], "--bucket"),
        (["ls", "--bogus"], "--bogus"),
        (["ls", "--limit", "many"], "--limit"),
        (["ls", "--limit", "0"], "--limit"),
        (["ls", "--lim", "3"], "--lim"),
        (["show"], "ID"),
        (["open"], "FILE"),
        (["completion", "tcsh"], "tcsh"),
        (["index", "--workers", "-1"], "--workers"),
        (["forget", f"{FIRST}:2", "--yes"], "whole sessions"),
        (["\x1b[31mred"], "not a command"),
    ],
)
def test_wrong_words_are_status_2_and_one_line(run: Run, words: list[str], says: str) -> None:
    done = run(*words)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("tracetui: ")
    assert done.err.count("\n") == 1
    assert says in done.err
    assert "\x1b" not in done.err


def test_bucket_may_stand_on_both_sides(
    indexed: Run, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = str(tmp_path / "bucket")
    capsysbinary.readouterr()
    assert main(["ls", "--json", "--bucket", bucket]) == 0
    expected = capsysbinary.readouterr().out
    assert expected.count(b"\n") == 4
    assert main([f"--bucket={bucket}", "ls", "--json"]) == 0
    assert capsysbinary.readouterr().out == expected
    monkeypatch.setenv("TRACETUI_BUCKET", bucket)
    assert main(["ls", "--json"]) == 0
    assert capsysbinary.readouterr().out == expected


@pytest.mark.parametrize("words", [[], ["demo"]])
def test_the_app_without_a_terminal(run: Run, words: list[str], tmp_path: Path) -> None:
    done = run(*words)
    assert (done.status, done.out) == (1, "")
    assert "needs a terminal" in done.err
    assert not (tmp_path / "bucket").exists()


def test_open_without_a_terminal_or_a_log(run: Run, home: Path, tmp_path: Path) -> None:
    log = home / ".claude" / "projects" / "-src-alpha" / f"{SECOND}.jsonl"
    assert "needs a terminal" in run("open", str(log)).err
    assert run("open", str(log)).status == 1
    missing = run("open", str(tmp_path / "nothing.jsonl"))
    assert missing.status == 1
    assert "nothing.jsonl" in missing.err
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04rest")
    assert "no intact capsule" in run("open", str(tmp_path / "x.zip")).err
    assert run("open", str(tmp_path)).status == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, object]]:
    """A terminal, and an app that only notes what it was opened on."""
    calls: list[dict[str, object]] = []

    def app(bucket: Bucket, **words: object) -> int:
        calls.append(
            {
                **words,
                "sessions": [row.id for row in bucket.sessions()],
                "path": Path(bucket.path),
                "home": os.environ["HOME"],
            }
        )
        return 0

    monkeypatch.setattr("tracetui.tui.app.run", app)
    for name in ("app", "demo", "open"):
        monkeypatch.setattr(f"tracetui.commands.{name}.need_terminal", lambda what: None)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    return calls


def test_the_app_opens_an_empty_bucket_and_copies_nothing(
    home: Path, tmp_path: Path, shown: list[dict[str, object]]
) -> None:
    assert main(["--bucket", str(tmp_path / "bucket")]) == 0
    assert shown[0]["sessions"] == []
    assert shown[0]["path"] == tmp_path / "bucket"
    assert not list((tmp_path / "bucket" / "copies").iterdir())


def test_open_shows_a_log_and_leaves_nothing_behind(home: Path, tmp_path: Path, shown: list[dict[str, object]]) -> None:
    log = home / ".claude" / "projects" / "-src-alpha" / f"{FIRST}.jsonl"
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    assert main(["--bucket", str(tmp_path / "bucket"), "open", str(log)]) == 0
    (call,) = shown
    assert (call["session"], call["read_only"], call["sessions"]) == (FIRST, True, [FIRST])
    assert not Path(str(call["path"])).exists()
    assert not (tmp_path / "bucket").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*")}


def test_open_refuses_what_is_no_log(
    home: Path, tmp_path: Path, shown: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jsonl").write_text('{"some": "json"}\n')
    assert main(["open", str(tmp_path / "x.jsonl")]) == 1
    assert "not a log" in capsys.readouterr().err
    assert shown == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_demo_lives_in_its_own_home(
    home: Path, tmp_path: Path, shown: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(home / ".codex"))
    monkeypatch.setenv("HOME", str(home))
    assert main(["demo"]) == 0
    (call,) = shown
    assert len(call["sessions"]) >= 3  # type: ignore[arg-type]
    assert str(call["home"]).startswith(str(tmp_path / "tmp"))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_forget(indexed: Run, tmp_path: Path) -> None:
    asked = indexed("forget", FIRST)
    assert asked.status == 1
    assert "will be lost: 6 steps" in asked.err
    assert "--yes" in asked.err
    assert len(indexed("ls", "--json").lines) == 4
    assert indexed("forget", SECOND, "ffff0000", "--yes").status == 1
    assert len(indexed("ls", "--json").lines) == 4, "all ids are looked up before the first is removed"
    done = indexed("forget", FIRST, HOSTILE_ID, "--yes", "--json")
    assert done.status == 0
    assert [line["id"] for line in done.lines] == [FIRST, HOSTILE_ID]
    assert len(indexed("ls", "--json").lines) == 2
    assert indexed("search", "flaky").status == 1
    assert indexed("index", "--json").lines[0]["new"] == 0
    for path in (tmp_path / "bucket").rglob("*"):
        if path.is_file():
            assert b"flaky" not in path.read_bytes()


@pytest.mark.parametrize(("answer", "left"), [("y\n", 3), ("\n", 4), ("n\n", 4), ("", 4)])
def test_forget_asks_on_a_terminal(indexed: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: int) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    done = indexed("forget", FIRST)
    assert done.status == (0 if left == 3 else 1)
    assert len(indexed("ls", "--json").lines) == left


def test_a_forgotten_session_comes_back_when_its_file_is_named(indexed: Run, home: Path) -> None:
    assert indexed("forget", FIRST, "--yes").status == 0
    log = home / ".claude" / "projects" / "-src-alpha" / f"{FIRST}.jsonl"
    assert indexed("index", "--json", str(log.parent)).lines[0]["new"] == 0
    assert indexed("index", "--json", str(log)).lines[0]["new"] == 1


def test_colour_only_on_a_terminal_and_never_with_no_color(
    indexed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in indexed("ls").out
    words = ["--bucket", str(tmp_path / "bucket"), "search", "flaky"]
    for name, value, coloured in (("X", "1", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)):
        with monkeypatch.context() as patch:
            patch.setenv("TERM", "xterm")
            patch.setenv(name, value)
            screen = Terminal()
            patch.setattr("sys.stdout", screen)
            assert main(words) == 0
            assert ("\x1b[" in screen.getvalue()) is coloured


class Broken(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize(
    "words", [["ls"], ["ls", "--json"], ["show", FIRST], ["search", "done"], ["stats"], ["doctor"]]
)
def test_a_closed_pipe_is_quiet(
    indexed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    with monkeypatch.context() as patch:
        err = io.StringIO()
        patch.setattr("sys.stdout", Broken())
        patch.setattr("sys.stderr", err)
        patch.setattr("tracetui.cli._drop_stdout", lambda: None)
        assert main(["--bucket", str(tmp_path / "bucket"), *words]) == 0
    assert err.getvalue() == ""


def test_a_real_closed_pipe(indexed: Run, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "tracetui", "--bucket", str(tmp_path / "bucket"), "show", FIRST, "--json"],
        stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_locale_without_unicode(indexed: Run, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for words in (["ls"], ["show", SECOND], ["ls", "--json"], ["show", "日本"]):
        done = subprocess.run(
            [sys.executable, "-m", "tracetui", "--bucket", str(tmp_path / "bucket"), *words],
            capture_output=True, cwd=ROOT, env=environ, check=False,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr
        assert done.returncode == (2 if words[-1] == "日本" else 0)


def test_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracetui.commands.ls.run", interrupt)
    done = run("ls")
    assert (done.status, done.out, done.err) == (130, "", "")


def test_an_error_of_the_system_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise PermissionError(13, "Permission denied", "/some\nfile")

    monkeypatch.setattr("tracetui.commands.ls.run", fail)
    done = run("ls")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "Permission denied" in done.err


def test_a_bug_is_one_line_and_a_private_report(indexed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        secret = "token\x1b[31m-of-a-log"
        raise ValueError("first line\nsecond: " + secret)

    monkeypatch.setattr("tracetui.commands.ls.run", fail)
    done = indexed("ls")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "ValueError" in done.err
    assert "first line" not in done.err
    (report,) = (tmp_path / "bucket" / "errors").iterdir()
    assert str(report) in done.err
    assert report.stat().st_mode & 0o077 == 0
    assert "of-a-log" not in report.read_text()
    monkeypatch.setenv("TRACETUI_DEBUG", "1")
    with pytest.raises(ValueError, match="first line"):
        indexed("ls")


def test_the_first_screens_reach_any_stream() -> None:
    """Version and help into a closed pipe, onto a full disk, and in an encoding that lacks their signs."""

    def run(shell: str, **environ: str) -> subprocess.CompletedProcess[str]:
        words = ["bash", "-c", f"set -o pipefail; {sys.executable} -m tracetui {shell}"]
        environ = {**os.environ, **environ}
        return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, env=environ)

    for flag in ("--version", "--help"):
        done = run(f"{flag} | true")
        assert (done.returncode, done.stderr) == (0, "")
        if Path("/dev/full").exists():
            done = run(f"{flag} > /dev/full")
            assert done.returncode == 1
            assert done.stderr.startswith("tracetui: No space left")
        done = run(flag, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, "")
        assert "tracetui" in done.stdout


def test_only_what_is_needed_is_imported() -> None:
    code = "import sys; from tracetui.__main__ import main; main(['--version']); print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"argparse", "orjson", "re", "tracetui.model", "tracetui.cli", "platformdirs"}
    code = code.replace("['--version']", "['--help']")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not set(done.stdout.split()) & {"orjson", "sqlite3", "zstandard", "tracetui.bucket", "textual"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_everything(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in COMMANDS:
        assert name in script
    for flag in ("regex", "sort", "kind", "keep", "quick"):
        assert flag in script
    assert "prompt message thinking" in script


def test_bash_completion_is_valid_and_completes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "c.bash"
    script.write_text(capsys.readouterr().out)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0

    def complete(*words: str) -> set[str]:
        line = " ".join(f"'{word}'" for word in words)
        call = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _tracetui"
        asked = f"source {script}; {call}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, cwd=tmp_path)
        return set(done.stdout.split("\n")) - {""}

    assert complete("tracetui", "s") == {name for name in COMMANDS if name.startswith("s")}
    assert complete("tracetui", "--bucket", "x", "st") == {"stats"}
    assert complete("tracetui", "search", "--sor") == {"--sort"}
    assert complete("tracetui", "search", "--sort", "") == {"newest", "score", "longest"}
    assert complete("tracetui", "search", "--kind", "comm") == {"command"}
    assert complete("tracetui", "index", "c.b") == {"c.bash"}
    assert complete("tracetui", "scan", "c.b") == {"c.bash"}
    assert complete("tracetui", "seal", "--sign", "c.b") == {"c.bash"}
    assert complete("tracetui", "scan", "--env", "") == set()
    assert complete("tracetui", "completion", "f") == {"fish"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_accept_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert subprocess.run([shell, "-n"], input=script, text=True, check=False).returncode == 0
    if shell == "fish":
        asked = 'source - ; complete -C "tracetui search --kind comm"'
        done = subprocess.run([shell, "-c", asked], input=script, capture_output=True, text=True, check=True)
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["command"]


def test_on_a_real_terminal(indexed: Run, tmp_path: Path) -> None:
    """Colour and width of a pty, and no control of a log's among what is written to it."""
    main_end, other_end = pty.openpty()
    words = [sys.executable, "-m", "tracetui", "--bucket", str(tmp_path / "bucket"), "show", HOSTILE_ID, "--full"]
    environ = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(words, stdin=other_end, stdout=other_end, stderr=other_end, cwd=ROOT, env=environ)
    os.close(other_end)
    data = b""
    while True:
        try:
            block = os.read(main_end, 65536)
        except OSError:
            break
        if not block:
            break
        data += block
    os.close(main_end)
    assert process.wait() == 0
    import re

    text = re.sub(r"\x1b\[[0-9;]*m", "", data.decode()).replace("\r\n", "\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert b"\x1b[1;36m" in data, "the prompt stands out"
    assert "evil" in text


@given(st.text(max_size=30) | st.from_regex(r"[a-z0-9]{1,8}(/[a-z]{1,3}){0,3}(:[0-9a-z-]{0,9})?", fullmatch=True))
def test_any_address_is_read_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except TracetuiError as error:
        assert error.status == 2  # noqa: PT017
        return
    assert isinstance(address, Address)
    assert address.session
    assert (address.first is None) == (address.last is None)


def test_a_foreign_session() -> None:
    assert parse_address("capsule:0123abcd/5bd0c1de:7") == Address("capsule:0123abcd/5bd0c1de", None, 7, 7)
    assert parse_address("capsule:0123abcd/5bd0c1de/ag:7").agent == "ag"
    assert parse_address("capsule:0123abcd") == Address("capsule:0123abcd")
    assert parse_address("capsule:01234567:3-last") == Address("capsule:01234567", None, 3, -1)
    assert parse_address("codex/5bd0c1de/ag:last") == Address("5bd0c1de", "ag", -1, -1, "codex")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_end_nothing(indexed: Run, tmp_path: Path, closed: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m tracetui --bucket {shlex.quote(str(tmp_path / 'bucket'))} ls --json"
    assert subprocess.run(["sh", "-c", f"{command} {closed}"], stdout=subprocess.DEVNULL, timeout=60).returncode == 0
