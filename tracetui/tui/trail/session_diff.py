"""One diff of a whole session, or of a prompt: against what was there before, or against HEAD today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from tracetui.model import SessionRow, StepRow
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.background import Background
from tracetui.tui.kit.diff_page import DiffWriter, HighlightedText
from tracetui.tui.kit.document import Document
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.session_labels import title_of
from tracetui.tui.kit.text_view import TextView
from tracetui.tui.kit.trail_client import NOW, Question, TrailAnswer, TrailProgress
from tracetui.tui.trail.diff_document import Gutter, commands_line

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["SessionDiffScreen", "session_diff_document"]

_TINTS: Final = {"+": "added-row", "-": "removed-row"}
_STYLES: Final = {"+": "added", "-": "removed"}


class SessionDiffScreen(Screen[None], Background, Actor):
    """The diff of a session, or with ``prompt`` (in the thread ``agent``) of what came of that."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("diff", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("diff", "screen")]
    AUTO_FOCUS = "TextView"
    app: HostApp

    def __init__(self, session: SessionRow, prompt: StepRow | None = None, agent: str | None = None) -> None:
        super().__init__()
        self._session, self._prompt, self._agent = session, prompt, agent
        self.title_line = PaneTitle("", "Diff")
        self.text = TextView(id="session-diff")
        self.answer: Mapping[str, Any] | None = None
        self.at_head = False
        self.places: list[int] = []
        self._question: Question | None = None

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.text
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        about = f"prompt: {self._prompt.summary}" if self._prompt is not None else title_of(self._session)
        self.title_line.show(about)
        self.text.empty = ("Putting the edits together.", "esc stops it.")
        row = self._session
        self._question = self.app.trail.ask(
            "diff",
            rank=NOW,
            to=self,
            session=row.id,
            harness=row.harness,
            agent=self._agent if self._prompt is not None else None,
            prompt=self._prompt.number if self._prompt is not None else None,
            named_only=self.app.read_only,
        )

    def on_unmount(self) -> None:
        if self._question is not None:
            self.app.trail.cancel(self._question)

    def on_trail_progress(self, message: TrailProgress) -> None:
        what = "commits" if message.what == "index" else "hunks"
        self.title_line.show(facts=f"{fmt.count(message.done)} of {fmt.plural(message.total, what[:-1], what)}")

    def on_trail_answer(self, message: TrailAnswer) -> None:
        if message.question.error is not None:
            self._say("This diff cannot be made.", one_line(message.question.error, 300))
            return
        self.answer = message.question.answer
        self._draw()

    def _say(self, *lines: str) -> None:
        self.text.empty = lines
        self.text.show(Document("", "", (), {}))
        self.title_line.show(facts="")
        self.app.refresh_offers()

    def _draw(self) -> None:
        answer = self.answer
        if answer is None:
            return
        if not answer["files"]:
            what = "No edit came of this prompt." if self._prompt is not None else _nothing(answer)
            self._say(what, *([commands_line(answer["commands"])] if answer["commands"] else []))
            return
        at_head, ascii_only = self.at_head, self.app.ascii_only
        whole = self._prompt is None

        def made(found: tuple[Document, list[int]]) -> None:
            document, self.places = found
            self.text.show(document)
            self.title_line.show(facts=_facts(answer, at_head))
            self.app.refresh_offers()

        self.background(
            "diff", lambda cancelled: session_diff_document(answer, at_head, whole=whole, ascii_only=ascii_only), made
        )

    # -- keys

    def why_against(self) -> str | None:
        if self.answer is None:
            return "There is no diff yet to set against HEAD."
        if not self.answer["files"]:
            return "There is no edit to set against HEAD."
        if not self.answer["repo"]:
            return "No repository is known for this session; R on the first screen names one."
        return None if self.answer["head"] else "This repository has no commit yet."

    def do_against(self) -> None:
        self.at_head = not self.at_head
        self._draw()

    def why_next_file(self) -> str | None:
        return None if len(self.places) > 1 else "There is one file." if self.places else "There is no file here."

    why_previous_file = why_next_file

    def do_next_file(self) -> None:
        here = self.text.top_offset
        self.text.go_to(next((place for place in self.places if place > here), self.places[-1]))

    def do_previous_file(self) -> None:
        here = self.text.top_offset
        self.text.go_to(next((place for place in reversed(self.places) if place < here), self.places[0]))

    def why_copy(self) -> str | None:
        return None if self.places else "There is nothing to copy yet."

    def do_copy(self) -> None:
        self.app.copy_text(self.text.selected_text() or self.text.document.source)

    def do_back(self) -> None:
        self.dismiss(None)


def _nothing(answer: Mapping[str, Any]) -> str:
    silent = answer["silent"]
    if not silent:
        return "No edit of this session is described by its log."
    return f"The log does not hold the text of {'its edit' if silent == 1 else f'its {fmt.count(silent)} edits'}."


def _pieces(file: Mapping[str, Any], at_head: bool) -> Sequence[Mapping[str, Any]]:
    return ([file["head"]] if file["head"] is not None else []) if at_head else file["parts"]


def _facts(answer: Mapping[str, Any], at_head: bool) -> str:
    """What stands at the right of the title."""
    pieces = [piece for file in answer["files"] for piece in _pieces(file, at_head)]
    counts = f"+{sum(p['added'] for p in pieces):,} -{sum(p['removed'] for p in pieces):,}"
    against = "since, at HEAD" if at_head else "against the base"
    return f"{against}, {fmt.plural(len(answer['files']), 'file')} {counts}"


def session_diff_document(
    answer: Mapping[str, Any], at_head: bool, *, whole: bool = True, ascii_only: bool = False
) -> tuple[Document, list[int]]:
    """The page for an answer to ``diff``, and where its files begin. ``whole``: it is of a whole session."""
    page = DiffWriter()
    places: list[int] = []
    gap = "~" if ascii_only else "⋮"
    if at_head:
        page.line("Of the lines that were written: - as written, + as they stand at HEAD.", "muted")
        page.line()
    for nth, file in enumerate(answer["files"]):
        if nth:
            page.line()
        page.section(f"file {nth}")
        places.append(page.at)
        _head_line(page, file, at_head)
        if file["binary"]:
            page.line("A binary file; its text is not shown.", "muted")
        elif at_head:
            _at_head(page, file, gap)
        else:
            _against_base(page, file, gap)
    if whole and not at_head and (answer["silent"] or answer["commands"]):
        page.section("rest")
        page.line()
        if answer["silent"]:
            page.line(f"The log does not hold the text of {fmt.plural(answer['silent'], 'other edit')}.", "muted")
        if answer["commands"]:
            page.line(commands_line(answer["commands"]), "muted")
    return page.document(), places


def _shown(path: str) -> str:
    return one_line(fmt.home_path(path, str(Path.home())), 300)


def _head_line(page: DiffWriter, file: Mapping[str, Any], at_head: bool) -> None:
    path = _shown(file["path"])
    if file["from"] is not None:
        path = f"{_shown(file['from'])} to {path}"
    facts = [fmt.plural(file["edits"], "edit")]
    if file["new"]:
        facts.append("new")
    if file["deleted"]:
        facts.append("deleted")
    pieces = _pieces(file, at_head)
    counts = f"+{sum(p['added'] for p in pieces):,} -{sum(p['removed'] for p in pieces):,}"
    page.put(path, "accent:b").put(f"  {counts}  {', '.join(facts)}", "muted").end()


def _against_base(page: DiffWriter, file: Mapping[str, Any], gap: str) -> None:
    parts = file["parts"]
    for nth, part in enumerate(parts):
        if nth and part["whole"] and parts[nth - 1]["whole"]:
            page.line("Something else changed the file here; what follows is on top of that.", "muted")
        if not part["whole"]:
            page.line("The whole text is not in the log; hunk by hunk:", "muted")
        if part["unknown"]:
            page.line(f"The log does not hold what {fmt.plural(part['unknown'], 'edit')} replaced.", "muted")
        if part["lines"]:
            _rows(page, part["lines"], file["path"], gap)
        elif part["whole"] and not part["more"]:
            text = (
                "It was moved; its text is the same." if file["from"] is not None else "Nothing is left of its edits."
            )
            page.line(text, "muted")
        _more(page, part)


def _at_head(page: DiffWriter, file: Mapping[str, Any], gap: str) -> None:
    head = file["head"]
    if head is None or not head["whole"]:
        page.line("The whole text is not known, so that it cannot be set against HEAD.", "muted")
        return
    if head["path"] != file["path"]:
        page.line(f"It is {_shown(head['path'])} today.", "muted")
    if file["deleted"]:
        page.line("It is there again." if head["there"] else "It is not there at HEAD either.", "muted")
    elif not head["there"]:
        page.line("It is not there at HEAD.", "muted")
    elif head["written"]:
        page.line(f"{fmt.count(head['stand'])} of {fmt.plural(head['written'], 'line')} stand at HEAD.", "muted")
    elif not head["lines"]:
        out = "What was taken out is out at HEAD too." if head["cuts"] else "Nothing was left of its edits."
        page.line(out, "muted")
    if head["lines"]:
        _rows(page, head["lines"], file["path"], gap)
    _more(page, head)


def _more(page: DiffWriter, piece: Mapping[str, Any]) -> None:
    if piece["more"]:
        page.line(f"and {fmt.plural(piece['more'], 'more line')}", "muted")


def _rows(page: DiffWriter, lines: Sequence[Sequence[Any]], path: str, gap: str) -> None:
    """Rows of a diff, [sign, number, text, …]; the old lines are coloured apart from the new ones."""
    codes = {old: HighlightedText([row[2] for row in lines if (row[0] == "-") is old], path) for old in (True, False)}
    at = {True: 0, False: 0}
    gutter = Gutter(page, [row[1] for row in lines])
    for sign, number, *_ in lines:
        old = sign == "-"
        if sign == "@":
            page.line(gap, "muted")
        else:
            page.tint(_TINTS.get(sign, ""))
            gutter.put(None if old else number, sign, _STYLES.get(sign, ""))
            page.code(codes[old], at[old])
            page.end()
        at[old] += 1
