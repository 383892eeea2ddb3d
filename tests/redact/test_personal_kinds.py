"""Personal data that is looked for when asked: what has the shape and the checksum, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest
from logs import SESSION

from tracetui.redact.personal_kinds import scan_personal

FOUND = {
    "phone": ["call +49 170 2468135 now", "tel (415) 867-5309"],
    "card": ["paid with 4539 5787 6362 1486 today", "5425233430109903"],
    "iban": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"],
    "ssn": ["ssn 219-09-9999"],
    "mac": ["ether 3c:22:fb:8a:10:9e"],
    "ip": ["from 81.2.69.160 port 22"],
    "street": ["lives at 42 Baker Street", "Hauptstra\u00dfe 12a"],
}
LEFT = (
    "card 4539 5787 6362 1487", "DE88370400440532013000", "000-12-3456", "00:00:00:00:00:00", "version 81.2.69",
    "10.0.0.7", "8.8.8.8", "at 2026-11-22 10:20:30", "id 1234567890123456", "commit 3c22fb8a109e", "+1 +2 +3 +4",
    "1.2.3.4.5", "lines 12-34-5678",
)  # fmt: skip


@pytest.mark.parametrize("kind", FOUND)
def test_what_is_one_is_found(kind: str) -> None:
    for text in FOUND[kind]:
        assert [found.kind for found in scan_personal(text)] == [kind], text


def test_what_only_looks_like_one_is_left() -> None:
    for text in LEFT:
        assert not scan_personal(text), text


def test_they_are_looked_for_when_asked(run: Any) -> None:
    text = "call +49 170 2468135 now"
    assert run("scan", "-", "--json", stdin=text).lines == []
    (found,) = run("scan", "-", "--json", "--personal", stdin=text).lines
    assert (found["rule"], found["tier"]) == ("personal-phone", 2)


def test_the_setting_holds_for_every_scan_of_the_bucket(run: Any, place: Any) -> None:
    place.log.prompt("call +49 170 2468135 now")
    place.capture()
    assert not [line for line in run("scan", SESSION, "--json").lines if line["kind"] == "phone"]
    assert run("redact", SESSION, "--personal", "--json").status == 0
    assert [line for line in run("scan", SESSION, "--json").lines if line["kind"] == "phone"]
    assert run("redact", SESSION, "--no-personal", "--json").status == 0
    assert not [line for line in run("scan", SESSION, "--json").lines if line["kind"] == "phone"]
