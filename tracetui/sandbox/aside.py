"""What a command is asked to leave beside its output: the statuses of its parts, what its runner tells of itself, and
the versions of its tools. It comes back behind the output, after a mark that the command did not know when it began.

Whoever wrote the command can forge it as easily as the output itself; it says what honest programs did.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["HOOKS", "Aside", "cut"]

HOOKS: Final = "/capsule/hooks"
"""Where the folder of hooks stands inside the sandbox."""
_FILE: Final = 2_000_000
SHELL: Final = (
    'cd -- "$0" || exit 125; mkdir -p "$4"; if [ -x /bin/bash ]; then '
    '/bin/bash -c \'ulimit -u "$1" 2>/dev/null; BASH_ENV="$2" exec /bin/bash -c "$0"\' "$1" "$2" "$3"; '
    'else (ulimit -p "$2" 2>/dev/null; exec /bin/sh -c "$1"); fi; code=$?; printf "\\n%s\\n" "$5"; '
    'for f in "$4"/*; do if [ -f "$f" ]; then printf "== %s\\n" "${f##*/}"; '
    f'tail -c {_FILE} "$f"; echo; fi; done; shift 5; for ask in "$@"; do printf "== version\\n"; '
    "$ask 2>&1 </dev/null | head -n 1; done; exit $code"
)
"""Run with the folder, the command, the tasks it may have, the file that its shell reads first, the folder to leave
things in, the mark, and the commands that tell versions."""
_PART: Final = re.compile(r"^== ([a-z]{1,20})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Aside:
    """``hooks`` is the folder that holds ``shell.sh`` and what else programs are told to load. ``versions`` are
    commands, words without quoting, whose first line is a version. ``tap``: keep what flows into a filter at the end.
    """

    hooks: Path
    versions: tuple[str, ...] = ()
    tap: bool = False
    mark: str = field(default_factory=lambda: f"-- {secrets.token_hex(16)} --")


def cut(output: str, mark: str) -> tuple[str, dict[str, list[str]]]:
    """(the output itself, what stands behind the mark by name); nothing stands there when the command was killed."""
    before, found, behind = output.rpartition(f"\n{mark}\n")
    if not found:
        return output, {}
    parts = _PART.split(behind)
    told: dict[str, list[str]] = {}
    for name, text in zip(parts[1::2], parts[2::2]):
        told.setdefault(name, []).append(text.strip("\n"))
    return before, told
