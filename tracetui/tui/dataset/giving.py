"""Writing what was approved: as a dataset, or as a folder ready to be given. Nothing is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tracetui.text import format as fmt
from tracetui.tui.kit.actor import Controller
from tracetui.tui.kit.ask import ask_line
from tracetui.tui.kit.pick import confirmation

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.dataset.donation import Terms
    from tracetui.tui.dataset.workflows import WorkflowsScreen

__all__ = ["GivingController"]


class GivingController(Controller["WorkflowsScreen"]):
    """Export and donation of the workflow under the cursor."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("workflows",)

    def _why(self) -> str | None:
        found = self.owner.current
        if found is None or found.target == "report":
            return "There is no dataset under the cursor."
        return None if found.states["approved"] else "No row is approved yet: enter reviews them."

    why_write = why_donate = _why

    def do_write(self) -> None:
        found = self.owner.current
        assert found is not None

        def named(text: str) -> None:
            if text:
                self._write(found.name, Path.cwd() / Path(text).expanduser())

        ask_line(self.app, "Folder of the dataset", f"{found.name}-rows", "It is made; approved rows only.", named)

    def _write(self, name: str, target: Path) -> None:
        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> int:
            from tracetui.dataset.output import write_dataset
            from tracetui.dataset.store import DatasetStore
            from tracetui.dataset.workflow import find

            with DatasetStore(bucket.path) as store:
                return len(write_dataset(bucket, store, find(name, store.files()), target))

        self.owner.ask("write", work, lambda count: self.app.say(f"Wrote {count} files to {target}", role="good"))

    def do_donate(self) -> None:
        """Show the figures of what would be given and the sentence of consent, then ask for the folder."""
        found = self.owner.current
        assert found is not None
        name = found.name

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> tuple[list[str], Terms]:
            from tracetui.dataset.donation import Terms
            from tracetui.dataset.figures import figure_lines, figures_of, times_of
            from tracetui.dataset.store import DatasetStore
            from tracetui.dataset.workflow import find

            with DatasetStore(bucket.path) as store:
                workflow = find(name, store.files())
                rows = (row for row in store.rows(name) if row.state == "approved")
                lines = figure_lines(figures_of(rows, times_of(bucket)).json())
            return lines, Terms(workflow.license, "", "")

        def shown(answer: tuple[list[str], Terms]) -> None:
            lines, terms = answer
            hint = "Whom to ask for removal: an address or a name. It stands in the card."
            ask_line(self.app, "Contact", "", hint, lambda contact: self._consent(name, lines, terms, contact))

        self.owner.ask("figures", work, shown)

    def _consent(self, name: str, lines: list[str], terms: Any, contact: str) -> None:
        from dataclasses import replace

        from tracetui.dataset.donation import sentence

        terms = replace(terms, contact=contact)
        text = "\n".join([*lines, "", sentence(terms)])

        def agreed(nth: int | None) -> None:
            if nth == 1:
                hint = "It is made: rows, card, checksums, your consent. Nothing is sent."
                ask_line(self.app, "Folder of the donation", f"{name}-donation", hint,
                         lambda folder: self._give(name, terms, folder))  # fmt: skip

        self.app.push_screen(confirmation(f"Give {name}", text, yes="I agree"), agreed)

    def _give(self, name: str, terms: Terms, folder: str) -> None:
        if not folder:
            return
        target = Path.cwd() / Path(folder).expanduser()

        def work(bucket: Bucket, cancelled: Callable[[], bool]) -> str:
            from tracetui.dataset.donation import donate, upload_command
            from tracetui.dataset.store import DatasetStore
            from tracetui.dataset.workflow import find

            with DatasetStore(bucket.path) as store:
                files = donate(bucket, store, find(name, store.files()), target, terms, int(time.time() * 1000))
            command = upload_command(target, terms)
            return f"Wrote {fmt.plural(len(files), 'file')} to {target}; to give it: {command}"

        self.owner.ask("give", work, lambda said: self.app.say(said, role="good"))
