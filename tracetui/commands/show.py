"""``show``: the steps of a session, streamed from its copy."""

from __future__ import annotations

import datetime as _dt
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.address import parse_address
from tracetui.commands.common import find_logs, label_of, opened
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.harness import spell
from tracetui.model import LogRow, SessionRow, Step
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe, one_line
from tracetui.text.width import cell_len, cut, pad, wrap

if TYPE_CHECKING:
    import argparse

EXAMPLES: Final = (
    ("tracetui show 019c3f2a", "a whole session; the start of its id is enough"),
    ("tracetui show 019c3f2a:12-40 --full", "steps 12 to 40, nothing cut"),
    ("tracetui show 019c3f2a:last --json", "the last step, for programs"),
    ("tracetui show 5bd0c1de/a2898e3:1", "the first step of a subagent"),
    ("tracetui show 5bd0c1de~2:last", "the last step of the second of its logs"),
)
_LINES: Final = {"prompt": 12, "message": 12, "thinking": 4, "compaction": 4, "plan": 8}
_PROSE: Final = frozenset({"prompt", "message", "thinking", "compaction"})
_OUTPUT_LINES: Final = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("address", metavar="ID[:STEP]", help="ID, ID:12, ID:12-40, ID:last or ID/AGENT:12")
    parser.add_argument("--full", action="store_true", help="all of every step, inputs and outputs too")
    parser.add_argument("--json", action="store_true", help="JSON Lines, one step each")


def run(args: argparse.Namespace) -> int:
    """Show; the exit status."""
    address = parse_address(args.address)
    with opened(args) as bucket:
        session, logs = find_logs(bucket, address)
        for nth, log in enumerate(logs):
            label = label_of(session, log)
            first, last = address.span(log.numbers, label)
            if address.last is not None and address.last > last:
                note(f"{label} ends with step {last:,}")
            lost: list[int] = []
            steps: Iterator[Step] = iter(())
            if last >= first:
                steps = bucket.steps(log, first, last, lambda number, _, lost=lost: lost.append(number))  # type: ignore[misc]
            if address.first is None and log.doubles:
                steps = (step for step in steps if step.number not in log.doubles)
            if args.json:
                out = JsonLines()
                for step in steps:
                    out.write(step_json(session, log, step))
            else:
                if nth:
                    Paper().line()
                _print(session, log, steps, last, full=args.full or address.single, whole=address.first is None)
            if lost:
                numbers = ", ".join(map(str, lost[:8])) + (" …" if len(lost) > 8 else "")
                note(
                    f"{label}: the bucket's copy lost {fmt.plural(len(lost), 'step')} ({numbers}); see: tracetui doctor"
                )
    return 0


def step_json(session: SessionRow, log: LogRow, step: Step) -> dict[str, Any]:
    """A step as ``show --json`` prints it."""
    return spell.step_json(session.id, log.agent, log.file, step, log.part)


def _print(session: SessionRow, log: LogRow, steps: Iterator[Step], last: int, *, full: bool, whole: bool) -> None:
    paper = Paper()
    if whole:
        _header(paper, session, log)
    width = len(str(last))
    for nth, step in enumerate(steps):
        if full and (nth or whole):
            paper.line()
        paper.line(_head(paper, step, width))
        (_all_of if full else _some_of)(paper, step, " " * (width + 1))


def _header(paper: Paper, session: SessionRow, log: LogRow) -> None:
    home = os.path.expanduser("~")  # noqa: PTH111 - never raises
    paper.line(paper.style(one_line(session.title or "(no title)", paper.width), "bold"))
    facts = [
        session.harness,
        label_of(session, log),
        log.facts.model or session.model,
        fmt.home_path(session.cwd, home) if session.cwd else None,
        session.branch,
        fmt.absolute(log.facts.started or session.started),
        fmt.plural(log.steps - len(log.doubles), "step"),
    ]
    paper.line(paper.style(one_line(" · ".join(fact for fact in facts if fact), paper.width), "muted"))
    paper.line()


def _clock(ms: int | None) -> str:
    if ms is None:
        return " " * 8
    try:
        return f"{_dt.datetime.fromtimestamp(ms / 1000, _dt.UTC).astimezone():%H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return " " * 8


def _head(paper: Paper, step: Step, width: int) -> str:
    """One line: number, time, kind, the most telling words, and on the right how it went."""
    facts: list[tuple[str, str | None]] = []
    tool = step.tool
    if tool is not None and step.failed:
        sign = "x" if paper.ascii else "✘"
        facts.append((f"{sign} exit {tool.exit_code}" if tool.exit_code else f"{sign} failed", "bad"))
    if tool is not None and tool.duration_ms is not None:
        facts.append((fmt.duration(tool.duration_ms), "muted"))
    if step.tokens is not None:
        facts.append((f"{fmt.tokens(step.tokens.prompt)}+{fmt.tokens(step.tokens.output)} tokens", "muted"))
    right = "  ".join(text for text, _ in facts)
    left = f"{step.number:>{width}} {_clock(step.time)} "
    room = max(10, paper.width - len(left) - 11 - len(right) - 2)
    summary = _summary(step, room, paper)
    line = paper.style(left, "muted") + paper.style(
        f"{step.kind:<10} ", "prompt" if step.kind == "prompt" else "accent"
    )
    if not facts:
        return (line + summary).rstrip()
    return line + pad(summary, room) + "  " + "  ".join(paper.style(text, role) for text, role in facts)


def _summary(step: Step, room: int, paper: Paper) -> str:
    """The most telling words; nothing for prose that stands below the line anyway."""
    if step.kind in _PROSE and step.text and not _fits(step.text, paper):
        return ""
    return one_line(step.summary or step.text or (step.tool.name if step.tool else ""), room)


def _fits(text: str, paper: Paper) -> bool:
    """Whether prose is short enough to stand in any head line."""
    room = max(10, paper.width // 3 - 8)
    return len(text) <= room and "\n" not in text.strip() and cell_len(one_line(text)) <= room


def _some_of(paper: Paper, step: Step, indent: str) -> None:
    """The first lines of what is not in the head line yet."""
    tool = step.tool
    if tool is not None:
        _output(paper, indent, tool.output or "", _OUTPUT_LINES)
        return
    if step.kind not in _PROSE or not step.text or _fits(step.text, paper):
        return
    role = "prompt" if step.kind == "prompt" else "muted" if step.kind == "thinking" else None
    limit = _LINES[step.kind]
    lines = step.text.strip("\r\n").split("\n", limit)
    shown = 0
    for line in lines[:limit]:
        for piece in wrap(_shown(line), paper.width - len(indent)) if line.strip() else ("",):
            if shown == limit:
                break
            paper.line(paper.style(indent + piece, role))
            shown += 1
    if len(lines) > limit or shown == limit:
        rest = step.text.strip("\r\n").count("\n") + 1 - limit
        if rest > 0 or len(step.text) > limit * paper.width:
            paper.line(
                paper.style(f"{indent}… {fmt.plural(len(step.text), 'character')} in all; --full shows them", "muted")
            )


def _output(paper: Paper, indent: str, text: str, limit: int) -> None:
    """The first lines of an output, each cut to the width."""
    text = text.strip("\r\n")
    if not text:
        return
    lines = text.split("\n", limit)
    for line in lines[:limit]:
        paper.line(paper.style(cut(indent + _bar(paper) + _shown(line[: 8 * paper.width]), paper.width), "muted"))
    if len(lines) > limit:
        more = text.count("\n") + 1 - limit
        paper.line(paper.style(f"{indent}{_bar(paper)}… {fmt.plural(more, 'more line')}", "muted"))


def _all_of(paper: Paper, step: Step, indent: str) -> None:
    tool = step.tool
    if step.text:
        for line in step.text.strip("\r\n").split("\n"):
            paper.line(indent + _shown(line))
    if tool is None:
        return
    for line in _input_lines(tool.input):
        paper.line(indent + _shown(line))
    if tool.output is None:
        paper.line(paper.style(f"{indent}(no result in the log)", "muted"))
        return
    for line in tool.output.strip("\r\n").split("\n"):
        paper.line(paper.style(indent + _bar(paper) + _shown(line), "muted"))


def _input_lines(value: Any) -> Iterator[str]:
    """A call's input: name and value a line, texts of several lines below their name."""
    if value is None:
        return
    if not isinstance(value, dict):
        value = {"input": value}
    for name, item in value.items():
        if isinstance(item, str) and "\n" in item:
            yield f"{name}:"
            for line in item.rstrip("\n").split("\n"):
                yield f"    {line}"
        elif isinstance(item, str):
            yield f"{name}: {item}"
        else:
            from tracetui.commands.out import dumps

            yield f"{name}: {dumps(item).decode()}"


def _bar(paper: Paper) -> str:
    return "| " if paper.ascii else "│ "


def _shown(line: str) -> str:
    """A line of log text for the terminal: tabs become blanks, a carriage return at its end is none of our business."""
    return display_safe(line.removesuffix("\r").expandtabs(4))
