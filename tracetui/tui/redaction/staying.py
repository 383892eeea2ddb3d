"""What holds beyond one value, over the real core: rules that stay, and what is left out as a whole. A mixin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracetui.model import LogRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.tui.redaction.model import EXCLUSIONS, Excluded, Outcome, Rule

if TYPE_CHECKING:
    from tracetui.bucket.store import Bucket
    from tracetui.redact.review import Review

__all__ = ["Staying"]


class Staying:
    """Mixin of `binding.CoreReview`."""

    _bucket: Bucket
    _review: Review
    _logs: list[LogRow]
    _steps_by_key: dict[str, tuple[str | None, int]] | None = None

    if TYPE_CHECKING:

        def _changed(self) -> None: ...

    # -- left out -----------------------------------------------------------------------------------------------------

    def exclude(self, what: str, step: int | None, agent: str | None, kind: str) -> Outcome:
        key, name = "", EXCLUSIONS[what][1]
        if what in ("images", "opaque"):
            # They are dropped unless they are asked for.
            kept = (f"keep-{what}", "") in self._review.state.excluded
            self._review.exclude(f"keep-{what}", on=not kept)
            self._changed()
            return Outcome(f"{_capital(name)}: {'left out' if kept else 'kept as they are'}.")
        if what == "step":
            log = next((log for log in self._logs if log.agent == agent), None)
            found = [key for _, _, key, _ in self._bucket.sources(log)] if log is not None else []
            if step is None or not 1 <= step <= len(found):
                raise TracetuiError("This record is part of no step; mark its text instead")
            key, name = found[step - 1], f"step {step}"
        elif what == "kind":
            key, name = kind, f"every {kind}"
        on = (what, key) not in self._review.state.excluded
        self._review.exclude(what, key, on=on)
        self._changed()
        return Outcome(f"{_capital(name)}: {'left out' if on else 'in again'}.")

    def exclusions(self) -> Sequence[Excluded]:
        found: list[Excluded] = []
        for what, key in self._review.state.excluded:
            if what == "step":
                agent, step = self._step(key)
                found.append(Excluded(what, self._step_named(key), step, agent))
            elif what == "kind":
                found.append(Excluded(what, f"every {key}", kind=key))
            elif what in ("results", "thinking"):
                found.append(Excluded(what, EXCLUSIONS[what][1]))
            elif what in ("keep-images", "keep-opaque"):
                name = what.removeprefix("keep-")
                found.append(Excluded(name, f"kept: {EXCLUSIONS[name][1]}"))
        order = list(EXCLUSIONS)
        found.sort(key=lambda one: (order.index(one.what), one.agent or "", one.step or 0, one.kind))
        return found

    def _step(self, key: str) -> tuple[str | None, int | None]:
        if self._steps_by_key is None:
            self._steps_by_key = {
                key: (log.agent, number) for log in self._logs for number, _, key, _ in self._bucket.sources(log)
            }
        return self._steps_by_key.get(key, (None, None))

    def _step_named(self, key: str) -> str:
        agent, step = self._step(key)
        if step is None:
            return "a step that is gone"
        return f"step {fmt.count(step)}" + (f" of subagent {agent}" if agent else "")

    # -- rules that stay ----------------------------------------------------------------------------------------------

    def rules(self) -> Sequence[Rule]:
        return [Rule(rule.form, rule.pattern, rule.replacement) for rule in self._review.state.rules]

    def add_rule(self, rule: Rule) -> Outcome:
        from tracetui.redact.decisions import Rule as CoreRule

        if rule in self.rules():
            return Outcome("This rule is there already.", None, False)
        self._review.add_rule(CoreRule(*rule))
        self._changed()
        return Outcome("The rule is kept, for every session.")

    def change_rule(self, old: Rule, new: Rule) -> Outcome:
        if new == old:
            return Outcome("Nothing changed.", None, False)
        from tracetui.redact.decisions import Rule as CoreRule

        known = new in self.rules()
        self._review.change_rules(add=() if known else (CoreRule(*new),), drop=(CoreRule(*old),))
        self._changed()
        return Outcome("The rule is kept, for every session.")

    def remove_rule(self, rule: Rule) -> Outcome:
        from tracetui.redact.decisions import Rule as CoreRule

        self._review.drop_rule(CoreRule(*rule))
        self._changed()
        return Outcome("The rule is gone; u brings it back.")

    def import_rules(self, path: Path) -> Outcome:
        from tracetui.redact.rulefile import load_rules

        found = load_rules(path)
        known = set(self.rules())
        new = [rule for rule in found if Rule(rule.form, rule.pattern, rule.replacement) not in known]
        self._review.add_rule(*new)
        self._changed()
        return Outcome(f"{fmt.plural(len(new), 'rule')} read, {fmt.count(len(found) - len(new))} known already.")

    def export_rules(self, path: Path, *, force: bool = False) -> Outcome:
        from tracetui.redact.rulefile import dump_rules

        rules = self._review.state.rules
        dump_rules(path, rules, force=force)
        return Outcome(f"{fmt.plural(len(rules), 'rule')} written to {path}; the file holds secrets.")


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
