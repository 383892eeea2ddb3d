"""The machine of the capsule tests, with its session decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capsule.conftest import Cli, cli, there
from tests.capsule.story import SESSION, Machine

__all__ = ["Cli", "cli", "decided", "there"]


@pytest.fixture
def decided(cli: Cli, there: Machine) -> Machine:
    """The session is indexed, and everything proposed is accepted."""
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    return there


@pytest.fixture
def schemas() -> Path:
    return Path(__file__).with_name("schemas")
