"""Opening a capsule: nothing of it is used before all of it was checked."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracetui.capsule.archive import Archive, RefusedError
from tracetui.capsule.manifest import LIMIT, MANIFEST, REQUIRED, SIGNATURE, Manifest, allowed, parse
from tracetui.capsule.patches import check_path
from tracetui.capsule.signing import Signer, check

__all__ = ["Capsule", "Report", "verify"]


@dataclass(slots=True)
class Report:
    """What ``verify`` found. ``signature``: ``valid``, ``invalid`` or ``none``; ``problems`` are lines for people.
    ``intact``: not a byte was changed and no signature is wrong; ``consistent``: what can be worked out from the
    content is as the capsule says (None: not worked out, or made by another version), else ``differs`` names the
    entries; ``ok`` is both."""

    path: str
    ok: bool = False
    digest: str | None = None
    format: str | None = None
    steps: int | None = None
    redactions: dict[str, int] = field(default_factory=dict)
    signature: str = "none"
    signer: Signer | None = None
    problems: list[str] = field(default_factory=list)
    bytes: int | None = None
    intact: bool = False
    consistent: bool | None = None
    differs: list[str] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """The report as ``verify --json`` prints it."""
        signer = self.signer
        return {
            "path": self.path,
            "ok": self.ok,
            "consistent": self.consistent,
            "differs": self.differs,
            "digest": self.digest,
            "format": self.format,
            "steps": self.steps,
            "redactions": self.redactions,
            "signature": self.signature,
            "signer": None
            if signer is None
            else {"fingerprint": signer.fingerprint, "principal": signer.principal, "trusted": signer.trusted},
            "problems": self.problems,
            "bytes": self.bytes,
        }

    @property
    def words(self) -> str:
        """One line that says what is known: never that an unsigned or untrusted capsule is authentic."""
        if not self.intact:
            return "not intact: " + "; ".join(self.problems)
        if self.differs:
            more = f" and {len(self.differs) - 1} more" if len(self.differs) > 1 else ""
            return f"not consistent: {self.differs[0]}{more}; {self._seal}"
        return self._seal

    @property
    def _seal(self) -> str:
        """What the outer hash and the signature tell."""
        signer = self.signer
        if signer is not None and signer.trusted:
            return f"unchanged since it was sealed; signed by {signer.principal} ({signer.fingerprint})"
        if signer is not None:
            return f"unchanged since it was sealed; maker unknown (signed by {signer.fingerprint}, a key not trusted)"
        return "unchanged since it was sealed; maker unknown"


class Capsule:
    """A capsule whose every entry was compared with its manifest. Close it after use."""

    def __init__(self, path: Path) -> None:
        """Check the whole file. Raises ``RefusedError``."""
        self.path = path
        self.archive = Archive(path)
        try:
            self.manifest = self._manifest()
            self._check()
        except BaseException:
            self.archive.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self.archive.close()

    def __enter__(self) -> Capsule:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest."""
        return self.manifest.digest

    @property
    def origin(self) -> str:
        """What the ids of its sessions begin with wherever it is opened: ``capsule:DIGEST8``."""
        return f"capsule:{self.digest[:8]}"

    def names(self, prefix: str = "") -> list[str]:
        """The names of its entries below a folder, sorted."""
        return [name for name in self.archive.entries if name.startswith(prefix)]

    def read(self, name: str) -> bytes:
        """An entry's bytes, as the manifest vouches for them. Raises KeyError for one that it has not."""
        size, sha = self.manifest.entries[name]
        data = self.archive.read(name)
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha:
            raise self._refused(f"the entry {name!a} is not what the manifest lists")
        return data

    def _refused(self, why: str) -> RefusedError:
        return RefusedError(f"{self.path.name!a} is no intact capsule: {why}")

    def _manifest(self) -> Manifest:
        entry = self.archive.entries.get(MANIFEST)
        if entry is None:
            raise self._refused("it has no manifest")
        if entry.size > LIMIT:
            raise self._refused("its manifest is too large")
        return parse(self.archive.read(MANIFEST))

    def _check(self) -> None:
        listed = self.manifest.entries
        for name in self.archive.entries:
            if name in (MANIFEST, SIGNATURE):
                continue
            if name.startswith("files/") and (wrong := check_path(name[6:])) is not None:
                raise self._refused(f"it carries a file whose path {wrong}: {ascii(name[6:])[1:-1][:60]}")
            if name not in listed or not allowed(name):
                raise self._refused(f"the entry {name!a} is not in its manifest, or has no place in a capsule")
        for name in (*REQUIRED, *listed):
            if name not in listed or name not in self.archive.entries or name in (MANIFEST, SIGNATURE):
                raise self._refused(f"the entry {name!a} is missing")
        for name, (size, sha) in listed.items():
            entry = self.archive.entries[name]
            whole = hashlib.sha256()
            for block in self._blocks(name):
                whole.update(block)
            if entry.size != size or whole.hexdigest() != sha:
                raise self._refused(f"the entry {name!a} is not what the manifest lists")

    def _blocks(self, name: str) -> Iterator[bytes]:
        return self.archive.blocks(name)


def report_of(capsule: Capsule, signers: Path | None = None, *, deriving: bool = True) -> Report:
    """The report of an intact capsule; its signature is checked here, and where ``deriving``, what follows from its
    content is worked out and compared."""
    manifest = capsule.manifest
    report = Report(
        str(capsule.path),
        True,
        manifest.digest,
        str(manifest.facts["format"]),
        manifest.steps,
        manifest.redactions,
        bytes=capsule.archive.bytes,
        intact=True,
    )
    if SIGNATURE in capsule.archive.entries:
        entry = capsule.archive.entries[SIGNATURE]
        data = capsule.archive.read(SIGNATURE) if entry.size <= 65536 else b""
        report.signature, report.signer, problem = check(manifest.digest, data, signers)
        if problem is not None:
            report.problems.append(problem)
            report.ok = report.intact = False
    if deriving and report.intact:
        from tracetui.capsule.derive import derive

        found = derive(capsule)
        report.consistent, report.differs = found.consistent, found.differs
        report.problems += [f"not consistent: {item}" for item in found.differs]
        report.problems += found.notes
        report.ok = not found.differs
    return report


def verify(path: Path, signers: Path | None = None) -> Report:
    """Check a capsule; never raises for a bad one. ``signers``: the list of allowed signers."""
    try:
        with Capsule(path) as capsule:
            return report_of(capsule, signers)
    except RefusedError as error:
        report = Report(str(path), problems=[str(error)])
        with contextlib.suppress(OSError, ValueError):
            report.bytes = path.stat().st_size
        return report
