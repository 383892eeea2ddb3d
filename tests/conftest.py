"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# A change must not fail for an example that nobody saw before: CI tries the same ones each time, people new ones.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("people", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "people")
