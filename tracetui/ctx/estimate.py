"""Tokens of a text, estimated without any vendor's tokenizer.

A text is counted by what tokenizers cut at: words, long words, capitals within them, digits, punctuation, line ends,
indentation, characters beyond ASCII; a table per family of models weighs the counts. The weights were fitted on the
growth of the prompt between consecutive calls of public sessions (856 pairs of Claude Code, 1,107 of Codex), robustly
(least squares, reweighted by max(200 tokens, 15 %)), and checked with each file left out in turn: within 15 % or 200
tokens for 92 % and 94 % of the pairs, where 3.3 bytes a token reach 74 % and 64 %. ``bench/ctx.py`` measures it again
on any folder of logs.

For models of other families the tokenizer is not known: there the estimate is drawn towards the growth that earlier
calls of the same session reported (``Calibration``).
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final, NamedTuple

from tracetui.harness import HARNESSES
from tracetui.harness.context import ContextPiece

__all__ = ["Calibration", "Estimator", "Weights", "family", "text_tokens", "window_of"]


class Weights(NamedTuple):
    """Tokens per word, further 7 letters of a word, capital within a word, digit, ASCII punctuation mark, line end,
    pair of blanks, and character beyond ASCII; then what a message, a call, a result and an image cost by themselves,
    and the characters of sealed thinking to a token."""

    word: float
    long: float
    camel: float
    digit: float
    mark: float
    line: float
    blanks: float
    beyond: float
    message: float
    call: float
    result: float
    image: float
    sealed: float


_CLAUDE: Final = Weights(1.105, 0.688, 0.929, 0.783, 0.743, 1.454, 0.138, 0.639, 6.7, 46.1, 46.1, 275.0, 8.0)
_OPENAI: Final = Weights(1.148, 0.015, 0.674, 0.738, 0.427, 1.002, 0.309, 0.3, 4.0, 12.0, 13.1, 275.0, 12.0)
_UNSAID: Final = 4.4
"""Characters to a token of English prose, for what is known by its length only."""
# Of other families the tokenizer is not known. The mean of both was chosen on one half of 191 pairs of Pi's logs
# (95.7 % where the first table reaches 89.9 %); on the other half it reaches 81.1 % for 80.3 %.
_OTHER: Final = Weights(*((one + other) / 2 for one, other in zip(_CLAUDE, _OPENAI, strict=True)))
_TABLES: Final = {"anthropic": _CLAUDE, "openai": _OPENAI, "other": _OTHER}

_ANTHROPIC: Final = "claude opus sonnet haiku fable".split()
_GPT: Final = "gpt codex".split()
"""Words in the names of a family's models."""

_CLASSES: Final = bytes(
    ord("x")
    if code >= 128
    else ord("a")
    if chr(code).islower()
    else ord("A")
    if chr(code).isupper()
    else ord("0")
    if chr(code).isdigit()
    else code
    if chr(code) in "\n "
    else ord(" ")
    if chr(code) in "\t\r"
    else ord(".")
    for code in range(256)
)
_LETTERS: Final = bytes(ord("a") if chr(code) in "aA" else ord(" ") for code in range(256))


def family(model: str | None, harness: str = "") -> str:
    """``anthropic``, ``openai`` or ``other``, by a model's name, else by the harness."""
    if not model:
        maker = HARNESSES.get(harness)
        rules = maker.context if maker is not None else None
        return (rules.tokenizer if rules is not None else "") or "other"
    name = model.lower()
    if any(word in name for word in _ANTHROPIC):
        return "anthropic"
    if any(word in name for word in _GPT) or name.rpartition("/")[2][:2] in ("o1", "o3", "o4"):
        return "openai"
    return "other"


def text_tokens(text: str, weights: Weights = _CLAUDE) -> float:
    """The estimated tokens of a text alone. Linear in its length; counts are made by the C library."""
    if not text:
        return 0.0
    data = text.encode("utf-8", "replace")
    classes = data.translate(_CLASSES)
    letters = classes.translate(_LETTERS)
    count = classes.count
    high = 0 if len(data) == len(text) else len(text) - (len(data) - count(b"x"))
    return (
        weights.word * len(letters.split())
        + weights.long * letters.count(b"aaaaaaa")
        + weights.camel * count(b"aA")
        + weights.digit * count(b"0")
        + weights.mark * count(b".")
        + weights.line * count(b"\n")
        + weights.blanks * count(b"  ")
        + weights.beyond * high
    )


class Estimator:
    """Estimates pieces; ``model`` is set as the log names models."""

    def __init__(self, harness: str) -> None:
        self.harness = harness
        self._model: str | None = None
        self._weights = _TABLES[family(None, harness)]

    @property
    def model(self) -> str | None:
        """The model that answers at present."""
        return self._model

    @model.setter
    def model(self, name: str) -> None:
        if name != self._model:
            self._model = name
            self._weights = _TABLES[family(name, self.harness)]

    def tokens(self, piece: ContextPiece) -> int:
        """The estimated tokens of a piece in a context."""
        weights = self._weights
        total = text_tokens(piece.text, weights) + weights.image * piece.images
        if piece.category == "tool_call":
            total += weights.call
        elif piece.category == "tool_result":
            total += weights.result
        elif piece.category == "message":
            total += weights.message
        elif piece.hidden and not piece.text:
            total += piece.hidden / weights.sealed
        total += piece.unsaid / _UNSAID
        return min(round(total), 0xFFFFFFFF)


class Calibration:
    """How much larger than estimated the growth of earlier calls was: the median of the last ones, within bounds."""

    _LEAST: Final = 150
    _ENOUGH: Final = 4
    _LAST: Final = 15

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=self._LAST)

    @property
    def scale(self) -> float:
        """What to multiply estimates with from now on."""
        if len(self._ratios) < self._ENOUGH:
            return 1.0
        return min(1.5, max(0.75, median(self._ratios)))

    def learn(self, estimated: int, reported: int) -> None:
        """A call's growth, both ways; small ones tell nothing."""
        if estimated > self._LEAST:
            self._ratios.append(min(3.0, max(0.3, reported / estimated)))


_WINDOWS: Final = [
    (name, int(size))
    for name, size in (
        line.split()
        for line in """
            [1m] 1000000
            gpt-5.3-codex-spark 128000
            gpt-5 272000
            codex 272000
            gpt-4.1 1047576
            gpt-4 128000
            o3 200000
            o4 200000
            gemini 1048576
            qwen3 262144
            deepseek 131072
            kimi 262144
            glm 200000
            grok 256000
            claude 200000
        """.strip().splitlines()
    )
]
"""A part of models' names and the context window in tokens that their vendors state; the first that fits counts."""


def window_of(model: str | None, used: int = 0) -> int | None:
    """A guess at a model's context window in tokens, by its name; the next larger one where more than it was
    ``used``. None for names that say nothing."""
    name = (model or "").lower()
    for part, size in _WINDOWS:
        if part in name:
            return size if used <= size else max(1_000_000, used)
    return None
