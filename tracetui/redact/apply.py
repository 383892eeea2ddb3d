"""Applying decisions: records in, records of the same shape out, with every copy of every accepted value replaced.

Nothing is taken out of the structure: counts, types and ids stay; a dropped signature or encrypted text becomes ``""``,
an image one pixel, an excluded record keeps its ids with every text replaced. One placeholder per value throughout,
``‹kind:number›``, numbered by first appearance; line counts are kept, so that patches still apply to redacted files.
Applying twice changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from tracetui.model import Record
from tracetui.redact.decisions import Rule, State
from tracetui.redact.findings import record_id
from tracetui.redact.forms import EXCLUDED_TEXT, Matcher, lines_of
from tracetui.redact.units import PIXEL, is_opaque, is_skipped, rewrite, units

__all__ = ["EXCLUDED", "PLACEHOLDER", "Plan", "redact", "redact_text"]

PLACEHOLDER: Final = re.compile(r"‹([a-z][a-z0-9-]{0,40}):(\d{1,7})›")
"""What stands for a value. Numbers that the source text uses for itself are left out."""
EXCLUDED: Final = "‹excluded›"
_KIND: Final = re.compile(r"[^a-z0-9-]+")
_EXCLUDED_LEAST: Final = 24

RecordKey = tuple[str | None, str]
"""Agent and record id."""


def kind_name(kind: str) -> str:
    """A kind as placeholders spell it."""
    name = _KIND.sub("-", kind.lower()).strip("-")
    return name if name and name[0].isalpha() else "secret"


@dataclass
class Plan:
    """What to replace, and where not.

    ``values`` are (text, kind, key) of accepted values; ``given`` holds kind and number of the placeholders by key;
    ``spared`` the places that the user rejected: (agent, record id, field, in key) to spans. ``excluded`` names records
    whose texts all go, ``excluded_fields`` (agent, record id, field prefix) of records that go in part. ``rules`` are
    the rules that stay. ``keep_opaque`` keeps signatures and encrypted text, ``keep_images`` images.
    """

    values: list[tuple[str, str, str]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    given: dict[str, tuple[str, int]] = field(default_factory=dict)
    spared: dict[tuple[str | None, str, str, bool], list[tuple[int, int]]] = field(default_factory=dict)
    excluded: set[RecordKey] = field(default_factory=set)
    excluded_fields: set[tuple[str | None, str, str]] = field(default_factory=set)
    excluded_texts: dict[str, None] = field(default_factory=dict)
    keep_opaque: bool = False
    keep_images: bool = False
    reached: dict[str, int] = field(default_factory=dict)
    """How many places each value reached, by key; filled by ``redact``."""

    @classmethod
    def of(cls, state: State, given: Mapping[str, tuple[str, int]] | None = None) -> Plan:
        """The plan of a session's decisions, without its exclusions and spared places, which need its records."""
        plan = cls(
            values=[(item.value, item.kind, key) for key, item in state.accepted.items()],
            rules=[*state.rules],
            given=dict(given or {}),
        )
        plan.keep_images = ("keep-images", "") in state.excluded
        plan.keep_opaque = ("keep-opaque", "") in state.excluded
        return plan

    @cached_property
    def matcher(self) -> Matcher:
        """Finds every accepted value; longer values first, so that a tie goes to the longer."""
        own = [(text, kind) for text, kind, _ in self.values]
        return Matcher([*own, *((text, EXCLUDED_TEXT) for text in self.excluded_texts)])

    @cached_property
    def patterns(self) -> list[tuple[Any, Rule]]:
        import re2

        options = re2.Options()
        options.log_errors = False
        return [(re2.compile(_pattern(rule), options), rule) for rule in self.rules]

    def placeholder(self, key: str, kind: str) -> str:
        """The placeholder of a value; a new number where it has none yet."""
        held = self.given.get(key)
        if held is None:
            name = kind_name(kind)
            taken = self._taken
            number = 1 + max((n for k, n in self.given.values() if k == name), default=0)
            while (name, number) in taken:
                number += 1
            held = self.given[key] = (name, number)
        return f"‹{held[0]}:{held[1]}›"

    @cached_property
    def _taken(self) -> set[tuple[str, int]]:
        return set()

    def reserve(self, text: str) -> None:
        """Leave out numbers that a source text uses for itself."""
        if "‹" in text:
            own = set(self.given.values())
            self._taken.update(found for m in PLACEHOLDER.finditer(text) if (found := (m[1], int(m[2]))) not in own)

    def owns(self, name: str, number: int) -> bool:
        return (name, number) in {*self.given.values()}


def _pattern(rule: Rule) -> str:
    if rule.form == "regex":
        return rule.pattern
    if rule.form == "literal":
        import re2

        return str(re2.escape(rule.pattern))
    out = []
    for part in re.split(r"([*?])", rule.pattern):
        import re2

        out.append({"*": r"[^\s\"']*", "?": r"[^\s\"']"}.get(part) or re2.escape(part))
    return "".join(out)


def redact_text(
    text: str, plan: Plan, spared: Iterable[tuple[int, int]] = ()
) -> tuple[str, list[tuple[int, int, str, str]]]:
    """A text with every accepted value replaced, and the spans replaced in it: (start, end, key, form)."""
    spans: list[tuple[int, int, str, str, str]] = []
    free = [*spared]
    kept = [m.span() for m in PLACEHOLDER.finditer(text) if plan.owns(m[1], int(m[2]))] if "‹" in text else []
    if plan.values or plan.excluded_texts:
        count = len(plan.values)
        for hit in plan.matcher.hits(text):
            if hit.value < count:
                _value, kind, key = plan.values[hit.value]
                spans.append((hit.start, hit.end, key, hit.form, kind))
            else:
                spans.append((hit.start, hit.end, "", hit.form, "excluded"))
    for pattern, rule in plan.patterns:
        for match in pattern.finditer(text):
            if match.end() > match.start():
                key = f"rule {rule.form} {rule.pattern} {match.group() if rule.replacement is None else ''}"
                spans.append(
                    (
                        match.start(),
                        match.end(),
                        key,
                        "rule",
                        "rule" if rule.replacement is None else "\0" + rule.replacement,
                    )
                )
    if not spans:
        return text, []
    chosen = _chosen(spans, free, kept)
    out: list[str] = []
    at = 0
    done: list[tuple[int, int, str, str]] = []
    for start, end, key, form, kind in chosen:
        out.append(text[at:start])
        if kind == "excluded":
            put = EXCLUDED
        elif kind.startswith("\0"):
            put = kind[1:]
        else:
            put = plan.placeholder(key, kind)
        # Line counts stay, so that hunks of a patch keep their places.
        out.append(put + "\n" * text.count("\n", start, end) if put else "\n" * text.count("\n", start, end))
        done.append((start, end, key, form))
        at = end
    out.append(text[at:])
    return "".join(out), done


def _chosen(
    spans: list[tuple[int, int, str, str, str]], free: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> list[tuple[int, int, str, str, str]]:
    """Spans that do not overlap: the longest of those that do, widened to all that it meets."""
    usable = [
        span
        for span in spans
        if not any(a <= span[0] and span[1] <= b for a, b in free)
        and not any(a < span[1] and span[0] < b for a, b in kept)
    ]
    usable.sort(key=lambda span: (span[0], -span[1]))
    out: list[tuple[int, int, str, str, str]] = []
    longest = 0
    for span in usable:
        if out and span[0] < out[-1][1]:
            last = out[-1]
            end = max(last[1], span[1])
            if span[1] - span[0] > longest:
                longest = span[1] - span[0]
                out[-1] = (last[0], end, *span[2:])
            else:
                out[-1] = (last[0], end, *last[2:])
        else:
            out.append(span)
            longest = span[1] - span[0]
    return out


def redact(records: Sequence[Record], plan: Plan, harness: str, agent: str | None = None) -> list[dict[str, Any]]:
    """The records of one log with the plan applied: as many, of the same shape, in the same order.

    Call ``plan.reserve`` on, or this for, all logs of an episode with one plan, so that placeholders are the same
    throughout.
    """
    if plan.excluded or plan.excluded_fields:
        _gather_excluded(records, plan, harness, agent)
    for record in records:
        for unit in units(record.value, harness):
            plan.reserve(unit.text)
    out = []
    for record in records:
        rid = record_id(record)
        out.append(rewrite(record.value, _changer(plan, harness, agent, rid)))
    return out


def _changer(plan: Plan, harness: str, agent: str | None, rid: str) -> Callable[[str, str, tuple[str, ...], bool], str]:
    whole = (agent, rid) in plan.excluded
    parts = [prefix for a, r, prefix in plan.excluded_fields if (a, r) == (agent, rid)]

    def change(text: str, at: str, path: tuple[str, ...], in_key: bool) -> str:
        if not in_key:
            if is_skipped(harness, path):
                return text
            if is_opaque(harness, path, text):
                return _opaque(text, path, plan)
            if whole or any(at == prefix or at.startswith(prefix + "/") for prefix in parts):
                return text if _word(text, path) else EXCLUDED
        spared = plan.spared.get((agent, rid, at, in_key), ())
        changed, spans = redact_text(text, plan, spared)
        for _, _, key, _ in spans:
            plan.reached[key] = plan.reached.get(key, 0) + 1
        return changed

    return change


def _word(text: str, path: tuple[str, ...]) -> bool:
    """Words of the schema stay in an excluded record, so that it can still be read."""
    return not text or (path[-1] in {"type", "role", "status", "subtype", "level", "model", "mode"} and len(text) < 40)


def _opaque(text: str, path: tuple[str, ...], plan: Plan) -> str:
    image = path[-1] in {"data", "base64", "image_url", "result"} or path[-2:-1] == ("images",)
    if image:
        if plan.keep_images:
            return text
        return f"data:image/png;base64,{PIXEL}" if text.startswith("data:") else PIXEL
    return text if plan.keep_opaque else ""


def _gather_excluded(records: Sequence[Record], plan: Plan, harness: str, agent: str | None) -> None:
    """Texts of excluded records, to be found in their second copies elsewhere too."""
    before = len(plan.excluded_texts)
    for record in records:
        rid = record_id(record)
        whole = (agent, rid) in plan.excluded
        parts = [prefix for a, r, prefix in plan.excluded_fields if (a, r) == (agent, rid)]
        if not whole and not parts:
            continue
        for unit in units(record.value, harness):
            if unit.in_key or not (whole or any(unit.field == p or unit.field.startswith(p + "/") for p in parts)):
                continue
            if (len(unit.text) >= _EXCLUDED_LEAST and " " in unit.text) or len(unit.text) > 60:
                plan.excluded_texts.setdefault(unit.text)
                for line in lines_of(unit.text) if "\n" in unit.text else ():
                    if len(line) >= _EXCLUDED_LEAST:
                        plan.excluded_texts.setdefault(line)
    if len(plan.excluded_texts) != before:
        plan.__dict__.pop("matcher", None)
