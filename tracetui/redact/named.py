"""The keyword and assignment tier: a name that says secret, something that assigns, and a value that can be one.

It finds what no provider's format tells: ``DB_PASSWORD=hunter2``, ``"clientSecret": "…"``.
Values are refused when they are code, a placeholder, a reference to somewhere else, or harmless by shape.

The patterns are the standard library's, anchored where an automaton found a keyword, of bounded length and possessive
(no step back), so that each costs a bounded time.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tracetui.redact.entropy import bits, harmless_shape, is_hex, is_uuid, looks_random, wordiness
from tracetui.redact.layout import column, pieces
from tracetui.redact.names import KEY, MEDIUM, NOTHING, PASSWORD, SECRET, sense
from tracetui.redact.placeholders import KEYBOARD, placeholder

__all__ = ["ALGORITHM", "TOKENS", "Named", "keylike", "name_at", "value_behind"]


class Named(NamedTuple):
    """A value that a name gives away: its span in the text, its kind, and which name."""

    start: int
    end: int
    kind: str
    why: str


_FILLERS: Final = re.compile(
    r"(?:password|passwd|passwort|passphrase|passcode|kennwort|senha|pass|pwd|secret|token|key|user|username|name|admin"
    r"|login|log|sign|in|your|my|the|this|is|a|an|new|old|current|confirm|confirmation|repeat|reset|forgot|change|update"
    r"|enter|input|field|text|hash|hashed|plain|clear|raw|valid|invalid|wrong|bad|incorrect|correct|strong|weak|too|short"
    r"|long|min|max|length|required|missing|empty|blank|hidden|show|hide|toggle|encrypted|encoded|bcrypt|sensitive|value"
    r"|string|label|placeholder|hint|type|test|testing|example|dummy|sample|fake|default|some|any|db|database|root|email"
    r"|account|api|auth|basic|bearer|client|server|service|system|manager|provider|policy|help|error|success|failed"
    r"|credentials|credential|passed|skipped|pending|running|done|and|or|of|for|to|with|no|not|set|get|has|have|must|should|be|match|matches|mismatch)+s?"
)
_LEFT: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
_RIGHT: Final = re.compile(r"[A-Za-z0-9_-]{0,48}+")
# closers, an index, a remark in brackets, a type; an operator; what wraps the value; its opening quote
_TAIL: Final = re.compile(
    r"""
    (?:
      (?P<attr>["']\s?\{\s{0,12}+(?:default|value)\s?=\s?|["']{1,2}+\s{0,4}+(?:/>)?+,?\s{0,24}+[<\\]?["']?(?:value|val|content|default|string|secret|data)\\?["']?\s?[:=]>?\s?)
    | (?P<plist></\w{1,20}+>\s{0,40}+<\w{1,20}+>\s{0,20}+)
    | (?P<close>(?:\\{0,3}+["'`\])*_>}]){0,6}+)
      (?:\[[^\]\n]{0,30}+\])?+
      (?:[ ]{0,2}\((?!["'])[^()\n"']{0,40}+\))?+
      (?:\s{0,2}:\s{0,2}[A-Za-z&*\[][\w.<>\[\], |?&*]{0,40}?(?=\s?=[^=>]))?+
      (?:[ ](?:string|str|String|\[\]byte|char\*?|text|const)\s?(?=[=:]))?+
      [ \t]{0,24}+
      (?:
        (?P<op>\n?[ \t]{0,8}+(?::{1,3}=|\?{1,2}=|\|\|=|[.+]=|<-|=>|->|={1,3}|!==?|:{1,2}(?:[ \t]{1,4}[|>][-+]?(?=\r?\n))?)|,|\|{1,2}|\((?=\s{0,4}[\["'`brfu\\@$])|<<<?|-{1,8}(?=[ \t]))
        [ \t]{0,24}+ (?:\\?\r?\n[ \t]{0,24}+)?
      | (?P<prose>(?:for|of|in|to)\s(?:["'\w.@-]{1,24}\s){0,3}?["'\w.@-]{1,24}\s{0,2}(?:is|was|:|=|->)\s{0,2}|(?:is|was|are)(?:\s(?:now|set\sto|the|still))?[:\s]\s{0,3}|\n\s{0,8}+)
      )?+
    )
    (?P<wrap>(?:[A-Za-z_.&!]{1,28}[(\[]){0,2}+\s{0,4}+[{\[(]?)
    (?:[brfuLR@$]{1,2}+(?=\\{0,3}["'`]))?+
    (?P<quote>\\{0,3}(?:["'`]{1,3}|&quot;))?
    (?P<scheme>(?:Bearer|bearer|Basic|basic|Token|token|ApiKey|apikey|Apikey|Key|SSWS|Bot|OAuth)[ :]{1,2})?+
    """,  # noqa: E501
    re.VERBOSE,
)
# What gives no value to a name that is none of a password, told without a closer look: of no sign of a value, or with
# a word behind it that has no digit and less than the twelve letters from which one can be random.
_DULL: Final = re.compile(
    r"""
    [ ](?!(?:for|of|in|to|is|was|are|string|str|String|text|const|Bearer|bearer|Basic|basic|Token|token|ApiKey|apikey
        |Apikey|Key|SSWS|Bot|OAuth)\b)[A-Za-z]{1,11}+[.,;:]?+\s
    | \((?!["'])[^()\n"']{0,40}+\)[;)]
    | [ ]?[=:][ ]?(?!(?:Bearer|bearer|Basic|basic|Token|token|ApiKey|apikey|Apikey|Key|SSWS|Bot|OAuth)\b)
        [A-Za-z_.]{1,11}+(?:[;)]|(?=[,\s])(?![\w.<>\[\],\ |?&*]{0,44}\s?=))
    | ["']?[ ]?[:=][ ]?(["'])[A-Za-z_.-]{1,11}+\1[,;)}\]]
    | [\#%~^/]|\)[ ]?;|\.[a-z]{1,11}+[ ;,):\n]
    """,
    re.VERBOSE,
)
_BARE: Final = re.compile(r"[^\s\"'`,;<>(){}\[\]|\\&]{1,400}+")
_BARE_PASSWORD: Final = re.compile(r"[^\s\"'`<>\\]{1,200}+")
_AFTER_PASSWORD: Final = re.compile(r"[&,;][\w.-]{1,40}[=:]|[,;)}\]]+$")
_REFERENCE: Final = re.compile(
    r"\+\s?\w+[ (]|\$[\w({]|#[0-9a-fA-F]{3,8}$|%\w+%|%\(|%[sdrqv]\b|\{\{|\$\$|<|\(|\[|@\w+[.(]|&\w+|\*+$|#\{|\w+\("
    r"|(?:os|process|env|config|settings|self|this|secrets|vars|var|local|data|module|ctx|context|request|req|res|response"
    r"|props|state|options|opts|args|params|cfg|conf|input|inputs|github|steps|import)\.\w"
    r"|https?://|s?ftp://|file:|(?:\.{0,2}|~)/[\w.-]+/|[A-Za-z]:\\|arn:aws|projects/|vault:|op://|secretsmanager|ssm:"
)
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")
_SNAKE: Final = re.compile(r"[A-Za-z]{1,16}(?:[ _.:/-][A-Za-z]{1,16})*[\d]{0,2}")
TOKENS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+/_.~:-]{7,400}={0,2}")
_PATHISH: Final = re.compile(
    r"[\w.@-]*(?:/[\w.@#-]+){1,12}/?(?::\d+)*:?\W?|[\w-]+\.(?:py|ts|tsx|js|go|rs|md|json|yaml|yml|toml|sh):?\d*"
)
_SYMBOLS: Final = frozenset("!@#$%^&*+?~=/")
_NOISE: Final = frozenset("!@#$%^&*+?~=/(){}[]<>-_|:;,.")
_NOISE_NOT: Final = re.compile(
    r"^\^|\$$|\(\?|\[\^|a-z|A-Z|0-9|\\|://|\}\}.*\{\{|\{\{ |[\w)]\(\)|\]\{\d|\$\{\w+(?:\.\w+|\(|\})|\$\(\w"
    r"|\}\{|\{\w+[.(]|=>|&&|\|\|"
)


def name_at(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of the identifier around ``[start, end)``, 64 code points to each side at most."""
    low = max(0, start - 64)
    if text[end - 1] in ":=( ":
        end -= 1
    left = low + len(text[low:start].rstrip(_LEFT))
    return left, _RIGHT.match(text, end).end()  # type: ignore[union-attr]


ALGORITHM: Final = re.compile(
    r"(?i)^.{0,16}(?:sha-?\d|md5|argon2|bcrypt|pbkdf|aes-?\d|rsa-?\d|ecdsa|secp\d|[ex]d?25519|ed448|utf-?\d|latin-?\d"
    r"|iso-?8859|base-?(?:16|32|64)|cp\d{3,4}).{0,12}$"
)
_SPDX: Final = re.compile(r"(?:[AL]?GPL|MIT|BSD|Apache|MPL|EPL|CC|ISC|AFL|Artistic|EUPL|OFL|PSF|ZPL|Zlib|Unicode)\b")
_PAREN: Final = re.compile(r"\s?\(([\w!@#$%^&*+=.-]{8,64})\)")
_BORDER: Final = re.compile(r"[\"'`*]{0,2}[ \t]{0,30}+(?:[,;|\t]|\r?\n)")
_EMPTY: Final = frozenset({'""', "''", "``"})


def _password(value: str, *, quoted: bool, env: bool, assigned: bool) -> bool:
    """Whether a value behind a word for password can be one: not a word, not code."""
    size = len(value)
    digits = any(c.isdigit() for c in value)
    symbols = any(c in _SYMBOLS for c in value)
    if (_PATHISH.fullmatch(value) and wordiness(value)[1] > 0.66) or ALGORITHM.search(value) is not None:
        return False
    if looks_random(value):
        return assigned or any(c.isdigit() for c in value)
    if not assigned:
        return digits and (size >= 8 or (size >= 6 and not _SNAKE.fullmatch(value)))
    if value.isalpha() or value.replace(" ", "").isalpha():
        # A word: what programs say about passwords is not one.
        return (
            (quoted or (env and " " not in value))
            and size >= 6
            and value.isascii()
            and value.count(" ") <= 1
            and _FILLERS.fullmatch(value.lower().replace(" ", "")) is None
            and not (" " in value and (value[0].isupper() or size > 16))
        )
    if _DOTTED.fullmatch(value):
        return False
    if not (quoted or env):
        return size >= 6 and digits and "_" not in value and not value.isdigit() and value[-1] not in ":,"
    if value.isdigit():
        return size >= 4 and quoted
    if digits or symbols:
        return size >= 5 and not (value.startswith(("/", "#", "--")) and not digits)
    return False


def _accepts(
    value: str, level: int, *, quoted: bool, assigned: bool, env: bool, backed: bool, countable: bool = True
) -> bool:
    """Whether a value behind a name of this level can be a secret; ``backed`` by a provider or a word near the name.
    ``countable``: a number can be one."""
    size = len(value)
    if not value.isascii() and level < PASSWORD:
        return False
    if size < 4 or size > 800 or (size > 100 and "=" in value[:-2] and value.count("=") > 3):
        return False
    if (
        quoted
        and size >= 12
        and " " not in value
        and len(_NOISE.intersection(value)) >= 6
        and _NOISE_NOT.search(value) is None
    ):
        return True  # no code, no template: a password as generators make them
    if _REFERENCE.match(value):
        return False
    # A password may begin as the keyboard does; a generated key does not.
    if placeholder(value) and not (level == PASSWORD and KEYBOARD.match(value.lower()) and not value.isalnum()):
        return False
    if level == PASSWORD:
        if " " in value and (
            value.count(" ") > 4 or not quoted or not (any(c.isdigit() for c in value) or (assigned and size <= 16))
        ):
            return False
        if is_uuid(value):
            return assigned
        return not harmless_shape(value) and _password(value, quoted=quoted, env=env, assigned=assigned)
    if " " in value:
        return False
    if is_uuid(value):
        return (level >= MEDIUM and assigned) or (backed and level >= KEY)
    if value.isdigit():
        return (size >= 9 and level >= MEDIUM and (quoted or env) and size <= 40 and countable) or (
            backed and size >= 8
        )
    if harmless_shape(value):
        return False
    if is_hex(value):
        digits = sum(c.isdigit() for c in value)
        if level == KEY and not backed:
            return False
        return size >= (12 if assigned and level >= MEDIUM else 16) and digits >= 2 and bits(value) >= 2.5
    if level == KEY and not backed:
        return size >= 20 and assigned and looks_random(value) and "/" not in value and "." not in value
    if size >= (8 if quoted or env else 10) and looks_random(value):
        return True
    if assigned and level >= MEDIUM and keylike(value):
        return True
    digits = any(c.isdigit() for c in value)
    if level == SECRET and assigned and (quoted or env) and size >= 8:
        symbols = any(c in _SYMBOLS for c in value)
        if digits and symbols and not _DOTTED.fullmatch(value):
            return True
        if value.isalnum() and digits and not _SNAKE.fullmatch(value):
            return True
    if not assigned or not digits:
        return False
    pairs, common = wordiness(value)
    return size >= 14 and bits(value) >= 3.2 and (pairs < 6 or common < 0.8) and not _SNAKE.fullmatch(value)


def keylike(value: str) -> bool:
    """Whether a string can be a key where its surroundings say so: less strict than ``looks_random``, for keys of few
    characters or of letters only."""
    size = len(value)
    if size < 10 or not value.isascii() or not value.replace("-", "").replace("_", "").isalnum() or len(set(value)) < 7:
        return False
    if harmless_shape(value) or is_hex(value):
        return False
    digits = sum(map(str.isdigit, value))
    if digits == size:
        return False
    pairs, common = wordiness(value)
    if not digits:
        return size >= 16 and value.isalpha() and common < 0.62
    if "-" in value or "_" in value:
        return digits >= 3 and pairs >= 2 and common < 0.5
    return pairs < 4 or common < 0.6


def value_behind(text: str, left: int, right: int, low: str) -> list[Named]:
    """What stands behind the name at ``[left, right)`` of ``text``, if it is a secret; ``low`` is the text in lower
    case."""
    name = text[left:right].strip("-.$_")
    level, kind = sense(name)
    if level == NOTHING or name.lower().endswith(("amz-credential", "goog-credential")):
        return []  # of a credential in a presigned URL only the beginning is one
    if level >= SECRET and (held := _PAREN.match(text, right)) is not None:
        value = held.group(1)
        symbols = level == PASSWORD and not _SYMBOLS.isdisjoint(value) and any(map(str.isdigit, value))
        if not placeholder(value) and (symbols or (looks_random(value) and not is_hex(value))):
            return [Named(*held.span(1), kind or "secret", f"value of {name[-40:]}")]
    if level < PASSWORD and _DULL.match(text, right) is not None:
        return []
    if level >= MEDIUM and _BORDER.match(text, right) is not None and (cells := column(text, left, right)):
        return [
            Named(a, b, kind or "secret", f"a cell below {name[-40:]}")
            for a, b in cells
            if _accepts(text[a:b], level, quoted=level < PASSWORD, assigned=True, env=False, backed=False)
            and any(map(str.isdigit, text[a:b]))
        ]
    match = _TAIL.match(text, right)
    if match is None:
        return []
    at = match.end()
    quote, op = match["quote"], (match["op"] or "").strip()
    tagged = match["close"] is not None and match["close"].endswith(">") and not op
    assigned = bool(op or match["attr"] or match["plist"] or tagged)
    if op in {",", "||", "("} and (not quote or (op == "," and "\n" in text[right:at])):
        return _cell(text, at, level, kind, name) if op == "," and at == right + 1 else []
    if op.startswith("-") and op != "->" and level < PASSWORD:
        return []
    if "AWS::" in text[max(0, left - 64) : left]:
        return []  # a type of resource
    if match["wrap"].startswith(".") and not op and not match["wrap"].startswith((".set(", ".value(", ".eq")):
        return []  # a call of something that is named so
    if quote in _EMPTY and text[at : at + 1] in ",;)}] \n":
        return []  # an empty value
    if not quote and match["prose"] is None and op and text[at - 1] == "\n" and "\\" not in text[right:at]:
        return []  # on the next line, but neither indented nor behind a backslash
    if quote and level == PASSWORD and (match["prose"] or "").strip().endswith((" is", " was", "is", "was", ":")):
        assigned = True
    if quote and not op and not match["prose"] and not match["close"] and level == PASSWORD:
        assigned = True  # #define DB_PASSWORD "…", PASSWORD '…'
    limit = text.find("\n", at, at + 900)
    limit = min(len(text), at + 900) if limit < 0 else limit
    if quote:
        close = text.find(quote, at, limit)
        # A quote that the text was cut behind: the value runs to the end of its line.
        value = text[at : close if close >= 0 else limit]
        parts = pieces(text, at, close, quote)
        if len(parts) > 1 and _accepts(
            "".join(text[a:b] for a, b in parts), level, quoted=True, assigned=assigned, env=False, backed=True
        ):
            return [Named(a, b, kind or "secret", f"part of the value of {name[-40:]}") for a, b in parts]
    elif tagged or match["plist"]:
        close = text.find("<", at, limit)
        value = text[at : close if close >= 0 else limit].strip()
        return _inside(text, at, value, level, kind, name)
    else:
        bare = (_BARE_PASSWORD if level == PASSWORD else _BARE).match(text, at, limit)
        if bare is not None and op == "=" and text[left - 1 : left] in {"", "\n"} and name.upper() == name:
            bare = _setting(text, bare, limit)
        if bare is None or bare.group()[0] == "@":
            return []
        if at == right:
            return []  # the same word goes on
        value = bare.group()
        if level == PASSWORD:
            after = _AFTER_PASSWORD.search(value)
            value = value[: after.start()] if after is not None else value
        value = value.rstrip(".,;:!?)" if not op else ".,;:)")
        if bare.end() < limit and text[bare.end()] in "([" and bare.end() > at:
            return []  # a call
    if (match["prose"] or "").startswith("\n") and not looks_random(value):
        return []
    lead = len(value) - len(value.lstrip(" ${"))
    if quote and lead and "}" not in value and value[lead : lead + 1] != "(":
        at += lead
        value = value[lead:]
    value = value.rstrip(" ")
    if not assigned and not quote and ("/" in value or "=" in value):
        return []
    env = op in {"=", ":=", "?=", "::=", ":::="} and name.upper() == name
    env = env or (op == "=" and match.start("quote") < 0 and text[right : right + 1] == "=" and " " not in name)
    if op in {"==", "===", "!=", "!=="} and not quote:
        return []
    if value[:1] in {",", ")", "]", ";"} or (kind == "credential" and _SPDX.match(value) is not None):
        return []
    called = op == "," or (op == "(" and text[right] == " ") or "(" in match["wrap"]
    if level == PASSWORD and called and (not any(map(str.isdigit, value)) or _SNAKE.fullmatch(value) is not None):
        return []  # a word behind a comma or in a call is seldom the password itself
    if name.lower() in {"pass", "pw"} and (not op or op in {",", "|", "->", "=>"}):
        return []
    if " " in value and level < PASSWORD and assigned and op != ",":
        return _inside(text, at, value, level, kind, name)
    backed = level == KEY and left > 0 and _backed(low[max(0, left - 24) : left])
    if not _accepts(
        value, level, quoted=bool(quote), assigned=assigned, env=env, backed=backed, countable=kind != "credential"
    ):
        return []
    return [Named(at, at + len(value), kind or "secret", f"value of {name[-40:]}")]


def _setting(text: str, bare: re.Match[str], limit: int) -> re.Match[str]:
    """The value of a line of a ``.env`` file: all of it, where generated signs stand in it that end a value in code."""
    whole = _SETTING.match(text, bare.start(), limit)
    if whole is None or whole.end() <= bare.end() or _NOISE_NOT.search(whole.group()) is not None:
        return bare
    value = whole.group()
    noisy = len(_NOISE.intersection(value)) >= 4 and len(value) >= 16 and any(map(str.isdigit, value))
    return whole if noisy and re.search(r"[&;,?]\w{1,30}=", value) is None else bare


_SETTING: Final = re.compile(r"[^\s\"'`\\]{8,400}+(?=\r?(?:\n|$))")
_CELL: Final = re.compile(r"[\w+/=.~-]{12,400}(?=[,\n]|$)")


def _cell(text: str, at: int, level: int, kind: str, name: str) -> list[Named]:
    """The value of a row of two cells: ``stripeToken,q8…,``."""
    found = _CELL.match(text, at)
    if found is None or not _accepts(found.group(), level, quoted=True, assigned=True, env=False, backed=False):
        return []
    if not looks_random(found.group()) and not keylike(found.group()):
        return []
    return [Named(at, found.end(), kind or "secret", f"value of {name[-40:]}")]


_BACKS: Final = re.compile(
    r"(?:api|access|auth|secret|private|service|license|master|app|client|account|using|token|bearer)\W{0,3}$"
)


def _backed(near: str) -> bool:
    return _BACKS.search(near) is not None or near.endswith("\x00")


def _inside(text: str, at: int, value: str, level: int, kind: str, name: str) -> list[Named]:
    """The random strings of a value that holds several words: ``<secret>{alegra AQ… 5f…}</secret>``."""
    out = []
    if len(value) > 600 or placeholder(value):
        return []
    whole = value.strip(" {}")
    if " " not in whole:
        start = text.find(whole, at)
        if whole and _accepts(whole, level, quoted=True, assigned=True, env=False, backed=True):
            out.append(Named(start, start + len(whole), kind or "secret", f"value of {name[-40:]}"))
        return out
    for match in TOKENS.finditer(value):
        word = match.group()
        if len(word) >= 12 and (looks_random(word) or is_uuid(word)) and (is_uuid(word) or not harmless_shape(word)):
            out.append(Named(at + match.start(), at + match.end(), kind or "secret", f"value of {name[-40:]}"))
    return out
