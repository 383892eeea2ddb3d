"""The keys that lead from a hunk to its commits, for the panes in which a hunk is shown. The screen does the work."""

from __future__ import annotations

from typing import Protocol, cast

from textual.dom import DOMNode

__all__ = ["HunkKeys"]


class _Screen(Protocol):
    def why_no_commit(self, which: str) -> str | None: ...
    def open_commit(self, which: str) -> None: ...


class HunkKeys(DOMNode):
    """Mixin of the timeline and the step pane."""

    @property
    def _hunk_screen(self) -> _Screen:
        return cast("_Screen", self.screen)

    def why_landing(self) -> str | None:
        return self._hunk_screen.why_no_commit("landing")

    def why_ended(self) -> str | None:
        return self._hunk_screen.why_no_commit("killer")

    def do_landing(self) -> None:
        self._hunk_screen.open_commit("landing")

    def do_ended(self) -> None:
        self._hunk_screen.open_commit("killer")
