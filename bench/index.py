"""Indexing: cold, early, unchanged, grown; time beside ``orjson.loads`` of every line, sizes beside the logs.

    python bench/index.py [FOLDER] [--megabytes 371] [--runs 3] [--workers 2] [--json]

FOLDER holds logs (JSON Lines); without it a corpus is made in a temporary folder. Memory is the sum over all processes
(proportional set size, Linux). Every figure is printed beside something measured in the same minute.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.corpus import make
from tracetui.bucket import Bucket
from tracetui.harness.roots import LogFile, files_of


def logs_of(folder: Path) -> list[LogFile]:
    """The log files below a folder."""
    return [item for item in files_of([folder]) if isinstance(item, LogFile)]


def parse_all(files: list[LogFile]) -> tuple[float, int]:
    """Seconds that one thread needs to parse every line, and the lines."""
    began = time.perf_counter()
    lines = 0
    for file in files:
        with open(file.path, "rb") as stream:
            for line in stream:
                lines += 1
                with contextlib.suppress(orjson.JSONDecodeError):
                    orjson.loads(line)
    return time.perf_counter() - began, lines


def memory(pid: int) -> int:
    """Bytes of a process and its children, shared pages counted in parts (Linux; else 0)."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += memory(int(child))
    except OSError:
        pass
    return total


class Peak:
    """The most memory while a block ran."""

    def __enter__(self) -> Peak:
        self.value = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            self.value = max(self.value, memory(os.getpid()))

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file())


def timed(what: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def cold(files: list[LogFile], folder: Path, workers: int) -> dict[str, float]:
    """A first index; when the first session could be listed and opened."""
    first = [0.0]
    began = time.perf_counter()
    stop = threading.Event()

    def look() -> None:
        with Bucket.open(folder) as other:
            while not stop.wait(0.01):
                rows = other.sessions(limit=1)
                if rows and rows[0].log is not None and next(iter(other.steps(rows[0].log)), None) is not None:
                    first[0] = time.perf_counter() - began
                    return

    with Bucket.open(folder, create=True) as bucket, Peak() as peak:
        thread = threading.Thread(target=look)
        thread.start()
        began = time.perf_counter()
        report = bucket.capture(files, workers=workers)
        seconds = time.perf_counter() - began
        stop.set()
        thread.join()
    return {
        "seconds": seconds,
        "first": first[0] or seconds,
        "memory": peak.value,
        "records": report.records,
        "sessions": report.sessions,
        "problems": len(report.problems),
    }


def grown(folder: Path, megabytes: float) -> tuple[float, int]:
    """Milliseconds to take in one more line of a session of so many megabytes (median of 9)."""
    logs = folder / "big"
    logs.mkdir()
    make(logs, megabytes, seed=3, sessions=1)
    parts = sorted(logs.rglob("*.jsonl"))
    big = logs / "one.jsonl"
    with big.open("wb") as out:
        name = None
        for part in parts:
            for line in part.read_bytes().splitlines(keepends=True):
                record = orjson.loads(line)
                name = name or record["sessionId"]
                record["sessionId"] = name
                out.write(orjson.dumps(record) + b"\n")
            part.unlink()
    times = []
    with Bucket.open(folder / "grown", create=True) as bucket:
        bucket.capture(logs_of(logs))
        last = orjson.loads(big.read_bytes().splitlines()[-1])
        for nth in range(9):
            last["uuid"] = f"grown-{nth}"
            with big.open("ab") as out:
                out.write(orjson.dumps(last) + b"\n")
            files = logs_of(logs)
            times.append(timed(lambda files=files: bucket.capture(files)) * 1000)
    return statistics.median(times), big.stat().st_size


def many(folder: Path, count: int) -> dict[str, float]:
    """A bucket of so many small sessions: checking that nothing changed, the first screen of the list, totals."""
    line = (
        '{"type":"user","sessionId":"%s","uuid":"u%d","parentUuid":null,"cwd":"/p/%d","version":"2.1","userType":'
        '"external","isSidechain":false,"timestamp":"2026-05-%02dT10:%02d:00.000Z","message":{"role":"user","content":'
        '"prompt number %d"}}\n'
    )
    logs = folder / "many"
    for nth in range(count):
        sub = logs / f"p{nth % 50}"
        sub.mkdir(parents=True, exist_ok=True)
        name = f"{nth:08x}-0000-4000-8000-000000000000"
        (sub / f"{name}.jsonl").write_text(line % (name, nth, nth % 50, 1 + nth % 28, nth % 60, nth))
    out: dict[str, float] = {}
    files = logs_of(logs)
    with Bucket.open(folder / "manies", create=True) as bucket:
        out["cold"] = timed(lambda: bucket.capture(files))
        out["find"] = statistics.median(timed(lambda: logs_of(logs)) for _ in range(5))
        out["check"] = statistics.median(timed(lambda: bucket.check(files)) for _ in range(5))
        out["again"] = statistics.median(timed(lambda: bucket.capture(files)) for _ in range(3))
        out["screen"] = statistics.median(timed(lambda: bucket.sessions(limit=200)) for _ in range(9))
        out["all"] = statistics.median(timed(bucket.sessions) for _ in range(3))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--megabytes", type=float, default=371)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="leave the last bucket here")
    parser.add_argument("--only-cold", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        logs = args.folder
        if logs is None:
            logs = work / "corpus"
            make(logs, args.megabytes)
        files = logs_of(logs)
        size = sum(file.size for file in files)
        out: dict[str, object] = {"files": len(files), "bytes": size}
        ratios, figures = [], []
        for nth in range(args.runs):
            parse, lines = parse_all(files)
            target = work / f"bucket{nth}"
            figure = cold(files, target, args.workers)
            figure["parse"] = parse
            figures.append(figure)
            ratios.append(figure["seconds"] / parse)
            out["lines"] = lines
            out["bucket"] = size_of(target) / size
            if args.keep and nth == args.runs - 1:
                shutil.copytree(target, args.keep)
            shutil.rmtree(target)
        for key in ("parse", "seconds", "first", "memory", "records", "sessions", "problems"):
            out[key] = statistics.median(figure[key] for figure in figures)
        out["ratio"] = statistics.median(ratios)
        if not args.only_cold:
            out["grown_ms"], out["grown_bytes"] = grown(work, 100)
            out["many"] = many(work, 10_000)
    if args.json:
        print(json.dumps(out))
        return
    print(f"{len(files):,} files, {size / 1e6:,.0f} MB, {out['lines']:,} lines")
    print(f"orjson.loads, one thread   {out['parse']:8.2f} s")
    print(f"cold index with copies     {out['seconds']:8.2f} s   {out['ratio']:.2f}x parsing   (reach 3x)")
    print(f"first session openable     {out['first']:8.2f} s   (reach 0.5 s)")
    print(f"memory, all processes      {out['memory'] / 1e6:8.0f} MB  (reach 300 MB)")
    print(f"bucket                     {out['bucket'] * 100:8.1f} %  of the logs (reach 22 %)")
    if not args.only_cold:
        many_of = out["many"]
        assert isinstance(many_of, dict)
        print(f"one more line in {out['grown_bytes'] / 1e6:,.0f} MB    {out['grown_ms']:8.1f} ms  (reach 30 ms)")
        print(f"10,000 files: find         {many_of['find'] * 1000:8.0f} ms")
        print(f"10,000 files: check        {many_of['check'] * 1000:8.0f} ms  (reach 150 ms)")
        print(f"10,000 files: run again    {many_of['again'] * 1000:8.0f} ms")
        print(f"10,000 sessions: a screen  {many_of['screen'] * 1000:8.1f} ms")
        print(f"10,000 sessions: all rows  {many_of['all'] * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
