"""Personal data that agent logs are full of: e-mail addresses, user names in paths, private hosts and addresses.

Phone and card numbers are off unless asked for: in agent logs nearly all that look like one are something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

__all__ = ["Personal", "personal"]

_COMMON_USERS: Final = frozenset(
    """
    root user users username runner ubuntu admin node app vscode codespace circleci travis jenkins build guest
    public shared default home me you name someone git www www-data nobody linuxbrew vagrant pi ec2-user docker
    gitpod yourname your-name youruser your-username xxx foo bar alice bob example jane john local lib src work
    test tests workspace project projects nonroot appuser
    """.split()
)
_HARMLESS_MAIL: Final = ("noreply", "no-reply", "example.", "@example", "users.noreply", "@localhost", "git@", ".local>", "@v", "@0", "@1", "@2", "@3", "@4", "@5", "@6", "@7", "@8", "@9")  # fmt: skip


class Personal(NamedTuple):
    start: int
    end: int
    kind: str
    rule: str
    why: str


@cache
def _rules() -> tuple[tuple[tuple[str, ...], str, str, str, Any], ...]:
    import re2

    rows = (
        (("@",), "email", "email", "an e-mail address",
         r"\b([A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24})\b"),
        (("/home/", "/users/"), "user", "home-path", "the user name of a home folder",
         r"(?:^|[^\w.])(?:/private)?(?:/home|/Users|/var/home|/export/home|/mnt/[a-z]/Users|/[a-z]/Users)/([A-Za-z0-9][A-Za-z0-9._-]{0,40})"),
        ((":\\users", ":/users"), "user", "home-path", "the user name of a home folder",
         r"(?i)\b[a-z]:(?:\\{1,4}|/)users(?:\\{1,4}|/)([A-Za-z0-9][A-Za-z0-9._ -]{0,40}?)(?:\\|/|\"|'|$)"),
        (("-users-", "-home-"), "user", "home-path", "the user name of a home folder, dash-encoded",
         r"(?:^|[/\"'\s])-(?:Users|home)-([A-Za-z0-9][A-Za-z0-9._]{0,40}?)-"),
        (("@",), "user", "shell-prompt", "user and host of a shell prompt",
         r"(?m)^(?:\([\w.-]+\) )?\[?([a-z_][a-z0-9_-]{0,31}@[A-Za-z0-9][A-Za-z0-9.-]{0,60})[: ][~/][^\n]{0,100}?[$#%] "),
        ((".internal", ".corp", ".intranet", ".lan", ".home.arpa", ".ts.net"), "host", "private-host", "a host of a private network",
         r"\b((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,5}(?:internal|corp|intranet|lan|home\.arpa|ts\.net))\b"),
        (("10.", "192.168.", "172.", "100."), "address", "private-address", "an address of a private network",
         r"\b((?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.\d{1,3}\.\d{1,3})\b"),
    )  # fmt: skip
    return tuple((words, kind, rule, why, re2.compile(pattern)) for words, kind, rule, why, pattern in rows)


def personal(text: str, low: str) -> Iterator[Personal]:
    """Personal data in a text, tier 2; ``low`` is the text in lower case."""
    for words, kind, rule, why, pattern in _rules():
        if not any(word in low for word in words):
            continue
        for match in pattern.finditer(text):
            start, end = match.span(1)
            value = match.group(1)
            small = value.lower()
            if kind == "email" and any(part in small for part in _HARMLESS_MAIL):
                continue
            if kind == "user" and small.split("@", 1)[0] in _COMMON_USERS:
                continue
            if kind == "address" and any(int(part) > 255 for part in value.split(".")):
                continue
            if (
                kind == "address"
                and end < len(text)
                and text[end] in ".-"
                and end + 1 < len(text)
                and text[end + 1].isdigit()
            ):
                continue
            yield Personal(start, end, kind, rule, why)
