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


def test_people_machines_and_folders_are_noticed_where_tools_print_them() -> None:
    texts = [
        "-rw-r--r-- 1 zvandorn users 1204 Jan 9 12:00 notes.md",
        "Co-authored-by: quill-nine <quill9@users.noreply.github.com>",
        "git@github.com:ravenwick-dev/app.git",
        "ssh ops@hopper-vantage uptime",
        "the job runs on gpu-lisbon-07 only",
        "is Marlow & Finchley on the new plan?",
        "cp ../quorvane-invoices/a.csv /Volumes/Quorvane-Tender/x",
        "Wuxley from support says that the page is blank",
        "the tender for Quorvane Municipal Services is due",
        "see https://portal.quorvane.de/login and web04.prod.quorvane.internal",
        "Merge branch 'feature/QUOR-97-login'",
        "C:\\Users\\tquorv\\Documents\\a.docx",
        "Lieferung: Lindenallee 47, 04277 Leipzig",
    ]
    said = {one.text for one in notice(texts)}
    assert {
        "zvandorn", "quill-nine", "quill9", "ravenwick-dev", "hopper-vantage", "gpu-lisbon-07", "Marlow & Finchley",
        "quorvane-invoices", "Quorvane-Tender", "Wuxley", "Quorvane Municipal Services", "portal.quorvane.de",
        "web04.prod.quorvane.internal", "QUOR-97", "tquorv", "Lindenallee 47", "04277 Leipzig",
    } <= said  # fmt: skip


def test_what_everybody_writes_is_not_noticed() -> None:
    texts = [
        "text-gray-500 border-red-300 bash-progress-10 utf-8 chownr@3.0.0 4096 Jun 2 2026",
        "Type Breakdown\nIn Default\n@deprecated use read() on the command-line only",
        "drwxr-xr-x 2 root root 4096 Jan 9 12:00 src",
        "src/app.py imports ../lib/types.js; the value is on by default",
    ]
    assert not {one.text for one in notice(texts)} - {"Breakdown"}
