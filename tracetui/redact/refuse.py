"""What a format or a structure matches and that is no secret: placeholders, references, ports, code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tracetui.redact.entropy import is_hex, looks_random, wordiness
from tracetui.redact.placeholders import placeholder

__all__ = ["cookies", "refused", "refused_format"]

_TOY_PASSWORDS: Final = frozenset(
    "password pass passwd pwd secret token user userpass pw yourpassword mypassword".split()
)
_TEMPLATES: Final = ("xxx", "***", "<", "$", "{", "%s", "...")
_CODE_VALUES: Final = (
    "$", "{", "<", "(", "[", "%", "os.", "process.", "env.", "config.", "self.", "this.", "***", "...", "xxx", "\\",
)  # fmt: skip
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_CREDENTIALS: Final = frozenset(
    """
    sql-password secure-string net-user ldap-password sudo-password redis-config basic-credentials basic-pair
    db-connect device-password tool-password directory-entry
    """.split()
)
_WHOLE: Final = frozenset("jwt seed-phrase password-hash private-key-body putty-key age-identity slack-webhook".split())
_RANDOM: Final = frozenset(
    "authorization secret-header bearer query-token url-user-token docker-auth signed-url curl-user-token".split()
)


def refused(rule: str, value: str) -> bool:
    """Values that a structure matches and that are no secret: placeholders, references, ports."""
    low = value.lower()
    if rule == "url-password":
        if low in _TOY_PASSWORDS or (low.startswith(_TEMPLATES) and (len(value) <= 10 or low[0] in "$<{*x%.")):
            return True
        if low.startswith(("your", "my_", "my-", "redacted", "changeme", "‹")) or "placeholder" in low:
            return True
        if len(value) <= 3 and value.isalnum():
            return True
        head = value.split("/", 1)[0]
        return "/" in value and head.isdigit() and len(head) <= 5
    if rule == "jwt":
        return ".." in value or len(value) < 40
    if rule in _WHOLE:
        return False
    if low.startswith(_CODE_VALUES) or low in {"true", "false", "null", "none", "undefined", "string"}:
        return True
    if placeholder(value):
        return True
    if rule in _RANDOM and _DOTTED.fullmatch(value) and wordiness(value)[1] > 0.6:
        return True  # code
    if rule in _RANDOM:
        return not (
            looks_random(value) or (any(c.isdigit() for c in value) and len(set(value)) >= 8 and len(value) >= 16)
        )
    if rule == "option-password":
        if (
            value.startswith(("-", "/", "~", "./"))
            or low in {"password", "prompt", "stdin"}
            or value.endswith((":", ","))
        ):
            return True
        if value.isalpha():
            return not looks_random(value)
        return not any(c.isdigit() for c in value) and not any(c in "!@#$%^&*" for c in value)
    if rule == "mysql-password":
        return value.isdigit() or low in {"ort", "assword", "rotocol"} or low.startswith(("ort", "rotocol", "-"))
    if rule in {"curl-user", "sshpass", "redis-password", "login-password"}:
        return low in {"password", "pass", "passwd", "token", "secret", "-e", "-f"} or value.startswith("-")
    if rule in _CREDENTIALS:
        if low in {"public", "private", "default"}:
            return True
        return value.isalpha() and len(value) < 6
    if rule in {"connection-password", "netrc", "pgpass"}:
        return low in {"password", "pass", "passwd", "secret", "x"} or value.startswith("*")
    return False


def cookies(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The values in a cookie header that can identify someone; short flags stay."""
    at = start
    for part in text[start:end].split(";"):
        name, _, value = part.partition("=")
        stripped = value.strip()
        if len(stripped) >= 12 and not stripped.isalpha() and not stripped.startswith(("$", "{", "<")):
            begin = at + len(name) + 1 + (len(value) - len(value.lstrip()))
            if not placeholder(stripped):
                yield begin, begin + len(stripped)
        at += len(part) + 1


_SHORT: Final = frozenset(
    {"vault-old-token", "resend-key", "modal-token", "modal-secret", "voyage-key", "huggingface-token"}
)
"""Formats whose fixed part is so short that identifiers have it too."""
_DUMMY: Final = ("example", "xxxx", "your_", "your-", "redacted")


def refused_format(rule: str, value: str) -> bool:
    """What has a token's format and says of itself that it is none, or is an identifier of words."""
    if rule == "vendor-token" and (is_hex(body := value.rpartition("_")[2]) or not looks_random(body)):
        return True
    if len(set(value)) < 8 or (rule in _SHORT and not looks_random(value[2:])):
        return True
    low = value.lower()
    if any(word in low for word in _DUMMY):
        return True
    if "/" in value:
        return False
    pairs, common = wordiness(value)
    return pairs >= 12 and common >= 0.8 and sum(map(str.isdigit, value)) < 3
