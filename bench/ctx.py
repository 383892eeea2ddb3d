"""How well the estimate of tokens follows what logs report, and how quickly contexts are there.

python bench/ctx.py FOLDER…            the reach over every log below the folders
python bench/ctx.py --steps 100000     the time to build a long session and to give any step's context

The reach: between consecutive calls of one thread without a compaction, how many have an estimated growth of the
context within 15 % or 200 tokens of the reported growth; beside it that of a fixed 3.3 bytes a token.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tracetui.ctx.build import Builder
from tracetui.ctx.context import context_of
from tracetui.ctx.index import Index
from tracetui.harness import HARNESSES, detect
from tracetui.harness.lines import records_of
from tracetui.model import Record, Source

FLAT = 3.3
"""Bytes a token of the estimate that this is compared with."""


def index_of(path: Path) -> Index | None:
    """The index of one log; None where no harness knows it."""
    with path.open("rb") as stream:
        records = (item for item in records_of(stream) if isinstance(item, Record))
        head = [record for _, record in zip(range(20), records, strict=False)]
        harness = detect([record.value for record in head])
        if harness is None or harness.context is None:
            return None
        builder = Builder(harness.name, path.stem)
        for record in head:
            builder.feed(record)
        for record in records:
            builder.feed(record)
    return builder.finish()


def pairs(index: Index) -> Iterator[tuple[int, int, float, str]]:
    """(reported growth, estimated growth, growth at a flat rate, model) of consecutive calls of one thread."""
    for call in range(len(index.call_node)):
        if index.call_reported[call] <= 0:
            continue
        node = index.call_node[call]
        before = next(
            (
                at
                for at in range(call - 1, -1, -1)
                if index.call_reported[at] > 0 and index.same_thread(index.call_node[at], node)
            ),
            None,
        )
        if before is None or index.chain_cuts(index.call_node[before]) != index.chain_cuts(node):
            continue
        old, new = index.view(before).ids, index.view(call).ids
        estimated = sum(index.tokens[at] for at in new) - sum(index.tokens[at] for at in old)
        flat = (sum(index.size[at] for at in new) - sum(index.size[at] for at in old)) / FLAT
        reported = index.call_reported[call] - index.call_reported[before]
        yield reported, estimated, flat, index.names[index.call_model[call]]


def near(estimated: float, reported: float) -> bool:
    """Whether an estimate counts as right."""
    return abs(estimated - reported) <= max(200.0, 0.15 * abs(reported))


def half_of(path: Path) -> int:
    """The half of a corpus that a file belongs to, by a hash of its name: 0 is tuned on, 1 is reported."""
    return hashlib.sha256(path.name.encode()).digest()[0] & 1


def reach(folders: list[Path], half: int | None) -> None:
    """Print the reach per harness and model."""
    total: Counter[tuple[str, str]] = Counter()
    ours: Counter[tuple[str, str]] = Counter()
    flat: Counter[tuple[str, str]] = Counter()
    for folder in folders:
        for path in sorted(folder.rglob("*.jsonl")):
            if half is not None and half_of(path) != half:
                continue
            index = index_of(path)
            if index is None:
                continue
            for reported, estimated, plain, model in pairs(index):
                for key in ((index.harness, ""), (index.harness, model)):
                    total[key] += 1
                    ours[key] += near(estimated, reported)
                    flat[key] += near(plain, reported)
    print(f"{'harness':<8} {'model':<32} {'pairs':>7} {'reach':>7} {'flat':>7}")
    for key in sorted(total):
        harness, model = key
        share = f"{100 * ours[key] / total[key]:>6.1f}% {100 * flat[key] / total[key]:>6.1f}%"
        print(f"{harness:<8} {ascii(model or 'all')[1:-1]:<32} {total[key]:>7,} {share}")


def long_session(steps: int) -> None:
    """Build a made-up session of so many steps; ask for contexts all over it."""
    builder = Builder("claude", "00000000-0000-4000-8000-000000000001")
    body = "def limit(request):\n    return window.count(request.user) < 100\n" * 8
    common = {"sessionId": "00000000-0000-4000-8000-000000000001", "isSidechain": False, "version": "2.1.100"}
    parent: str | None = None
    line = 0

    def feed(kind: str, message: Mapping[str, object], **more: object) -> None:
        nonlocal parent, line
        line += 1
        own = f"00000000-0000-4000-8000-{line:012d}"
        value = {**common, "type": kind, "uuid": own, "parentUuid": parent, "message": message, **more}
        builder.feed(Record(Source(line, line * 2000, 1999), value))
        parent = own

    began = time.process_time()
    feed("user", {"role": "user", "content": "Go."})
    for nth in range(steps - 1):
        usage = {"input_tokens": 5, "output_tokens": 40, "cache_read_input_tokens": 15_000 + 50 * nth}
        call = {"type": "tool_use", "id": f"t{nth}", "name": "Read", "input": {"file_path": f"/src/{nth}.py"}}
        answer = {"id": f"m{nth}", "model": "claude-opus-4-6", "role": "assistant", "content": [call], "usage": usage}
        feed("assistant", answer, requestId=f"r{nth}")
        result = {"type": "tool_result", "tool_use_id": f"t{nth}", "content": body}
        feed("user", {"role": "user", "content": [result]})
    index = builder.finish()
    built = time.process_time() - began
    times = []
    for nth in range(1, 21):
        step = max(2, steps * nth // 20)
        began = time.process_time()
        context = context_of(index, step)
        context.segment(len(context))
        times.append(time.process_time() - began)
    data = index.dump()
    began = time.perf_counter()
    Index.load(data)
    loaded = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{steps:,} steps: built in {built:.1f} s CPU, peak memory {peak} MB")
    print(f"a step's context: worst {max(times) * 1000:.1f} ms, mean {sum(times) / len(times) * 1000:.1f} ms CPU")
    print(f"cache: {len(data) / 1e6:.1f} MB, loaded in {loaded * 1000:.0f} ms")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Reach of the token estimate; speed of contexts.")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--half", type=int, choices=(0, 1), help="only this half of the files (0: tuned on)")
    args = parser.parse_args()
    assert HARNESSES
    if args.folders:
        reach(args.folders, args.half)
    if args.steps:
        long_session(args.steps)


if __name__ == "__main__":
    main()
