"""The repositories of the bucket: sessions, who wrote their lines over time, what survived, which files churn; and the
folders that look like one of them, to be tied with one key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.trail_client import NOW, Question, TrailAnswer, TrailProgress
from tracetui.tui.trail.blame_rows import BlameRow, BlameRows

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["RepositoriesScreen"]

_WHY = {
    "remote": "its remote", "commit": "a commit that it names", "worktree": "where it lay",
    "text": "texts of its files", "paths": "paths of its edits", "branch": "its branch",
}  # fmt: skip
_BAR = 20


class RepositoriesScreen(Screen[bool], Actor):
    """Gives whether folders were tied or taken out."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("repositories", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("repositories", "screen")]
    AUTO_FOCUS = "LineList"
    app: HostApp

    def __init__(self) -> None:
        super().__init__()
        self.title_line = PaneTitle("", "Repositories")
        self.rows = LineList(id="repositories")
        self.listed: list[Mapping[str, Any]] = []
        self.unseen: Mapping[str, int] = {"sessions": 0, "folders": 0}
        self.known: dict[str, Mapping[str, Any]] = {}
        self._open: str | None = None
        self._asked: list[Question] = []
        self._changed = False

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.empty = ("Looking for repositories.",)
        self._ask("repositories")

    def on_unmount(self) -> None:
        for question in self._asked:
            self.app.trail.cancel(question)

    def _ask(self, ask: str, **values: Any) -> None:
        self._asked.append(self.app.trail.ask(ask, rank=NOW, to=self, **values))

    def on_trail_progress(self, message: TrailProgress) -> None:
        what = "commits" if message.what == "index" else "hunks"
        self.title_line.show(facts=f"{fmt.count(message.done)} of {fmt.plural(message.total, what[:-1], what)}")

    def on_trail_answer(self, message: TrailAnswer) -> None:
        question = message.question
        answer = question.answer
        if question.error is not None or answer is None:
            self.app.say(question.error or "Nothing is known of it.", role="bad")
        elif question.ask == "repositories":
            self.listed, self.unseen = answer["repositories"], answer["unseen"]
            if self._open is None and self.listed:
                self._look(str(self.listed[0]["git"]))
        elif question.ask == "overview":
            self.known[str(question.values["folder"])] = answer
        else:
            self._changed = True
            self.known.clear()
            self._ask("repositories")
            if self._open is not None:
                self._look(self._open)
        self._show()

    def _look(self, git: str) -> None:
        self._open = git
        if git not in self.known:
            self._ask("overview", folder=git)

    def _show(self) -> None:
        lost = self.unseen
        facts = fmt.plural(len(self.listed), "repository", "repositories")
        if lost["sessions"]:
            facts += f"; {fmt.plural(lost['sessions'], 'session')} in {fmt.plural(lost['folders'], 'folder')}"
            facts += " belong to none"
        self.title_line.show(facts=facts)
        rows: list[BlameRow] = []
        for repository in self.listed:
            git = str(repository["git"])
            path = fmt.home_path(str(repository["work"] or git), str(Path.home()))
            when = fmt.relative(repository["last"] or None)
            text = f"{path}   {fmt.plural(repository['sessions'], 'session')}   {when}"
            rows.append(BlameRow("text", text, {"git": git}, ":b"))
            if git == self._open:
                rows += self._details(repository, self.known.get(git))
        self.rows.empty = ("No session of this bucket worked in a repository of this machine.",)
        self.rows.reload(BlameRows(rows), keep=True)
        self.app.refresh_offers()

    def _details(self, repository: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[BlameRow]:
        if found is None:
            return [BlameRow("none", "Reading its history.")]
        rows: list[BlameRow] = []
        offers = found["offers"]
        if offers:
            sessions = sum(offer["sessions"] for offer in offers)
            said = f"{fmt.plural(len(offers), 'other folder')} ({fmt.plural(sessions, 'session')})"
            rows.append(
                BlameRow(
                    "text", f"    {said} look like this repository: a ties them", {"git": repository["git"]}, "warn"
                )
            )
            for offer in offers[:8]:
                why = ", ".join(_WHY.get(word, word) for word in offer["why"])
                rows.append(
                    BlameRow("none", f"{offer['folder']}   {fmt.plural(offer['sessions'], 'session')}, by {why}")
                )
        survival = {name: count for name, count in found["survival"].items() if count}
        if survival:
            told = ", ".join(f"{count:,} {name}" for name, count in survival.items())
            rows.append(BlameRow("none", f"hunks: {told} (of {fmt.plural(found['judged'], 'session')})"))
        if found["branches"]:
            more = f" and {found['more_branches']:,} more" if found["more_branches"] else ""
            rows.append(BlameRow("none", f"branches: {', '.join(found['branches'])}{more}"))
        rows += [BlameRow("head", "    lines by month, and how many of them sessions wrote", style="muted:b")]
        for month, added, written in found["months"]:
            share = written / added if added else 0.0
            bar = "#" * round(_BAR * share) + "." * (_BAR - round(_BAR * share))
            rows.append(BlameRow("none", f"{month}  {bar}  {share:>4.0%}  {written:,} of {added:,}"))
        rows += [BlameRow("head", "    files with most churn", style="muted:b")]
        for path, count, lines in found["churn"]:
            rows.append(BlameRow("none", f"{count:>5} commits  {lines:>8,} lines  {one_line(path)}"))
        rows += [BlameRow("head", "    folders", style="muted:b")]
        for folder in repository["folders"]:
            named = ", as you named it: x takes it out" if folder["named"] else ""
            text = f"    {folder['folder']}   {fmt.plural(folder['sessions'], 'session')}{named}"
            rows.append(BlameRow("text", text, {"git": repository["git"], "folder": folder}))
        return rows

    # -- actions ------------------------------------------------------------------------------------------------------

    @property
    def _facts(self) -> Mapping[str, Any]:
        source = self.rows.source
        row = source.rows[self.rows.cursor] if isinstance(source, BlameRows) and self.rows.cursor >= 0 else None
        return (row.facts if row is not None else None) or {}

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        git = self._facts.get("git")
        if git is not None:
            self._look(str(git))
            self._show()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()
        self.app.refresh_offers()

    def _offers(self) -> list[Mapping[str, Any]]:
        found = self.known.get(self._open or "")
        return list(found["offers"]) if found is not None else []

    def why_tie(self) -> str | None:
        return None if self._offers() else "No other folder looks like this repository."

    def do_tie(self) -> None:
        repo = next((item for item in self.listed if item["git"] == self._open), None)
        if repo is not None:
            folders = [str(offer["folder"]) for offer in self._offers()]
            self._ask("tie", folders=folders, repo=str(repo["work"] or repo["git"]))

    def why_untie(self) -> str | None:
        folder = self._facts.get("folder")
        return None if folder is not None and folder["named"] else "There is no folder under the cursor that was tied."

    def do_untie(self) -> None:
        self._ask("tie", folders=[str(self._facts["folder"]["folder"])], repo=None)

    def do_back(self) -> None:
        self.dismiss(self._changed)
