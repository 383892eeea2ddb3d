"""The trail: index, landing and survival, cold and warm, beside ``git log -p -U0`` and ``git blame -w -M -C``.

    python bench/trail.py [REPO] [--commits 10000] [--edits 4000] [--json]
    python bench/trail.py REPO --logs FOLDER

Without REPO a repository is generated in a temporary folder (or in ``--keep FOLDER``), and the edits with it. With REPO
and ``--logs`` (a folder of agent logs) the sessions of these logs are judged in it. Every figure is printed beside one
of Git's taken in the same minute. opentraces is run where it is installed.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tracetui.harness.base import FileEdit
from tracetui.trail.hunks import Edit
from tracetui.trail.judge import Judge
from tracetui.trail.store import Store, find_git

START = 1_600_000_000


def generate(root: Path, commits: int, edits: int, seed: int = 1) -> None:
    """A repository of source-like files with a long history, and edits that part of its commits accepted."""
    rng = random.Random(seed)
    root.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    words = [f"{a}_{b}" for a in ("load", "make", "find", "send", "read", "size", "user", "item") for b in range(250)]

    def line() -> str:
        kind = rng.random()
        if kind < 0.15:
            return rng.choice(("    return None\n", "    }\n", "\n", "    else:\n", "    return result\n"))
        name = rng.choice(words)
        return f"    {name} = {rng.choice(words)}({rng.choice(words)}, {rng.randrange(9999)})\n"

    stream = subprocess.Popen(["git", "-C", str(root), "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert stream.stdin is not None
    files: dict[str, list[str]] = {}
    found: list[tuple[str, str, str, int]] = []
    every = max(1, commits * 2 // max(1, edits))
    names = max(50, commits // 20)
    for number in range(commits):
        now = START + number * 600
        touched: list[str] = []
        for _ in range(rng.randrange(1, 4)):
            name = f"src/part{rng.randrange(names) % 40}/m{rng.randrange(names)}.py"
            text = files.setdefault(name, [line() for _ in range(80)])
            before = "".join(text)
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randrange(9)] = [line() for _ in range(rng.randrange(1, 15))]
            touched.append(name)
            if number % every == 0 and len(found) < edits:
                found.append((name, before, "".join(text), now - 100))
        message = f"commit {number}".encode()
        stream.stdin.write(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % now)
        stream.stdin.write(b"data %d\n%s\n" % (len(message), message))
        for name in dict.fromkeys(touched):
            data = "".join(files[name]).encode()
            stream.stdin.write(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data))
    stream.stdin.close()
    stream.wait()
    subprocess.run(["git", "-C", str(root), "reset", "-q", "--hard"], check=True)
    (root / ".git" / "bench-edits").write_bytes(pickle.dumps(found))


def edits_of(root: Path, logs: str | None) -> list[Edit]:
    """The edits to judge: those that were generated, or those of a folder of logs."""
    if logs is None:
        found = pickle.loads((root / ".git" / "bench-edits").read_bytes())
        return [
            Edit(f"s{n // 20}", None, n, f"c{n}", "Edit", t * 1000, FileEdit(str(root / p), "update", b, a), str(root))
            for n, (p, b, a, t) in enumerate(found)
        ]
    from tracetui.bucket import Bucket
    from tracetui.harness.roots import LogFile, files_of
    from tracetui.trail.facade import Trail

    with tempfile.TemporaryDirectory() as place, Bucket.open(Path(place) / "b", create=True) as bucket:
        bucket.capture([item for item in files_of([Path(logs)]) if isinstance(item, LogFile)])
        with Trail(bucket) as trail:
            return [edit for row in bucket.sessions() for edit in trail.edits(row)]


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds of wall time, seconds of CPU of this process, result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def run(root: Path, logs: str | None, database: Path) -> dict[str, Any]:
    """All figures for one repository."""
    figures: dict[str, Any] = {}
    git = ["git", "-C", str(root)]
    edits = edits_of(root, logs)
    figures["edits"] = len(edits)
    log, _, _ = timed(lambda: subprocess.run([*git, "log", "-p", "-U0"], stdout=subprocess.DEVNULL, check=True))
    figures["git_log_s"] = log
    place = find_git(root)
    assert place is not None
    owner = Judge(Store(*place), database, given=logs is not None)
    wall, cpu, _ = timed(owner.prepare)
    commits = len(owner.index.shas)
    figures |= {"commits": commits, "index_s": wall, "index_cpu_s": cpu, "index_over_git_log": wall / log}
    figures["index_ms_per_commit"] = wall / max(1, commits) * 1000
    figures["database_mb"] = database.stat().st_size / 1e6
    wall, cpu, hunks = timed(lambda: owner.hunks(edits))
    figures |= {"hunks": len(hunks), "hunks_s": wall, "hunks_cpu_s": cpu}
    wall, cpu, states = timed(lambda: owner.states(hunks))
    figures |= {"judge_cold_s": wall, "judge_cold_cpu_s": cpu, "ms_per_hunk": wall / max(1, len(hunks)) * 1000}
    figures["states"] = dict(Counter(state.state for state in states))
    figures["cold_s"] = figures["index_s"] + figures["hunks_s"] + figures["judge_cold_s"]
    wall, cpu, _ = timed(lambda: owner.refresh(hunks, states, owner.at, commits))
    figures |= {"warm_s": wall, "warm_cpu_s": cpu}
    if logs is None:
        path = root / "src" / "one_more.py"
        other = min(state.path for state in states)
        path.write_text("one_more = value(1)\n")
        (root / other).write_text("# one more line\n" + (root / other).read_text())
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "one more"], check=True)
        before = owner.at

        def again() -> Any:
            owner.prepare()
            return owner.refresh(hunks, states, before, commits)

        wall, cpu, _ = timed(again)
        figures |= {"head_plus_one_s": wall, "head_plus_one_cpu_s": cpu}
        subprocess.run([*git, "reset", "-q", "--hard", "HEAD~1"], check=True)
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    names = [state.at_path for state in states if state.at_path][:20]
    wall, _, _ = timed(
        lambda: [
            subprocess.run(
                [*git, "blame", "-w", "-M", "-C", "HEAD", "--", name], stdout=subprocess.DEVNULL, check=False
            )
            for name in dict.fromkeys(names)
        ]
    )
    figures["git_blame_s_per_file"] = wall / max(1, len(set(names)))
    owner.close()
    if shutil.which("opentraces"):
        wall, _, done = timed(
            lambda: subprocess.run(["opentraces", "status"], cwd=root, capture_output=True, check=False)
        )
        figures |= {"opentraces_status_s": wall, "opentraces_rc": done.returncode}
    return figures


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo", nargs="?", type=Path)
    parser.add_argument("--logs", help="a folder of agent logs to judge")
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--edits", type=int, default=4000)
    parser.add_argument("--keep", type=Path, help="generate the repository here, and use it again if it is there")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = args.repo or args.keep or Path(folder) / "repo"
        if args.repo is None and not (root / ".git" / "bench-edits").exists():
            generate(root, args.commits, args.edits)
        figures = run(root.resolve(), args.logs, Path(folder) / "trail.db")
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value:.3f}" if isinstance(value, float) else f"{name:22} {value}")


if __name__ == "__main__":
    main()
