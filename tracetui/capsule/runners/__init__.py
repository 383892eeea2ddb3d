"""What test runners and compilers print, read as tests that failed, passed or were skipped, each with its error.

One module a runner, from text alone. Several may have spoken in one output: a script that runs two, a test whose own
output looks like another runner's. `read_output` gives them in the order of how much they tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracetui.capsule.runners import (
    cargo_test,
    compilers,
    go_test,
    jest,
    junit,
    mocha,
    node_test,
    pytest,
    rspec,
    unittest,
    vitest,
)
from tracetui.capsule.runners.text import Told, lines_of

__all__ = ["RUNNERS", "Told", "read_output"]

RUNNERS: Final[tuple[Callable[[list[str]], Told | None], ...]] = (
    pytest.read,
    unittest.read,
    vitest.read,
    jest.read,
    mocha.read,
    node_test.read,
    go_test.read,
    cargo_test.read,
    rspec.read,
    junit.read,
)
"""Readers of test runners; compilers and make are asked where none of them has spoken."""


def read_output(output: str) -> list[Told]:
    """What the runners told that spoke in an output, those that name failures first."""
    lines = lines_of(output)
    found = [told for read in RUNNERS if (told := read(lines)) is not None]
    if not any(told.failed for told in found) and (told := compilers.read(lines)) is not None:
        found.append(told)
    return sorted(found, key=lambda told: (not told.failed, not told.broken))
