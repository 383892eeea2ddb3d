"""What a screen may ask the app for, and a feature the main screen. Features know these and not each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen
    from textual.timer import Timer

    from tracetui.bucket.store import Bucket
    from tracetui.bucket.tempfolder import TempFolder
    from tracetui.model import SessionRow, StepRow
    from tracetui.redact.values import Target
    from tracetui.tui.kit.activity import Activity
    from tracetui.tui.kit.background import Cancelled
    from tracetui.tui.kit.badges import StepBadge
    from tracetui.tui.kit.pool import BucketPool
    from tracetui.tui.kit.tabs import Tab
    from tracetui.tui.kit.text_view import TextView
    from tracetui.tui.kit.trail_client import TrailService

__all__ = ["Host", "HostApp", "Selection", "StepKey", "StepMarks", "StepView", "Workspace"]

T = TypeVar("T")

Left = Callable[[Callable[[], object]], None]
StepKey = tuple[str | None, int]
"""(agent, step): a step of a session; the agent is None in the main log."""


class Host(Protocol):
    """What a screen may ask the app for."""

    bucket: Bucket
    """The main thread's own; a worker borrows one of the ``pool``."""
    pool: BucketPool
    trail: TrailService
    activity: Activity
    """Whether anybody types; what nobody waits for asks it."""
    home: bool
    """There is a home before the list of sessions."""
    read_only: bool
    """Nothing is indexed and nothing written."""
    ascii_only: bool
    banner: str | None
    capsule: Path | None
    """The file that the session came from."""
    repo: Path | None
    reading: tuple[str, ...]
    start_session: str | None
    theme_folder: Path | None
    problems: Sequence[str]
    """What is wrong with the config, a line each."""

    @property
    def temp(self) -> TempFolder: ...
    def say(self, text: str, *, role: str = "warn") -> None: ...
    def tell_problems(self) -> None: ...
    def refresh_offers(self) -> None: ...
    def copy_text(self, text: str) -> None: ...
    def settle_memory(self) -> None: ...
    def open_demo(self) -> None: ...
    def open_review(
        self, session: SessionRow, steps: tuple[int, int] | None, left: Left, *, target: Target | None = None
    ) -> None:
        """The redaction editor, at ``target``. ``left`` is called when it is left, with what waits (in a worker) until
        all its decisions are kept."""

    def open_seal(self, session: SessionRow, steps: tuple[int, int] | None) -> None:
        """Ask for the file of a capsule and show what would be sealed."""


if TYPE_CHECKING:

    class HostApp(App[None], Host):
        """The app as its screens know it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the cursors of the main screen stand on: ``session`` in the timeline, ``listed`` in the list, ``step`` with
    its ``agent``, and the range of ``steps`` that was begun, first and last. ``in_list``: the list has the focus."""

    session: SessionRow | None = None
    listed: SessionRow | None = None
    step: StepRow | None = None
    agent: str | None = None
    steps: tuple[int, int] | None = None
    in_list: bool = False

    @property
    def target(self) -> SessionRow | None:
        """The session that a key about a whole session means."""
        return self.listed if self.in_list else self.session or self.listed

    @property
    def same(self) -> bool:
        """Whether that session is the one in the timeline."""
        here, target = self.session, self.target
        return here is not None and target is not None and (here.harness, here.id) == (target.harness, target.id)


class Workspace(Protocol):
    """What the controllers of other features may ask the main screen for."""

    @property
    def selection(self) -> Selection: ...
    @property
    def sessions_on_screen(self) -> list[SessionRow]:
        """Those whose rows can be seen, the nearest to the cursor first."""

    @property
    def sessions(self) -> list[SessionRow]: ...
    @property
    def sorted_by(self) -> str: ...
    def reload_sessions(self) -> None: ...
    def open_step(self, session_id: str, step: int, *, log: int | None = None) -> None: ...
    def go_to(self, step: int, log: int) -> None: ...
    def show_badges(self, badges: Mapping[StepKey, StepBadge]) -> None:
        """What became of the edits of the session in the timeline."""

    def show_survival(self, identity: str, counts: Mapping[str, int] | None) -> None: ...
    def show_trail(self, identity: str, answer: Mapping[str, Any] | None) -> None:
        """What became of all the edits of a session, as `trail.serve` tells it; None while it is not known."""

    def show_work(self, text: str) -> None:
        """What goes on, in the top line; nothing for nothing."""

    def refresh_step(self) -> None:
        """What is shown of the step may have changed."""

    def background(
        self,
        group: str,
        work: Callable[[Cancelled], T],
        finish: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None: ...
    def ask(
        self,
        group: str,
        work: Callable[[Bucket, Cancelled], T],
        finish: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None: ...
    def set_timer(self, delay: float, callback: Callable[[], Any]) -> Timer: ...
    def set_interval(self, interval: float, callback: Callable[[], Any]) -> Timer: ...


class StepMarks(Protocol):
    """The timeline, to whoever marks its steps."""

    session: SessionRow | None

    def show_open(self, found: Mapping[StepKey, int]) -> None: ...
    def ask(
        self,
        group: str,
        work: Callable[[Bucket, Cancelled], T],
        finish: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None: ...


class StepView(Protocol):
    """The step pane, to whoever fills one of its tabs."""

    row: StepRow | None
    text: TextView

    @property
    def tab(self) -> Tab: ...
    @property
    def screen(self) -> Screen[Any]: ...
