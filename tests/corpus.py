"""Real logs beside the checkout, where there are any: the folder ``../shared/corpus``, or the one that
``TRACETUI_CORPUS`` names. Tests that read them are marked ``corpus``, run after all others, and are
skipped elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

CORPUS = Path(os.environ.get("TRACETUI_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")


def real_logs(*patterns: str) -> list[Path]:
    """The corpus' files that match one of the globs, sorted; none where there is no corpus."""
    return sorted({path for pattern in patterns for path in CORPUS.glob(pattern) if path.is_file()})
