"""Token streams of source text, for telling a reformat from a change.

The tokens are the leaves of a tree-sitter tree where there is a grammar for the file's name, else those of a plain
lexer. Commas, semicolons and line continuations are left out, quotes are spelled one way, prose (comments, Markdown)
is cut into words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

__all__ = ["Stream", "is_identifier", "lex", "pack", "plain", "stream", "suffix"]

_TOKEN = re.compile(
    rb'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`\n]*`|[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*|[0-9][A-Za-z0-9_.]*'
    rb"|[^\sA-Za-z0-9_$\x80-\xff]"
)
_IDENTIFIER = re.compile(rb"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*\Z")
_DROPPED: Final = frozenset((b",", b";", b"\\", b"", b"\n"))
_QUOTES: Final = b"\"'`"
_PARENS: Final = frozenset((b"(", b")"))
_LIMIT: Final = 1_000_000

_GRAMMARS: Final[dict[str, tuple[str, str]]] = {
    "py": ("tree_sitter_python", "language"),
    "pyi": ("tree_sitter_python", "language"),
    "js": ("tree_sitter_javascript", "language"),
    "jsx": ("tree_sitter_javascript", "language"),
    "mjs": ("tree_sitter_javascript", "language"),
    "cjs": ("tree_sitter_javascript", "language"),
    "ts": ("tree_sitter_typescript", "language_typescript"),
    "mts": ("tree_sitter_typescript", "language_typescript"),
    "cts": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rs": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "c": ("tree_sitter_c", "language"),
    "h": ("tree_sitter_cpp", "language"),
    "cc": ("tree_sitter_cpp", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "cxx": ("tree_sitter_cpp", "language"),
    "hh": ("tree_sitter_cpp", "language"),
    "hpp": ("tree_sitter_cpp", "language"),
    "rb": ("tree_sitter_ruby", "language"),
    "sh": ("tree_sitter_bash", "language"),
    "bash": ("tree_sitter_bash", "language"),
    "zsh": ("tree_sitter_bash", "language"),
    "json": ("tree_sitter_json", "language"),
    "jsonc": ("tree_sitter_json", "language"),
    "ipynb": ("tree_sitter_json", "language"),
    "yaml": ("tree_sitter_yaml", "language"),
    "yml": ("tree_sitter_yaml", "language"),
    "md": ("tree_sitter_markdown", "language"),
    "markdown": ("tree_sitter_markdown", "language"),
}
_STRINGS: Final = frozenset(
    "string string_literal interpreted_string_literal raw_string_literal char_literal rune_literal character_literal "
    "template_string double_quote_scalar single_quote_scalar raw_string string_value system_lib_string".split()
)
_HOLES: Final = frozenset(
    "interpolation template_substitution expansion simple_expansion command_substitution escape_interpolation".split()
)
_MARKS: Final = frozenset(
    "list_marker_minus list_marker_star list_marker_plus list_marker_dot list_marker_parenthesis "
    "pipe_table_delimiter_row pipe_table_delimiter_cell block_continuation |".split()
)


@dataclass(slots=True)
class Stream:
    """Tokens and the line (0-based) on which each begins."""

    tokens: list[bytes]
    lines: list[int]
    _packed: dict[bool, bytes] = field(default_factory=dict)

    def packed(self, loose: bool = False) -> bytes:
        """The tokens as one byte string in which runs of tokens can be searched; ``loose`` leaves parentheses out."""
        found = self._packed.get(loose)
        if found is None:
            found = self._packed[loose] = pack(self.tokens, loose)
        return found

    def span(self, run: Sequence[bytes], loose: bool = False, start: int = 0) -> tuple[int, int, int] | None:
        """Where a run of tokens stands: first line, last line, and where to search on; None when nowhere."""
        needle = pack(run, loose)
        if not needle:
            return None
        hay = self.packed(loose)
        at = hay.find(needle, start)
        if at < 0:
            return None
        first = hay.count(b"\0", 0, at)
        last = first + needle.count(b"\0") - 1
        if loose:
            places = [line for token, line in zip(self.tokens, self.lines) if token not in _PARENS]
            return places[first], places[last], at + 1
        return self.lines[first], self.lines[last], at + 1

    def beside(self, run: Sequence[bytes], loose: bool, at: int) -> tuple[bytes, bytes]:
        """The tokens right before and right after a run that ``span`` found just before ``at``, where they share its
        first or last line; else empty."""
        places = [i for i, token in enumerate(self.tokens) if not (loose and token in _PARENS)]
        first = self.packed(loose).count(b"\0", 0, at - 1)
        last = first + pack(run, loose).count(b"\0") - 1
        before = after = b""
        if first and self.lines[places[first - 1]] == self.lines[places[first]]:
            before = self.tokens[places[first - 1]]
        if last + 1 < len(places) and self.lines[places[last + 1]] == self.lines[places[last]]:
            after = self.tokens[places[last + 1]]
        return before, after


def pack(tokens: Sequence[bytes], loose: bool = False) -> bytes:
    """Tokens as one byte string, each between two marks that no text holds."""
    return b"".join(b"\0" + token + b"\1" for token in tokens if not (loose and token in _PARENS))


def is_identifier(token: bytes) -> bool:
    """Whether a token is a name (or a word of the language)."""
    return _IDENTIFIER.match(token) is not None


def _clean(token: bytes) -> bytes:
    if len(token) > 1 and token[:1] in _QUOTES and token[-1:] == token[:1]:
        inner = token[1:-1].replace(b'\\"', b'"').replace(b"\\'", b"'")
        return b'"' + inner + b'"'
    return token


def lex(line: bytes) -> list[bytes]:
    """The tokens of a line by the plain lexer."""
    return [_clean(token) for token in _TOKEN.findall(line) if token not in _DROPPED]


def plain(data: bytes) -> Stream:
    """The tokens of a text by the plain lexer, line by line."""
    tokens: list[bytes] = []
    lines: list[int] = []
    for number, line in enumerate(data.split(b"\n")):
        found = lex(line)
        tokens.extend(found)
        lines.extend([number] * len(found))
    return Stream(tokens, lines)


@lru_cache(maxsize=32)
def _parser(name: str) -> Any:
    grammar = _GRAMMARS.get(name)
    if grammar is None:
        return None
    try:
        import importlib

        import tree_sitter

        module = importlib.import_module(grammar[0])
        return tree_sitter.Parser(tree_sitter.Language(getattr(module, grammar[1])()))
    except (ImportError, AttributeError, ValueError, TypeError):
        return None


def suffix(path: str) -> str:
    """The part of a path by which its language is known."""
    name = path.rsplit("/", 1)[-1].lower()
    return name.rsplit(".", 1)[-1] if "." in name else name


def stream(path: str, data: bytes) -> Stream | None:  # noqa: C901 - a scanner: a branch for each class of character
    """The leaves of the text's syntax tree as tokens; None where no grammar fits or the text is very large."""
    parser = _parser(suffix(path)) if len(data) <= _LIMIT else None
    if parser is None:
        return None
    tokens: list[bytes] = []
    lines: list[int] = []

    def put(text: bytes, line: int) -> None:
        for word, row in _words(text, line):
            tokens.append(word)
            lines.append(row)

    cursor = parser.parse(data).walk()
    at = 0
    while True:
        node = cursor.node
        kind = node.type
        deeper = False
        leaf = not node.child_count or kind in _MARKS
        if leaf and node.start_byte > at:  # text that the grammar gives no node of its own (prose in Markdown)
            gap = data[at : node.start_byte]
            if gap.strip():
                put(gap, data.count(b"\n", 0, at))
        if leaf:
            at = max(at, node.end_byte)
        if kind in _MARKS:
            pass
        elif kind in _STRINGS and not any(child.type in _HOLES for child in node.children):
            text = data[node.start_byte : node.end_byte]
            at = max(at, node.end_byte)
            tokens.append(_quoted(text))
            lines.append(node.start_point[0])
        elif node.child_count and cursor.goto_first_child():
            deeper = True
        else:
            text = data[node.start_byte : node.end_byte]
            if kind in ("string_start", "string_end", "`"):
                text = b'"'
            if b" " in text or b"\n" in text or b"\t" in text:
                put(text, node.start_point[0])
            elif text not in _DROPPED:
                tokens.append(text)
                lines.append(node.start_point[0])
        if deeper:
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                if data[at:].strip():
                    put(data[at:], data.count(b"\n", 0, at))
                return Stream(tokens, lines)


def _words(text: bytes, line: int) -> Iterator[tuple[bytes, int]]:
    """The words of a text that begins in a line, each with its own."""
    for row, part in enumerate(text.split(b"\n"), line):
        for word in part.split():
            if word not in _DROPPED:
                yield _clean(word), row


def _quoted(text: bytes) -> bytes:
    """A string literal with its quotes spelled one way and its inner white space made single."""
    head = 0
    while head < len(text) and text[head : head + 1] not in _QUOTES and head < 3:
        head += 1
    prefix, body = (text[:head], text[head:]) if text[head : head + 1] in _QUOTES else (b"", text)
    for mark in (b'"""', b"'''", b'"', b"'", b"`"):
        if len(body) >= 2 * len(mark) and body.startswith(mark) and body.endswith(mark):
            body = body[len(mark) : -len(mark)]
            break
    body = body.replace(b'\\"', b'"').replace(b"\\'", b"'")
    return prefix.lower() + b'"' + b" ".join(body.split()) + b'"'
