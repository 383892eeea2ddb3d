"""Private keys as blocks: whole, torn, numbered, marked as a diff, quoted or escaped."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["key_blocks"]

_BEGIN: Final = re.compile(
    r"-{3,5}[ ]?BEGIN[ A-Z0-9_-]{0,40}?PRIVATE (?:KEY|KEY BLOCK)-{3,5}|-{4,5} BEGIN[ A-Z0-9_-]{0,40}?PRIVATE KEY -{4,5}"
)
_END: Final = re.compile(r"-{3,5}[ ]?END[ A-Z0-9_-]{0,40}?PRIVATE KEY(?: BLOCK)?[ ]?-{0,5}")
_LIMIT: Final = 16_000
_LINE: Final = re.compile(r"\\{1,4}r?\\{0,4}n|\r?\n|\\{1,4}u000a")
_BODY: Final = re.compile(r"[A-Za-z0-9+/=]{16,}")
_HEADER: Final = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset)\b")
_BASE: Final = re.compile(r"[A-Za-z0-9+/=]")


def key_blocks(text: str, at: int) -> tuple[int, int] | None:
    """The span of the private key whose first line holds the code point ``at``; None where there is no key body.

    A block without its last line ends with the last line that looks like its body.
    """
    begin = None
    for match in _BEGIN.finditer(text, max(0, at - 64), min(len(text), at + 64)):
        if match.start() <= at < match.end():
            begin = match
    if begin is None:
        return None
    stop = min(len(text), begin.end() + _LIMIT)
    # Texts that are scanned together are parted by it.
    gap = text.find("\0", begin.end(), stop)
    stop = gap if gap >= 0 else stop
    again = _BEGIN.search(text, begin.end(), stop)
    end = _END.search(text, begin.end(), stop if again is None else again.start())
    if end is not None:
        body = text[begin.end() : end.start()]
        if _is_body(body):
            return begin.start(), end.end()
    last = begin.end()
    lines = 0
    if again is not None:
        stop = again.start()
    place = begin.end()
    blanks = 0
    while place < stop:
        cut = _LINE.search(text, place, stop)
        finish = cut.start() if cut is not None else stop
        line = text[place:finish]
        found = list(_BODY.finditer(line))
        share = sum(m.end() - m.start() for m in found)
        if found and share * 2 >= len(line.strip()):
            last = place + found[-1].end()
            lines += 1
            blanks = 0
        elif (
            lines and found is not None and re.fullmatch(r"\W{0,8}\w{0,15}={0,2}\W{0,4}", line.strip()) and line.strip()
        ):
            last = finish  # the short last line
            break
        elif _HEADER.search(line) or len(line.strip()) < 12:
            blanks += 1
            if blanks > 4:
                break
        else:
            break
        place = cut.end() if cut is not None else stop
    body = text[begin.end() : last]
    return (begin.start(), last) if lines and _is_body(body) else None


def _is_body(body: str) -> bool:
    """Whether what stands between the first and last line is mostly base64, and more than a placeholder."""
    runs = [m.group() for m in _BODY.finditer(body)]
    total = sum(map(len, runs))
    if total < 24:
        return False
    if len(set("".join(runs))) < 12:
        return False
    plain = len(re.sub(r"[\s\\\"',+|→>:│-]|\d{1,6}[\t→:|]", "", body))
    return total * 10 >= plain * 5
