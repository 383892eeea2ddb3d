"""The shapes of what a stranger would notice, for ``second_reading``: names of people and firms, handles, machines,
folders, addresses. Over lines, each of linear time."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["BEGINS", "CAP", "HOST", "LETTER", "LOW", "MIDST", "PATH", "SEQUENCE", "SHAPES", "WORD", "Shape"]


class Shape(NamedTuple):
    """A pattern whose last group that matched is what is noticed; where none of ``hints`` stands in a text, nothing is
    found there."""

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...] = ()


CAP: Final = "A-Z\u00c0-\u00de\u0100-\u017e"
LETTER: Final = "a-z\u00df-\u017f"
_NAME: Final = rf"[{CAP}][{LETTER}]{{1,19}}(?:['-][{CAP}]?[{LETTER}]{{1,19}}){{0,2}}"
_PEOPLE: Final = "Author|Committer|Co-authored-by|Signed-off-by|Reviewed-by|Reported-by"
_PERSON: Final = re.compile(
    rf"(?:^(?:{_PEOPLE}|From|Assignee|Reporter):? +|\b(?:Mr|Mrs|Ms|Dr|Herr|Frau|Monsieur|Madame)\.? )"
    rf"([{CAP}][\w'.-]{{1,24}}(?: [{CAP}][\w'.-]{{1,24}}){{0,3}})",
    re.MULTILINE,
)
_COMPANY: Final = re.compile(
    r"\b((?:[A-Z][\w&-]{1,24} ){1,3}"
    r"(?:Inc|GmbH|Ltd|LLC|Corp|AG|SE|KG|SA|BV|Pty|PLC|Oy|AB|ApS|S\.?r\.?l|Sp\. z o\.o)\b)"
)
_FIRM: Final = re.compile(rf"(?<![\w./@#<-])({_NAME} & {_NAME})")
_OWNER: Final = re.compile(
    r"^[dl-][rwxsStT-]{9}[.@+]? +\d+ +([a-z][\w.-]{1,31}) +[\w.-]{2,32} ", re.MULTILINE
)  # fmt: skip
_REMOTE: Final = re.compile(
    r"\b(?:github|gitlab|bitbucket|codeberg)(?:\.[a-z]{2,4}[:/]|:)([A-Za-z][\w.-]{1,38})/"
)  # fmt: skip
_ADDRESS: Final = re.compile(r"(?<![\w.+/-])([A-Za-z][\w.+-]{1,40})@(?:[\w-]{1,60}\.){1,4}[a-z]{2,12}\b(?!\.\d)")
_CO_AUTHOR: Final = re.compile(rf"^(?:{_PEOPLE}):? +([\w.-]{{3,40}}) <", re.MULTILINE)
_WINDOWS: Final = re.compile(r"\b[A-Za-z]:\\{1,2}Users\\{1,2}([\w.-]{2,40})\\")
_BEHIND: Final = re.compile(
    r"(?:^|[^\w/.@])[a-z][\w.-]{1,31}@([a-z][a-z0-9-]{2,40})(?=:[^\d]|[\s\"'$#~]|$)", re.MULTILINE
)
_CALLED: Final = re.compile(
    r"(?:^|[;&|] |\$ )(?:ssh|ping|mosh|nslookup|dig|traceroute|telnet) (?:-\S+ )*([a-z][a-z0-9-]{2,40})(?=[\s;|]|$)",
    re.MULTILINE,
)
_LOGIN: Final = re.compile(
    r"(?:^|\s)([a-z][a-z0-9-]{2,40}) login:|\b[Hh]ost(?:name)?[ :=]{1,2}([a-z][a-z0-9]*-[a-z0-9-]{2,40})(?=\s|$)",
    re.MULTILINE,
)
_NUMBERED: Final = re.compile(
    r"(?<![\w./@:#$-])([a-z]{2,14}\d{0,3}(?:-[a-z]{2,16}\d{0,2}){1,3}-0\d{1,2})(?![\w./:=-]*[\w/=])"
)
_KIND_OF: Final = re.compile(
    r"(?<![\w./@:#$-])([a-z]{2,14}s?-(?:laptop|thinkpad|macbook|mbp|imac|workstation)(?:-\w{1,12})?)(?![\w/=-])"
)
_ON: Final = re.compile(
    r"\b(?:on|from|to|host|machine|server|node|box) [\"'`]?([a-z]{2,14}\d{0,3}(?:-[a-z]{2,16}\d{0,2}){1,3})"
    r"[\"'`]?(?= (?:but|and|or|is|was|has|only|since|again|we|it)\b|[.,;]\s|[.,;]?$)",
    re.MULTILINE,
)
"""Machines are numbered, called by what they are and whose, or something is on them."""
_FOLDER: Final = re.compile(
    r"(?:(?<![\w/])/(?:mnt|media|Volumes|net|nfs|shares?|clients)"
    r"|(?:(?<=[\s\"'(=])|^)(?:~/[\w.-]{1,40}|~|\.\./\.\.|\.\.))"
    r"/([A-Za-z][\w-]{2,60})(?=/|[\s\"')]|$)",
    re.MULTILINE,
)
_STREET: Final = re.compile(
    rf"\b([{CAP}][{LETTER}-]{{2,30}}(?:stra(?:ß|ss)e|str\.|allee|weg|platz|gasse|ring|damm|ufer|straat|laan|gatan|vej)"
    r" \d{1,4}[a-z]?)\b"
)
_CITY: Final = re.compile(
    rf"(?:^|[\s,\"'])((?:[A-Z]{{1,2}}-)?\d{{5}} (?!(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b)"
    rf"[{CAP}][{LETTER}]{{2,24}})(?=[\s,\"'.]|$)",
    re.MULTILINE,
)
_FIELD: Final = re.compile(
    r"[\"'](?:employee|customer|client|patient|salary|wage|insurance|member|invoice|birth|passport)"
    r"(?:[_-]?(?:id|no|nr|name|number|date|code|day))?[\"']\s?:\s?[\"']?"
    r"([A-Za-z0-9][^\s\"'{}\[\],:()]{2,40}(?: [^\s\"'{}\[\],:()]{1,40}){0,2})",
    re.IGNORECASE,
)
SHAPES: Final = (
    Shape("person", _PERSON),
    Shape("organisation", _COMPANY),
    Shape("organisation", _FIRM, (" & ",)),
    Shape("handle", re.compile(r"(?<![\w/.@`])(@[a-z][A-Za-z0-9-]{2,38})(?![\w/.@(-])"), ("@",)),
    Shape("handle", _OWNER, ("rwx", "rw-", "r-x", "r--")),
    Shape("handle", _REMOTE, ("github", "gitlab", "bitbucket", "codeberg")),
    Shape("handle", _ADDRESS, ("@",)),
    Shape("handle", _CO_AUTHOR, (" <",)),
    Shape("handle", _WINDOWS, (":\\",)),
    Shape("tool server", re.compile(r"\bmcp__([A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*)__\w"), ("mcp__",)),
    Shape("host", _BEHIND, ("@",)),
    Shape("host", _CALLED, ("ssh ", "ping ", "mosh ", "nslookup ", "dig ", "traceroute ", "telnet ")),
    Shape("host", _LOGIN, (" login:", "ost")),
    Shape("host", _NUMBERED, ("-0",)),
    Shape("host", _KIND_OF, ("-laptop", "-thinkpad", "-macbook", "-mbp", "-imac", "-workstation")),
    Shape("host", _ON, ("-",)),
    Shape("ticket", re.compile(r"(?<![\w.-])([A-Z][A-Z0-9]{1,9}-\d{1,6})(?![\w.]*\w|-\d)"), ("-",)),
    Shape("path", _FOLDER, ("/",)),
    Shape("number", _STREET),
    Shape("number", _CITY),
    Shape("number", _FIELD, ('":', '" :', "':")),
)
"""What one pattern tells."""
SEQUENCE: Final = re.compile(
    rf"(?<![\w./@#<-])(?P<midst>(?<=[{LETTER},;:(] ))?({_NAME}(?: (?:(?:van|von|de|der|da|du) ){{0,2}}{_NAME}){{1,3}})"
    r"(?![\w(/.-]*\()"
)
"""Several words with a capital; ``midst`` where they stand in the midst of a sentence."""
WORD: Final = re.compile(rf"(?<![\w./@#$<-])([{CAP}][{LETTER}]{{3,19}})(?![\w(/=-])")
BEGINS: Final = re.compile(
    rf"(?:^|[.!?] )([{CAP}][{LETTER}]{{3,19}}),? (?:from|at|and|has|had|said|says|wrote|asked|told|wants|wanted|needs"
    r"|will|would|should|could|might|thinks|knows|sent|called)\b",
    re.MULTILINE,
)
"""A name at the beginning of a sentence: what a person or company does stands behind it."""
MIDST: Final = re.compile(rf"(?<=[{LETTER},;:(] )([{CAP}][{LETTER}]{{3,19}})(?![\w(/=-])")
LOW: Final = re.compile(rf"(?<![\w@./-])[{LETTER}]{{3,20}}(?![\w@/-]|\.\w)")
PATH: Final = re.compile(r"(?<![\w.:/~-])(/[A-Za-z][\w.-]{1,40}(?:/[\w.@+-]{1,60}){1,3})")
HOST: Final = re.compile(
    r"(?:(?<=//)|(?<![\w@./-]))((?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,4}[a-z]{2,12})(?![\w(-]|\.\w)"
)
