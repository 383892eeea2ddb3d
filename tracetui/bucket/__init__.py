"""The private local store: compressed copies of logs, an index over them, and what the user made. See ``Bucket``."""

from __future__ import annotations

from tracetui.bucket.store import Bucket
from tracetui.bucket.terms import Query

__all__ = ["Bucket", "Query"]
