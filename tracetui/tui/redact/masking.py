"""What is said about a session's fields and findings without saying what they hold: keys can be secrets as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracetui.redact.values import Group
from tracetui.text.safe import one_line
from tracetui.tui.kit.styles import Look

__all__ = ["bullets", "shown_names"]

_LEAST = 4


def bullets(look: Look) -> str:
    """What stands for a secret that is hidden; says nothing about its length."""
    return ("*" if look.ascii else "•") * 8


def shown_names(groups: Sequence[Group], look: Look, *, hidden: bool) -> Callable[[str], str]:
    """How a name that was made of keys (a field's label, a pointer, a reason) is shown: accepted values in it as their
    placeholders, and with ``hidden`` all others that were found veiled. Made safe to show."""
    accepted = [(one.text, one.placeholder) for one in groups if one.state == "accepted" and len(one.text) >= _LEAST]
    others = [one.text for one in groups if hidden and one.state != "accepted" and len(one.text) >= _LEAST]
    # The longest first: a value can be part of another.
    puts = [(value, put or bullets(look)) for value, put in accepted] + [(value, bullets(look)) for value in others]
    puts.sort(key=lambda put: -len(put[0]))
    known: dict[str, str] = {}

    def shown(name: str) -> str:
        found = known.get(name)
        if found is None:
            found = name
            for value, put in puts:
                if value in found:
                    found = found.replace(value, put)
            found = known[name] = one_line(found, 400)
        return found

    return shown
