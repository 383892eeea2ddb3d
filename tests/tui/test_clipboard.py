"""What leaves the app: where a copy goes, the private folder, and the command that resumes a session."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App

from tests.tui.fakes import make_session
from tracetui.bucket.tempfolder import TempFolder
from tracetui.model import LogFacts, TracetuiError
from tracetui.tui.browse.resume import resume_of
from tracetui.tui.kit import clipboard
from tracetui.tui.kit.outside import program


class _App(App[None]):
    sent = ""


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> _App:
    made = _App()
    monkeypatch.setattr(App, "copy_to_clipboard", lambda self, text: setattr(self, "sent", text))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> TempFolder:
    return TempFolder(tmp_path)


def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, status: int = 0) -> Path:
    """A clipboard program of ours on the path, that keeps what it is given."""
    kept = tmp_path / "kept"
    script = tmp_path / "bin" / name
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ncat > {kept}\nexit {status}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/bin:/usr/bin")
    return kept


class TestWhere:
    @pytest.mark.parametrize(
        ("environ", "takes"),
        [
            ({"TERM": "xterm-kitty"}, True),
            ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, True),
            ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
            ({"TERM": "xterm-256color", "VTE_VERSION": "7000"}, False),
            ({"TERM": "linux"}, False),
            ({"TERM": "xterm-256color"}, None),
            ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "TERM_PROGRAM": "tmux"}, None),
        ],
    )
    def test_what_is_known_about_terminals(self, environ: dict[str, str], takes: bool | None) -> None:
        assert clipboard.osc52(environ) is takes

    def test_the_clipboard_of_another_machine_is_not_set(self) -> None:
        environ = {"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}
        assert clipboard.tool(environ, lambda name: f"/bin/{name}") is None
        del environ["SSH_CONNECTION"]
        assert clipboard.tool(environ, lambda name: f"/bin/{name}") == ["xclip", "-selection", "clipboard"]
        assert clipboard.tool(environ, lambda name: None) is None


def test_the_terminal_comes_first(app: _App, folder: TempFolder) -> None:
    line = clipboard.copy(app, "text", folder, {"TERM": "xterm-kitty", "DISPLAY": ":0"})
    assert app.sent == "text"
    assert line == "Copied 4 characters through the terminal (OSC 52)."


def test_then_the_system(app: _App, folder: TempFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tools(tmp_path, monkeypatch, "xclip")
    line = clipboard.copy(app, "日本", folder, {"TERM": "linux", "DISPLAY": ":0"})
    assert app.sent == ""
    assert kept.read_text() == "日本"
    assert line == "Copied 2 characters with xclip."


def test_both_where_nobody_knows(
    app: _App, folder: TempFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tools(tmp_path, monkeypatch, "wl-copy")
    line = clipboard.copy(app, "x", folder, {"TERM": "xterm-256color", "WAYLAND_DISPLAY": "w"})
    assert (app.sent, kept.read_text()) == ("x", "x")
    assert "OSC 52" in line
    assert "wl-copy" in line


def test_a_file_where_there_is_nothing_else(
    app: _App, folder: TempFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(tmp_path, monkeypatch, "xclip", status=1)
    line = clipboard.copy(app, "secret", folder, {"TERM": "linux", "DISPLAY": ":0"})
    [path] = [path for path in folder.folder().iterdir() if path.name.startswith("copy")]
    assert str(path) in line
    assert path.read_text() == "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    folder.remove()


def test_too_much_for_the_terminal_is_not_sent_to_it(app: _App, folder: TempFolder) -> None:
    line = clipboard.copy(app, "x" * 80_000, folder, {"TERM": "xterm-kitty"})
    assert app.sent == ""
    assert "written to" in line
    folder.remove()


def test_what_is_copied_is_safe(app: _App, folder: TempFolder) -> None:
    clipboard.copy(app, "a\x1b]52;c;eA==\x07\x9b31m\u202eb\tc\nd", folder, {"TERM": "xterm-kitty"})
    assert app.sent == "a]52;c;eA==31mb\tc\nd"


class TestFolder:
    def test_private_and_gone_after_use(self, folder: TempFolder) -> None:
        one, two = folder.write(b"1", "step.txt"), folder.write(b"2", "step.txt")
        assert one != two
        assert one.read_bytes() == b"1"
        assert folder.folder().stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.folder().iterdir()} == {0o600}
        folder.remove()
        assert not one.parent.exists()
        folder.remove()

    def test_left_behind_ones_are_swept_living_ones_are_not(self, folder: TempFolder, tmp_path: Path) -> None:
        code = (
            "import os, sys; from pathlib import Path; from tracetui.bucket.tempfolder import TempFolder\n"
            "t = TempFolder(Path(sys.argv[1])); print(t.write(b'x', 'a.txt').parent, flush=True)\n"
            "os.kill(os.getpid(), 9)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        left = Path(done.stdout.strip())
        assert left.exists(), "killed, so it could not clean up"
        living = TempFolder(tmp_path)
        stays = living.folder()
        assert not left.exists(), "swept when the next one was made"
        other = tmp_path / f"tracetui-{os.getuid()}-evil"
        other.symlink_to(tmp_path / "elsewhere")
        assert TempFolder(tmp_path).sweep() == 0
        assert stays.exists()
        assert other.is_symlink()
        living.remove()


def argv(facts: LogFacts) -> list[str]:
    return ["claude", "--resume", facts.session]


PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1)


class TestResume:
    def test_the_line_is_quoted(self) -> None:
        found = resume_of(make_session(0), LogFacts("claude", "a;b", cwd="/home/u/my dir/$(x)"), argv)
        assert found.shell == "cd '/home/u/my dir/$(x)' && claude --resume 'a;b'"
        assert found.argv == ["claude", "--resume", "a;b"]

    @pytest.mark.parametrize(
        ("session", "facts", "says"),
        [
            ({}, {"session": "-rf"}, "dash"),
            ({}, {"session": "a\nb"}, "control"),
            ({}, {"session": "a\u202eb"}, "control"),
            ({}, {"cwd": "/x\x1b]0;"}, "control"),
            ({}, {"cwd": "-x"}, "dash"),
            ({"id": "-x"}, {}, "dash"),
            ({"foreign": True}, {}, "capsule"),
            ({}, {"agent": "a1"}, "subagent"),
        ],
    )
    def test_what_is_refused(self, session: dict[str, object], facts: dict[str, object], says: str) -> None:
        made = LogFacts("claude", "s1", cwd="/x")
        for name, value in facts.items():
            setattr(made, name, value)
        with pytest.raises(TracetuiError, match=says) as caught:
            resume_of(make_session(0, **session), made, argv)
        assert str(caught.value).isprintable()

    @given(
        st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), min_size=1).filter(
            lambda t: t[0] != "-"
        )
    )
    def test_a_shell_reads_it_back(self, text: str) -> None:
        import shlex

        found = resume_of(make_session(0), LogFacts("claude", text, cwd=text), argv)
        assert shlex.split(found.shell) == ["cd", text, "&&", "claude", "--resume", text]


def test_the_users_programs_are_split_as_a_shell_would() -> None:
    environ = {"VISUAL": "code --wait 'a b'", "EDITOR": "vi"}
    assert program(environ, ("VISUAL", "EDITOR"), ()) == ["code", "--wait", "a b"]
    assert program({"VISUAL": "'open", "EDITOR": "vi"}, ("VISUAL", "EDITOR"), ()) == ["vi"]
    assert program({}, ("PAGER",), ("surely-not-there", "sh")) == ["sh"]
    assert program({}, ("PAGER",), ("surely-not-there",)) is None


def test_textuals_own_copy_key_sends_what_terminals_read() -> None:
    """The OSC 52 that the base class writes carries the text in base64, nothing else."""
    written: list[str] = []
    made = App[None]()
    made._driver = type("Driver", (), {"write": lambda self, data: written.append(data)})()
    copy: Callable[[App[None], str], None] = App.copy_to_clipboard
    copy(made, "a\x07b")
    assert written == [f"\x1b]52;c;{base64.b64encode(b'a' + bytes([7]) + b'b').decode()}\a"]
