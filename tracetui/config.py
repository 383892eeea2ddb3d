"""The user's config file: TOML, read tolerantly and written only when the user saves settings.

It lies at ``TRACETUI_CONFIG``, else in platformdirs' user config folder as ``config.toml``. A file that cannot be read,
a name that is not known or a value of the wrong type is named in one line of ``Config.problems``; the default holds.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tracetui.model import TracetuiError

__all__ = ["Config", "config_path", "load", "save"]

_LIMIT: Final = 1024 * 1024
_BACKGROUND: Final = ("idle", "always", "never")


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says, defaults where it says nothing.

    ``ascii`` None means: as the terminal's encoding and locale suggest. ``keys`` maps an action to its keys, parted by
    commas. ``exclude`` are file name patterns over the path of a log and over the folder its session worked in;
    ``max_age_days`` leaves out logs whose last change is older; ``harnesses``, where given, are the only ones captured.
    ``disk_budget_gb`` is the size of the bucket above which ``index`` asks whether the oldest sessions may go.
    ``file`` is None where there is no such file.
    """

    path: Path
    file: Path | None = None
    ascii: bool | None = None
    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    max_age_days: float | None = None
    harnesses: tuple[str, ...] | None = None
    background: str = "idle"
    disk_budget_gb: float | None = None
    problems: tuple[str, ...] = ()

    @property
    def theme_folder(self) -> Path:
        """Where the user's own theme files lie."""
        return self.path.parent / "themes"

    def app(self) -> dict[str, Any]:
        """What ``tui.app.run`` takes as its ``config``."""
        found: dict[str, Any] = {"keys": dict(self.keys), "theme_folder": self.theme_folder}
        if self.ascii is not None:
            found["ascii"] = self.ascii
        if self.background != "idle":
            found["background"] = self.background
        if self.theme is not None:
            found["theme"] = self.theme
        if self.problems:
            found["problems"] = self.problems
        return found

    def excludes(self, *paths: str | None) -> bool:
        """Whether a pattern covers one of these paths or a folder above it; ``~`` in a pattern is the home folder."""
        for pattern in self.exclude:
            whole = os.path.expanduser(pattern)  # noqa: PTH111 - never raises
            for path in paths:
                if not path:
                    continue
                if fnmatch.fnmatchcase(path, whole) or fnmatch.fnmatchcase(path, whole.rstrip("/") + "/*"):
                    return True
                if "/" not in whole and any(fnmatch.fnmatchcase(part, whole) for part in path.split("/")):
                    return True
        return False


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the config file lies or would lie."""
    named = (os.environ if environ is None else environ).get("TRACETUI_CONFIG")
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111 - never raises
    import platformdirs

    return Path(platformdirs.user_config_dir("tracetui", appauthor=False)) / "config.toml"


class _BadError(Exception):
    """What a value should have been."""


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise _BadError("true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _BadError("a text in quotes")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _BadError('a list of texts: ["…", "…"]')
    return tuple(value)


def _days(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise _BadError("a number of days above 0")
    return float(value)


def _gigabytes(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise _BadError("a number of gigabytes above 0")
    return float(value)


def _keys(value: object, prefix: str = "") -> dict[str, str]:
    """Actions and keys; ``app.help = "?"`` is a table in a table for TOML and an action's name for us."""
    if not isinstance(value, dict):
        raise _BadError('a table of action = "keys"')
    found: dict[str, str] = {}
    for name, keys in value.items():
        if isinstance(keys, dict) and prefix.count(".") < 3:
            found.update(_keys(keys, f"{prefix}{name}."))
            continue
        texts = [keys] if isinstance(keys, str) else keys
        if not isinstance(texts, list) or not texts or not all(isinstance(key, str) and key.strip() for key in texts):
            raise _BadError(f'a table of action = "keys"; {prefix}{name} is none')
        found[prefix + name] = ",".join(key.strip() for key in texts)
    return found


def _background(value: object) -> str:
    if value not in _BACKGROUND:
        raise _BadError(" or ".join(f'"{mode}"' for mode in _BACKGROUND))
    return str(value)


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "ascii": _bool,
    "theme": _text,
    "keys": _keys,
    "exclude": _texts,
    "max_age_days": _days,
    "harnesses": _texts,
    "background": _background,
    "disk_budget_gb": _gigabytes,
}


def load(path: Path | None = None) -> Config:
    """Read the config file, or the defaults where there is none. Never raises for what the file holds."""
    path = config_path() if path is None else path
    try:
        if path.is_fifo():
            return Config(path, problems=(f"Cannot read the config {path} (a pipe); defaults are used",))
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        return Config(path)
    except OSError as error:
        return Config(path, problems=(f"Cannot read the config {path} ({error.strerror}); defaults are used",))
    import tomllib

    try:
        if len(data) > _LIMIT:
            raise ValueError("larger than 1 MiB")
        table = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        why = " ".join(str(error).split())[:120]
        return Config(path, path, problems=(f"Cannot read the config {path} ({why}); defaults are used",))
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in table.items():
        read = _READERS.get(name)
        if read is None:
            problems.append(f"The config {path} sets {name}, which is not known; one of {', '.join(_READERS)}")
            continue
        try:
            values[name] = read(value)
        except _BadError as bad:
            problems.append(f"The config {path} sets {name} to something else than {bad}; the default is used")
    if values.get("harnesses"):
        from tracetui.harness import HARNESSES

        # Kept all the same: the default, every harness, would capture more than the user named.
        unknown = ", ".join(name for name in values["harnesses"] if name not in HARNESSES)
        if unknown:
            problems.append(f"The config {path} names as harness {unknown}, not known; one of {', '.join(HARNESSES)}")
    return Config(path, path, problems=tuple(problems), **values)


def save(changes: Mapping[str, Any], path: Path | None = None) -> Path:
    """Write settings (``ascii``, ``theme``, …; None removes one) into the config file, whole or not at all.

    What else the file holds, comments too, stays. Values are checked; returns the file. Raises TracetuiError where the
    file cannot be read or written, or would be damaged.
    """
    import secrets
    import tomllib

    import tomlkit

    path = config_path() if path is None else path
    for name, value in changes.items():
        if name not in _READERS or name == "keys":
            raise TracetuiError(f"{name} is not a setting that can be saved")
        if value is not None:
            try:
                _READERS[name](list(value) if isinstance(value, tuple) else value)
            except _BadError as bad:
                raise TracetuiError(f"{name} must be {bad}") from None
    try:
        document = tomlkit.parse(path.read_text("utf-8-sig") if path.exists() else "")
        for name, value in changes.items():
            if value is not None:
                document[name] = list(value) if isinstance(value, tuple) else value
            elif name in document:
                del document[name]
        text = tomlkit.dumps(document)
        if tomllib.loads(text) != document.unwrap():
            raise ValueError("it is laid out in a way that cannot be changed safely")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            temporary.write_text(text, "utf-8")
            if path.exists():
                temporary.chmod(path.stat().st_mode & 0o777)
            temporary.replace(os.path.realpath(path))
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        why = " ".join((getattr(error, "strerror", None) or str(error)).split())[:120]
        raise TracetuiError(f"Cannot save the config {path} ({why}); edit it by hand") from None
    return path
