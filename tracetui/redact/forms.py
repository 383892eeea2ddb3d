"""Every form in which a value can stand in a log, and finding all of them in one pass.

A value is looked for as it is, escaped (JSON once and twice, HTML, shell), encoded (percent, base64 at its three
alignments, hex), split by colour codes or line breaks (with line numbers or marks), and cut short to eight characters
or more of its secret core. Personal data and values under twelve characters count only whole, between word boundaries.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_plus

from tracetui.redact.entropy import wordiness

__all__ = ["EXCLUDED_TEXT", "PERSONAL_KINDS", "Hit", "Matcher", "core_of", "forms_of", "plain_value"]

PERSONAL_KINDS: Final = frozenset("email user host address name home machine remote".split())
EXCLUDED_TEXT: Final = "excluded-text"
"""Kind of a text that is looked for whole, wherever it stands: what an excluded step held."""
_PIECE: Final = 8
_WHOLE_BELOW: Final = 12
_PROOF_PIECE: Final = 12

# What stands before the secret part: a scheme with a host, an issuer's prefix.
_LEAD: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://[^\s/]{1,200}/)?"
    r"(?:sk-ant-[a-z]{2,6}\d{2}-|sk-(?:proj|svcacct|admin|or-v1|ant|lf|litellm|service|none)-|github_pat_|gh[pousr]_|glpat-|xox[a-z]-"
    r"|(?:sk|rk|pk)_(?:live|test|prod)_|pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)|npm_|AIza|ya29\.|AKIA|ASIA|hf_|SG\.|dop_v1_|whsec_"
    r"|(?:[A-Za-z][A-Za-z0-9]{1,11}[_-]){1,3}(?=[A-Za-z0-9+/_-]{16}))?"
)
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]+\.")
_PEM: Final = re.compile(r"-----(?:BEGIN|END)[^-\n]{0,60}-----")


class Hit(NamedTuple):
    """A place where a value stands: span, number of the value, and the form it has there."""

    start: int
    end: int
    value: int
    form: str


def core_of(value: str) -> str:
    """The part of a value that is secret: without scheme and host, issuer's prefix, JWT header, PEM boundary."""
    if value.startswith("-----BEGIN"):
        return "".join(re.findall(r"[A-Za-z0-9+/=]{16,}", _PEM.sub("", value)))
    if (jwt := _JWT.match(value)) is not None:
        return value[jwt.end() :]
    lead = _LEAD.match(value)
    core = value[lead.end() :] if lead is not None else value
    return core if len(core) >= _PIECE else value


def lines_of(value: str) -> list[str]:
    """The lines of a value that holds several, without marks around them: each is replaced by itself."""
    out = []
    for line in re.split(r"\\{1,4}r?\\{0,4}n|\r?\n", value):
        bare = line.strip(" \t\\\"',+>|")
        numbered = re.match(r"\d{1,7}(?:→|\t|: ?|\| ?)", bare)
        bare = bare[numbered.end() :] if numbered else bare
        if len(bare) >= _PIECE and not _PEM.fullmatch(bare):
            out.append(bare)
    return out


def forms_of(value: str) -> dict[str, str]:
    """Encoded and escaped forms of a value that differ from it, each with its name."""
    out: dict[str, str] = {}

    def put(text: str, name: str) -> None:
        if text != value and len(text) >= 4:
            out.setdefault(text, name)

    for ascii_ in (False, True):
        once = json.dumps(value, ensure_ascii=ascii_)[1:-1]
        put(once, "json")
        put(once.replace("/", "\\/"), "json")
        twice = json.dumps(once, ensure_ascii=ascii_)[1:-1]
        put(twice, "json+json")
        put(twice.replace("/", "\\\\/"), "json+json")
    put(value.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"), "json")
    put("".join(f"\\u{ord(c):04x}" for c in value), "json")
    data = value.encode("utf-8", "surrogatepass")
    for text in (
        quote(value, safe="", errors="replace"),
        quote(value, errors="replace"),
        quote_plus(value, errors="replace"),
    ):
        put(text, "percent")
        put(re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), text), "percent")
        put(quote(text, safe=""), "percent")
    put("".join(f"%{byte:02X}" for byte in data), "percent")
    put("".join(f"%{byte:02x}" for byte in data), "percent")
    for text in (
        html.escape(value),
        html.escape(value, quote=False),
        html.escape(value).replace("&#x27;", "&#39;"),
        "".join(f"&#{ord(c)};" for c in value),
        "".join(f"&#x{ord(c):x};" for c in value),
    ):
        put(text, "html")
    put(value.replace("'", "'\\''"), "shell")
    put(value.replace("'", "'\"'\"'"), "shell")
    put(re.sub(r"([^\w@%+=:,./-])", r"\\\1", value), "shell")
    put(data.hex(), "hex")
    put(data.hex().upper(), "hex")
    put("".join(f"\\x{byte:02x}" for byte in data), "hex")
    if len(data) >= 6:
        for shift in range(3):
            # At each alignment some characters depend on the neighbours; those in between are the value's own.
            encoded = base64.b64encode(b"\0" * shift + data).decode()
            first = (0, 2, 3)[shift]
            spare = (len(data) + shift) % 3
            last = len(encoded.rstrip("=")) - (1 if spare else 0)
            text = encoded[first:last]
            if len(text) >= _PIECE:
                put(text, "base64")
                put(text.replace("+", "-").replace("/", "_"), "base64")
    return out


_GLUE: Final = re.compile(
    "\x1b\\[[0-?]*+[ -/]*+[@-~]|\x1b\\][^\x07\x1b]{0,400}+(?:\x07|\x1b\\\\)|\x1b[@-Z\\\\-_]|\u009b[0-?]*+[@-~]"
    "|\\\\(?:x1b|u001b|033|e)\\[[0-9;]{0,20}+[a-zA-Z]"
    r"|\\?\r?\n(?:[ \t]{0,10}+\d{1,7}+(?:→|\t|:[ \t]?|\||[ ]?│|[ ]{2})|[\w./@-]{1,160}+[:\-]\d{1,7}[:\-]|[ \t]{0,40}+[>|#*│]++[ \t]?|[+-](?![+-])[ \t]?|[ \t]{1,60}+)?"  # noqa: E501
    r"|\\r?\\?n"
)


def plain_value(raw: str, view: str) -> str:
    """The value behind a found text, as the view in which it was found reads it: without colour codes, breaks, escapes.

    Base64 stays as it is: a run of it holds more than the value.
    """
    if view == "plain":
        return raw
    from tracetui.redact.views import decode_as

    text = raw
    for name in view.split("+"):
        if name == "base64":
            return raw
        text = _GLUE.sub("", text) if name in ("ansi", "joined", "split") else decode_as(name, text)
    return text or raw


_INSIDE: Final = re.compile(r"\w", re.ASCII)


class Matcher:
    """Looks for many values at once. ``values`` are (text, kind); hits name them by their place in the list."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        import ahocorasick

        self.values = [*values]
        self._whole: list[bool] = []
        needles: dict[str, list[tuple[int, str, int]]] = {}
        self._cores: list[str] = []
        for number, (value, kind) in enumerate(self.values):
            whole = kind in PERSONAL_KINDS or len(value) < _WHOLE_BELOW or kind == EXCLUDED_TEXT
            self._whole.append(whole)
            core = "" if whole else core_of(value)
            self._cores.append(core)
            parts = [value] if "\n" not in value and "\\n" not in value else [value, *lines_of(value)]
            for part in parts:
                if not part:
                    continue
                needles.setdefault(part, []).append((number, "plain", 0))
                if kind not in PERSONAL_KINDS or len(value) >= 4:
                    for text, form in forms_of(part).items():
                        needles.setdefault(text, []).append((number, form, 0))
            if not whole:
                for at in range(len(core) - _PIECE + 1):
                    piece = core[at : at + _PIECE]
                    edge = at == 0 or at == len(core) - _PIECE
                    if _telling(piece, edge=edge):
                        needles.setdefault(piece, []).append((number, "part", at))
        self._automaton: Any = ahocorasick.Automaton()
        for text, what in needles.items():
            self._automaton.add_word(text, (len(text), tuple(what)))
        self._any = bool(needles)
        if self._any:
            self._automaton.make_automaton()

    def hits(self, text: str) -> list[Hit]:
        """All places of all values in a text, also overlapping ones, in order."""
        if not self._any or len(text) < 2:
            return []
        out = [*self._raw(text)]
        if "\n" in text or "\x1b" in text or "\\" in text or "\x9b" in text:
            pieces = [match.span() for match in _GLUE.finditer(text)]
            if pieces:
                out += self._glued(text, pieces)
        return sorted(set(out))

    def _raw(self, text: str) -> Iterator[Hit]:
        for last, (length, what) in self._automaton.iter(text):
            start, end = last + 1 - length, last + 1
            for number, form, at in what:
                if form == "part":
                    a, b = self._grown(text, number, start, at)
                    # A part is cut off: what it goes on with is no part of it.
                    if b - a >= _PIECE:
                        yield Hit(a, b, number, "part")
                elif not self._whole[number] or form != "plain" or self._bounded(text, start, end, number):
                    yield Hit(start, end, number, form)

    def _grown(self, text: str, number: int, start: int, at: int) -> tuple[int, int]:
        """The longest piece of the core around a piece of it, found at ``start`` (``at`` in the core)."""
        core = self._cores[number]
        a, i = start, at
        while a > 0 and i > 0 and text[a - 1] == core[i - 1]:
            a, i = a - 1, i - 1
        b, j = start + _PIECE, at + _PIECE
        while b < len(text) and j < len(core) and text[b] == core[j]:
            b, j = b + 1, j + 1
        value = self.values[number][0]
        lead = value[: len(value) - len(core)] if value.endswith(core) else ""
        if i == 0 and lead and text.endswith(lead, 0, a) and a >= len(lead):
            a -= len(lead)
        return a, b

    def _bounded(self, text: str, start: int, end: int, number: int) -> bool:
        value, kind = self.values[number]
        if kind == EXCLUDED_TEXT:
            return True
        # An escape's letter is no letter of a word: \nsecret.
        escape = start > 1 and text[start - 1] in "nrtbf" and text[start - 2] == "\\"
        if start and not escape and _INSIDE.match(value[0]) and _INSIDE.match(text[start - 1]):
            return False
        return not (end < len(text) and _INSIDE.match(value[-1]) and _INSIDE.match(text[end]))

    def _glued(self, text: str, pieces: list[tuple[int, int]]) -> Iterator[Hit]:
        """Hits in the text without colour codes and line breaks that cross one of them."""
        from tracetui.redact.views import View

        clean = [piece for nth, piece in enumerate(pieces) if not nth or piece[0] >= pieces[nth - 1][1]]
        view = View("glued", text, View("plain", text, None), [(a, b, "") for a, b in clean])
        for hit in self._raw(view.text):
            if view.crosses(hit.start, hit.end):
                start, end = view.origin(hit.start, hit.end)
                yield Hit(start, end, hit.value, "split" if hit.form == "plain" else hit.form)


def _telling(piece: str, *, edge: bool) -> bool:
    """Whether eight characters say that they are of this value and no other: words and plain numbers do not."""
    if len(set(piece)) < 4:
        return False
    if piece.isdigit():
        return edge
    pairs, common = wordiness(piece)
    if pairs >= 5 and common > 0.66:
        return False
    return any(c.isdigit() for c in piece) or (pairs >= 4 and common < 0.6) or (not piece.isalpha() and pairs < 5)
