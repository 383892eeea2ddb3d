"""The config file: tolerant to read, careful to write."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui import config
from tracetui.model import TracetuiError


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, "utf-8")
    return file


def test_defaults_without_a_file(tmp_path: Path) -> None:
    found = config.load(tmp_path / "none.toml")
    assert found == config.Config(tmp_path / "none.toml")
    assert found.problems == ()
    assert found.app() == {"keys": {}, "theme_folder": tmp_path / "themes"}


def test_every_value(tmp_path: Path) -> None:
    found = config.load(
        written(
            tmp_path,
            'ascii = true\ntheme = "light"\nexclude = ["~/secret", "*.bak"]\nmax_age_days = 90\n'
            'harnesses = ["pi"]\nbackground = "never"\n[keys]\napp.help = "h"\n"app.quit" = ["q", "ctrl+q"]\n',
        )
    )
    assert found.problems == ()
    assert found.app() | {"theme_folder": None} == {
        "ascii": True,
        "background": "never",
        "theme": "light",
        "keys": {"app.help": "h", "app.quit": "q,ctrl+q"},
        "theme_folder": None,
    }
    assert (found.max_age_days, found.harnesses) == (90.0, ("pi",))


def test_a_harness_that_is_not_known_is_named_and_does_not_let_all_in(tmp_path: Path) -> None:
    found = config.load(written(tmp_path, "harnesses = ['pi', 'nobody']"))
    (problem,) = found.problems
    assert "nobody" in problem
    assert "claude, codex, pi" in problem
    assert found.harnesses == ("pi", "nobody")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    (problem,) = config.load(tmp_path / "config.toml").problems
    assert "a pipe" in problem


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ascii = 1", "ascii"),
        ("theme = ['x']", "theme"),
        ("exclude = 'x'", "exclude"),
        ("max_age_days = true", "max_age_days"),
        ("max_age_days = -1", "max_age_days"),
        ("harnesses = [1]", "harnesses"),
        ("background = 'later'", "background"),
        ("[keys]\na = 1", "keys"),
        ("colour = 'red'", "colour"),
        ("= broken", "Cannot read"),
        ("x = " + "[" * 5000, "Cannot read"),
        ("#" * (1024 * 1024 + 5), "1 MiB"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_bad_value_is_named_in_one_line_and_the_rest_holds(tmp_path: Path, text: str, named: str) -> None:
    found = config.load(
        written(
            tmp_path,
            text
            if "Cannot" in named or "MiB" in named
            else f"ascii = false\n{text}\n"
            if "ascii" not in text
            else text,
        )
    )
    assert len(found.problems) == 1
    assert named in found.problems[0]
    assert "\n" not in found.problems[0]
    default = config.Config(found.path)
    for name in ("theme", "exclude", "max_age_days", "harnesses", "keys"):
        assert getattr(found, name) == getattr(default, name)


def test_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_bytes(b"theme = '\xff'")
    assert "Cannot read" in config.load(file).problems[0]


def test_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert config.config_path({"TRACETUI_CONFIG": str(tmp_path / "x")}) == tmp_path / "x"
    assert config.config_path({}).name == "config.toml"


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("~/secret", "/home/u/secret/app", True),
        ("~/secret/", "/home/u/secret/app", True),
        ("~/secret", "/home/u/secretary", False),
        ("*/secret/*", "/x/secret/y.jsonl", True),
        ("secret", "/x/secret/y.jsonl", True),
        ("sec*", "/x/secret/y.jsonl", True),
        ("secret", "/x/secrets/y.jsonl", False),
        ("*.bak", "/x/y.bak", True),
    ],
)
def test_excludes(monkeypatch: pytest.MonkeyPatch, pattern: str, path: str, expected: bool) -> None:
    monkeypatch.setenv("HOME", "/home/u")
    assert config.Config(Path("c"), exclude=(pattern,)).excludes(None, path) is expected


def test_saving_keeps_the_rest_of_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path, '# mine\nascii = true # why\nexclude = [\n  "a",\n  "b",\n]\n\n[keys]\n# keys\ntheme = "x"\n'
    )
    file.chmod(0o640)
    config.save({"ascii": None, "theme": 'l"ight\u00e9\x7f', "exclude": ("c",)}, file)
    text = file.read_text("utf-8")
    assert "# mine" in text
    assert "# keys" in text
    assert tomllib.loads(text) == {"theme": 'l"ight\u00e9\x7f', "exclude": ["c"], "keys": {"theme": "x"}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.toml"]


def test_saving_makes_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "config.toml"
    assert config.save({"max_age_days": 30}, file) == file
    assert config.load(file).max_age_days == 30


@pytest.mark.parametrize("text", ["= broken", "[[x"])
def test_a_file_that_cannot_be_read_is_not_overwritten(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(TracetuiError, match="by hand"):
        config.save({"ascii": True}, file)
    assert file.read_text() == text


def test_only_good_values_are_saved(tmp_path: Path) -> None:
    for bad in ({"ascii": 3}, {"nothing": 1}, {"keys": {}}):
        with pytest.raises(TracetuiError):
            config.save(bad, tmp_path / "c.toml")
    assert not (tmp_path / "c.toml").exists()


TOML = st.sampled_from(
    [
        "ascii = true",
        "theme = 'a=b'",
        'exclude = ["[", "]"]',
        "exclude = [",
        '"x"',
        "]",
        "[keys]",
        "[[a]]",
        "# c [",
        'app = """',
        "ascii = 2",
        '"""',
        "theme.x = 1",
    ]
)


@given(st.lists(TOML, max_size=8), st.sampled_from([{"ascii": False}, {"exclude": ["q"]}, {"theme": None}]))
def test_saving_never_damages(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], changes: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("c") / "c.toml"
    file.write_text("\n".join(lines))
    try:
        before = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError:
        return
    try:
        config.save(changes, file)
    except TracetuiError:
        assert tomllib.loads(file.read_text()) == before
        return
    expected = {name: value for name, value in before.items() if name not in changes}
    assert tomllib.loads(file.read_text()) == expected | {k: v for k, v in changes.items() if v is not None}


def test_problems_reach_the_app(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("theme = 3\ncolour = true\n")
    found = config.load(file)
    assert found.app()["problems"] == found.problems
    assert len(found.problems) == 2
