"""The keyword and assignment tier: a name that says secret, something that assigns, and a value that can be one.

It finds what no provider's format tells: ``DB_PASSWORD=hunter2``, ``"clientSecret": "…"``.
Values are refused when they are code, a placeholder, a reference to somewhere else, or harmless by shape.

The patterns are the standard library's, anchored where an automaton found a keyword, of bounded length and possessive
(no step back), so that each costs a bounded time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from tracetui.redact.entropy import harmless_shape, is_hex, is_uuid, looks_random
from tracetui.redact.judgement import NOISE, NOISE_NOT, SNAKE, SYMBOLS, Setting, accepts, keylike
from tracetui.redact.keyword import KEY, MEDIUM, NOTHING, PASSWORD, SECRET, sense
from tracetui.redact.layout import column, pieces
from tracetui.redact.placeholders import placeholder

__all__ = ["TOKENS", "Named", "name_at", "value_behind"]


class Named(NamedTuple):
    """A value that a name gives away: its span in the text, its kind, and which name."""

    start: int
    end: int
    kind: str
    why: str


_LEFT: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.$"
_RIGHT: Final = re.compile(r"[A-Za-z0-9_-]{0,48}+")
# closers, an index, a remark in brackets, a type; an operator; what wraps the value; its opening quote
_TAIL: Final = re.compile(
    r"""
    (?:
      (?P<attr>["']\s?\{\s{0,12}+(?:default|value)\s?=\s?|["']{1,2}+\s{0,4}+(?:/>)?+,?\s{0,24}+[<\\]?["']?(?:value|val|content|default|string|secret|data)\\?["']?\s?[:=]>?\s?)
    | (?P<listed>["']?\r?\n[ \t]{1,40}+value:[ \t]{1,4}+)
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
      | (?P<prose>(?:for|of|in|to)\s(?:["'\w.@-]{1,24}\s){0,3}?["'\w.@-]{1,24}\s{0,2}(?:is|was|:|=|->)\s{0,2}|(?:is|was|are|ist|lautet|est|es|é|è|jest)(?:\s(?:now|set\sto|the|still))?[:\s]\s{0,3}|\s?(?:は|是|为|為|은|는|：)\s?|\n\s{0,8}+)
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
    [ ](?!(?:for|of|in|to|is|was|are|ist|lautet|est|es|string|str|String|text|const|Bearer|bearer|Basic|basic
        |Token|token|ApiKey|apikey|Apikey|Key|SSWS|Bot|OAuth)\b)[A-Za-z]{1,11}+[.,;:]?+\s
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
TOKENS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+/_.~:-]{7,400}={0,2}")


def name_at(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of the identifier around ``[start, end)``, 64 code points to each side at most."""
    low = max(0, start - 64)
    if text[end - 1] in ":=( ":
        end -= 1
    left = low + len(text[low:start].rstrip(_LEFT))
    return left, _RIGHT.match(text, end).end()  # type: ignore[union-attr]


_SPDX: Final = re.compile(r"(?:[AL]?GPL|MIT|BSD|Apache|MPL|EPL|CC|ISC|AFL|Artistic|EUPL|OFL|PSF|ZPL|Zlib|Unicode)\b")
_PAREN: Final = re.compile(r"\s?\(([\w!@#$%^&*+=.-]{8,64})\)")
_BORDER: Final = re.compile(r"[\"'`*]{0,2}[ \t]{0,30}+(?:[,;|\t]|\r?\n)")
_EMPTY: Final = frozenset({'""', "''", "``"})


@dataclass(slots=True)
class _Behind:
    """What stands behind a name: ``at`` is where the value begins, ``op`` what assigns, ``quote`` what opens it."""

    text: str
    left: int
    right: int
    name: str
    level: int
    kind: str
    match: re.Match[str]
    at: int
    quote: str
    op: str
    assigned: bool
    tagged: bool
    prose: str
    wrap: str

    def named(self, start: int, end: int) -> Named:
        """A finding."""
        return Named(start, end, self.kind or "secret", f"value of {self.name[-40:]}")

    @property
    def between(self) -> str:
        """The text between name and value."""
        return self.text[self.right : self.at]


def value_behind(text: str, left: int, right: int, low: str) -> list[Named]:
    """What stands behind the name at ``[left, right)`` of ``text``, if it is a secret; ``low`` is the text in lower
    case."""
    name = text[left:right].strip("-.$_")
    level, kind = sense(name)
    if level == NOTHING or name.lower().endswith(("amz-credential", "goog-credential")):
        return []  # of a credential in a presigned URL only the beginning is one
    if level >= SECRET and (held := _PAREN.match(text, right)) is not None and _bracketed(held[1], level):
        return [Named(*held.span(1), kind or "secret", f"value of {name[-40:]}")]
    if level < PASSWORD and _DULL.match(text, right) is not None:
        return []
    if level >= MEDIUM and _BORDER.match(text, right) is not None and (cells := column(text, left, right)):
        return _cells_below(text, cells, name, level, kind)
    behind = _look_behind(text, left, right, name, level, kind)
    if behind is None:
        return []
    if behind.op in _LISTING and (not behind.quote or (behind.op == "," and "\n" in behind.between)):
        return _cell(behind) if behind.op == "," and behind.at == right + 1 else []
    if _assigns_nothing(behind):
        return []
    return _value(behind, low)


def _value(behind: _Behind, low: str) -> list[Named]:
    """The value by how it is written: in quotes, in tags, bare."""
    text = behind.text
    limit = text.find("\n", behind.at, behind.at + _LONGEST)
    limit = min(len(text), behind.at + _LONGEST) if limit < 0 else limit
    if behind.quote:
        return _quoted(behind, limit, low)
    if behind.tagged or behind.match["plist"]:
        close = text.find("<", behind.at, limit)
        return _inside(behind, text[behind.at : close if close >= 0 else limit].strip())
    value = _bare(behind, limit)
    return _judged(behind, value, low) if value else []


def _cells_below(text: str, cells: list[tuple[int, int]], name: str, level: int, kind: str) -> list[Named]:
    """The cells below a heading that can be secrets."""
    how = Setting(level, quoted=level < PASSWORD)
    return [
        Named(a, b, kind or "secret", f"a cell below {name[-40:]}")
        for a, b in cells
        if accepts(text[a:b], how) and any(map(str.isdigit, text[a:b]))
    ]


_LISTING: Final = frozenset({",", "||", "("})
"""What parts the items of a list or call rather than assigning."""
_LONGEST: Final = 900
"""Code points of a value, its surroundings included."""


def _bracketed(value: str, level: int) -> bool:
    """Whether ``password (value)`` holds one."""
    if placeholder(value):
        return False
    symbols = level == PASSWORD and not SYMBOLS.isdisjoint(value) and any(map(str.isdigit, value))
    return symbols or (looks_random(value) and not is_hex(value))


def _look_behind(text: str, left: int, right: int, name: str, level: int, kind: str) -> _Behind | None:
    match = _TAIL.match(text, right)
    if match is None:
        return None
    quote, op = match["quote"] or "", (match["op"] or "").strip()
    prose, close = match["prose"] or "", match["close"]
    tagged = close is not None and close.endswith(">") and not op
    assigned = bool(op or match["attr"] or match["plist"] or match["listed"] or tagged)
    if quote and level == PASSWORD:
        # the password is "…"; #define DB_PASSWORD "…", PASSWORD '…'
        said = prose.strip().endswith((" is", " was", "is", "was", ":"))
        assigned = assigned or said or (not op and not prose and not close)
    return _Behind(
        text, left, right, name, level, kind, match, match.end(), quote, op, assigned, tagged, prose, match["wrap"]
    )


def _assigns_nothing(behind: _Behind) -> bool:
    """What looks like an assignment and is none: an option, a type, a call, an empty value, another line."""
    text, at, op, wrap = behind.text, behind.at, behind.op, behind.wrap
    if op.startswith("-") and op != "->" and behind.level < PASSWORD:
        return True
    if "AWS::" in text[max(0, behind.left - 64) : behind.left]:
        return True  # a type of resource
    if wrap.startswith(".") and not op and not wrap.startswith((".set(", ".value(", ".eq")):
        return True  # a call of something that is named so
    if behind.quote in _EMPTY and text[at : at + 1] in ",;)}] \n":
        return True
    # On the next line, but neither indented nor behind a backslash.
    unprosed = not behind.quote and behind.match["prose"] is None
    return unprosed and bool(op) and text[at - 1] == "\n" and "\\" not in behind.between


def _quoted(behind: _Behind, limit: int, low: str) -> list[Named]:
    """A value in quotes, also one that is written in several pieces."""
    text, at = behind.text, behind.at
    close = text.find(behind.quote, at, limit)
    parts = pieces(text, at, close, behind.quote)
    if len(parts) > 1:
        how = Setting(behind.level, quoted=True, assigned=behind.assigned, backed=True)
        if accepts("".join(text[a:b] for a, b in parts), how):
            return [Named(a, b, behind.kind or "secret", f"part of the value of {behind.name[-40:]}") for a, b in parts]
    # A quote that the text was cut behind: the value runs to the end of its line.
    return _judged(behind, text[at : close if close >= 0 else limit], low)


def _bare(behind: _Behind, limit: int) -> str:
    """A value without quotes; empty where none stands there."""
    text, at, op = behind.text, behind.at, behind.op
    bare = (_BARE_PASSWORD if behind.level == PASSWORD else _BARE).match(text, at, limit)
    lined = op == "=" and text[behind.left - 1 : behind.left] in ("", "\n")
    if bare is not None and lined and behind.name.upper() == behind.name:
        if behind.level == PASSWORD and (said := _phrase(text, behind.left, at, limit)):
            return said
        bare = _setting(text, bare, limit)
    if bare is None or bare.group()[0] == "@" or at == behind.right:
        return ""  # at the name's own end the same word goes on
    value = bare.group()
    if behind.level == PASSWORD:
        after = _AFTER_PASSWORD.search(value)
        value = value[: after.start()] if after is not None else value
    called = bare.end() < limit and text[bare.end()] in "([" and bare.end() > at
    return "" if called else value.rstrip(".,;:!?)" if not op else ".,;:)")


def _phrase(text: str, left: int, at: int, limit: int) -> str:
    """The value of a line of a ``.env`` file that holds blanks; empty where it has none, or it is a command's line."""
    found = _PHRASE.match(text, at, limit)
    if found is None:
        return ""
    before = text[max(0, text.rfind("\n", 0, max(0, left - 1)) + 1) : max(0, left - 1)]
    after = text[found.end() + 1 : found.end() + 80]
    return found.group() if _LINE.match(before) is not None or _LINE.match(after) is not None else ""


_PHRASE: Final = re.compile(r"\w{2,20}(?: [\w!.-]{1,20}){1,5}(?=\r?(?:\n|$))")
_LINE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}=\S*(?:\r?\n|$)")
"""A line of a ``.env`` file."""


def _judged(behind: _Behind, value: str, low: str) -> list[Named]:
    """The value, where it can be a secret."""
    text, left, right, op, name = behind.text, behind.left, behind.right, behind.op, behind.name
    if behind.prose.startswith("\n") and not looks_random(value):
        return []
    at = behind.at
    lead = len(value) - len(value.lstrip(" ${"))
    if behind.quote and lead and "}" not in value and value[lead : lead + 1] != "(":
        at, value = at + lead, value[lead:]
    value = value.rstrip(" ")
    if _is_none(behind, value):
        return []
    if " " in value and behind.level < PASSWORD and behind.assigned and op != ",":
        return _inside(behind, value, at)
    env = (op in _SETS or bool(behind.match["listed"])) and name.upper() == name
    env = env or (op == "=" and not behind.quote and text[right : right + 1] == "=" and " " not in name)
    backed = behind.level == KEY and left > 0 and _backed(low[max(0, left - 24) : left])
    whole = env and not behind.quote and " " in value
    how = Setting(behind.level, bool(behind.quote) or whole, behind.assigned, env, backed, behind.kind != "credential")
    return [behind.named(at, at + len(value))] if accepts(value, how) else []


_SETS: Final = frozenset({"=", ":=", "?=", "::=", ":::="})
_COMPARES: Final = frozenset({"==", "===", "!=", "!=="})


def _is_none(behind: _Behind, value: str) -> bool:
    """What stands in the place of a value and is none: a comparison, a licence, a word in a call or list."""
    op, quote, name = behind.op, behind.quote, behind.name
    if not behind.assigned and not quote and ("/" in value or "=" in value):
        return True
    if op in _COMPARES and not quote:
        return True
    if value[:1] in _CLOSERS or (behind.kind == "credential" and _SPDX.match(value) is not None):
        return True
    called = op == "," or (op == "(" and behind.text[behind.right] == " ") or "(" in behind.wrap
    if behind.level == PASSWORD and called and (not any(map(str.isdigit, value)) or SNAKE.fullmatch(value) is not None):
        return True  # a word behind a comma or in a call is seldom the password itself
    return name.lower() in ("pass", "pw") and op in _LOOSE and not (not op and _is_said(behind, value))


def _is_said(behind: _Behind, value: str) -> bool:
    """Whether a password stands behind ``pw`` or ``pass`` in speech: use pw … for staging; the pass is …"""
    if not any(map(str.isdigit, value)) or "/" in value:
        return False
    if behind.prose.strip() in _SAYS:
        return len(value) >= 6
    sure = value.isalnum() or not SYMBOLS.isdisjoint(value) or any(map(str.isupper, value))
    return sure and len(value) >= 8 and value[0].isalnum() and behind.name.lower() == "pw"


_SAYS: Final = frozenset({"is", "was", "ist", "is now", "is:", "was:"})
_CLOSERS: Final = frozenset(",)];")
_LOOSE: Final = frozenset(("", ",", "|", "->", "=>"))
"""What assigns nothing behind so short a word."""


def _setting(text: str, bare: re.Match[str], limit: int) -> re.Match[str]:
    """The value of a line of a ``.env`` file: all of it, where generated signs stand in it that end a value in code."""
    whole = _SETTING.match(text, bare.start(), limit)
    if whole is None or whole.end() <= bare.end() or NOISE_NOT.search(whole.group()) is not None:
        return bare
    value = whole.group()
    noisy = len(NOISE.intersection(value)) >= 4 and len(value) >= 16 and any(map(str.isdigit, value))
    return whole if noisy and re.search(r"[&;,?]\w{1,30}=", value) is None else bare


_SETTING: Final = re.compile(r"[^\s\"'`\\]{8,400}+(?=\r?(?:\n|$))")
_CELL: Final = re.compile(r"[\w+/=.~-]{12,400}(?=[,\n]|$)")


def _cell(behind: _Behind) -> list[Named]:
    """The value of a row of two cells: ``stripeToken,q8…,``."""
    found = _CELL.match(behind.text, behind.at)
    if found is None or not accepts(found.group(), Setting(behind.level, quoted=True)):
        return []
    if not looks_random(found.group()) and not keylike(found.group()):
        return []
    return [behind.named(behind.at, found.end())]


_BACKS: Final = re.compile(
    r"(?:api|access|auth|secret|private|service|license|master|app|client|account|with|use|using|my|our|token|bearer)\W{0,3}$"
)


def _backed(near: str) -> bool:
    return _BACKS.search(near) is not None or near.endswith("\x00")


def _inside(behind: _Behind, value: str, at: int | None = None) -> list[Named]:
    """The random strings of a value that holds several words: ``<secret>{alegra AQ… 5f…}</secret>``."""
    at = behind.at if at is None else at
    if len(value) > 600 or placeholder(value):
        return []
    whole = value.strip(" {}")
    if " " not in whole:
        start = behind.text.find(whole, at)
        how = Setting(behind.level, quoted=True, backed=True)
        return [behind.named(start, start + len(whole))] if whole and accepts(whole, how) else []
    return [
        behind.named(at + match.start(), at + match.end())
        for match in TOKENS.finditer(value)
        if len(word := match.group()) >= 12 and (is_uuid(word) or (looks_random(word) and not harmless_shape(word)))
    ]
