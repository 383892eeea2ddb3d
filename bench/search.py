"""Search in one process: p95 over many queries, beside ``rg`` over the raw logs and ``python -c pass``.

    python bench/search.py [FOLDER | --bucket DIR] [--megabytes 371] [--queries 60] [--json]

Words are drawn from the corpus itself, common and rare alike. ``first`` is the time to the first hit, ``page`` to 50.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.corpus import make
from bench.index import logs_of
from tracetui.bucket import Bucket, Query
from tracetui.model import Hit


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def measure(make_hits: Callable[[], Iterator[Hit]], limit: int = 50) -> tuple[float, float, int]:
    """Milliseconds to the first hit (or to the end without one) and to a page, and the hits."""
    began = time.perf_counter()
    first = 0.0
    count = 0
    for _ in make_hits():
        if not count:
            first = time.perf_counter() - began
        count += 1
        if count >= limit:
            break
    page = time.perf_counter() - began
    return (first or page) * 1000, page * 1000, count


def words_in(bucket: Bucket, rng: random.Random, count: int) -> list[str]:
    """Words of steps chosen by chance, as people would look for them."""
    rows = bucket.sessions()
    out: list[str] = []
    while len(out) < count:
        row = rng.choice(rows)
        if row.log is None or not row.steps:
            continue
        step = bucket.step(row.log, rng.randrange(1, row.steps // 2 + 2))
        text = step.text or (step.tool.output if step.tool else "") or ""
        found = [word for word in text.split() if word.isascii() and word.isalnum() and len(word) >= 4]
        if found:
            out.append(rng.choice(found))
    return out


def rg(pattern: str, folder: Path) -> float:
    """Milliseconds that ripgrep (or grep) needs to count the lines with a pattern."""
    program = shutil.which("rg")
    command = [program, "-c", pattern, str(folder)] if program else ["grep", "-rcE", pattern, str(folder)]
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--bucket", type=Path)
    parser.add_argument("--megabytes", type=float, default=371)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rng = random.Random(5)
    out: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        logs = args.folder
        if logs is None:
            logs = Path(name) / "corpus"
            make(logs, args.megabytes)
        with Bucket.open(args.bucket or Path(name) / "bucket", create=True) as bucket:
            if not bucket.sessions(limit=1):
                bucket.capture(logs_of(logs))
            words = words_in(bucket, rng, args.queries)
            groups: dict[str, list[Callable[[], Iterator[Hit]]]] = {
                "word": [lambda w=w: bucket.search(Query(words=(w,))) for w in words],
                "two words": [
                    lambda a=a, b=b: bucket.search(Query(words=(a, b))) for a, b in zip(words, reversed(words))
                ],
                "prefix of 2": [lambda w=w: bucket.search(Query(words=(w[:2].lower(),))) for w in words],
                "identifier": [lambda w=w: bucket.search(Query(words=(f"self.{w}",))) for w in words[:20]],
                "no such word": [lambda w=w: bucket.search(Query(words=(w + "qzx",))) for w in words[:20]],
            }
            for label, queries in groups.items():
                firsts, pages = [], []
                for query in queries:
                    first, page, _ = measure(query)
                    firsts.append(first)
                    pages.append(page)
                out[f"{label}: first, median"] = statistics.median(firsts)
                out[f"{label}: first, p95"] = p95(firsts)
                out[f"{label}: page, p95"] = p95(pages)
            for pattern in ("Attribut[a-z]+Xy", r"def _\w+_qz\(", r"[0-9]{3}-[0-9]{4}-x", r"raise ValueError\(.*depth"):
                _, page, _ = measure(lambda p=pattern: bucket.search(p, regex=True, limit=None), 10**9)
                beside = rg(pattern, logs)
                out[f"regex {pattern}"] = page
                out[f"regex {pattern}: rg"] = beside
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    out["python -c pass"] = (time.perf_counter() - began) * 1000
    if args.json:
        print(json.dumps(out))
        return
    for label, value in out.items():
        print(f"{label:44} {value:9.1f} ms")


if __name__ == "__main__":
    main()
