"""Verdicts on real projects: of a fix in their history the base with the bug and the fix's tests, then the mended tree,
another bug in the same place, and the tests without the one that shows it.

    python bench/verdicts.py MIRRORS [NAME…]

MIRRORS holds a bare repository per project (``owner+name/repo``). Each project is cloned into a temporary folder, its
packages are installed beside it where it needs some, and an agent's session is made up around the real output of its
test command. Prints the verdict of each case, and how many are right, inconclusive and wrong.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.capsule.story import Log  # noqa: E402 - found by the line above

SESSION = "5e550000-1111-4222-8333-abcdefabcdef"
RIGHT = {
    "broken": {"reproduces"},
    "mended": {"fixed"},
    "another bug": {"differs"},
    "test deleted": {"inconclusive"},
}


@dataclass(frozen=True)
class Project:
    """``fix``: a commit that mends a bug and brings tests for it; ``ready``: what installs its packages."""

    name: str
    fix: str
    command: str
    ready: str = ""


VENV = "python3 -m venv .venv && .venv/bin/pip install -q {} && .venv/bin/pip install -q ."
PYTEST = VENV.format("'pytest<9'")
PROJECTS = (
    Project("pallets/click", "762c97ee", ".venv/bin/python -m pytest tests/test_basic.py -q 2>&1 | tail -15", PYTEST),
    Project("pallets/click", "0551bf53", ".venv/bin/pytest tests/test_formatting.py", PYTEST),
    Project(
        "python-humanize/humanize",
        "823ad60",
        ".venv/bin/python -m pytest tests/test_filesize.py",
        VENV.format("'pytest<9' freezegun"),
    ),
    Project("spf13/pflag", "298bcdf", "go test ./..."),
    Project("spf13/pflag", "ed81e5b", "go test ./... 2>&1 | tail -20"),
    Project("rubyzip/rubyzip", "ceecacd", "ruby -Ilib:test test/ioextras/abstract_input_stream_test.rb"),
)


def status(folder: Path, command: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def sh(folder: Path, command: str, *, check: bool = True) -> str:
    code, text = status(folder, command)
    if check and code:
        raise SystemExit(f"{command}: {text[-2000:]}")
    return text


def commit(repo: Path, message: str) -> str:
    sh(repo, f"git add -A && git commit -q --allow-empty -m '{message}'")
    return sh(repo, "git rev-parse HEAD").strip()


def is_test(path: str) -> bool:
    return re.search(r"(?:^|/)(?:tests?|spec)/|_test\.|test_|\.test\.|_spec\.", path) is not None


MUTATIONS = (
    (r"==", "!="),
    (r"!=", "=="),
    (r"<=", ">"),
    (r">=", "<"),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r"\b0\b", "1"),
    (r"\b1\b", "2"),
    (r"\btrue\b", "false"),
    (r"\bTrue\b", "False"),
    (r"\bnot ", ""),
    (r"!", ""),
    (r" and ", " or "),
    (r"\bif ", "if not "),
    (r"\breturn .+$", "return None"),
    (r'"[^"]+"', '"other"'),
    (r"'[^']+'", "'other'"),
)


def mutants(repo: Path, fix: str, files: list[str]) -> Iterator[tuple[str, str]]:
    """(file, its text with one change) near the lines that the fix changed."""
    for file in files:
        path = repo / file
        if not path.exists():
            continue
        lines = path.read_text().split("\n")
        hunks = re.findall(
            r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", sh(repo, f"git diff -U0 {fix}^ {fix} -- {file}"), re.MULTILINE
        )
        for start, count in hunks:
            for at in range(max(0, int(start) - 1), min(len(lines), int(start) + int(count or 1))):
                for pattern, to in MUTATIONS:
                    new = re.sub(pattern, to, lines[at], count=1)
                    if new != lines[at] and not lines[at].lstrip().startswith(("#", "//", "*")):
                        yield file, "\n".join([*lines[:at], new, *lines[at + 1 :]])


def case(project: Project, mirrors: Path, place: Path) -> dict[str, tuple[str, str]]:
    from tracetui.capsule.runners import read_output

    origin, repo = place / "origin.git", place / "home" / "src" / "project"
    sh(place, f"git clone -q --bare {mirrors}/{project.name.replace('/', '+')}/repo {origin}")
    repo.parent.mkdir(parents=True)
    sh(place, f"git clone -q {origin} {repo} && git -C {repo} config user.email a@example.org")
    sh(repo, "git config user.name A && printf '.venv\\nnode_modules\\n*.egg-info\\nbuild/\\n' >> .git/info/exclude")
    fix = sh(repo, f"git rev-parse {project.fix}").strip()
    sh(repo, f"git checkout -q -B work {fix}^")
    files = sh(repo, f"git diff --name-only {fix}^ {fix}").split()
    tests = [file for file in files if is_test(file)]
    sources = [file for file in files if not is_test(file) and re.search(r"\.(?:py|go|js|rb|rs|java|c|ts)$", file)]
    shown = " ".join(tests)
    sh(repo, f"git checkout -q {fix} -- {shown}")
    base = commit(repo, "Show it")
    if project.ready:
        sh(repo, project.ready)
    code, output = status(repo, project.command)
    log = Log(str(repo))
    log.prompt("A test fails. See why.")
    log.command(project.command, output, code)
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    for record in log.records:
        record["gitBranch"], record["timestamp"] = "work", now
    path = log.save(place / "home" / ".claude" / "projects" / "-src" / f"{SESSION}.jsonl")
    sh(repo, f"git checkout -q {fix} -- {' '.join(sources)}")
    mended = commit(repo, "Mend it")
    first = {test: error for told in read_output(output) for test, error in told.failed.items()}
    other = None
    for file, text in mutants(repo, fix, sources):
        (repo / file).write_text(text)
        sh(repo, ".venv/bin/pip install -q --no-deps . " if project.ready else "true")
        code, seen = status(repo, project.command)
        now = {test: error for told in read_output(seen) for test, error in told.failed.items()}
        if now and not any(first.get(test) == error for test, error in now.items()):
            other = commit(repo, "Another bug")
            break
    old = f"git checkout -q {fix}^ -- {shown} 2>/dev/null || git rm -q -r {shown}"
    sh(repo, f"git checkout -q -f -B gone {base} && {old}", check=False)
    gone = commit(repo, "Without the test")
    heads = {"gone": gone, "base": base, "mended": mended, **({"other": other} if other else {})}
    sh(repo, "git push -q -f origin " + " ".join(f"{sha}:refs/heads/{name}" for name, sha in heads.items()))
    sh(repo, "git fetch -q")
    sh(repo, f"git checkout -q -f -B work {base}")
    if project.ready:
        sh(repo, ".venv/bin/pip install -q --no-deps .")
    env = f"TRACETUI_BUCKET={place}/bucket {sys.executable} -m tracetui"
    env = f"cd {ROOT} && {env}"
    sh(repo, f"{env} index {path} && {env} redact {SESSION} --accept-tier 2 >/dev/null")
    sealed = place / "it.capsule.zip"
    sh(repo, f"{env} seal {SESSION} -o {sealed}")
    verdicts = {}
    for name, at in (("broken", base), ("mended", mended), ("another bug", other), ("test deleted", gone)):
        if at is None:
            verdicts[name] = ("none found", "")
            continue
        words = f"{env} replay {sealed} --repo {repo} --at {at}"
        agree = json.loads(sh(repo, f"{words} --dry-run --json"))["agree"]
        _, out = status(repo, f"{words} --agree {agree} --json")
        try:
            whole = json.loads(out.splitlines()[-1])
            verdicts[name] = (whole["verdict"], whole["why"])
        except (IndexError, ValueError):
            verdicts[name] = ("failed", out[-300:])
    return verdicts


def main() -> None:
    mirrors = Path(sys.argv[1])
    counts = {"right": 0, "inconclusive": 0, "wrong": 0}
    for project in PROJECTS:
        if sys.argv[2:] and project.name not in sys.argv[2:]:
            continue
        with tempfile.TemporaryDirectory(prefix="tracetui-verdicts-") as folder:
            for name, (verdict, why) in case(project, mirrors, Path(folder)).items():
                right = verdict in RIGHT[name]
                kind = "right" if right else ("inconclusive" if verdict in ("inconclusive", "none found") else "wrong")
                counts[kind] += 1
                print(f"{kind:13}{project.name} {project.fix[:7]} {name}: {verdict}: {why[:150]}", flush=True)
    print(counts)


if __name__ == "__main__":
    main()
