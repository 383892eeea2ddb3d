"""Edits to hunks: numbering, own lines, chains of edits, what logs leave out."""

from __future__ import annotations

import subprocess
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tracetui.harness.base import FileEdit
from tracetui.trail.hunks import Edit, hunks_of
from tracetui.trail.lines import aligned, changes, norm, split

TEXT = "one first\ntwo second\nthree third\nfour fourth\nfive fifth\n"


def edit(step: int, change: FileEdit, session: str = "s", call: str | None = None, time: int | None = None) -> Edit:
    return Edit(session, None, step, call or f"c{session}{step}", "Edit", time or step * 1000, change, "/r")


def test_hunks_are_counted_by_position() -> None:
    after = TEXT.replace("two second", "2").replace("four fourth", "4\n4b")
    found = hunks_of([edit(1, FileEdit("/r/a", "update", TEXT, after))])
    assert [(h.number, h.old, h.new) for h in found] == [
        (0, [b"two second"], [b"2"]),
        (1, [b"four fourth"], [b"4", b"4b"]),
    ]
    assert found[0].above == [b"one first"]
    assert found[0].below == [b"three third", b"4", b"4b", b"five fifth"]


def test_own_lines_leave_out_what_was_only_indented() -> None:
    before = "if x:\n    call_it(1)\n"
    after = "if x:\n        call_it(1)\n        call_it(2)\n"
    (found,) = hunks_of([edit(1, FileEdit("/r/a", "update", before, after))])
    assert found.added == {b"call_it(2)": 1}
    assert found.removed == {}


def test_pieces_are_applied_to_what_earlier_edits_left() -> None:
    first = edit(1, FileEdit("/r/a", "update", TEXT, TEXT.replace("two second", "two changed")))
    second = edit(2, FileEdit("a", "update", pieces=(("changed", "changed again"),)))
    found = hunks_of([first, second])
    assert found[1].new == [b"two changed again"]
    assert found[1].placed
    assert [(g.line, g.by) for g in found[0].gone] == [(b"twochanged", found[1].key)]


def test_pieces_are_applied_to_what_git_held() -> None:
    found = hunks_of(
        [edit(1, FileEdit("/r/a", "update", pieces=(("second", "other"),)))], lambda path, time, branch: [TEXT.encode()]
    )
    assert (found[0].old, found[0].new, found[0].placed) == ([b"two second"], [b"two other"], True)


def test_pieces_alone() -> None:
    found = hunks_of([edit(1, FileEdit("/r/a", "update", pieces=(("x\ny\n", "x\nz\n"),)))])
    assert (found[0].old, found[0].new, found[0].placed) == ([b"y"], [b"z"], False)


def test_pieces_across_line_ends() -> None:
    text = TEXT.replace("\n", "\r\n").encode()
    found = hunks_of(
        [edit(1, FileEdit("/r/a", "update", pieces=(("two second\nthree", "two\nthree"),)))],
        lambda path, time, branch: [text],
    )
    assert [h.new for h in found] == [[b"two"]]


def test_several_edits_of_one_call_are_one() -> None:
    one = edit(1, FileEdit("/r/a", "update", pieces=(("two second", "2"),)), call="c")
    two = edit(1, FileEdit("/r/a", "update", pieces=(("four fourth", "4"),)), call="c")
    found = hunks_of([one, two], lambda path, time, branch: [TEXT.encode()])
    assert [(h.number, h.new) for h in found] == [(0, [b"2"]), (1, [b"4"])]


def test_a_call_that_two_logs_hold_is_taken_once() -> None:
    change = FileEdit("/r/a", "update", TEXT, TEXT + "six sixth\n")
    found = hunks_of([edit(1, change, "s1", "same"), edit(7, change, "s2", "same", 1000)])
    assert [h.session for h in found] == ["s1"]


def test_a_write_without_before_text() -> None:
    change = FileEdit("/r/a", "update", None, TEXT + "six sixth\n")
    assert hunks_of([edit(1, change)])[0].problem == "no_before_text"
    assert hunks_of([edit(1, change)], lambda path, time, branch: [])[0].new == [*split(TEXT.encode()), b"six sixth"]
    assert hunks_of([edit(1, change)], lambda path, time, branch: [TEXT.encode()])[0].new == [b"six sixth"]
    assert hunks_of([edit(1, FileEdit("/r/a", "add", None, TEXT))])[0].new == split(TEXT.encode())


def test_a_before_text_without_an_after_text() -> None:
    (found,) = hunks_of([edit(1, FileEdit("/r/a", "update", TEXT))])
    assert (found.problem, found.old) == ("no_before_text", [])


def test_a_move_carries_the_file_along() -> None:
    one = edit(1, FileEdit("/r/a", "add", None, TEXT))
    two = edit(2, FileEdit("/r/a", "move", pieces=(("two second", "2"),), to="/r/b"))
    three = edit(3, FileEdit("/r/b", "update", pieces=(("four fourth", "4"),)))
    found = hunks_of([one, two, three])
    assert [(h.file, h.new) for h in found[1:]] == [("/r/b", [b"2"]), ("/r/b", [b"4"])]
    assert Counter(g.line for g in found[0].gone) == {b"twosecond": 1, b"fourfourth": 1}
    assert hunks_of([one, edit(2, FileEdit("/r/a", "move", to="/r/b"))])[1:] == []


def test_a_deletion_takes_all_lines() -> None:
    one = edit(1, FileEdit("/r/a", "add", None, TEXT))
    two = edit(2, FileEdit("/r/a", "delete"))
    found = hunks_of([one, two])
    assert found[1].old == split(TEXT.encode())
    assert sum(g.count for g in found[0].gone) == 5


def test_edits_by_hand_between_are_no_taking_over() -> None:
    one = edit(1, FileEdit("/r/a", "update", TEXT, TEXT + "six sixth\n"))
    two = edit(2, FileEdit("/r/a", "update", TEXT, TEXT + "seven seventh\n"))
    found = hunks_of([one, two])
    assert found[0].gone == []


def test_windows_paths_are_told_apart_from_relative_ones() -> None:
    found = hunks_of([Edit("s", None, 1, "c", "Edit", 1, FileEdit("src\\a.py", "add", None, "x = 1\n"), "C:\\work")])
    assert found[0].file == "C:/work/src/a.py"


LINES = st.lists(st.sampled_from([b"a", b"b", b"  a", b"c c", b"", b"d\r", b"long line of text"]), max_size=30)


@given(LINES, LINES, st.booleans(), st.booleans())
def test_changes_rebuild_the_text(before: list[bytes], after: list[bytes], one: bool, two: bool) -> None:
    old = b"\n".join(before) + (b"\n" if one and before else b"")
    new = b"\n".join(after) + (b"\n" if two and after else b"")
    lines, fresh = split(old), split(new)
    built: list[bytes] = []
    at = 0
    for change in changes(old, new):
        built += lines[at : change.old] + fresh[change.new : change.new + change.new_len]
        at = change.old + change.old_len
    assert built + lines[at:] == fresh


@given(LINES, LINES)
def test_aligned_lines_are_equal_and_in_order(before: list[bytes], after: list[bytes]) -> None:
    one, two = [norm(line) for line in before], [norm(line) for line in after]
    places = aligned(one, two)
    kept = [place for place in places if place >= 0]
    assert kept == sorted(set(kept))
    assert all(place < 0 or one[at] == two[place] for at, place in enumerate(places))


def test_runs_agree_with_git(tmp_path) -> None:
    base = [f"line {n % 7} of {n}" for n in range(400)]
    after = [*base[:50], "new a", "new b", *base[53:200], *base[210:300], "x", *base[300:]]
    (tmp_path / "a").write_text("\n".join(base) + "\n")
    (tmp_path / "b").write_text("\n".join(after) + "\n")
    out = subprocess.run(
        ["git", "diff", "--no-index", "-U0", "--no-color", "a", "b"], cwd=tmp_path, capture_output=True, text=True
    ).stdout
    heads = [line.split(" @@")[0] for line in out.splitlines() if line.startswith("@@")]
    ours = changes(("\n".join(base) + "\n").encode(), ("\n".join(after) + "\n").encode())
    shown = [
        f"@@ -{c.old + (c.old_len > 0)}{'' if c.old_len == 1 else f',{c.old_len}'} "
        f"+{c.new + (c.new_len > 0)}{'' if c.new_len == 1 else f',{c.new_len}'}"
        for c in ours
    ]
    assert shown == heads
