"""Checks: commands whose outcome shows the problem, with the folder, exit status and line that were seen."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from tracetui.capsule.patches import check_path
from tracetui.capsule.runners.text import normal
from tracetui.capsule.shell import fails, hides_status, lints, only_reads
from tracetui.capsule.signature import Signature, signature_of
from tracetui.capsule.signature import load as load_signature
from tracetui.model import Step, TracetuiError

__all__ = [
    "Check",
    "choose_main",
    "dump",
    "from_command",
    "load",
    "normal",
    "propose",
    "rooted",
    "shows",
    "telling_line",
]

ROOT: Final = "{root}"
_PROPOSED: Final = 8
_LINE: Final = 400
_LINES_READ: Final = 4000
_COMMAND: Final = 32_768
_INTERPRETERS: Final = frozenset({"bash", "sh", "zsh", "dash"})

# Signs of a failure, the most telling first; plain words, matched in lower case.
_TELLING: Final[tuple[tuple[str, ...], ...]] = (
    ("assertionerror", "assertion failed", "assert ", "panicked at", "expected "),
    ("error:", "exception:", "error[", "typeerror", "valueerror", "keyerror", "modulenotfounderror", "fatal:"),
    ("fail:", "--- fail", "not ok", "✗", "✘", "×", "failed"),
    ("error", "cannot", "undefined", "unexpected", "denied", "no such", "not found", "mismatch"),
)
_FIRST: Final = (
    re.compile(r"^FAILED \S{1,300}::.{1,300} - |^not ok |^thread '"),
    re.compile(r"^E   (?! {0,40}\+)"),
)
"""Lines that test runners print of a failure alone; those first that name the test."""
_GENERIC: Final = re.compile(
    r"^\+ expected - actual$|^(?!thread ').{0,400}[:|]-?$|^name: 'AssertionError'$|^not ok .{1,300}\.[cm]?[jt]s$"
    r"|^error: test failed, to rerun|\.\.\.$|^E {3,40}\+  where"
)
"""Lines that stand by every failure of a runner: they tell which only where there is none better."""
_NODE: Final = (
    re.compile(r"^(?:AssertionError \[ERR_ASSERTION\]|[A-Z][A-Za-z]{0,40}Error(?: \[[A-Z_a-z]{1,60}\])?): |^error: '"),
    re.compile(r"^[^(){};]{1,200} (?:[!=]==?) [^(){};]{1,200}$"),
    re.compile(r"^actual: (?!(?:[|>]-?|true|false|null|undefined),?$)."),
)
"""What Node's assertions say, beside the name of the test: the message, what was compared, what was seen."""
_NODE_GENERIC: Final = re.compile(
    r": '?(?:Expected (?:values|\"actual\"|inputs) |The (?:input|expression|function) |Values (?:have|identical)"
    r"|Missing expected |test failed'|[0-9]{1,6} subtests? failed'|Promise resolution )"
)
_NODE_SIGNS: Final = ("ERR_ASSERTION", "ERR_TEST_FAILURE", "failureType: '")
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_PLACEHOLDER: Final = re.compile("\u2039[^\u2039\u203a\n]{1,64}\u203a")
_NOTHING: Final = re.compile(
    r"(?:Error: )?(?:Exit code|exit status|(?:Process|Command) exited with (?:code|status)|Exit status:?) -?\d{1,3}\.?$"
    r"|FAIL(?:ED|URE)?[:.!]?$|[Ee]rror[:.!]?$|FAILURES!?$|npm (?:ERR!|error) (?:code|Test failed|A complete log).*"
    r"|[#\u2139] (?:duration_ms|tests|suites|pass|fail|cancelled|skipped|todo) [0-9.]{1,16}$"
)
"""What an agent's program or a runner says of every failure alike: it tells none from another."""
_SUMMARY: Final = re.compile(r"^[=\-_ .]{3,}|[0-9]+ (?:passed|tests?)\b.*[0-9]+ ?(?:s|ms)\b|^ran [0-9]+ tests? in")


@dataclass(frozen=True, slots=True)
class Check:
    """A check. ``command`` and ``line`` spell the repository's folder ``{root}``; ``folder`` is relative to it.

    ``exit_code`` None: any but 0. ``line`` None: none is looked for. ``step`` is where it was seen, None for a command
    that the user wrote. ``problem`` names what keeps it from a verdict (a patch that does not apply). ``signature`` is
    that of the failure as it was seen, of tests where a runner told of them. ``main``: the verdict of the whole is that
    of this one. ``rehearsal``: what it showed when it was sealed, None where it was not posed then.
    """

    number: int
    command: str
    folder: str = ""
    exit_code: int | None = None
    line: str | None = None
    step: int | None = None
    agent: str | None = None
    problem: str | None = None
    signature: Signature | None = None
    main: bool = False
    rehearsal: dict[str, Any] | None = None

    def json(self) -> dict[str, Any]:
        """The check as ``checks.json`` holds it."""
        return {
            "check": self.number,
            "command": self.command,
            "folder": self.folder,
            "exit_code": self.exit_code,
            "line": self.line,
            "step": self.step,
            "agent": self.agent,
            "problem": self.problem,
            "signature": None if self.signature is None else self.signature.json(),
            "main": self.main,
            "rehearsal": self.rehearsal,
        }

    @property
    def expected(self) -> dict[str, Any]:
        """What a replay must show to count as the same failure."""
        return {"exit_code": self.exit_code, "line": self.line}


# -- proposing


def propose(steps: Iterable[tuple[str | None, Step, str | None]], root: str | None) -> list[Check]:
    """Checks from failing commands: (agent, step, the folder that the step's record names) in order.

    A command that could not be found or started is none; of one that failed several times the last failure counts.
    One whose status is hidden by what follows it (``pytest | tail``) is one by its output.
    ``root`` is the repository's folder as the log names it. At most ``_PROPOSED``, the last ones.
    """
    found: dict[tuple[str, str], Check] = {}
    for agent, step, cwd in steps:
        if step.kind != "command" or step.tool is None:
            continue
        check = _seen(step, cwd, root)
        if check is not None:
            found.pop((check.command, check.folder), None)
            found[check.command, check.folder] = replace(check, step=step.number, agent=agent)
    every = list(found.values())
    main = choose_main(every)
    kept = every[-_PROPOSED:]
    if main is not None and main not in kept:
        kept = [main, *kept[1:]]
    return [replace(check, number=nth, main=check is main) for nth, check in enumerate(kept, 1)]


def _seen(step: Step, cwd: str | None, root: str | None) -> Check | None:
    """The check of one command, None where it showed no failure."""
    command, folder = command_of(step)
    tool = step.tool
    if not command or tool is None:
        return None
    code, output = tool.exit_code, tool.output or ""
    if not step.failed:
        # The status is that of what came after the pipe; the failure stands in the output.
        if code or not hides_status(command) or only_reads(command) or not fails(output):
            return None
        code = 0
    elif code in (None, 0, 126, 127) or code is None or code < 0 or code > 128:
        return None
    check = from_command(0, command, folder or cwd, root)
    if check is None:
        return None
    line = telling_line(output)
    signature = signature_of(rooted(output, root))
    if code == 0 and line is None and signature is None:
        return None
    return replace(check, exit_code=code, line=None if line is None else rooted(line, root), signature=signature)


def choose_main(checks: Sequence[Check]) -> Check | None:
    """The check that the verdict of the whole rests on: the one that is marked, else by evidence the last one whose
    failing tests are known by name, then the last one that builds or runs something; never one that reads or lints."""
    marked = next((check for check in checks if check.main), None)
    return marked or max(checks, key=lambda check: (_weight(check), check.step or 0), default=None)


def _weight(check: Check) -> int:
    """How much a check may tell of a bug."""
    signature = check.signature
    if check.problem is not None:
        return 0
    if signature is not None and signature.tests and signature.runner not in ("compiler", "make"):
        return 4
    if only_reads(check.command) or lints(check.command):
        return 1
    return 3 if check.signature is not None or check.step is None else 2


def command_of(step: Step) -> tuple[str | None, str | None]:
    """(the shell command of a step, the folder that its call names)."""
    given = step.tool.input if step.tool is not None else None
    if isinstance(given, str):
        return given, None
    if not isinstance(given, dict):
        return None, None
    command: Any = next((given[name] for name in ("command", "cmd", "script") if given.get(name)), None)
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        shell = len(command) == 3 and posixpath.basename(command[0]) in _INTERPRETERS and command[1].startswith("-")
        if shell:
            command = command[2]
        else:
            import shlex

            command = shlex.join(command)
    folder = next((given[name] for name in ("workdir", "cwd", "directory") if isinstance(given.get(name), str)), None)
    return (command if isinstance(command, str) else None), folder


def from_command(number: int, command: str, folder: str | None, root: str | None) -> Check | None:
    """A check of a command that ran in ``folder`` (absolute, or relative to ``root``); None for one outside of it or
    too long."""
    if len(command) > _COMMAND or "\0" in command:
        return None
    inside = ""
    if folder:
        inside = posixpath.normpath(posixpath.join(root or "/", folder.replace("\\", "/")))
        if root is None or inside == root.rstrip("/"):
            inside = ""
        elif inside.startswith(root.rstrip("/") + "/"):
            inside = inside[len(root.rstrip("/")) + 1 :]
        else:
            return None
    return Check(number, rooted(command, root), inside)


def rooted(text: str, root: str | None) -> str:
    """``text`` with the repository's folder spelled ``{root}``, at the borders of path names only."""
    if not root or len(root) < 2:
        return text
    return re.sub(re.escape(root.rstrip("/")) + r"(?![A-Za-z0-9._-])", lambda _: ROOT, text)


def telling_line(output: str) -> str | None:
    """The line of a failure's output that says most, or None: the last one with the strongest sign."""
    lines = [_ANSI.sub("", line).strip() for line in output.split("\n")[-_LINES_READ:]]
    lines = [line for line in lines if 3 < len(line) <= _LINE and not _SUMMARY.search(line.lower())]
    lines = [line for line in lines if not _NOTHING.match(line)]
    best = [line for line in lines if not _GENERIC.search(line)]
    node = _of_node(best) if any(sign in line for line in lines for sign in _NODE_SIGNS) else None
    found = node or _strongest(best) or _strongest(lines)
    return found or next(reversed(best or lines), None)


def _of_node(lines: list[str]) -> str | None:
    """The line of an assertion of Node, beside the name of the test."""
    for pattern in _NODE:
        for line in reversed(lines):
            if pattern.search(line) and not _NODE_GENERIC.search(line):
                return line
    return None


def _strongest(lines: list[str]) -> str | None:
    """The last line with the strongest sign of a failure."""
    for pattern in _FIRST:
        found = next((line for line in reversed(lines) if pattern.search(line)), None)
        if found is not None:
            return found
    for signs in _TELLING:
        for line in reversed(lines):
            low = line.lower()
            if any(sign in low for sign in signs):
                return line
    return None


# -- comparing


def shows(check: Check, output: str, root: str) -> str | None:
    """The line of ``output`` that is the check's line, None when there is none. ``root`` is the folder it ran in.

    Where the recorded line was redacted, its placeholders stand for any text.
    """
    if check.line is None:
        return None
    parts = [normal(part) for part in _PLACEHOLDER.split(check.line)]
    for line in output.split("\n"):
        if len(line) > 16 * _LINE:
            continue
        if _fits(parts, normal(rooted(line, root))):
            return _ANSI.sub("", line).strip()
    return None


def _fits(parts: list[str], line: str) -> bool:
    """Whether ``line`` is the parts in order, with anything between them."""
    if len(parts) == 1:
        return line == parts[0]
    if not line.startswith(parts[0]) or not line.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(line) - len(parts[-1])
    for part in parts[1:-1]:
        at = line.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at <= end


# -- checks.json


def dump(checks: Iterable[Check]) -> bytes:
    """``checks.json``."""
    value = [check.json() for check in checks]
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def load(data: bytes, what: str = "checks.json") -> list[Check]:
    """Read ``checks.json``, of a capsule or edited by the user. Raises TracetuiError naming ``what``."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise TracetuiError(f"{what} is not JSON ({error})") from None
    if not isinstance(value, list) or len(value) > 100:
        raise TracetuiError(f"{what} is not a list of up to 100 checks")
    checks: list[Check] = []
    for nth, item in enumerate(value, 1):
        if not isinstance(item, dict) or not isinstance(item.get("command"), str) or not item["command"].strip():
            raise TracetuiError(f"{what}: check {nth} has no command")
        folder, code, line = item.get("folder") or "", item.get("exit_code"), item.get("line")
        step, agent, problem = item.get("step"), item.get("agent"), item.get("problem")
        if not isinstance(folder, str) or (folder and check_path(folder) is not None):
            raise TracetuiError(f"{what}: the folder of check {nth} leads out of the repository")
        if type(code) not in (int, type(None)) or not isinstance(line, str | None) or "\0" in item["command"]:
            raise TracetuiError(f"{what}: check {nth} needs an exit_code (number) and a line (text), or null")
        checks.append(
            Check(
                nth,
                item["command"],
                folder,
                code,
                line,
                step if type(step) is int else None,
                agent if isinstance(agent, str) else None,
                problem if isinstance(problem, str) else None,
                load_signature(item.get("signature"), f"{what}: check {nth}"),
                item.get("main") is True,
                item["rehearsal"] if isinstance(item.get("rehearsal"), dict) else None,
            )
        )
    return checks
