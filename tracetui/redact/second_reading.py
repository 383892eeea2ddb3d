"""What a stranger would notice in a text that no detector can know to be private: names of people and customers,
hosts, tickets, tool servers, paths outside the project, personal numbers, another language. Listed by how often it
stands there.

A plain frequency model: what is written with a capital in the midst of a sentence, is no common word
(``detectors/common_words.toml``) and is not written without the capital in the same session, is likely a name. Nothing
leaves the machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from tracetui.redact.personal_kinds import scan_personal
from tracetui.redact.tables import table, words

__all__ = ["KINDS", "Noticed", "notice"]

KINDS: Final = (
    "person", "handle", "organisation", "tool server", "host", "ticket", "path", "number", "name", "language",
)  # fmt: skip
"""What may be noticed, in the order in which it is listed."""
_MOST: Final = 400
"""Entries listed; what is noticed least often is left out."""
_LONGEST: Final = 200_000
"""Code points of a text that are read; a longer one is a dump."""


class Noticed(NamedTuple):
    """Something that stands out: its kind, how it is written, in how many places (``times``) it stands."""

    kind: str
    text: str
    times: int


_CAP: Final = "A-Z\u00c0-\u00de"
_LETTER: Final = "a-z\u00df-\u017f"
_PERSON: Final = re.compile(
    rf"(?:^(?:Author|Committer|Co-authored-by|Signed-off-by|Reviewed-by|Reported-by|From|Assignee|Reporter):? +"
    rf"|\b(?:Mr|Mrs|Ms|Dr|Herr|Frau|Monsieur|Madame)\.? )([{_CAP}][\w'.-]{{1,24}}(?: [{_CAP}][\w'.-]{{1,24}}){{0,3}})",
    re.MULTILINE,
)
_PAIR: Final = re.compile(rf"(?<![\w./@#<-])([{_CAP}][{_LETTER}]{{1,19}} [{_CAP}][{_LETTER}]{{2,19}})(?![\w(/.-]*\()")
_COMPANY: Final = re.compile(
    r"\b((?:[A-Z][\w&-]{1,24} ){1,3}(?:Inc|GmbH|Ltd|LLC|Corp|AG|SE|KG|SA|BV|Pty|PLC|S\.?r\.?l)\b)"
)
_WORD: Final = re.compile(rf"(?<![\w./@#$<-])([{_CAP}][{_LETTER}]{{3,19}})(?![\w(/=-])")
_MIDST: Final = re.compile(rf"(?<=[{_LETTER},;:(] )([{_CAP}][{_LETTER}]{{3,19}})(?![\w(/=-])")
_LOW: Final = re.compile(rf"(?<![\w@./-])[{_LETTER}]{{3,20}}(?![\w@/-]|\.\w)")
_PATH: Final = re.compile(r"(?<![\w.:/~-])(/[A-Za-z][\w.-]{1,40}(?:/[\w.@+-]{1,60}){1,3})")
_HOST: Final = re.compile(r"(?<![\w@./-])((?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,4}[a-z]{2,12})(?![\w(-]|\.\w)")
_SIMPLE: Final = (
    ("person", _PERSON),
    ("organisation", _COMPANY),
    ("handle", re.compile(r"(?<![\w/.@`])(@[a-z][A-Za-z0-9-]{2,38})(?![\w/.@(-])")),
    ("tool server", re.compile(r"\bmcp__([A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*)__\w")),
    ("ticket", re.compile(r"(?<![\w/.-])([A-Z][A-Z0-9]{1,9}-\d{1,6})(?![\w.-])")),
)
"""Kinds that one pattern tells; what of them is none stands in ``_NONE``."""
_LANGUAGES: Final = {
    "German": frozenset("und der die das nicht ist mit ein eine f\u00fcr auf auch wir bitte noch".split()),
    "French": frozenset("les des est une pour pas dans avec sur nous vous que merci".split()),
    "Spanish": frozenset("los las una para con por que est\u00e1 como pero gracias m\u00e1s".split()),
    "Portuguese": frozenset("uma para com n\u00e3o que por mais est\u00e1 obrigado voc\u00ea".split()),
    "Italian": frozenset("che non una per con sono come grazie della questo anche".split()),
    "Dutch": frozenset("het een niet van voor met zijn ook maar deze graag".split()),
}


def notice(
    texts: Iterable[str], *, inside: str | None = None, cancelled: Callable[[], bool] = lambda: False
) -> list[Noticed]:
    """What stands out in the texts of a session, by kind and frequency; ``inside`` is the folder of the project, whose
    paths are left out. A text that stands several times counts as often. Linear in the length of the texts."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in (*KINDS, "pair")}
    names: Counter[str] = Counter()
    midst: set[str] = set()
    low: set[str] = set(words("common_words", "words"))
    for text, times in Counter(texts).items():
        if cancelled():
            break
        text = text[:_LONGEST]
        low.update(_LOW.findall(text))
        midst.update(_MIDST.findall(text))
        for kind, found in _in_text(text, inside):
            counts[kind][found] += times
        for word in _WORD.findall(text):
            names[word] += times
        for pair in _PAIR.findall(text):
            counts["pair"][pair] += times
    for pair, count in counts.pop("pair").items():
        if not any(part.lower() in low for part in pair.split()):
            counts["person"][pair] = max(count, counts["person"][pair])
    # A name that stands in another entry is told there.
    told = {part for kind in ("person", "organisation") for found in counts[kind] for part in found.split()}
    counts["name"] = Counter(
        {word: count for word, count in names.items() if word in midst - told and word.lower() not in low}
    )
    out = [Noticed(kind, text, count) for kind in KINDS for text, count in counts[kind].most_common()]
    return out if len(out) <= _MOST else sorted(sorted(out, key=lambda one: -one.times)[:_MOST], key=_place)


def _place(one: Noticed) -> tuple[int, int]:
    return KINDS.index(one.kind), -one.times


def _in_text(text: str, inside: str | None) -> Iterator[tuple[str, str]]:
    for kind, pattern in _SIMPLE:
        for match in pattern.finditer(text):
            if match[1].lstrip("@").partition("-")[0].lower() not in _NONE:
                yield kind, match[1]
    if "." in text:
        domains = table("harmless")["domains"]
        yield from (("host", match[1]) for match in _HOST.finditer(text) if _is_host(match[1], domains))
    for match in _PATH.finditer(text) if "/" in text else ():
        path = match[1]
        if path.split("/", 2)[1] not in _SYSTEM and not (inside and path.startswith(inside)):
            yield "path", path
    for found in scan_personal(text) if any(map(str.isdigit, text)) else ():
        yield "number", text[found.start : found.end]
    language = _language(text)
    if language:
        yield "language", language


_NONE: Final = frozenset(
    """
    property staticmethod classmethod override dataclass cached pytest param return returns types babel media
    import keyframes test latest example username everyone here utf sha iso rfc cve aes rsa md tls ssl http gpt
    pep ieee ascii cp x lgpl gpl bsd eof us en v t covid h
    """.split()
)
"""Decorators and packages behind an ``@``, standards with a number."""
_SYSTEM: Final = frozenset(
    """
    usr etc bin sbin lib lib64 tmp proc dev sys var run opt root boot mnt home Users private nix snap api v1 v2
    """.split()
)
_FILES: Final = frozenset(
    """
    py ts js md json jsonl toml yaml yml txt log go rs sh html css tsx jsx lock cfg ini xml csv sql java rb php
    swift kt vue svg png jpg gz zip whl conf service local internal test tests spec app run get set append join
    format items keys values pop push map add remove name path parent text value data id type length log error
    info
    """.split()
)


def _is_host(name: str, common: list[str]) -> bool:
    labels = name.split(".")
    top = labels[-1]
    if top in _FILES or top not in _TOPS or all(label.isdigit() for label in labels):
        return False
    return not any(name == known or name.endswith("." + known) for known in common)


_TOPS: Final = frozenset(
    """
    com net org io dev ai co app cloud de fr es it nl uk us eu ch at pl se no dk fi be pt br jp cn in au ca ru
    info biz tech xyz me sh so gg tv cc corp lan intra intranet
    """.split()
)


def _language(text: str) -> str:
    """The language of prose that is not English, by its commonest words; empty where none stands out."""
    found = set(_LOW.findall(text[:4000]))
    scores = ((name, len(marks & found)) for name, marks in _LANGUAGES.items())
    name, score = max(scores, key=lambda item: item[1])
    return name if score >= 4 else ""
