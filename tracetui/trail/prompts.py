"""Prompts that say what somebody wants, among commands, confirmations and boilerplate; and commands that run tests."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Prompt", "intent_of", "is_title", "said_in", "suite_in"]

_LEAST: Final = 4
"""Words that a prompt must have to say what somebody wants."""
_LONGEST: Final = 4000
_BOILERPLATE: Final = re.compile(
    r"\A\s*(?:/|<|\[Request interrupted|\[Image|Caveat:|Base directory for this skill|"
    r"This session is being continued|Stop hook feedback|# AGENTS\.md|Your task is to create a detailed summary)"
)
_PLAN: Final = re.compile(r"\A\s*(?:please )?implement (?:the following|this) plan:?\s*", re.IGNORECASE)
_HEADING: Final = re.compile(r"^#{1,4}\s*(?:plan:?\s*)?(.{4,160})$", re.IGNORECASE | re.MULTILINE)
_CONFIRMS: Final = re.compile(
    r"\A(?:ok(?:ay)?|yes|yep|no|go|do|continue|proceed|commit|push|thanks?|hi|hello|sure|great|good|next|run|try again|"
    r"fix (?:it|that|this|them|all|those|these|both|everything)|please (?:continue|proceed|commit|push))\b",
    re.IGNORECASE,
)
_COMMAND: Final = re.compile(r"<command-name>\s*(/[\w:.-]+).*?(?:<command-args>([^<]{0,80})|\Z)", re.DOTALL)
_FILLER: Final = re.compile(
    r"\A(?:(?:ok(?:ay)?|so|also|now|then|well|great|good|hi|hey|hello|please|alright|perfect|thanks)\b[,.!:]?\s+)+",
    re.IGNORECASE,
)
_POLITE: Final = re.compile(
    r"\A(?:(?:can|could|would|will) (?:you|we)|let'?s|i(?:'d| would) like (?:you )?to|"
    r"(?:i|we) (?:want|need)(?: you)? to)\s+(?:(?:please|also|just|now|maybe)\s+)*",
    re.IGNORECASE,
)
_FOLLOWS: Final = re.compile(
    r"\A(?:and|but|or|it|its|it's|that|that's|this|those|these|they|there|there's|some|should|no+|nope|i think|i mean|"
    r"what about|why|how come|still|same|actually|instead|forgot|resume)\b",
    re.IGNORECASE,
)
"""How a prompt begins that speaks of the one before it, unless it is long."""
_INQUIRES: Final = re.compile(
    r"\A(?:link|show|tell|explain|open|send|check|look|see|read|list|describe|remind|let me know|take a look|"
    r"have a look|get back|commit|push|merge|(?:resolve|fix) (?:the )?(?:merge )?conflicts?|wait|stop|"
    r"(?:get|open|create|make|raise|put up|draft) (?:me )?(?:a |the )?(?:pr|pull request))\b",
    re.IGNORECASE,
)
"""How a prompt begins that wants to know or to see something, or is about Git alone."""
_REACTS: Final = re.compile(r"\A(?:but|no+|nope|hm+)\b", re.IGNORECASE)
"""How a prompt begins that only answers."""
_POINTS: Final = re.compile(r"\A(?:[\w'-]+\s+){1,3}(?:that|this|it|those|these|them)\b", re.IGNORECASE)
"""A short prompt that names what it is about by a pronoun."""
_ASKS: Final = re.compile(
    r"\A(?:(?:what|which|why|whose)\b|"
    r"(?:who|when|where|how|is|are|do|does|did|was|were|has|have|any)\b(?=.*\?))",
    re.IGNORECASE,
)
_HOUSEKEEPING: Final = frozenset(
    "clear compact config context cost exit help init login logout mcp model quit resume status usage".split()
)
_END: Final = re.compile(r"(?<=[a-z0-9)\]'\"])[.!?](?=\s+[A-Z\"'(]|\Z)")
_SHORT: Final = 30
"""Characters before which no sentence ends."""
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_TESTS: Final = re.compile(
    r"(?:^|[;&|]\s*|\s)((?:(?:npx|pnpm|yarn|bun|uv run|poetry run|python3? -m)\s+(?:exec\s+|run\s+|-r\s+|dlx\s+)?)?"
    r"(?:pytest|vitest|jest|mocha|tox|nox|playwright test|rspec|phpunit|go test|cargo (?:test|nextest run)|"
    r"dotnet test|mvn test|gradle test|\./gradlew test|make (?:test|check)|ctest|deno test|node --test|"
    r"(?:npm|pnpm|yarn|bun)(?: --filter [\w@/.-]+)?(?: run)? test(?::[\w:-]+)?)\b[^;&|<>\n]*)"
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt, cut to what it asks for. ``tells``: it says what somebody wants, and is no command or confirmation."""

    time: int
    text: str
    tells: bool


def said_in(text: str, time: int) -> Prompt:
    """A prompt as a line: of a plan its title, else the first sentence or line that says something."""
    text = text[:_LONGEST]
    if _BOILERPLATE.match(text):
        command = _COMMAND.search(text)
        said = f"{command[1]} {command[2] or ''}" if command else text[:80] if text.startswith("/") else ""
        said = "" if said[1:].partition(" ")[0] in _HOUSEKEEPING else said
        return Prompt(time, " ".join(said.split()), False)
    plan = _PLAN.match(text)
    if plan is not None:
        heading = _HEADING.search(text, plan.end())
        return Prompt(time, heading[1].strip() if heading else "", heading is not None)
    for line in text.splitlines():
        line = _bare(line.strip().lstrip("#>*- ").strip())
        for said in _sentences(line):
            if _tells(said):
                return Prompt(time, _capital(said), True)
    return Prompt(time, " ".join(text.split()), False)


def _sentences(line: str) -> Iterator[str]:
    """The first sentence of a line, and what follows it."""
    end = _END.search(line, _SHORT)
    yield (line[: end.end()] if end is not None else line).rstrip(" .")
    if end is not None and (rest := _bare(line[end.end() :].strip())):
        yield from _sentences(rest)


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:].rstrip(" ?")


def _bare(line: str) -> str:
    """A line without what is said for politeness before what is wanted."""
    return _POLITE.sub("", _FILLER.sub("", line))


def _tells(line: str) -> bool:
    words = _WORD.findall(line)
    if _REACTS.match(line):
        return False
    if len(words) <= 5 * _LEAST and (_FOLLOWS.match(line) or _INQUIRES.match(line)):
        return False
    if _ASKS.match(line) or (len(words) <= 3 * _LEAST and _POINTS.match(line)):
        return False
    if len(words) < _LEAST or line.startswith(("```", "http", "at ", "Error", "Traceback", "$ ")):
        return False
    return len(words) > 2 * _LEAST or _CONFIRMS.match(line) is None


def intent_of(prompts: Sequence[Prompt], time: int) -> str | None:
    """What was wanted when something was done: the last prompt before it that says so."""
    before = [prompt for prompt in prompts if prompt.tells and prompt.time <= time]
    return before[-1].text if before else next((prompt.text for prompt in prompts if prompt.tells), None)


def is_title(title: str | None) -> bool:
    """Whether a title says what a session was about."""
    return bool(title) and said_in(title or "", 0).tells


def suite_in(command: str) -> str | None:
    """The part of a shell command that runs tests, None when none does."""
    found = _TESTS.search(command[:_LONGEST])
    if found is None:
        return None
    words = found[1].split()
    kept = list(itertools.takewhile(lambda word: not word.startswith("-") or word in ("-m", "--filter"), words))
    return " ".join(word for word in kept if word != "2")[:100]
