from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .histories import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Scene]:
    def build(**options: object) -> Scene:
        return Scene(tmp_path, **options)  # type: ignore[arg-type]

    return build
