"""Known values, tier 1: what the machine that a log came from, and the user's own, are known to be called, and values
that the user lets be read from the environment or ``.env`` files.

They are exact strings: the surest and cheapest detector there is. Nothing of them is stored.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tracetui.model import TracetuiError
from tracetui.redact.finding import Finding
from tracetui.redact.forms import ValueMatcher
from tracetui.redact.name_words import rare_parts
from tracetui.redact.personal import common_users

__all__ = ["Known", "env_file", "local_values", "log_values"]

_LEAST: Final = 8
_HOME: Final = re.compile(r"(?:/home|/Users|/var/home|/export/home|[A-Za-z]:[\\/]Users)[\\/]([^\\/\s:\"'‹›]{2,40})")
_SPACED_HOME: Final = re.compile(r"[A-Za-z]:[\\/]Users[\\/]([^\\/:\"'‹›\n]{2,40})[\\/]")
"""Windows lets names hold blanks."""
_DASHED: Final = re.compile(r"-(?:home|Users)-([A-Za-z0-9._]{2,40}?)-")
_HELD: Final = re.compile(r"(/[^\0\n]{1,400}?)/\.(?:claude|codex|pi|openclaw)/")
"""A home, by the folder of a harness in it."""
_SECRET_NAME: Final = re.compile(
    r"key|token|secret|pass|auth|cred|dsn|private|pwd|_url$|webhook|cookie|session", re.IGNORECASE
)
_BORING: Final = frozenset(
    "localhost local localdomain ubuntu debian macbook macbook-pro desktop laptop server".split()
)


PART: Final = "name-part"
"""The kind of a rare part of a known name: proposed, where the whole name is certain."""


class Known:
    """A detector of given values: (text, kind)."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        seen: dict[str, str] = {}
        self._parts: set[str] = set()
        for text, kind in values:
            if len(text) >= 2 and text not in seen:
                seen[text] = "name" if kind == PART else kind
                if kind == PART:
                    self._parts.add(text)
        self.values = [*seen.items()]
        self._matcher = ValueMatcher(self.values)

    def scan(self, text: str) -> list[Finding]:
        """Where these values stand in a text, in every form."""
        out: list[Finding] = []
        last = -1
        for hit in sorted(self._matcher.hits(text), key=lambda hit: (hit.start, hit.start - hit.end)):
            if hit.form == "part" or hit.end <= last:
                continue
            last = hit.end
            value, kind = self.values[hit.value]
            part = value in self._parts
            why = f"part of a known {kind}" if part else f"a known {kind}"
            out.append(Finding(hit.start, hit.end, kind, "known-value", 2 if part else 1, hit.form, why))
        return out


def _user(name: str) -> bool:
    # Below a folder that is called home by chance, as in a container, stand dot folders.
    return len(name) >= 3 and not name.startswith((".", "-")) and name.lower() not in common_users()


def _home(path: str) -> list[tuple[str, str]]:
    """A home that is not called as its user is, and so is known by its whole path. The root stays, so that what is
    redacted is still an absolute path."""
    parts = [part for part in path.split("/") if part]
    if not path.startswith("/") or len(parts) < 3 or _user(parts[-1]):
        return []
    return [("/".join(parts), "home")]


def log_values(*paths: str | None, remote: str | None = None, folder: str | None = None) -> list[tuple[str, str]]:
    """User names and home of the machine that a log came from, by its own folder and path; what a remote tells: who may
    read it, and the host and path of one that is on no public forge. Where no ``remote`` is given, those of the
    repository around ``folder`` are read from its config."""
    names: dict[str, None] = {}
    for path in paths:
        if path:
            names |= dict.fromkeys((*_HOME.findall(path), *_SPACED_HOME.findall(path), *_DASHED.findall(path)))
    # A home that is itself called home holds .codex and the like.
    names = {name: None for name in names if not name.startswith((".", "-"))}
    # A name stands with dashes in the names of project folders.
    names |= dict.fromkeys(re.sub(r"[^A-Za-z0-9]", "-", name) for name in [*names])
    homes = [value for path in paths if path and (held := _HELD.match(path)) for value in _home(held[1])]
    remotes = [remote] if remote else _remotes(Path(folder)) if folder else []
    return [*((name, "user") for name in names if _user(name)), *homes, *(v for url in remotes for v in _remote(url))]


def _remotes(folder: Path) -> list[str]:
    """The remotes of the repository that a folder is in, as its config has them."""
    if not folder.is_absolute():
        return []
    for place in (folder, *folder.parents):
        git = place / ".git"
        try:
            if git.is_file():  # a worktree
                named = git.read_text("utf-8", "replace")[:4096].strip().removeprefix("gitdir:").strip()
                git = (place / named).parent.parent
            if git.is_dir():
                config = (git / "config").read_text("utf-8", "replace")[:65536]
                return [*dict.fromkeys(re.findall(r"(?m)^[ \t]*(?:push)?url[ \t]*=[ \t]*\"?([^\s\"]{4,400})", config))]
        except OSError:
            return []
    return []


_REMOTE: Final = re.compile(
    r"(?:[a-z+]{2,10}://)?(?:([^/@\s]+)@)?([A-Za-z0-9][A-Za-z0-9.-]{2,80})(?::\d{1,5})?[:/]/?([^\s?#]{1,200}?)(?:\.git)?/?"
)
_FORGES: Final = frozenset(
    """
    github.com gitlab.com bitbucket.org codeberg.org git.sr.ht gitea.com dev.azure.com ssh.dev.azure.com
    ssh.github.com altssh.gitlab.com huggingface.co git.savannah.gnu.org salsa.debian.org localhost
    """.split()
)


def _remote(remote: str) -> Iterator[tuple[str, str]]:
    match = _REMOTE.fullmatch(remote.strip())
    if match is None:
        return
    name, colon, password = (match[1] or "").partition(":")
    if len(password or name) >= _LEAST and (colon or name != "git"):
        yield password or name, "password"
    elif _user(name):
        yield name, "user"
    host = match[2].lower()
    if host in _FORGES or "." not in host:
        return
    yield host, "host"
    if "/" in match[3] and len(match[3]) >= _LEAST:
        yield match[3], "remote"


def local_values(
    environ: Mapping[str, str] | None = None,
    *,
    home: Path | None = None,
    names: Iterable[str] = (),
    files: Iterable[str] = (),
) -> list[tuple[str, str]]:
    """The user's own name, home, host and e-mail; values of the environment variables ``names`` (``*``: all whose name
    says secret) and of the ``.env`` ``files``, of eight characters or more."""
    environ = os.environ if environ is None else environ
    home = home or Path.home()
    out: list[tuple[str, str]] = []
    try:
        user = environ.get("USER") or environ.get("LOGNAME") or getpass.getuser()
    except (KeyError, OSError):
        user = ""
    out += [(name, "user") for name in {user, home.name} if _user(name)]
    out += _home(str(home))
    host = socket.gethostname()
    for name in {host, host.partition(".")[0]}:
        if len(name) >= 5 and name.lower() not in _BORING and not name.isdigit():
            out.append((name, "host"))
    for config in (home / ".gitconfig", home / ".config" / "git" / "config"):
        out += _git_config(config)
    wanted = {*names}
    for name, value in environ.items():
        if name in wanted or ("*" in wanted and _SECRET_NAME.search(name)):
            out += _secret(value)
    for path in files:
        out += env_file(Path(path))
    return out


def _git_config(path: Path) -> Iterator[tuple[str, str]]:
    """The name and e-mail that Git signs with."""
    try:
        config = path.read_text("utf-8", "replace")[:65536]
    except OSError:
        return
    for mail in re.findall(r"(?m)^\s*email\s*=\s*\"?([^\s\"]+@[^\s\"]+)\"?\s*$", config):
        if "noreply" not in mail:
            yield mail, "email"
    for name in re.findall(r"(?m)^\s*name\s*=\s*\"?(\S[^\n\"]{2,60}?)\"?\s*$", config):
        if " " in name:
            yield name, "name"
            yield from ((part, PART) for part in rare_parts(name))


def env_file(path: Path) -> list[tuple[str, str]]:
    """The values of a ``.env`` file that are long enough to be told from other text."""
    try:
        text = path.read_text("utf-8", "replace")[: 1 << 20]
    except OSError as error:
        raise TracetuiError(f"Cannot read {ascii(str(path))[1:-1]} ({error.strerror})") from None
    out: list[tuple[str, str]] = []
    for line in text.splitlines():
        match = re.match(r"\s*(?:export\s+)?[A-Za-z_]\w*\s*=\s*(.*?)\s*$", line)
        if match is not None:
            out += _secret(match[1].strip("\"'"))
    return out


def _secret(value: str) -> list[tuple[str, str]]:
    value = value.strip()
    if len(value) < _LEAST or value.startswith(("/", "~", "http://localhost", "./")) or value.isdigit():
        return []
    if re.fullmatch(r"[a-z]+(?:[-_. ][a-z]+)*|true|false", value):
        return []
    return [(value, "env-value")]
