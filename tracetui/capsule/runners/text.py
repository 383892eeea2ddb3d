"""What every reader of a runner's output needs: its lines without colours, and texts as they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Told", "lines_of", "normal", "plain"]

_LINE: Final = 2000
_LINES: Final = 40_000
_ERROR: Final = 300
_NUMBERS: Final = re.compile(
    r"0x[0-9a-fA-F]{1,16}|\b[0-9]{1,9}(?:\.[0-9]{1,12})?(?=\s?(?:ms|s|sec|secs|seconds|µs|us|ns|m)\b)"
)
_POSITION: Final = re.compile(
    r"(?<=\.[A-Za-z]):[0-9]{1,7}(?::[0-9]{1,5})?|(?<=\.[A-Za-z]{2}):[0-9]{1,7}(?::[0-9]{1,5})?"
    r"|(?<=\.[A-Za-z]{3}):[0-9]{1,7}(?::[0-9]{1,5})?|(?<=, line )[0-9]{1,7}|(?<=' \()[0-9]{1,9}(?=\) panicked)"
    r"|(?<=^not ok )[0-9]{1,6}"
)
"""Where in a file, which thread, the how manyth test: other lines above change them."""
_TEMPORARY: Final = re.compile(r"/(?:private/)?(?:tmp|var/folders)/[^\s'\":,)]{1,200}")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_STAMP: Final = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]{1,9})?Z?")
_CLASS: Final = re.compile(
    r"^(?:[A-Za-z_][\w.]{0,200}\.)?(AssertionError(?: \[ERR_ASSERTION\])?|AssertionFailedError): ?"
)


@dataclass(slots=True)
class Told:
    """What the output of one runner tells. ``failed``: id of a test -> its assertion or error, normalised, empty where
    it is not told; ``passed`` and ``skipped``: ids, as far as they are named; ``ran`` and ``skips`` count, None where
    nothing counts. ``broken``: errors that kept tests from being collected or built. ``files`` passed as a whole,
    without naming their tests."""

    runner: str
    failed: dict[str, str] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    ran: int | None = None
    skips: int | None = None

    def fail(self, test: str, error: str = "") -> None:
        """A test failed; the first error that is told counts, and any is better than none."""
        if error or test not in self.failed:
            self.failed[test] = self.failed.get(test) or error

    def add(self, ran: int, skips: int = 0) -> None:
        """A summary counted so many tests that ran, and that were skipped; one of several."""
        self.ran, self.skips = (self.ran or 0) + ran, (self.skips or 0) + skips

    @property
    def empty(self) -> bool:
        """Whether nothing was recognised."""
        return not (self.failed or self.passed or self.skipped or self.files or self.broken) and self.ran is None


def plain(line: str) -> str:
    """A line without colours and control characters; of one that was written over, what is left to see."""
    return _ANSI.sub("", line.rstrip("\r").rpartition("\r")[2])


def lines_of(output: str) -> list[str]:
    """The lines that are read: the last ones of a long output, none that is longer than a line should be."""
    return [plain(line).rstrip() for line in output.split("\n")[-_LINES:] if len(line) <= _LINE]


def normal(line: str) -> str:
    """A line of output as it is compared: without colours, blanks doubled, durations, addresses, temporary paths, and
    positions in files."""
    line = " ".join(_ANSI.sub("", line).split())
    return _POSITION.sub("#", _TEMPORARY.sub("/tmp/#", _NUMBERS.sub("#", line)))  # noqa: S108


def error_of(lines: Iterable[str]) -> str:
    """The error of a failure as it is compared, from the lines that say it: ``normal``, without times, and without the
    name of the assertion's class, which some summaries leave out."""
    said = (normal(_STAMP.sub("#", line)) for line in lines)
    return _CLASS.sub("", " / ".join(line for line in said if line))[:_ERROR]
