"""What our widgets on Textual's Line API share: a scrollbar that stands where the text does."""

from __future__ import annotations

from textual.scroll_view import ScrollView

__all__ = ["LineScroll"]


class LineScroll(ScrollView):
    """A `ScrollView` whose vertical scrollbar is right from the frame in which it appears.

    Textual tells a scrollbar of a new position only while the bar is shown. A widget that scrolls before its first
    layout, as ours do to the row where the user was, got a bar at the top that stayed there until the next scroll:
    which of the two came first was a matter of timing.
    """

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Bring the bar to where the text is scrolled to."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y
