"""What of a value is secret, and which pieces of it say that they are of this value and no other.

A secret that was cut short still gives itself away by eight characters of its core: the value without scheme, host,
issuer's prefix, JWT header, PEM boundary or path. Pieces that are mere words are not looked for, so that harmless text
that shares them stays; at an end of the core they count where the text shows that something was cut off there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tracetui.redact.entropy import wordiness

__all__ = ["PERSONAL_KINDS", "PIECE", "core_of", "is_boundary", "lead_of", "lines_of", "telling"]

PERSONAL_KINDS: Final = frozenset("email user host address name home machine remote".split())
PIECE: Final = 8
"""Characters of a core from which on a copy that was cut short counts."""

# What stands before the secret part: an issuer's prefix; else up to three words or version numbers.
_ISSUER: Final = re.compile(
    r"sk-ant-[a-z]{2,6}\d{2}-|sk-(?:proj|svcacct|admin|or-v1|ant|lf|litellm|service|none)-|github_pat_|gh[pousr]_|glpat-"
    r"|xox[a-z]-|xapp-\d-|(?:sk|rk|pk)_(?:live|test|prod)_|pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)|npm_|AIzaSy|AIza"
    r"|ya29\.|A(?:KIA|SIA|GPA|ROA|IDA|BIA|CCA)|hf_|SG\.|dop_v1_|whsec_|GOCSPX-|ATATT3xFfGF0|eyJrIjoi"
    r"|(?:(?:[a-z]{2,11}\d{0,2}|[A-Z]{2,11}\d{0,2}|v\d{1,2})[_-]){1,3}(?=[A-Za-z0-9+/_-]{16})"
)
_ASSIGNED: Final = re.compile(
    r"(?:export[ ]+)?[\"']?[A-Za-z][A-Za-z_. -]{1,40}[\"']?[ \t]*[=:](?!//)[ \t]*[\"']?"
    r"(?:(?:Bearer|Basic|Token|token)[ ]+)?|(?:Bearer|Basic|Token|token)[ ]+"
)
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.(?=[A-Za-z0-9_-]{8})")
_PEM: Final = re.compile(r"-----(?:BEGIN|END)[^-\n]{0,60}-----")
_BOUNDARY: Final = re.compile(r"[ \t\\\"',+>|-]{0,40}-----(?:BEGIN|END)[^-\n]{0,60}-----[ \t\r\\\"',|+;)]{0,40}")
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://")
_PEM_HEAD: Final = re.compile(
    r"MII[A-Za-z0-9+/]{1,3}(?:IBAAKC[A-Za-z0-9]{5}|ADANBgkqhkiG9w0BAQEFAASC|[A-Za-z0-9]{0,3}AQAwgg)"
    r"|b3BlbnNzaC1rZXktdjEAAAAA[A-Za-z0-9+/]{8}(?:ZQAAAARub25lAAAAAAAAAAEAAA|AAAA[A-Za-z0-9+/]{0,24})"
)


def is_boundary(line: str) -> bool:
    """Whether a line is the first or last one of a PEM block, which is no secret."""
    return _BOUNDARY.fullmatch(line) is not None


def core_of(value: str) -> str:
    """The part of a value that is secret; empty where it is so short that only the whole value counts."""
    if "-----BEGIN" in value[:40]:
        body = "".join(re.findall(r"[A-Za-z0-9+/=]{4,}", _PEM.sub("", value)))
        head = _PEM_HEAD.match(body)
        return body[head.end() :] if head is not None else body
    core = value
    if (lead := _ASSIGNED.match(core)) is not None and len(core) - lead.end() >= PIECE:
        core = core[lead.end() :].strip("\"'")
    if (jwt := _JWT.match(core)) is not None:
        return core[jwt.end() :]
    if (url := _URL.match(core)) is not None:
        core = _of_url(core[url.end() :])
    elif core.startswith(("/", "~/", "./", "../")) and "/" in core[1:]:
        core = core.rpartition("/")[2]
    if (issuer := _ISSUER.match(core)) is not None and len(core) - issuer.end() >= PIECE:
        core = core[issuer.end() :]
    else:
        size = _known_prefix(core)
        core = core[size:]
    return core if len(core) >= PIECE else ""


def _of_url(rest: str) -> str:
    """The secret of a URL behind its scheme: the password, else the longest value of its query, else the last part of
    its path."""
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, at, _ = authority.rpartition("@")
    if not at and "@" in place:  # a password with a slash in it
        login, at, _ = place.rpartition("@")
    if at:
        user, colon, password = login.partition(":")
        return password if colon and len(password) >= PIECE else (user if not colon or not password else "")
    if query:
        return max((part.partition("=")[2] or part for part in re.split("[&#]", query)), key=len)
    return path.rstrip("/").rpartition("/")[2]


@lru_cache(1)
def _prefixes() -> tuple[str, ...]:
    from tracetui.redact.formats import formats

    words = {word for row in formats() for word in row.words if len(word) >= 3}
    return tuple(sorted(words, key=len, reverse=True))


def _known_prefix(core: str) -> int:
    """The length of a format's fixed beginning, where the value has one and enough behind it."""
    low = core[:40].lower()
    return next((len(word) for word in _prefixes() if low.startswith(word) and len(core) - len(word) >= 16), 0)


def lead_of(value: str, core: str) -> str:
    """What stands directly before the core in the value; it goes with a piece that begins the core."""
    at = value.find(core) if core and len(core) < len(value) else -1
    lead = value[:at] if at > 0 else ""
    return lead if len(lead) <= 400 else ""


def lines_of(value: str) -> list[str]:
    """The lines of a value that holds several, without marks around them: each is replaced by itself."""
    out = []
    for line in re.split(r"\\{1,4}r?\\{0,4}n|\r?\n", value):
        bare = line.strip(" \t\\\"',+>|")
        numbered = re.match(r"\d{1,7}(?:→|\t|: ?|\| ?)", bare)
        bare = bare[numbered.end() :] if numbered else bare
        if len(bare) >= PIECE and not _PEM.fullmatch(bare):
            out.append(bare)
    return out


_REGULAR: Final = re.compile(r"(?:[a-z]+|[A-Z]+|(?:[A-Z][a-z]+)+)(?:[A-Z]?[a-z]*)")


def telling(piece: str, *, edge: bool = False) -> bool:
    """Whether eight characters say that they are of this value and no other: words and plain numbers do not."""
    if len(set(piece)) < 4:
        return False
    if piece.isdigit():
        return edge
    pairs, common = wordiness(piece)
    if pairs < 4:
        return any(c.isdigit() for c in piece) or (pairs < 3 and sum(not c.isalnum() for c in piece) >= 2) or pairs == 3
    # Letters that change their case within a word are no word, whatever their pairs.
    if not all(_REGULAR.fullmatch(run) for run in re.findall("[A-Za-z]+", piece)):
        return True
    return common < 0.66 if pairs >= 5 else common < 0.6 or any(c.isdigit() for c in piece)
