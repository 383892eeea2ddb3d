"""What every test of the app needs: a still clock, no animations, no child processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tui import fakes
from tracetui.model import TracetuiError
from tracetui.tui.browse import indexing


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock that lists count from stands at `fakes.NOW`, in UTC; nothing blinks or glides."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for delay in ("kit.pane.Rest.SOON", "kit.pane.Rest.LATER", "kit.query_line.QueryLine.DELAY"):
        monkeypatch.setattr(f"tracetui.tui.{delay}", 0.01)
    # The pilot takes the app for idle when it did nothing for this long, several times for each key.
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.01)
    monkeypatch.setattr("tracetui.tui.kit.activity.Activity.QUIET", 0.0)
    monkeypatch.setattr("time.time", lambda: fakes.NOW / 1000)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def no_trails(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process works trails out; the tests of trails turn it on again."""
    monkeypatch.setattr("tracetui.tui.kit.trail_client.TrailService.enabled", False)


@pytest.fixture(autouse=True)
def starts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The runs of the indexer that were asked for; none is started."""
    asked: list[tuple[str, ...]] = []

    def start(self: indexing.Indexer, paths: tuple[str, ...] = ()) -> bool:
        asked.append(tuple(paths))
        return True

    monkeypatch.setattr(indexing.Indexer, "start", start)
    return asked


@pytest.fixture(autouse=True)
def no_review(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket in memory has no place for findings and decisions; the core would make one on disk."""
    from tracetui.tui.redact import editing

    real = editing.open_review

    def open_review(bucket: Any, *rest: Any) -> Any:
        if isinstance(bucket, fakes.FakeBucket):
            raise TracetuiError("This bucket cannot be reviewed.")
        return real(bucket, *rest)

    monkeypatch.setattr(editing, "open_review", open_review)


@pytest.fixture(autouse=True)
def no_open_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it tell which steps hold open findings."""
    from tracetui.tui.redact import findings_tab

    real = findings_tab.open_steps
    monkeypatch.setattr(
        findings_tab,
        "open_steps",
        lambda bucket, *rest: {} if isinstance(bucket, fakes.FakeBucket) else real(bucket, *rest),
    )


@pytest.fixture(autouse=True)
def no_playback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor can its sessions be replayed: there are no records to take edits from."""
    from tracetui.tui.capsule import replay

    real = replay.read_playback

    def read_playback(bucket: Any, *rest: Any) -> Any:
        if isinstance(bucket, fakes.FakeBucket):
            raise TracetuiError("This bucket cannot be replayed.")
        return real(bucket, *rest)

    monkeypatch.setattr(replay, "read_playback", read_playback)
