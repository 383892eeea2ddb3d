"""What lock files at a commit say about languages and dependencies, as far as it helps to run a check elsewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

__all__ = ["environment"]

_LIMIT: Final = 8 * 1024 * 1024
_KEPT: Final = 1000
_PIN: Final = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,100})(?:\[[^\]\n]{0,100}\])?\s{0,4}==\s{0,4}([A-Za-z0-9.+!_-]{1,60})"
)
_GO: Final = re.compile(r"^(?:require )?\s{0,8}([A-Za-z0-9./_~-]{3,200}) (v[A-Za-z0-9.+-]{1,80})(?: //.{0,40})?$")
_GEM: Final = re.compile(r"^ {4}([A-Za-z0-9._-]{1,100}) \(([A-Za-z0-9._-]{1,60})\)$")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,60}")

Read = Callable[[str], bytes | None]
Found = tuple[str, str]


def environment(read: Read) -> dict[str, Any]:
    """``languages`` (name -> version asked for) and ``dependencies`` (ecosystem, name, version, file) from the lock
    files at the root; ``read`` gives a file's bytes or None. Files that cannot be read are passed over."""
    languages: dict[str, str] = {}
    for path, name in ((".python-version", "python"), (".nvmrc", "node"), (".node-version", "node"),
                       (".ruby-version", "ruby"), ("rust-toolchain", "rust")):  # fmt: skip
        words = _text(read, path).split()
        if words and _VERSION.fullmatch(words[0]):
            languages.setdefault(name, words[0])
    for line in _text(read, ".tool-versions").splitlines()[:50]:
        parts = line.split()
        if len(parts) >= 2 and _VERSION.fullmatch(parts[0]) and _VERSION.fullmatch(parts[1]):
            languages.setdefault(parts[0], parts[1])
    project = _toml(read, "pyproject.toml").get("project")
    if isinstance(project, dict) and isinstance(project.get("requires-python"), str):
        languages.setdefault("python", project["requires-python"][:60])
    for line in _text(read, "go.mod").splitlines()[:400]:
        if line.startswith("go ") and _VERSION.fullmatch(line[3:].strip()):
            languages.setdefault("go", line[3:].strip())
    dependencies: list[dict[str, str]] = []
    for ecosystem, path, find in _FILES:
        try:
            for name, version in find(read, path):
                if len(dependencies) >= _KEPT:
                    break
                dependencies.append({"ecosystem": ecosystem, "name": name, "version": version, "file": path})
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue
    return {"languages": dict(sorted(languages.items())), "dependencies": dependencies}


def _text(read: Read, path: str) -> str:
    data = read(path)
    return data.decode("utf-8", "replace") if data is not None and len(data) <= _LIMIT else ""


def _toml(read: Read, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(read, path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _pins(read: Read, path: str) -> Iterator[Found]:
    for line in _text(read, path).splitlines():
        match = _PIN.match(line.strip())
        if match is not None:
            yield match[1], match[2]


def _packages(read: Read, path: str) -> Iterator[Found]:
    listed = _toml(read, path).get("package")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("name"), str) and isinstance(item.get("version"), str):
            yield item["name"], item["version"]


def _npm(read: Read, path: str) -> Iterator[Found]:
    text = _text(read, path)
    if not text:
        return
    value = orjson.loads(text)
    for place, item in sorted(value.get("packages", {}).items()):
        name = place.rpartition("node_modules/")[2]
        if name and isinstance(item, dict) and isinstance(item.get("version"), str):
            yield name, item["version"]


def _lines(pattern: re.Pattern[str]) -> Callable[[Read, str], Iterator[Found]]:
    def find(read: Read, path: str) -> Iterator[Found]:
        for line in _text(read, path).splitlines():
            match = pattern.match(line) if len(line) < 400 else None
            if match is not None:
                yield match[1], match[2]

    return find


_FILES: Final[tuple[tuple[str, str, Callable[[Read, str], Iterator[Found]]], ...]] = (
    ("python", "uv.lock", _packages),
    ("python", "poetry.lock", _packages),
    ("python", "requirements.txt", _pins),
    ("node", "package-lock.json", _npm),
    ("rust", "Cargo.lock", _packages),
    ("go", "go.mod", _lines(_GO)),
    ("ruby", "Gemfile.lock", _lines(_GEM)),
)
