"""Applying decisions: records in, records of the same shape out, with every copy of every accepted value replaced.

Nothing is taken out of the structure: counts, types and ids stay, but an id that holds an accepted value is renamed
wherever it stands; a dropped signature or encrypted text becomes ``""``, an image one pixel, an excluded record keeps
its ids and names of tools with every text replaced. One placeholder per value throughout, ``‹kind:number›``, numbered
by first appearance; line counts are kept, so that patches still apply to redacted files. Applying twice changes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

import orjson

from tracetui.model import Record, TracetuiError
from tracetui.redact.decisions import DecisionState, Rule, pattern_of
from tracetui.redact.entropy import is_uuid
from tracetui.redact.forms import EXCLUDED_TEXT, ValueMatcher, lines_of
from tracetui.redact.identity import identities
from tracetui.redact.secret_core import is_boundary
from tracetui.redact.units import (
    PIXEL,
    Node,
    is_name,
    is_opaque,
    is_skipped,
    joins,
    left_out,
    new_key,
    pointer_after,
    rewrite,
    schema,
    texts,
    units,
)
from tracetui.redact.value_decoders import BREAK
from tracetui.redact.values import record_id

__all__ = ["EXCLUDED", "PLACEHOLDER", "Cancelled", "Plan", "identifier", "prepare", "redact", "redact_text"]

PLACEHOLDER: Final = re.compile(r"‹([a-z][a-z0-9-]{0,40}):(\d{1,7})›")
"""What stands for a value. Numbers that the source text uses for itself are left out."""
EXCLUDED: Final = "‹excluded›"
_KIND: Final = re.compile(r"[^a-z0-9-]+")
_EXCLUDED_LEAST: Final = 24
_HELD: Final = 64_000_000
"""Code points of texts whose result is remembered."""


class Cancelled(TracetuiError):
    """Applying or proving was cancelled; nothing came out."""


_MARK: Final = "‹".encode()

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
    kept: dict[tuple[str | None, str, str, bool], list[tuple[int, int]]] = field(default_factory=dict)
    """Where spared places stand in what came out: (agent, record id, field there, in key); filled by ``redact``."""
    ids: dict[str, str] = field(default_factory=dict)
    """What became of ids, by what they were: no two become the same."""

    @classmethod
    def of(cls, state: DecisionState, given: Mapping[str, tuple[str, int]] | None = None) -> Plan:
        """The plan of a session's decisions, without its exclusions and spared places, which need its records."""
        plan = cls(
            values=[
                (text, item.kind, key)
                for key, item in state.accepted.items()
                for text in (item.value, *identities(item.value))
            ],
            rules=[*state.rules],
            given=dict(given or {}),
        )
        plan.keep_images = ("keep-images", "") in state.excluded
        plan.keep_opaque = ("keep-opaque", "") in state.excluded
        return plan

    @cached_property
    def matcher(self) -> ValueMatcher:
        """Finds every accepted value; longer values first, so that a tie goes to the longer."""
        own = [(text, kind) for text, kind, _ in self.values]
        self.done, self.ids = {}, {}
        self.done_size = 0
        literal = [rule.pattern for rule in self.rules if rule.form == "literal"]
        return ValueMatcher([*own, *((text, EXCLUDED_TEXT) for text in (*self.excluded_texts, *literal))])

    done: dict[str, Result] = field(default_factory=dict, repr=False)
    """What became of texts that hold no placeholder and no spared place; valid for ``matcher``."""
    done_size: int = 0

    @cached_property
    def patterns(self) -> list[tuple[Any, Rule]]:
        """The compiled rules. What one puts in is read by the others at once: applying twice changes nothing."""
        import re2

        options = re2.Options()
        options.log_errors = False
        found = [(re2.compile(pattern_of(rule), options), rule) for rule in self.rules]
        out = []
        for pattern, rule in found:
            put = rule.replacement
            for _ in range(8 if put else 0):
                before = put
                for other, further in found:
                    if further is not rule and further.replacement is not None:
                        put = other.sub(lambda _, text=further.replacement: text, put)
                if put == before:
                    break
            if put and any(other.search(put) for other, further in found if further.replacement is None):
                put = None
            out.append((pattern, Rule(rule.form, rule.pattern, put)))
        return out

    def placeholder(self, key: str, kind: str) -> str:
        """The placeholder of a value; a new number where it has none yet."""
        held = self.given.get(key)
        if held is None:
            name = kind_name(kind)
            number = 1 + max(self._numbers.get(name, ()), default=0)
            while (name, number) in self._taken:
                number += 1
            held = self.given[key] = (name, number)
            self._numbers.setdefault(name, set()).add(number)
        return f"‹{held[0]}:{held[1]}›"

    @cached_property
    def _taken(self) -> set[tuple[str, int]]:
        return set()

    @cached_property
    def _numbers(self) -> dict[str, set[int]]:
        out: dict[str, set[int]] = {}
        for name, number in self.given.values():
            out.setdefault(name, set()).add(number)
        return out

    def reserve(self, text: str) -> None:
        """Leave out numbers that a source text uses for itself."""
        if "‹" in text:
            self._taken.update((m[1], int(m[2])) for m in PLACEHOLDER.finditer(text) if not self.owns(m[1], int(m[2])))

    def owns(self, name: str, number: int) -> bool:
        return number in self._numbers.get(name, ())


class _Span(NamedTuple):
    """A span to be replaced: by ``put``, or where that is None by the placeholder of ``key``. ``value`` is the value
    that stands there."""

    start: int
    end: int
    key: str
    form: str
    kind: str
    value: str = ""
    put: str | None = None


Result = tuple[str, list[tuple[int, int, str, str]]]


def redact_text(text: str, plan: Plan, spared: Iterable[tuple[int, int]] = ()) -> Result:
    """A text with every accepted value replaced, and the spans replaced in it: (start, end, key, form).

    Line breaks within a value stay, with what numbers or marks the lines, so that every copy of it in files, listings
    and patches keeps its lines: each line is replaced by itself (form ``line`` for all but the first).
    """
    free = [*spared]
    _ = plan.matcher
    if free or "‹" in text:
        return _replaced(text, plan, free)[:2]
    held = plan.done.get(text)
    if held is None:
        held = _replaced(text, plan, free)[:2]
        if plan.done_size < _HELD:
            plan.done_size += len(text)
            plan.done[text] = held
    return held


def _replaced(
    text: str, plan: Plan, free: Sequence[tuple[int, int]]
) -> tuple[str, list[tuple[int, int, str, str]], list[tuple[int, int, int]]]:
    """``redact_text``, and for each span replaced (start, end, size of what stands there now)."""
    spans: list[_Span] = []
    kept = [m.span() for m in PLACEHOLDER.finditer(text) if plan.owns(m[1], int(m[2]))] if "‹" in text else []
    count = len(plan.values)
    literal = [item for item in plan.patterns if item[1].form == "literal"]
    for hit in plan.matcher.hits(text):
        if hit.value < count:
            value, kind, key = plan.values[hit.value]
            spans.append(_Span(hit.start, hit.end, key, hit.form, kind, value))
        elif hit.value < count + len(plan.excluded_texts):
            spans.append(_Span(hit.start, hit.end, "", hit.form, "excluded", put=EXCLUDED))
        else:
            pattern, rule = literal[hit.value - count - len(plan.excluded_texts)]
            if text[hit.start : hit.end] != rule.pattern:  # escaped, encoded or broken; as it is, it is found below
                key = f"rule {rule.form} {rule.pattern} {rule.pattern if rule.replacement is None else ''}"
                spans.append(_Span(hit.start, hit.end, key, hit.form, "rule", rule.pattern, rule.replacement))
    for pattern, rule in plan.patterns:
        put = rule.replacement
        # A rule may put in what it looks for: foo ==> foobar.
        own = [m.span() for m in re.finditer(re.escape(put), text)] if put and pattern.search(put) else []
        for match in pattern.finditer(text):
            if match.end() > match.start() and not any(a <= match.start() and match.end() <= b for a, b in own):
                key = f"rule {rule.form} {rule.pattern} {match.group() if rule.replacement is None else ''}"
                spans.append(_Span(match.start(), match.end(), key, "rule", "rule", match.group(), rule.replacement))
    if not spans:
        return text, [], []
    out: list[str] = []
    at = 0
    done: list[tuple[int, int, str, str]] = []
    moves: list[tuple[int, int, int]] = []
    for span in _chosen(spans, free, kept):
        form = span.form
        for start, end in _by_line(text, span):
            out.append(text[at:start])
            if span.put is None:
                put = plan.placeholder(span.key, span.kind)
            else:
                # Line counts stay, so that hunks of a patch keep their places.
                put = span.put + "\n" * (text.count("\n", start, end) - span.put.count("\n"))
            out.append(put)
            done.append((start, end, span.key, form))
            moves.append((start, end, len(put)))
            form = "line"
            at = end
    out.append(text[at:])
    return "".join(out), done, moves


_MARKS: Final = frozenset(("", "+", "-", ">", "> >", "│", "|"))


def _by_line(text: str, span: _Span) -> list[tuple[int, int]]:
    """The lines of a span without their breaks and what numbers or marks them; boundaries of keys stay."""
    start, end = span.start, span.end
    if span.put is not None or ("\n" not in text[start:end] and "\\n" not in text[start:end]):
        return [(start, end)]
    own = {line.strip() for line in re.split(r"\\{1,4}r?\\{0,4}n|\n", span.value)}
    cuts = [*BREAK.finditer(text, start, end)]
    out: list[tuple[int, int]] = []
    for nth, cut in enumerate((None, *cuts)):
        begin = start if cut is None else cut.start("mark")
        finish = cuts[nth].start() if nth < len(cuts) else end
        line = text[begin:finish]
        if not line.strip() or is_boundary(line):
            continue
        mark = "" if cut is None or line.strip() in own else cut["mark"]
        # What looks like a number or name before the line may be of the value itself.
        if mark.strip(" \t") in _MARKS or (mark.strip() not in span.value and mark):
            begin, line = begin + len(mark), line[len(mark) :]
        if line.strip() and not is_boundary(line):
            out.append((begin + len(line) - len(line.lstrip(" \t")), begin + len(line.rstrip(" \t\r"))))
    return out or [(start, end)]


def _chosen(spans: Sequence[_Span], free: Sequence[tuple[int, int]], kept: Sequence[tuple[int, int]]) -> list[_Span]:
    """Spans that do not overlap: the longest of those that do, widened to all that it meets."""
    usable = [
        span
        for span in spans
        if not any(a <= span.start and span.end <= b for a, b in free)
        and not any(a < span.end and span.start < b for a, b in kept)
    ]
    usable.sort(key=lambda span: (span.start, -span.end, span.put is not None))
    out: list[_Span] = []
    longest = 0
    for span in usable:
        size = span.end - span.start
        if out and span.start < out[-1].end:
            last = out[-1]
            best = span if size > longest else last
            out[-1] = best._replace(start=last.start, end=max(last.end, span.end))
            longest = max(longest, size)
        else:
            out.append(span)
            longest = size
    return out


def prepare(logs: Iterable[tuple[Sequence[Record], str, str | None]], plan: Plan) -> None:
    """Look through all logs of an episode, as (records, harness, agent), before any is redacted with the plan: for
    texts that look like placeholders, and for what excluded records hold."""
    before = len(plan.excluded_texts)
    for records, harness, agent in logs:
        if plan.excluded or plan.excluded_fields:
            _gather_excluded(records, plan, harness, agent)
        for record in records:
            if _may_hold_placeholders(record.value):
                for text in texts(record.value, harness):
                    plan.reserve(text)
    if len(plan.excluded_texts) != before:
        plan.__dict__.pop("matcher", None)


def _may_hold_placeholders(value: Any) -> bool:
    try:
        return _MARK in orjson.dumps(value)
    except TypeError:  # lone surrogates, large numbers
        return True


def redact(
    records: Sequence[Record],
    plan: Plan,
    harness: str,
    agent: str | None = None,
    *,
    prepared: bool = False,
    step: Callable[[], object] = lambda: None,
) -> list[dict[str, Any]]:
    """The records of one log with the plan applied: as many, of the same shape, in the same order.

    Call ``prepare`` with all logs of an episode before (``prepared``), and this for each with one plan, so that
    placeholders are the same throughout. ``step`` is called before each record; what it raises ends the work.
    """
    if not prepared:
        prepare([(records, harness, agent)], plan)
    parts: dict[str, list[str]] = {}
    for who, rid, prefix in plan.excluded_fields:
        if who == agent:
            parts.setdefault(rid, []).append(prefix)
    spared = {rid for who, rid, *_ in plan.spared if who == agent}
    root = schema(harness)
    _ = plan.matcher
    out = []
    for record in records:
        step()
        rid = record_id(record)
        if rid in spared or rid in parts or (agent, rid) in plan.excluded:
            renamed: dict[str, str] = {}
            change = _changer(plan, harness, agent, rid, parts.get(rid, ()), renamed)
            out.append(rewrite(record.value, change, renamed))
        else:
            out.append(_copy(record.value, root, plan))
    return out


def _put(text: str, plan: Plan, spared: Iterable[tuple[int, int]] = ()) -> str:
    changed, spans = redact_text(text, plan, spared)
    for _, _, key, form in spans:
        if form != "line":
            plan.reached[key] = plan.reached.get(key, 0) + 1
    return changed


def identifier(text: str, path: tuple[str, ...], plan: Plan) -> str:
    """An id of the format with every accepted value replaced, the same wherever it stands. Words of the format stay,
    and what holds no more than a piece of a value, as random ids do by chance."""
    if not (plan.values or plan.rules) or not joins(path):
        return text
    held = plan.ids.get(text)
    if held is not None:
        return held
    changed, spans = redact_text(text, plan)
    by_chance = all(form == "part" for *_, form in spans)
    if changed != text and (by_chance or (is_uuid(text) and (spans[0][0] > 0 or spans[-1][1] < len(text)))):
        changed = text
    name, n = changed, 2
    while changed != text and changed in plan.ids.values():
        changed, n = f"{name}~{n}", n + 1
    if changed != text:
        plan.ids[text] = changed
    return changed


def _copy(value: Any, node: Node | None, plan: Plan) -> Any:
    """A record's value with the plan applied; for records of which all is treated alike, whatever its place."""
    if isinstance(value, str):
        if node and value and (what := left_out(node, value)):
            path = node[""][1]
            return identifier(value, path, plan) if what == "id" else _opaque(value, path, plan)
        held = plan.done.get(value)
        return _put(value, plan) if value and (held is None or held[1]) else value
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        done = plan.done
        for name, inner in value.items():
            key = name
            held = done.get(name)
            if name and (held is None or held[1]) and (key := _put(name, plan)) != name:
                key = new_key(key, name, value, out)
            if isinstance(inner, str | dict | list):
                out[key] = _copy(inner, node.get(name) if node and name else None, plan)
            else:
                out[key] = inner
        if "structuredPatch" in value and isinstance(hunks := value["structuredPatch"], list):
            out["structuredPatch"] = [_hunk(hunk, plan) for hunk in hunks]
        return out
    if isinstance(value, list):
        below = node.get("*") if node else None
        return [_copy(inner, below, plan) for inner in value]
    return value


def _hunk(hunk: Any, plan: Plan) -> Any:
    """A hunk whose lines are redacted as the one text that they are, so that it says the same as the file does."""
    changed = _copy(hunk, None, plan)
    lines = hunk.get("lines") if isinstance(hunk, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, str) and "\n" not in line for line in lines):
        return changed
    together = redact_text("\n".join(lines), plan)[0].split("\n")
    if len(together) == len(lines):
        changed["lines"] = together
    return changed


def _changer(
    plan: Plan, harness: str, agent: str | None, rid: str, parts: Sequence[str], renamed: Mapping[str, str]
) -> Callable[[str, str, tuple[str, ...], bool], str]:
    whole = (agent, rid) in plan.excluded

    def change(text: str, at: str, path: tuple[str, ...], in_key: bool) -> str:
        if not in_key:
            if is_skipped(harness, path):
                return identifier(text, path, plan)
            if is_opaque(harness, path, text):
                return _opaque(text, path, plan)
            out = whole or any(at == prefix or at.startswith(prefix + "/") for prefix in parts)
            if out and not _word(text, path) and not is_name(harness, path):
                return EXCLUDED
        spared = plan.spared.get((agent, rid, at, in_key), ())
        changed = _put(text, plan, spared)
        if spared:
            where = (agent, rid, pointer_after(at, renamed), in_key)
            plan.kept[where] = _moved(text, plan, spared)
        return changed

    return change


def _moved(text: str, plan: Plan, spared: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where spans of a text stand after others were replaced in it; those that were replaced too are left out."""
    moves = _replaced(text, plan, spared)[2]
    out = []
    for start, end in spared:
        if not any(a < end and start < b for a, b, _ in moves):
            shift = sum(size - (b - a) for a, b, size in moves if b <= start)
            out.append((start + shift, end + shift))
    return out


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
