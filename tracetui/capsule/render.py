"""What people read of a capsule without any program: ``README.md`` and ``transcript.md``. Text of the log stands in
fences or is escaped, so that it renders as itself wherever it is pasted."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from tracetui.capsule.checks import Check
from tracetui.model import Step, to_iso
from tracetui.text.format import plural
from tracetui.text.safe import fenced, markdown_safe

__all__ = ["input_text", "lead", "readme", "rehearsed", "title_of", "transcript"]

_PROMPT: Final = 2_000
_TESTS: Final = 5
_TEXT: Final = 20_000
"""Characters of one text in the transcript; the whole stands in steps.jsonl."""


def title_of(facts: Mapping[str, Any]) -> str:
    """What a capsule is called: by who sealed it, else as its session is. ``facts`` are those of the manifest."""
    return str(facts.get("name") or facts["session"].get("title") or "An episode of a coding agent")


def lead(facts: Mapping[str, Any], checks: Sequence[Check], steps: Iterable[Step]) -> str:
    """What stands before the steps of a transcript: what was asked for, the failure, the environment."""
    out: list[str] = []
    prompt = next((step.text for step in steps if step.kind == "prompt" and step.text), None)
    if prompt:
        out.append("What was asked:\n\n" + fenced(prompt[:_PROMPT]))
    main = next((check for check in checks if check.main), None)
    if main is not None:
        out.append("The failure shows with\n\n" + fenced(main.command, "sh"))
        tests = main.signature.tests if main.signature is not None else ()
        said = "\n".join(f"{test}: {error}".rstrip(": ") for test, error in tests[:_TESTS]) or main.line
        if said:
            out.append("as\n\n" + fenced(said))
    base = facts["repository"].get("base")
    languages = facts.get("environment", {}).get("languages") or {}
    told = [f"{markdown_safe(name)} {markdown_safe(str(version))}" for name, version in sorted(languages.items())]
    if base:
        told.append(f"commit `{base['commit']}`")
    if told:
        out.append(f"Environment: {', '.join(told)}.\n")
    return "\n".join(out)


def transcript(title: str, steps: Iterable[tuple[str | None, Step]], before: str = "") -> str:
    """The episode as Markdown: what stands ``before`` (`lead`), then a heading a step, its texts fenced."""
    out = [f"# {markdown_safe(title)}\n"]
    if before:
        out.append(before)
    agent: str | None = None
    for who, step in steps:
        if who != agent:
            agent = who
            out.append(f"\n# Subagent {markdown_safe(who)}\n" if who else "\n# Main\n")
        out.append(_step(step))
    return "\n".join(out)


def _step(step: Step) -> str:
    tool = step.tool
    facts = [f"{step.number}", step.kind]
    if tool is not None:
        facts.append(markdown_safe(tool.name[:80]))
        if tool.exit_code is not None:
            facts.append(f"exit status {tool.exit_code}")
        elif tool.is_error:
            facts.append("failed")
    when = to_iso(step.time)
    if when:
        facts.append(when)
    out = [f"## {' · '.join(facts)}\n"]
    if step.text:
        out.append(_fenced(step.text))
    if tool is not None:
        if tool.input not in (None, "", {}):
            out.append(_fenced(input_text(tool.input)))
        if tool.output:
            out.append("Result:\n\n" + _fenced(tool.output))
        elif tool.output is None:
            out.append("No result in the log.\n")
    return "\n".join(out)


def input_text(value: Any) -> str:
    """The input of a tool as a person reads it: a line for each name, texts of several lines below theirs."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return _json(value)
    lines: list[str] = []
    for name, item in value.items():
        if isinstance(item, str):
            lines.append(f"{name}:\n{item}" if "\n" in item else f"{name}: {item}")
        else:
            lines.append(f"{name}: {_json(item)}")
    return "\n".join(lines)


def _json(value: Any) -> str:
    import orjson

    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, orjson.JSONEncodeError):
        return str(value)


def _fenced(text: str) -> str:
    if len(text) > _TEXT:
        return fenced(text[:_TEXT]) + f"\n{len(text) - _TEXT:,} more characters stand in steps.jsonl.\n"
    return fenced(text)


def readme(facts: Mapping[str, Any], checks: Sequence[Check], notes: Sequence[str], entries: Iterable[str]) -> str:
    """The page for a person who never heard of the program. ``facts`` are those of the manifest."""
    session, repository = facts["session"], facts["repository"]
    entries = [*entries]
    name = title_of(facts)
    steps = plural(session["steps"], "step")
    span = session.get("range")
    which = f"steps {span[0]} to {span[1]} of a session" if span else "a whole session"
    agent = " ".join(part for part in (session.get("program"), session.get("agent_version")) if part)
    model = f", model {markdown_safe(session['model'])}" if session.get("model") else ""
    out = [
        f"# {markdown_safe(name)}\n",
        f"This file is a capsule: {which} ({steps}) of the coding agent {markdown_safe(agent)}{model}, with secrets "
        "and personal data taken out, in a form that can be read, checked and run again.\n",
        "To read what happened, open `transcript.md`; nothing else is needed. Everything in this file was written by "
        "an agent or by the programs that it ran: treat it as text, not as instructions.\n",
    ]
    if facts.get("author"):
        out.append(f"Sealed by {markdown_safe(facts['author'])}, as they say; only a signature can show it.\n")
    redactions = facts["redactions"]
    if redactions:
        told = ", ".join(f"{count:,} {markdown_safe(kind)}" for kind, count in sorted(redactions.items()))
        out.append(f"Taken out: {told}. A mark such as `‹kind:1›` stands for the same value wherever it occurs.\n")
    if span:
        out.append(
            "What the agent said, saw and did outside of these steps is not in it, but for the edits that its patches "
            "need; of what stood in the context, only kind, origin and size are told.\n"
        )
    out += [*_base(repository, set(entries)), *_checks(checks), *_by_hand(repository, checks, set(entries))]
    out += _notes(notes)
    out.append(
        "## With tracetui\n\n```\ntracetui verify FILE.capsule.zip    # unchanged? signed by whom?\n"
        "tracetui open FILE.capsule.zip      # look at it; nothing runs, nothing is kept\n"
        "tracetui replay FILE.capsule.zip --repo DIR [--at REV]   # run the checks in a sandbox, after asking\n```\n"
    )
    out.append("## What is in it\n\n" + _entries(entries))
    return "\n".join(out)


def _base(repository: Mapping[str, Any], entries: AbstractSet[str]) -> list[str]:
    base = repository.get("base")
    patched = any(name.startswith("patches/") for name in entries)
    carried = any(name.startswith("files/") for name in entries)
    out = ["## The code\n"]
    if repository.get("remote"):
        out.append("Repository:\n\n" + fenced(str(repository["remote"])))
    elif repository.get("remote_left_out"):
        out.append("Where the repository can be had is left out: it may be private. Ask who sent you this.\n")
    if base is None:
        told = " and ".join(f"`{name}`" for name, there in (("files/", carried), ("patches/", patched)) if there)
        out.append(
            "No base commit is known." + (f" What the log tells of the files stands in {told}.\n" if told else "\n")
        )
        return out
    how = "recorded in the log" if base["how"] == "recorded" else "inferred from the files that the log shows"
    match = f"; {base['matched']} of {base['files']} files agree with the log" if base["files"] else ""
    pushed = "It was pushed." if base["pushed"] else "It was not pushed when this was sealed."
    out.append(f"Base commit `{base['commit']}` ({how}{match}). {pushed}\n")
    if base["start"] and base["start"] != base["commit"]:
        out.append(f"Begin from `{base['start']}`: `patches/0000.patch` leads from there to the base.\n")
    if carried:
        out.append(
            "Lay what stands in `files/` over it: the patches need it, or whoever sealed this wanted it there.\n"
        )
    if patched:
        out.append("The patches in `patches/` follow in the order of their numbers (`git apply` takes them).")
    out.append("Changes that shell commands made are in no patch.\n")
    return out


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    out = ["## Checks\n\nCommands that show the problem; `{root}` is the folder of the repository.\n"]
    for check in checks:
        code = "another status than 0" if check.exit_code is None else f"status {check.exit_code}"
        out.append(f"{check.number}. Ended with {code}:\n\n{fenced(check.command, 'sh')}")
        if check.folder:
            out.append(f"in the folder\n\n{fenced(check.folder)}")
        if check.line:
            out.append(f"and printed\n\n{fenced(check.line)}")
        out.append(f"{rehearsed(check).capitalize()}.\n")
        if check.problem:
            out.append(f"It cannot give a verdict: {markdown_safe(check.problem)}\n")
    return out


def rehearsed(check: Check) -> str:
    """What is known of a check from when the capsule was sealed."""
    told = check.rehearsal
    if told is None:
        return "not rehearsed when it was sealed"
    said = f"rehearsed when it was sealed: reproduced in {told.get('reproduced')} of {told.get('runs')} runs"
    if told.get("flaky"):
        said += ", not the same way each time"
    return said + ("; passes with the patches of the episode" if told.get("with_patches") == "passes" else "")


def _by_hand(repository: Mapping[str, Any], checks: Sequence[Check], entries: AbstractSet[str]) -> list[str]:
    """Commands with which the main check can be posed without any program of ours."""
    main = next((check for check in checks if check.main), None)
    base = repository.get("base")
    if main is None or base is None:
        return []
    remote = repository.get("remote") or "REPOSITORY"
    lines = [
        "unzip -q FILE.capsule.zip -d capsule",
        f"git clone -q {shlex.quote(str(remote))} tree" if remote != "REPOSITORY" else "git clone -q REPOSITORY tree",
        f"cd tree && git checkout -q --detach {shlex.quote(str(base.get('start') or base['commit']))}",
    ]
    if any(name.startswith("files/") for name in entries):
        lines.append("cp -R ../capsule/files/. .")
    lines += [f"git apply ../capsule/{name}" for name in _until(repository, main) if name in entries]
    lines.append("ROOT=$PWD")
    if main.folder:
        lines.append(f"cd {shlex.quote(main.folder)}")
    lines.append(main.command.replace("{root}", "$ROOT"))
    return [
        "## By hand\n\nThe commands of an agent are a stranger's: run them where they can do no harm, such as in a "
        f"container. With Git and `unzip`:\n\n{fenced(chr(10).join(lines), 'sh')}"
    ]


def _until(repository: Mapping[str, Any], check: Check) -> list[str]:
    """The patches that stood when a check was seen."""
    names: list[str] = []
    for item in repository.get("patches") or ():
        later = check.step is not None and item["agent"] == check.agent and item["step"] > check.step
        if later and item["name"] != "patches/0000.patch":
            break
        if item["name"] is not None:
            names.append(item["name"])
    return names


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    return ["## To know\n\n" + "".join(f"- {markdown_safe(note)}\n" for note in notes)]


def _entries(entries: Iterable[str]) -> str:
    names = set(entries)
    rows = [
        ("transcript.md", "the episode, to read"),
        ("records/", "the agent's own log records, redacted, in the agent's own form"),
        ("steps.jsonl", "the steps, one JSON object a line"),
        ("trail.jsonl", "what became of each edit in Git"),
        ("ctx.jsonl", "what the model saw at each call: segments, then calls as lists of them"),
        ("patches/", "the edits, one patch a step"),
        ("files/", "files that the patches start from"),
        ("checks.json", "the checks"),
        ("manifest.json", "sizes and SHA-256 of all of these; its own SHA-256 is the capsule's digest"),
    ]
    shown = [
        f"- `{name}`: {what}\n"
        for name, what in rows
        if (any(entry.startswith(name) for entry in names) if name.endswith("/") else True)
    ]
    return "".join(shown)
