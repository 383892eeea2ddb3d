"""What a shell command lets its exit status say, and what its output says beside it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["fails", "hides_status", "lints", "only_reads"]

_PIPE: Final = re.compile(r"(?<![|>])\|(?!\|)|\|\|\s{0,9}(?:true|:|exit 0|echo)|(?<!&)&\s{0,9}$")
_ANYWAY: Final = ("echo", "true", "printf", "cat", "exit 0", ":", "head", "tail", "grep", "ls", "sleep", "wait")
"""What ends a line of commands with a status of its own."""
_READS: Final = frozenset(
    "cat grep egrep rg ag git gh ls find head tail sed awk jq echo printf less diff sort wc xargs curl wget journalctl "
    "docker kubectl".split()
)
_LINTS: Final = frozenset(
    "eslint prettier ruff flake8 pylint black isort mypy pyright shellcheck golangci-lint gofmt vet staticcheck clippy "
    "rustfmt rubocop stylelint markdownlint hadolint yamllint biome standard checkstyle spotless lint".split()
)
_TESTS: Final = re.compile(r"\b(?:pytest|unittest|jest|vitest|mocha|rspec|test)\b")
_FAILS: Final = re.compile(
    r"\b[1-9][0-9]{0,6} (?:failed|failing|errors?)\b|\bfailed \((?:failures|errors)=|^[#\u2139] fail [1-9]|^--- fail"
    r"|test result: failed|^fail\t|^make(?:\[[0-9]{1,3}\])?: \*\*\* |^traceback \(most recent call last\)|^npm err",
    re.MULTILINE,
)


def hides_status(command: str) -> bool:
    """Whether a command's exit status may be that of something else than what it is about: ``pytest | tail``."""
    last = next((part.strip() for part in reversed(re.split(r"[;\n]", command)) if part.strip()), "")
    if last.startswith(_ANYWAY) and last != command.strip():
        return True
    return "pipefail" not in command and _PIPE.search(last) is not None


def only_reads(command: str) -> bool:
    """Whether what is piped is text that lies somewhere, rather than what a program finds out: ``cat log | tail``."""
    last = re.split(r"[;\n]|&&", _PIPE.split(command)[0])[-1].split()
    return not last or last[0].rpartition("/")[2] in _READS


def lints(command: str) -> bool:
    """Whether a command only judges how code is written."""
    words = (word.rpartition("/")[2] for word in re.split(r"[\s;&|()]+", command))
    return any(word in _LINTS for word in words) and not _TESTS.search(command)


def fails(output: str) -> bool:
    """Whether an output says that tests failed or a program died, whatever the exit status."""
    return _FAILS.search(output.lower()) is not None
