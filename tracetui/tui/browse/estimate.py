"""How large a bucket of some logs will be, before anything is copied: from their number, their sizes and a sample."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from tracetui.harness.database import ENDINGS
from tracetui.harness.opening import open_log

__all__ = ["SAMPLE", "kept", "share"]

SAMPLE: Final = 192
"""Logs of which pieces are read, of all."""
_PIECE: Final = 64 * 1024
_PIECES: Final = 4
_EMPTY: Final = 253_000
_PER_LOG: Final = 1_900
_PER_PACKED: Final = 1.19
# Fitted (least squares of the relative error) on one half of a corpus of published logs, divided by repository: twelve
# buckets of 15 to 400 beginnings of logs, medians of 5 to 300 kB. Of twelve such buckets of the other half eleven were
# within 10 %, one of 20 logs 17 % too low; its 64 whole logs came out 5 % too low (by a fixed share of 22 % of the
# bytes: 39 %). One piece of each log is not enough: the beginnings of long logs compress worse than the rest.
_USUAL: Final = 0.25
"""What compressing leaves of a log that no sample could be taken of."""
_PACKED: Final = (".zst", ".gz")


def share(logs: Sequence[tuple[str, int]], count: int) -> float:
    """What compressing leaves of these logs, (path, bytes) each: by pieces of ``count`` of them, evenly picked,
    each weighing as much as its log."""
    import zstandard

    compressor = zstandard.ZstdCompressor(level=1)
    step = max(1.0, len(logs) / count)
    whole = packed = 0.0
    for nth in range(min(count, len(logs))):
        path, size = logs[int(nth * step)]
        left = 1.0 if path.endswith(_PACKED) else _left(path, size, compressor.compress)
        whole += size
        packed += size * left
    return packed / whole if whole else _USUAL


def _left(path: str, size: int, compress: Callable[[bytes], bytes]) -> float:
    if path.endswith(ENDINGS) or not os.path.isfile(path):  # noqa: PTH113
        return _USUAL
    try:
        with open_log(path) as stream:
            pieces = [stream.read(_PIECE)]
            for nth in range(1, _PIECES) if size > _PIECE * _PIECES else ():
                stream.seek(size * nth // _PIECES)
                pieces.append(stream.read(_PIECE))
    except (OSError, ValueError):
        return _USUAL
    read = sum(map(len, pieces))
    return sum(len(compress(piece)) for piece in pieces) / read if read else _USUAL


def kept(logs: int, packed: float) -> int:
    """Bytes of a bucket with so many logs, which compressed take ``packed`` bytes: copies, index and all."""
    return round(_EMPTY + _PER_LOG * logs + _PER_PACKED * packed)
