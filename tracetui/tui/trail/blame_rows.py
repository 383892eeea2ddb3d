"""Rows of commits, lines and the sessions behind them, for the commit and the blame screen. No widgets here."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from textual.strip import Strip

from tracetui.model import from_iso
from tracetui.text import format as fmt
from tracetui.text.safe import one_line
from tracetui.tui.kit.badges import tally
from tracetui.tui.kit.paint import Span, cells, clip, clip_middle, paint
from tracetui.tui.kit.session_labels import harness_sign
from tracetui.tui.kit.styles import Look
from tracetui.tui.trail.blame_code import code_facts, paint_code

__all__ = ["BlameRow", "BlameRows", "commit_rows", "rows_of"]


class BlameRow(NamedTuple):
    """``kind``: ``gap``, ``text``, ``head`` (a heading), ``file``, ``commit`` (recent, to choose from), ``blame`` (a
    commit or lines that were asked about), ``session``, ``none`` (no session is behind it), ``code`` (a line)."""

    kind: str
    text: str = ""
    facts: Mapping[str, Any] | None = None
    style: str = ""

    @property
    def place(self) -> tuple[str, str | None, int] | None:
        """(session, agent, step) where a session row leads to: its first step."""
        if self.kind == "code" and self.facts is not None and self.facts["writer"] is not None:
            writer = self.facts["writer"]
            return str(writer["session"]), writer["agent"], int(writer["step"])
        if self.kind != "session" or self.facts is None:
            return None
        steps = self.facts["steps"]
        if steps:
            return str(self.facts["id"]), None, int(steps[0])
        for agent, own in sorted(self.facts["agents"].items()):
            if own:
                return str(self.facts["id"]), str(agent), int(own[0])
        return str(self.facts["id"]), None, 1


class BlameRows:
    """A `RowSource` over them."""

    uniform = False

    def __init__(self, rows: Sequence[BlameRow]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> Hashable:
        return row

    def height(self, row: int) -> int:
        found = self.rows[row]
        return 2 if found.kind == "session" and found.facts is not None and found.facts.get("prompt") else 1

    def selectable(self, row: int) -> bool:
        return self.rows[row].kind not in ("gap", "head", "none")

    def paint(self, row: int, look: Look, width: int) -> Sequence[Strip]:
        found = self.rows[row]
        muted = look.style("muted")
        facts = found.facts or {}
        if found.kind == "session":
            return self._session(facts, look, width)
        if found.kind == "code":
            return [paint_code(facts, look, width)]
        if found.kind == "blame":
            return [self._blame(facts, look, width)]
        if found.kind == "commit":
            when = fmt.relative(facts.get("time"))
            subject = one_line(str(facts.get("subject") or ""), width)
            spans: list[Span] = [(str(facts["sha"])[:7], look.style("accent")), (f"  {subject}", look.style())]
            author = clip(one_line(str(facts.get("author") or "")), 20)
            end = f"{author}  {when:>8}" if width >= 60 else f"{when:>8}"
            return [paint(spans, width, right=[(end, muted)], mark=look.sign("ellipsis"))]
        if found.kind == "file":
            counts = f"+{facts['added']:,} -{facts['removed']:,}"
            name: str = one_line(found.text)
            if facts.get("source"):
                name = f"{one_line(str(facts['source']))} {'>' if look.ascii else '→'} {name}"
            room = width - cells(counts) - 4
            return [paint([("  " + clip_middle(name, room), look.style())], width, right=[(counts, muted)])]
        if found.kind == "none":
            return [paint([("    " + found.text, muted)], width)]
        role, _, attributes = found.style.partition(":")
        return [paint([(one_line(found.text, width), look.style(role, attributes))], width)]

    @staticmethod
    def _blame(facts: Mapping[str, Any], look: Look, width: int) -> Strip:
        muted = look.style("muted")
        sha = str(facts["commit"] or "")[:7]
        spans: list[Span] = []
        if facts["start"] is not None:
            where = f"{facts['start']}-{facts['end']}" if facts["end"] != facts["start"] else f"{facts['start']}"
            spans.append((f"{where:>9}  ", look.style("", "b")))
        spans.append((sha or "older  ", look.style("accent" if sha else "muted")))
        subject = one_line(str(facts["subject"] or ""), width) or "from before what this clone holds"
        spans.append((f"  {subject}", look.style()))
        when = fmt.relative(from_iso(facts["time"]))
        lines = f"{fmt.count(facts['attributed'])} of {fmt.plural(facts['added'], 'line')}"
        end = f"{lines}  {when:>8}"
        return paint(spans, width, right=[(end, muted)], mark=look.sign("ellipsis"))

    @staticmethod
    def _session(facts: Mapping[str, Any], look: Look, width: int) -> Sequence[Strip]:
        muted = look.style("muted")
        steps = [str(step) for step in facts["steps"]]
        steps += [f"{one_line(str(agent), 8)}:{step}" for agent, own in facts["agents"].items() for step in own]
        shown = ", ".join(steps[:6]) + (f" and {len(steps) - 6} more" if len(steps) > 6 else "")
        title = one_line(str(facts.get("title") or "(no title)"))
        lead: list[Span] = [("    ", muted), (harness_sign(str(facts.get("harness") or "")) + " ", muted)]
        survival = tally(facts["survival"], look)
        right: list[Span] = [(f"{fmt.plural(facts['lines'], 'line')}  ", muted), *survival]
        steps_text = f"  step{'s' if len(steps) != 1 else ''} {shown}"
        lines = [paint([*lead, (title, look.style("", "b")), (steps_text, muted)], width, right=right)]
        if facts.get("prompt"):
            lines.append(
                paint([("       ", muted), (one_line(str(facts["prompt"]), width), look.style("prompt"))], width)
            )
        return lines


def rows_of(answer: Mapping[str, Any]) -> list[BlameRow]:
    """The rows for an answer to ``blame``: of a path its code, of a commit the sessions and its diff, of a range its
    commits with the sessions behind them."""
    code = [
        BlameRow(kind, str(facts.get("text", "")), facts, "muted:b" if kind == "head" else "")
        for kind, facts in code_facts(answer)
    ]
    if code and answer["rows"][0]["path"] is not None:
        return code
    found: list[BlameRow] = []
    for blame in answer["rows"]:
        found.append(BlameRow("blame", facts=blame))
        own = session_rows(blame, answer)
        nobody = "no session is behind it" if blame["added"] else "it only takes lines out; nobody is named for those"
        found += own or [BlameRow("none", nobody)]
    return [*found, BlameRow("gap"), *code] if code else found


def session_rows(blame: Mapping[str, Any], answer: Mapping[str, Any]) -> list[BlameRow]:
    """The sessions of one commit or run of lines."""
    found: list[BlameRow] = []
    for share in blame["sessions"]:
        # A session without a title of its own is called by its prompt; that is said once.
        prompt = None if share["prompt"] == share["title"] else share["prompt"]
        found.append(
            BlameRow("session", facts={**share, "prompt": prompt, "harness": answer["harnesses"].get(share["id"])})
        )
    return found


def commit_rows(commit: Mapping[str, Any], behind: Mapping[str, Any] | None, waiting: str) -> list[BlameRow]:
    """The rows for a commit: message, people and times, files, and the sessions ``behind`` it; ``waiting`` is said
    while these are not known."""
    lines = str(commit["message"]).strip().split("\n")
    found = [BlameRow("text", lines[0] or "(no message)", style=":b")]
    found += [BlameRow("text", line) if line.strip() else BlameRow("gap") for line in lines[1:200]]
    author = one_line(str(commit["author"]), 80)
    found += [BlameRow("gap"), BlameRow("text", f"{author}, {fmt.absolute(commit['authored'])}", style="muted")]
    if abs((commit["time"] or 0) - (commit["authored"] or 0)) > 60_000:
        found.append(BlameRow("text", f"committed {fmt.absolute(commit['time'])}", style="muted"))
    if len(commit["parents"]) > 1:
        found.append(BlameRow("text", f"a merge of {len(commit['parents'])} parents", style="muted"))
    files = commit["files"]
    number = len(files) + commit["more_files"]
    added, removed = sum(file["added"] for file in files), sum(file["removed"] for file in files)
    head = f"{fmt.plural(number, 'file')}, +{added:,} -{removed:,}" if files else "No file changed against its parents"
    found += [BlameRow("gap"), BlameRow("head", head, style="muted:b")]
    found += [BlameRow("file", file["path"], file) for file in files]
    if commit["more_files"]:
        found.append(BlameRow("none", f"and {fmt.plural(commit['more_files'], 'more file')}"))
    found.append(BlameRow("gap"))
    if behind is None or not behind["rows"]:
        return [*found, BlameRow("head", waiting, style="muted:b")]
    blame = behind["rows"][0]
    own = session_rows(blame, behind)
    if not own:
        return [*found, BlameRow("head", "No session is behind it, as far as the bucket knows.", style="muted")]
    share = f"{fmt.count(blame['attributed'])} of {fmt.plural(blame['added'], 'added line')}"
    return [*found, BlameRow("head", f"Sessions behind it: {share}", style="muted:b"), *own]


def home(path: str) -> str:
    """A path for a title."""
    return one_line(fmt.home_path(path, str(Path.home())), 200)
