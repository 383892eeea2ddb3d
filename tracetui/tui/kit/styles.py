"""What things look like: signs, colour roles, and the styles made of them.

A role is a CSS variable (``$good``) that a theme may name and that otherwise follows from its base colours. Widgets
that paint rows themselves ask a `Look` for Rich styles; it is rebuilt when the theme changes, and its ``epoch`` is
part of every cache key.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from rich.style import Style
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

__all__ = ["ROLES", "SIGNS", "Look", "Sign", "role_defaults"]

ROLES: Final[tuple[str, ...]] = (
    "accent",
    "good",
    "change",
    "bad",
    "warn",
    "pending",
    "muted",
    "prompt",
    "added",
    "removed",
    "match",
    "proposed",
    "accepted",
    "rejected",
)


class Sign(NamedTuple):
    """A sign of one cell, its form in plain ASCII, and the role that colours it."""

    glyph: str
    ascii: str
    role: str


SIGNS: Final[dict[str, Sign]] = {
    "alive": Sign("●", "+", "good"),
    "transformed": Sign("◐", "~", "change"),
    "reverted": Sign("↶", "<", "bad"),
    "lost": Sign("○", "-", "muted"),
    "undone": Sign("↺", "u", "muted"),
    "pending": Sign("◌", ".", "pending"),
    "unknown": Sign("?", "?", "muted"),
    "failed": Sign("✘", "x", "bad"),
    "finding": Sign("▲", "!", "warn"),
    "pointer": Sign("▌", ">", "accent"),
    "folded": Sign("▸", "]", "muted"),
    "unfolded": Sign("▾", "v", "muted"),
    "bookmark": Sign("★", "*", "accent"),
    "unread": Sign("•", "o", "accent"),
    "note": Sign("¶", "n", "accent"),
    "gone": Sign("†", "t", "warn"),
    "bar": Sign("▰", "#", "accent"),
    "rest": Sign("▱", ".", "muted"),
    "rule": Sign("─", "-", "muted"),
    "wall": Sign("│", "|", "muted"),
    "knee": Sign("┬", "+", "muted"),
    "branch": Sign("└", "`", "muted"),
    "ellipsis": Sign("…", "~", "muted"),
    "dot": Sign("·", "-", "muted"),
    "times": Sign("×", "x", "muted"),
    "tick": Sign("✓", "x", "good"),
    "partly": Sign("±", "%", "warn"),
}


def role_defaults(theme: Theme) -> dict[str, str]:
    """The colour roles for a theme that does not name them, plus the background of the cursor row (``cursor-row``,
    ``cursor-row-blurred``). A theme of the terminal's own colours gets the terminal's own colours."""
    if theme.ansi:
        return {
            "accent": "ansi_blue",
            "good": "ansi_green",
            "change": "ansi_cyan",
            "bad": "ansi_red",
            "warn": "ansi_yellow",
            "pending": "ansi_magenta",
            "muted": "ansi_default",
            "prompt": "ansi_blue",
            "added": "ansi_green",
            "removed": "ansi_red",
            "match": "ansi_yellow",
            "proposed": "ansi_yellow",
            "accepted": "ansi_green",
            "rejected": "ansi_default",
            "cursor-row": "ansi_default",
            "cursor-row-blurred": "ansi_default",
            "added-row": "ansi_default",
            "removed-row": "ansi_default",
            "line": "ansi_default",
        }
    made = theme.to_color_system().generate()
    back = Color.parse(made["background"])
    fore = Color.parse(made["foreground"])
    accent = theme.accent or theme.primary
    good = theme.success or made["success"]
    bad = theme.error or made["error"]
    warn = theme.warning or made["warning"]
    muted = back.blend(fore, 0.60).hex
    return {
        "accent": accent,
        "good": good,
        "change": theme.secondary or made["secondary"],
        "bad": bad,
        "warn": warn,
        "pending": theme.primary,
        "muted": muted,
        "prompt": accent,
        "added": good,
        "removed": bad,
        "match": warn,
        "proposed": warn,
        "accepted": good,
        "rejected": muted,
        "cursor-row": back.blend(fore, 0.13).hex,
        "cursor-row-blurred": back.blend(fore, 0.06).hex,
        "added-row": back.blend(Color.parse(good), 0.12).hex,
        "removed-row": back.blend(Color.parse(bad), 0.12).hex,
        "line": back.blend(fore, 0.22).hex,
    }


@lru_cache(512)
def _rich_color(name: str) -> Any:
    try:
        return Color.parse(name).rich_color
    except ColorParseError:
        return None


class Look:
    """Styles by role for one theme. Cheap to ask: every answer is remembered."""

    _epochs = 0

    def __init__(self, variables: dict[str, str], *, ascii_only: bool = False, ansi: bool = False) -> None:
        Look._epochs += 1
        self.epoch = Look._epochs
        self.ascii = ascii_only
        self.ansi = ansi
        self._variables = variables
        self._styles: dict[tuple[str, str], Style] = {}

    @classmethod
    def of(cls, app: App[Any], *, ascii_only: bool = False) -> Look:
        return cls(app.get_css_variables(), ascii_only=ascii_only, ansi=app.current_theme.ansi)

    @staticmethod
    def of_widget(widget: Any) -> Look:
        """The app's look; an app without one (a test of a single widget) gets one made for it."""
        made = getattr(widget.app, "look", None)
        return made if isinstance(made, Look) else Look.of(widget.app)

    def style(self, role: str = "", attributes: str = "") -> Style:
        """The style of a role (or of plain text for ``""``); ``attributes`` are any of the letters ``b`` bold, ``d``
        dim, ``i`` italic, ``u`` underline, ``r`` reverse. Without a background: rows put theirs underneath."""
        key = (role, attributes)
        style = self._styles.get(key)
        if style is None:
            name = self._variables.get(role or "foreground", "")
            # Themes of the terminal's own colours have no grey that is safe everywhere: what is muted there is dim.
            faint = self.ansi and role in ("muted", "line", "rejected") and name == "ansi_default"
            style = self._styles[key] = Style(
                color=_rich_color(name),
                bold=True if "b" in attributes else None,
                dim=True if faint or "d" in attributes else None,
                italic=True if "i" in attributes else None,
                underline=True if "u" in attributes else None,
                reverse=True if "r" in attributes else None,
            )
        return style

    def background(self, variable: str) -> Style:
        """A style with only a background, from a colour variable."""
        key = ("\0" + variable, "")
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = Style(bgcolor=_rich_color(self._variables.get(variable, "")))
        return style

    def sign(self, name: str) -> str:
        """The sign in the form that the terminal can show."""
        sign = SIGNS[name]
        return sign.ascii if self.ascii else sign.glyph

    def sign_style(self, name: str, attributes: str = "") -> Style:
        return self.style(SIGNS[name].role, attributes)
