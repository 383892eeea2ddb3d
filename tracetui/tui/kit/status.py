"""The top line: what the bucket holds, and what is going on."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.paint import Span, paint
from tracetui.tui.kit.styles import Look

__all__ = ["StatusLine"]


class StatusLine(Widget):
    """Counts on the left, the progress of indexing or a banner on the right."""

    DEFAULT_CSS = "StatusLine { dock: top; height: 1; }"

    def __init__(self, banner: str | None = None) -> None:
        super().__init__()
        self.banner = banner
        self._facts: list[str] = []
        self._progress: tuple[int, int] | None = None
        self._state = ""
        self._work = ""
        self._from: StatusLine | None = None

    def follow(self, other: StatusLine) -> None:
        """Say what another line says, which is not on the screen now."""
        self._from = other
        self.set_interval(1.0, self.refresh)

    def facts(self, *facts: str) -> None:
        """The counts, most telling first; those that do not fit are left out from the end."""
        if list(facts) != self._facts:
            self._facts = list(facts)
            self.refresh()

    def progress(self, done: int | None, total: int = 0) -> None:
        """Files done of all; None when nothing is running."""
        self._progress = None if done is None else (done, total)
        self.refresh()

    def work(self, text: str) -> None:
        """What else is going on, with its counts; nothing for nothing."""
        if text != self._work:
            self._work = text
            self.refresh()

    def state(self, text: str) -> None:
        """A word or two at the right end while nothing is being indexed (``following``)."""
        if text != self._state:
            self._state = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        if self._from is not None:
            other = self._from
            self.banner, self._facts, self._state = other.banner, other._facts, other._state
            self._progress, self._work = other._progress, other._work
        look = Look.of_widget(self)
        width = self.size.width
        right: list[Span] = []
        if self._progress is not None:
            done, total = self._progress
            right.append(("indexing ", look.style("muted")))
            if total:
                full = min(5, 5 * done // total)
                right.append((look.sign("bar") * full, look.sign_style("bar")))
                right.append((look.sign("rest") * (5 - full), look.sign_style("rest")))
                right.append((f" {fmt.percent(done, total)}", look.style()))
            else:
                right.append((look.sign("ellipsis"), look.style("muted")))
        elif self._work:
            right.append((self._work, look.style("muted")))
        elif self.banner or self._state:
            # A banner that is too long is cut, never left out: it says what may not be believed.
            right.append(
                (
                    one_line(self.banner or self._state, max(1, width - 14)),
                    look.style("warn" if self.banner else "muted"),
                )
            )
        if right:
            right.append((" ", look.style()))
        left: list[Span] = [(" tracetui", look.style("accent", "b")), ("   ", look.style())]
        room = width - 14 - sum(len(text) for text, _ in right)
        dot = f" {look.sign('dot')} "
        for index, fact in enumerate(self._facts):
            piece = (dot if index else "") + fact
            room -= len(piece)
            if room < 0:
                break
            if index:
                left.append((dot, look.style("muted")))
            left.append((fact, look.style()))
        return paint(left, width, right=right).apply_style(self.rich_style)
