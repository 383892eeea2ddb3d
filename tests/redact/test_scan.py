"""Detection as a whole: recall over styles, alphabets and wrappings, and what harmless text must not be flagged."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import vectors as v
from hypothesis import given, settings
from hypothesis import strategies as st

from tracetui.redact import scan
from tracetui.redact.scanner import scan_many
from tracetui.redact.text_decoders import views_of

PROVIDERS = list(v.provider_vectors(each=5))


def _hit(vector: v.Vector) -> bool:
    assert vector.secret is not None
    return v.covered(vector.text, vector.secret, [(f.start, f.end) for f in scan(vector.text) if f.tier <= 2]) >= 0.9


def test_secrets_behind_names_are_found_in_all_styles() -> None:
    missed = [vector for vector in PROVIDERS if not _hit(vector)]
    assert len(missed) <= 0.03 * len(PROVIDERS), [m.text for m in missed]


@pytest.mark.parametrize("style", v.STYLES)
def test_every_style_is_known(style: str) -> None:
    """No way of writing is missed wholly, whatever the share of all."""
    cases = [vector for vector in PROVIDERS if vector.style.split("/")[0] == style]
    assert sum(map(_hit, cases)) >= len(cases) - 1


def test_passwords_are_found() -> None:
    cases = list(v.password_vectors())
    missed = [vector for vector in cases if not _hit(vector)]
    assert len(missed) <= 0.03 * len(cases), [m.text for m in missed]


def test_passwords_that_are_words_are_found() -> None:
    cases = list(v.word_vectors())
    missed = [vector for vector in cases if not _hit(vector)]
    assert len(missed) <= 0.03 * len(cases), [m.text for m in missed]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('secret = "q8Zx2" + "vLm4a" + "Z9pQ1kk"', ["q8Zx2", "vLm4a", "Z9pQ1kk"]),
        ('api_key = ("q8Zx2vLm4a"\n           "Z9pQ1kkT7")', ["q8Zx2vLm4a", "Z9pQ1kkT7"]),
        ("$password = 'q8Zx' . 'vLm4';", ["q8Zx", "vLm4"]),
        ('token = "q8Zx2vLm4aZ9pQ1kk"\nname = "svc"', ["q8Zx2vLm4aZ9pQ1kk"]),
    ],
)
def test_a_secret_in_pieces_is_found_in_all_of_them(text: str, parts: list[str]) -> None:
    assert [text[f.start : f.end] for f in scan(text) if f.tier <= 2] == parts


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_settings_one_below_the_other_are_not_joined(end: str) -> None:
    """A joined value takes the next line's name into its core, and then that name counts as a piece that is left."""
    github, npm = "gh" + "o_wEkIhXZUpRP9HBvLfhY6jHQxQtcNnSs6QyQ2", "2e5e2ab29955b-73647f0bbe4229cf-dd24a"
    sendgrid = "SG." + "zKsbVRJN9wVGFYGW2WmQzC.udiH7YFjS1odkQ2v8sJx0aPl4mTn6RbEcWgUyZiK1pL"
    for lines in (
        [f"SENDGRID_API_KEY={sendgrid}", "JWT_SECRET='rpEmoKiuPKdYR7osjOrU1xxDO0CzUZRE'", "PORT=80"],
        [f"//npm.acme.dev/:_authToken={npm}", f"//registry.acme.dev/:_authToken={npm[::-1]}", "x=1"],
        [f"  - Token: {github}", "  - Token scopes: 'gist', 'read:org', 'repo'"],
        ["  token: Zk3xW9bQvT7mLr2sYd8NZk3xW9bQv", "  url_of_service: 8080"],
    ):
        text = end.join(lines) + end
        found = [text[f.start : f.end] for f in scan(text) if f.tier <= 2]
        assert found
        assert not [value for value in found if "\n" in value]


def test_a_value_of_an_env_file_is_taken_whole() -> None:
    secret = "django-insecure-b_ob@y6ShRf-&h+2+zucR$@LGOTU2Ixw7^g(BO&i"
    text = f"A=1\nDJANGO_SECRET_KEY={secret}\r\nB=2\n"
    assert [text[f.start : f.end] for f in scan(text)] == [secret]
    for code in ("SECRET_KEY=foo(bar)&x[1]\n", "API_KEY=${X:-1}&&{foo,bar}1\n", "TOKEN=$(cat,a|b;c)1\n"):
        assert not scan(code)
    query = "API_KEY=abcD82kd92ks01ks92&user=3\n"
    assert [query[f.start : f.end] for f in scan(query)] == ["abcD82kd92ks01ks92"]


def test_cells_below_a_heading_are_read_and_those_beside_it_are_not() -> None:
    text = "name,password,note\nbob,q8Zx2vLm4,x1\nal,zT7!kkwd9,x2\n\nname,count\nzT7!kkwd0,3\n"
    assert [text[f.start : f.end] for f in scan(text) if f.tier <= 2] == ["q8Zx2vLm4", "zT7!kkwd9"]


@pytest.mark.parametrize("wrapping", v.WRAPPINGS)
def test_wrapped_secrets_are_found_as_plain_ones(wrapping: str) -> None:
    lost = []
    cases = PROVIDERS[::4]
    for vector in cases:
        if not _hit(vector):
            continue
        assert vector.secret is not None
        text = v.WRAPPINGS[wrapping](vector.text)
        found = sum(f.end - f.start for f in scan(text) if f.tier <= 2)
        if found < 0.9 * len(vector.secret):
            lost.append(text)
    assert len(lost) <= 0.02 * len(cases), lost


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_line_that_fills_the_terminal_may_be_broken_in_any_word(columns: int) -> None:
    secret = "Zk3vQ8xT1nRw7LpY5cJd2"
    line = f'adafruit_api_token = "{secret}"'
    for at in range(2, len(line) - 2):
        text = "w" * (columns - at - 1) + " " + line[:at] + "\n" + line[at:] + "\n"
        marked = "".join(text[f.start : f.end] for f in scan(text) if f.tier <= 2)
        assert marked.replace("\n", "") == secret, (at, text)


def test_harmless_structure_is_never_flagged() -> None:
    for vector in v.structural():
        assert not [f for f in scan(vector.text) if f.tier <= 2], vector


@pytest.mark.parametrize("wrapping", ["json", "json-twice", "record", "numbered", "diff", "url"])
def test_harmless_structure_is_not_flagged_when_wrapped(wrapping: str) -> None:
    for vector in list(v.structural())[:48]:
        text = v.WRAPPINGS[wrapping](vector.text)
        assert not [f for f in scan(text) if f.tier <= 2], text


def test_harmless_texts_are_hardly_flagged() -> None:
    flagged = [t for t in v.HARMLESS if [f for f in scan(t) if f.tier <= 2]]
    assert len(flagged) <= 0.04 * len(v.HARMLESS), flagged


def test_weak_findings_are_tier_three() -> None:
    found = scan("blob Zk3vQ8xT1nRw7LpY5cJd2HsGf9 here")
    assert [f.tier for f in found] == [3]


@pytest.mark.parametrize(
    "mark", ["# pragma: allowlist secret", "// gitleaks:allow", "# nosec", "kingfisher:ignore", "# trufflehog:ignore"]
)
def test_marks_in_the_text_change_nothing(mark: str) -> None:
    text = 'db_password = "q8Zx2!vLm4"'
    assert [(f.start, f.end) for f in scan(f"{text}  {mark}")] == [(f.start, f.end) for f in scan(text)] != []
    assert [f.start for f in scan(f"{mark}\n{text}")] == [f.start + len(mark) + 1 for f in scan(text)]


def test_personal_data_is_proposed_and_common_names_are_not() -> None:
    text = "/home/zorblax/x and C:\\Users\\Zorblax\\x by zorb@acme-corp.io on db7.prod.internal at 192.168.7.21"
    assert {(f.kind, text[f.start : f.end]) for f in scan(text)} >= {
        ("user", "zorblax"), ("user", "Zorblax"), ("email", "zorb@acme-corp.io"), ("host", "db7.prod.internal"),
        ("address", "192.168.7.21"),
    }  # fmt: skip
    for harmless in (
        "/home/runner/work", "/Users/admin/x", "git@github.com:a/b.git", "a@example.com", "lodash@4.17.21", "10.0.0.0/8",  # noqa: E501
        "foo.internal()", "v10.2.3.4", "@decorator", "import a from '@types/node'", "call 555-0123 now", "4111111111111111",  # noqa: E501
    ):  # fmt: skip
        assert not [f for f in scan(harmless) if f.tier <= 2], harmless


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "https://b.s3.eu-west-1.amazonaws.com/x?X-Amz-Credential=AK"
            "IAKDFLEEPZHPCF2UQN%2F20261120%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261120T101112Z",
            ["AK" + "IAKDFLEEPZHPCF2UQN"],
        ),
        ("psql postgresql://a:q8Zx2vLm4@10.14.3.40/shop -c x", ["q8Zx2vLm4", "10.14.3.40"]),
        ("route add 10.14.3.64/26 via eth0", []),
        (
            '{"type": "random_password", "instances": [{"attributes": {"id": "none", "result": "k!dW8#qa2", "b": 1}}]}',
            ["k!dW8#qa2"],
        ),
        ('{"type": "random_pet", "result": "k!dW8#qa2"}', []),
        # What stands before a password is looked at where a reading is scanned near its decoded places only.
        ("index-url = https://zorb:q8Zx2vLm4Kp9wQ@pypi.acme.io/simple\n" + " " * 98 + '"a\\nb"', ["q8Zx2vLm4Kp9wQ"]),
    ],
)
def test_exactly_the_secret_part_is_proposed(text: str, values: list[str]) -> None:
    assert [text[f.start : f.end] for f in scan(text) if f.tier <= 2] == values


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("LANG=C\nHOSTNAME=zorb-x1\nTERM=xterm\n", "zorb-x1"),
        ("COMPUTERNAME=DESKTOP-Q8ZX2V\r\n", "DESKTOP-Q8ZX2V"),
        ("Linux zorbbox 6.8.0-45-generic #45-Ubuntu SMP x86_64 GNU/Linux", "zorbbox"),
        ("Darwin zorbs-mbp.local 23.4.0 Darwin Kernel Version 23.4.0", "zorbs-mbp.local"),
        ("on Zorbs-MacBook-Pro.local:", "Zorbs-MacBook-Pro.local"),
        ("host: db-prod-3.int.acme.io", "db-prod-3.int.acme.io"),
        ("https://wiki.corp.acme.com/x", "wiki.corp.acme.com"),
        ("HOSTNAME=localhost\n", None),
        ("HOSTNAME=4f5c1a2b3d4e\n", None),
        ("HOSTNAME=${HOST}\n", None),
        ("connect(hostname='a-b')", None),
        ("import sun.internal.misc; jdk.internal.io.x()", None),
        ("const x = row.int.value", None),
        ("runs on Linux and Darwin 23.4.0", None),
        ("a MacBook Pro, a MacBook-Pro", None),
    ],
)
def test_hosts_that_machines_tell_of_themselves(text: str, host: str | None) -> None:
    found = [text[f.start : f.end] for f in scan(text) if f.tier <= 2]
    assert found == ([host] if host else [])


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_scanned(text: str) -> None:
    last = 0
    for found in scan(text):
        assert 0 <= found.start < found.end <= len(text)
        assert found.start >= last
        last = found.start
        assert found.tier in (1, 2, 3)
        assert found.kind
        assert found.rule


PIECES = st.sampled_from(
    [
        "token = ", '"password": "', "q8Zx2!vLm4", "ghp_" + "aB3dE6gH9j" * 4, "\\n", "\n", "\\\"", "\x1b[31m", "%22", "&quot;",  # noqa: E501
        "→", "é", "𝒳", "\t", "key", ":", "=", '"', "sha512-", "/home/zorblax/", "://", "@", "-----BEGIN RSA PRIVATE ",
        "KEY-----", "eyJhbGciOiJIUzI1NiJ9.", "a" * 30, "9f3c1e7ab2d84056c1f7e93b0a6d2c85", "\0", "‹x:1›", "adafruit ",
    ]
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=6))
def test_scanning_together_is_scanning_each(texts: list[str]) -> None:
    spans = [[(f.start, f.end, f.tier) for f in found] for found in scan_many(texts)]
    for text, found in zip(texts, spans):
        assert all(0 <= a < b <= len(text) for a, b, _ in found)
        alone = [(f.start, f.end, f.tier) for f in scan(text)]
        # Windows of decoded places may be cut differently; what is found plainly is found in both.
        assert {s for s in alone if s[2] == 1} <= set(found) | {s for s in alone if _decoded(text)}


def _decoded(text: str) -> bool:
    return bool(views_of(text))


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_views_lead_back_to_the_text(text: str) -> None:
    for view in views_of(text):
        size = len(view.text)
        last = 0
        for at in range(0, size, 3):
            low, high = view.origin(at, min(size, at + 1))
            assert 0 <= low < high <= len(text)
            assert low >= last or view.name.count("+")
            last = low


def test_wide_and_combining_text_keeps_offsets() -> None:
    text = "𝒳é→" * 40 + ' password="q8Zx2!vLm4" ' + "漢字" * 30 + "İ" * 20 + " token: Zk3vQ8xT1nRw7LpY5cJd2"
    assert [text[f.start : f.end] for f in scan(text) if f.tier <= 2] == ["q8Zx2!vLm4", "Zk3vQ8xT1nRw7LpY5cJd2"]


def test_large_texts_are_scanned_to_their_end_and_across_chunks() -> None:
    secret = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xL6uR3"
    for at in (0, 262_100, 262_144 - 20, 500_000, 790_000):
        text = "word " * 160_000
        text = text[:at] + f" {secret} " + text[at:]
        assert [(f.start, f.end) for f in scan(text)] == [(at + 1, at + 1 + len(secret))]


HOSTILE = [
    "key" * 30_000, "key " * 30_000, '"key"' + " " * 60_000, "token=" * 10_000, "password:" + "a" * 100_000,
    "-----BEGIN RSA PRIVATE " + "KEY-----" + "A" * 100_000, ("-----BEGIN RSA PRIVATE " + "KEY-----\n") * 1_500, "\\" * 60_000,  # noqa: E501
    "%41" * 40_000, "a\n" * 60_000, "@" * 60_000, "://" * 30_000, "eyJ" * 30_000, "A" * 300_000, "[" * 60_000 + "key",
    "/home/" * 20_000, "adafruit " * 10_000, "a@b." * 20_000, "secret(" * 15_000, "-us1" * 20_000, "\x1b[" * 40_000,
    "cookie: " + "a=b; " * 20_000, "&amp;" * 20_000, "YWJj" * 30_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=[f"{text[:10]!a}" for text in HOSTILE])
def test_hostile_texts_take_bounded_work(text: str) -> None:
    """Work is counted in calls and lines, not seconds: four times the text may take five times as much."""

    def work(piece: str) -> int:
        count = 0

        def tick(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(tick)
        try:
            scan(piece)
        finally:
            sys.setprofile(None)
        return count

    scan(text[:100])
    small, large = work(text[: len(text) // 4]), work(text)
    assert large <= 6 * small + 2_000


def test_what_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracetui.redact.scanner._SECONDS_PER_CHUNK", -1.0)
    text = 'password = "q8Zx2!vLm4"\n' + "the token is here\n" * 400
    found = scan(text)
    assert [(f.end, f.tier) for f in found if f.rule == "unscanned"] == [(len(text), 1)]
    together = scan_many(["of no use", text])
    assert not together[0]
    assert any(f.rule == "unscanned" for f in together[1])


@pytest.mark.parametrize(
    "name",
    ["пароль", "Пароль", "ПАРОЛЬ", "HASŁO", "hasło", "contraseña", "CONTRASEÑA", "contrasena", "Mật khẩu", "密码"],
)
def test_names_of_other_scripts(name: str) -> None:
    text = f"{name}: Xk93!vvQz2p"
    assert ("named-value", "Xk93!vvQz2p") in {(f.rule, text[f.start : f.end]) for f in scan(text)}


def test_texts_of_one_byte_and_others_keep_their_places() -> None:
    texts = [
        text
        for nth in range(40)
        for text in (f"DB_PASSWORD=hunter2!{nth}x", f"→ APP_SECRET='q8$Tn!4mWz{nth}' …", "nothing")
    ]
    assert scan_many(texts) == [scan(text) for text in texts]
    assert all(found or text == "nothing" for text, found in zip(texts, scan_many(texts)))


@pytest.mark.parametrize(
    "text",
    [
        "token for deploys is {}", "token: str = '{}'", "token: string | None = '{}'", "token (new) = {}",
        "token = getpass('{}')", "token: Bearer {}", '"token": "abc" + "{}"', "token: '{}',", "token = {};",
        "token.set('{}')",
    ],
)  # fmt: skip
def test_a_short_look_overlooks_nothing(text: str) -> None:
    secret = "aB3dE6gH9jK2mN5pQ8sT1vW4"
    text = text.format(secret)
    assert any(text[f.start : f.end] == secret for f in scan(text) if f.tier < 3)


def test_threads_may_scan_at_once() -> None:
    texts = [vector.text for vector in PROVIDERS[:60]]
    alone = [scan(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(scan, texts)) == alone


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    for vector in PROVIDERS[:100]:
        scan(vector.text)


def test_the_entry_point_is_light() -> None:
    code = "import sys, tracetui.redact; print([m for m in ('re2', 'ahocorasick', 'detect_secrets', 'sqlite3') if m in sys.modules])"  # noqa: E501
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


def test_what_is_no_text_gives_nothing() -> None:
    assert scan("") == []
    assert scan(None) == []  # type: ignore[arg-type]
