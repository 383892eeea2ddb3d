"""What a stranger would notice: listed by frequency, common words and the project's own left out."""

from __future__ import annotations

from tracetui.redact.second_reading import notice

TEXTS = [
    "Please fix the importer for Zorblax GmbH before Friday, Merlinus Quex from their side asked twice (OPS-4711).",
    "Author: Ada Plimsoll <ada@plimsoll-labs.dev>\nDate: Mon\n\n    Limit bursts",
    "deploys to hopper.plimsoll-labs.de via /srv/zorblax/release, ping @qzorb or call +49 170 2468135",
    "tool mcp__zorblax_crm__find_customer was called",
    "The importer reads github.com/x/y and src/limit.py; see RFC-7231, UTF-8, README.md",
    "Bitte die Rechnung nicht an den Kunden schicken, wir pr\u00fcfen das noch und auch die Zahlen mit Vrobel.",
    "Then Vrobel said no. Vrobel again.",
]


def test_what_stands_out_is_listed_by_kind() -> None:
    found = {(one.kind, one.text) for one in notice(TEXTS, inside="/home/qwertz/limit")}
    assert {
        ("organisation", "Zorblax GmbH"), ("person", "Merlinus Quex"), ("person", "Ada Plimsoll"),
        ("ticket", "OPS-4711"), ("host", "hopper.plimsoll-labs.de"), ("path", "/srv/zorblax/release"),
        ("handle", "@qzorb"), ("number", "+49 170 2468135"), ("tool server", "zorblax_crm"),
        ("language", "German"), ("name", "Vrobel"),
    } <= found  # fmt: skip
    said = {text for _, text in found}
    plain = "github.com RFC-7231 UTF-8 README.md Friday Please Then The Author"
    assert not said & set(plain.split())


def test_the_commonest_of_a_kind_comes_first_and_repeats_count() -> None:
    found = notice([*TEXTS, *["ask Vrobel"] * 3, "ask Wuxley"])
    names = [(one.text, one.times) for one in found if one.kind == "name"]
    assert names[0] == ("Vrobel", 6)
    assert ("Wuxley", 1) in names
