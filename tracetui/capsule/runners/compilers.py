"""make and compilers: files with their errors, and the target that stopped."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read"]

_ERROR: Final = re.compile(
    r"(?P<file>[^\s:()][^:()\n]{0,300}\.[A-Za-z+]{1,5})[:(]\d{1,7}(?:[:,]\d{1,5})?\)?: "
    r"(?:fatal )?error(?: TS\d{1,6}| C\d{1,6})?: (?P<text>.*)$"
)
_RUSTC: Final = re.compile(r"error\[(E\d{4})\]: (.*)$")
_LINKER: Final = re.compile(r".{0,300}(undefined reference to .{1,200}|multiple definition of .{1,200})$")
_MAKE: Final = re.compile(
    r"g?make(?:\[\d{1,3}\])?: \*\*\* \[(?:\S{1,200}:\d{1,7}: )?(.{1,200})\] (Error \d{1,3}|.{1,60})$"
)


def read(lines: list[str]) -> Told | None:
    """What a compiler or make told, None where nothing stopped. Ids are files; of make alone, targets."""
    told = Told("compiler")
    target: str | None = None
    for line in lines:
        if (found := _ERROR.match(line)) is not None:
            file, text = found["file"], error_of([found["text"]])
            known = told.failed.get(file)
            told.fail(f"{file}: {text}" if known is not None and known != text else file, text)
        elif (found := _RUSTC.match(line)) is not None:
            told.fail(found[1], error_of([found[2]]))
        elif (found := _LINKER.match(line)) is not None:
            told.fail("link", error_of([found[1]]))
        elif target is None and (found := _MAKE.match(line)) is not None:
            target = found[1]
    if told.empty and target is not None:
        told = Told("make", failed={f"target {target}": ""})
    return None if told.empty else told
