"""The keyword and assignment tier: a name that says secret, something that assigns, and a value that can be one.

It finds what no provider's format tells: ``DB_PASSWORD=hunter2``, ``"clientSecret": "…"``, ``adafruit token: …``.
Names are read as words (``apiKey``, ``API_KEY``, ``api-key``); values are refused when they are code, a placeholder, a
reference to somewhere else, or harmless by shape.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from tracetui.redact.entropy import bits, harmless_shape, is_hex, looks_random

__all__ = ["KEYWORDS", "Named", "named_at"]

KEYWORDS: Final = (
    "passw", "passphrase", "pwd", "secret", "token", "key", "auth", "cred", "bearer", "pass", "salt", "dsn", "pin",
    "license", "webhook", "signing", "seed", "psk", "otp", "client_id", "clientid", "access", "private", "apikey",
    "account_sid", "app_id", "appid", "connectionstring", "connection_string",
)  # fmt: skip
"""Lower-case parts of names; they feed the automaton that finds where to look."""

_STRONG: Final = frozenset(
    """
    password passwd passphrase pwd pass passcode pw psk secret secrets passwort dbpass dbpassword userpass
    rootpass mypass
    """.split()
)
_MEDIUM: Final = frozenset(
    """
    token tokens apikey apikeys apitoken authtoken accesstoken accesskey secretkey privatekey authkey credential
    credentials creds cred bearer auth authorization signing webhook dsn license licence salt seed otp key keys
    pin connectionstring clientsecret appsecret refreshtoken sessiontoken idtoken bottoken appkey masterkey
    sharedkey
    """.split()
)
_QUALIFIES: Final = frozenset(
    """
    api access auth secret private client account service admin master encryption encrypt signing sign license
    app application webhook shared storage session user oauth consumer write read ingest integration
    subscription server sdk deploy project org organization team bot personal refresh bearer jwt hmac aes ssh
    gpg rsa db database root cookie crypt cipher login smtp mail sms push map maps search insert query rest
    browser live prod production test sandbox dev staging security primary secondary partner merchant
    publishable
    """.split()
)
_HARMLESS: Final = frozenset(
    """
    public pub foreign sort partition cache cached hash object row col column index idx map dict lookup hot
    shortcut keyboard press next prev previous parent child group tag label json yaml xml field attr attribute
    property prop react element item list enum max min count total num number limit input output prompt
    completion cached usage used type types name names file path dir url uri format length len size expires
    expiry expiration expired ttl age id ids bindings binding map maps sorted unique composite natural storage
    routing dedupe dedup idempotency row sha commit checksum digest etag version policy required require enabled
    disabled hint help desc description error message reset forgot change update rule rules manager provider
    service handler helper util class test page form screen placeholder example sample masked count budget
    bucket window stop special end start eos bos pad unk mask separator last first signature signatures
    fingerprint
    """.split()
)
_SPLIT = r"[A-Z]+(?:[A-Z][a-z]|$)|[A-Z]?[a-z]+|[A-Z]+|\d+"

_PLACEHOLDER_WORDS: Final = (
    "example", "changeme", "change_me", "change-me", "placeholder", "redacted", "your_", "your-", "yourapi", "<your",
    "dummy", "insert", "replace", "todo", "fixme", "xxxx", "****", "....", "----", "____", "foobar", "lorem", "sample",
    "not-a-real", "notreal", "fake", "mock", "goes_here", "goes-here", "goeshere", "here>", "my_secret", "my-secret",
    "mysecret", "my_password", "mypassword", "my-password", "mytoken", "my_token", "my-token", "myapikey", "my_api_key",
    "my-api-key", "secret_key_here", "‹",
)  # fmt: skip
_WORDS: Final = frozenset(
    """
    none null nil true false undefined nan yes no on off string str bytes int integer number bool boolean object
    any void self this super get set new await async return function const let var def class import from export
    default optional required required, required. missing invalid unknown empty set unset disabled enabled here
    there hidden secret password passwd token key apikey api_key credentials auth bearer basic user username
    admin root test value values name text json type field input output env environment config settings options
    params args
    """.split()
)


class Named(NamedTuple):
    """A value that a name gives away: its span in the text, and how sure the name is."""

    start: int
    end: int
    kind: str
    why: str


@cache
def _patterns() -> tuple[Any, Any, Any, Any]:
    import re2

    tail = re2.compile(
        r"(?s)^[\w.\-]{0,40}[\"'`\])\\>]{0,6}(?:\s?\[[^\]\n]{0,30}\])?[ \t]{0,16}"
        r"(?:(:=|=>|->|={1,3}|:{1,2}|\|{1,2}|,|\bis\b|\bwas\b|\bto\b|\bof\b)[ \t]{0,16}(?:\n[ \t]{0,16})?|[ \t]{1,8}|[\"'`]\)[ \t]{0,4})"
        r"(?:(?:Some|String|str|bytes|SecretStr|Secret|b64decode|new\s\w+)\()?(?:[brfuLR@$]{0,2})(\\{0,3}[\"'`]{1,3})?"
    )
    bare = re2.compile(r"^[^\s\"'`,;<>(){}\[\]|\\]+")
    words = re2.compile(_SPLIT)
    reference = re2.compile(
        r"^(?:\$[\w({]|%\w|\{\{|<|\(|\[|@|&|\*+$|#\{|\w+\(|(?:os|process|env|config|settings|self|this|secrets|vars|var|local|data|"
        r"module|ctx|context|request|req|res|response|props|state|options|opts|args|params|cfg|conf|input|inputs|github|steps)\.\w"
        r"|[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+\(?$|https?://|s?ftp://|file:|/[\w.-]+/|\./|\.\./|~/|[A-Za-z]:\\)"
    )
    return tail, bare, words, reference


def _words_of(name: str) -> list[str]:
    return [word.lower() for word in _patterns()[2].findall(name)]


def _strength(name: str) -> tuple[int, str]:
    """(0 says nothing, 1 medium, 2 strong; the kind) of a name."""
    words = _words_of(name)
    if not words:
        return 0, ""
    whole = "".join(words)
    last = words[-1]
    tail = words[-3:]
    joined = {last, "".join(words[-2:]), whole}
    if last in _HARMLESS and not (last == "id" and "client" in words):
        return 0, ""
    if joined & _STRONG or any(word in _STRONG for word in tail):
        return 2, "password" if any(w.startswith("pass") or w in {"pwd", "pw", "psk"} for w in tail) else "secret"
    if last in {"key", "keys"}:
        before = words[:-1]
        if any(word in _HARMLESS for word in before[-1:]) and not any(
            word in _QUALIFIES - _HARMLESS for word in before
        ):
            return 0, ""
        return (1, "api-key") if before else (0, "api-key")
    if last in _MEDIUM or joined & _MEDIUM:
        if any(word in {"count", "max", "input", "output", "total", "prompt", "csrf"} for word in words[:-1]):
            return 0, ""
        return 1, "token" if "token" in whole else "credential"
    if any(word in _MEDIUM for word in tail) and not any(word in _HARMLESS for word in words[words.index(tail[0]) :]):
        return 1, "credential"
    return 0, ""


def _placeholder(value: str) -> bool:
    low = value.lower()
    if low in _WORDS or any(word in low for word in _PLACEHOLDER_WORDS):
        return True
    kinds = len(set(low))
    return kinds <= 2 or (kinds <= 4 and len(value) >= 12) or low.startswith(("1234567", "abcdef", "0123456"))


def _accepts(value: str, strength: int, *, quoted: bool, assigned: bool, env: bool) -> bool:
    """Whether a value behind such a name can be a secret."""
    size = len(value)
    if size < 4 or size > 600 or _placeholder(value) or harmless_shape(value) or _patterns()[3].search(value):
        return False
    if " " in value and (strength < 2 or value.count(" ") > 3):
        return False
    digits = any(c.isdigit() for c in value)
    if strength == 2 and assigned:
        if not (quoted or env):
            return size >= 6 and (digits or any(c in "!@#$%^&*?+=" for c in value)) and "_" not in value
        if value.isalpha() and (value.islower() or value.istitle()):
            return (env and size >= 8) or (quoted and size >= 10 and looks_random(value))
        return size >= 5 and (
            digits or not value.replace("_", "").replace("-", "").replace(".", "").isalpha() or size >= 16
        )
    if size < 10:
        return False
    if value.isdigit():
        return False
    if is_hex(value):
        return size >= 16 and digits and bits(value) >= 2.8
    return looks_random(value) or (assigned and size >= 20 and digits and bits(value) >= 3.4)


def named_at(text: str, start: int, end: int) -> Named | None:
    """What stands behind the keyword at ``[start, end)`` of ``text``, if it is a secret."""
    tail, bare, _, _ = _patterns()
    low = max(0, start - 48)
    left = start
    while left > low and (text[left - 1].isalnum() or text[left - 1] in "_-.$"):
        left -= 1
    right = end
    limit = min(len(text), end + 40)
    while right < limit and (text[right].isalnum() or text[right] in "_-"):
        right += 1
    name = text[left:right].strip("-.$")
    strength, kind = _strength(name)
    # A provider's name and a keyword as two words: "datadog api key", "API Key for Foo".
    if strength == 0 and kind:
        before = text[max(0, left - 24) : left].rstrip(" \t-_").lower()
        if before.endswith(tuple(_QUALIFIES)):
            strength = 1
    if strength == 0:
        return None
    slice_ = text[right : right + 700]
    match = tail.match(slice_)
    if match is None:
        return None
    separator, quote = match.group(1), match.group(2)
    at = match.end()
    if quote:
        close = slice_.find(quote, at)
        if close < 0:
            # A quote that the text was cut behind; the value runs to the end of its line.
            close = slice_.find("\n", at)
            close = len(slice_) if close < 0 else close
        value = slice_[at:close]
    else:
        found = bare.match(slice_[at:])
        if found is None:
            return None
        value = found.group().rstrip(".,;:!?")
    if "\n" in value:
        return None
    assigned = separator not in (None, "is", "was", "to", "of", ",")
    env = separator == "=" and (left == 0 or text[left - 1] in "\n\r \t;\"'") and name.upper() == name
    if separator in ("==", "==="):
        env = False
    for prefix in ("Bearer ", "bearer ", "Basic ", "Token ", "token "):
        if value.startswith(prefix):
            at += len(prefix)
            value = value[len(prefix) :]
    if not _accepts(value, strength, quoted=bool(quote), assigned=assigned, env=env):
        return None
    begin = right + at
    return Named(begin, begin + len(value), kind or "secret", f"value of {name[-40:]}")
