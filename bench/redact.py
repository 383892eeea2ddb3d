"""How fast texts are scanned, and how many findings real logs give.

    python bench/redact.py [FOLDER_OF_LOGS] [--megabytes N] [--deep] [--show N]
    python bench/redact.py --kinds [NAME…]
    python bench/redact.py --planted tune|held [--show 1]

Reads JSON Lines logs (default: made by bench/corpus.py in a temporary folder), takes every distinct decoded string and
scans all of them on one core, with views, without and with detect-secrets. Prints MB/s by CPU time and findings/MB.
With ``--kinds``: MB/s of each kind of text of ``kinds.py``. With ``--planted``: how many of the secrets and facts of
``planted.py`` are proposed, what is left in a session's bytes once tiers 1 and 2 are accepted, and how many of the
facts the second reading shows.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
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


def _covers(shown: list[str], value: str) -> bool:
    """Whether a reader of a list would notice a value: it stands there, or each word of it does."""
    low = [text.casefold() for text in shown]
    words = [word for word in re.split(r"[\s@/]+", value.casefold()) if len(word) > 2]
    return any(value.casefold() in text for text in low) or (
        bool(words)
        and all(
            any(word in text or (len(text) >= 4 and text in word and 2 * len(text) >= len(word)) for text in low)
            for word in words
        )
    )


def planted(held: bool, show: bool) -> None:
    """Print what becomes of planted secrets and facts."""
    import planted as material

    from tracetui.bucket import Bucket
    from tracetui.harness.roots import files_of
    from tracetui.redact.lookup import noticed
    from tracetui.redact.review import Review

    def reviewed(items: list[Any], folder: Path, look: Callable[[Review], None]) -> None:
        path = folder / "logs" / "-home-dev-src-project" / "7b0c3f6e-1111-4222-8333-444455556666.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(material.session(items))
        with Bucket.open(folder / "bucket", create=True) as bucket:
            bucket.capture(list(files_of([str(path.parent)])), workers=0)
            (session,) = bucket.sessions()
            with Review(bucket, session) as review:
                review.scan()
                look(review)

    def secrets(review: Review) -> None:
        items = material.secrets(held)
        found = [(group.tier, group.text) for group in review.groups()]
        review.accept_tier(2)
        left = b"".join(orjson.dumps(value) for _, _, values in review.redacted() for value in values).decode()
        total = proposed = weak = 0
        lost = []
        for item in items:
            for value in item.values:
                total += 1
                forms = (value, base64.b64encode(value.encode()).decode())
                tiers = [
                    tier
                    for tier, text in found
                    if any(f in text or (text in f and 2 * len(text) >= len(f)) for f in forms)
                ]
                proposed += any(tier <= 2 for tier in tiers)
                weak += not any(tier <= 2 for tier in tiers) and bool(tiers)
                lines = [line for form in forms for line in form.split("\n")]
                if any(orjson.dumps(line).decode()[1:-1] in left for line in lines):
                    lost.append((item.place, value[:40], item.text[:110], "weak" if tiers else "unseen"))
        unseen = sum(one[-1] == "unseen" for one in lost)
        print(
            f"secrets: {total} planted, {proposed} proposed, {weak} weak; "
            f"left in the result: {len(lost)}, {unseen} of them unseen"
        )
        other = [
            text
            for tier, text in found
            if tier <= 2
            and not any(
                text in form or v in text
                for i in items
                for v in i.values
                for form in (v, base64.b64encode(v.encode()).decode())
            )
        ]
        print(f"proposed beside them: {len(other)}")
        if show:
            print(*lost, sep="\n")
            print(other)

    def facts(review: Review) -> None:
        items = material.facts(held)
        found = [group.text for group in review.groups() if group.tier <= 2]
        entries = noticed(review, lambda: False)
        shown = [one.text for one in entries]
        values = [(item, value) for item in items for value in item.values]
        lost = [(item.place, value, item.text) for item, value in values if not _covers(found + shown, value)]
        print(
            f"facts: {len(values)} planted, {len(values) - len(lost)} proposed or shown; {len(entries)} entries shown"
        )
        if show:
            print(*lost, sep="\n")
            print([tuple(one) for one in entries])

    for items, look in ((material.secrets(held), secrets), (material.facts(held), facts)):
        with tempfile.TemporaryDirectory() as folder:
            reviewed(items, Path(folder), look)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--kinds", nargs="*", metavar="NAME")
    parser.add_argument("--planted", choices=("tune", "held"))
    args = parser.parse_args()
    if args.planted:
        planted(args.planted == "held", bool(args.show))
        return
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
