"""Sums over steps: each step counts where it happened, on its local day, once, and every sum names its query."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bucket.logs import BASE, Claude, found, session_of, uuid_of
from tracetui.bucket import Bucket, activity, step_survival
from tracetui.bucket.calendar_days import first_weekday, period, week_of
from tracetui.bucket.tags import archive, rename, tag, tags
from tracetui.model import TracetuiError

DAY = 86_400


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zone ahead of UTC, so that a local day is told from one of UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Two projects, one below the other; a session that goes on the next day; a subagent."""
    logs = tmp_path / "logs"
    first = session_of(uuid_of(1), 2)
    first.at += DAY
    first.prompt("and now?").tool("Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y"}, "done")
    first.write(logs / f"{uuid_of(1)}.jsonl")
    Claude(uuid_of(1), 2, "a1b2c3d4").prompt("look").tool("Bash", {"command": "ls"}, "no", error=True).write(
        logs / uuid_of(1) / "subagents" / "agent-a1b2c3d4.jsonl"
    )
    other = Claude(uuid_of(2), 40 * DAY, cwd="/home/dev/limit/inner")
    other.prompt("hello").message("hi").write(logs / f"{uuid_of(2)}.jsonl")
    with Bucket.open(tmp_path / "bucket", create=True) as made:
        made.capture(found(logs))
        yield made


def local(second: float) -> str:
    return str(dt.datetime.fromtimestamp(BASE + second).date())  # noqa: DTZ006


def test_a_step_counts_on_its_day(bucket: Bucket) -> None:
    days = {group.name: group.totals for group in activity.by(bucket, "day")}
    assert list(days) == [local(0), local(DAY), local(40 * DAY)]
    assert days[local(0)].prompts == 3  # (two of the session, one of its subagent)
    assert days[local(DAY)].prompts == 1
    assert days[local(0)].failures == 2  # (every second command of the session, and the subagent's)
    assert sum(day.steps for day in days.values()) == activity.total(bucket).steps
    assert sum(activity.calendar(bucket, 4, now=(BASE + DAY) * 1000).values()) == sum(
        days[day].steps for day in (local(0), local(DAY))
    )


def test_a_session_of_two_days_counts_once_in_their_week(bucket: Bucket) -> None:
    total = activity.total(bucket)
    assert (total.sessions, total.edited, total.judged) == (2, 1, 0)
    both = activity.total(bucket, f"until:{local(DAY)}")
    assert both.sessions == 1


def test_time_without_steps_is_no_work(bucket: Bucket) -> None:
    """A pause of a day between two prompts counts as five minutes."""
    total = activity.total(bucket, f"until:{local(DAY)}")
    assert activity.IDLE_MS <= total.active_ms < activity.IDLE_MS + 60_000


@pytest.mark.parametrize("group", ["project", "harness", "model", "day", "week", "month"])
def test_the_query_of_a_group_finds_its_steps(bucket: Bucket, group: str) -> None:
    for found_group in activity.by(bucket, group):
        assert activity.total(bucket, found_group.query) == found_group.totals, found_group.query


def test_a_project_within_another_is_one_of_its_own(bucket: Bucket) -> None:
    sums = {group.name: group.totals.prompts for group in activity.by(bucket, "project")}
    assert sums == {"/home/dev/limit": 4, "/home/dev/limit/inner": 1}


def test_tools_by_their_calls(bucket: Bucket) -> None:
    assert [(group.name, group.totals.steps) for group in activity.by(bucket, "tool")] == [("Bash", 3), ("Edit", 1)]


def test_lines_are_those_of_the_steps(bucket: Bucket) -> None:
    row = bucket.session(uuid_of(1))
    edit = next(step.number for step in bucket.step_rows(bucket.logs(row.id)[0]) if step.kind == "edit")
    assert activity.survival_progress(bucket) == (0, 1)
    assert step_survival.unjudged(bucket) == [("claude", uuid_of(1))]
    judged = [
        step_survival.Judged(None, 1, edit, "alive", 10, 2),
        step_survival.Judged(None, 1, edit, "lost", 4, 0),
        step_survival.Judged(None, 1, edit, "alive", 1, 0),
        step_survival.Judged(None, 1, edit, "pending", 3, 0),
    ]
    step_survival.put(bucket, row, judged)
    assert activity.survival_progress(bucket) == (1, 1)
    total = activity.total(bucket)
    assert total.survival == {"alive": 2, "lost": 1, "pending": 1}
    assert (total.lines_added, total.lines_removed, total.lines_judged, total.lines_standing) == (18, 2, 15, 11)
    assert activity.total(bucket, f"since:{local(40 * DAY)}").survival == {}
    by_tool = {group.name: group.totals.lines_standing for group in activity.by(bucket, "tool")}
    assert by_tool == {"Bash": 0, "Edit": 11}
    step_survival.put(bucket, row, judged[:1])
    assert activity.total(bucket).survival == {"alive": 1}


def test_where_stopped_is_a_session_of_the_folder(bucket: Bucket) -> None:
    found_row = activity.where_stopped(bucket, "/home/dev/limit/inner")
    assert found_row is not None
    assert found_row.id == uuid_of(2)
    assert activity.where_stopped(bucket, "/elsewhere") is None


def test_running_is_what_was_written_to_just_now(bucket: Bucket) -> None:
    newest = max(file.mtime_ns for file in bucket.accounts.files()) // 1_000_000
    assert {row.id for row in activity.running(bucket, now=newest + 1000)} == {uuid_of(1), uuid_of(2)}
    assert activity.running(bucket, now=newest + activity.RUNNING_MS + 1000) == []


def test_waiting_names_its_query(bucket: Bucket) -> None:
    bucket.put_summary(uuid_of(1), "findings", {"open": 2, "accepted": 1, "rejected": 0})
    bucket.put_summary(uuid_of(2), "findings", {"open": 2, "accepted": 0, "rejected": 0})
    waits = {item.query: item.number for item in activity.waiting(bucket)}
    assert waits["is:in-review"] == 1


@pytest.mark.parametrize(
    ("locale", "first"), [("de_DE.UTF-8", 0), ("en_US.UTF-8", 6), ("ar_EG", 5), ("dv_MV", 4), ("C", 0), ("en", 0)]
)
def test_weeks_begin_as_the_locale_says(locale: str, first: int) -> None:
    assert first_weekday({"LC_TIME": locale, "LANG": "pt_BR"}) == first
    assert week_of(dt.date(2026, 5, 3), first).weekday() == first


def test_periods_reach_to_now() -> None:
    now = round(dt.datetime(2026, 5, 3, 23, 30).timestamp() * 1000)  # noqa: DTZ001 (a Sunday)
    assert period("day", now=now).query == "since:2026-05-03"
    assert period("week", now=now, first=0).query == "since:2026-04-27"
    assert period("week", now=now, first=6).query == "since:2026-05-03"
    assert period("month", now=now).query == "since:2026-05-01"
    assert period("all", now=now).since is None


def test_a_title_of_ones_own(bucket: Bucket) -> None:
    row = bucket.session(uuid_of(2))
    rename(bucket, row, "  the\nlimiter  ")
    named = bucket.session(uuid_of(2))
    assert (named.title, named.renamed) == ("the limiter", True)
    assert [found_row.id for found_row in bucket.sessions(sort="title")][1] == uuid_of(2)
    bucket.rebuild()
    assert bucket.session(uuid_of(2)).title == "the limiter"
    rename(bucket, row, " ")
    assert (bucket.session(uuid_of(2)).title, bucket.session(uuid_of(2)).renamed) == (row.title, False)


def test_tags_and_the_archive(bucket: Bucket) -> None:
    row = bucket.session(uuid_of(2))
    assert tag(bucket, row, "#Review/Later") == "review/later"
    tag(bucket, row, "bug")
    tag(bucket, bucket.session(uuid_of(1)), "bug")
    assert tags(bucket) == [("bug", 2), ("review/later", 1)]
    assert bucket.session(uuid_of(2)).tags == ("bug", "review/later")
    tag(bucket, row, "bug", on=False)
    assert bucket.session(uuid_of(2)).tags == ("review/later",)
    for name in ("", "a b", "-x", "x" * 65, "a,b"):
        with pytest.raises(TracetuiError):
            tag(bucket, row, name)
    archive(bucket, row)
    assert bucket.session(uuid_of(2)).archived
    archive(bucket, row, on=False)
    assert not bucket.session(uuid_of(2)).archived
