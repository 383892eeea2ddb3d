"""The rules that stay: literal texts, patterns and globs that are replaced in every session."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.strip import Strip

from tracetui.model import TracetuiError
from tracetui.redact.decisions import Rule
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.actions import bindings
from tracetui.tui.kit.actor import Actor
from tracetui.tui.kit.footer import Footer
from tracetui.tui.kit.line_list import LineList
from tracetui.tui.kit.paint import cells, clip, paint
from tracetui.tui.kit.pane import PaneTitle
from tracetui.tui.kit.pick import PickScreen, lettered
from tracetui.tui.kit.styles import Look
from tracetui.tui.redact.choices import DecisionOutcome
from tracetui.tui.redact.masking import bullets
from tracetui.tui.redact.worker import OpenReview, ReviewWorker

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["RulesScreen"]

_FORMS = (
    ("l", "literal", "this text, as it is"),
    ("r", "regex", "a pattern, as RE2 reads it"),
    ("g", "glob", "* is any run without blanks, ? any one character"),
)
_FILE = "redact-rules.txt"
_PLACES = 12
"""Cells of the column that tells how many places a rule replaces."""


class _RuleRows:
    uniform = True

    def __init__(self, rules: Sequence[Rule], counts: Mapping[Rule, int] | None, *, hidden: bool = False) -> None:
        self.rules = rules
        self.counts = counts
        self.hidden = hidden

    def __len__(self) -> int:
        return len(self.rules)

    def key(self, row: int) -> Hashable:
        return row, self.rules[row]

    def height(self, row: int) -> int:
        return 1

    def selectable(self, row: int) -> bool:
        return True

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        rule = self.rules[row]
        put = "a placeholder" if rule.replacement is None else one_line(rule.replacement, 60) or "nothing"
        places = "…" if self.counts is None else fmt.plural(self.counts.get(rule, 0), "place")
        tail = f"==> {put}  "
        room = max(8, width - 10 - cells(tail) - _PLACES - 2)
        pattern = bullets(look) if self.hidden else clip(one_line(rule.pattern, 400), room, look.sign("ellipsis"))
        how = rule.form.ljust(9)
        none = self.counts is not None and not self.counts.get(rule)
        count = (places.rjust(_PLACES), look.style("warn" if none else "muted"))
        put_in = (tail, look.style("muted"))
        return [paint([(how, look.style("muted")), (pattern, look.style())], width, right=[put_in, count])]


class RulesScreen(Screen[bool], Actor):
    """Gives whether something changed. What is done is done by the editor's worker; with ``hidden`` patterns are not
    spelled out."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ("rules", "screen")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("rules", "screen")]
    AUTO_FOCUS = None

    app: HostApp

    def __init__(self, worker: ReviewWorker, *, hidden: bool = False) -> None:
        super().__init__()
        self._worker = worker
        self._hidden = hidden
        self.title_line = PaneTitle("", "Rules that stay")
        self.rows = LineList(id="rules-rows")
        self._changed = False

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.rows
        yield Footer()

    def on_mount(self) -> None:
        self.title_line.activate(True)
        self.rows.empty = (
            "No rules yet.",
            "A rule replaces a text, a pattern or a glob in every session.",
            "a adds one, i reads some from a file.",
        )
        self.rows.focus()
        self._do(lambda opened: None)

    def _do(
        self,
        action: Callable[[OpenReview], DecisionOutcome | None],
        failed: Callable[[TracetuiError], bool] | None = None,
    ) -> None:
        """Have the worker do something and list the rules anew; ``failed`` may take an error upon itself."""

        def work(opened: OpenReview) -> tuple[Any, Sequence[Rule]]:
            try:
                done: Any = action(opened)
            except TracetuiError as error:
                done = error
            return done, opened.review.rules()

        def finish(found: tuple[Any, Sequence[Rule]]) -> None:
            done, rules = found
            if not self.is_attached:
                return
            self.rows.reload(_RuleRows(rules, None, hidden=self._hidden))
            if rules:
                self._worker.do(lambda room: (rules, room.review.rule_counts(room.busy)), self._count)
            self.title_line.show("for every session", fmt.plural(len(rules), "rule"))
            self.app.refresh_offers()
            if isinstance(done, TracetuiError):
                if failed is None or not failed(done):
                    self.app.say(str(done), role="bad")
            elif done is not None:
                self._changed = self._changed or done.done
                self.app.say(done.said, role="muted" if done.done else "warn")

        self._worker.do(work, finish)

    def _count(self, found: tuple[Sequence[Rule], Mapping[Rule, int]]) -> None:
        """Show how many places each rule replaces, where no other rules are listed by now."""
        rules, counts = found
        source = self.rows.source
        if self.is_attached and isinstance(source, _RuleRows) and source.rules == rules:
            self.rows.reload(_RuleRows(rules, counts, hidden=self._hidden))

    @property
    def _rule(self) -> Rule | None:
        source = self.rows.source
        return source.rules[self.rows.cursor] if isinstance(source, _RuleRows) and self.rows.cursor >= 0 else None

    def _none(self) -> str | None:
        return None if self._rule is not None else "There is no rule here; a adds one."

    why_edit = why_delete = why_export = _none

    def on_line_list_opened(self, message: LineList.Opened) -> None:
        message.stop()
        if self._rule is not None:
            self.do_edit()

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        message.stop()

    # -- add, edit, delete --------------------------------------------------------------------------------------------

    def _ask(self, title: str, rule: Rule | None, then: Callable[[Rule], None]) -> None:
        """Form, pattern and replacement, one after the other."""
        from tracetui.tui.kit.ask import AskScreen

        forms = [name for _, name, _ in _FORMS]

        def formed(index: int | None) -> None:
            if index is None:
                return
            how = forms[index]

            def patterned(pattern: str | None) -> None:
                if not pattern:
                    return

                def replaced(replacement: str | None) -> None:
                    if replacement is not None:
                        then(Rule(how, pattern, replacement or None))

                old = rule.replacement or "" if rule is not None else ""
                self.app.push_screen(AskScreen("Replace by", old, hint="Nothing means a placeholder."), replaced)

            pattern = rule.pattern if rule is not None else ""
            self.app.push_screen(AskScreen(f"{title}: {how}", pattern, hint=_FORMS[index][2]), patterned)

        at = forms.index(rule.form) if rule is not None and rule.form in forms else 0
        self.app.push_screen(PickScreen(title, [lettered(*form) for form in _FORMS], at=at, low=True), formed)

    def do_add(self) -> None:
        self._ask("New rule", None, lambda rule: self._do(lambda opened: opened.review.add_rule(rule)))

    def do_edit(self) -> None:
        old = self._rule
        assert old is not None
        self._ask("Change the rule", old, lambda rule: self._do(lambda opened: opened.review.change_rule(old, rule)))

    def do_delete(self) -> None:
        rule = self._rule
        assert rule is not None
        self._do(lambda opened: opened.review.remove_rule(rule))

    # -- undo ---------------------------------------------------------------------------------------------------------

    def do_undo(self) -> None:
        self._do(lambda opened: opened.review.undo() or DecisionOutcome("There is nothing to undo.", None, False))

    def do_redo(self) -> None:
        self._do(lambda opened: opened.review.redo() or DecisionOutcome("There is nothing to bring back.", None, False))

    # -- files --------------------------------------------------------------------------------------------------------

    def do_import(self) -> None:
        from tracetui.tui.kit.ask import AskScreen

        def named(name: str | None) -> None:
            if name and name.strip():
                path = Path(name.strip()).expanduser()
                self._do(lambda opened: opened.review.import_rules(path))

        hint = "A text file, one rule a line: literal:…, regex:… or glob:…, then ==> and what replaces it."
        self.app.push_screen(AskScreen("Read rules from", _FILE, hint=hint), named)

    def do_export(self) -> None:
        from tracetui.tui.kit.ask import AskScreen

        def named(name: str | None) -> None:
            if name and name.strip():
                self._export(Path(name.strip()).expanduser())

        self.app.push_screen(AskScreen("Write rules to", f"~/{_FILE}", hint="The file will hold secrets."), named)

    def _export(self, path: Path) -> None:
        def failed(error: TracetuiError) -> bool:
            if "work tree" not in str(error):
                return False
            from tracetui.tui.kit.pick import confirmation

            def chosen(index: int | None) -> None:
                if index == 1:
                    self._do(lambda opened: opened.review.export_rules(path, force=True))

            text = "This place lies in a Git work tree, where the rules and the secrets in them could be committed."
            self.app.push_screen(confirmation("Write secrets into a repository", text, yes="Write them"), chosen)
            return True

        self._do(lambda opened: opened.review.export_rules(path), failed)

    def do_back(self) -> None:
        self.dismiss(self._changed)
