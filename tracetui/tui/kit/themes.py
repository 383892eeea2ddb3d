"""Themes: from a TOML file of eight base colours to every colour on the screen.

A theme file has a table ``[base]`` with ``background, foreground, red, green, yellow, blue, magenta, cyan`` (as a
terminal's palette), may say ``dark = true|false``, and may name roles in ``[roles]``. Roles left out are derived from
the base colours and moved towards black or white until they can be read (WCAG 2.1 contrast of 4.5:1) on the background
and on the cursor row; colours that the file names are taken as they are.

Textual accepts a wrong colour when a theme is registered and dies when it is applied; so everything is checked here
first, and a bad file is a `ThemeError` that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual.color import Color, ColorParseError
from textual.theme import Theme

from tracetui.model import TracetuiError
from tracetui.text.safe import one_line
from tracetui.tui.kit.styles import ROLES

if TYPE_CHECKING:
    from textual.app import App

__all__ = [
    "BASE",
    "DEFAULT",
    "NO_COLOUR",
    "SHIPPED",
    "SURFACES",
    "Palette",
    "ThemeError",
    "contrast",
    "install",
    "load",
    "names",
    "parse",
]

BASE: Final = ("background", "foreground", "red", "green", "yellow", "blue", "magenta", "cyan")
SURFACES: Final = ("background", "cursor-row", "cursor-row-blurred", "added-row", "removed-row")
"""What text stands on."""
CODE: Final = ("code-keyword", "code-name", "code-string", "code-number", "code-comment")
_LINES: Final = ("line",)
_NAMEABLE: Final = frozenset((*ROLES, *SURFACES[1:], *CODE, *_LINES))

SHIPPED: Final = ("dark", "light", "high-contrast", "colour-blind", "terminal")
DEFAULT: Final = "dark"
NO_COLOUR: Final = "terminal"
"""The theme that stands behind ``NO_COLOR``: Textual then takes every colour away and bold, underline, reverse stay."""

_FILE_LIMIT: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_READABLE: Final = 4.5


class ThemeError(TracetuiError):
    """A theme file that cannot be used, named in one line."""


@dataclass(frozen=True, slots=True)
class Palette:
    """A checked theme: ``base`` the eight colours, ``roles`` every role, surface and code colour by name, all as CSS
    colours. ``ansi`` is true when it keeps the terminal's own colours."""

    name: str
    dark: bool
    ansi: bool
    base: Mapping[str, str]
    roles: Mapping[str, str]

    def textual(self) -> Theme:
        """The theme as Textual takes it, its own widgets (inputs, scrollbars, toasts) included."""
        base, roles = self.base, self.roles
        back, fore = base["background"], base["foreground"]
        panel = back if self.ansi else roles["cursor-row-blurred"]
        variables = dict(roles)
        variables |= {
            "text-muted": roles["muted"],
            "text-disabled": roles["muted"],
            "foreground-muted": roles["muted"],
            "foreground-disabled": roles["muted"],
            "border": roles["accent"],
            "border-blurred": roles["line"],
            "block-cursor-background": roles["accent"],
            "block-cursor-foreground": "ansi_black" if self.ansi else back,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": roles["cursor-row-blurred"],
            "block-cursor-blurred-foreground": fore,
            "footer-background": back,
            "footer-key-foreground": roles["accent"],
            "footer-description-foreground": roles["muted"],
            "input-cursor-background": fore,
            "input-cursor-foreground": back,
            "input-cursor-text-style": "reverse" if self.ansi else "none",
            "scrollbar": roles["line"],
            "scrollbar-hover": roles["muted"],
            "scrollbar-active": roles["accent"],
            "scrollbar-background": back,
            "scrollbar-background-hover": back,
            "scrollbar-background-active": back,
            "scrollbar-corner-color": back,
            "screen-selection-background": "ansi_blue" if self.ansi else _mix(back, roles["accent"], 0.35),
            "screen-selection-foreground": "ansi_bright_white" if self.ansi else fore,
            "input-selection-background": "ansi_blue" if self.ansi else _mix(back, roles["accent"], 0.35),
            "input-selection-foreground": "ansi_bright_white" if self.ansi else fore,
            "link-color": roles["accent"],
            "button-color-foreground": back,
            "cursor-row-style": "bold" if self.ansi else "none",
        }
        if self.ansi:
            # Textual's own style sheet asks for these two and only its own terminal themes have them.
            variables |= {"ansi-background": back, "ansi-foreground": fore}
        return Theme(
            name=self.name,
            primary=roles["accent"],
            secondary=roles["change"],
            warning=roles["warn"],
            error=roles["bad"],
            success=roles["good"],
            accent=roles["accent"],
            foreground=fore,
            background=back,
            surface=back,
            panel=panel,
            boost=back if self.ansi else None,
            dark=self.dark,
            ansi=self.ansi,
            variables=variables,
        )


def _luminance(color: Color) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.1, "relative luminance")."""

    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(one: str, other: str) -> float:
    """The WCAG 2.1 contrast ratio of two opaque CSS colours, 1 to 21."""
    a, b = sorted((_luminance(Color.parse(one)), _luminance(Color.parse(other))))
    return (b + 0.05) / (a + 0.05)


def _mix(one: str, other: str, part: float) -> str:
    """``one`` with ``part`` (0 to 1) of ``other`` in it."""
    return Color.parse(one).blend(Color.parse(other), part).hex6


def _readable(color: str, grounds: Iterable[str], *, dark: bool) -> str:
    """``color``, moved in small steps towards white (black on a light theme) until it can be read on all grounds."""
    grounds = tuple(grounds)
    for step in range(21):
        moved = _mix(color, "#ffffff" if dark else "#000000", step / 20)
        if all(contrast(moved, ground) >= _READABLE for ground in grounds):
            return moved
    return moved


def _derive(base: Mapping[str, str], named: Mapping[str, str], *, dark: bool, ansi: bool) -> dict[str, str]:
    """Every role: the named ones as they are, the rest from the base colours."""
    if ansi:
        surfaces = dict.fromkeys(SURFACES[1:], "ansi_default") | {"line": "ansi_bright_black"}
        # Bright black is the background itself in some palettes (Solarized); `Look` dims the default colour instead.
        muted, warn = "ansi_default", base["yellow"]
    else:
        back, fore = base["background"], base["foreground"]
        surfaces = {
            "cursor-row": _mix(back, _mix(fore, base["blue"], 0.5), 0.14),
            "cursor-row-blurred": _mix(back, fore, 0.07),
            "line": _mix(back, fore, 0.26),
            "added-row": _mix(back, base["green"], 0.12),
            "removed-row": _mix(back, base["red"], 0.12),
        }
        muted, warn = _mix(back, fore, 0.58), _mix(base["yellow"], base["red"], 0.35)
    roles = surfaces | {name: value for name, value in named.items() if name in surfaces}
    derived = {
        "accent": base["blue"],
        "good": base["green"],
        "change": base["cyan"],
        "bad": base["red"],
        "warn": warn,
        "pending": base["magenta"],
        "muted": muted,
        "prompt": base["blue"] if ansi else base["yellow"],
        # Not the green of what was added, nor the yellow of what a person said.
        "string": base["yellow"] if ansi else _mix(base["foreground"], _mix(base["yellow"], base["red"], 0.3), 0.6),
    }
    grounds = () if ansi else (base["background"], *(roles[name] for name in SURFACES[1:]))
    for name, color in derived.items():
        roles[name] = named.get(name) or (color if ansi else _readable(color, grounds, dark=dark))
    # These follow a role that may itself be named.
    for name, source in (
        ("added", "good"),
        ("removed", "bad"),
        ("match", "prompt" if not ansi else "warn"),
        ("proposed", "warn"),
        ("accepted", "good"),
        ("rejected", "muted"),
        ("code-keyword", "pending"),
        ("code-name", "accent"),
        ("code-string", "string"),
        ("code-number", "change"),
        ("code-comment", "muted"),
    ):
        roles[name] = named.get(name) or roles[source]
    del roles["string"]
    return roles


def _colour(value: object, what: str, where: str) -> str:
    """A colour of a theme file, checked; raises `ThemeError`."""
    shown = one_line(str(value), 40)
    if not isinstance(value, str):
        raise ThemeError(f'{where}: {what} is not a colour but {shown}; write it as "#rrggbb"')
    try:
        color = Color.parse(value.strip())
    except (ColorParseError, ValueError):
        raise ThemeError(f'{where}: {what} is not a colour: {shown}; write it as "#rrggbb"') from None
    if color.ansi is None and (color.a != 1 or color.auto):
        raise ThemeError(f"{where}: {what} must be opaque: {shown}")
    return color.hex if color.ansi is not None else color.hex6


def parse(text: str, name: str, where: str | None = None) -> Palette:
    """A theme from the text of its file. ``where`` names the file in errors. Raises `ThemeError`."""
    import tomllib

    where = where or f"{name}.toml"
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ThemeError(f"{where} is not TOML: {one_line(str(error), 120)}") from None
    unknown = set(data) - {"dark", "base", "roles"}
    if unknown:
        raise ThemeError(f"{where}: unknown {one_line(min(unknown), 40)!r}; a theme has dark, [base] and [roles]")
    base_in, roles_in, dark = data.get("base"), data.get("roles", {}), data.get("dark")
    if not isinstance(base_in, dict) or not isinstance(roles_in, dict) or not isinstance(dark, bool | None):
        raise ThemeError(f"{where}: a theme has dark = true or false, and tables [base] and [roles]")
    for name_in, known in [*((key, BASE) for key in base_in), *((key, sorted(_NAMEABLE)) for key in roles_in)]:
        if name_in not in known:
            raise ThemeError(f"{where}: unknown colour {one_line(name_in, 40)!r}; known are {', '.join(known)}")
    missing = [key for key in BASE if key not in base_in]
    if missing:
        raise ThemeError(f"{where}: [base] lacks {', '.join(missing)}")
    base = {key: _colour(base_in[key], key, where) for key in BASE}
    named = {key: _colour(value, key, where) for key, value in roles_in.items()}
    ansi = base["background"].startswith("ansi_")
    if any(value.startswith("ansi_") != ansi for value in (*base.values(), *named.values())):
        raise ThemeError(f"{where}: ansi_ colours and others cannot be mixed in one theme")
    if dark is None:
        dark = ansi or _luminance(Color.parse(base["background"])) < 0.2
    return Palette(name, dark, ansi, base, _derive(base, named, dark=dark, ansi=ansi))


def _shipped_folder() -> Path:
    """Where the themes lie: beside the package's code when installed, at the top of the tree when not."""
    package = Path(__file__).parents[2]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def _files(folder: Path | None) -> Iterator[Path]:
    for place in (folder, _shipped_folder()):
        if place is not None and place.is_dir():
            yield from sorted(path for path in place.glob("*.toml") if _NAME.fullmatch(path.stem))


def names(folder: Path | None = None) -> list[str]:
    """The themes there are: the shipped ones in their order, then the user's own from ``folder``."""
    found = {path.stem for path in _files(folder)}
    return [*(name for name in SHIPPED if name in found), *sorted(found.difference(SHIPPED))]


def load(name: str, folder: Path | None = None) -> Palette:
    """The theme of this name; a file in ``folder`` wins over a shipped one. Raises `ThemeError`."""
    for path in _files(folder):
        if path.stem == name:
            try:
                with path.open("rb") as file:
                    data = file.read(_FILE_LIMIT + 1)
                if len(data) > _FILE_LIMIT:
                    raise ThemeError(f"{path} is too large for a theme (limit 64 KiB)")
                return parse(data.decode("utf-8"), name, str(path))
            except (OSError, UnicodeDecodeError) as error:
                raise ThemeError(f"Cannot read {path}: {one_line(str(error), 120)}") from None
    raise ThemeError(f"There is no theme {one_line(name, 40)!r}; there are {', '.join(names(folder))}")


def install(app: App[Any], name: str | None = None, folder: Path | None = None) -> list[str]:
    """Register the theme ``name`` (or what ``NO_COLOR`` asks for) with ``app`` and apply it.

    Returns what went wrong, a line each; then the default theme stands in its place. To be called before the first
    frame, so that only one file is read; the others are loaded when they are chosen.
    """
    problems: list[str] = []
    if app.no_color:
        name = NO_COLOUR
    try:
        palette = load(name or DEFAULT, folder)
    except ThemeError as error:
        problems.append(str(error))
        palette = load(DEFAULT)
    app.register_theme(palette.textual())
    app.theme = palette.name
    if app.no_color:
        _strip_colours(app)
    return problems


def _strip_colours(app: App[Any]) -> None:
    """Textual chooses between shades of grey and no colour at all before our theme is known; ``NO_COLOR`` means the
    latter."""
    from textual.filter import Monochrome, NoColor

    app._filters[:] = [NoColor() if isinstance(item, Monochrome) else item for item in app._filters]
