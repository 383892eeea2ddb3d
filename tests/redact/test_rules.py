"""Every rule: one made-up text that it must find, one like it that it must leave."""

from __future__ import annotations

import random
import re

import pytest
from samples import sample

from tracetui.redact import scan
from tracetui.redact.formats import SUBJECTS, bare_formats, formats
from tracetui.redact.tables import table

FOUND = [(rule, pattern, words, prefix) for rule, _, words, pattern, prefix in formats()]


def test_there_are_formats_of_two_hundred_providers_and_more() -> None:
    assert len({kind for _, kind, *_ in formats()}) >= 140
    assert len(formats()) + len(bare_formats()) >= 230


@pytest.mark.parametrize(("rule", "pattern", "words", "prefix"), FOUND, ids=[row[0] for row in FOUND])
def test_a_format_is_found_whole_and_a_placeholder_of_it_is_not(
    rule: str, pattern: str, words: tuple[str, ...], prefix: str
) -> None:
    rng = random.Random(rule)
    for attempt in range(40):
        match = re.search(pattern, text := sample(pattern, rng))
        if match is None or len(set(match.group(1))) < 10:
            continue
        context = "" if any(word in text.lower() for word in words) else f"{words[0]} "
        written = f"see {context}{text} there"
        found = scan(written)
        start = written.find(match.group(1))
        spans = [f for f in found if f.tier == 1 and f.start <= start and f.end >= start + len(match.group(1))]
        if spans or attempt > 20:
            assert spans, (written, found)
            break
    else:
        raise AssertionError("no sample")
    # The same with the body spelled out as x: what documentation writes.
    value = match.group(1)
    head = len(prefix) if prefix else 0
    dummy = f"see {context}{value[:head]}{'x' * (len(value) - head)} there"
    assert not [f for f in scan(dummy) if f.tier == 1 and f.rule == rule]


@pytest.mark.parametrize(("rule", "pattern"), [(rule, pattern) for rule, _, _, pattern in bare_formats()])
def test_a_format_without_a_keyword_is_found(rule: str, pattern: str) -> None:
    rng = random.Random(rule)
    value = sample(pattern, rng)
    assert any(f.rule == rule and f.start == 4 for f in scan(f"see {value} now"))
    assert not any(f.rule == rule for f in scan(f"see {value[:-20]} now"))


S = "q7Rk2mX9vB4nL8wZ1tY6"  # made up
HEXED = "9f3c1e7ab2d84056c1f7e93b0a6d2c85"
STRUCTURES = {
    "url-password": (f"postgres://svc:{S}@db.acme.dev/x", S, "postgres://svc:password@db.acme.dev/x"),
    "url-user-token": (f"https://{S}{S}@git.acme.dev/r.git", S + S, "https://git.acme.dev/r.git"),
    "authorization": (f"Authorization: Basic {S}==", S, "Authorization: Bearer <token>"),
    "bearer": (f"sent bearer {S}", S, "bearer tokens are required here"),
    "secret-header": (f"X-Api-Key: {S}", S, "X-Api-Key: YOUR_KEY_HERE"),
    "cookie": (f"Cookie: theme=dark; sid={S}{S}", S + S, "Cookie: theme=dark; lang=en"),
    "netrc": (f"machine h.acme.dev login bob password {S}", S, "machine learning login password"),
    "curl-user": (f"curl -u bob:{S} https://h.acme.dev", S, "curl -u bob https://h.acme.dev"),
    "curl-user-token": (f"curl -u {S}: https://h.acme.dev", S, "curl -u admin: https://h.acme.dev"),
    "sql-password": (f"CREATE USER b IDENTIFIED BY '{S}';", S, "CREATE USER b IDENTIFIED BY 'password';"),
    "secure-string": (f'ConvertTo-SecureString "{S}" -AsPlainText', S, "ConvertTo-SecureString $pw -AsPlainText"),
    "net-user": (f"net user bob {S} /add", S, "net user bob /delete"),
    "ldap-password": (f"ldapsearch -D cn=x -w {S}", S, "ldapsearch -D cn=x -W"),
    "sudo-password": (f"echo {S} | sudo -S ls", S, "echo $PW | sudo -S ls"),
    "redis-config": (f"requirepass {S}", S, "# requirepass foobared"),
    "basic-credentials": (f'requests.get(u, auth=("bob", "{S}"))', S, 'requests.get(u, auth=("user", "pass"))'),
    "basic-pair": (f'"basicAuth": "bob:{S}"', S, '"basicAuth": "user:password"'),
    "age-identity": ("AGE-SECRET-" + "KEY-1" + S.upper() * 3, S.upper(), "AGE-SECRET-" + "KEY-1..."),
    "private-key-body": ("x b3BlbnNzaC1rZXktdjEA" + S * 6, S * 6, "x b3BlbnNzaC1rZXktdjEA"),
    "option-password": (f"createdb --password {S}", S, "createdb --password --host x"),
    "mysql-password": (f"mysql -ubob -p{S} shop", S, "mysql -ubob -P3306 --protocol tcp"),
    "sshpass": (f"sshpass -p {S} ssh h", S, "sshpass -e ssh h"),
    "login-password": (f"docker login -u bob -p {S} r.acme.dev", S, "docker login --password-stdin"),
    "redis-password": (f"redis-cli -h h -a {S} ping", S, "redis-cli -h h ping"),
    "openssl-pass": (f"openssl rsa -passin pass:{S}", S, "openssl rsa -passin env:PW"),
    "presigned-credential": (
        "https://b.acme.dev/o?X-Goog-Credential=qzorb-Zk3xW9bQ%40acme.iam%2F20261120%2Fauto%2Fstorage",
        "qzorb-Zk3xW9bQ%40acme.iam", "X-Amz-Credential=a%2F20261120",
    ),
    "terraform-random": (
        '{"type": "random_password", "instances": [{"attributes": {"id": "none", "result": "k!dW8#qa2"}}]}',
        "k!dW8#qa2", '{"type": "random_pet", "result": "k!dW8#qa2"}',
    ),
    "presigned-url": (f"https://b.acme.dev/o?X-Amz-Signature={HEXED}{HEXED}", HEXED + HEXED, "X-Amz-Date=20260101"),
    "signed-url": (f"https://b.acme.dev/o?se=1&sig={S}{S}%3D", S + S, "https://b.acme.dev/o?sig=1"),
    "query-token": (f"https://h.acme.dev/?access_token={S}", S, "https://h.acme.dev/?token=abc"),
    "connection-password": (f"Server=h;User Id=sa;Password={S};", S, "Server=h;Password=;"),
    "db-connect": (f'mysqli_connect("h", "bob", "{S}", "shop")', S, 'mysqli_connect("h", "bob", "password")'),
    "dsn-password": (f'connect("host=h user=bob password={S} dbname=x")', S, "login(user=user, password=password)"),
    "device-password": (f"enable secret {S}", S, "snmp-server community public"),
    "tool-password": (f"sqlcmd -S h -U sa -P {S} -Q 'select 1'", S, "sqlcmd -S h -E"),
    "truenas-key": (f'login_with_api_key", "params":["8-{S}{S}{S}q7Rk"]', S, 'login_with_api_key", "params":[key]'),
    "login-pair": (f"ID/PW: bob/{S}", S, "the user/password pair is missing"),
    "directory-entry": (f'new DirectoryEntry("LDAP://h", "bob", "{S}")', S, 'new DirectoryEntry("LDAP://h", user, pw)'),
    "getenv-default": (f'os.getenv("DB_PASSWORD", "{S}")', S, 'os.getenv("DB_PASSWORD", "")'),
    "ssh-password": (f"plink h.acme.dev -pw {S}", S, "ssh -p 2222 h.acme.dev"),
    "host-login": (f"bob@h.acme.dev (pw:{S})", S, "sign in (password: required)"),
    "jwt": (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + S + S,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + S + S,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..",
    ),
    "docker-auth": ('{"auths": {"r": {"auth": "' + S + '="}}}', S, '{"auth": "required"}'),
    "password-hash": ("x $2b$12$" + (S * 3)[:53], (S * 3)[:53], "x $2b$12$short"),
    "pgpass": (f"h.acme.dev:5432:shop:bob:{S}", S, "h.acme.dev:5432 is up"),
    "putty-key": ("Private-Lines: 2\n" + (S * 4)[:64] + "\n" + (S * 4)[4:60], (S * 4)[4:60], "Private-Lines: 2\n"),
    "seed-phrase": (
        'mnemonic = "' + " ".join(["ladder", "orbit", "velvet", "canyon"] * 3) + '"',
        "ladder orbit velvet canyon ladder orbit velvet canyon ladder orbit velvet canyon",
        "mnemonic = load_words()",
    ),
}  # fmt: skip


def test_the_example_of_a_structure_is_found_and_the_harmless_one_is_not() -> None:
    for row in table("structures")["structure"]:
        example = row["example"].replace("{S}", S).replace("{H}", HEXED).replace("{U}", S.upper())
        assert row["source"]
        assert [f for f in scan(example) if f.tier <= 2], example
        assert not [f for f in scan(row["harmless"]) if f.tier <= 2], row


def test_the_example_of_a_format_is_found_and_no_piece_of_it() -> None:
    rows = [row for name in SUBJECTS for row in table(f"formats_{name}")["format"]]
    for row in rows + table("formats_bare")["everywhere"]:
        found = [f for f in scan(f"see {''.join(row['example'])} there") if f.tier == 1]
        assert found, row
        assert row["source"]
        assert all(not [f for f in scan(piece) if f.tier == 1] for piece in row["example"]), row


@pytest.mark.parametrize("rule", STRUCTURES)
def test_a_structure_is_found_and_what_only_looks_like_it_is_not(rule: str) -> None:
    text, secret, harmless = STRUCTURES[rule]
    at = text.find(secret)
    assert any(f.tier <= 2 and f.start <= at and f.end >= at + len(secret) for f in scan(text)), scan(text)
    assert not [f for f in scan(harmless) if f.tier <= 2]


KEY = "\n".join((S * 4)[i : i + 64] for i in range(6)) + "\n" + S + "=="
HEAD, FOOT = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"


@pytest.mark.parametrize(
    "write",
    [
        lambda k: f"{HEAD}\n{k}\n{FOOT}",
        lambda k: f"{HEAD}\r\n" + k.replace("\n", "\r\n") + f"\r\n{FOOT}",
        lambda k: "KEY=" + f"{HEAD}\n{k}\n{FOOT}".replace("\n", "\\n"),
        lambda k: f"{HEAD}\n{k}\n{FOOT}".replace("\n", "\\\\n"),
        lambda k: "\n".join(f"{n:6}→{line}" for n, line in enumerate(f"{HEAD}\n{k}\n{FOOT}".split("\n"), 1)),
        lambda k: "\n".join(f"+{line}" for line in f"{HEAD}\n{k}\n{FOOT}".split("\n")),
        lambda k: "\n".join(f"id_rsa:{n}:{line}" for n, line in enumerate(f"{HEAD}\n{k}\n{FOOT}".split("\n"), 1)),
        lambda k: "\n".join(f"    {line}" for line in f"{HEAD}\n{k}\n{FOOT}".split("\n")),
        lambda k: "\n".join(f'"{line}\\n" +' for line in f"{HEAD}\n{k}\n{FOOT}".split("\n")),
        lambda k: f"{HEAD}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB12\n\n{k}\n{FOOT}",
        lambda k: f"{HEAD}\n{k}\n",
        lambda k: f"{HEAD}\n{k}\n[output cut]",
        lambda k: f"{HEAD}\n" + k[:150],
    ],
    ids="plain crlf escaped twice numbered diff grep indented quoted encrypted torn cut short".split(),
)
def test_private_keys_are_found_whole(write) -> None:  # type: ignore[no-untyped-def]
    text = write(KEY)
    found = [f for f in scan(text) if f.kind == "private-key"]
    marks = bytearray(len(text))
    for f in found:
        marks[f.start : f.end] = b"\1" * (f.end - f.start)
    for line in KEY.split("\n"):
        at = text.find(line)
        if at >= 0:
            assert all(marks[at : at + len(line)]), (line, found)


def test_talk_about_private_keys_is_left() -> None:
    for text in (
        f'if "{HEAD}" in text: raise ValueError',
        f"{HEAD}\n...\n{FOOT}",
        f"{HEAD}\nYOUR KEY HERE\n{FOOT}",
        f"starts with {HEAD} and ends with {FOOT}, see the manual",
    ):
        assert not [f for f in scan(text) if f.tier <= 2], text
