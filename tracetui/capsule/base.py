"""The commit that an episode began from: recorded in the log, or inferred from the texts that the log saw."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tracetui.trail.store import Commit, MissingError, Store

__all__ = ["Base", "clean_remote", "find_base", "is_pushed"]

Texts = Mapping[str, tuple[bytes | None, tuple[bytes, ...]]]
_CANDIDATES: Final = 400
_VISITED: Final = 20_000
_FORGES: Final = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "git.sr.ht")


@dataclass(frozen=True, slots=True)
class Base:
    """``how``: ``recorded`` or ``inferred``. Of ``files`` whose text the log tells, ``matched`` stood in the commit
    just so. ``pushed``: a remote branch holds it; ``start`` is the commit that readers begin from: itself, or, of one
    that is not pushed, the nearest pushed ancestor (None: there is none)."""

    commit: str
    how: str
    files: int
    matched: int
    pushed: bool
    start: str | None


def find_base(store: Store, recorded: str | None, branch: str | None, texts: Texts, time: int | None) -> Base | None:
    """The base commit, None in a repository without commits.

    A ``recorded`` commit that the repository holds is it. Else the newest commit before ``time`` (ms, of the first
    edit) whose files equal ``texts`` (``history.first_texts``); where none does, the newest of those that match best.
    The log's ``branch`` is looked at first, then HEAD, then everything.
    """
    if recorded is not None:
        sha = store.resolve(recorded)
        if sha is not None:
            return _made(store, sha, "recorded", texts, _matches(store, sha, texts))
    best: tuple[int, str] | None = None
    for tips in _starts(store, branch):
        for commit in _before(store, tips, time):
            matched = _matches(store, commit.sha, texts)
            if best is None or matched > best[0]:
                best = (matched, commit.sha)
            if matched == len(texts):
                return _made(store, commit.sha, "inferred", texts, matched)
    if best is None:
        return None
    return _made(store, best[1], "inferred", texts, best[0])


def _made(store: Store, sha: str, how: str, texts: Texts, matched: int) -> Base:
    pushed = is_pushed(store, sha)
    start = sha if pushed else _pushed_ancestor(store, sha)
    return Base(sha, how, len(texts), matched, pushed, start)


def _starts(store: Store, branch: str | None) -> Iterator[list[str]]:
    named = store.resolve(f"refs/heads/{branch}") if branch else None
    head = store.resolve("HEAD")
    if named is not None:
        yield [named]
    if head is not None and head != named:
        yield [head]
    rest = [sha for name, sha in sorted(store.refs().items()) if name.startswith(("refs/heads/", "refs/remotes/"))]
    if rest:
        yield rest


def _newest_first(store: Store, tips: Iterable[str]) -> Iterator[Commit]:
    """Commits from the tips on, by committer's time, each once."""
    waiting: list[tuple[int, str]] = []
    seen: set[str] = set()

    def add(sha: str) -> None:
        if sha not in seen and len(seen) < _VISITED:
            seen.add(sha)
            commit = store.commit(sha)
            if commit is not None:
                heapq.heappush(waiting, (-commit.time, sha))

    for tip in tips:
        add(tip)
    while waiting:
        commit = store.commit(heapq.heappop(waiting)[1])
        if commit is None:
            continue
        yield commit
        for parent in commit.parents:
            add(parent)


def _before(store: Store, tips: Iterable[str], time: int | None) -> Iterator[Commit]:
    given = 0
    for commit in _newest_first(store, tips):
        if time is not None and commit.time * 1000 > time:
            continue
        yield commit
        given += 1
        if given >= _CANDIDATES:
            return


def _matches(store: Store, sha: str, texts: Texts) -> int:
    """How many of the files stood in the commit as the log tells them."""
    count = 0
    for path, (whole, pieces) in texts.items():
        try:
            data = store.text_at(sha, path)
        except MissingError:
            continue
        if whole is None and not pieces:
            count += data is None
        elif data is not None:
            plain = data.replace(b"\r\n", b"\n")
            if whole is not None:
                count += data == whole or plain == whole.replace(b"\r\n", b"\n")
            else:
                count += all(piece in data or piece in plain for piece in pieces)
    return count


# -- pushed or not


def _remote_tips(store: Store) -> list[str]:
    return [sha for name, sha in store.refs().items() if name.startswith("refs/remotes/")]


def is_pushed(store: Store, sha: str) -> bool:
    """Whether a remote branch, as last fetched, holds the commit."""
    tips = _remote_tips(store)
    if sha in tips:
        return True
    wanted = store.commit(sha)
    if wanted is None or not tips:
        return False
    return any(commit.sha == sha for commit in _newest_first(store, tips))


def _pushed_ancestor(store: Store, sha: str) -> str | None:
    """The newest ancestor that a remote branch holds, None when there is none."""
    tips = _remote_tips(store)
    if not tips:
        return None
    held = {commit.sha for commit in _newest_first(store, tips)}
    return next((commit.sha for commit in _newest_first(store, [sha]) if commit.sha in held), None)


# -- the remote


def clean_remote(url: str | None) -> tuple[str | None, bool]:
    """(a remote's address without user, password, query; whether it may be private).

    Only an address on a forge of the public counts as not private; whether its repository is, cannot be told from
    here. A local path is no address: (None, True).
    """
    if not url:
        return None, False
    from urllib.parse import urlsplit

    url = url.strip()
    host, path = "", ""
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
            if parts.scheme == "file" or not host:
                return None, True
            if parts.port is not None and parts.scheme in ("http", "https"):
                host = f"{host}:{parts.port}"
        except ValueError:
            return None, True
    elif ":" in url and "/" not in url.partition(":")[0] and not url.startswith((".", "~")):
        before, _, path = url.partition(":")
        host = before.rpartition("@")[2]
        if len(host) < 2:
            return None, True
    else:
        return None, True
    return f"https://{host}/{path.strip('/')}", host.lower() not in _FORGES
