"""Every kind of secret in every wrapping: found, at the right place, however it was written."""

from __future__ import annotations

import base64
import html
import json
import random
import string
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tracetui.redact import scan
from tracetui.redact.entropy import TOKEN, runs
from tracetui.redact.finding import Finding
from tracetui.redact.opaque import opaque_spans
from tracetui.redact.scanner import scan_many, settle
from tracetui.redact.text_decoders import DecodedView, views_of

RNG = random.Random(11)
ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"


def _draw(size: int, letters: str = ALNUM) -> str:
    return "".join(RNG.choices(letters, k=size))


def _pem(kind: str) -> str:
    body = "\n".join(_draw(64, BASE64) for _ in range(12))
    return (
        f"-----BEGIN {kind}PRIVATE " + f"KEY-----\n{body}\n{_draw(30, BASE64)}==\n-----END {kind}PRIVATE " + "KEY-----"
    )


def _jwt() -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
             for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "12345", "name": "Jo Doe"})]  # fmt: skip
    return ".".join([*parts, _draw(43, ALNUM + "_-")])


def _made() -> dict[str, tuple[str, str]]:
    """Name -> (text, the secret in it)."""
    pem, ssh, jwt = _pem("RSA "), _pem("OPENSSH "), _jwt()
    torn = "\n".join(pem.split("\n")[:9])
    github, stripe, aws = "ghp_" + _draw(36), "sk_" + "live_" + _draw(24), "a" + _draw(39, BASE64)
    password, token, url = f"k{_draw(6)}!pQ{_draw(6)}", _draw(32), "z9" + _draw(10)
    return {
        "pem": (pem + "\n", pem), "ssh": (ssh + "\n", ssh), "torn": (torn + "\n", torn),
        "jwt": (f"Authorization: Bearer {jwt}", jwt), "github": (f"remote {github} ok", github),
        "stripe": (f"use {stripe}.", stripe), "aws": (f"aws_secret_access_key = {aws}\n", aws),
        "password": (f"DB_PASSWORD={password}\nPORT=5432\n", password),
        "yaml": (f"api:\n  token: {token}\n  url: x\n", token),
        "url": (f"DATABASE_URL=postgres://app:{url}@db.acme.dev:5432/x", url),
    }  # fmt: skip


SECRETS = _made()


def _lines(mark: Callable[[int], str]) -> Callable[[str], str]:
    return lambda text: "\n".join(mark(nth) + line for nth, line in enumerate(text.split("\n"), 1))


def _ansi(text: str) -> str:
    rng = random.Random(3)
    out = ""
    for line in text.split("\n"):
        while len(line) > 6:
            cut = rng.randrange(5, 14)
            out, line = out + line[:cut] + f"\x1b[3{rng.randrange(8)}m\x1b[0m", line[cut:]
        out += line + "\n"
    return out[:-1]


def _wrap(text: str) -> str:
    return "\n".join(
        line[at : at + 60]
        for line in ("$ cat x # some words before it " + text).split("\n")
        for at in range(0, max(1, len(line)), 60)
    )


def _json(text: str) -> str:
    return json.dumps({"stdout": text, "code": 0})


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_cat = _lines(lambda nth: f"{nth:6d}→")
_diff = _lines(lambda _: "+")
WRAPPINGS: dict[str, Callable[[str], str]] = {
    "json": _json, "json twice": lambda t: json.dumps(_json(t)), "json thrice": lambda t: _json(_json(_json(t))),
    "ansi": _ansi, "ansi lines": lambda t: "\n".join(f"\x1b[2m\x1b[32m{line}\x1b[0m" for line in t.split("\n")),
    "wrap": _wrap, "cat -n": _cat, "cat -n with tabs": _lines(lambda nth: f"{nth:6d}\t"),
    "grep": _lines(lambda nth: f"conf/app.env:{nth}:"), "grep -n": _lines(lambda nth: f"{nth}:"), "diff": _diff,
    "diff of cat -n": lambda t: _diff(_cat(t)), "percent": lambda t: "https://x.dev/?q=" + quote(t, safe=""),
    "percent twice": lambda t: quote(quote(t, safe=""), safe=""), "html": html.escape,
    "html numbers": lambda t: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in t),
    "unicode escapes": lambda t: "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in t),
    "ansi in json": lambda t: _json(_ansi(t)), "ansi in json in json": lambda t: _json(_json(_ansi(t))),
    "cat -n in json": lambda t: _json(_cat(t)), "diff in json in json": lambda t: _json(_json(_diff(t))),
    "crlf": lambda t: t.replace("\n", "\r\n"), "quoted": _lines(lambda _: "> "), "comment": _lines(lambda _: "# "),
    "indented": _lines(lambda _: " " * 8), "cat -n of wrapped": lambda t: _cat(_wrap(t)),
    "html in json": lambda t: _json(html.escape(t)), "percent in json": lambda t: _json("https://x.dev/?q=" + quote(t)),
    "wrapped in json": lambda t: _json(_wrap(t)), "bat": _lines(lambda nth: f"{nth:4d} │ "),
}  # fmt: skip
ENCODED: dict[str, Callable[[str], str]] = {
    "base64": _b64, "base64 in lines": lambda t: "\n".join(textwrap.wrap(_b64("some text before it\n" + t), 76)),
    "base64url": lambda t: base64.urlsafe_b64encode(t.encode()).decode().rstrip("="),
    "json in base64": lambda t: _b64(_json(t)), "base64 in json": lambda t: _json(_b64(t)),
    "base64 lines in json": lambda t: _json("\n".join(textwrap.wrap(_b64("some text before it\n" + t), 76))),
    "data": lambda t: "data:text/plain;base64," + _b64(t), "base64 twice": lambda t: _b64(_b64(t)),
}  # fmt: skip


def _left(text: str, secret: str) -> list[str]:
    """Pieces of eight characters of the secret that stand outside of all findings of tiers 1 and 2."""
    rest = list(text)
    for found in scan(text):
        if found.tier <= 2:
            rest[found.start : found.end] = "\0" * (found.end - found.start)
    kept = "".join(rest)
    pieces = [line[at : at + 8] for line in secret.split("\n") for at in range(0, max(1, len(line) - 7), 4)]
    return [piece for piece in pieces if len(piece) > 5 and "-----" not in piece and piece in kept]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("name", SECRETS)
def test_a_wrapped_secret_is_covered(name: str, wrapping: str) -> None:
    plain, secret = SECRETS[name]
    text = WRAPPINGS[wrapping](plain)
    found = [f for f in scan(text) if f.tier <= 2]
    assert sum(f.end - f.start for f in found) >= 0.8 * len(secret)
    assert len(_left(text, secret)) <= len(secret) // 40, text


@pytest.mark.parametrize("wrapping", ENCODED)
@pytest.mark.parametrize("name", SECRETS)
def test_an_encoded_secret_is_covered(name: str, wrapping: str) -> None:
    plain, secret = SECRETS[name]
    text = ENCODED[wrapping](plain)
    assert sum(f.end - f.start for f in scan(text) if f.tier <= 2) >= 1.2 * len(secret)


@pytest.mark.parametrize("before", ["𝒳é", "e\u0301\u0302 ", "\ud800 ", "\r\n", "\0\0", "漢字\u200b", "\ufeff", "İ" * 9])
def test_offsets_are_code_points(before: str) -> None:
    token = SECRETS["github"][1]
    for wrapped, start, end in (
        (f"{before} {token} {before}", len(before) + 1, len(before) + 1 + 40),
        (f'{before}\\"{token}\\"', len(before) + 2, len(before) + 42),
        (f"{before}\x1b[1m{token[:9]}\x1b[0m{token[9:]}", len(before) + 4, len(before) + 48),
        (f"{before} a%20{token}%20b", len(before) + 5, len(before) + 45),
        (f"{before}\\n{token}\\n", len(before) + 2, len(before) + 42),
    ):
        spans = [(f.start, f.end) for f in scan(wrapped) if f.tier == 1]
        assert spans == [(start, end)], (wrapped, spans)


def test_a_decoded_place_near_the_beginning_is_looked_at() -> None:
    """Far from the next one, within the first hundred code points."""
    token = SECRETS["github"][1]
    text = f"\\n{token} and " + "words go on here " * 40 + "\\n"
    assert [(f.start, f.end) for f in scan(text) if f.tier == 1] == [(2, 42)]


def test_texts_scanned_together_are_parted() -> None:
    torn = SECRETS["torn"][0].rstrip("\n")
    alone = [[(f.start, f.end, f.rule) for f in scan(text)] for text in (torn, "token", torn)]
    assert [[(f.start, f.end, f.rule) for f in found] for found in scan_many([torn, "token", torn])] == alone
    assert alone[0][0][:2] == (0, len(torn))


def test_nothing_is_found_inside_random_data() -> None:
    rng = random.Random(5)
    data = base64.b64encode(rng.randbytes(120_000)).decode()
    assert [(f.start, f.end, f.tier) for f in scan(data)] == [(0, len(data.rstrip("=")), 3)]
    lines = "\n".join(textwrap.wrap(data, 76))
    assert {f.tier for f in scan(lines)} == {3}
    assert len(scan(lines)) < 10
    sums = "\n".join(f"example.org/x v1.{n}.0 h1:{_b64_of(rng)}=" for n in range(400))
    assert [f for f in scan(sums) if f.tier <= 2] == []
    locks = "\n".join(f'"integrity": "sha512-{_b64_of(rng)}{_b64_of(rng)}==",' for n in range(400))
    assert scan(locks) == []


def _b64_of(rng: random.Random) -> str:
    return "".join(rng.choices(BASE64, k=43))


def test_a_key_before_and_behind_random_data_is_still_found() -> None:
    data = base64.b64encode(random.Random(6).randbytes(3_000)).decode()
    token = SECRETS["github"][1]
    for text in (f"{token} {data}", f"{data}\n{token}", f"{data} {token}", f'{{"image":"{data}","t":"{token}"}}'):
        assert [text[f.start : f.end] for f in scan(text) if f.tier == 1] == [token]


def test_random_strings_are_told_from_words() -> None:
    data = base64.b64encode(random.Random(8).randbytes(90)).decode()
    for words in (
        "a" * 80,
        "/usr/lib/python3/distpackages/somemodule/another/and/one/more/that/is/long",
        "getTheNameOfTheUserFromTheDatabaseOrTheCacheIfItIsThere",
    ):
        assert opaque_spans(words, words.encode()) == []
    (span,) = opaque_spans(f"see {data} there", f"see {data} there".encode())
    assert (span.start, span.end) == (4, 4 + len(data.rstrip("=")))


def test_runs() -> None:
    raw = b"ab " + b"x" * 16 + b"/" + b"y" * 15 + b" " + b"z" * 20
    assert [*runs(raw, TOKEN, 16)] == [(3, 19), (36, 56)]
    assert [*runs(b"", TOKEN, 16)] == []


def test_settling_keeps_the_surest_and_longest() -> None:
    def one(start: int, end: int, tier: int, view: str = "plain") -> Finding:
        return Finding(start, end, "k", "r", tier, view)

    found = [
        one(0, 9, 2),
        one(2, 5, 1),
        one(3, 4, 2),
        one(8, 12, 2),
        one(8, 12, 2, "json"),
        one(20, 22, 3),
        one(20, 30, 2),
    ]
    kept = settle(found)
    assert [(f.start, f.end, f.tier) for f in kept] == [(0, 9, 2), (2, 5, 1), (8, 12, 2), (20, 30, 2)]
    assert all(f.view == "plain" for f in kept)
    assert settle(reversed(found)) == kept


def test_eight_threads_find_what_one_does() -> None:
    texts = [wrap(text) for text, _ in SECRETS.values() for wrap in [*WRAPPINGS.values()][::3]]
    alone = [scan(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for again in pool.map(lambda _: [scan(text) for text in texts], range(8)):
            assert again == alone


def test_no_file_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    scan("warm up: password = 'x'")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file")

    texts = [wrap(text) for text, _ in SECRETS.values() for wrap in WRAPPINGS.values()]
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    for text in texts:
        scan(text)


def test_views_give_back_where_they_came_from() -> None:
    text = (
        '{"a": "x\\ny \\u00e9 \x1b[1mq\x1b[0m %41%42 &lt;b&gt; ' + _b64("some words in here, and more of them") + '"}'
    )
    for view in views_of(text):
        for at in range(len(view.text)):
            low, high = view.origin(at, at + 1)
            assert 0 <= low < high <= len(text)
            if view.name in ("json", "ansi", "percent", "html") and high - low == 1:
                assert view.text[at] == text[low]
    view = DecodedView("x", "a--b-c", DecodedView("plain", "a--b-c", None), [(1, 3, "+"), (4, 5, "")])
    assert view.text == "a+bc"
    assert [view.origin(at, at + 1) for at in range(4)] == [(0, 1), (1, 3), (3, 4), (5, 6)]
    assert view.crosses(0, 2)
    assert not view.crosses(0, 1)
    assert [*view.windows()] == [(0, 4)]
