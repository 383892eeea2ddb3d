"""How fast texts are scanned, and how many findings real logs give.

    python bench/redact.py [FOLDER_OF_LOGS] [--megabytes N] [--deep] [--show N]
    python bench/redact.py --kinds [NAME…]

Reads JSON Lines logs (default: made by bench/corpus.py in a temporary folder), takes every distinct decoded string and
scans all of them on one core, with views, without and with detect-secrets. Prints MB/s by CPU time and findings/MB.
With ``--kinds``: MB/s of each kind of text of ``kinds.py``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson

from tracetui.redact.scanner import scan_many


def strings(folder: Path, limit: int) -> list[str]:
    """Distinct strings of the logs below a folder, at most ``limit`` characters."""
    seen: dict[str, None] = {}
    total = 0
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            try:
                stack: list[Any] = [orjson.loads(line)]
            except ValueError:
                continue
            while stack:
                item = stack.pop()
                if isinstance(item, dict):
                    stack += item.values()
                elif isinstance(item, list):
                    stack += item
                elif isinstance(item, str) and item not in seen:
                    seen[item] = None
                    total += len(item)
            if total > limit:
                return list(seen)
    return list(seen)


def by_kind(names: list[str]) -> None:
    """Print the speed of every kind of text."""
    from kinds import kinds

    scan_many(["warm up"])
    for name, texts in kinds().items():
        if names and name not in names:
            continue
        began = time.process_time()
        found = scan_many(texts)
        spent = time.process_time() - began
        tiers = sorted(Counter(f.tier for items in found for f in items).items())
        print(f"{name:22} {sum(map(len, texts)) / 1e6 / spent:6.2f} MB/s  {dict(tiers)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--kinds", nargs="*", metavar="NAME")
    args = parser.parse_args()
    if args.kinds is not None:
        by_kind(args.kinds)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(args.folder or made)
        if not args.folder:
            subprocess.run([sys.executable, str(Path(__file__).with_name("corpus.py")), made, "12"], check=True)
        texts = strings(folder, int(args.megabytes * 1e6))
    size = sum(map(len, texts))
    scan_many(["warm up"])
    began = time.process_time()
    found = scan_many(texts)
    spent = time.process_time() - began
    counts = Counter((f.tier, f.rule) for items in found for f in items)
    print(f"{size / 1e6:.1f} MB in {len(texts):,} strings: {size / 1e6 / spent:.2f} MB/s")
    tiers = Counter(tier for (tier, _), n in counts.items() for _ in range(n))
    print({tier: f"{n / size * 1e6:.1f}/MB" for tier, n in sorted(tiers.items())}, counts.most_common(40))
    if args.deep:
        from tracetui.redact.outside import Outside

        began = sum(os.times()[:4])
        with Outside() as outside:
            more = outside.scan(texts)
        spent += sum(os.times()[:4]) - began
        print(f"with detect-secrets: {size / 1e6 / spent:.2f} MB/s, {sum(map(len, more)):,} findings of its own")
    if args.show:
        import random

        rng = random.Random(1)
        hits = [
            (t, f)
            for t, items in zip(texts, found)
            for f in items
            if f.tier < 3 and f.rule not in {"email", "home-path"}
        ]
        rng.shuffle(hits)
        for text, f in hits[: args.show]:
            print(
                f.tier,
                f.rule,
                f.view,
                "|",
                repr(text[max(0, f.start - 50) : f.start]),
                ">>>",
                repr(text[f.start : f.end][:90]),
            )


if __name__ == "__main__":
    main()
