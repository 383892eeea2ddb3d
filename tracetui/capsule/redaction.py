"""The redaction of an episode as sealing uses it: a review whose result is worked out once, and the same decisions on
what stands in no record (patches, files, commands, paths)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tracetui.model import LogRow, Record, SessionRow, TracetuiError
from tracetui.redact.review import Review

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.redact.apply import Plan

__all__ = ["REMOTE", "Redaction"]

_LINE: Final = 400
_PLAIN: Final = 12
"""Characters from which on a value counts also within a word."""
_DERIVED: Final = ("records/", "steps.jsonl", "ctx.jsonl", "transcript.md")
"""Entries that are made of redacted records alone, which the proof has searched in every form."""
REMOTE: Final = "remote"
"""The kind of addresses of a remote that are taken out."""
_OURS: Final = frozenset(
    "name author format harness program ecosystem how kind category sha256 commit commits start survival_at landing "
    "killer state reason flag session tool notes problem problems missing entries redactions versions".split()
)
"""Keys of JSON entries whose values are words of ours, what the user gave, or texts that were redacted one by one."""


class Redaction(Review):
    """A review with one plan, whose redacted records are kept. Close it after use."""

    def __init__(
        self,
        bucket: Bucket,
        session: SessionRow,
        steps: tuple[int, int] | None = None,
        tick: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``tick`` is called now and then with how many records more were looked at; what it raises ends the work."""
        super().__init__(bucket, session, steps)
        self._tick = tick
        self._plan: Plan | None = None
        self._whole = False
        """Whether files are redacted as one text rather than line by line."""
        self._done: list[tuple[LogRow, list[Record], list[dict[str, Any]]]] | None = None
        self._line = lru_cache(maxsize=200_000)(self._redact)

    def __enter__(self) -> Redaction:
        return self

    def plan(self) -> Plan:
        """The plan of the decisions, the same object each time, so that what is added to it stays.

        Its placeholders are numbered anew: a capsule hangs on the decisions, not on the order in which they were made.
        """
        if self._plan is None:
            self._plan = super().plan()
            self._plan.given.clear()
        return self._plan

    def redacted(
        self,
        plan: Plan | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[tuple[LogRow, list[Record], list[dict[str, Any]]]]:
        """Every log with its records and the redacted ones; worked out once."""
        if self._done is None:
            self._done = list(self.applied(plan or self.plan(), cancelled, progress))
        yield from self._done

    def of(self, log: LogRow) -> tuple[list[Record], list[dict[str, Any]]]:
        """The records of a log and the redacted ones."""
        for row, records, values in self.redacted():
            if row.id == log.id:
                return records, values
        raise TracetuiError("The session changed while it was sealed; seal it again")

    def left_out(self) -> set[tuple[str | None, int]]:
        """The steps (agent, number) that the user excluded: nothing of them comes out by way of patches or checks."""
        excluded = self.state.excluded
        steps = {key for what, key in excluded if what == "step"}
        kinds = {key for what, key in excluded if what == "kind"}
        if not steps and not kinds:
            return set()
        return {
            (log.agent, number)
            for log in self.logs()
            for number, kind, key, _ in self.bucket.sources(log)
            if key in steps or kind in kinds
        }

    @property
    def without_results(self) -> bool:
        """Whether the user excluded the results of tools."""
        return ("results", "") in self.state.excluded

    # -- what stands in no record

    def _redact(self, text: str) -> str:
        from tracetui.redact.apply import redact_text

        return redact_text(text, self.plan())[0]

    def text(self, text: str) -> str:
        """A text with every accepted value replaced."""
        return self._line(text) if len(text) <= _LINE else self._redact(text)

    def file(self, data: bytes) -> bytes:
        """The same for a file; bytes that are no UTF-8 stay as they are.

        Line by line, since versions of a file share most lines; what runs over several lines is looked for in
        ``accept_in`` and ``search``.
        """
        text = data.decode("utf-8", "surrogateescape")
        changed = self._redact(text) if self._whole else "\n".join([self.text(line) for line in text.split("\n")])
        return data if changed == text else changed.encode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """The same for every text of a JSON value."""
        from tracetui.redact.units import rewrite

        return rewrite(value, lambda text, at, path, in_key: text if in_key else self.text(text))

    def hide(self, texts: Iterable[str]) -> None:
        """Take these addresses of a remote out of everything."""
        added = [(text, REMOTE, self.decisions.hash(text)) for text in dict.fromkeys(texts)]
        if added:
            self.plan().values.extend(added)
            self._changed_plan()

    def accept_in(self, files: Sequence[bytes]) -> bool:
        """Accept what detectors find in texts that no review has seen, and look for accepted values that run over
        several lines; whether the files have to be redacted again."""
        from tracetui.redact.apply import PLACEHOLDER
        from tracetui.redact.scanner import scan_many

        plan = self.plan()
        known = {key for _, _, key in plan.values}
        grew = False
        texts = [data.decode("utf-8", "replace") for data in files]
        for text, places in zip(texts, scan_many(texts)):
            for found in places:
                value = text[found.start : found.end]
                if found.tier > 2 or found.rule == "unscanned" or not value.strip() or PLACEHOLDER.search(value):
                    continue
                key = self.decisions.hash(value)
                if key not in known and not self._left(key, found.kind, found.why):
                    known.add(key)
                    plan.values.append((value, found.kind, key))
                    grew = True
        if grew:
            self._changed_plan()
        if not self._whole and (any("\n" in value for value, _, _ in plan.values) or self._broken(files)):
            self._whole = grew = True
        return grew

    def _broken(self, files: Sequence[bytes]) -> bool:
        """Whether an accepted value stands in a file with a line break in it."""
        for data in files:
            text = data.decode("utf-8", "surrogateescape")
            if any("\n" in text[hit.start : hit.end] for hit in self.plan().matcher.hits(text)):
                return True
        return False

    def _changed_plan(self) -> None:
        self.plan().__dict__.pop("matcher", None)
        self._line.cache_clear()
        self._done = None

    def _left(self, key: str, kind: str, why: str) -> bool:
        """Whether the user left such a value as it is."""
        rejected = self.state.rejected
        if {("all", key), ("kind", kind), ("name", why)} & rejected:
            return True
        return any(scope == "place" and where.endswith(key) for scope, where in rejected)

    # -- afterwards

    def search(self, entries: Mapping[str, bytes]) -> None:
        """Search the entries for every accepted value: in every form where they hold more than records, as it is
        elsewhere. Raises TracetuiError. Places that the user rejected stay; the proof of the records knows them."""
        from tracetui.redact.forms import PERSONAL_KINDS

        plan = self.plan()
        if not plan.values or plan.spared:
            return
        values = [(value.encode("utf-8", "surrogatepass"), kind) for value, kind, _ in plan.values]
        plain = [item for item in values if len(item[0]) >= _PLAIN and item[1] not in PERSONAL_KINDS]
        for name, data in sorted(entries.items()):
            if name.startswith(_DERIVED):
                left = next((kind for value, kind in plain if value in data), None)
            else:
                text = f"{name}\n{data.decode('utf-8', 'replace')}"
                # A user may be called like a word of ours (files, steps): in entries that we word, only what the log
                # said counts for such values.
                said = _said(name, data)
                if said is None:
                    left = self._hit(text)
                else:
                    left = self._hit(text, personal=False) or self._hit(said, personal=True)
            if left is not None:
                raise TracetuiError(f"Not sealed: a {left} that was accepted is left in {name!a}; please report it")

    def _hit(self, text: str, *, personal: bool | None = None) -> str | None:
        """The kind of an accepted value that stands in a text, None where none does. ``personal``: of personal values
        alone, or of the others alone."""
        from tracetui.redact.apply import PLACEHOLDER
        from tracetui.redact.forms import PERSONAL_KINDS

        values = self.plan().values
        own = [match.span() for match in PLACEHOLDER.finditer(text)]
        for hit in self.plan().matcher.hits(text):
            if hit.value >= len(values) or any(a < hit.end and hit.start < b for a, b in own):
                continue
            kind = values[hit.value][1]
            if personal is None or (kind in PERSONAL_KINDS) is personal:
                return kind
        return None


def _said(name: str, data: bytes) -> str | None:
    """What the log said in an entry that we word, None for an entry that is the log's altogether. The page for people
    says nothing that does not stand in the manifest or the checks."""
    if name == "README.md":
        return ""
    if name not in ("manifest.json", "checks.json", "trail.jsonl"):
        return None
    import orjson

    found: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for inner, item in value.items():
                if inner not in _OURS or isinstance(item, dict):
                    gather(item)
        elif isinstance(value, list):
            for item in value:
                gather(item)

    for line in data.splitlines() if name.endswith(".jsonl") else [data]:
        gather(orjson.loads(line))
    return "\n".join(found)
