"""``ctx``: what the model saw when it made a step; and taking it along."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.address import parse_address
from tracetui.commands.common import find_logs, label_of, opened
from tracetui.commands.out import Column, JsonLines, Paper, note
from tracetui.model import LogRow, SessionRow, TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.ctx.context import Context, Segment
    from tracetui.harness.native import Native

EXAMPLES: Final = (
    ("tracetui ctx 019c3f2a:12", "what the model saw when it made step 12"),
    ("tracetui ctx 019c3f2a:last --json", "the same for the last step, for programs"),
    ("tracetui ctx 019c3f2a:12 --export messages -o context.json", "as a request of the Messages API"),
    (
        "tracetui ctx 019c3f2a:12 --export responses -o context.json",
        "as one of OpenAI's Responses API (chat: the older)",
    ),
    ("tracetui ctx 019c3f2a:12 --export native -o copy.jsonl --leave-out 4,9-12", "as a session to go on with"),
)
_FORMATS: Final = ("messages", "responses", "chat", "markdown", "native")
_MOST: Final = 10_000_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument("address", metavar="ID:STEP", help="ID:12, ID:last or ID/AGENT:12")
    parser.add_argument("--json", action="store_true", help="JSON Lines: a summary, then one segment each")
    parser.add_argument(
        "--export", choices=_FORMATS, metavar="FORMAT", help="messages, responses, chat, markdown or native"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write the export")
    parser.add_argument("--leave-out", metavar="N,N-M", help="segments not to export, by their numbers")
    parser.add_argument("--unreviewed", action="store_true", help="export even with possible secrets in it")


def run(args: argparse.Namespace) -> int:
    """Show or export; the exit status."""
    address = parse_address(args.address)
    if not address.single:
        raise TracetuiError(f"{args.address} names no step; an address here is ID:12, ID:last or ID/AGENT:12", status=2)
    if args.output is not None and args.export is None:
        raise TracetuiError("-o needs --export messages, responses, chat, markdown or native", status=2)
    if args.export is not None and not args.output:
        raise TracetuiError("--export needs a file to write: -o FILE", status=2)
    if args.export is not None and args.json:
        raise TracetuiError("--export and --json exclude each other", status=2)
    left = numbers(args.leave_out)
    if left and args.export is None:
        raise TracetuiError("--leave-out needs --export", status=2)
    from tracetui.ctx.context import context_of
    from tracetui.ctx.opening import index_of

    with opened(args) as bucket:
        session, logs = find_logs(bucket, address)
        log = logs[0]
        label = label_of(session, log)
        step, _ = address.span(log.numbers, label)
        context = context_of(index_of(bucket, log), step)
        if args.export is not None:
            return _export(args, bucket, session, log, context, left)
        if args.json:
            out = JsonLines()
            out.write(summary_json(session, log, context))
            for part in context.segments():
                out.write(segment_json(part))
        else:
            _print(session, log, context)
    return 0


def numbers(text: str | None) -> frozenset[int]:
    """The numbers of ``4,9-12``. Raises TracetuiError with status 2 where it is none."""
    found: set[int] = set()
    for part in [] if text is None else text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) > _MOST or int(first) < 1:
            raise TracetuiError(f"--leave-out {one_line(text or '')} is no list of numbers such as 4,9-12", status=2)
        if dash and int(last) < int(first):
            raise TracetuiError(f"--leave-out {part.strip()} ends before it begins", status=2)
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def summary_json(session: SessionRow, log: LogRow, context: Context) -> dict[str, Any]:
    """The first line of ``ctx --json``."""
    return {
        "session": session.id,
        "agent": log.agent,
        "step": context.step,
        "exact": context.exact,
        "reported_tokens": context.reported,
        "estimated_tokens": context.estimated,
        "window": context.window,
        "missing": list(context.missing),
        "missing_tokens": context.missing_tokens,
        "earlier_thinking": {"kept": context.keeps_thinking, "certainty": context.thinking},
        "window_guessed": context.window_guessed,
        "model": context.model,
        "first_step": context.first_step,
        "segments": len(context),
        "part": log.part,
    }


def segment_json(part: Segment) -> dict[str, Any]:
    """A segment as ``ctx --json`` prints it."""
    return {
        "n": part.n,
        "category": part.category,
        "from_step": part.from_step,
        "tokens": part.tokens,
        "bytes": part.bytes,
        "preview": part.preview,
        "name": part.name,
    }


def _print(session: SessionRow, log: LogRow, context: Context) -> None:
    paper = Paper()
    label = label_of(session, log)
    about = "≈ " if not paper.ascii else "~ "
    paper.line(paper.style(one_line(f"What the model saw at step {context.step:,} of {label}", paper.width), "bold"))
    facts = [context.model]
    if context.reported is not None:
        facts.append(f"{context.reported:,} tokens reported")
    facts.append(f"{about}{context.estimated:,} tokens estimated of what is here")
    if context.window:
        guess = " (a guess by the model's name)" if context.window_guessed else ""
        used = context.reported if context.reported is not None else context.estimated
        facts.append(f"{fmt.percent(used, context.window)} of a window of {context.window:,}{guess}")
    paper.line(paper.style(one_line(" · ".join(fact for fact in facts if fact)), "muted"))
    if context.exact:
        paper.line(paper.style("The log holds everything that the model saw.", "muted"))
    elif context.missing:
        size = f" ({about}{context.missing_tokens:,} tokens together)" if context.missing_tokens else ""
        paper.line(paper.style(one_line(f"Not in the log: {', '.join(context.missing)}{size}"), "muted"))
    if context.first_step != context.step:
        paper.line(paper.style(f"Steps of one response share it, from step {context.first_step:,} on.", "muted"))
    paper.line()
    columns = (
        Column("n", ">"), Column("category"), Column("step", ">"), Column("tokens", ">"), Column("bytes", ">"),
        Column("preview", share=1),
    )  # fmt: skip
    rows = (
        (
            f"{part.n:,}",
            part.category,
            "" if part.from_step is None else f"{part.from_step:,}",
            f"{part.tokens:,}",
            f"{part.bytes:,}",
            f"{part.name}: {part.preview}" if part.name and part.category != "tool_call" else part.preview,
        )
        for part in context.segments()
    )
    paper.table(columns, rows, ("muted", "accent", "muted", None, "muted", None))


def _export(
    args: argparse.Namespace,
    bucket: Bucket,
    session: SessionRow,
    log: LogRow,
    context: Context,
    left: frozenset[int],
) -> int:
    """Write the export, and say what it is."""
    from tracetui.ctx.export import export
    from tracetui.redact.gate import excluded_segments, pass_text

    if not args.unreviewed:
        left |= excluded_segments(bucket, session, log, context.segments())
    now = int(time.time() * 1000)
    gate = None if args.unreviewed else lambda text: pass_text(bucket, [session], text)
    done = export(bucket, session, log, context, args.export, Path(args.output), left, now, gate)
    sys.stdout.write(
        one_line(f"{done.path}: {fmt.plural(done.segments, 'segment')}, {fmt.size(done.bytes)}")
        + (f"; {fmt.plural(done.omitted, 'segment')} left out" if done.omitted else "")
        + "\n"
    )
    if done.native is not None:
        for line in _commands(done.native, done.path, log, session):
            sys.stdout.write(line + "\n")
    if args.unreviewed:
        note("this text was not reviewed; it may hold secrets")
    return 0


def _commands(made: Native, path: Path, log: LogRow, session: SessionRow) -> list[str]:
    """The commands that put the session in its place and resume it; quoted for a shell."""
    from tracetui.harness import HARNESSES
    from tracetui.model import LogFacts
    from tracetui.text.safe import is_display_safe

    facts = log.facts
    cwd = facts.cwd or session.cwd
    source = os.path.abspath(path)  # noqa: PTH100
    if not is_display_safe(source) or (cwd is not None and (not is_display_safe(cwd) or cwd.startswith("-"))):
        return ["No commands: a folder's name holds control characters."]
    go = f"cd {shlex.quote(cwd)} && " if cwd else ""
    lines = ["To go on with it:"]
    harness = HARNESSES[log.harness]
    assert harness.native is not None  # it wrote the session
    rules = harness.native()
    if rules.resume is not None:
        return [*lines, f"  {go}{shlex.join(rules.resume(source))}"]
    root = rules.root(os.environ, Path.home())
    target = os.path.join(root, *made.folder)  # noqa: PTH118
    resume = harness.resume(LogFacts(harness=log.harness, session=made.session, cwd=cwd))
    return [
        *lines,
        f"  mkdir -p {shlex.quote(target)}",
        f"  cp {shlex.quote(source)} {shlex.quote(os.path.join(target, made.name))}",  # noqa: PTH118
        f"  {go}{shlex.join(resume)}",
    ]
