"""The tabs of the step pane, one registry. A tab makes a `Document` of a step in a worker.

To fill a tab: write a function ``(TabAsk) -> Document | None`` and name it as the tab's ``provider``
(``"package.module:function"``, imported when the tab is first shown). None means: nothing to show for this step; the
tab then says ``nothing``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tracetui.tui.kit.document import Document

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from tracetui.bucket.store import Bucket
    from tracetui.tui.kit.step_document import LoadedStep
    from tracetui.tui.kit.trail_client import TrailService

__all__ = ["TABS", "Tab", "TabAsk", "register"]


@dataclass(frozen=True, slots=True)
class TabAsk:
    """What a provider gets: the step as it was read, a bucket of its own, and whether somebody still waits."""

    loaded: LoadedStep
    bucket: Bucket
    cancelled: Callable[[], bool]
    view: str = "read"
    width: int = 80
    """Cells that a line of the document has."""
    side: bool = False
    """Old and new side by side, where the document shows both."""
    ascii: bool = False
    trail: TrailService | None = None
    """Answers about trails; ``target`` is told how far it is. Only a named repository is asked with ``named_only``."""
    target: MessagePump | None = None
    named_only: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    """``nothing`` is what stands there without a document: the first line in plain, the others muted."""

    id: str
    label: str
    nothing: tuple[str, ...]
    provider: str | None = None
    failed: str = "This step cannot be read."
    waits: tuple[str, ...] = ()
    """What stands there while it is made, where that may take a while."""
    fitted: bool = False
    """It is made for the width, and may stand side by side."""
    tells_outcome: bool = False
    """It says what became of an edit, so that the header need not."""

    def build(self, ask: TabAsk) -> Document | None:
        """The tab's document for a step; runs in a worker."""
        if self.provider is None:
            return None
        module, _, name = self.provider.partition(":")
        made: Document | None = getattr(import_module(module), name)(ask)
        return made


TABS: Final[list[Tab]] = [
    Tab("step", "Step", ("No step.", "Choose one in the timeline: 2"), "tracetui.tui.kit.step_document:step_tab"),
    Tab(
        "ctx",
        "Ctx",
        ("No context here.", "What the model saw when it made a step stands here."),
        "tracetui.tui.ctx.tab:ctx_tab",
    ),
    Tab(
        "diff",
        "Diff",
        ("No edit here.", "What an edit became in Git stands here."),
        "tracetui.tui.trail.diff_document:diff_tab",
        failed="What became of it cannot be told.",
        waits=("Working out what became of this edit.", "The other keys work meanwhile."),
        fitted=True,
        tells_outcome=True,
    ),
    Tab(
        "findings",
        "Findings",
        ("Not looked for yet.", "r looks through the session for secrets and names."),
        "tracetui.tui.redact.findings_tab:findings_tab",
    ),
]


def register(tab: Tab) -> None:
    """Put a tab in the place of the one with its id, or at the end."""
    for at, known in enumerate(TABS):
        if known.id == tab.id:
            TABS[at] = tab
            return
    TABS.append(tab)
