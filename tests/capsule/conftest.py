"""A machine with a session, the command line in process, and a sealed capsule."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.story import SESSION, Machine, machine
from tracetui.cli import run


@dataclass
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Done]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """The command line, in a home of its own; ``home`` and ``bucket`` move it to another machine. ``--agree ours`` is
    agreement to what the same command would run, as ``--dry-run`` prints it."""

    def call(*words: object, home: Path | None = None) -> Done:
        place = home or tmp_path / "nobody"
        place.mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv("HOME", str(place))
        monkeypatch.setenv("TRACETUI_BUCKET", str(place / "bucket"))
        monkeypatch.chdir(place)
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "TRACETUI_CONFIG"):
            monkeypatch.delenv(name, raising=False)
        if "ours" in words:
            at = words.index("ours")
            rest = [word for word in (*words[: at - 1], *words[at + 1 :]) if word not in ("--json", "--comment")]
            dry = call(*rest, "--dry-run", "--json", home=home)
            agree = dry.lines[0].get("agree") if dry.status == 0 and dry.lines else None
            words = (*words[:at], agree or "0" * 64, *words[at + 1 :])
        capfd.readouterr()
        status = run([str(word) for word in words])
        got = capfd.readouterr()
        return Done(status, got.out, got.err)

    return call


@pytest.fixture
def there(tmp_path: Path) -> Machine:
    return machine(tmp_path / "there")


@pytest.fixture
def sealed(cli: Cli, there: Machine, tmp_path: Path) -> Path:
    """The whole session, decided and sealed."""
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    target = tmp_path / "chop.capsule.zip"
    done = cli("seal", SESSION, "-o", target, home=there.home)
    assert done.status == 0, done.err
    return target
