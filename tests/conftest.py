"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.corpus import CORPUS

# A change must not fail for an example that nobody saw before: everybody tries the same ones each time.
# ``scripts/test --hypothesis-profile=search`` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=500)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reads real logs is skipped where there are none."""
    if not CORPUS.is_dir():
        for item in items:
            if item.get_closest_marker("corpus") is not None:
                item.add_marker(pytest.mark.skip(reason="no corpus here"))
