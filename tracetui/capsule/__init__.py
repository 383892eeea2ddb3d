"""The capsule: an episode sealed into one file, verified, opened anywhere, replayed to a verdict.

Parts are imported when first used; ``docs/capsule.md`` describes the format, ``docs/architecture.md`` the parts.
"""
