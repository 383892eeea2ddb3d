"""The error of what a copy lost; by itself, so that lists need not import what reads copies."""

from __future__ import annotations

from tracetui.model import TracetuiError

__all__ = ["DamagedError"]


class DamagedError(TracetuiError):
    """A copy, or the part of it that was asked for, is not as it was written."""
