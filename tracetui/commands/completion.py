"""``completion``: the completion script of a shell, made from the parsers."""

from __future__ import annotations

import argparse
import re
from typing import Final, NamedTuple

from tracetui.commands import COMMANDS
from tracetui.commands.out import Paper
from tracetui.harness import HARNESSES
from tracetui.model import KINDS

EXAMPLES: Final = (
    ('eval "$(tracetui completion bash)"', "in ~/.bashrc"),
    ('eval "$(tracetui completion zsh)"', "in ~/.zshrc, after compinit"),
    ("tracetui completion fish | source", "in ~/.config/fish/config.fish"),
)


class _Flag(NamedTuple):
    name: str
    help: str
    takes: str
    """``""``: nothing, ``file``, ``value``, or the choices parted by blanks."""


class _CommandWords(NamedTuple):
    name: str
    help: str
    flags: tuple[_Flag, ...]
    files: bool
    choices: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to complete in")


def run(args: argparse.Namespace) -> int:
    """Print the script; the exit status."""
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell](_table())
    Paper().line(script.rstrip("\n"))
    return 0


def _plain(text: str | None) -> str:
    """A help text that means nothing to a shell; an apostrophe is the typographic one, which none takes for a quote."""
    return re.sub(r"[^A-Za-z0-9 ,.;/()+’-]", "", (text or "").replace("'", "’"))


def _table() -> list[_CommandWords]:
    found: list[_CommandWords] = []
    for name, command in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=name)
        parser.add_argument("--bucket", metavar="DIR", help="the bucket")
        command.load().arguments(parser)
        flags: list[_Flag] = []
        files, choices = False, ""
        for action in parser._actions:
            words = " ".join(map(str, action.choices)) if action.choices else ""
            metavar = action.metavar if isinstance(action.metavar, str) else ""
            if not action.option_strings:
                files = files or any(word in metavar for word in ("FILE", "PATH"))
                choices = words or choices
                continue
            words = words or {"--kind": " ".join(KINDS), "--harness": " ".join(HARNESSES)}.get(
                action.option_strings[-1], ""
            )
            takes = (
                "" if action.nargs == 0 else words or ("file" if metavar in ("DIR", "FILE", "KEY", "PATH") else "value")
            )
            flags += [_Flag(flag, _plain(action.help), takes) for flag in action.option_strings]
        found.append(_CommandWords(name, _plain(command.help), tuple(flags), files, choices))
    return found


def _bash(table: list[_CommandWords]) -> str:
    names = " ".join(words.name for words in table)
    cases: list[str] = []
    values: list[str] = []
    for words in table:
        flags = " ".join(flag.name for flag in words.flags)
        rest = '_tracetui_files "$cur"' if words.files else f'COMPREPLY=($(compgen -W "{words.choices}" -- "$cur"))'
        cases.append(
            f"        {words.name})\n            if [[ $cur == -* ]]; then "
            f'COMPREPLY=($(compgen -W "{flags}" -- "$cur"))\n'
            f"            else {rest}; fi ;;"
        )
        for flag in words.flags:
            if flag.takes:
                does = {"file": '_tracetui_files "$cur"', "value": "COMPREPLY=()"}.get(
                    flag.takes, f'COMPREPLY=($(compgen -W "{flag.takes}" -- "$cur"))'
                )
                values.append(f'        "{words.name} {flag.name}") {does}; return ;;')
    return f"""# bash completion of tracetui
_tracetui_files() {{ local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$1")); }}
_tracetui() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command="" at=1
    COMPREPLY=()
    while (( at < COMP_CWORD )); do
        case ${{COMP_WORDS[at]}} in
            --bucket) (( at += 1 )) ;;
            -*) ;;
            *) command=${{COMP_WORDS[at]}}; break ;;
        esac
        (( at += 1 ))
    done
    case "$command $prev" in
        " --bucket") _tracetui_files "$cur"; return ;;
{chr(10).join(values)}
    esac
    case $command in
        "")
            if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "--bucket --version --help" -- "$cur"))
            else COMPREPLY=($(compgen -W "{names}" -- "$cur")); fi ;;
{chr(10).join(cases)}
    esac
}}
complete -F _tracetui tracetui
"""


def _zsh(table: list[_CommandWords]) -> str:
    commands = "\n".join(f"        '{words.name}:{words.help}'" for words in table)
    cases: list[str] = []
    for words in table:
        specs = []
        for flag in words.flags:
            after = {"": "", "file": ":path:_files", "value": ":value: "}.get(flag.takes, f":value:({flag.takes})")
            # * lets a flag stand more than once; what follows the help is what the flag takes.
            specs.append(f"'*{flag.name}[{flag.help}]{after}'")
        specs.append(
            "'*:path:_files'" if words.files else f"'*:word:({words.choices})'" if words.choices else "'*: : '"
        )
        cases.append(f"        {words.name}) _arguments {' '.join(specs)} ;;")
    return f"""#compdef tracetui
_tracetui() {{
    local curcontext="$curcontext" state line
    local -a commands
    commands=(
{commands}
    )
    _arguments -C '--bucket[the bucket]:folder:_files -/' '--version[print the version]' \\
        '(- *)'{{-h,--help}}'[print the help]' '1: :->command' '*:: :->words'
    case $state in
        command) _describe command commands ;;
        words)
            case $words[1] in
{chr(10).join("        " + case for case in cases)}
            esac ;;
    esac
}}
compdef _tracetui tracetui
"""


def _fish(table: list[_CommandWords]) -> str:
    lines = [
        "# fish completion of tracetui",
        "complete -c tracetui -f",
        "complete -c tracetui -n __fish_use_subcommand -l bucket -r -F -d 'the bucket'",
        "complete -c tracetui -n __fish_use_subcommand -l version -d 'print the version'",
    ]
    for words in table:
        lines.append(f"complete -c tracetui -n __fish_use_subcommand -a {words.name} -d '{words.help}'")
        seen = f"-n '__fish_seen_subcommand_from {words.name}'"
        if words.files:
            lines.append(f"complete -c tracetui {seen} -F")
        if words.choices:
            lines.append(f"complete -c tracetui {seen} -a '{words.choices}'")
        for flag in words.flags:
            name = f"-l {flag.name[2:]}" if flag.name.startswith("--") else f"-s {flag.name[1:]}"
            takes = {"": "", "file": " -r -F", "value": " -x"}.get(flag.takes, f" -x -a '{flag.takes}'")
            lines.append(f"complete -c tracetui {seen} {name}{takes} -d '{flag.help}'")
    return "\n".join(lines) + "\n"
