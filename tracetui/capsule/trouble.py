"""What keeps a command from showing anything: no test was collected, a dependency is missing, there is no network."""

from __future__ import annotations

import re
from typing import Final

from tracetui.text.safe import one_line

__all__ = ["kept_from_telling", "killed"]

_TIMED_OUT: Final = 124
_PYTEST_NOTHING: Final = 5
_PYTEST_UNUSABLE: Final = (3, 4)
_CURL_UNREACHED: Final = (5, 6, 7)
_NO_TESTS: Final = (
    "no tests ran", "collected 0 items", "ran 0 tests", "no tests found", "no test files", "no tests to run",
    "no test suite found", "no tests collected", "0 tests collected", "0 passing", "no test specified",
    "running 0 tests", "# tests 0", "\u2139 tests 0", "0 examples, 0 failures", "no tests executed",
    "no test is available", "no tests were found", "0 runs, 0 assertions", "start directory is not importable",
    "could not find 'test", "missing script:",
)  # fmt: skip
_SOME_TESTS: Final = re.compile(
    r"(?:ran|running|collected) [1-9]|[1-9][0-9]{0,6} (?:passed|passing|failed|failing|tests? passed)|--- (?:pass|fail)"
    r"|^[#\u2139] (?:pass|fail) [1-9]|^ok[ \t]+(?![^\n]{0,300}\[no tests to run\])\S",
    re.MULTILINE,
)
_SKIPPED: Final = re.compile(
    r"^=* ?(?:[0-9]{1,6} (?:skipped|deselected|xfailed|warnings?)[, ]{0,2}){1,5} in [0-9.]{1,12}m?s"
    r"|^[#\u2139] skipped [1-9]|^--- skip",
    re.MULTILINE,
)
_UNITTEST: Final = re.compile(r"^ran ([0-9]{1,7}) tests? in(?:.*\n){1,3}ok \(skipped=([0-9]{1,7})\)", re.MULTILINE)
_NODE_NONE: Final = re.compile(r"^([#\u2139]) pass 0$(?:\n\1 .*$){0,3}\n\1 fail 0$", re.MULTILINE)
_MISSING: Final = (
    "modulenotfounderror", "no module named", "cannot find module", "cannot find package", "err_module_not_found",
    "command not found", ": not found", "unresolved import", "could not find gem", "no required module provides",
    "can't find crate", "package not found", "executable file not found", "disabled by goproxy=off",
    "you're using offline mode", "is not in std", "bundler::gemnotfound", "cannot find type definition file",
)  # fmt: skip
_BRING: Final = (
    (re.compile(r"No module named '?([A-Za-z_][A-Za-z0-9_]{0,60})"), "python3 -m pip install {}"),
    (re.compile(r"Cannot find (?:module|package) '(@?[A-Za-z][A-Za-z0-9@/._-]{0,80})'"), "npm install {}"),
    (re.compile(r"no required module provides package ([A-Za-z0-9./_-]{1,100})"), "go get {}"),
    (re.compile(r"can't find crate for `([A-Za-z0-9_]{1,60})`"), "cargo fetch"),
    (re.compile(r"cannot load such file -- ([A-Za-z0-9_]{1,60})"), "gem install {}"),
)
"""What package managers would be asked for; whether the package is called like the module, nobody tells."""
_COMMANDS: Final = 5
_NETWORK: Final = (
    "temporary failure in name resolution", "could not resolve host", "network is unreachable", "getaddrinfo",
    "name or service not known", " enotfound", "eai_again", "no address associated", "enotcached",
    "failed to establish a new connection", "no matching distribution found", "unable to resolve host",
)  # fmt: skip
_NO_START: Final = (
    "can't open file", "no rule to make target", "no targets specified and no makefile", "not a git repository",
    "error 127", "error 126", "could not read package.json", "enoent: no such file or directory, open '/capsule",
    ": cd: ", "no such file or directory, open 'package.json'", "could not find `cargo.toml`", "go.mod file not found",
    "could not find '",
)  # fmt: skip
"""Signs that a command found nothing to do its work on: a file, a target, a repository."""


def _bring(output: str) -> str:
    """What would bring the dependencies that are missing, by name, empty where no name is told."""
    commands: dict[str, None] = {}
    for pattern, command in _BRING:
        for found in pattern.finditer(output):
            if len(commands) < _COMMANDS:
                commands[command.format(*found.groups())] = None
    return f"; what would bring it: {', '.join(commands)}" if commands else ""


def kept_from_telling(command: str, output: str, code: int, *, hides: bool) -> str | None:
    """What kept a command from showing anything. A status of 0 is believed, where it is the command's own."""
    low = output.lower()
    if _no_tests(command, low, code):
        return "no test was collected"
    if code == 0 and _all_skipped(low):
        return "no test ran: all were skipped"
    if code and not hides and code == _TIMED_OUT and "timeout" in command:
        return "it ran out of time"
    if code == 0 and not hides:
        return None
    for signs, why in (
        (_MISSING, "a dependency is missing"),
        (_NETWORK, "it needs the network, which checks have not"),
        (_NO_START, "could not start"),
    ):
        found = next((text for text in output.splitlines() if any(sign in text.lower() for sign in signs)), None)
        if found is not None:
            return f"{why}: {one_line(found, 120)}{_bring(output) if signs is _MISSING else ''}"
    if code in _CURL_UNREACHED and "curl" in command:
        return "it needs the network, which checks have not"
    if code in _PYTEST_UNUSABLE and "pytest" in command:
        return f"could not start: status {code} of pytest"
    return None


def killed(why: str | None) -> str:
    told = {
        "timeout": "it ran out of time",
        "memory": "it ran out of memory",
        "output": "it printed without end",
        "tasks": "it started too many processes",
        "disk": "it wrote too much to the disk",
        "cancelled": "it was stopped",
    }
    return told.get(why or "", why or "it did not end")


def _no_tests(command: str, low: str, code: int) -> bool:
    if code == _PYTEST_NOTHING and ("pytest" in command or "pytest" in low):
        return True
    return any(sign in low for sign in _NO_TESTS) and _SOME_TESTS.search(low) is None


def _all_skipped(low: str) -> bool:
    if _NODE_NONE.search(low) is not None:
        return True
    found = _UNITTEST.search(low)
    if found is not None and found[1] == found[2]:
        return True
    return _SKIPPED.search(low) is not None and _SOME_TESTS.search(low) is None
