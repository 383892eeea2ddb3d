"""The command line: finds the command, parses its words, and turns every failure into one line and an exit status.

Exit status: 0 done, 1 the answer is no or the work could not be done, 2 the words are wrong, 130 interrupted. Only the
module of the command that was named is imported.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from tracetui import __version__
from tracetui.commands import COMMANDS, Command
from tracetui.model import TracetuiError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

__all__ = ["build_parser", "run"]

_EXAMPLES: Final = (
    ("tracetui", "open the app"),
    ("tracetui demo", "open the app on a made-up bucket"),
    ("tracetui index", "capture everything your agents logged"),
    ("tracetui ls --since 7d", "the sessions of the last week"),
    ("tracetui search '\"rate limit\" kind:edit'", "edits that speak of a rate limit"),
    ("tracetui show 019c3f2a:last", "the last step of a session"),
)
_INTERRUPTED: Final = 130


def run(argv: list[str]) -> int:
    """Run one command line and give its exit status. Never raises but for a bug; a reader that closes the pipe early
    ends the work quietly, and streams that are closed from the start take what is written to nowhere."""
    if sys.stdout is None or sys.stderr is None:
        null = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (until the end of the program)
        sys.stdout, sys.stderr = sys.stdout or null, sys.stderr or null
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # help texts hold signs that ASCII and Latin-1 lack
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except TracetuiError as error:
        return _fail(str(error), error.status)
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _fail(_disk_full(argv) if _written() else f"{error.strerror}: the output is cut", 1)
        where = f" ({error.filename})" if error.filename else ""
        return _fail(f"{error.strerror or type(error).__name__}{where}; see: tracetui doctor", 1)
    except Exception as error:  # a bug: told in one line, for its message may quote a log
        if os.environ.get("TRACETUI_DEBUG"):
            raise
        if type(error).__module__ == "sqlite3":
            return _fail(_database(error, argv), 1)
        return _unexpected(error, argv)


def _written() -> bool:
    """Whether standard output took what was printed; where it did not, the bucket's disk is not what is full."""
    try:
        if not sys.stdout.isatty():
            os.write(sys.stdout.fileno(), b"\n")  # what Python could not write it may have dropped: asked for anew
    except (OSError, ValueError):
        _drop_stdout()
        return False
    return True


def _folder(argv: list[str]) -> Path:
    """The bucket that a command line speaks of."""
    from itertools import pairwise

    from tracetui.commands.common import bucket_path

    named = next((word for before, word in pairwise(argv) if before == "--bucket"), None)
    return bucket_path(named or next((word[9:] for word in argv if word.startswith("--bucket=")), None))


def _disk_full(argv: list[str]) -> str:
    from tracetui.bucket.location import full_disk

    return str(full_disk(_folder(argv), "this"))


def _database(error: Exception, argv: list[str]) -> str:
    """What to say and do about an error of SQLite: a full disk, another process, or a damaged file."""
    from tracetui.bucket.location import no_room

    if no_room(_folder(argv), error):
        return _disk_full(argv)
    if "locked" in str(error) or "busy" in str(error):
        return "Another tracetui is writing this bucket; try again when it is done"
    return f"A database of the bucket is damaged ({error}); set it right with: tracetui doctor --repair"


def _unexpected(error: Exception, argv: list[str]) -> int:
    """Write a private report without data into the bucket, where there is one, and tell about it."""
    from tracetui.bucket.error_report import write_error_report

    folder = _folder(argv)
    report = write_error_report(error, folder / "errors") if (folder / "bucket.json").exists() else None
    details = f"details (private): {report}" if report else "TRACETUI_DEBUG=1 shows where"
    return _fail(f"unexpected {type(error).__name__}; {details}", 1)


def _fail(message: str, status: int) -> int:
    from tracetui.text.safe import one_line

    try:
        sys.stderr.write(f"tracetui: {one_line(message)}\n")
        sys.stderr.flush()
    except UnicodeEncodeError:
        sys.stderr.write(f"tracetui: {ascii(message)[1:-1]}\n")
    except OSError:
        pass
    return status


def _drop_stdout() -> None:
    """Point standard output to nowhere, so that Python's own flush at exit has nothing to complain of."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass


def _run(argv: list[str]) -> int:
    bucket: str | None = None
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word in ("--version", "-V"):
            print(f"tracetui {__version__}")
            return 0
        if word in ("--help", "-h"):
            print(_help(), end="")
            return 0
        if word == "--bucket" and rest:
            bucket = rest.pop(0)
        elif word.startswith("--bucket="):
            bucket = word.partition("=")[2]
        elif word == "--bucket":
            raise TracetuiError("--bucket needs a folder; see: tracetui --help", status=2)
        else:
            raise TracetuiError(f"the option {word} is not known before a command; see: tracetui --help", status=2)
        if not bucket:
            raise TracetuiError("--bucket needs a folder; see: tracetui --help", status=2)
    if not rest:
        from tracetui.commands.app import run as run_app

        return run_app(bucket)
    name, *words = rest
    if name == "help":
        return _run([words[0], "--help"] if words else ["--help"])
    command = COMMANDS.get(name)
    if command is None:
        raise TracetuiError(_unknown(name), status=2)
    parser = build_parser(command)
    try:
        args = parser.parse_args(words)
    except SystemExit as left:  # argparse leaves after --help
        return left.code if isinstance(left.code, int) else 0
    if args.bucket is None:
        args.bucket = bucket
    args.words = words  # a "--" before a path is not in what argparse gives
    return command.load().run(args)


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {near[0]}? See" if near else "see"
    return f"{name} is not a command; {hint}: tracetui --help"


def build_parser(command: Command) -> argparse.ArgumentParser:
    """The parser of one command, with its examples as the end of its help."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise TracetuiError(f"{message}; see: {self.prog} --help", status=2)

    module = command.load()
    examples = "".join(f"  {line}\n      {what}\n" for line, what in module.EXAMPLES)
    parser = Parser(
        prog=f"tracetui {command.name}",
        description=command.help[0].upper() + command.help[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--bucket", metavar="DIR", help="the bucket; TRACETUI_BUCKET names it too")
    module.arguments(parser)
    return parser


def _help() -> str:
    width = max(map(len, COMMANDS)) + 2
    commands = "".join(f"  {name:<{width}}{command.help}\n" for name, command in COMMANDS.items())
    longest = max(len(line) for line, _ in _EXAMPLES) + 2
    examples = "".join(f"  {line:<{longest}}{what}\n" for line, what in _EXAMPLES)
    return (
        "usage: tracetui [--bucket DIR] [COMMAND] …\n\n"
        "Read, judge and share what your coding agents did. Without a command: the app.\n\n"
        f"commands:\n{commands}\n"
        "options:\n"
        "  --bucket DIR   the bucket; TRACETUI_BUCKET names it too\n"
        "  --version      print the version\n"
        "  -h, --help     print this; after a command, its own help\n\n"
        f"examples:\n{examples}"
    )
