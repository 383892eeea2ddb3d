"""Saved queries: a list of views with a key each, of which the first answer what people ask most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tracetui.model import TracetuiError
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.host import HostApp

__all__ = ["BUILT_IN", "View", "drop", "keep", "views"]

_SETTING: Final = "views"
_LETTERS: Final = "1234567890abcdefghijklmnopqrstuvwxyz"
_TESTS: Final = (
    '(pytest or "go test" or "cargo test" or "npm test" or "npm run test" or jest or vitest or "make test" or rspec '
    'or "mvn test" or "gradle test" or ctest or phpunit)'
)


class View(NamedTuple):
    """A query with a name. ``sort`` is an order of hits."""

    name: str
    query: str
    sort: str = "newest"


BUILT_IN: Final = (
    View("Commands that failed in the last seven days", "kind:command is:failed since:7d"),
    View("Where tests broke", f"kind:command is:failed since:30d {_TESTS}"),
    View("What ran longest this month", "since:month longer:10s", "longest"),
    View("What I asked this week", "is:prompt since:week"),
    View("What I asked on Tuesday", "is:prompt since:tue until:tue"),
    View("Edits whose lines are lost or undone", "survival:lost,reverted"),
    View("Steps of sessions that are about to vanish", "is:at-risk is:prompt"),
)
"""Views that everybody has; ``docs/questions.md`` names their keys."""


def views(bucket: Bucket) -> list[View]:
    """The views, the user's own behind those that everybody has."""
    held = bucket.setting(_SETTING)
    own = [View(*map(str, item)) for item in held if isinstance(item, list) and len(item) == 3] if held else []
    return [*BUILT_IN, *own]


def letter_of(nth: int) -> str:
    """The key of a view in the list; "" where there are no more."""
    return _LETTERS[nth] if nth < len(_LETTERS) else ""


def keep(app: HostApp, query: str, sort: str = "newest") -> None:
    """Keep a query as a view, named as it reads."""
    from tracetui.bucket.query import parse
    from tracetui.bucket.query_words import in_words

    own = views(app.bucket)[len(BUILT_IN) :]
    try:
        name = one_line(in_words(parse(query)), 80)
    except TracetuiError as error:
        app.say(one_line(str(error), 200), role="bad")
        return
    rest = [view for view in own if view.query != query]
    app.bucket.set_setting(_SETTING, [*map(list, rest), [name[:1].upper() + name[1:], query, sort]])
    app.say(f"Kept as a view: {letter_of(len(BUILT_IN) + len(rest)) or 'at the end of'} in the list of views (Q).")


def drop(bucket: Bucket, view: View) -> None:
    """Keep a view no longer."""
    own = [item for item in views(bucket)[len(BUILT_IN) :] if item != view]
    bucket.set_setting(_SETTING, [*map(list, own)])
