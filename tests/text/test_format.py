"""Numbers, times and paths as people read them, and widths in cells."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.text import format as fmt
from tracetui.text.width import cell_len, cut, cut_left, pad

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("日本/é\u0301a"))
NOW = round(dt.datetime(2026, 5, 20, 12, 0, tzinfo=dt.UTC).timestamp() * 1000)  # a Wednesday


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_120, "4.1 kB"), (9_960, "10 kB"), (402_000_000, "402 MB"),
     (999_600, "1.0 MB"), (3_100_000_000, "3.1 GB"), (5 * 10**18, "5,000 PB")],
)  # fmt: skip
def test_size(nbytes: int, text: str) -> None:
    assert fmt.size(nbytes) == text


@pytest.mark.parametrize(
    ("number", "text"), [(None, ""), (0, "0"), (812, "812"), (5_900, "5.9k"), (41_234, "41k"), (1_200_000, "1.2M")]
)
def test_tokens(number: int | None, text: str) -> None:
    assert fmt.tokens(number) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, ""), (0, "0.0s"), (200, "0.2s"), (4_100, "4.1s"), (9_960, "10s"), (41_000, "41s"), (59_700, "1m"),
     (250_000, "4m 10s"), (7_500_000, "2h 5m"), (86_400_000, "1d"), (100_000_000, "1d 3h")],
)  # fmt: skip
def test_duration(ms: int | None, text: str) -> None:
    assert fmt.duration(ms) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [(dt.timedelta(seconds=5), "now"), (dt.timedelta(minutes=12), "12m"), (dt.timedelta(hours=3), "3h"),
     (dt.timedelta(days=1, hours=1), "Tue"), (dt.timedelta(days=6), "Thu"), (dt.timedelta(days=7), "13 May"),
     (dt.timedelta(days=400), "15 Apr 2025"), (dt.timedelta(days=-3), "23 May")],
)  # fmt: skip
def test_relative(age: dt.timedelta, text: str) -> None:
    assert fmt.relative(NOW - round(age.total_seconds() * 1000), NOW, dt.UTC) == text


def test_absurd_times_do_not_crash() -> None:
    assert fmt.relative(10**18, NOW, dt.UTC) == "?"
    assert fmt.absolute(-(10**18)) == ""
    assert fmt.relative(None) == fmt.absolute(None) == ""


def test_absolute_names_its_zone() -> None:
    assert fmt.absolute(NOW, dt.UTC) == "2026-05-20 12:00:00 UTC"
    assert fmt.absolute(NOW, dt.timezone(dt.timedelta(hours=2))) == "2026-05-20 14:00:00 +02:00"
    assert fmt.absolute(NOW, dt.timezone(dt.timedelta(hours=-3))) == "2026-05-20 09:00:00 -03:00"


def test_counts() -> None:
    assert fmt.count(1204) == "1,204"
    assert (fmt.plural(1, "session"), fmt.plural(2000, "session")) == ("1 session", "2,000 sessions")
    assert fmt.plural(2, "entry", "entries") == "2 entries"
    assert [fmt.percent(a, b) for a, b in ((999, 1000), (1, 1000), (62, 100), (5, 5), (0, 0))] == [
        "99 %", "1 %", "62 %", "100 %", "0 %",
    ]  # fmt: skip


def test_home_path() -> None:
    assert fmt.home_path("/home/u/src", "/home/u") == "~/src"
    assert fmt.home_path("/home/u", "/home/u/") == "~"
    assert fmt.home_path("/home/user2/src", "/home/u") == "/home/user2/src"


def test_middle_cut_keeps_the_name() -> None:
    assert fmt.middle_cut("/home/user/src/project/long/path/file.py", 20).endswith("/file.py")
    assert fmt.middle_cut("/home/user/src/project/long/path/file.py", 20).startswith("/home")
    assert fmt.middle_cut("src/a.py", 20) == "src/a.py"


@given(TEXT, st.integers(0, 30))
def test_cuts_fit(text: str, width: int) -> None:
    assert cell_len(fmt.middle_cut(text, width)) <= width
    assert cell_len(cut(text, width)) <= width
    assert cell_len(cut_left(text, width)) <= width
    assert cell_len(pad(text, width)) == width
    assert cell_len(pad(text, width, ">")) == width
    if cell_len(text) <= width:
        assert fmt.middle_cut(text, width) == cut(text, width) == cut_left(text, width) == text


def test_cells() -> None:
    assert cell_len("abc") == 3
    assert cell_len("日本") == 4
    assert cell_len("e\u0301") == 1
    assert cell_len("🎉") == 2
    assert cut("日本語", 5) == "日本…"
    assert cut_left("日本語", 5) == "…本語"
    assert pad("日", 4) == "日  "
    assert pad("7", 3, ">") == "  7"
