"""What a stranger would notice in a text that no detector can know to be private: names of people and customers,
hosts, tickets, tool servers, paths outside the project, personal numbers, another language. Listed by how often it
stands there.

A plain frequency model: what is written with a capital in the midst of a sentence, is no common word
(``detectors/common_words.toml``) and is not written without the capital in the same session, is likely a name. Nothing
leaves the machine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Final, NamedTuple, TypeVar

from tracetui.redact.name_words import DATES, is_common
from tracetui.redact.notice_patterns import BEGINS, HOST, LOW, MIDST, PATH, SEQUENCE, SHAPES, WORD
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


_LANGUAGES: Final = {
    "German": frozenset("und der die das nicht ist mit ein eine f\u00fcr auf auch wir bitte noch".split()),
    "French": frozenset("les des est une pour pas dans avec sur nous vous que merci".split()),
    "Spanish": frozenset("los las una para con por que est\u00e1 como pero gracias m\u00e1s".split()),
    "Portuguese": frozenset("uma para com n\u00e3o que por mais est\u00e1 obrigado voc\u00ea".split()),
    "Italian": frozenset("che non una per con sono come grazie della questo anche".split()),
    "Polish": frozenset("nie jest się na do że jak czy dla tego proszę dostęp".split()),
    "Swedish": frozenset("och att det som en är inte för med har kan till".split()),
    "Turkish": frozenset("bir ve bu için ile değil olarak çok daha lütfen".split()),
    "Dutch": frozenset("het een niet van voor met zijn ook maar deze graag".split()),
}


class _Lines:
    """The distinct lines of some texts as one text, and how often each of them stands there."""

    def __init__(self, texts: Mapping[str, int]) -> None:
        counts: Counter[str] = Counter()
        for text, times in texts.items():
            if times == 1:
                counts.update(text[:_LONGEST].splitlines())
            else:
                for line in text[:_LONGEST].splitlines():
                    counts[line] += times
        self._times = list(counts.values())
        self.parts: list[tuple[str, list[int], int]] = []
        """Pieces of the text, where their lines begin, and the number of the first line."""
        held: list[str] = []
        starts: list[int] = []
        size = first = 0
        for nth, line in enumerate(counts):
            held.append(line)
            starts.append(size)
            size += len(line) + 1
            if size > _PIECE:
                self.parts.append(("\n".join(held), starts, first))
                held, starts, size, first = [], [], 0, nth + 1
        self.parts.append(("\n".join(held), starts, first))

    def times(self, part: tuple[str, list[int], int], at: int) -> int:
        """How often the line at an offset of a piece stands in the texts."""
        return self._times[part[2] + bisect_right(part[1], at) - 1] if part[1] else 0


_PIECE: Final = 1_000_000


def notice(
    texts: Iterable[str], *, inside: str | None = None, cancelled: Callable[[], bool] = lambda: False
) -> list[Noticed]:
    """What stands out in the texts of a session, by kind and frequency; ``inside`` is the folder of the project, whose
    paths are left out. A line that stands several times counts as often. Linear in the length of the texts."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    names: Counter[str] = Counter()
    sequences: Counter[tuple[str, bool]] = Counter()
    midst: set[str] = set()
    begins: set[str] = set()
    low: set[str] = set(words("common_words", "words"))
    distinct = Counter(texts)
    lines = _Lines(distinct)
    for part in lines.parts:
        if cancelled():
            break
        text = part[0]
        low.update(LOW.findall(text))
        midst.update(MIDST.findall(text))
        begins.update(BEGINS.findall(text))
        for kind, found, at in _in_text(text, inside):
            counts[kind][found] += lines.times(part, at)
        names.update(_spread(((match[1], match.start()) for match in WORD.finditer(text)), lines, part))
        found_here = (((match[2], match["midst"] is not None), match.start()) for match in SEQUENCE.finditer(text))
        sequences.update(_spread(found_here, lines, part))
    counts["language"] = _languages(distinct)
    for (sequence, inner), count in sequences.items():
        _add_sequence(sequence, inner, count, low, counts)
    for firm in [one for one in counts["organisation"] if all(is_common(w, low) for w in one.split() if w != "&")]:
        del counts["organisation"][firm]
    told: Counter[str] = Counter()  # where a name stands in another entry, it is told there
    for kind in ("person", "organisation"):
        for entry, count in counts[kind].items():
            told.update(dict.fromkeys(entry.split(), count))
    counts["name"] = Counter(
        {
            word: count - told[word]
            for word, count in names.items()
            if count > told[word] and _is_name(word, midst, begins, low)
        }
    )
    out = [Noticed(kind, text, count) for kind in KINDS for text, count in counts[kind].most_common()]
    return out if len(out) <= _MOST else sorted(sorted(out, key=lambda one: -one.times)[:_MOST], key=_place)


def _add_sequence(
    sequence: str, inner: bool, count: int, low: AbstractSet[str], counts: Mapping[str, Counter[str]]
) -> None:
    """Count words with capitals that follow each other: a person where none is common, the name of something where the
    first is not and they stand in the midst of a sentence."""
    parts = sequence.split()
    known = [is_common(part, low) for part in parts]
    if not any(known):
        counts["person"][sequence] += count
    elif inner and not known[0] and len(parts) > 1:
        counts["organisation"][sequence] += count


_Found = TypeVar("_Found", bound=Hashable)


def _spread(found: Iterable[tuple[_Found, int]], lines: _Lines, part: tuple[str, list[int], int]) -> Counter[_Found]:
    """How often things stand in the texts that were found at offsets of a piece."""
    counts: Counter[_Found] = Counter()
    for one, at in found:
        counts[one] += lines.times(part, at)
    return counts


def _languages(texts: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text, times in texts.items():
        if language := _language(text):
            counts[language] += times
    return counts


def _is_name(word: str, midst: AbstractSet[str], begins: AbstractSet[str], low: AbstractSet[str]) -> bool:
    """Whether a word with a capital is likely the name of something."""
    if word in midst and word.lower() not in low and word not in DATES:
        return True
    return word in begins and not is_common(word, low)


def _place(one: Noticed) -> tuple[int, int]:
    return KINDS.index(one.kind), -one.times


def _in_text(text: str, inside: str | None) -> Iterator[tuple[str, str, int]]:
    """What single patterns tell: kind, text, where."""
    for kind, pattern, hints in SHAPES:
        if hints and not any(hint in text for hint in hints):
            continue
        for match in pattern.finditer(text):
            found = match[1] or match[match.re.groups]
            if found.lstrip("@").partition("-")[0].lower() in _NONE or (kind in _PLAIN and _is_nobodys(found)):
                continue
            yield kind, found, match.start()
    domains = table("harmless")["domains"]
    for match in HOST.finditer(text):
        if _is_host(match[1], domains):
            yield "host", match[1], match.start()
    for match in PATH.finditer(text):
        path = match[1]
        if "+" not in path and path.split("/", 2)[1] not in _SYSTEM and not (inside and path.startswith(inside)):
            yield "path", path, match.start()
    for found in scan_personal(text):
        yield "number", text[found.start : found.end], found.start


_NONE: Final = frozenset(
    """
    property staticmethod classmethod override dataclass cached pytest param return returns types babel media
    import keyframes test latest example username everyone here utf sha iso rfc cve aes rsa md tls ssl http gpt
    link internal default throws spec impl moduledoc typedoc events end tsv
    deprecated see module type doc endpoint filename packagedocumentation noreply theme
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


_PLAIN: Final = frozenset({"handle", "host", "path"})


@cache
def _nobody() -> frozenset[str]:
    """Names of users, hosts and folders that are nobody's."""
    return words("harmless", "users") | words("harmless", "hosts") | words("common_words", "words")


def _is_nobodys(name: str) -> bool:
    """Whether a handle, host or folder is nobody's, or is made of words that everybody uses."""
    return all(part in _nobody() or len(part) < 3 for part in name.lower().split("-"))


def _is_host(name: str, common: list[str]) -> bool:
    labels = name.split(".")
    top = labels[-1]
    if top in _INSIDE and (len(labels) > 2 or "-" in name or any(map(str.isdigit, name))):
        return True
    if top in _FILES or top not in _TOPS or all(label.isdigit() for label in labels):
        return False
    return not any(name == known or name.endswith("." + known) for known in common)


_INSIDE: Final = frozenset({"internal", "local", "lan", "corp", "intra", "intranet", "home"})
"""Tops of names within a network, which are names of attributes too."""
_TOPS: Final = frozenset(
    """
    com net org io dev ai co app cloud de fr es it nl uk us eu ch at pl se no dk fi be pt br jp cn in au ca ru
    info biz tech xyz me sh so gg tv cc corp lan intra intranet
    """.split()
)


def _language(text: str) -> str:
    """The language of prose that is not English, by its commonest words; empty where none stands out."""
    found = set(LOW.findall(text[:4000]))
    scores = ((name, len(marks & found)) for name, marks in _LANGUAGES.items())
    name, score = max(scores, key=lambda item: item[1])
    return name if score >= 4 else ""
