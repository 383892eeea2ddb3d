"""A JSON value as a tree whose branches fold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from tracetui.text import format as fmt
from tracetui.tui.actions import bindings
from tracetui.tui.browse.json_rows import JsonRow, JsonRows, branches
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["JsonScreen"]

_FIRST_LEVELS = 3


class JsonScreen(Screen[None], Actor):
    """Shows ``value``; the cursor is on a row, and what is done is done to the value there."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("tree", "screen")
    BINDINGS = bindings("tree", "screen")
    AUTO_FOCUS = "LineList"
    app: HostApp

    def __init__(self, title: str, value: Any) -> None:
        super().__init__()
        self._value = value
        self._all = False
        self.title_line = PaneTitle("", title)
        self.rows = LineList(id="json-rows")
        self.tree_rows = JsonRows(value, branches(value, _FIRST_LEVELS))

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self._show(self.tree_rows, 0)

    def _show(self, rows: JsonRows, row: int) -> None:
        self.tree_rows = rows
        self.rows.reload(rows, row=row)
        self.title_line.show(facts=fmt.plural(len(rows), "row"))
        self.app.refresh_offers()

    @property
    def row(self) -> JsonRow | None:
        """What the cursor is on."""
        at = self.rows.cursor
        return self.tree_rows.rows[at] if 0 <= at < len(self.tree_rows) else None

    def _set(self, unfolded: set[tuple[int, ...]], path: tuple[int, ...]) -> None:
        rows = JsonRows(self._value, unfolded)
        self._show(rows, rows.row_of(path))

    def why_fold(self) -> str | None:
        row = self.row
        return None if row is not None and (row.branch or row.path) else "There is nothing to fold here."

    def do_fold(self) -> None:
        """The branch under the cursor; on a leaf, the branch that it is in."""
        row = self.row
        assert row is not None
        path = row.path if row.branch else row.path[:-1]
        self._set(self.tree_rows.unfolded ^ {path}, path)

    def why_out(self) -> str | None:
        return self.why_fold()

    def do_out(self) -> None:
        row = self.row
        assert row is not None
        path = row.path if row.path in self.tree_rows.unfolded else row.path[:-1]
        self._set(self.tree_rows.unfolded - {path}, path)

    def do_all(self) -> None:
        row = self.row
        self._all = not self._all
        self._set(branches(self._value, 1 << 10 if self._all else 1), row.path if row is not None else ())

    def do_copy(self) -> None:
        row = self.row
        value = row.value if row is not None and (row.value is not None or row.branch) else row and row.text
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
        self.app.copy_text(text)

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        if self.row is not None and self.row.branch:
            self.do_fold()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self.app.refresh_offers()

    def do_back(self) -> None:
        self.dismiss(None)
