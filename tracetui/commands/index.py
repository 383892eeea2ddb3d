"""``index``: capture new and changed sessions.

``--progress`` is for the app, which runs this command as a child: JSON Lines on standard output, each with ``event``:
``progress`` (``phase``, ``done`` of ``total`` bytes, ``files_done, files, sessions, records``) about ten times a
second, ``done`` after each run (the keys of ``index --json``), ``error`` (``message``) before a failure's exit. Such a
child runs at low priority, never gives the first consent, and ends when its parent does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracetui.commands.common import opened
from tracetui.commands.out import JsonLines, Paper, note
from tracetui.harness.side import side_titles
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import one_line

if TYPE_CHECKING:
    import argparse

    from tracetui.bucket import Bucket
    from tracetui.bucket.capture import RunProgress, RunReport
    from tracetui.bucket.consent import Consent
    from tracetui.config import Config
    from tracetui.harness.roots import LogFile, PathProblem

EXAMPLES: Final = (
    ("tracetui index", "capture everything your agents logged"),
    ("tracetui index --agree opencode", "copy the logs of a harness that came after you agreed to others"),
    ("tracetui index --watch", "and follow running sessions until ctrl-c"),
    ("tracetui index ~/old-laptop/.codex --keep", "capture a folder, now and whenever indexing later"),
    ("tracetui index flaky.capsule.zip", "put a capsule into the bucket, marked as foreign"),
    ("tracetui index --foreign ~/Downloads/session.jsonl", "somebody else's log, never mixed with your own"),
    ("tracetui index --from-repo ~/src/limit", "sessions that Entire keeps in a repository, whoever pushed them"),
    ("tracetui index --json", "one object that says what was done"),
)
_SHOWN: Final = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="logs, folders or capsules, instead of all agents' own"
    )
    parser.add_argument("--keep", action="store_true", help="capture the named paths whenever indexing later, too")
    parser.add_argument("--foreign", action="store_true", help="the named logs are somebody else's: keep them apart")
    parser.add_argument(
        "--agree", action="append", default=[], metavar="HARNESS", help="copy this harness's logs too, from now on"
    )
    parser.add_argument(
        "--from-repo", metavar="DIR", help="the sessions on the branch entire/checkpoints/v1 of this repository"
    )
    parser.add_argument("--scan", action="store_true", help="then look for secrets in what is new, at low priority")
    parser.add_argument("--watch", action="store_true", help="follow running sessions until interrupted")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes that read logs (2)")
    parser.add_argument("--json", action="store_true", help="one JSON object for each run")
    parser.add_argument("--progress", action="store_true", help="JSON Lines about the progress, for the app")


def run(args: argparse.Namespace) -> int:
    """Capture; the exit status."""
    if args.keep and not args.paths:
        raise TracetuiError("--keep needs a PATH to keep", status=2)
    _check_agreed(args)
    if args.foreign and (args.keep or not args.paths):
        raise TracetuiError("--foreign needs a PATH, and goes without --keep", status=2)
    if args.from_repo and (args.paths or args.keep or args.watch or args.agree):
        raise TracetuiError("--from-repo goes without a PATH, --keep, --watch and --agree", status=2)
    if not 0 <= args.workers <= 64:
        raise TracetuiError(f"--workers {args.workers} is not between 0 and 64", status=2)
    if not args.progress:
        return _run(args, None)
    if hasattr(os, "nice"):
        os.nice(10)
    out = JsonLines()
    try:
        return _run(args, out)
    except TracetuiError as error:
        out.write({"event": "error", "message": str(error)})
        out.flush()
        raise


def _check_agreed(args: argparse.Namespace) -> None:
    from tracetui.harness import HARNESSES

    if args.agree and (args.paths or args.progress):
        raise TracetuiError("--agree goes without a PATH and without --progress", status=2)
    unheard = next((name for name in args.agree if name not in HARNESSES), None)
    if unheard is not None:
        raise TracetuiError(f"There is no harness {unheard!a}; there are {', '.join(HARNESSES)}", status=2)


def _run(args: argparse.Namespace, progress: JsonLines | None) -> int:
    from tracetui import config
    from tracetui.bucket.consent import agree, read_consent, write_consent
    from tracetui.commands.gather import keep_paths

    settings = config.load()
    for problem in settings.problems:
        note(problem)
    with opened(args, create=True, rebuild=False) as bucket:
        consent = read_consent(bucket)
        if args.from_repo:
            from tracetui.commands.from_repo import capture_branch

            return capture_branch(IndexJob(args, bucket, settings, consent, progress), args.from_repo)
        if consent is None and not args.paths:
            if progress is not None:
                raise TracetuiError("Nothing was copied: nobody agreed to it yet; open the app or run: tracetui index")
            consent = write_consent(bucket, args.agree or None)
        elif args.agree:
            consent = agree(bucket, args.agree)
        if args.keep:
            keep_paths(bucket, args.paths)
        job = IndexJob(args, bucket, settings, consent, progress)
        if args.watch:
            return job.watch()
        files = job.look()
        refused = job.capture(files)
        if args.scan:
            job.scan()
        if settings.disk_budget_gb is not None and progress is None:
            _keep_budget(bucket, round(settings.disk_budget_gb * 1e9))
    # A path that the user named and that is not there is work that could not be done.
    return 1 if refused or (args.paths and job.problems and not files) else 0


def _keep_budget(bucket: Bucket, limit: int) -> None:
    """Where the bucket is larger than the user wants, say what would have to go, and ask where there is a terminal."""
    from tracetui.bucket.budget import copy_bytes, surplus
    from tracetui.commands.forget import ask_to_forget

    over, rows = surplus(bucket, limit)
    if not over:
        return
    named = fmt.plural(len(rows), "session")
    note(
        f"the bucket is {fmt.size(over)} over its budget (disk_budget_gb); without the {named} that ended first it fits"
    )
    if not rows or not (sys.stdin is not None and sys.stdin.isatty()):
        return
    try:
        ask_to_forget(rows, copy_bytes(bucket))
    except TracetuiError as error:
        note(str(error))
        return
    bucket.forget(rows)
    note(f"{named} forgotten")


class IndexJob:
    """One ``index``: what to look at, and where to tell about it."""

    def __init__(
        self,
        args: argparse.Namespace,
        bucket: Bucket,
        settings: Config,
        consent: Consent | None,
        progress: JsonLines | None,
    ) -> None:
        self.args = args
        self.bucket = bucket
        self.settings = settings
        self.consent = consent
        self.progress = progress
        self.json = JsonLines() if args.json and progress is None else None
        self.bar = _Bar() if progress is None and not args.json else None
        self.problems: list[PathProblem] = []
        self.offered: dict[str, int] = {}
        # What was forgotten comes back only when its own file is named.
        self.again = bool(args.paths) and progress is None and all(Path(path).is_file() for path in args.paths)
        self.paths, self.capsules = _sorted(args.paths)

    def look(self) -> list[LogFile]:
        """All files that may be captured; what could not be looked at stands in ``problems``."""
        from tracetui.commands.gather import gather, kept_paths, leave_out, rooted

        if self.capsules and not self.paths:
            return []
        kept = () if self.args.paths else kept_paths(self.bucket)
        found = gather(self.paths, config=self.settings, consent=self.consent, kept=kept)
        self.problems, self.offered = found.problems, found.offered
        consent = None if self.args.paths else self.consent
        files = leave_out(self.bucket, found.files, config=self.settings, consent=consent)
        return files if self.args.foreign or not self.args.paths else rooted(files, os.environ, Path.home())

    def _wanted(self, folder: str | None) -> bool:
        """Whether a session that worked in this folder may be captured, where it stands among others in a database."""
        if self.settings.excludes(folder):
            return False
        return bool(self.args.paths) or self.consent is None or self.consent.project(folder)

    def capture(self, files: list[LogFile], *, quiet: bool = False, contents: dict[str, str] | None = None) -> int:
        """Capture these files and tell what was done; with ``quiet`` only if something was. How many capsules were
        refused. ``contents``: where the bytes of somebody else's logs stand that are no files here."""
        if not self.args.paths and contents is None:
            for harness, titles in side_titles(os.environ, Path.home()).items():
                self.bucket.put_titles(titles, harness)
        tell = self._progressed if self.progress is not None else self.bar.show if self.bar is not None else None
        report = self.bucket.capture(
            files,
            progress=tell,
            workers=self.args.workers,
            again=self.again,
            foreign=self.args.foreign or contents is not None,
            wanted=self._wanted,
            contents=contents,
        )
        refused = sum(not _take_in(self.bucket, path, report) for path in self.capsules)
        if self.bar is not None:
            self.bar.clear()
        if quiet and not (report.new or report.updated or report.problems):
            return refused
        told = _report_json(report, self.problems) | {"offered": self.offered}
        if self.progress is not None:
            self.progress.write({"event": "done", **told})
            self.progress.flush()
        elif self.json is not None:
            self.json.write(told)
            self.json.flush()
        else:
            _tell(report, told["problems"])
            self._offer()
        return refused

    def _offer(self) -> None:
        """Say which harnesses have logs that nobody agreed to have copied."""
        from tracetui.harness import HARNESSES

        for name, count in self.offered.items():
            logs = fmt.plural(count, "log")
            note(f"{HARNESSES[name].title}: {logs} not copied; agree with: tracetui index --agree {name}")

    def scan(self) -> None:
        """Look for secrets in every session that has something new."""
        from tracetui.redact.sweep import sweep

        def told(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress.write({"event": "progress", "phase": "scan", "done": done, "total": total})
                self.progress.flush()
            elif self.bar is not None:
                self.bar.say(f"scanning · {fmt.count(done)} of {fmt.plural(total, 'session')}")

        scanned = sweep(self.bucket, progress=told)
        if self.bar is not None:
            self.bar.clear()
            still = sum(1 for row in self.bucket.sessions() if row.findings and row.findings.get("open"))
            Paper().line(f"{fmt.plural(scanned, 'session')} scanned; {fmt.plural(still, 'session')} with open findings")

    def _progressed(self, state: RunProgress) -> None:
        assert self.progress is not None
        self.progress.write(
            {
                "event": "progress",
                "phase": state.phase,
                "done": state.bytes_done,
                "total": state.bytes,
                "files_done": state.files_done,
                "files": state.files,
                "sessions": state.sessions,
                "records": state.records,
            }
        )
        self.progress.flush()

    def watch(self) -> int:
        """Capture, then follow until interrupted, or until the app that asked for it is gone."""
        from tracetui.commands.watch import Watcher

        parent = os.getppid()

        def orphaned() -> bool:
            return self.progress is not None and os.getppid() != parent

        watcher = Watcher(self.look, self._roots())
        self.capture(watcher.all())
        if self.bar is not None:
            note("following running sessions; end with ctrl-c")
        while (files := watcher.wait(orphaned)) is not None:
            self.capture(files, quiet=True)
        return 0

    def _roots(self) -> list[str]:
        from tracetui.commands.gather import kept_paths
        from tracetui.harness import HARNESSES

        if self.args.paths:
            return [os.path.abspath(path) for path in self.args.paths]  # noqa: PTH100
        roots = [str(root.path) for item in HARNESSES.values() for root in item.roots(os.environ, Path.home())]
        return [*roots, *kept_paths(self.bucket)]


def _sorted(paths: list[str]) -> tuple[list[str], list[Path]]:
    """The named paths that are logs or folders of them, and those that are capsules."""
    if not paths:
        return [], []
    from tracetui.capsule.foreign import is_capsule

    capsules = [path for path in paths if is_capsule(Path(path))]
    return [path for path in paths if path not in capsules], [Path(path) for path in capsules]


def _take_in(bucket: Bucket, path: Path, into: RunReport) -> bool:
    """Check a capsule and put it into the bucket, marked as foreign; whether it was taken. ``into`` is told."""
    from tracetui.capsule.foreign import take_in
    from tracetui.capsule.signing import allowed_signers
    from tracetui.capsule.verify import Capsule, report_of

    try:
        with Capsule(path) as capsule, bucket.temporary() as folder:
            wrong = report_of(capsule, allowed_signers()).problems
            if wrong:
                raise TracetuiError("; ".join(wrong))
            _, done = take_in(bucket, capsule, folder)
    except TracetuiError as error:
        into.problems.append((str(path), 0, f"the capsule is not taken in: {error}"))
        return False
    for name in ("sessions", "new", "updated", "unchanged", "records", "bad_records", "bytes", "seconds"):
        setattr(into, name, getattr(into, name) + getattr(done, name))
    into.problems += done.problems
    return True


def _report_json(report: RunReport, problems: list[PathProblem]) -> dict[str, Any]:
    """A run as ``index --json`` prints it."""
    return {
        "sessions": report.sessions,
        "new": report.new,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "records": report.records,
        "bad_records": report.bad_records,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "problems": [
            *({"path": path, "line": None, "reason": reason} for path, reason in problems),
            *({"path": path, "line": line or None, "reason": reason} for path, line, reason in report.problems),
        ],
    }


def _tell(report: RunReport, problems: list[dict[str, Any]]) -> None:
    paper = Paper()
    read = f"{fmt.size(report.bytes)} read in {fmt.duration(report.seconds * 1000)}"
    paper.line(
        f"{fmt.plural(report.sessions, 'session')}: {fmt.count(report.new)} new, {fmt.count(report.updated)} updated, "
        f"{fmt.count(report.unchanged)} unchanged · {fmt.plural(report.records, 'record')}, {read}"
    )
    if not report.sessions and not problems:
        paper.line("No logs were found. Where they are looked for: tracetui doctor")
    for problem in problems[:_SHOWN]:
        at = f":{problem['line']}" if problem["line"] else ""
        paper.line(paper.style(one_line(f"{problem['path']}{at}: {problem['reason']}", paper.width), "warn"))
    if len(problems) > _SHOWN:
        paper.line(f"… and {fmt.plural(len(problems) - _SHOWN, 'more problem')}. Details: tracetui doctor")


class _Bar:
    """A line of progress on standard error, where that is a terminal."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = False
        self._began = time.monotonic()

    def show(self, state: RunProgress) -> None:
        """Draw the state, once the run has taken a noticeable time."""
        if not self._on or time.monotonic() - self._began < 0.3:
            return
        done = fmt.percent(state.bytes_done, state.bytes)
        words = {
            "upgrade": "writing copies anew",
            "recover": "reading copies",
            "capture": "indexing",
            "pack": "packing",
        }.get(state.phase, state.phase)
        sys.stderr.write(
            f"\r\x1b[K{words} {done} · {fmt.count(state.files_done)} of {fmt.plural(state.files, 'file')} · "
            f"{fmt.size(state.bytes_done)}"
        )
        sys.stderr.flush()
        self._shown = True

    def say(self, text: str) -> None:
        """Draw a line of one's own."""
        if self._on and time.monotonic() - self._began >= 0.3:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
        self._began = time.monotonic()
