"""The commands of the command line, one module each, imported only when asked for.

To add one: write ``commands/NAME.py`` with ``EXAMPLES``, ``arguments(parser)`` and ``run(args) -> int``, and add its
line here; help, completion and the parser follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS", "Command", "Module"]


class Module(Protocol):
    """What a command's module offers. ``EXAMPLES`` are pairs of a command line and what it does. ``run`` gives the exit
    status; failures to tell in one line are raised as ``TracetuiError``."""

    EXAMPLES: tuple[tuple[str, str], ...]

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


class Command(NamedTuple):
    """A command: its name, its module below ``tracetui.commands``, and what it does in a few words."""

    name: str
    module: str
    help: str

    def load(self) -> Module:
        """Import its module."""
        from importlib import import_module

        return cast("Module", import_module(f"tracetui.commands.{self.module}"))


COMMANDS: Final[dict[str, Command]] = {
    command.name: command
    for command in (
        Command("index", "index", "capture new and changed sessions into the bucket"),
        Command("ls", "ls", "list sessions, newest first"),
        Command("show", "show", "print the steps of a session"),
        Command("search", "search", "find steps by their text"),
        Command("trail", "trail", "tell what became of a session's edits in Git"),
        Command("blame", "blame", "lead commits and lines back to the sessions that wrote them"),
        Command("scan", "scan", "propose what to scrub in a session, a file or any text"),
        Command("redact", "redact", "decide what of a session is scrubbed"),
        Command("ctx", "ctx", "tell what the model saw at a step, and take it along"),
        Command("seal", "seal", "seal an episode into one file"),
        Command("export", "export", "write redacted sessions or capsules in a format of the field"),
        Command("dataset", "dataset", "make rows and reports of sessions by workflows, review and write them"),
        Command("verifier", "verifier", "score the runs of a skill or command, where trusted labels agree"),
        Command("verify", "verify", "check that a capsule is unchanged, and who signed it"),
        Command("replay", "replay", "pose the checks of a capsule again, in a sandbox, after asking"),
        Command("stats", "stats", "count what the bucket holds"),
        Command("mcp", "mcp", "answer coding agents about one's own sessions, read only"),
        Command("doctor", "doctor", "check roots, logs and bucket"),
        Command("forget", "forget", "remove sessions from the bucket for good"),
        Command("open", "open", "look at a session log without a bucket"),
        Command("demo", "demo", "open the app on a made-up bucket"),
        Command("completion", "completion", "print the completion script of a shell"),
    )
}
