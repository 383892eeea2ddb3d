"""Checking a capsule: every entry, the signature, and archives that were made to deceive."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.capsule.conftest import Cli
from tracetui.capsule import manifest as manifests
from tracetui.capsule.archive import RefusedError, pack
from tracetui.capsule.signing import NAMESPACE
from tracetui.capsule.verify import Capsule, verify

FACTS: dict[str, Any] = {"session": {"steps": 1, "id": "x"}, "redactions": {"token": 2}, "repository": {}}
ENTRIES = {
    "README.md": b"hello\n",
    "transcript.md": b"# it\n",
    "steps.jsonl": b"{}\n",
    "trail.jsonl": b"",
    "ctx.jsonl": b"",
    "checks.json": b"[]\n",
    "records/001.jsonl": b"{}\n",
}


def write(path: Path, entries: dict[str, bytes]) -> Path:
    out = io.BytesIO()
    pack(entries, out.write)
    path.write_bytes(out.getvalue())
    return path


def small(path: Path, **changes: Any) -> Path:
    return write(path, {**ENTRIES, "manifest.json": manifests.build({**FACTS, **changes}, ENTRIES)})


def test_an_intact_one(tmp_path: Path) -> None:
    path = small(tmp_path / "a.zip")
    report = verify(path)
    assert report.ok
    assert report.steps == 1
    assert report.redactions == {"token": 2}
    assert report.words == "unchanged since it was sealed; maker unknown"
    with zipfile.ZipFile(path) as archive:
        assert report.digest == hashlib.sha256(archive.read("manifest.json")).hexdigest()


def same_sum(data: bytes) -> bytes:
    """Other bytes of the same length and CRC-32: the polynomial itself is added, which CRC-32 does not see."""
    pattern = int.from_bytes(data, "little") ^ (0x1DB710641 << 8)
    return pattern.to_bytes(len(data), "little")


def test_an_entry_that_changes_after_the_check_is_not_given_out(tmp_path: Path) -> None:
    text = random.Random(5).randbytes(100_000)
    assert zlib.crc32(same_sum(text)) == zlib.crc32(text)
    assert same_sum(text) != text
    entries = {**ENTRIES, "README.md": text}
    path = write(tmp_path / "a.zip", {**entries, "manifest.json": manifests.build(FACTS, entries)})
    with Capsule(path) as capsule:
        assert capsule.read("README.md") == text
        entry = capsule.archive.entries["README.md"]
        assert entry.method == 0
        with path.open("r+b", buffering=0) as stream:
            stream.seek(entry.start)
            stream.write(same_sum(text))
        with pytest.raises(RefusedError, match=r"README\.md' is not what the manifest lists"):
            capsule.read("README.md")


def test_every_bit_of_a_small_capsule(tmp_path: Path) -> None:
    path = small(tmp_path / "a.zip")
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as stream:
        for place in range(8 * len(data)):
            at, bit = divmod(place, 8)
            stream.seek(at)
            stream.write(bytes([data[at] ^ (1 << bit)]))
            with pytest.raises(RefusedError):
                Capsule(path)
            stream.seek(at)
            stream.write(data[at : at + 1])
    assert verify(path).ok


def test_ten_thousand_bits_of_a_sealed_session(sealed: Path) -> None:
    data = sealed.read_bytes()
    with sealed.open("r+b", buffering=0) as stream:
        for place in random.Random(7).sample(range(8 * len(data)), 10_000):
            at, bit = divmod(place, 8)
            stream.seek(at)
            stream.write(bytes([data[at] ^ (1 << bit)]))
            with pytest.raises(RefusedError):
                Capsule(sealed)
            stream.seek(at)
            stream.write(data[at : at + 1])
    assert verify(sealed).ok


def _listed(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(manifests.build(FACTS, ENTRIES))
    change(value)
    return json.dumps(value).encode()


HOSTILE: dict[str, dict[str, bytes]] = {
    "an entry that is not listed": {"records/002.jsonl": b"{}\n"},
    "an entry with no place": {"evil.sh": b"true"},
    "no manifest": {"manifest.json": b""},
    "another text": {"README.md": b"hullo\n"},
    "not JSON": {"manifest.json": b"{"},
    "no object": {"manifest.json": b"[]"},
    "no format": {"manifest.json": b"{}"},
    "a newer format": {"manifest.json": _listed(lambda v: v.update(format="tracetui.capsule.v3"))},
    "another format": {"manifest.json": _listed(lambda v: v.update(format="zip"))},
    "entries of another shape": {"manifest.json": _listed(lambda v: v.update(entries={"a": 1}))},
    "an entry listed twice": {"manifest.json": _listed(lambda v: v["entries"].append(v["entries"][0]))},
    "a listed entry that is missing": {
        "manifest.json": _listed(lambda v: v["entries"].append({"name": "files/a", "size": 1, "sha256": "0" * 64}))
    },
    "the manifest in itself": {
        "manifest.json": _listed(
            lambda v: v["entries"].append({"name": "manifest.json", "size": 1, "sha256": "0" * 64})
        )
    },
    "a listed entry with no place": {
        "evil": b"x",
        "manifest.json": _listed(
            lambda v: v["entries"].append({"name": "evil", "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()})
        ),
    },
    "a wrong size": {"manifest.json": _listed(lambda v: v["entries"][0].update(size=3))},
    "a size that is true": {"manifest.json": _listed(lambda v: v["entries"][0].update(size=True))},
    "deep": {"manifest.json": b"[" * 100_000},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_well_packed_and_false(tmp_path: Path, name: str, cli: Cli) -> None:
    entries = {**ENTRIES, "manifest.json": manifests.build(FACTS, ENTRIES), **HOSTILE[name]}
    path = write(tmp_path / "x.zip", {key: data for key, data in entries.items() if data or key != "manifest.json"})
    before = sorted(tmp_path.rglob("*"))
    for words in (("verify", path), ("open", path), ("open", "--keep", path), ("replay", path)):
        done = cli(*words)
        assert done.status == 1, words
        assert done.err.count("\n") == 1, done.err
        assert "Traceback" not in done.err
        assert "unexpected" not in done.err
    assert [item for item in sorted(tmp_path.rglob("*")) if "nobody" not in item.parts] == before
    assert not (tmp_path / "nobody" / "bucket").exists()
    if name == "a newer format":
        assert "newer format tracetui.capsule.v3" in cli("verify", path).err


def test_other_files_are_no_capsules(tmp_path: Path, cli: Cli) -> None:
    for data in (b"", b"PK", b"PK\x05\x06" + b"\0" * 18, b"hello\n" * 100, b"PK\x03\x04" + b"\xff" * 500):
        path = tmp_path / "x.capsule.zip"
        path.write_bytes(data)
        done = cli("verify", path)
        assert (done.status, done.out) == (1, "")
        assert done.err.count("\n") == 1
    assert cli("verify", tmp_path / "none").status == 1
    assert cli("verify", tmp_path).status == 1


# -- signatures

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def key(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return path


@needs_ssh
def test_signed_and_trusted_by_name_alone(
    sealed: Path, cli: Cli, there: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = key(tmp_path, "ours"), key(tmp_path, "other")
    target = tmp_path / "signed.capsule.zip"
    done = cli("seal", "5e55", "-o", target, "--sign", ours, home=there.home)
    assert done.status == 0, done.err
    (plain,) = cli("verify", target, "--json").lines
    assert plain["ok"] is True
    assert plain["signature"] == "valid"
    assert plain["signer"]["principal"] is None
    assert plain["signer"]["trusted"] is False
    listed = subprocess.run(["ssh-keygen", "-lf", str(ours)], capture_output=True, text=True, check=True).stdout
    assert plain["signer"]["fingerprint"] == listed.split()[1]
    assert "maker unknown" in cli("verify", target).out
    assert plain["digest"] == cli("verify", sealed, "--json").lines[0]["digest"]

    signers = tmp_path / "signers"
    public = ours.with_suffix(".pub").read_text()
    signers.write_text(f'ann@example.org namespaces="{NAMESPACE}" {public}')
    (trusted,) = cli("verify", target, "--signers", signers, "--json").lines
    assert trusted["signer"]["principal"] == "ann@example.org"
    assert trusted["signer"]["trusted"] is True
    assert "signed by ann@example.org" in cli("verify", target, "--signers", signers).out
    # By Git's own setting, of the user and not of a repository.
    home = tmp_path / "trusting"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[gpg "ssh"]\n\tallowedSignersFile = {signers}\n')
    assert cli("verify", target, "--json", home=home).lines[0]["signer"]["trusted"] is True
    # For another namespace, or another key: not trusted.
    for line in (f'ann@example.org namespaces="git" {public}', f"x {other.with_suffix('.pub').read_text()}"):
        signers.write_text(line)
        assert cli("verify", target, "--signers", signers, "--json").lines[0]["signer"]["trusted"] is False
    # ssh-keygen looks at the first entry of a key alone; another one may be good.
    signers.write_text(f'ann@example.org namespaces="git" {public}ann@work.example {public}')
    (trusted,) = cli("verify", target, "--signers", signers, "--json").lines
    assert (trusted["signer"]["principal"], trusted["signer"]["trusted"]) == ("ann@work.example", True)
    # Who seals hears what they would hear from verify.
    (home / ".gitconfig").rename(there.home / ".gitconfig")
    (told,) = cli("seal", "5e55", "-o", target, "--sign", ours, "--json", home=there.home).lines
    assert told["signer"] == trusted["signer"]


@needs_ssh
def test_a_signature_of_something_else(sealed: Path, there: Any, cli: Cli, tmp_path: Path) -> None:
    ours = key(tmp_path, "ours")
    with Capsule(sealed) as capsule:
        held = {name: capsule.archive.read(name) for name in capsule.archive.entries}
        digest = capsule.digest
    message = tmp_path / "message"
    for namespace, text in ((NAMESPACE, "0" * 64), ("git", digest)):
        message.write_text(text)
        words = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(ours), "-n", namespace, str(message)]
        subprocess.run(words, check=True, capture_output=True)
        made = Path(f"{message}.sig")
        write(tmp_path / "x.zip", {**held, "signature.sshsig": made.read_bytes()})
        made.unlink()
        (report,) = cli("verify", tmp_path / "x.zip", "--json").lines
        assert (report["ok"], report["signature"], report["signer"]) == (False, "invalid", None)
    write(tmp_path / "x.zip", {**held, "signature.sshsig": b"not a signature"})
    done = cli("verify", tmp_path / "x.zip", "--json")
    assert done.status == 1
    assert done.lines[0]["signature"] == "invalid"
    assert cli("replay", tmp_path / "x.zip", "--agree", "ours").status == 1


def test_a_list_of_signers_that_is_not_there(tmp_path: Path, sealed: Path, cli: Cli) -> None:
    assert cli("verify", sealed, "--signers", tmp_path / "none").status == 1


def test_a_report_in_one_line(tmp_path: Path) -> None:
    report = verify(tmp_path / "none.zip")
    assert not report.ok
    assert report.words == "not intact: " + "; ".join(report.problems)
    assert report.words.startswith("not intact: Cannot read")
    assert report.bytes is None
    (tmp_path / "bad.zip").write_bytes(b"12345")
    assert verify(tmp_path / "bad.zip").bytes == 5


def test_what_a_capsule_is_called_where_it_is_opened(tmp_path: Path) -> None:
    with Capsule(small(tmp_path / "a.zip")) as capsule:
        assert capsule.origin == f"capsule:{capsule.manifest.digest[:8]}"
        assert len(capsule.origin) == 16
        assert capsule.names("records/") == ["records/001.jsonl"]
        assert len(capsule.names()) == len(ENTRIES) + 1


def test_a_manifest_of_the_greatest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracetui.capsule import verify as module

    path = small(tmp_path / "a.zip")
    with zipfile.ZipFile(path) as held:
        size = held.getinfo("manifest.json").file_size
    monkeypatch.setattr(module, "LIMIT", size)
    assert verify(path).ok
    monkeypatch.setattr(module, "LIMIT", size - 1)
    assert "its manifest is too large" in verify(path).words
