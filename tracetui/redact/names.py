"""What a name says about the value behind it: ``dbPassword`` is a password, ``ADAFRUIT_KEY`` a key, ``cacheKey`` neither.

Names are read as words (``apiKey``, ``API_KEY``, ``api-key``, ``apikey``); words that count, describe or look things up
(``tokenCount``, ``keyName``, ``sortKey``) make them harmless.
"""  # noqa: E501

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from tracetui.redact.providers import PROVIDERS

__all__ = ["ID", "KEY", "KEYWORDS", "MEDIUM", "NOTHING", "PASSWORD", "SECRET", "Sense", "sense"]

KEYWORDS: Final = (
    "passw", "passphrase", "pwd", "secret", "token", "key", "auth", "cred", "bearer", "pass", "salt", "dsn", "license",
    "licence", "webhook", "signing", "seed", "psk", "otp", "client_id", "clientid", "client-id", "private", "appid",
    "app_id", "connectionstring", "connection_string", "accountsid", "account_sid", "passcode", "kennwort", "contrasen",
    "senha", "passwort", "mot_de_passe", "pin", "identifiant", "_pw", "pw=", "pw:", "dbpw", "hmac", "jwt", "cookie",
    "client id", "api_id", "apiid", "_pat", "-pat", "pat =", "pat=", "pat:", "(pw", "/pw", " pw(", "-pw ", "pw ", "p/w",
    "비밀번호", "비번",
    "패스워드", "암호", "密码", "密碼", "パスワード", "пароль",
    "contraseña", "mật khẩu", "parola", "wachtwoord", "hasło", "heslo",
)  # fmt: skip
"""Lower-case parts of names; they feed the automaton that finds where to look."""

NOTHING: Final = 0
ID: Final = 1
"""A client or application id: a random value counts, a UUID or number does not."""
KEY: Final = 2
"""A bare ``key``: it needs a provider or a qualifying word near it."""
MEDIUM: Final = 3
SECRET: Final = 4
PASSWORD: Final = 5


class Sense(NamedTuple):
    """How much a name says (``NOTHING`` to ``PASSWORD``), and the kind of what is behind it."""

    level: int
    kind: str


_PASSWORD: Final = frozenset(
    """
    password passwd passphrase pwd pass passcode pw psk passwort kennwort senha contrasena passwords dbpass
    dbpassword userpass rootpass mypass dbpw parola wachtwoord heslo jelszo
    """.split()
)
_SECRET: Final = frozenset("secret secrets".split())
_MEDIUM: Final = frozenset(
    """
    token tokens apikey apikeys apitoken authtoken accesstoken accesskey secretkey privatekey authkey credential
    credentials creds cred bearer auth authorization signing webhook dsn license licence salt seed otp pat
    connectionstring clientsecret appsecret refreshtoken sessiontoken idtoken bottoken appkey masterkey hmac jwt
    sharedkey licensekey encryptionkey accesskeyid sessionkey sessionsecret authentication
    """.split()
)
_ENDINGS: Final = (
    ("password", PASSWORD), ("passwd", PASSWORD), ("passphrase", PASSWORD), ("passcode", PASSWORD), ("secret", SECRET),
    ("apikey", MEDIUM), ("token", MEDIUM), ("secretkey", SECRET), ("accesskey", MEDIUM), ("authkey", MEDIUM),
    ("privatekey", SECRET), ("licensekey", MEDIUM), ("secretaccesskey", SECRET), ("credential", MEDIUM),
    ("credentials", MEDIUM), ("appkey", MEDIUM), ("userkey", MEDIUM), ("accesskeyid", MEDIUM), ("pwd", PASSWORD),
    ("webhook", MEDIUM),
)  # fmt: skip
_QUALIFIES: Final = frozenset(
    """
    api access auth secret private client account service admin master encryption encrypt signing sign license app
    application webhook shared storage session user oauth consumer write read ingest integration subscription server
    sdk deploy project org organization team bot personal refresh bearer jwt hmac aes ssh gpg rsa db database root
    cookie crypt cipher login smtp mail sms push map maps search insert query rest browser live prod production test
    sandbox dev staging security primary secondary partner merchant publishable developer dev auth0 rest global
    management read write mobile web site agent device billing payment data host hub consumer customer company
    workspace vault
    """.split()
)
_HARMLESS: Final = frozenset(
    """
    public pub foreign sort partition cache cached hash object row col column index idx map dict lookup hot shortcut
    keyboard press next prev previous parent child group tag label json yaml xml field attr attribute property prop
    react element item list enum max min count total num number limit input output prompt completion used usage type
    types name names file filename path dir url uri format len length size expires expiry expiration expired expire
    ttl age id ids bindings binding maps sorted unique composite natural routing dedupe dedup idempotency sha commit
    checksum digest etag version policy required require enabled disabled hint help desc description error errors
    message messages reset forgot change update rule rules manager provider providers handler helper util utils
    class page form screen placeholder example sample masked budget bucket window stop special end start eos bos pad
    unk mask separator first signature signatures fingerprint field fields validator validation regex pattern
    patterns header headers param params prefix suffix arn method methods mode scheme strategy source sources
    endpoint endpoints store storage callback middleware guard config configuration settings options context module
    package schema table kind status state scope scopes issuer audience flow grant position offset text title icon
    button input ref reference var variable env location role roles resource resources rotation lifetime timeout
    interval detector scanner redactor tokenizer parser estimate estimates estimated per rate cost price warning
    seconds minutes hours days bytes ms secs chars characters words invalid missing limits expire_in at on by for
    from to with recv receive
    """.split()
)
_TRAILING: Final = frozenset(
    """
    prod production dev development stage staging live test sandbox base value val string str raw plain primary
    secondary old new main default current b64 base64 hex encoded encrypted v my one two first second here e2e local
    temp tmp backup demo literal bytes decoded payload id2 ci
    """.split()
)
_FOREIGN: Final = re.compile("비밀번호|비번|패스워드|암호|密码|密碼|パスワード|пароль|contraseña|mật khẩu|hasło")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _ending(word: str) -> int:
    """What a word without inner marks ends with: ``adafruittoken``, ``mailgunkey``."""
    best = NOTHING
    for end, level in _ENDINGS:
        if word.endswith(end):
            best = max(best, level)
    if not best and word.endswith("key") and len(word) > 6:
        stem = word[:-3]
        if stem in PROVIDERS or stem in _QUALIFIES:
            best = MEDIUM
    return best


@lru_cache(16384)
def sense(name: str) -> Sense:
    """What a name says about its value."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not name.isascii() and _FOREIGN.search(name.lower()) is not None:
        return Sense(PASSWORD, "password")
    if name.lower() == "p/w":
        return Sense(PASSWORD, "password")
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _TRAILING or len(words[-1]) == 1):
        words.pop()
    if not words or len(words) > 12:
        return Sense(NOTHING, "")
    last = words[-1]
    pair = "".join(words[-2:])
    triple = "".join(words[-3:])
    if last in {"id", "sid"} and len(words) > 1:
        if pair in {"keyid", "tokenid"} and ("access" in words or "secret" in words or "private" in words):
            return Sense(MEDIUM, "key-id")
        if words[-2] in {"client", "app", "application", "account", "consumer", "api", "secret"}:
            return Sense(ID, "client-id")
        return Sense(NOTHING, "")
    if last in _HARMLESS:
        return Sense(NOTHING, "")
    if last in _PASSWORD:
        return Sense(PASSWORD, "password")
    if last in _SECRET:
        return Sense(SECRET, "secret")
    if last in {"key", "keys"}:
        before = words[:-1]
        if before and before[-1] in _HARMLESS and not any(word in _QUALIFIES - _HARMLESS for word in before[-2:-1]):
            return Sense(NOTHING, "")
        if not before:
            return Sense(KEY if last == "key" else NOTHING, "api-key")
        return Sense(SECRET if {"secret", "private"} & {*before} else MEDIUM, "api-key")
    if last == "pin":
        return Sense(MEDIUM if len(words) > 1 else NOTHING, "pin")
    if last == "session" and len(words) > 1:
        return Sense(NOTHING, "")
    if last == "access" and len(words) > 1:
        return Sense(NOTHING, "")
    if last in _MEDIUM or pair in _MEDIUM or triple in _MEDIUM:
        counted = {"count", "max", "min", "input", "output", "total", "prompt", "csrf", "completion", "num", "cached",
                   "public"}  # fmt: skip
        if counted & {*words[:-1]} or last == "tokens":
            return Sense(NOTHING, "")
        return Sense(MEDIUM, "token" if "token" in pair else "credential")
    level = _ending(last)
    if not level and len(words) > 1:
        level = _ending(pair)
    if level:
        kind = {PASSWORD: "password", SECRET: "secret"}.get(level, "token" if "token" in last else "api-key")
        return Sense(level, kind)
    # secretFoo, PASSWORD_db: the telling word stands before a word that takes nothing back.
    for word in words[-3:-1]:
        if word in _PASSWORD and word != "pass":
            return Sense(MEDIUM, "password")
        if word in _SECRET or word in {"token", "apikey"}:
            return Sense(MEDIUM, word if word != "apikey" else "api-key")
        if word == "key" and len(words) > 2 and words[words.index("key") - 1] in {"api", "secret", "access"}:
            return Sense(MEDIUM, "api-key")
    return Sense(NOTHING, "")
