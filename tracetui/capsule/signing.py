"""Signatures by SSH keys (``ssh-keygen -Y``, PROTOCOL.sshsig): an optional tool, run by argument lists alone.

What is signed is the capsule's digest as 64 hex digits, in the namespace ``tracetui-capsule-v1``. A key is trusted only
by a list of allowed signers that the user named: with ``--signers``, or for Git as ``gpg.ssh.allowedSignersFile``.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tracetui.model import TracetuiError

__all__ = ["NAMESPACE", "Signer", "allowed_signers", "check", "sign"]

NAMESPACE: Final = "tracetui-capsule-v1"
_LIMIT: Final = 16 * 1024
_LIST: Final = 4 * 1024 * 1024
_ENTRIES: Final = 16
_TIMEOUT: Final = 60
_GOOD: Final = re.compile(r"with ([A-Za-z0-9-]{1,40}) key (SHA256:[A-Za-z0-9+/=]{20,100})")
_HEAD: Final = b"-----BEGIN SSH SIGNATURE-----"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed: the key's fingerprint; ``principal`` is the name that the list of allowed signers gives it."""

    fingerprint: str
    principal: str | None
    trusted: bool


def _tool() -> str | None:
    return shutil.which("ssh-keygen")


def _run(words: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environ = {name: value for name, value in os.environ.items() if name not in ("SSH_ASKPASS", "LC_ALL", "LANG")}
    return subprocess.run(
        words,
        input=given,
        capture_output=True,
        check=False,
        env={**environ, "LC_ALL": "C"},
        timeout=_TIMEOUT,
        cwd="/",
    )


def sign(digest: str, key: Path, *, ask: bool = True) -> bytes:
    """The signature of a digest by a private key (or, with a public key's file, by the SSH agent).

    A passphrase is asked for by ``ssh-keygen`` on the terminal, unless ``ask`` is false: then there is no terminal for
    it. Raises TracetuiError.
    """
    tool = _tool()
    if tool is None:
        raise TracetuiError("Signing needs ssh-keygen, which is not installed; install OpenSSH or seal without --sign")
    if not key.is_file():
        raise TracetuiError(f"No key at {key}; name the file of an SSH key")
    with tempfile.TemporaryDirectory(prefix="tracetui-sign-") as folder:
        message = Path(folder) / "digest"
        message.write_bytes(digest.encode())
        words = [tool, "-q", "-Y", "sign", "-f", str(key.absolute()), "-n", NAMESPACE, str(message)]
        try:
            # Standard input stays the terminal's where ssh-keygen may ask for a passphrase.
            done = subprocess.run(
                words,
                stdin=None if ask else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
                cwd="/",
                start_new_session=not ask,
                env=None if ask else {**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
            )
        except OSError as error:
            raise TracetuiError(f"ssh-keygen could not be started ({error.strerror})") from None
        made = Path(f"{message}.sig")
        if done.returncode or not made.is_file():
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise TracetuiError(f"ssh-keygen did not sign: {lines[-1][:200] if lines else 'no message'}")
        return made.read_bytes()


def check(digest: str, signature: bytes, signers: Path | None) -> tuple[str, Signer | None, str | None]:
    """(``valid`` or ``invalid``, the signer of a valid one, what is wrong).

    ``signers`` is the list of allowed signers, None when the user has none.
    """
    tool = _tool()
    if tool is None:
        return "invalid", None, "the signature cannot be checked: ssh-keygen is not installed"
    if len(signature) > _LIMIT or not signature.startswith(_HEAD):
        return "invalid", None, "the signature is no SSH signature"
    with tempfile.TemporaryDirectory(prefix="tracetui-sign-") as folder:
        file = Path(folder) / "signature"
        file.write_bytes(signature)
        try:
            plain = _run([tool, "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(file)], digest.encode())
            match = _GOOD.search(plain.stdout.decode("utf-8", "replace"))
            if plain.returncode or match is None:
                return "invalid", None, "the signature does not belong to this capsule"
            principal = _principal(tool, digest, file, signers) if signers is not None else None
        except (OSError, subprocess.SubprocessError):
            return "invalid", None, "the signature cannot be checked: ssh-keygen failed"
    return "valid", Signer(match[2], principal, principal is not None), None


def _principal(tool: str, digest: str, file: Path, signers: Path) -> str | None:
    """The principal that the list names for the key, if an entry is good for our namespace and for now.

    ``ssh-keygen`` looks at the first entry of a key alone, which may be for another namespace (``namespaces="git"``) or
    be over; so each entry of the key is asked for by itself too.
    """
    found = _named(tool, digest, file, str(signers.absolute()))
    if found is not None:
        return found
    key = _public_key(file.read_bytes())
    if key is None or signers.stat().st_size > _LIST:
        return None
    lines = [line for line in signers.read_bytes().splitlines() if key in line.split()]
    for line in lines[:_ENTRIES] if len(lines) > 1 else ():
        alone = file.with_name("signers")
        alone.write_bytes(line + b"\n")
        found = _named(tool, digest, file, str(alone))
        if found is not None:
            return found
    return None


def _named(tool: str, digest: str, file: Path, allowed: str) -> str | None:
    found = _run([tool, "-Y", "find-principals", "-s", str(file), "-f", allowed])
    if found.returncode:
        return None
    for line in found.stdout.decode("utf-8", "replace").splitlines():
        name = line.strip()
        if not name or name.startswith("-"):
            continue
        words = [tool, "-Y", "verify", "-f", allowed, "-I", name, "-n", NAMESPACE, "-s", str(file)]
        if _run(words, digest.encode()).returncode == 0:
            return name
    return None


def _public_key(signature: bytes) -> bytes | None:
    """The public key in a signature, in base64 as lists spell it (PROTOCOL.sshsig: magic, version, key as a string)."""
    try:
        blob = base64.b64decode(b"".join(signature.partition(_HEAD)[2].partition(b"-----")[0].split()), validate=True)
    except ValueError:
        return None
    size = int.from_bytes(blob[10:14], "big")
    return base64.b64encode(blob[14 : 14 + size]) if blob[:6] == b"SSHSIG" and 14 + size <= len(blob) else None


def allowed_signers(named: str | None = None) -> Path | None:
    """The list of allowed signers: the named one, else ``gpg.ssh.allowedSignersFile`` of the user's own Git
    configuration (never a repository's). Raises TracetuiError when the named one is not there."""
    if named is not None:
        path = Path(named).expanduser()
        if not path.is_file():
            raise TracetuiError(f"No list of signers at {named}; name a file of allowed signers (see ssh-keygen)")
        return path
    home = Path.home()
    config = os.environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    for file in (home / ".gitconfig", Path(config) / "git" / "config"):
        value = _setting(file)
        if value:
            path = Path(value).expanduser()
            return path if path.is_file() else None
    return None


def _setting(file: Path) -> str | None:
    if not file.is_file():
        return None
    import pygit2

    try:
        return str(pygit2.Config(str(file))["gpg.ssh.allowedSignersFile"])
    except (KeyError, OSError, ValueError, pygit2.GitError):
        return None
