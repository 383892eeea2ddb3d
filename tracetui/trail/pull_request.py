"""The text for a pull request: intent, changes, sessions, what survives, which tests ran. Deterministic; everything
that comes from logs and commits is cut to one line and escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tracetui.text.format import plural
from tracetui.text.safe import markdown_safe, one_line
from tracetui.trail.blame import Blame, Share, ordered
from tracetui.trail.prompts import Prompt, intent_of, is_title, said_in
from tracetui.trail.states import HunkState

__all__ = ["RangeChange", "SessionFacts", "SuiteRun", "text"]

_PROMPTS = 5
_COMMITS = 12
_GROUPS = 12
_TESTS = 6
_FEW = 3
"""Words up to which a prompt names nothing."""
_AFTER = 3_600_000
"""Milliseconds after the last commit in which a test run still speaks for it."""
_SMALL = 0.02
"""Share of the lines below which a session is one of the others."""
_MINOR = 0.05
"""Share of what the prompts led to below which a prompt is not the intent."""


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """A command that ran tests in a session, as it ended the last time."""

    command: str
    time: int
    passed: bool


@dataclass(slots=True)
class SessionFacts:
    """What is told of a session: ``title``, ``harness``, its prompts and the tests that it ran."""

    title: str | None = None
    harness: str = ""
    prompts: list[Prompt] = field(default_factory=list)
    tests: list[SuiteRun] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RangeChange:
    """Lines that a range added to a file and took away."""

    path: str
    added: int
    removed: int


def text(
    rows: Sequence[Blame],
    changes: Sequence[RangeChange],
    facts: Mapping[str, SessionFacts],
    states: Mapping[str, HunkState],
    subjects: Mapping[str, str],
) -> str:
    """The text for these rows of a blame. ``changes``: what they change all in all, per file; ``states``: of the hunks
    that they name, at the end of the range or later; ``subjects``: of the commits that undid some of them."""
    shares = whole(rows)
    out = [
        "## Intent", "", *_intent(shares, facts, states), "",
        "## Commits", "", *_commits(rows), "",
        "## What changed", "", *_changed(rows, changes), "",
        "## Sessions", "", *_sessions(shares, facts, states), "",
        "## What survives", "", *_survives(shares, states, subjects),
    ]  # fmt: skip
    tests = _tests(rows, shares, facts)
    if tests:
        out += ["", "## Tests", "", *tests]
    return "\n".join(out) + "\n"


def whole(rows: Iterable[Blame]) -> list[Share]:
    """The shares of all rows, a session once, most lines first."""
    found: dict[str, Share] = {}
    for row in rows:
        for share in row.shares:
            own = found.setdefault(share.session, Share(share.session))
            own.lines += share.lines
            own.removed += share.removed
            own.steps |= share.steps
            own.keys |= share.keys
            own.paths.update(share.paths)
            for agent, steps in share.agents.items():
                own.agents.setdefault(agent, set()).update(steps)
    return ordered(found)


def _plain(words: str | None, width: int = 160) -> str:
    return markdown_safe(one_line(words or "", width))


def _standing(state: HunkState) -> float:
    """Lines of a hunk that still stand, or are still gone."""
    return max(1, state.added + state.removed) * (state.retention or 0.0)


def _intent(shares: Iterable[Share], facts: Mapping[str, SessionFacts], states: Mapping[str, HunkState]) -> list[str]:
    """The prompts that led to what landed, those of which most stands first."""
    weights: Counter[str] = Counter()
    for share in shares:
        weights.update(_wanted(share, facts.get(share.session), states))
    least = _MINOR * sum(weights.values())
    found: list[str] = []
    starts: set[str] = set()
    for said, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0])):
        start = said.casefold()[:48]
        if start not in starts and weight >= least:
            starts.add(start)
            found.append(f"- {_plain(said)}")
    return found[:_PROMPTS] or ["Not stated in words that say it."]


def _wanted(share: Share, facts: SessionFacts | None, states: Mapping[str, HunkState]) -> Counter[str]:
    """What a session was asked for, each by how much of what it led to here stands."""
    found: Counter[str] = Counter()
    for key in share.keys if facts is not None else ():
        state = states.get(key)
        said = intent_of(facts.prompts, state.time) if facts is not None and state is not None else None
        if said is not None and state is not None:
            found[said] += 1 + round(100 * _standing(state))
    return found


def _commits(rows: Sequence[Blame]) -> list[str]:
    subjects = list(dict.fromkeys(_plain(row.subject) for row in rows if row.subject and row.commit))
    subjects = [subject for subject in subjects if not subject.startswith("Merge ")] or subjects
    found = [f"- {subject}" for subject in subjects[:_COMMITS]]
    if len(subjects) > _COMMITS:
        found.append(f"- and {len(subjects) - _COMMITS:,} more")
    return found or ["None."]


def _changed(rows: Sequence[Blame], changes: Sequence[RangeChange]) -> list[str]:
    written, lines = sum(row.attributed for row in rows), sum(row.added for row in rows)
    share = f"Sessions wrote {written:,} of the {lines:,} lines that the commits brought." if lines else ""
    added, removed = sum(change.added for change in changes), sum(change.removed for change in changes)
    found = [f"{plural(len(changes), 'file')}, {_counts(added, removed)}. {share}".strip(), ""]
    groups: dict[str, list[RangeChange]] = {}
    for change in changes:
        groups.setdefault(_folder(change.path, changes), []).append(change)
    listed = sorted(groups.items(), key=lambda item: (-sum(c.added + c.removed for c in item[1]), item[0]))
    for folder, own in listed[:_GROUPS]:
        counts = _counts(sum(c.added for c in own), sum(c.removed for c in own))
        if len(own) == 1:
            found.append(f"- {_plain(own[0].path)} {counts}")
        else:
            found.append(f"- {_plain(folder)}/ {counts} in {plural(len(own), 'file')}")
    rest = [change for _, own in listed[_GROUPS:] for change in own]
    if rest:
        counts = _counts(sum(c.added for c in rest), sum(c.removed for c in rest))
        found.append(f"- {counts} in {plural(len(rest), 'other file')}")
    return found


def _folder(path: str, changes: Sequence[RangeChange]) -> str:
    """The folder that a file is listed under: as deep as keeps the list short."""
    parts = path.split("/")[:-1]
    for depth in (4, 3, 2):
        if len({"/".join(change.path.split("/")[:-1][:depth]) for change in changes}) <= _GROUPS:
            return "/".join(parts[:depth]) or "."
    return "/".join(parts[:1]) or "."


def _sessions(shares: Sequence[Share], facts: Mapping[str, SessionFacts], states: Mapping[str, HunkState]) -> list[str]:
    total = sum(share.lines + share.removed for share in shares)
    if not total:
        return ["No session is behind these lines, as far as the bucket knows."]
    large = [share for share in shares if share.lines + share.removed >= _SMALL * total]
    small = [share for share in shares if share.lines + share.removed < _SMALL * total]
    found = []
    for share in large:
        own = facts.get(share.session, SessionFacts())
        who = f"{_plain(own.harness)} {_plain(share.session)[:8]}".strip()
        found.append(
            f"- {_name(own, _wanted(share, own, states))} ({who}): {_counts(share.lines, share.removed)} lines"
        )
    if small:
        lines = _counts(sum(share.lines for share in small), sum(share.removed for share in small))
        found.append(f"- {plural(len(small), 'other')}: {lines} lines")
    return found


def _name(facts: SessionFacts, wanted: Counter[str]) -> str:
    """What a session was about: what most of its lines here were asked for by, its title, another prompt, or at least
    the command that it began with."""
    said = [text for text, _ in wanted.most_common(1)]
    if is_title(facts.title):
        said.append(said_in(facts.title or "", 0).text)
    for sort in (lambda p: p.tells, lambda p: p.text.startswith("/"), lambda p: len(p.text.split()) > _FEW):
        said += [prompt.text for prompt in facts.prompts if sort(prompt)]
    name = next(iter(said), "")
    return _plain(name[:1].upper() + name[1:], 100) or "Untitled"


def _counts(added: int, removed: int) -> str:
    told = [f"+{added:,}"] if added or not removed else []
    return " ".join([*told, f"−{removed:,}"] if removed else told)


def _survives(shares: Iterable[Share], states: Mapping[str, HunkState], subjects: Mapping[str, str]) -> list[str]:
    """What is left of what landed; states of hunks that did not land say nothing of a range."""
    own = [states[key] for share in shares for key in sorted(share.keys) if key in states]
    own = [state for state in own if state.counted and state.state in ("alive", "transformed", "reverted", "lost")]
    if not own:
        return ["Nothing to tell."]
    size = sum(max(1, state.added + state.removed) for state in own)
    left = sum(_standing(state) for state in own)
    counts: Counter[str] = Counter(state.state for state in own)
    words = {"alive": "unchanged", "transformed": "edited since", "reverted": "reverted", "lost": "replaced or removed"}
    told = ", ".join(f"{counts[name]:,} {word}" for name, word in words.items() if counts[name])
    found = [f"{100 * left / size:.0f} % of the lines still stand; of {plural(len(own), 'edit')} {told}."]
    undone = dict.fromkeys(state.killer for state in own if state.state == "reverted" and state.killer)
    named = [sha for sha in undone if sha][:_COMMITS]
    return found + [f"- undone by {sha[:9]} {_plain(subjects.get(sha), 100)}".rstrip() for sha in named]


def _tests(rows: Sequence[Blame], shares: Iterable[Share], facts: Mapping[str, SessionFacts]) -> list[str]:
    """The tests that these sessions ran until the last commit, each by its last run; whole suites first."""
    until = max((row.time for row in rows if row.time is not None), default=0) + _AFTER
    last: dict[str, SuiteRun] = {}
    for share in shares:
        for run in facts.get(share.session, SessionFacts()).tests:
            if run.time <= until and (run.command not in last or last[run.command].time < run.time):
                last[run.command] = run
    runs = sorted(last.values(), key=lambda run: (len(run.command.split()), -run.time, run.command))
    found = [f"- {_plain(run.command, 100)}: {'passed' if run.passed else 'failed'}" for run in runs[:_TESTS]]
    if len(runs) > _TESTS:
        failed = sum(not run.passed for run in runs[_TESTS:])
        found.append(f"- {plural(len(runs) - _TESTS, 'narrower run')}, {failed:,} of them failed at last")
    return found
