"""Personal data that agent logs are full of: e-mail addresses, user names in paths, private hosts and addresses.

Phone and card numbers are off unless asked for: in agent logs nearly all that look like one are something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from tracetui.redact.tables import words

__all__ = ["PERSONAL_WORDS", "Personal", "common_users", "personal_at"]

_HARMLESS_MAIL: Final = re.compile(
    r"noreply|no-reply|example\.|@example|@localhost|^git@|@v?\d|@(?:test|domain|host|company|email|mail|foo|acme)\.|@(?:types|babel)"
    r"|@your|^(?:user|test|foo|name|you|your|username|email|someone|somebody|john|jane|alice|bob|me|admin)\d?(?:[._]?(?:doe|smith))?@"
    r"|\.(?:png|jpg|svg|gif|webp|js|ts|py|local|invalid|test|so|json|md)$"
)
_MAIL: Final = re.compile(r"[A-Za-z0-9.-]{1,200}")
_HOME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")
_WINDOWS: Final = re.compile(
    r"(?:\\{1,4}|/)([A-Za-z0-9][A-Za-z0-9._-]{0,40}(?: [A-Za-z0-9._-]{1,20})?)(?=[\\/\"'\s]|$)"
)
_HOST_LEFT: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61})\.){0,4}[a-z0-9][a-z0-9-]{0,61}$")
_ADDRESS: Final = re.compile(
    r"(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.\d{1,3}\.\d{1,3}(?![\w.-]*\d)"
)
_NETWORK: Final = re.compile(r"/\d{1,2}(?![\w/])")
_VERSION: Final = re.compile(
    r"(?:version|update|upgrade|bump|patch|release|deps|chrome|\bv8)[\w ]{0,12}[ :=/]{0,2}$|==$"
)
_PROMPT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,60}(?:[: ][~/][^\n]{0,100}?[$#%] )")
_LOCAL: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"

PERSONAL_WORDS: Final = (
    "@", "/home/", "/users/", ":\\users", ":/users", ":\\\\users", "-users-", "-home-",
    "hostname=", "computername=", "linux ", "darwin ", "macbook", ".int.",
    ".internal", ".corp", ".intranet", ".lan", ".home.arpa", ".ts.net", "192.168.", "172.", "10.", "100.",
)  # fmt: skip


_MACHINE: Final = re.compile(r"[A-Za-z][A-Za-z0-9.-]{3,62}(?=[\s\"'\\,;]|$)")
_UNAME: Final = re.compile(r"([A-Za-z][A-Za-z0-9.-]{3,62}) \d{1,2}\.\d{1,3}\.\d{1,3}[\w.+-]{0,40} (?:#\d|Darwin )")
_MACBOOK: Final = re.compile(r"macbook(?:-(?:pro|air))?(?:-\d{1,2})?(?:\.local|\.lan|\.home)?(?![a-z0-9-])")
_OWNER: Final = re.compile(r"(?<![a-z0-9.-])[a-z0-9][a-z0-9-]{1,40}-$")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9-]{1,63}\.){0,3}[a-z0-9-]{2,63}\.[a-z]{2,12}(?![\w(-]|\.[a-z0-9])")


def common_users() -> frozenset[str]:
    """User names that are nobody's."""
    return words("harmless", "users")


class Personal(NamedTuple):
    start: int
    end: int
    kind: str
    rule: str
    why: str


def personal_at(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    """The personal data to which the ``word`` at ``[start, end)`` belongs; ``low`` is the text in lower case."""
    if word == "@":
        return _mail(text, low, start)
    if word in _MACHINE_WORDS:
        return _machine(text, low, word, start, end)
    find = _BY_FIRST.get(word[0], _address)
    return find(text, low, word, start, end)


_MACHINE_WORDS: Final = frozenset({"hostname=", "computername=", "linux ", "darwin ", "macbook"})


def _windows_home(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    found = _WINDOWS.match(text, end)
    if start and text[start - 1].isalpha() and found is not None and found.group(1).lower() not in common_users():
        return Personal(found.start(1), found.end(1), "user", "home-path", "the user name of a home folder")
    return None


def _dashed_home(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    if start and text[start - 1] not in "/\"' \n\t=~`":
        return None
    found = _DASHED_NAME.match(text, end)
    if found is None or text[found.end() : found.end() + 1] != "-" or found.group().lower() in common_users():
        return None
    return Personal(found.start(), found.end(), "user", "home-path", "the user name of a home folder, dash-encoded")


def _host(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    """A host by the end of its name: ``db-3.internal``."""
    inner = word == ".int."
    end -= inner
    if text[end : end + 1] == "." and (domain := _DOMAIN.match(low, end + 1)) is not None:
        return _inner(low, start, domain.end())
    if inner or (end < len(text) and (text[end].isalnum() or text[end] in "_-(")):
        return None
    left = _HOST_LEFT.search(low, max(0, start - 120), start)
    if left is None or left.end() != start or _of_more(low, left.start()):
        return None
    if end < len(text) and text[end] == "." and text[end + 1 : end + 2].isalnum():
        return None
    if low[left.start() : start] in _CODE_NAMES or "." not in low[left.start() : end - 1]:
        return None
    return Personal(left.start(), end, "host", "private-host", "a host of a private network")


_CODE_NAMES: Final = frozenset({"this", "self", "_", "config"})


def _of_more(low: str, start: int) -> bool:
    """Whether a name is the end of a longer one, or of a path."""
    return start > 0 and low[start - 1] in "_.@$/" and low[start - 2 : start] != "//"


def _address(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    if start and (text[start - 1].isalnum() or text[start - 1] in "._-v"):
        return None
    if _VERSION.search(low, max(0, start - 20), start) is not None:
        return None
    address = _ADDRESS.match(text, start)
    if address is None or address.group() in words("harmless", "addresses"):
        return None
    if any(int(part) > 255 for part in address.group().split(".")):
        return None
    if address.group().endswith((".0.0", ".0")) or _NETWORK.match(text, address.end()) is not None:
        return None
    return Personal(start, address.end(), "address", "private-address", "an address of a private network")


_DASHED_NAME: Final = re.compile(r"[A-Za-z0-9._]{1,40}")


def _machine(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    """The host that a machine calls itself, in ``env`` and ``uname -a``, or a laptop that is named after its owner."""
    if word == "macbook":
        found, owner = _MACBOOK.match(low, start), _OWNER.search(low, max(0, start - 48), start)
        if found is None or owner is None:
            return None
        return Personal(owner.start(), found.end(), "host", "machine-name", "a laptop named after its owner")
    if start and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        return None
    if word[-1] == " ":
        named = _UNAME.match(text, end)
        if named is None or named[1].lower() in words("harmless", "hosts"):
            return None
        return Personal(named.start(1), named.end(1), "host", "machine-name", "the host that uname tells")
    if not text[start:end].isupper():
        return None  # a parameter of that name
    found = _MACHINE.match(text, end)
    if (
        found is None
        or found.group().lower() in words("harmless", "hosts")
        or not set("0123456789-.").intersection(found.group())
    ):
        return None
    if set(found.group().lower()) <= set("0123456789abcdef"):
        return None  # a container's id
    return Personal(end, found.end(), "host", "machine-name", "the host of an environment")


def _inner(low: str, start: int, end: int) -> Personal | None:
    """A host within a network's own subdomain: ``db-3.int.acme.io``. Packages are called so too; a host has a number or
    a dash, or stands behind ``://`` or ``@``."""
    left = _HOST_LEFT.search(low, max(0, start - 120), start)
    if left is None or (left.start() and low[left.start() - 1] in "_.$"):
        return None
    name = low[left.start() : start]
    if not any(c.isdigit() or c == "-" for c in name) and low[left.start() - 1 : left.start()] not in {"@", "/"}:
        return None
    return Personal(left.start(), end, "host", "private-host", "a host of a private network")


def _mail(text: str, low: str, at: int) -> Personal | None:
    if not at or text[at - 1] not in _LOCAL:
        return None
    floor = max(0, at - 64)
    left = floor + len(text[floor:at].rstrip(_LOCAL))
    while left < at and not text[left].isalnum():
        left += 1
    right = _MAIL.match(text, at + 1)
    if left == at or right is None:
        return None
    domain = right.group().rstrip(".-")
    head, dot, top = domain.rpartition(".")
    if not dot or not (2 <= len(top) <= 24) or not top.isalpha() or not head or ".." in domain:
        prompt = _PROMPT.match(text, at + 1)
        if prompt is not None and (left == 0 or text[left - 1] in "\n[(\x00") and low[left:at] not in common_users():
            host = _MAIL.match(text, at + 1)
            assert host is not None
            return Personal(left, host.end(), "user", "shell-prompt", "user and host of a shell prompt")
        return None
    end = at + 1 + len(domain)
    if _HARMLESS_MAIL.search(low[left:end]) is not None:
        return None
    if left and text[left - 1] in "/:" and text[max(0, left - 3) : left].endswith(("//", ":")):
        return None  # a URL's user, judged elsewhere
    if text[end : end + 1] == ":" and low[left:at] == "git":
        return None
    return Personal(left, end, "email", "email", "an e-mail address")


def _home(text: str, low: str, word: str, start: int, end: int) -> Personal | None:
    before = text[start - 1] if start else " "
    if before.isalnum() or before in "_.":
        # /private/home, /var/home, /mnt/c/Users, /export/home are homes too.
        head = text[max(0, start - 12) : start]
        if not head.endswith(("/private", "/var", "/export", "file:/")) and not (
            head[-2:-1] == "/" and head[-1:].isalpha()
        ):
            return None
    found = _HOME.match(text, end)
    if found is None:
        return None
    name = found.group().rstrip(".-")
    if name.lower() in common_users() or (
        "." in name and name.rsplit(".", 1)[1] in {"md", "py", "ts", "js", "html", "tsx"}
    ):
        return None
    return Personal(end, end + len(name), "user", "home-path", "the user name of a home folder")


_BY_FIRST: Final[dict[str, Callable[[str, str, str, int, int], Personal | None]]] = {
    "/": _home, ":": _windows_home, "-": _dashed_home, ".": _host,
}  # fmt: skip
"""What looks closer, by the first character of the word."""
