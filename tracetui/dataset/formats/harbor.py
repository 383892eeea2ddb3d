"""``harbor``: a capsule as a task of Harbor (format 1.4, <https://www.harborframework.com/docs/tasks>): the tree in
which the failure was seen as the environment, what was asked as the instruction, the main check as the verifier.

What the capsule does not hold is fetched when the image is built, by the public remote and the commit that it names;
where it names none, the Dockerfile asks for it. Nothing of the repository at hand is read.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tracetui.capsule.checks import Check
from tracetui.capsule.export import Redacted, register
from tracetui.capsule.parts import Parts
from tracetui.capsule.patches import parse
from tracetui.capsule.shell import hides_status
from tracetui.capsule.verdict import shows_failure
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import fenced

__all__ = ["missing", "task_of"]

_SCHEMA: Final = "1.4"
_ROOT: Final = "/workspace"
_CHECK_SECONDS: Final = 300.0
"""As long as a check may take in a replay."""
_PROMPT: Final = 20_000
_REMOTE: Final = re.compile(r"https?://[A-Za-z0-9._~:/@%+-]{1,500}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_EXACT: Final = re.compile(r"v?([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")
_IMAGES: Final = {
    "python": ("python", "3"),
    "node": ("node", "lts"),
    "go": ("golang", "1"),
    "rust": ("rust", "1"),
    "ruby": ("ruby", "3"),
}
"""Language -> the image that brings it and Git, and the tag where the capsule tells no version."""
_PLAIN_IMAGE: Final = "buildpack-deps:stable"
_RUNNERS: Final = {
    "pytest": "python", "unittest": "python", "jest": "node", "vitest": "node", "mocha": "node", "node:test": "node",
    "go test": "go", "cargo test": "rust", "RSpec": "ruby",
}  # fmt: skip
_PROGRAMS: Final = {
    "python": "python", "python3": "python", "pytest": "python", "tox": "python", "uv": "python", "poetry": "python",
    "node": "node", "npm": "node", "npx": "node", "yarn": "node", "pnpm": "node", "go": "go", "cargo": "rust",
    "ruby": "ruby", "bundle": "ruby", "rake": "ruby", "rspec": "ruby",
}  # fmt: skip
_LOCKS: Final = {
    "uv.lock": "pip install -q uv && uv sync --frozen --all-extras --all-groups",
    "poetry.lock": "pip install -q poetry && poetry config virtualenvs.create false && poetry install",
    "requirements.txt": "pip install -q -r requirements.txt",
    "package-lock.json": "npm ci",
    "go.mod": "go mod download",
    "Cargo.lock": "cargo fetch --locked",
    "Gemfile.lock": "bundle install",
}
"""Lock file at the root -> what installs what it pins."""
_TESTS: Final = (
    r"/(tests?|specs?|__tests__|testdata|e2e)/|/(test[_-][^/]*|[^/]+[._-](test|tests|spec)[.][^/]+|[^/]+Tests?[.][^/]+"
    r"|conftest[.]py)$"
)
"""Paths, from ``./`` on, that are tests of a project; for ``grep -E``. Narrower than what counts as a test among the
files that an episode changed: here a file of the project would undo what an agent mends."""
_FAILED: Final = (
    r"[1-9][0-9]* (failed|failing|errors?)([^a-z]|$)|failed \((failures|errors)=|^(#|ℹ) fail [1-9]|^--- fail"
    r"|test result: failed|^fail[[:space:]]|^make(\[[0-9]+\])?: \*\*\* |^traceback \(most recent|^npm err"
    r"|command not found|no such file or directory|no module named"
)
"""Lines, in any case, by which an output tells that tests failed or never ran; for ``grep -E``."""


def _note(session: Redacted) -> str | None:
    return None if session.parts is None else missing(session.parts)


@register("harbor", capsule=True, note=_note)
def _harbor(session: Redacted) -> Iterator[tuple[str, bytes]]:
    """A folder that is a task, named by the session and the capsule."""
    parts = session.parts
    if parts is None:
        raise TracetuiError("--format harbor needs a capsule; seal the session first: tracetui seal")
    name = f"{session.id[:48]}-{parts.digest[:8]}"
    for path, data in task_of(session, parts).items():
        yield f"{name}/{path}", data


def missing(parts: Parts) -> str | None:
    """One line that says what of the tree the capsule does not hold; None where it names nothing else."""
    if parts.start is None:
        held = fmt.plural(len(parts.files), "file")
        return f"The tree is {held} and the patches that the capsule carries; it names no commit that holds the rest"
    where = _remote(parts) or "a repository that the capsule does not name (build argument REPOSITORY)"
    return f"The capsule does not hold the whole tree; the image is built from {where} at {_commit(parts)}"


def task_of(session: Redacted, parts: Parts) -> dict[str, bytes]:
    """Path -> bytes of the files of a task. Raises TracetuiError for a capsule without a check, or with one that no
    patches lead to."""
    check = parts.check
    if check is None:
        raise TracetuiError("The capsule has no check, so there is nothing to verify a task by")
    if check.problem is not None:
        raise TracetuiError(f"There is no tree to pose the main check in: {check.problem}")
    files = {
        "task.toml": _config(session, parts, check),
        "instruction.md": _instruction(session, check),
        "environment/Dockerfile": _dockerfile(parts, check),
        "tests/test.sh": _verifier(parts, check),
        "tests/check.sh": check.command.replace("{root}", _ROOT) + "\n",
    }
    if parts.setup:
        files["environment/setup.sh"] = "".join(f"{line.replace('{root}', _ROOT)}\n" for line in parts.setup)
    made = {path: text.encode("utf-8", "replace") for path, text in files.items()}
    carried = {f"files/{path}": data for path, data in parts.files.items()} | dict(parts.patches)
    for path, data in carried.items():
        made[f"environment/{path}"] = made[f"tests/{path}"] = data
    return made


def _changed_tests(parts: Parts, check: Check) -> list[str]:
    """The files of the patches that show the failure."""
    touched = {patch.target or patch.source for data in parts.patches.values() for patch in parse(data)}
    return sorted(path for path in touched if path is not None and shows_failure(path, check.command))


def _remote(parts: Parts) -> str | None:
    remote = parts.repository.get("remote")
    return remote if isinstance(remote, str) and _REMOTE.fullmatch(remote) else None


def _commit(parts: Parts) -> str:
    if parts.start is None or not _COMMIT.fullmatch(parts.start):
        raise TracetuiError("The capsule names its base in a way that is no commit")
    return parts.start


# -- task.toml, instruction.md


def _config(session: Redacted, parts: Parts, check: Check) -> str:
    import tomlkit

    facts: dict[str, Any] = {
        "capsule": parts.digest,
        "session": session.id,
        "harness": session.harness,
        "command": check.command,
    }
    if check.signature is not None and check.signature.runner:
        facts["runner"] = check.signature.runner
        facts["failing_tests"] = [test for test, _ in check.signature.tests]
    if parts.start is not None:
        facts["base"] = _commit(parts)
        if remote := _remote(parts):
            facts["repository"] = remote
    facts["rehearsed"] = check.rehearsal is not None
    whole = {
        "schema_version": _SCHEMA,
        "task": {"name": f"tracetui/capsule-{parts.digest[:12]}", "description": "A failure from a coding session"},
        "metadata": {"tracetui": facts},
        "verifier": {"timeout_sec": _CHECK_SECONDS + 60.0},
        "environment": {"workdir": _ROOT},
    }
    return tomlkit.dumps(whole)


def _instruction(session: Redacted, check: Check) -> str:
    """What was asked up to the failure, and the failure. The words of the log stand in fences."""
    asked = [
        step.text[:_PROMPT]
        for log in session.logs
        if log.agent is None
        for step in log.steps
        if step.kind == "prompt" and step.text and (check.agent or check.step is None or step.number <= check.step)
    ]
    out = [f"The project is in `{_ROOT}`.\n"]
    if asked:
        out.append("This was asked:\n")
        out += [fenced(text) for text in asked]
    where = f"{_ROOT}/{check.folder}" if check.folder else _ROOT
    out.append("Now this command fails there:\n" if asked else "This command fails there:\n")
    out.append(fenced(f"cd {shlex.quote(where)}\n{check.command.replace('{root}', _ROOT)}", "sh"))
    told = _told(check)
    if told:
        out.append("It says:\n")
        out.append(fenced(told))
    out.append("Mend the cause, so that the command passes. The tests are put back as they are before they are run.\n")
    return "\n".join(out)


def _told(check: Check) -> str:
    if check.signature is not None and check.signature.tests:
        return "\n".join(f"{test}: {error}" if error else test for test, error in check.signature.tests)
    if check.signature is not None and check.signature.lines:
        return "\n".join(check.signature.lines)
    return (check.line or "").replace("{root}", _ROOT)


# -- environment/


def _language(parts: Parts, check: Check) -> tuple[str | None, str]:
    """(the language of the check, what tells so)."""
    runner = check.signature.runner if check.signature is not None else None
    if runner in _RUNNERS:
        return _RUNNERS[runner], f"by the runner of the check ({runner})"
    for word in re.split(r"[\s;&|()]+", check.command):
        name = word.rpartition("/")[2]
        if name in _PROGRAMS:
            return _PROGRAMS[name], f"by the program that the check starts ({name})"
    named = [name for name in _versions(parts) if name in _IMAGES]
    if len(named) == 1:
        return named[0], "by the one language that the lock files name"
    return None, "the capsule does not tell which language the check needs"


def _versions(parts: Parts) -> Mapping[str, Any]:
    languages = parts.environment.get("languages")
    return languages if isinstance(languages, dict) else {}


def _dockerfile(parts: Parts, check: Check) -> str:
    language, why = _language(parts, check)
    image = _PLAIN_IMAGE
    if language is not None:
        name, tag = _IMAGES[language]
        exact = _EXACT.fullmatch(str(_versions(parts).get(language)))
        image = f"{name}:{exact[1] if exact else tag}"
        why += "" if exact else "; the capsule tells no exact version"
    out = [f"# The tree in which the main check of capsule {parts.digest} failed.", f"# Image: {why}.", f"FROM {image}"]
    out += _tree_lines(parts)
    out += _packages(parts, check, language)
    if parts.setup:
        out += ["# The set-up that the capsule declares.", "COPY setup.sh /tmp/setup.sh", "RUN bash -e /tmp/setup.sh"]
    return "\n".join(out) + "\n"


def _tree_lines(parts: Parts) -> list[str]:
    out = [f"# {missing(parts)}."]
    if parts.start is None:
        out.append(f"RUN git init -q {_ROOT}")
    else:
        remote = _remote(parts)
        out.append("ARG REPOSITORY" if remote is None else f"ARG REPOSITORY={remote}")
        out.append(f"ARG BASE={_commit(parts)}")
        if remote is None:
            out.append('RUN test -n "$REPOSITORY" || { echo "name the repository: REPOSITORY" >&2; exit 1; }')
        out.append("# One commit only: what mended the failure later is not to be read here.")
        out.append(
            f'RUN git init -q {_ROOT} && cd {_ROOT} && git fetch -q --depth 1 "$REPOSITORY" "$BASE" '
            "&& git checkout -q --detach FETCH_HEAD"
        )
    out.append(f"WORKDIR {_ROOT}")
    if parts.files:
        out.append(f"COPY files/ {_ROOT}/")
    if parts.patches:
        out.append("COPY patches/ /tmp/patches/")
        apply = 'for patch in /tmp/patches/*.patch; do git apply --whitespace=nowarn "$patch" || exit 1; done'
        out.append(f"RUN {apply}; rm -r /tmp/patches")
    out.append(
        "RUN chmod -R a+rX,u+w . && git add -A -f && git -c user.name=capsule -c user.email=capsule@localhost "
        'commit -q --allow-empty -m "The tree of a capsule"'
    )
    return out


def _packages(parts: Parts, check: Check, language: str | None) -> list[str]:
    """What installs the dependencies, by the lock files that the capsule names."""
    listed = parts.environment.get("dependencies")
    pinned = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    pinned = [item for item in pinned if item.get("ecosystem") == language]
    out: list[str] = []
    named = {item.get("file") for item in pinned}
    for file, command in _LOCKS.items():
        if file in named:
            out += [f"# What {file} pins.", f"RUN {command}"]
            if file == "uv.lock":
                out.append(f"ENV PATH={_ROOT}/.venv/bin:$PATH")
            break
    runner = check.signature.runner if check.signature is not None else None
    if runner == "pytest" and not any(item.get("name") == "pytest" for item in pinned):
        out += ["# The check needs pytest; the capsule names no version of it.", "RUN pip install -q pytest"]
    return out or ["# The capsule names no dependencies of the check's language: install here what else it needs."]


# -- tests/


def _verifier(parts: Parts, check: Check) -> str:
    where = f"{_ROOT}/{check.folder}" if check.folder else _ROOT
    out = [
        "#!/bin/bash",
        f"# The main check of capsule {parts.digest}: the reward is 1 where it passes, else 0.",
        "mkdir -p /logs/verifier",
        "echo 0 > /logs/verifier/reward.txt",
        'fail() { echo "reward 0: $1"; exit 0; }',
        f'cd {_ROOT} || fail "the tree is not there"',
        *_put_back(parts, check),
        f'cd {shlex.quote(where)} || fail "the folder of the check is not there"',
        "bash -o pipefail /tests/check.sh > /logs/verifier/output.txt 2>&1",
        "status=$?",
        "cat /logs/verifier/output.txt",
        '[ "$status" = 0 ] || fail "the check ended with status $status"',
    ]
    if hides_status(check.command):
        out += [
            "# The status may be that of something else than the check, so its output must not tell of a failure.",
            f"LC_ALL=C.UTF-8 grep -qiE {shlex.quote(_FAILED)} /logs/verifier/output.txt "
            '&& fail "the output tells of a failure"',
            'grep -q "[^[:space:]]" /logs/verifier/output.txt || fail "the output tells nothing"',
        ]
    return "\n".join([*out, "echo 1 > /logs/verifier/reward.txt", ""])


def _put_back(parts: Parts, check: Check) -> list[str]:
    """Make the tree of the failure anew, from the base, the capsule's files and its patches, and take its tests and the
    files that show the failure from there: a test that was changed or removed counts for nothing."""
    out = ["# The tests as they were then.", "tree=$(mktemp -d)"]
    if parts.start is not None:
        git = f"git -c safe.directory='*' -C {_ROOT}"
        out += [
            "export GIT_NO_REPLACE_OBJECTS=1 GIT_INDEX_FILE=$tree.index",
            f'{git} read-tree {_commit(parts)} && {git} checkout-index -a --prefix="$tree/" || fail "the base is gone"',
            "unset GIT_INDEX_FILE",
        ]
    out.append('cd "$tree" || fail "there is no place for the tests"')
    if parts.files:
        out.append("cp -R /tests/files/. .")
    if parts.patches:
        out += [
            "for patch in /tests/patches/*.patch; do",
            '  git apply --whitespace=nowarn "$patch" || fail "the tests cannot be put back"',
            "done",
        ]
    changed = _changed_tests(parts, check)
    listed = f"printf '%s\\0' {' '.join(shlex.quote(f'./{path}') for path in changed)}; " if changed else ""
    return [
        *out,
        f"{{ {listed}find . -type f -print0 | grep -zE {shlex.quote(_TESTS)}; }} | while IFS= read -r -d '' path; do",
        f'  rm -rf "{_ROOT}/$path"',
        '  [ -f "$path" ] || continue',
        f'  mkdir -p "$(dirname "{_ROOT}/$path")" && cp -p "$path" "{_ROOT}/$path"',
        "done",
    ]
