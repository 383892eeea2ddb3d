"""What the model saw, as a log tells it: pieces of records, and the shape of the conversation that they stand in.

A harness offers ``pieces`` (what of a record stands in a context, a pure function, so that a text can be read again
from its line alone) and a ``tracker`` that follows the conversation record by record and draws it on a ``Canvas``:
nodes with a parent, model calls, and what leaves the context and why.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, get_args

import orjson

from tracetui.model import Record, Step

__all__ = [
    "CATEGORIES",
    "CAUSES",
    "ROOT",
    "Canvas",
    "Category",
    "Cause",
    "ContextPiece",
    "ContextRules",
    "Keeps",
    "Tracker",
    "call_text",
]

Category = Literal[
    "system", "instructions", "prompt", "message", "thinking", "tool_call", "tool_result", "summary", "attachment"
]
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
Cause = Literal["compaction", "microcompaction", "rollback", "edit", "thinking_of_earlier_turn", "resume"]
"""Why a segment left the context; ``resume``: the program lost it when it loaded its log again."""
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
ROOT: Final = -1
"""The parent of a node that begins a conversation."""


class ContextPiece(NamedTuple):
    """A part of a record that stood in a model's context.

    ``call`` is the id of the call that a tool_call or tool_result is of, ``name`` its tool or the type of an
    attachment. ``images`` counts images (``text`` then has a mark for each), ``hidden`` the characters that stand in
    the log encrypted only, ``unsaid`` those that the program put around the text and did not log. ``key`` names the
    piece where something later may replace it. ``value`` is the input of a call, or the content with images as the log
    has it; never read for counting. ``limit``: a tracker knows that the program cut the text so (``shorten``).
    """

    category: Category
    text: str
    call: str | None = None
    name: str | None = None
    images: int = 0
    hidden: int = 0
    key: str | None = None
    value: Any = None
    unsaid: int = 0
    limit: int = 0


class Keeps(NamedTuple):
    """Whether the thinking of earlier turns stays in a context; ``sure``: known of the model and the version, so that
    the growth that a session reports is not asked. ``own``: only what the same model thought is shown to it."""

    kept: bool
    sure: bool
    own: bool = False


class Canvas(Protocol):
    """Where a tracker draws. Nodes are numbers that only grow; a child's is greater than its parent's."""

    def node(
        self,
        parent: int,
        record: Record,
        pieces: Sequence[ContextPiece],
        *,
        first: int = 0,
        turn: bool = False,
        origin: int | None = None,
        by: int = ROOT,
    ) -> int:
        """A node below ``parent`` (ROOT: none) with ``pieces``, which are those of ``pieces(record)`` from ``first``
        on. ``turn``: a person's turn begins here. ``origin``: the step that all of them come from, where the tracker
        knows better than the canvas. ``by``: the call that wrote them."""
        ...

    def again(self, parent: int, node: int) -> int:
        """The segments of ``node`` once more below another parent: they were kept."""
        ...

    def reuse(self, parent: int, segment: int, *, turn: bool = False) -> int:
        """A node of one segment that ``find`` gave."""
        ...

    def find(self, piece: ContextPiece, taken: Container[int]) -> int | None:
        """The oldest segment with the category and text of ``piece`` that is not ``taken``; what models wrote and the
        results of calls are not looked for."""
        ...

    def cut(self, node: int, prior: int, cause: Cause) -> None:
        """From ``node`` on the chain that ended at ``prior`` is out of the context, because of ``cause``."""
        ...

    def replace(self, node: int, keys: Mapping[str, Sequence[ContextPiece]], record: Record, cause: Cause) -> None:
        """From ``node`` on, pieces of earlier nodes with these keys are replaced (by nothing: left out). The
        replacements are pieces of ``record``, in order, or stand for nothing in it."""
        ...

    def doubt(self, node: int, keys: Sequence[str], likely: bool) -> None:
        """Where ``node`` came in, the program may have loaded its log again and lost the pieces with these keys; the
        growth of the reported prompt decides, else ``likely``."""
        ...

    def call(self, response: str | None, parent: int) -> int:
        """The model was called with the chain that ends at ``parent``, and ``response`` came of it (None: its name is
        not known yet). Gives the call's number."""
        ...

    def named(self, call: int, response: str) -> None:
        """The name of a call's response."""
        ...

    def keeps(self, call: int, kept: bool) -> None:
        """The log states whether the thinking of earlier turns stayed in the context of a call."""
        ...

    def lacks(self, what: str, call: int = ROOT) -> None:
        """Something that the model saw stands in no record of this log: it is named as missing, for one call or all."""
        ...

    def beside(self, record: Record) -> None:
        """A record that no model saw and that a native copy of the context needs; the latest of its type counts."""
        ...

    def parent(self, node: int) -> int:
        """The parent of a node."""
        ...

    def turns(self, node: int) -> int:
        """The nearest node at or above ``node`` with which a turn begins; ROOT where there is none."""
        ...

    def categories(self, node: int) -> frozenset[str]:
        """The categories of a node's segments."""
        ...


class Tracker(Protocol):
    """Follows one log. ``feed`` takes each record after the harness's reader did, with the steps that the reader began
    or changed because of it."""

    def feed(self, record: Record, steps: Sequence[Step]) -> None: ...


@dataclass(frozen=True, slots=True)
class ContextRules:
    """How a harness's logs tell contexts.

    ``keeps_thinking`` says by a model's name and the harness's version whether thinking of earlier turns stays in the
    context. ``missing`` names what a log never holds. ``system_first``: the system prompt stands first however late the
    log tells of it. ``shorten`` cuts a text as the program did when it sent it, to the ``limit`` of a piece.
    """

    pieces: Callable[[Record], list[ContextPiece]]
    tracker: Callable[[Canvas, str], Tracker]
    keeps_thinking: Callable[[str | None, str | None], Keeps]
    missing: tuple[str, ...]
    fallback: Callable[[Canvas, str], Tracker] | None = None
    """A tracker for logs that hold nothing of what ``tracker`` goes by."""
    system_first: bool = False
    shorten: Callable[[str, int], str] | None = None
    complete: bool = False
    """Whether a log with system segments holds the whole prompt and all tools."""
    states_output: bool = False
    """Whether the log states exactly how many tokens each response had, its hidden reasoning included."""
    signed_thinking: bool = False
    """Whether the ``value`` of a thinking piece is a block of the Messages API with the signature that it asks for."""
    tokenizer: str = ""
    """The family of models (as in ``ctx.estimate``) that answers where the log names no model."""


def call_text(name: str, given: Any) -> str:
    """A call as text: the tool's name, then each argument on lines of its own; close to what the model wrote."""
    if isinstance(given, Mapping):
        lines = [name]
        for key, item in given.items():
            lines.append(f"{key}: {item if isinstance(item, str) else _json(item)}")
        return "\n".join(lines)
    if given is None or given == "":
        return name
    return f"{name}\n{given if isinstance(given, str) else _json(given)}"


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return str(type(value).__name__)
