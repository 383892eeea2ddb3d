"""Sealing: the same bytes wherever and whenever, progress that is told, and an end when it is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.capsule.conftest import Cli
from tests.capsule.story import SESSION, Machine
from tracetui.bucket import Bucket
from tracetui.capsule.episode import choose
from tracetui.capsule.seal import STAGES, Cancelled, Draft, Refused, draft


def elsewhere(home: Path, commands: list[list[str]], **environ: str) -> None:
    """Run commands in a process of its own, with a home and a bucket of its own."""
    home.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[2]
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "TRACETUI_BUCKET": str(home / "bucket"),
        "PYTHONPATH": str(root), **environ,
    }  # fmt: skip
    script = (
        "import json, os, sys; os.umask(int(sys.argv[1], 8)); from tracetui.cli import run; "
        "sys.exit(any([run(words) for words in json.loads(sys.argv[2])]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, environ.get("UMASK", "022"), json.dumps(commands)],
        env=env, cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_same_bytes_wherever_and_whenever(there: Machine, tmp_path: Path) -> None:
    """Other buckets, homes, zones, locales, umasks and hash seeds, another order of decisions, other seals before; the
    log touched meanwhile."""
    log, accept = str(there.log), ["redact", SESSION, "--accept-tier"]

    def seals(nth: int, spans: list[str]) -> list[list[str]]:
        return [["seal", SESSION + span, "-o", str(tmp_path / f"{nth}{span}.zip")] for span in spans]

    first = [["index", log], [*accept, "2"], *seals(1, ["", ":3-8"])]
    second = [["index", log], [*accept, "1"], *seals(0, [":9"]), [*accept, "2"], *seals(2, [":3-8", ""])]
    elsewhere(tmp_path / "a", first, TZ="Asia/Kathmandu", PYTHONHASHSEED="1", LC_ALL="C.UTF-8")
    os.utime(there.log, (time.time() - 1000, time.time() - 1000))
    elsewhere(tmp_path / "b", second, TZ="America/St_Johns", PYTHONHASHSEED="77", LC_ALL="C", UMASK="077")
    for span in ("", ":3-8"):
        one, two = ((tmp_path / f"{nth}{span}.zip").read_bytes() for nth in (1, 2))
        assert one == two
        assert len(one) > 1000


def drafted(there: Machine, cli: Cli, span: str = "") -> Bucket:
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    return Bucket.open(there.home / "bucket")


def test_it_tells_how_far_it_is(there: Machine, cli: Cli) -> None:
    told: list[tuple[str, int, int]] = []
    with drafted(there, cli) as bucket:
        made = draft(bucket, choose(bucket, bucket.session(SESSION)), progress=lambda *news: told.append(news))
        assert isinstance(made, Draft)
        plain = draft(bucket, choose(bucket, bucket.session(SESSION)))
    assert made.entries == plain.entries
    assert list(dict.fromkeys(what for what, _, _ in told)) == list(STAGES)
    assert all(0 <= done <= max(total, 0) for _, done, total in told)


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5, 6, 8])
def test_it_ends_when_it_is_asked_to(there: Machine, cli: Cli, after: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with drafted(there, cli) as bucket:
        with pytest.raises(Cancelled):
            draft(bucket, choose(bucket, bucket.session(SESSION)), cancelled=cancelled)
        assert asked == after + 1
        assert draft(bucket, choose(bucket, bucket.session(SESSION))).entries


def test_an_open_finding_refuses_before_anything_is_made(there: Machine, cli: Cli) -> None:
    assert cli("index", there.log, home=there.home).status == 0
    told: list[str] = []
    with Bucket.open(there.home / "bucket") as bucket, pytest.raises(Refused) as caught:
        draft(bucket, choose(bucket, bucket.session(SESSION)), progress=lambda what, done, total: told.append(what))
    assert caught.value.gate.open
    assert set(told) == {"findings"}


@pytest.mark.parametrize("user", ["node", "said", "files", "capsule"])
def test_a_user_who_is_called_like_a_word_of_ours(cli: Cli, tmp_path: Path, user: str) -> None:
    """The name is taken out of what the log says; our own words stay, and are no reason to refuse."""
    import zipfile

    from tests.capsule.story import machine

    there = machine(tmp_path / "there", user)
    assert cli("index", there.log, home=there.home).status == 0
    assert cli("redact", SESSION, "--accept-tier", "2", home=there.home).status == 0
    done = cli("seal", f"{SESSION}:2-8", "-o", tmp_path / "x.zip", "--author", f"{user} of here", home=there.home)
    assert done.status == 0, done.err
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(found["manifest.json"])["author"] == f"{user} of here"
    if json.loads(found["manifest.json"])["redactions"].get("user"):  # some names are no person's
        assert all(f"home/{user}".encode() not in data for data in found.values())
    for name in ("steps.jsonl", "manifest.json", "checks.json", "trail.jsonl"):
        for line in found[name].splitlines() if name.endswith("l") else [found[name]]:
            json.loads(line)


def test_a_name_that_slipped_through_is_found(there: Machine, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last search knows personal values in what the log says, also in entries that hold words of ours."""
    from tracetui.capsule import seal as sealing
    from tracetui.model import TracetuiError

    made = sealing._EntryMaker._facts

    def leaky(self: sealing._EntryMaker, *words: object) -> dict[str, object]:
        facts = made(self, *words)  # type: ignore[arg-type]
        facts["session"]["folder"] = "/home/annabella/src"
        return facts

    with drafted(there, cli) as bucket:
        draft(bucket, choose(bucket, bucket.session(SESSION)))
        monkeypatch.setattr(sealing._EntryMaker, "_facts", leaky)
        with pytest.raises(TracetuiError, match=r"manifest\.json"):
            draft(bucket, choose(bucket, bucket.session(SESSION)))
