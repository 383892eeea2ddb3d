"""What a format or a structure matches and that is no secret: placeholders, references, ports, code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from tracetui.redact.entropy import is_hex, looks_random, wordiness
from tracetui.redact.placeholders import counted_out, placeholder
from tracetui.redact.tables import words

__all__ = ["cookies", "refused", "refused_format"]

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
        return _no_url_password(value, low)
    if rule == "jwt":
        return ".." in value or len(value) < 40
    if rule in _WHOLE:
        return False
    if low.startswith(_CODE_VALUES) or low in _NOTHING or placeholder(value):
        return True
    if rule in _RANDOM:
        return _no_token(value)
    test = _TESTS.get(rule)
    return test is not None and test(value, low)


_NOTHING: Final = frozenset({"true", "false", "null", "none", "undefined", "string"})


def _no_url_password(value: str, low: str) -> bool:
    if low in words("harmless", "passwords"):
        return True
    if low.startswith(_TEMPLATES) and (len(value) <= 10 or low[0] in "$<{*x%."):
        return True
    if low.startswith(("your", "my_", "my-", "redacted", "changeme", "‹")) or "placeholder" in low:
        return True
    if len(value) <= 3 and value.isalnum():
        return True
    head = value.split("/", 1)[0]
    return "/" in value and head.isdigit() and len(head) <= 5  # a port


def _no_token(value: str) -> bool:
    if _DOTTED.fullmatch(value) and wordiness(value)[1] > 0.6:
        return True  # code
    mixed = any(c.isdigit() for c in value) and len(set(value)) >= 8 and len(value) >= 16
    return not (looks_random(value) or mixed)


def _no_option(value: str, low: str) -> bool:
    if value.startswith(("-", "/", "~", "./")) or value.endswith((":", ",")):
        return True
    if low in ("password", "prompt", "stdin"):
        return True
    if value.isalpha():
        return not looks_random(value)
    return not any(c.isdigit() for c in value) and not any(c in "!@#$%^&*" for c in value)


def _no_mysql(value: str, low: str) -> bool:
    """``-port``, ``-protocol`` begin as a password does."""
    return value.isdigit() or low in ("ort", "assword", "rotocol") or low.startswith(("ort", "rotocol", "-"))


def _no_argument(value: str, low: str) -> bool:
    return low in _ARGUMENTS or value.startswith("-")


_ARGUMENTS: Final = frozenset({"password", "pass", "passwd", "token", "secret", "-e", "-f"})


def _no_credential(value: str, low: str) -> bool:
    return low in ("public", "private", "default") or (value.isalpha() and len(value) < 6)


def _no_entry(value: str, low: str) -> bool:
    return low in ("password", "pass", "passwd", "secret", "x") or value.startswith("*")


_INSTRUCTS: Final = frozenset(
    "enter your please the is must for a an this invalid wrong not passphrase password key to of and or with".split()
)


def _no_phrase(value: str, low: str) -> bool:
    """What a prompt or an error says is no passphrase."""
    return not _INSTRUCTS.isdisjoint(re.split(r"[ -]", low))


_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "option-password": _no_option,
    "mysql-password": _no_mysql,
    "phrase": _no_phrase,
    **dict.fromkeys(
        (
            "curl-user",
            "sshpass",
            "redis-password",
            "login-password",
            "keygen-passphrase",
            "openssl-key",
            "piped-secret",
            "set-secret",
            "user-password",
            "define-password",
        ),
        _no_argument,
    ),
    **dict.fromkeys(_CREDENTIALS, _no_credential),
    **dict.fromkeys(("connection-password", "netrc", "pgpass"), _no_entry),
}
"""By rule: whether a value, given in lower case too, is none."""


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
_COUNTED: Final = 0.75
"""From which part on that stands in order a token is one of documentation; set on half of the lists of false positives
of gitleaks, secretlint and trufflehog."""
_DUMMY: Final = ("example", "xxxx", "your_", "your-", "redacted")


def refused_format(rule: str, value: str) -> bool:
    """What has a token's format and says of itself that it is none, or is an identifier of words."""
    if rule == "vendor-token" and (is_hex(body := value.rpartition("_")[2]) or not looks_random(body)):
        return True
    if len(set(value)) < 8 or (rule in _SHORT and not looks_random(value[2:])):
        return True
    low = value.lower()
    if any(word in low for word in _DUMMY) or counted_out(value) >= _COUNTED:
        return True
    if "/" in value:
        return False
    pairs, common = wordiness(value)
    return pairs >= 12 and common >= 0.8 and sum(map(str.isdigit, value)) < 3
