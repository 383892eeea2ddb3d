"""A session as one page of HTML that a browser shows without the network: for a person to read.

Nothing in it runs and nothing is fetched (a policy in its head says so); steps fold by the browser's own means. All
text of the log is escaped, and what steers a reader's screen or direction of text is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tracetui.capsule.export import Redacted, RedactedLog, register
from tracetui.capsule.render import input_text
from tracetui.harness import HARNESSES
from tracetui.model import Step
from tracetui.text import format as fmt
from tracetui.text.safe import html_safe, one_line
from tracetui.text.titles import plain_title

__all__ = ["page_of"]

_OPEN: Final = 4_000
"""Characters of a result up to which it stands unfolded."""
_STYLE: Final = """
:root { color-scheme: light dark; --back: #fbfaf6; --fore: #23262d; --muted: #5d616b; --line: #d8d6cf;
  --prompt: #755200; --bad: #ad1f1a; --tint: #f2f0e9; --accent: #1d55b3; }
@media (prefers-color-scheme: dark) { :root { --back: #14171c; --fore: #d5d9e0; --muted: #9096a2; --line: #333842;
  --prompt: #e8c26e; --bad: #f2817c; --tint: #1b1f26; --accent: #82aaff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 4rem; background: var(--back); color: var(--fore);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } h2 { font-size: 1rem; margin: 2rem 0 .5rem; color: var(--muted); }
.facts, .step > .head, summary { color: var(--muted); }
nav ol { padding-left: 1.6rem; } nav a { color: var(--accent); text-decoration: none; }
.step { border-top: 1px solid var(--line); padding: .5rem 0; }
.step > .head { font: 12px/1.6 ui-monospace, monospace; }
.step.prompt > pre { color: var(--prompt); font-weight: 600; } .failed { color: var(--bad); }
pre { margin: .3rem 0; padding: .5rem .7rem; background: var(--tint); white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13px/1.45 ui-monospace, monospace; }
.prompt > pre, .message > pre { background: none; padding: 0; font: inherit; }
.thinking { font-style: italic; } a.number { color: inherit; }
@media print { details { display: block; } nav { display: none; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_SHOWN: Final = ("prompt", "message")
"""Kinds whose text stands as prose, unfolded."""


@register("html")
def _html(session: Redacted) -> Iterator[tuple[str, bytes]]:
    """One page, complete in itself."""
    yield f"{session.harness}/{session.id}.html", page_of(session).encode("utf-8", "replace")


def page_of(session: Redacted) -> str:
    """The page of a session that passed the gate, as HTML."""
    title = one_line(plain_title(session.title), 200) if session.title else f"Session {session.id[:8]}"
    main = [log for log in session.logs if log.agent is None]
    agents = [log for log in session.logs if log.agent is not None]
    body = "".join(_log(log, many=len(main) > 1) for log in (*main, *agents))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{html_safe(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<header><h1>{html_safe(title)}</h1>\n{_facts(session, main)}</header>\n{_contents(main)}\n"
        f"<main>{body}</main>\n</body>\n</html>\n"
    )


def _name(log: RedactedLog) -> str:
    """The beginning of the ids of a log's steps."""
    own = "".join(char for char in log.agent or "" if char.isascii() and char.isalnum())[:40]
    return f"s{log.part}-{own + '-' if own else ''}"


def _facts(session: Redacted, main: Iterable[RedactedLog]) -> str:
    steps = [step for log in main for step in log.steps]
    made = HARNESSES.get(session.harness)
    models = dict.fromkeys(step.model for step in steps if step.model)
    times = [step.time for step in steps if step.time is not None]
    facts = [
        made.title if made is not None else session.harness,
        ", ".join(models),
        fmt.absolute(min(times)) if times else "",
        fmt.duration(max(times) - min(times)) if len(times) > 1 else "",
        fmt.plural(sum(step.kind == "prompt" for step in steps), "prompt"),
        fmt.plural(len(steps), "step"),
        f"{failed} failed" if (failed := sum(step.failed for step in steps)) else "",
    ]
    text = " · ".join(one_line(fact, 120) for fact in facts if fact)
    return f'<p class="facts">{html_safe(text)}</p>\n<p class="facts">Redacted with tracetui.</p>'


def _contents(main: Iterable[RedactedLog]) -> str:
    """The prompts, each a way to its place."""
    items = [
        f'<li><a href="#{_name(log)}{step.number}">{html_safe(one_line(step.text or step.summary, 140))}</a></li>'
        for log in main
        for step in log.steps
        if step.kind == "prompt"
    ]
    return f"<nav><h2>Prompts</h2>\n<ol>{''.join(items)}</ol></nav>" if len(items) > 1 else ""


def _log(log: RedactedLog, *, many: bool) -> str:
    head = ""
    if log.agent is not None:
        head = f"<h2>Subagent {html_safe(one_line(log.agent, 60))}</h2>\n"
    elif many:
        head = f"<h2>Part {log.part}</h2>\n"
    return f"<section>{head}{''.join(_step(step, _name(log)) for step in log.steps)}</section>\n"


def _step(step: Step, name: str) -> str:
    tool = step.tool
    facts: list[str] = [step.kind]
    if tool is not None:
        facts.append(tool.name)
    if fmt.took(tool.duration_ms if tool is not None else None):
        facts.append(fmt.took(tool.duration_ms if tool is not None else None))
    if step.time is not None:
        facts.append(fmt.absolute(step.time))
    failed = ""
    if step.failed:
        code = tool.exit_code if tool is not None else None
        failed = f' <span class="failed">{f"exit {code}" if code else "failed"}</span>'
    kind = html_safe(one_line(step.kind, 20))
    head = (
        f'<div class="head"><a class="number" href="#{name}{step.number}">{step.number}</a> '
        f"{html_safe(' · '.join(one_line(fact, 60) for fact in facts))}{failed}</div>"
    )
    parts = [head]
    if step.text:
        parts.append(_text(step.text, step.kind, shown=step.kind in _SHOWN))
    if tool is not None:
        if tool.input not in (None, "", {}):
            parts.append(_text(input_text(tool.input), "input", shown=True))
        if tool.output:
            parts.append(_text(tool.output, "result", shown=len(tool.output) <= _OPEN))
        elif tool.output is None:
            parts.append('<p class="facts">No result in the log.</p>')
    return f'<div class="step {kind}" id="{name}{step.number}">{"".join(parts)}</div>\n'


def _text(text: str, name: str, *, shown: bool) -> str:
    safe = html_safe(text)
    lines = text.count("\n") + 1
    if shown:
        return f"<pre>{safe}</pre>"
    return f"<details><summary>{html_safe(name)}, {fmt.plural(lines, 'line')}</summary><pre>{safe}</pre></details>"
