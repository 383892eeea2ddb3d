"""Hostile text in every field of every harness's log, and every screen walked over in a real terminal: no byte of it
does anything. What reaches the terminal is read as a terminal would; a Pilot cannot see it."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.pty.screen import shown
from tests.pty.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "\x1b]52;c;SU5KRUNURUQ=\x07"  # sets the clipboard
    "\x1b]0;INJECTED\x07\x1b]2;INJECTED\x1b\\"  # sets the window title
    "\x1b]8;;http://injected.example\x1b\\link\x1b]8;;\x1b\\"  # a link
    "\x1b[31;7mINJ\x1b[2J\x1b[?1049l\x1b[6n\x1bc"  # colours, clear, leave the screen, ask, reset
    "\x9b31mINJ\x9d0;INJECTED\x9c\x90qINJ\x9c"  # the same with C1
    '\x1bP$q"p\x1b\\\x1b_INJ\x1b\\\x1b^INJ\x1b\\'  # DCS, APC, PM
    "\u202eINJ\u202c\u2066INJ\u2069\u200f\u061c"  # turns the text around
    "\u200b\u2028\u2029\ufeff\U000e0041"  # hides
    "\x07\x08\x7f\x00\x0e\x0f\x11\x13\x18\x1a\r"  # bells, backspaces, shifts, flow control
    "[/][/bold][@click=app.quit]CLICK[/][link=file:///etc]L[/link][b red on blue]B[:smile:]\\[/"
)
"""Everything that a terminal or a markup language might take for more than text."""
LATER = "2026-05-12T11:00:00Z"
MULTI = f"{HOSTILE}\n{HOSTILE}\n# {HOSTILE}\n```{HOSTILE}\n{HOSTILE}\n```\n- `{HOSTILE}`\n> {HOSTILE}\n"

# Sequences that Textual itself sends: modes, cursor, colours, keyboard protocol, questions about modes.
_ALLOWED = re.compile(
    r"\x1b\[\d*(?:;\d*)*(?:[HJKmABCDGd]|(?<=[256])n)"
    r"|\x1b\[\?\d+(?:;\d+)*(?:[hlnu]|\$p)|\x1b\[[<>=]\d*(?:;\d+)*u|\x1b\[\?u|\x1b\[>\d*(?:;\d+)*[mq]|\x1b\[c|\x1b\[!p"
)
_POINTER = re.compile(r"\x1b\]22;[a-z-]{1,20}\x07")
_OSC52 = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
_CONTROL = re.compile("[\x00-\x07\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_TURNS = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


def _claude(folder: Path) -> Path:
    session = "aaaaaaaa-1111-4222-8333-444444444444"
    common = {
        "sessionId": session,
        "cwd": f"/tmp/{HOSTILE}",
        "gitBranch": HOSTILE,
        "version": "2.1.0",
        "isSidechain": False,
    }
    records: list[dict[str, object]] = [{"type": "ai-title", "aiTitle": HOSTILE, "sessionId": session}]
    number = 0

    def add(kind: str, message: dict[str, object], **more: object) -> None:
        nonlocal number
        number += 1
        records.append(
            {
                "type": kind,
                "uuid": f"u{number}",
                "parentUuid": f"u{number - 1}" if number > 1 else None,
                "timestamp": f"2026-05-12T10:{number // 60:02d}:{number % 60:02d}.000Z",
                "message": message,
                **common,
                **more,
            }
        )

    def call(name: str, value: object, output: object, **result: object) -> None:
        use = {"type": "tool_use", "id": f"t{number}", "name": name, "input": value}
        add("assistant", {"role": "assistant", "id": f"m{number}", "model": HOSTILE, "content": [use]})
        block = {"type": "tool_result", "tool_use_id": use["id"], "content": output, **result}
        add("user", {"role": "user", "content": [block]})

    add("user", {"role": "user", "content": MULTI})
    thinking = {"type": "thinking", "thinking": MULTI, "signature": "x"}
    add("assistant", {"role": "assistant", "id": "m0", "model": HOSTILE, "content": [thinking]})
    add("assistant", {"role": "assistant", "id": "m1", "model": HOSTILE, "content": [{"type": "text", "text": MULTI}]})
    call("Bash", {"command": MULTI, HOSTILE: HOSTILE}, MULTI, is_error=True)
    call("Read", {"file_path": f"/tmp/{HOSTILE}.py"}, MULTI)
    call("Edit", {"file_path": f"/tmp/{HOSTILE}", "old_string": MULTI, "new_string": f"new {MULTI}"}, HOSTILE)
    call("Write", {"file_path": f"/tmp/{HOSTILE}", "content": MULTI}, HOSTILE)
    call(HOSTILE, {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}]}, [{"type": "text", "text": HOSTILE}])
    call("Grep", {"pattern": HOSTILE, "path": HOSTILE}, HOSTILE)
    call("WebFetch", {"url": HOSTILE, "prompt": HOSTILE}, MULTI)
    call("Task", {"description": HOSTILE, "prompt": MULTI, "subagent_type": HOSTILE}, MULTI)
    call("TodoWrite", {"todos": [{"content": HOSTILE, "status": HOSTILE}]}, HOSTILE)
    call(f"mcp__{HOSTILE}__x", {"a": HOSTILE}, HOSTILE)
    records.append(
        {
            "type": "system",
            "subtype": HOSTILE,
            "content": HOSTILE,
            "uuid": "s1",
            "timestamp": "2026-05-12T11:00:00Z",
            **common,
        }
    )
    return _write(folder / f"{session}.jsonl", records)


def _codex(folder: Path) -> Path:
    def line(kind: str, payload: dict[str, object]) -> dict[str, object]:
        return {"timestamp": "2026-05-12T09:00:00.000Z", "type": kind, "payload": payload}

    meta = {
        "id": "bbbbbbbb-1111-4222-8333-444444444444",
        "timestamp": "2026-05-12T09:00:00.000Z",
        "cwd": f"/tmp/{HOSTILE}",
    }
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": MULTI}]}
    arguments = json.dumps({"command": ["bash", "-lc", MULTI], "workdir": HOSTILE})
    patch = f"*** Begin Patch\n*** Add File: {HOSTILE.splitlines()[0]}\n+{HOSTILE.splitlines()[0]}\n*** End Patch"
    records = [
        line("session_meta", {**meta, "originator": HOSTILE, "cli_version": "0.50.0", "git": {"branch": HOSTILE}}),
        line("turn_context", {"cwd": HOSTILE, "model": HOSTILE}),
        line("response_item", user),
        line("event_msg", {"type": "user_message", "message": MULTI}),
        line("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": MULTI}]}),
        line("response_item", {"type": "function_call", "name": "shell", "arguments": arguments, "call_id": "c1"}),
        line("response_item", {"type": "function_call_output", "call_id": "c1", "output": MULTI}),
        line("response_item", {"type": "function_call", "name": HOSTILE, "arguments": HOSTILE, "call_id": "c2"}),
        line("response_item", {"type": "function_call_output", "call_id": "c2", "output": HOSTILE}),
        line("response_item", {"type": "custom_tool_call", "name": "apply_patch", "input": patch, "call_id": "c3"}),
        line("response_item", {"type": "custom_tool_call_output", "call_id": "c3", "output": HOSTILE}),
    ]
    return _write(folder / f"rollout-2026-05-12T09-00-00-{meta['id']}.jsonl", records)


def _pi(folder: Path) -> Path:
    def message(number: int, value: dict[str, object]) -> dict[str, object]:
        stamp = f"2026-05-12T08:00:{number:02d}.000Z"
        return {"type": "message", "id": f"e{number}", "parentId": None, "timestamp": stamp, "message": value}

    call = {"type": "toolCall", "id": "c1", "name": HOSTILE, "arguments": {"command": MULTI}}
    result = {
        "role": "toolResult",
        "toolCallId": "c1",
        "toolName": HOSTILE,
        "content": [{"type": "text", "text": MULTI}],
    }
    head = {"type": "session", "version": 3, "id": "cccccccc-1111-4222-8333-444444444444", "cwd": f"/tmp/{HOSTILE}"}
    records = [
        {**head, "timestamp": "2026-05-12T08:00:00.000Z"},
        message(1, {"role": "user", "content": [{"type": "text", "text": MULTI}]}),
        message(2, {"role": "assistant", "model": HOSTILE, "content": [{"type": "text", "text": MULTI}, call]}),
        message(3, result),
    ]
    return _write(folder / "2026-05-12T08-00-00_cccccccc-1111-4222-8333-444444444444.jsonl", records)


def _write(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bucket of three hostile sessions, with a note that is no better."""
    from tracetui.bucket import Bucket
    from tracetui.harness.roots import files_of

    folder = tmp_path_factory.mktemp("hostile")
    logs = folder / "logs"
    logs.mkdir()
    for write in (_claude, _codex, _pi):
        write(logs)
    place = folder / "bucket"
    place.mkdir(mode=0o700)
    with Bucket.open(place, create=True) as made:
        made.capture(list(files_of([logs])), workers=0)
        rows = made.sessions()
        assert {row.harness for row in rows} == {"claude", "codex", "pi"}
        for row in rows:
            made.note(row, HOSTILE)
            made.bookmark(row)
    return place


def launch(bucket: Path, size: tuple[int, int], **environ: str) -> Terminal:
    home = bucket.parent / "home"
    home.mkdir(exist_ok=True)
    clean = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    env = {
        **clean,
        "HOME": str(home),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
        "PYTHONPATH": str(ROOT),
        **environ,
    }
    return Terminal([sys.executable, "-m", "tracetui", "--bucket", str(bucket)], env, size, str(ROOT))


def check(output: bytes) -> str:
    """Read what reached the terminal; anything that Textual would not send by itself is an injection."""
    text = output.decode("utf-8")
    for copied in _OSC52.findall(text):
        inner = base64.b64decode(copied).decode("utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", inner)
    rest = _ALLOWED.sub("", _POINTER.sub("", _OSC52.sub("", text)))
    at = rest.find("\x1b")
    assert at < 0, f"an escape sequence that is not the app's own: {rest[at : at + 30]!r}"
    for pattern in (_CONTROL, _TURNS):
        found = pattern.search(rest)
        assert found is None, f"{found[0]!r} in {rest[max(0, found.start() - 40) : found.end() + 20]!r}"
    return rest


DOWN, ENTER, ESC, TAB = (
    b"\x1b[B",
    b"\r",
    b"\x1b[27u",
    b"\t",
)  # ESC as no other key begins, so that what follows is no alt+key


def test_the_check_would_find_every_kind() -> None:
    """A test that cannot fail proves nothing: each piece of the hostile text is caught when it comes through."""
    strings = "\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[P_^][^\x1b]*\x1b\\\\|\x1bc"
    pieces = re.findall(f"{strings}|[\x07\x7f\x9b\x9d\u202e\u2028\ufeff]", HOSTILE)
    assert len(pieces) >= 10
    for piece in pieces:
        if piece.startswith("\x1b]52"):
            continue  # looks like a copy; the walk below copies nothing and forbids it by its payload
        with pytest.raises(AssertionError):
            check(b"harmless \x1b[1m" + piece.encode())
    check("plain ␛]52 日本 \x1b[1;38;2;1;2;3mred\x1b[0m\x1b[3;4H".encode())


@pytest.mark.parametrize(("size", "sessions"), [((120, 40), 2), ((80, 24), 1)])
def test_nothing_hostile_reaches_the_terminal(bucket: Path, size: tuple[int, int], sessions: int) -> None:
    with launch(bucket, size) as terminal:
        terminal.read(1.0, until=b"Home")
        press = terminal.press
        press(b"www", b"jj", b"\t", b"s", quiet=0.4)  # the sums of all time, then the list
        for _ in range(sessions):
            press(ENTER, quiet=0.3)
            for _ in range(20):
                press(b"j", quiet=0.04)
            press(b"tvgxepzz w", b"3", quiet=0.2)
            press(b"]", b"]", b"]", b"]", b"v", b"v", b"v", quiet=0.06, first=2.0)
            press(b"wlG", b"gw", quiet=0.06)
            press(b"/", b"INJ", ENTER, b"n", ESC, quiet=0.15)
            for _ in range(6):
                press(b".", quiet=0.1)
                press(b"v", b"v", b"v", quiet=0.04, first=2.0)
            press(b"2", b"/", b"INJ", ENTER, b"n", ESC, quiet=0.15)
            press(b"c", b"2", quiet=0.1)
            press(b"Y", ESC, b"1", b"m", ESC, b"j", quiet=0.25)
            assert terminal.alive
        press(b"?", b"/", b"copy", ESC, ESC, b":", b"x", ESC, b"T", DOWN, ENTER, ESC, quiet=0.25)
        press(b"J", b"INJ", ESC, b"/", b"INJ", TAB, ENTER, quiet=0.25)
        press(b"\x7fddS+", b"+", quiet=0.15)
        press(b"F", b"INJ", b"\x12", b"(", b"\x7f", ENTER, b"jj", ENTER, quiet=0.3)
        for y in range(2, size[1], 4):  # clicks on whatever stands there
            clicks = [b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (x, y, x, y) for x in (9, 60)]
            press(*clicks, quiet=0.04)
        terminal.read(0.3)
        assert terminal.alive, "no click and no key ran what the text asked for"
        check(bytes(terminal.output))
        text = shown(bytes(terminal.output))
        assert b"\x1b]52;c;SU5KRUNURUQ" not in terminal.output
        assert "[@click=app.quit]CLICK" in text, "shown as it is, so it was on the screen at all"
        for word in ("Search", "Keys", "Commands", "Themes", "Jump to", "Findings", "Copy", "JSON", " raw ", "␛"):
            assert word in text, "the walk came by here"
        press(b"\x11", quiet=0.1)
        assert terminal.wait() == 0
    errors = bucket / "errors"
    assert not errors.exists() or not list(errors.iterdir())


def test_what_is_copied_holds_no_controls(bucket: Path) -> None:
    with launch(bucket, (120, 40), TERM="xterm-kitty") as terminal:
        terminal.read(1.0, until=b"Sessions")
        terminal.press(ENTER, b"j", b"j", b"3", b"y", quiet=0.5)
        if b"\x1b]52" not in terminal.output:
            terminal.read(0.2, until=b"\x1b]52")
        text = terminal.output.decode("utf-8")
        copies = _OSC52.findall(text)
        assert copies, "the terminal was asked to copy"
        assert all(copied != "SU5KRUNURUQ=" for copied in copies)
        check(bytes(terminal.output))
        assert "INJECTED" in base64.b64decode(copies[0]).decode()
        terminal.press(b"\x11")
        assert terminal.wait() == 0


def test_no_colour_means_no_colour(bucket: Path) -> None:
    with launch(bucket, (80, 24), NO_COLOR="1") as terminal:
        terminal.read(1.0, until=b"Sessions")
        terminal.press(ENTER, b"j", b"3", quiet=0.3)
        check(bytes(terminal.output))
        assert "Timeline" in shown(bytes(terminal.output))
        for parameters in re.findall(rb"\x1b\[([\d;]*)m", bytes(terminal.output)):
            for number in parameters.split(b";"):
                assert number in (b"", b"0", b"1", b"2", b"3", b"4", b"7", b"39", b"49"), parameters
        terminal.press(b"\x11")
        assert terminal.wait() == 0
