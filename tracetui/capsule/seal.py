"""Sealing: from a session of the bucket, past the gate, to the entries of a capsule and its file.

The same log bytes, range, decisions, options, checks, HEAD and versions give the same bytes: nothing of the time, the
host or the order of a dictionary of this run gets in.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui import __version__
from tracetui.capsule import checks as checking
from tracetui.capsule import manifest as manifests
from tracetui.capsule import words
from tracetui.capsule.archive import pack, write_private
from tracetui.capsule.checks import Check
from tracetui.capsule.code import Code, read_code
from tracetui.capsule.episode import Episode, blanked, foreign_blocks, stripped
from tracetui.harness import HARNESSES
from tracetui.harness.spell import step_json
from tracetui.model import LogFacts, Record, SessionRow, Source, Step, TracetuiError

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.redact.apply import Plan
    from tracetui.redact.gate import Gate
    from tracetui.redact.review import Review

__all__ = ["LARGE", "Draft", "Options", "Refused", "draft"]

LARGE: Final = 25 * 1024 * 1024
"""Bytes; what issue trackers take."""
_PREVIEW: Final = 160


class Refused(TracetuiError):
    """The gate does not let the episode out; ``gate`` holds what is open."""

    def __init__(self, message: str, gate: Gate) -> None:
        super().__init__(message)
        self.gate = gate


@dataclass(slots=True)
class Options:
    """What the user chose. ``repo``: the repository, where the session's folder is in none. ``checks``: None for those
    that are proposed, else exactly these. ``name`` and ``author`` are told only if given. ``include_before``: keep text
    from before the range that stands inside its records. ``private_remote``: name a remote that may be private.
    ``files``: paths in the repository to carry along."""

    repo: str | None = None
    checks: Sequence[Check] | None = None
    name: str | None = None
    author: str | None = None
    include_before: bool = False
    private_remote: bool = False
    files: Sequence[str] = ()


@dataclass(slots=True)
class Draft:
    """A capsule before it is written. ``exposed``: (placeholder, kind) of secrets that this session showed and that
    should be rotated; ``notes`` is what the reader should know."""

    entries: dict[str, bytes]
    checks: list[Check]
    facts: dict[str, Any]
    notes: list[str]
    exposed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """The digest of the capsule."""
        return manifests.digest_of(self.entries[manifests.MANIFEST])

    def sizes(self) -> list[tuple[str, int]]:
        """Every entry with its size in bytes, unpacked."""
        return [(name, len(data)) for name, data in sorted(self.entries.items())]

    def write(self, target: Path, key: Path | None = None) -> int:
        """Write the capsule (0600, whole or not at all), signed by an SSH key if one is named; its size in bytes."""
        if target.is_dir():
            raise TracetuiError(f"{target} is a folder; name the file to write: -o NAME.capsule.zip")
        entries = dict(self.entries)
        if key is not None:
            from tracetui.capsule.signing import sign

            entries[manifests.SIGNATURE] = sign(self.digest, key)
        with write_private(target) as stream:
            return pack(entries, stream.write)


def draft(bucket: Bucket, episode: Episode, options: Options | None = None) -> Draft:
    """Make a capsule's entries. Raises ``Refused`` when the gate does not pass, TracetuiError otherwise."""
    from tracetui.redact.gate import check
    from tracetui.redact.review import Review

    options = options or Options()
    steps = (episode.main.steps[0], episode.main.steps[-1]) if episode.ranged and episode.agent is None else None
    with Review(bucket, episode.session, steps) as review:
        gate = check(review, proof=True)
        if not gate.passes:
            raise Refused(f"Not sealed: {gate.say()}; decide with: tracetui redact {episode.session.id}", gate)
        return _Maker(bucket, episode, options, review).make()


class _Log:
    """One log of the episode, redacted: the records that it carries and the steps that they make."""

    def __init__(self, place: int, agent: str | None) -> None:
        self.name = f"records/{place:03d}.jsonl"
        self.agent = agent
        self.kept: list[Record] = []
        self.values: list[dict[str, Any]] = []
        self.steps: list[Step] = []
        self.lines: dict[int, int] = {}
        """Line of the log -> line of the entry."""
        self.facts = LogFacts()
        self.by_line: dict[int, list[Record]] = {}
        """Redacted records by line of the log, for what the model saw."""


class _Maker:
    def __init__(self, bucket: Bucket, episode: Episode, options: Options, review: Review) -> None:
        self.bucket, self.episode, self.options, self.review = bucket, episode, options, review
        self.plan: Plan = review.plan()
        self.notes: list[str] = []
        self.entries: dict[str, bytes] = {}

    # -- the redaction of what stands in no record

    def text(self, text: str) -> str:
        """A text with every accepted value replaced."""
        from tracetui.redact.apply import redact_text

        return redact_text(text, self.plan)[0]

    def file(self, data: bytes) -> bytes:
        """The same for a file; bytes that are no UTF-8 stay as they are."""
        text = data.decode("utf-8", "surrogateescape")
        changed = self.text(text)
        return data if changed == text else changed.encode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """The same for every text of a JSON value."""
        from tracetui.redact.units import rewrite

        return rewrite(value, lambda text, at, path, in_key: text if in_key else self.text(text))

    def _accept(self, text: str) -> bool:
        """Accept what detectors find in a text that no review has seen; whether the plan grew."""
        from tracetui.redact import scan
        from tracetui.redact.apply import PLACEHOLDER

        known = {key for _, _, key in self.plan.values}
        grew = False
        for found in scan(text):
            value = text[found.start : found.end]
            if found.tier > 2 or found.rule == "unscanned" or not value.strip():
                continue
            key = self.review.decisions.hash(value)
            if key in known or PLACEHOLDER.search(value) or self._rejected(key, found.kind, found.why):
                continue
            known.add(key)
            self.plan.values.append((value, found.kind, key))
            grew = True
        if grew:
            self.plan.__dict__.pop("matcher", None)
        return grew

    def _rejected(self, key: str, kind: str, why: str) -> bool:
        rejected = self.review.state.rejected
        if {("all", key), ("kind", kind), ("name", why)} & rejected:
            return True
        return any(scope == "place" and where.endswith(key) for scope, where in rejected)

    # -- all of it

    def make(self) -> Draft:
        """The draft. What stands in no record (patches, files, commands) is made first, so that what is found in it is
        taken out of everything."""
        code = read_code(self.bucket, self.episode, self.options)
        self.plan.__dict__.pop("matcher", None)
        self.notes += code.notes
        for url in dict.fromkeys(code.hidden):
            self.plan.values.append((url, "remote", self.review.decisions.hash(url)))
        for _ in range(4):
            patches, files, problems = code.patches(self.file, self.text)
            if not any(self._accept(data.decode("utf-8", "replace")) for data in (*patches.values(), *files.values())):
                break
        logs = self._logs()
        for name, data in (*patches.items(), *files.items()):
            self.entries[name] = data
        self.entries["steps.jsonl"] = _jsonl(
            step_json(self.episode.session.id, log.agent, log.name, step) for log in logs for step in log.steps
        )
        self.entries["trail.jsonl"] = _jsonl(self.value(state) for state in code.trail)
        self.entries["ctx.jsonl"] = _jsonl(self._contexts(logs))
        checks = self._checks(code, problems)
        self.entries["checks.json"] = checking.dump(checks)
        facts = self._facts(logs, code, patches, problems)
        self.notes += problems
        title = facts["name"] or facts["session"]["title"] or "An episode of a coding agent"
        self.entries["transcript.md"] = words.transcript(
            title, ((log.agent, step) for log in logs for step in log.steps)
        ).encode()
        facts["notes"] = self.notes
        self.entries["README.md"] = words.readme(facts, checks, self.notes, [*self.entries, "transcript.md"]).encode()
        self.entries[manifests.MANIFEST] = manifests.build(facts, self.entries)
        self._prove()
        given = self.plan.given
        self.review.decisions.keep_placeholders(self.episode.session.harness, self.episode.session.id, given)
        return Draft(self.entries, checks, facts, self.notes, self._exposed())

    # -- records and steps

    def _logs(self) -> list[_Log]:
        from tracetui.redact.apply import redact

        out: list[_Log] = []
        for place, part in enumerate(self.episode.parts, 1):
            log = _Log(place, part.log.agent)
            records = list(self.bucket.records(part.log))
            values = redact(records, self.plan, part.log.harness, part.log.agent)
            owners = self._owners(part.log.id, part.steps) if part.lines is not None else {}
            reader = HARNESSES[part.log.harness].reader(part.stem)
            steps: dict[int, Step] = {}
            dropped = 0
            for record, value in zip(records, values):
                line = record.source.line
                held = part.holds(record)
                if held and self.episode.ranged and not self.options.include_before:
                    value = stripped(part.log.harness, value, head=line in part.heads)
                    others = owners.get(line)
                    if others:
                        value = blanked(value, foreign_blocks(record.value, others))
                made = Record(record.source, value, record.nth, record.oversize)
                reader.feed(made)
                for step in reader.take():
                    steps[step.number] = step
                if not held:
                    continue
                dropped += record.oversize
                log.lines.setdefault(line, len(log.values) + 1)
                log.values.append(value)
                log.by_line.setdefault(line, []).append(made)
            count = getattr(reader, "count", None)
            last = count if type(count) is int else len(steps)
            log.steps = [
                self._placed(steps[number], log) for number in sorted(steps) if number in part.steps and number <= last
            ]
            log.facts = reader.facts
            if dropped:
                self.notes.append(f"{dropped:,} records over 16 MiB are told by type and id only")
            self.entries[log.name] = _jsonl(log.values)
            out.append(log)
        return out

    def _owners(self, log: int, steps: range) -> dict[int, list[tuple[int, str, str]]]:
        """Lines that steps of the range share with others, with those others."""
        inside: set[int] = set()
        outside: dict[int, list[tuple[int, str, str]]] = {}
        for number, kind, key, sources in self.bucket.sources(log):
            for source in sources:
                if number in steps:
                    inside.add(source.line)
                else:
                    outside.setdefault(source.line, []).append((number, kind, key))
        return {line: others for line, others in outside.items() if line in inside}

    def _placed(self, step: Step, log: _Log) -> Step:
        """The step with its sources where they stand in the capsule."""
        lines = [log.lines[source.line] for source in step.sources if source.line in log.lines]
        return replace(step, sources=tuple(Source(line, 0, 0) for line in lines))

    # -- what the model saw

    def _contexts(self, logs: Sequence[_Log]) -> Iterable[dict[str, Any]]:
        """Each segment once, then each call as a list of segment numbers; a run of them is written [first, last]."""
        from tracetui.ctx.context import context_of, piece_of, segment
        from tracetui.ctx.opening import index_of
        from tracetui.text.safe import one_line

        segments: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        for part, log in zip(self.episode.parts, logs):
            index = index_of(self.bucket, part.log)
            numbers: dict[int, int] = {}
            seen: set[int] = set()

            def read(nth: int, source: Source, log: _Log = log) -> Sequence[Record]:
                return log.by_line.get(source.line, ()) if nth == 0 else ()

            for step in part.steps:
                call = index.call_of(step)
                if call is None or call in seen:
                    continue
                seen.add(call)
                context = context_of(index, step)
                for at in context.ids:
                    if at in numbers:
                        continue
                    found = segment(index, at)
                    numbers[at] = number = len(segments) + 1
                    inside = found.log == 0 and found.source.line in log.lines
                    own = inside and (found.from_step is None or found.from_step in part.steps)
                    preview = None
                    if own and not (self.episode.ranged and found.from_step is None):
                        preview = one_line(piece_of(index, at, read).text[:2000], _PREVIEW)
                    segments.append(
                        {
                            "segment": number,
                            "agent": log.agent,
                            "category": found.category,
                            "from_step": found.from_step if found.log == 0 else None,
                            "tokens": found.tokens,
                            "bytes": found.bytes,
                            "preview": preview,
                            "source": {"path": log.name, "line": log.lines[found.source.line]} if own else None,
                        }
                    )
                calls.append(
                    {
                        "call": len(calls) + 1,
                        "agent": log.agent,
                        "step": step,
                        "exact": context.exact,
                        "reported_tokens": context.reported,
                        "estimated_tokens": context.estimated,
                        "window": context.window,
                        "missing": list(context.missing),
                        "segments": _runs([numbers[at] for at in context.ids]),
                    }
                )
        yield from segments
        yield from calls

    # -- checks

    def _checks(self, code: Code, problems: Sequence[str]) -> list[Check]:
        chosen = self.options.checks
        if chosen is None:
            chosen = checking.propose(code.commands, code.root)
        broken = next((problem for problem in problems if "does not apply" in problem), None)
        return [
            replace(
                check,
                number=nth,
                command=self.text(check.command),
                folder=self.text(check.folder),
                line=None if check.line is None else self.text(check.line),
                problem=check.problem or broken,
            )
            for nth, check in enumerate(chosen, 1)
        ]

    # -- the manifest's facts

    def _facts(
        self, logs: Sequence[_Log], code: Code, patches: dict[str, bytes], problems: Sequence[str]
    ) -> dict[str, Any]:
        episode, main = self.episode, logs[0]
        session: SessionRow = episode.session
        facts = main.facts
        title = None if episode.ranged and not self.options.include_before else self._title(main)
        return {
            "name": self.options.name,
            "author": self.options.author,
            "session": {
                "id": session.id,
                "harness": session.harness,
                "program": HARNESSES[session.harness].title,
                "agent": episode.agent,
                "agent_version": facts.version,
                "model": facts.model,
                "title": title,
                "folder": None if facts.cwd is None else checking.rooted(facts.cwd, self.text(code.root or "")),
                "branch": facts.branch,
                "steps": sum(len(log.steps) for log in logs),
                "range": [episode.main.steps[0], episode.main.steps[-1]] if episode.ranged else None,
                "records": [
                    {"name": log.name, "agent": log.agent, "records": len(log.values), "steps": len(log.steps)}
                    for log in logs
                ],
            },
            "repository": code.facts(self.text),
            "environment": self.value(code.environment),
            "redactions": self._redactions(logs),
            "versions": {"tracetui": __version__, "zlib": zlib.ZLIB_RUNTIME_VERSION},
        }

    def _title(self, log: _Log) -> str | None:
        title = log.facts.title or self.episode.session.title
        return None if title is None else self.text(title)

    def _redactions(self, logs: Sequence[_Log]) -> dict[str, int]:
        """How often each kind was taken out of the records; what stands in none of them, out of patches and files."""
        from tracetui.redact.apply import EXCLUDED, PLACEHOLDER

        count: Counter[str] = Counter()
        seen: set[str] = set()
        for log in logs:
            text = self.entries[log.name].decode()
            for match in PLACEHOLDER.finditer(text):
                if self.plan.owns(match[1], int(match[2])):
                    seen.add(match[0])
                    count[match[1]] += 1
            count["excluded"] += text.count(EXCLUDED)
        for name, data in self.entries.items():
            if name.startswith(("patches/", "files/")):
                for match in PLACEHOLDER.finditer(data.decode("utf-8", "replace")):
                    if match[0] not in seen and self.plan.owns(match[1], int(match[2])):
                        count[match[1]] += 1
        return {kind: number for kind, number in sorted(count.items()) if number}

    def _exposed(self) -> list[tuple[str, str]]:
        """Live secrets that the episode shows: accepted values that are no personal data, by placeholder."""
        from tracetui.redact.forms import PERSONAL_KINDS

        found = []
        for _, kind, key in self.plan.values:
            held = self.plan.given.get(key)
            if held is not None and kind not in PERSONAL_KINDS and kind != "remote":
                found.append((f"‹{held[0]}:{held[1]}›", kind))
        return sorted(set(found))

    # -- the proof over what was made

    def _prove(self) -> None:
        """Search every entry for every accepted value, in every form. Raises TracetuiError."""
        from tracetui.redact.apply import PLACEHOLDER

        if not self.plan.values:
            return
        matcher = self.plan.matcher
        spared = bool(self.plan.spared)
        for name, data in sorted(self.entries.items()):
            for text in (name, data.decode("utf-8", "replace")):
                own = [m.span() for m in PLACEHOLDER.finditer(text) if self.plan.owns(m[1], int(m[2]))]
                for hit in matcher.hits(text):
                    if hit.value >= len(self.plan.values) or any(a < hit.end and hit.start < b for a, b in own):
                        continue
                    if spared:
                        continue  # places that the user rejected stay; the gate's proof knows which
                    kind = self.plan.values[hit.value][1]
                    raise TracetuiError(f"Not sealed: a {kind} that was accepted is left in {name}; please report it")


def _runs(numbers: Sequence[int]) -> list[int | list[int]]:
    out: list[int | list[int]] = []
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        out.append(numbers[at] if end == at else [numbers[at], numbers[end]])
        at = end + 1
    return out


def _jsonl(values: Iterable[Any]) -> bytes:
    return b"".join(_dumps(value) + b"\n" for value in values)


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # integers over 64 bits
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
