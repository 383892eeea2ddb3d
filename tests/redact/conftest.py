"""Fixtures for the tests of redaction."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from logs import Log, leaking

from tracetui.__main__ import main
from tracetui.bucket import Bucket
from tracetui.harness.roots import files_of


@dataclass
class Place:
    """A bucket over one leaking session, and what makes it grow."""

    folder: Path
    log: Log
    bucket: Bucket

    def capture(self) -> Any:
        """Index what is new; the session."""
        self.bucket.capture(list(files_of([str(self.log.path.parent)])), workers=0)
        return self.bucket.session(self.log.session)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A captured session."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {"HOME": home, "USER": "qwertz", "TRACETUI_BUCKET": tmp_path / "bucket"}.items():
        monkeypatch.setenv(name, str(value))
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "PI_CODING_AGENT_DIR", "PI_CODING_AGENT_SESSION_DIR", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    path = home / ".claude" / "projects" / "-home-zorblax-limit" / "5f1d2c3b-aaaa-4bbb-8ccc-0123456789ab.jsonl"
    log = leaking(path)
    bucket = Bucket.open(tmp_path / "bucket", create=True)
    held = Place(tmp_path, log, bucket)
    held.capture()
    try:
        yield held
    finally:
        bucket.close()


@dataclass
class Done:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(place: Any, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(*argv: str, stdin: str | None = None) -> Done:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfdbinary.readouterr()
        status = main(list(argv))
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Done(status, out.decode(), err.decode())

    return call
