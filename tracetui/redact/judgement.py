"""Whether a value can be a secret, by what it looks like and by how much its name says: small rules, the first
that knows decides.

The thresholds were set on the vectors of other scanners and on the values that names of a large code base stand before;
``tests/redact/vectors.py`` holds them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tracetui.redact.entropy import bits, harmless_shape, is_hex, is_uuid, looks_random, wordiness
from tracetui.redact.keyword import KEY, MEDIUM, PASSWORD, SECRET
from tracetui.redact.placeholders import KEYBOARD, placeholder

__all__ = ["ALGORITHM", "NOISE", "NOISE_NOT", "SNAKE", "SYMBOLS", "Setting", "accepts", "keylike"]

_FILLERS: Final = re.compile(
    r"(?:password|passwd|passwort|passphrase|passcode|kennwort|senha|pass|pwd|secret|token|key|user|username|name|admin"
    r"|login|log|sign|in|your|my|the|this|is|a|an|new|old|current|confirm|confirmation|repeat|reset|forgot|change|update"
    r"|enter|input|field|text|hash|hashed|plain|clear|raw|valid|invalid|wrong|bad|incorrect|correct|strong|weak|too|short"
    r"|long|min|max|length|required|missing|empty|blank|hidden|show|hide|toggle|encrypted|encoded|bcrypt|sensitive|value"
    r"|string|label|placeholder|hint|type|test|testing|example|dummy|sample|fake|default|some|any|db|database|root|email"
    r"|account|api|auth|basic|bearer|client|server|service|system|manager|provider|policy|help|error|success|failed"
    r"|credentials|credential|passed|skipped|pending|running|done|and|or|of|for|to|with|no|not|set|get|has|have|must|should|be|match|matches|mismatch)+s?"
)
_REFERENCE: Final = re.compile(
    r"\+\s?\w+[ (]|\$[\w({]|#[0-9a-fA-F]{3,8}$|%\w+%|%\(|%[sdrqv]\b|\{\{|\$\$|<|\(|\[|@\w+[.(]|&\w+|\*+$|#\{|\w+\("
    r"|(?:os|process|env|config|settings|self|this|secrets|vars|var|local|data|module|ctx|context|request|req|res|response"
    r"|props|state|options|opts|args|params|cfg|conf|input|inputs|github|steps|import)\.\w"
    r"|https?://|s?ftp://|file:|(?:\.{0,2}|~)/[\w.-]+/|[A-Za-z]:\\|arn:aws|projects/|vault:|op://|secretsmanager|ssm:"
)
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")
SNAKE: Final = re.compile(r"[A-Za-z]{1,16}(?:[ _.:/-][A-Za-z]{1,16})*[\d]{0,2}")
_PATHISH: Final = re.compile(
    r"[\w.@-]*(?:/[\w.@#-]+){1,12}/?(?::\d+)*:?\W?|[\w-]+\.(?:py|ts|tsx|js|go|rs|md|json|yaml|yml|toml|sh):?\d*"
)
SYMBOLS: Final = frozenset("!@#$%^&*+?~=/")
NOISE: Final = frozenset("!@#$%^&*+?~=/(){}[]<>-_|:;,.")
NOISE_NOT: Final = re.compile(
    r"^\^|\$$|\(\?|\[\^|a-z|A-Z|0-9|\\|://|\}\}.*\{\{|\{\{ |[\w)]\(\)|\]\{\d|\$\{\w+(?:\.\w+|\(|\})|\$\(\w"
    r"|\}\{|\{\w+[.(]|=>|&&|\|\|"
)


ALGORITHM: Final = re.compile(
    r"(?i)^.{0,16}(?:sha-?\d|md5|argon2|bcrypt|pbkdf|aes-?\d|rsa-?\d|ecdsa|secp\d|[ex]d?25519|ed448|utf-?\d|latin-?\d"
    r"|iso-?8859|base-?(?:16|32|64)|cp\d{3,4}).{0,12}$"
)


class Setting(NamedTuple):
    """How a value stands behind its name: how much that says (``level``), whether something assigns, whether quotes
    are around it, whether it is a line of a settings file (``env``); ``backed`` by a provider or a word near the name.
    ``countable``: a number can be one."""

    level: int
    quoted: bool = False
    assigned: bool = True
    env: bool = False
    backed: bool = False
    countable: bool = True


def accepts(value: str, how: Setting) -> bool:
    """Whether a value that stands behind a name in this way can be a secret."""
    size = len(value)
    if size < 4 or size > 800 or (size > 100 and "=" in value[:-2] and value.count("=") > 3):
        return False
    if how.level < PASSWORD and not value.isascii():
        return False
    if how.quoted and size >= 12 and _noisy(value):
        return True
    if _REFERENCE.match(value) or _stands_for_another(value, how.level):
        return False
    if how.level == PASSWORD:
        return _is_password(value, how)
    if " " in value:
        return False
    if is_uuid(value):
        return (how.level >= MEDIUM and how.assigned) or (how.backed and how.level >= KEY)
    if value.isdigit():
        return _is_number(size, how)
    if harmless_shape(value):
        return False
    return _is_hex_key(value, how) if is_hex(value) else _is_key(value, how)


def _noisy(value: str) -> bool:
    """No code, no template: a password as generators make them."""
    return " " not in value and len(NOISE.intersection(value)) >= 6 and NOISE_NOT.search(value) is None


def _stands_for_another(value: str, level: int) -> bool:
    """A password may begin as the keyboard does; a generated key does not."""
    if not placeholder(value):
        return False
    return not (level == PASSWORD and KEYBOARD.match(value.lower()) and not value.isalnum())


def _is_number(size: int, how: Setting) -> bool:
    written = how.level >= MEDIUM and (how.quoted or how.env) and how.countable
    return (written and 9 <= size <= 40) or (how.backed and size >= 8)


def _is_hex_key(value: str, how: Setting) -> bool:
    if how.level == KEY and not how.backed:
        return False
    least = 12 if how.assigned and how.level >= MEDIUM else 16
    return len(value) >= least and sum(c.isdigit() for c in value) >= 2 and bits(value) >= 2.5


def _is_key(value: str, how: Setting) -> bool:
    size = len(value)
    if how.level == KEY and not how.backed:
        return size >= 20 and how.assigned and looks_random(value) and "/" not in value and "." not in value
    written = how.quoted or how.env
    if size >= (8 if written else 10) and looks_random(value):
        return True
    if how.assigned and how.level >= MEDIUM and keylike(value):
        return True
    if how.level == SECRET and how.assigned and written and size >= 8 and _is_made_up(value):
        return True
    return how.assigned and size >= 14 and _is_varied(value)


def _is_varied(value: str) -> bool:
    """Whether a long value with digits is no name."""
    if not any(c.isdigit() for c in value) or bits(value) < 3.2:
        return False
    pairs, common = wordiness(value)
    return (pairs < 6 or common < 0.8) and not SNAKE.fullmatch(value)


def _is_made_up(value: str) -> bool:
    """Whether a secret that a person made up mixes digits with signs or letters."""
    if not any(c.isdigit() for c in value):
        return False
    if any(c in SYMBOLS for c in value) and not _DOTTED.fullmatch(value):
        return True
    return value.isalnum() and not SNAKE.fullmatch(value)


def _is_password(value: str, how: Setting) -> bool:
    """Whether a value behind a word for password can be one: not a word, not code."""
    if " " in value and not _may_hold_blanks(value, how):
        return False
    if is_uuid(value):
        return how.assigned
    if harmless_shape(value) or ALGORITHM.search(value) is not None:
        return False
    if _PATHISH.fullmatch(value) and wordiness(value)[1] > 0.66:
        return False
    if looks_random(value):
        return how.assigned or any(c.isdigit() for c in value)
    if not how.assigned:
        return _is_striking(value)
    if value.replace(" ", "").isalpha():
        return _is_word(value, how)
    return not _DOTTED.fullmatch(value) and _is_mixed(value, how)


def _may_hold_blanks(value: str, how: Setting) -> bool:
    if value.count(" ") > 4 or not how.quoted:
        return False
    return any(c.isdigit() for c in value) or (how.assigned and len(value) <= 16)


def _is_striking(value: str) -> bool:
    """Whether a value is no word, where nothing assigns it."""
    if not any(c.isdigit() for c in value):
        return False
    return len(value) >= 8 or (len(value) >= 6 and not SNAKE.fullmatch(value))


def _is_word(value: str, how: Setting) -> bool:
    """Whether a password of letters is one: what programs say about passwords is not."""
    if not (how.quoted or (how.env and " " not in value)) or len(value) < 6 or not value.isascii():
        return False
    if value.count(" ") > 1 or _FILLERS.fullmatch(value.lower().replace(" ", "")) is not None:
        return False
    return not (" " in value and (value[0].isupper() or len(value) > 16))


def _is_mixed(value: str, how: Setting) -> bool:
    """Whether a password of letters, digits and signs is one."""
    size = len(value)
    digits = any(c.isdigit() for c in value)
    if not (how.quoted or how.env):
        if "_" in value and (SNAKE.fullmatch(value) or value.islower() or value.isupper()):
            return False  # an identifier
        return size >= 6 and digits and not value.isdigit() and value[-1] not in ":,"
    if value.isdigit():
        return size >= 4 and how.quoted
    if not digits and not any(c in SYMBOLS for c in value):
        return False
    return size >= 5 and not (value.startswith(("/", "#", "--")) and not digits)


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
