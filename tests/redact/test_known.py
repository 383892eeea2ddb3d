"""Known values: the machine's names and the values that the user lets be read, in every form."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from tracetui.model import TracetuiError
from tracetui.redact.known import Known, env_file, local_values, log_values


def test_names_come_from_the_logs_own_paths() -> None:
    found = log_values(
        "/var/home/zorblax/.claude/projects/-home-quux-limit/x.jsonl", "/Users/blorp/src", None, "C:\\Users\\Snork\\x",
        remote="https://oauth2:s3cr3tvalue99@git.acme.dev/a/b.git",
    )  # fmt: skip
    assert set(found) == {
        ("zorblax", "user"),
        ("quux", "user"),
        ("blorp", "user"),
        ("Snork", "user"),
        ("s3cr3tvalue99", "password"),
        ("git.acme.dev", "host"),
    }
    assert log_values("/home/runner/work", "/home/user/x", "/srv/app") == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("C:\\Users\\Zorb Lax\\src", {"Zorb", "Zorb Lax", "Zorb-Lax"}),
        ("/Users/zorb.lax/src", {"zorb.lax", "zorb-lax"}),
        ("/h/.claude/projects/-Users-zorblax-src/x.jsonl", {"zorblax"}),
        ("/mnt/c/Users/zorblax/x", {"zorblax"}),
        ("/home/‹user:1›/x", set()),
        ("/Users/Shared/x", set()),
    ],
)
def test_homes_of_all_systems(path: str, names: set[str]) -> None:
    assert {text for text, kind in log_values(path) if kind == "user"} == names


@pytest.mark.parametrize(
    ("remote", "values"),
    [
        ("https://zorblax@github.com/acme/limit.git", {("zorblax", "user")}),
        ("git@github.com:acme/limit.git", set()),
        ("git@git.acme.corp:team/limit.git", {("git.acme.corp", "host"), ("team/limit", "remote")}),
        ("ssh://git@git.acme.corp:2222/team/limit", {("git.acme.corp", "host"), ("team/limit", "remote")}),
        ("https://x-access-token:q8Zx2vLm4Kp9@github.com/a/b", {("q8Zx2vLm4Kp9", "password")}),
        ("/srv/git/limit", set()),
    ],
)
def test_remotes_tell_of_private_forges(remote: str, values: set[tuple[str, str]]) -> None:
    assert set(log_values(remote=remote)) == values


@pytest.mark.parametrize(
    ("home", "values"),
    [
        ("/data/x/home", [("data/x/home", "home")]),
        ("/srv/people/7/home/", [("srv/people/7/home", "home")]),
        ("/data/x/zorblax", []),  # known by its name
        ("/home/user", []),
        ("/root", []),
        ("/", []),
    ],
)
def test_a_home_that_is_not_called_as_its_user_is_known_whole(home: str, values: list[tuple[str, str]]) -> None:
    assert [item for item in local_values({"USER": "root"}, home=Path(home)) if item[1] == "home"] == values
    assert [item for item in log_values(f"{home}/.codex/sessions/x.jsonl") if item[1] == "home"] == values


def test_a_known_home_is_found_in_paths_and_in_folders_named_after_them() -> None:
    known = Known([("data/x/home", "home")])
    for text, found in (
        ("in /data/x/home/src/a.py", "data/x/home"),
        ("/data/x/home/.claude/projects/-data-x-home-src/1.jsonl", "data/x/home"),
        ("ls -data-x-home-src", "data-x-home"),
        ("/data/x/homestead and metadata/x/home", None),
    ):
        hits = [text[item.start : item.end] for item in known.scan(text)]
        assert (found in hits) if found else not hits, text


def test_remotes_are_read_from_the_repository_where_the_log_tells_none(tmp_path: Path) -> None:
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(
        '[remote "origin"]\n\turl = git@git.acme.corp:team/limit.git\n[remote "up"]\n\turl = https://github.com/a/b\n'
    )
    expected = {("git.acme.corp", "host"), ("team/limit", "remote")}
    assert set(log_values(folder=str(inner))) == expected
    assert log_values(folder=str(inner), remote="git@github.com:a/b.git") == []
    tree = tmp_path.parent / f"{tmp_path.name}-tree"
    tree.mkdir()
    (tmp_path / ".git" / "worktrees" / "w").mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {tmp_path}/.git/worktrees/w\n")
    assert set(log_values(folder=str(tree))) == expected
    assert log_values(folder="relative") == []


def test_values_of_the_environment_only_when_let(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Zorb Lax\n\temail = zorb@acme-corp.io\n")
    env = {
        "USER": "zorblax",
        "APP_TOKEN": "q8Zx2vLm4Kp9",
        "EDITOR": "/usr/bin/vim",
        "SHORT_KEY": "abc",
        "PAGER": "q8Zx2vLm4Kp8",
    }
    base = {text for text, _ in local_values(env, home=tmp_path)}
    assert {"zorblax", "zorb@acme-corp.io", "Zorb Lax"} <= base
    assert not {"q8Zx2vLm4Kp9", "q8Zx2vLm4Kp8"} & base
    assert ("q8Zx2vLm4Kp9", "env-value") in local_values(env, home=tmp_path, names=["*"])
    assert "q8Zx2vLm4Kp8" not in {t for t, _ in local_values(env, home=tmp_path, names=["*"])}
    named = {t for t, _ in local_values(env, home=tmp_path, names=["PAGER", "EDITOR", "SHORT_KEY"])}
    assert "q8Zx2vLm4Kp8" in named
    assert not {"/usr/bin/vim", "abc"} & named


def test_env_files(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# c\nexport A_KEY='w7Yx1!kPz3'\nB=short\nC=\"two words here 1\"\nMODE=development\nPORT=123456789\n"
    )
    assert env_file(path) == [("w7Yx1!kPz3", "env-value"), ("two words here 1", "env-value")]
    with pytest.raises(TracetuiError):
        env_file(tmp_path / "none")


@pytest.mark.parametrize(
    "write",
    [
        str, lambda s: quote(s, safe=""), lambda s: base64.b64encode(f"x{s}".encode()).decode(), lambda s: s.encode().hex(),  # noqa: E501
        lambda s: f"\x1b[1m{s[:4]}\x1b[0m{s[4:]}", lambda s: s[:5] + "\n" + s[5:],
    ],
    ids="plain percent base64 hex ansi wrapped".split(),
)  # fmt: skip
def test_known_values_are_tier_one_in_every_form(write) -> None:  # type: ignore[no-untyped-def]
    value = "blue/harbor&seven!"
    known = Known([(value, "env-value")])
    text = f"see {write(value)} there"
    found = known.scan(text)
    assert [(f.tier, f.rule) for f in found] == [(1, "known-value")]
    assert 4 <= found[0].start <= 8
    assert len(text) - 10 <= found[0].end <= len(text) - len(" there")


def test_personal_values_only_at_word_boundaries() -> None:
    known = Known([("zorb", "user"), ("hunter22", "env-value")])
    text = "zorb azorb zorbian /home/zorb/x hunter22 hunter222"
    assert [text[f.start : f.end] for f in known.scan(text)] == ["zorb", "zorb", "hunter22"]
    assert [f.start for f in known.scan(text)] == [0, 25, 32]


def test_a_known_name_offers_its_rare_parts_and_no_common_word(tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n  name = Ada Lovelace\n")
    known = Known(local_values({}, home=tmp_path))
    text = "Ada Lovelace said so; ask Lovelace, not Ada"
    found = [(text[f.start : f.end], f.tier) for f in known.scan(text) if f.kind == "name"]
    assert found == [("Ada Lovelace", 1), ("Lovelace", 2)]
    (tmp_path / ".gitconfig").write_text("[user]\n  name = Will May\n")
    assert {value for value, kind in local_values({}, home=tmp_path) if kind.startswith("name")} == {"Will May"}
