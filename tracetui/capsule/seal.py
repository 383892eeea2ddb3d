"""Sealing: from a session of the bucket, past the gate, to the entries of a capsule and its file.

The same log bytes, range, decisions, options, checks, HEAD and versions give the same bytes: nothing of the time, the
host or the order of a dictionary of this run gets in.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracetui import __version__
from tracetui.capsule import checks as checking
from tracetui.capsule import manifest as manifests
from tracetui.capsule import render
from tracetui.capsule.archive import pack, write_private
from tracetui.capsule.checks import Check
from tracetui.capsule.code import CodeFacts
from tracetui.capsule.code_reader import read_code
from tracetui.capsule.contexts import Contexts
from tracetui.capsule.derive import DERIVATION
from tracetui.capsule.episode import Episode
from tracetui.capsule.exposure import exposed, weak
from tracetui.capsule.hours import hours_of
from tracetui.capsule.options import Options
from tracetui.capsule.records import Log, read_log
from tracetui.capsule.redaction import Redaction
from tracetui.capsule.signature import Signature, signature_of
from tracetui.harness import HARNESSES
from tracetui.harness.spell import step_json
from tracetui.model import SessionRow, TracetuiError
from tracetui.redact.apply import Cancelled
from tracetui.text import format as fmt

if TYPE_CHECKING:
    from tracetui.bucket import Bucket
    from tracetui.redact.apply import Plan
    from tracetui.redact.gate import Gate
    from tracetui.redact.values import Place

__all__ = ["LARGE", "STAGES", "Cancelled", "Draft", "Options", "Progress", "Refused", "draft"]

LARGE: Final = 25 * 1024 * 1024
"""Bytes; what issue trackers take."""
STAGES: Final = ("findings", "code", "context", "proof", "entries")
"""What ``draft`` does, in order."""
Progress = Callable[[str, int, int], None]
_ROUNDS: Final = 4


class Refused(TracetuiError):
    """The gate does not let the episode out; ``gate`` holds what is open."""

    def __init__(self, message: str, gate: Gate) -> None:
        super().__init__(message)
        self.gate = gate


@dataclass(slots=True)
class Draft:
    """A capsule before it is written. ``exposed``: (placeholder, kind) of secrets that this session showed and that
    should be rotated; ``notes`` is what the reader should know. ``unknown`` counts the fields (as the log names them)
    that were left out of a range because no rule of the harness names them; ``weak`` holds a finding of each value that
    only looks random and that nobody decided about; ``hours`` is the time of day of the steps by this machine's clock,
    empty where it tells nothing: all of it for who seals, never in the capsule."""

    entries: dict[str, bytes]
    checks: list[Check]
    facts: dict[str, Any]
    notes: list[str]
    exposed: list[tuple[str, str]] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    weak: Sequence[Place] = ()
    hours: str = ""

    @property
    def digest(self) -> str:
        """The digest of the capsule."""
        return manifests.digest_of(self.entries[manifests.MANIFEST])

    def sizes(self) -> list[tuple[str, int]]:
        """Every entry with its size in bytes, unpacked."""
        return [(name, len(data)) for name, data in sorted(self.entries.items())]

    def write(self, target: Path, key: Path | None = None, signature: bytes | None = None) -> int:
        """Write the capsule (0600, whole or not at all), signed by an SSH key if one is named, or with a signature that
        was made; its size in bytes."""
        if target.is_dir():
            raise TracetuiError(f"{target} is a folder; name the file to write: -o NAME.capsule.zip")
        entries = dict(self.entries)
        if key is not None:
            from tracetui.capsule.signing import sign

            entries[manifests.SIGNATURE] = sign(self.digest, key)
        elif signature is not None:
            entries[manifests.SIGNATURE] = signature
        with write_private(target) as stream:
            return pack(entries, stream.write)

    def packed(self) -> int:
        """Bytes of the file, unsigned; as much work as writing it."""
        return pack(self.entries, len)


class _Progress:
    """How far sealing is: tells ``progress`` and stops when ``cancelled`` says so."""

    def __init__(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> None:
        self._progress, self._cancelled = progress, cancelled
        self._what, self._done, self._total = "", 0, 0

    def begin(self, what: str, total: int = 0) -> None:
        """A part of the work, of ``total`` pieces where they can be counted."""
        self.tick()
        self._what, self._done, self._total = what, 0, total
        self.reach(0, total)

    def reach(self, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of this part are done."""
        if self._progress is not None:
            self._progress(self._what, done, total)
        self.tick()

    def tick(self, pieces: int = 0) -> None:
        """So many pieces more are done. Raises ``Cancelled``."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("Not sealed: cancelled")
        if pieces:
            self._done += pieces
            if self._progress is not None:
                self._progress(self._what, min(self._done, self._total), self._total)


def draft(
    bucket: Bucket,
    episode: Episode,
    options: Options | None = None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Draft:
    """Make a capsule's entries.

    ``progress(what, done, total)`` is told how far it is: ``what`` one of ``STAGES``, ``total`` 0 where the pieces
    cannot be counted; ``cancelled()`` is asked now and then, both in the caller's thread. Raises ``Refused`` when the
    gate does not pass, ``Cancelled`` when it was cancelled, TracetuiError otherwise.
    """
    from tracetui.ctx.opening import index_of
    from tracetui.redact.gate import Gate, check

    options = options or Options()
    stage = _Progress(progress, cancelled)
    steps = (episode.main.steps[0], episode.main.steps[-1]) if episode.ranged and episode.agent is None else None
    with Redaction(bucket, episode.session, steps, tick=stage.tick) as redaction:
        stage.begin("findings")
        if not redaction.findings.done(episode.session):
            redaction.scan(cancelled=cancelled, progress=stage.reach)
            stage.tick()
        gate = check(redaction)
        if gate.passes:
            stage.begin("code")
            code = read_code(bucket, episode, options, redaction.left_out())
            stage.tick()
            redaction.hide(code.hidden)
            for _ in range(_ROUNDS):
                patches, files, problems = code.patches(redaction.file, redaction.text, stage.tick)
                if not redaction.accept_in([*patches.values(), *files.values()]):
                    break
            stage.begin("context")
            for part in episode.parts:
                if HARNESSES[part.log.harness].rules is not None:
                    index_of(bucket, part.log, cancelled)  # kept; worked out before the gate, not after it
            stage.begin("proof", sum(log.records for log in redaction.logs()))
            gate = Gate((), (), redaction.prove(redaction.plan()).leaks)
        if not gate.passes:
            raise Refused(f"Not sealed: {gate.say()}; decide with: tracetui redact {episode.session.id}", gate)
        stage.begin("entries", sum(part.log.records for part in episode.parts))
        return _EntryMaker(bucket, episode, options, redaction, code, {**patches, **files}, problems, stage).make()


class _EntryMaker:
    """Makes the entries, past the gate."""

    def __init__(
        self,
        bucket: Bucket,
        episode: Episode,
        options: Options,
        redaction: Redaction,
        code: CodeFacts,
        entries: dict[str, bytes],
        problems: Sequence[str],
        stage: _Progress,
    ) -> None:
        self.bucket, self.episode, self.options, self.redaction = bucket, episode, options, redaction
        self.code, self.entries, self.problems, self.stage = code, entries, problems, stage
        self.plan: Plan = redaction.plan()
        self.unknown: Counter[str] = Counter()
        self.notes: list[str] = [redaction.text(text) for text in code.notes]

    def make(self) -> Draft:
        """The draft."""
        redaction = self.redaction
        logs = self._logs()
        self.entries["steps.jsonl"] = _jsonl(
            step_json(self.episode.session.id, log.agent, log.name, step, log.part)
            for log in logs
            for step in log.steps
        )
        self.entries["trail.jsonl"] = _jsonl(redaction.value(state) for state in self.code.trail)
        contexts = Contexts(self.bucket, ranged=self.episode.ranged)
        told = [contexts.add(part, log.name, log.lines, log.by_line) for part, log in zip(self.episode.parts, logs)]
        self.entries["ctx.jsonl"] = _jsonl(contexts.lines())
        checks = self._checks(logs)
        self.entries["checks.json"] = checking.dump(checks)
        facts = self._facts(logs, told)
        self.notes += self.problems
        steps = [(log.agent, step) for log in logs for step in log.steps]
        before = render.lead(facts, checks, [step for _, step in steps])
        page = render.transcript(render.title_of(facts), steps, before)
        self.entries["transcript.md"] = page.encode("utf-8", "replace")
        facts["notes"] = self.notes
        page = render.readme(facts, checks, self.notes, [*self.entries])
        self.entries["README.md"] = page.encode("utf-8", "replace")
        self.entries[manifests.MANIFEST] = manifests.build(facts, self.entries)
        redaction.search(self.entries)
        shown = exposed(redaction, self.entries if self.episode.ranged else None)
        unseen = weak(redaction, self.episode)
        told_hours = hours_of(step.time for _, step in steps if step.time is not None)
        return Draft(self.entries, checks, facts, self.notes, shown, self.unknown, unseen, told_hours)

    # -- records and steps

    def _logs(self) -> list[Log]:
        before, parts = self.options.include_before, self.episode.parts
        logs: list[Log] = []
        for place, part in enumerate(parts, 1):
            logs.append(read_log(self.bucket, place, part, self.redaction, before=before, tick=self.stage.tick))
            self.entries[logs[-1].name] = _jsonl(logs[-1].values)
        dropped = sum(log.dropped for log in logs)
        if dropped:
            self.notes.append(f"{dropped:,} records over 16 MiB are told by type and id only")
        for log in logs:
            self.unknown.update(log.unknown)
        left_out = self.unknown.total()
        if left_out:
            self.notes.append(f"left out: {fmt.plural(left_out, 'field')} of records that this version does not know")
        return logs

    # -- checks

    def _checks(self, logs: Sequence[Log]) -> list[Check]:
        chosen, text = self.options.checks, self.redaction.text
        root = None if self.code.root is None else text(self.code.root)
        outputs: dict[tuple[str | None, int | None], str | None] = {
            (log.agent, step.number): step.tool.output for log in logs for step in log.steps if step.tool
        }
        if chosen is None:
            chosen = checking.propose(self.code.commands, self.code.root)
            if self.redaction.without_results:
                chosen = [replace(check, line=None) for check in chosen]
        broken = next((problem for problem in self.problems if "does not apply" in problem), None)
        made = [
            replace(
                check,
                number=nth,
                command=text(check.command),
                folder=text(check.folder),
                line=None if check.line is None else text(check.line),
                problem=check.problem or broken,
                signature=self._signature(check, outputs.get((check.agent, check.step)), root),
            )
            for nth, check in enumerate(chosen, 1)
        ]
        main = checking.choose_main(made)
        return [replace(check, main=check is main) for check in made]

    def _signature(self, check: Check, output: str | None, root: str | None) -> Signature | None:
        """The signature of a failure from its redacted output, or what the user gave, with its texts redacted."""
        if output and not self.redaction.without_results and check.rehearsal is None:
            found = signature_of(checking.rooted(output, root))
            if found is not None:
                return found
        given = check.signature if check.step is None or check.rehearsal is not None else None
        if given is None:
            return None
        text = self.redaction.text
        tests = tuple((text(test), text(error)) for test, error in given.tests)
        return replace(given, tests=tests, lines=tuple(map(text, given.lines)))

    # -- the manifest's facts

    def _facts(self, logs: Sequence[Log], told: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
        episode, main, code, redaction = self.episode, logs[0], self.code, self.redaction
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
                "folder": None if facts.cwd is None else checking.rooted(facts.cwd, redaction.text(code.root or "")),
                "branch": facts.branch,
                "steps": sum(len(log.steps) for log in logs),
                "range": [episode.main.steps[0], episode.main.steps[-1]] if episode.ranged else None,
                "records": [
                    {
                        "name": log.name,
                        "agent": log.agent,
                        "records": len(log.values),
                        "steps": len(log.steps),
                        "context": context,
                    }
                    for log, context in zip(logs, told)
                ],
            },
            "repository": code.facts(redaction.text),
            "environment": {
                **redaction.value(code.environment),
                **(
                    {"setup": [redaction.text(command) for command in self.options.setup]} if self.options.setup else {}
                ),
            },
            "redactions": self._redactions(logs),
            "versions": {
                "tracetui": __version__,
                "zlib": zlib.ZLIB_RUNTIME_VERSION,
                "derivation": DERIVATION,
            },
        }

    def _title(self, log: Log) -> str | None:
        title = log.facts.title or self.episode.session.title
        return None if title is None else self.redaction.text(title)

    def _redactions(self, logs: Sequence[Log]) -> dict[str, int]:
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


def _jsonl(values: Iterable[Any]) -> bytes:
    return b"".join(_dumps(value) + b"\n" for value in values)


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # integers over 64 bits
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
