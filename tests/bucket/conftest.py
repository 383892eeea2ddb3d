from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tracetui.bucket import Bucket


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    with Bucket.open(tmp_path / "bucket", create=True) as opened:
        yield opened


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder
