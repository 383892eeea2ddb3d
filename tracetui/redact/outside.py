"""detect-secrets as one more proposer, kept in a cage.

Its compiled patterns are used directly (``finditer``), never its scan path: no filters, no verification, no settings,
and spans instead of its values, some of which are not the secret. Only lines that hold one of its keywords are looked
at, cut off at a length and without long runs of blanks, on which some of its patterns take cubic time; all of it in a
child process that a timer kills when it has computed for too long (not when the machine is busy with something else).
The line that it was then looking at makes its text ``unscanned``.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

import orjson

from tracetui.redact.entropy import harmless_shape, looks_random
from tracetui.redact.finding import Finding
from tracetui.redact.placeholders import placeholder

__all__ = ["Outside", "serve"]

_LINE_LIMIT: Final = 2_000
_BLANKS: Final = " " * 24
_BATCH: Final = 256
_BATCH_SIZE: Final = 65_536
_SECONDS: Final = 12.0
"""Of processor time for a batch; the slowest ones known take half a second."""
_PATIENCE: Final = 300.0
"""Seconds until a child that neither answers nor computes is given up."""
_FAILURES: Final = 8
# Its plugins that add to our own rules, and words of which one stands in every line that their patterns match.
_PLUGINS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "ArtifactoryDetector": ("artifactory", ("akc", "ap5", "ap6", "=ap", ":ap", '"ap')),
    "AWSKeyDetector": ("aws", ("akia", "asia", "a3t", "aws")),
    "AzureStorageKeyDetector": ("azure_storage_key", ("accountkey",)),
    "BasicAuthDetector": ("basic_auth", ("://",)),
    "CloudantDetector": ("cloudant", ("cloudant",)),
    "GitHubTokenDetector": ("github_token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    "GitLabTokenDetector": ("gitlab_token", ("glpat", "gldt", "glft", "glsoat", "glrt", "glcbt", "glimt", "glptt", "glagent", "gloas", "gr134")),  # noqa: E501
    "IbmCloudIamDetector": ("ibm_cloud_iam", ("ibm", "bluemix", "bmx", "iam_")),
    "IbmCosHmacDetector": ("ibm_cos_hmac", ("hmac", "cos_", "cos-")),
    "JwtTokenDetector": ("jwt", ("eyj",)),
    "MailchimpDetector": ("mailchimp", ("-us",)),
    "NpmDetector": ("npm", ("_authtoken",)),
    "OpenAIDetector": ("openai", ("t3blbkfj",)),
    "PypiTokenDetector": ("pypi_token", ("pypi-",)),
    "SendGridDetector": ("sendgrid", ("sg.",)),
    "SlackDetector": ("slack", ("xox", "hooks.slack")),
    "SoftlayerDetector": ("softlayer", ("softlayer", "sl_", "sl-")),
    "SquareOAuthDetector": ("square_oauth", ("sq0csp",)),
    "StripeDetector": ("stripe", ("_live_",)),
    "TwilioKeyDetector": ("twilio", ("ac", "sk")),
}  # fmt: skip
_SURER: Final = frozenset({"ibm_cloud_iam", "ibm_cos_hmac", "cloudant", "softlayer", "basic_auth"})
_OMIT: Final = frozenset({"TwilioKeyDetector"})
_KEYWORDS: Final = (
    "api_key", "apikey", "api-key", "aws_secret", "db_pass", "passwd", "password", "private_key", "privatekey", "secret",  # noqa: E501
    "pass:", "pass=", "pwd", "contraseña",
)  # fmt: skip
_SIZE: Final = struct.Struct("<I")


class Outside:
    """A child process that runs detect-secrets' patterns; ``with Outside() as outside: outside.scan(texts)``."""

    def __init__(self, seconds: float = _SECONDS, patience: float = _PATIENCE) -> None:
        self._seconds = seconds
        self._patience = patience
        self._child: subprocess.Popen[bytes] | None = None
        self._automaton: Any = None

    def __enter__(self) -> Outside:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()
            child.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            code = (
                "import sys; sys.path[:] = eval(sys.argv[1]); "
                "from tracetui.redact.outside import serve; serve(float(sys.argv[2]))"
            )
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-c", code, repr(sys.path), str(self._seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                stderr=subprocess.DEVNULL,
            )
            if _receive(self._child, self._patience) != "ready":
                self.close()
                raise OSError("detect-secrets did not start")
        assert self._child is not None
        return self._child

    def _words(self) -> Any:
        if self._automaton is None:
            import ahocorasick

            self._automaton = ahocorasick.Automaton()
            for name, (_, words) in _PLUGINS.items():
                if name not in _OMIT:
                    for word in words:
                        self._automaton.add_word(word, len(word))
            for word in _KEYWORDS:
                self._automaton.add_word(word, len(word))
            self._automaton.make_automaton()
        return self._automaton

    def scan(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Findings of each text. A text that took too long gets an ``unscanned`` finding."""
        out: list[list[Finding]] = [[] for _ in texts]
        places: dict[str, list[tuple[int, int]]] = {}
        words = self._words()
        for nth, text in enumerate(texts):
            low = text.lower()
            if len(low) != len(text):
                low = text
            done = -1
            for last, _ in words.iter(low):
                if last < done:
                    continue
                start = text.rfind("\n", max(0, last - _LINE_LIMIT), last) + 1 or max(0, last - _LINE_LIMIT)
                end = text.find("\n", last, last + _LINE_LIMIT)
                end = min(len(text), last + _LINE_LIMIT) if end < 0 else end
                done = end
                line = text[start:end]
                if _BLANKS in line or "\t" * 8 in line:
                    continue
                places.setdefault(line, []).append((nth, start))
        self._ask(places, texts, out)
        return out

    def _ask(self, places: dict[str, list[tuple[int, int]]], texts: Sequence[str], out: list[list[Finding]]) -> None:
        for part in _parts([*places]):
            replies: list[Any] = self._exchange(part) or []
            if not replies and len(part) > 1:
                # One of them took too long: which one?
                for line in part:
                    alone = self._exchange([line]) if replies.count(None) < _FAILURES else None
                    replies.append(alone[0] if alone is not None else None)
            for line, found in zip(part, replies or [None]):
                if found is None:
                    why = "detect-secrets took too long"
                    for nth in {nth for nth, _ in places[line]}:
                        out[nth].append(Finding(0, len(texts[nth]), "unscanned", "unscanned", 1, "plain", why))
                    continue
                for a, b, plugin in found:
                    for nth, start in places[line]:
                        _keep(out[nth], start, line, a, b, plugin)

    def _exchange(self, lines: list[str]) -> list[Any] | None:
        """What the child finds in each line; None where it did not answer, and is gone."""
        reply = None
        try:
            child = self._start()
            assert child.stdin is not None
            data = orjson.dumps([line.encode("utf-8", "replace").decode() for line in lines])
            child.stdin.write(_SIZE.pack(len(data)) + data)
            child.stdin.flush()
            reply = _receive(child, self._patience)
        except OSError:
            pass
        if not isinstance(reply, list) or len(reply) != len(lines):
            self.close()
            return None
        return reply


def _parts(lines: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if len(part) >= _BATCH or size >= _BATCH_SIZE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _keep(out: list[Finding], start: int, line: str, a: int, b: int, plugin: str) -> None:
    value = line[a:b]
    if len(value) < 6 or placeholder(value):
        return
    random = looks_random(value)
    surer = plugin in _SURER
    if plugin == "keyword" and not random and (value.isalpha() or harmless_shape(value)):
        return  # words, of which it is as fond as of secrets
    # What it knows better than our own rules is a proposal; the rest only backs theirs.
    tier = 2 if surer and random and not harmless_shape(value) else 3
    kind = plugin.replace("_", "-")
    out.append(
        Finding(start + a, start + b, kind, f"detect-secrets-{kind}", tier, "plain", f"detect-secrets: {plugin}")
    )


def _receive(child: subprocess.Popen[bytes], seconds: float) -> Any:
    """The next message of the child; None where it did not come in time."""
    assert child.stdout is not None
    until = time.monotonic() + seconds
    data = b""
    wanted = _SIZE.size
    head = True
    while len(data) < wanted:
        left = until - time.monotonic()
        if left <= 0:
            return None
        ready, _, _ = select.select([child.stdout], [], [], left)
        if not ready:
            return None
        piece = os.read(child.stdout.fileno(), wanted - len(data))
        if not piece:
            return None
        data += piece
        if head and len(data) == wanted:
            wanted = _SIZE.unpack(data)[0]
            data, head = b"", False
            if wanted > 64 << 20:
                return None
    return orjson.loads(data)


def _patterns() -> list[tuple[str, Any, int | None, tuple[str, ...]]]:
    """(plugin, compiled pattern, group or None to choose, keywords)."""
    from importlib import import_module

    out: list[tuple[str, Any, int | None, tuple[str, ...]]] = []
    for name, (module, words) in _PLUGINS.items():
        if name in _OMIT:
            continue
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        out += [(module, pattern, None, words) for pattern in plugin.denylist]
    keyword = import_module("detect_secrets.plugins.keyword")
    for table in (
        keyword.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP,
        keyword.CONFIG_DENYLIST_REGEX_TO_GROUP,
    ):
        out += [("keyword", pattern, group, _KEYWORDS) for pattern, group in table.items()]
    return out


def serve(seconds: float = 0, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> None:
    """The child's side: lines in, spans out, until its input ends. It dies when a batch takes it more than ``seconds``
    of processor time (0: never)."""
    source = stdin or sys.stdin.buffer
    target = stdout or sys.stdout.buffer

    def send(value: Any) -> None:
        data = orjson.dumps(value)
        target.write(_SIZE.pack(len(data)) + data)
        target.flush()

    patterns = _patterns()
    send("ready")
    while len(head := source.read(_SIZE.size)) == _SIZE.size:
        lines = orjson.loads(source.read(_SIZE.unpack(head)[0]))
        _limit(seconds)
        reply = []
        for line in lines:
            low = line.lower()
            found: dict[tuple[int, int], str] = {}
            for plugin, pattern, group, words in patterns:
                if not any(word in low for word in words):
                    continue
                for match in pattern.finditer(line):
                    a, b = match.span(group) if group is not None else match.span()
                    if group is None:
                        for nth in range(pattern.groups, 0, -1):
                            x, y = match.span(nth)
                            if y - x >= 8:
                                a, b = x, y
                                break
                    if b > a >= 0:
                        found.setdefault((a, b), plugin)
            reply.append([[a, b, plugin] for (a, b), plugin in found.items()])
        _limit(0)
        send(reply)


def _limit(seconds: float) -> None:
    """End this process when it has computed for so long from now on; 0 lifts that. A timer's signal ends it by itself,
    also in the midst of a pattern, where no code of Python runs."""
    import signal

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
