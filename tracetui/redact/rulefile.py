"""Rules that stay as a text file, in the style of ``git filter-repo --replace-text``: ``form:pattern==>replacement``.

The file holds secrets: it is written with mode 0600, says so in its first line, and is refused inside a Git work tree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tracetui.bucket.location import write_private
from tracetui.model import TracetuiError
from tracetui.redact.decisions import Rule, check_rule, pattern_of

__all__ = ["dump_rules", "load_rules", "parse_rules"]

_FIRST: Final = "# This file holds secrets in plain text: keep it to yourself and out of every repository."
_WRITTEN: Final = {"\n": r"\n", "\r": r"\r"}
_ESCAPED_BLANK: Final = re.compile(r"((?<!\\)(?:\\\\)*)\\$")
"""A backslash at the end that escapes the blank which stood behind it."""
_FORMS: Final = ("literal", "regex", "glob")


def parse_rules(text: str) -> list[Rule]:
    """Read rules, one a line; blank lines and lines that begin with ``#`` are left out. Without ``==>`` a rule gets a
    placeholder; blanks on both sides of it are no part of the rule. Raises TracetuiError (status 2) for a bad line, by
    its number."""
    out: list[Rule] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        left, arrow, right = line.partition("==>")
        if arrow and left.endswith(" ") and right[:1] in ("", " "):
            left, right = left.rstrip(" "), right.strip(" ")  # foo ==> bar: the blanks are for the eye
        form, colon, pattern = left.partition(":")
        rule = (
            Rule(form, pattern, right if arrow else None)
            if colon and form in _FORMS
            else Rule("literal", left, right if arrow else None)
        )
        try:
            check_rule(rule)
        except TracetuiError as error:
            raise TracetuiError(f"Line {number} of the rules: {error}", status=2) from None
        out.append(rule)
    return out


def load_rules(path: Path) -> list[Rule]:
    """Read a file of rules."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TracetuiError(f"Cannot read the rules {ascii(str(path))[1:-1]} ({error.strerror})") from None
    if len(data) > 16 << 20:
        raise TracetuiError(f"The rules {ascii(str(path))[1:-1]} are larger than 16 MB")
    if b"\0" in data:
        raise TracetuiError(f"The rules {ascii(str(path))[1:-1]} are no text")
    return parse_rules(data.decode("utf-8", "replace").removeprefix("\ufeff"))


def dump_rules(path: Path, rules: Iterable[Rule], *, force: bool = False) -> None:
    """Write rules into a private file; refused inside a Git work tree without ``force``."""
    real = Path(os.path.realpath(path))
    if not force and any(os.path.lexists(folder / ".git") for folder in real.parents):
        raise TracetuiError(
            f"{ascii(str(path))[1:-1]} lies in a Git work tree, where rules with secrets could be committed; "
            "name another place or say --force"
        )
    lines = [_FIRST]
    for rule in rules:
        if "\n" in (rule.replacement or ""):
            raise TracetuiError("A replacement with a line break cannot be written into a file of rules")
        form, pattern = rule.form, rule.pattern
        spaced = pattern.endswith(" ") and rule.replacement is not None and rule.replacement[:1] in ("", " ")
        if "\n" in pattern or "\r" in pattern or "==>" in pattern or spaced:
            # As a pattern that means the same and fits on a line.
            pattern = re.sub(r"(\\\\)|\\?([\n\r])", lambda m: m[1] or _WRITTEN[m[2]], pattern_of(rule))
            pattern = pattern.replace("==>", r"=\x3d>")
            if spaced:
                pattern = _ESCAPED_BLANK.sub(r"\1", pattern[:-1]) + r"\x20"
            form = "regex"
        lines.append(f"{form}:{pattern}" + ("" if rule.replacement is None else f"==>{rule.replacement}"))
    write_private(path, ("\n".join(lines) + "\n").encode())
