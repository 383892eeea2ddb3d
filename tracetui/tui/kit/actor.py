"""What carries out the actions of the registry: widgets, and the controllers that they are composed of.

An actor names the contexts whose keys it has in `Actor.CONTEXTS`. The action ``timeline.next-prompt`` is carried out
by the method ``do_next_prompt`` of the actor or of one of its controllers. When it may be out of place, whoever has it
also has ``why_next_prompt``, which returns a short reason while it cannot work and None while it can: the footer then
shows the key dim, and pressing it says the reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from textual.app import App
from textual.dom import DOMNode
from textual.keys import key_to_character
from textual.message import Message

from tracetui.tui.actions import BY_ID, Action, by_context

if TYPE_CHECKING:
    from tracetui.tui.kit.host import HostApp

__all__ = ["Actor", "Controller", "Offer", "offers"]

Owner = TypeVar("Owner")
Kind = TypeVar("Kind", bound="Controller[Any]")


class Controller(Generic[Owner]):
    """One subject of a widget or screen: the handlers of its keys, why each may be off, and what belongs to them.

    ``CONTEXTS`` are the contexts of the registry whose actions it has. Messages and events that reach its owner reach
    its ``on_…`` methods too, after the owner's own.
    """

    CONTEXTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    @property
    def app(self) -> HostApp:
        return cast("HostApp", cast(DOMNode, self.owner).app)

    def working(self) -> bool:
        """Whether something of it runs that the user may stop."""
        return False

    def stop(self) -> None:
        """Stop what runs; what is done stays."""

    def unfinished(self) -> str | None:
        """What leaving now would break off, in a few words; None for nothing that anybody waits for."""
        return None


class Actor(DOMNode):
    """Mixin of widgets, screens and the app that carry out actions of the registry."""

    CONTEXTS: ClassVar[tuple[str, ...]] = ()
    CONTROLLERS: ClassVar[tuple[type, ...]] = ()
    """The types of ``controllers``, where they do not say their contexts themselves."""
    controllers: Sequence[Any] = ()
    """Each holds what the keys of one subject do; asked in this order, after the actor itself."""

    def action_act(self, action_id: str) -> Awaitable[None] | None:
        """Carry out the action, or say why it does not work now. Gives what Textual then waits for before it looks at
        the next key: an action that moves the focus to something new is done when the focus is there."""
        action = BY_ID[action_id]
        reason = self.why_not(action)
        if reason is not None:
            say = getattr(self.app, "say", None)
            if say is not None:
                say(reason)
            return None
        owner, name = _carrier(self, action)
        done: Awaitable[None] | None = getattr(owner, f"do_{name}")()
        return done

    def handler(self, action: Action) -> object | None:
        """Who carries out an action here: the actor itself, or one of its controllers. Where the actor's own is None,
        nobody does."""
        return _carrier(self, action)[0]

    def why_not(self, action: Action) -> str | None:
        """The reason why the action cannot be carried out now, or None."""
        owner, name = _carrier(self, action)
        reason: Callable[[], str | None] | None = getattr(owner, f"why_{name}", None)
        return reason() if reason is not None else None

    def controller(self, kind: type[Kind]) -> Kind:
        """The controller of a class that this actor is known to have."""
        return next(one for one in self.controllers if isinstance(one, kind))

    def _get_dispatch_methods(
        self, method_name: str, message: Message
    ) -> Iterable[tuple[type, Callable[[Message], Awaitable[Any]]]]:
        # Textual has no public place to hand a message on to what is no widget; its version is pinned.
        yield from super()._get_dispatch_methods(method_name, message)
        for one in self.controllers:
            method = getattr(one, method_name, None)
            if method is not None and not message._no_default_action:
                yield type(one), method


def _carrier(actor: Actor, action: Action) -> tuple[object | None, str]:
    """Who carries out an action for an actor, and by which name."""
    for name in filter(None, (action.method, action.like)):
        found = next((one for one in (actor, *actor.controllers) if hasattr(one, f"do_{name}")), None)
        if getattr(found, f"do_{name}", None) is not None:
            return found, name
    return None, action.method


class Offer(NamedTuple):
    """An action that some node on the screen can carry out. ``reason`` says why not now; ``near`` is true for nodes
    from the focused one up to the app."""

    action: Action
    node: Actor
    reason: str | None
    near: bool


def offers(app: App[Any], *, everywhere: bool = False) -> list[Offer]:
    """What can be done on the current screen, nearest first; an action is listed once.

    With ``everywhere`` also the actions of actors that have not the focus (for the palette and the help screen).
    """
    screen = app.screen
    start: DOMNode = screen.focused or screen
    chain = list(start.ancestors_with_self)
    nodes: list[tuple[DOMNode, bool]] = [(node, True) for node in chain]
    if screen.is_modal:
        nodes = [(node, near) for node, near in nodes if node is not app] + [(app, True)]
    if everywhere:
        nodes += [(node, False) for node in screen.walk_children(with_self=False) if node not in chain]
    found: dict[str, Offer] = {}
    for node, near in nodes:
        if not isinstance(node, Actor):
            continue
        for action in by_context(*node.CONTEXTS):
            if near and node is not start and _typed(start, action):
                continue
            if action.id not in found and node.handler(action) is not None:
                found[action.id] = Offer(action, node, node.why_not(action), near)
    return list(found.values())


def _typed(focused: DOMNode, action: Action) -> bool:
    """Whether the keys of the action are letters that the focused input takes for itself."""
    consumes = getattr(focused, "check_consume_key", None)
    return consumes is not None and all(consumes(key, key_to_character(key)) for key in action.keys.split(","))
