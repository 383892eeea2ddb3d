"""One diff of many edits: what is joined, what begins anew, and what became of it at HEAD."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracetui.harness.base import FileEdit
from tracetui.trail.hunks import Edit, hunks_of
from tracetui.trail.lines import split
from tracetui.trail.session_diff import ChangedFile, Collector, Part, against_head

TEXT = "one\ntwo\nthree\nfour\n"


def collected(*changes: FileEdit, session: str = "s") -> list[ChangedFile]:
    found = Collector(lambda edit: edit.session == session, lambda: False)
    edits = [
        Edit("t" if change.path.startswith("other") else session, None, nth, f"c{nth}", "Edit", nth * 1000,
             change, "/r")
        for nth, change in enumerate(changes, 1)
    ]  # fmt: skip
    hunks_of(edits, watch=found)
    return found.files


def parts(file: ChangedFile) -> list[tuple[bytes | None, bytes | None]]:
    return [(part.before, part.after) for part in file.parts]


def test_edits_in_a_row_are_one_diff() -> None:
    first = TEXT.replace("two", "2")
    (file,) = collected(
        FileEdit("/r/a", "update", TEXT, first),
        FileEdit("a", "update", pieces=(("three", "3"),)),
    )
    assert parts(file) == [(TEXT.encode(), first.replace("three", "3").encode())]
    assert file.edits == 2


def test_what_something_else_changed_is_not_in_the_diff() -> None:
    first, between = TEXT.replace("two", "2"), TEXT.replace("two", "2") + "by hand\n"
    (file,) = collected(
        FileEdit("/r/a", "update", TEXT, first),
        FileEdit("/r/a", "update", between, between.replace("one", "1")),
    )
    assert parts(file) == [(TEXT.encode(), first.encode()), (between.encode(), between.replace("one", "1").encode())]
    rows, stand, written, cuts = against_head(file.parts, b"1\n2\nthree\nfour\n")
    assert (stand, written, cuts) == (2, 2, 0)
    assert rows == []  # the line by hand is gone, and was nobody's here


def test_new_moved_and_deleted_files() -> None:
    made, gone = collected(
        FileEdit("/r/new", "add", "", "x\n"),
        FileEdit("/r/old", "delete", TEXT),
        FileEdit("/r/new", "move", "x\n", "y\n", to="/r/newer"),
    )
    assert (made.source, made.target, parts(made)) == ("/r/new", "/r/newer", [(None, b"y\n")])
    assert parts(gone) == [(TEXT.encode(), None)]
    rows, stand, written, cuts = against_head(gone.parts, TEXT.encode())
    assert ([row[0] for row in rows], stand, written, cuts) == (["+"] * 4, 0, 0, 1)
    assert against_head(gone.parts, None) == ([], 0, 0, 1)


def test_without_the_whole_text_hunk_follows_hunk() -> None:
    (file,) = collected(
        FileEdit("/r/a", "update", pieces=(("p", "q"),)), FileEdit("/r/a", "update", pieces=(("r", "s"),))
    )
    (part,) = file.parts
    assert not part.whole
    assert [(hunk.old, hunk.new) for hunk in part.hunks] == [([b"p"], [b"q"]), ([b"r"], [b"s"])]
    assert against_head(file.parts, b"q\n") == ([], 0, 0, 0)


def test_a_binary_file_has_no_lines() -> None:
    (file,) = collected(FileEdit("/r/a", "update", TEXT, "\0\1"))
    assert file.binary
    assert file.parts == []


def test_only_what_was_written_is_set_against_head() -> None:
    after = TEXT.replace("two", "2")
    rows, stand, written, _ = against_head([Part(True, TEXT.encode(), after.encode())], b"one\n2\nthree\nFOUR\n")
    assert (rows, stand, written) == ([], 1, 1)
    rows, stand, written, _ = against_head([Part(True, TEXT.encode(), after.encode())], b"one\nII\nthree\nFOUR\n")
    assert [row[:3] for row in rows if row[0] != " "] == [["-", 2, "2"], ["+", 2, "II"]]
    assert (stand, written) == (0, 1)


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "  a"]), max_size=8).map(
    lambda rows: "".join(f"{r}\n" for r in rows)
)


@given(LINES, LINES, LINES)
def test_lines_that_stand_and_fall_add_up(before: str, after: str, head: str) -> None:
    whole = [Part(True, before.encode(), after.encode())]
    rows, stand, written, _ = against_head(whole, head.encode())
    assert 0 <= stand <= written <= len(split(after.encode()))
    assert written - stand <= sum(row[0] == "-" for row in rows)
    assert against_head(whole, after.encode())[:2] == ([], written)
    assert against_head(whole, None)[1] == 0
