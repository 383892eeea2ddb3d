"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.corpus import CORPUS

# A change must not fail for an example that nobody saw before: everybody tries the same ones each time.
# Nor for a machine that is busy: how long making an example takes is not judged.
# ``scripts/test --hypothesis-profile=search`` looks for new ones.
SLOW = [HealthCheck.too_slow]
settings.register_profile("same", derandomize=True, deadline=None, print_blob=True, suppress_health_check=SLOW)
settings.register_profile("search", deadline=None, max_examples=500, suppress_health_check=SLOW)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reads real logs is skipped where there are none."""
    if not CORPUS.is_dir():
        for item in items:
            if item.get_closest_marker("corpus") is not None:
                item.add_marker(pytest.mark.skip(reason="no corpus here"))
