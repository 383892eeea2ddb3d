"""What leaves text.safe cannot control, hide, mention or render anything."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.text.safe import copy_safe, display_safe, fenced, html_safe, is_display_safe, markdown_safe, one_line
from tracetui.text.width import cell_len

ANY = st.text(st.characters() | st.sampled_from("\x1b\x07\x9b\u202e\u200b\u2066\n\t\r`@#<>!&[](){}_*~|-+=.\\/:wG"))
CONTROLS = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_every_control_of_this_unicode_is_replaced() -> None:
    left = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(char := chr(code)) in CONTROLS and display_safe(char) == char
    ]
    assert left == []


def test_pictures_and_replacements() -> None:
    assert display_safe("a\x1b[31m\x00\x7f") == "a␛[31m␀␡"
    assert display_safe("\x9b\u202e\u200b\u2066\ufeff\ud800\U000e0041\u3164") == "\ufffd" * 8
    assert display_safe("a\n\tb\r") == "a␊␉b␍"
    assert display_safe("a\n\tb\r", keep_newlines=True, keep_tabs=True) == "a\n\tb␍"
    assert display_safe("a\n\tb", keep_newlines=True) == "a\n␉b"


def test_plain_text_of_every_script_passes() -> None:
    for text in ("plain", "héllo", "日本語", "עברית", "العربية", "हिन्दी", "⚠️ 🎉", "e\u0301", "  spaced  "):
        assert display_safe(text) == text


@given(ANY, st.booleans(), st.booleans())
def test_display_safe_is_one_for_one_and_clean(text: str, newlines: bool, tabs: bool) -> None:
    safe = display_safe(text, keep_newlines=newlines, keep_tabs=tabs)
    assert len(safe) == len(text)
    for before, after in zip(text, safe):
        if unicodedata.category(after) in CONTROLS:
            assert (after == "\n" and newlines) or (after == "\t" and tabs)
        if unicodedata.category(before) not in CONTROLS and after != "\ufffd":
            assert before == after
    assert is_display_safe(safe, keep_newlines=newlines, keep_tabs=tabs)
    assert display_safe(safe, keep_newlines=newlines, keep_tabs=tabs) == safe
    assert is_display_safe(text) == (display_safe(text) == text)


@given(ANY)
def test_copy_safe_drops_only_what_controls(text: str) -> None:
    copied = copy_safe(text)
    copied.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", copied)
    if text.isprintable():
        assert copied == text


def test_copy_safe_keeps_tab_newline_and_joiners() -> None:
    assert copy_safe("a\tb\r\nc\x1b]52;c;eA==\x07👩\u200d💻") == "a\tb\nc]52;c;eA==👩\u200d💻"


@given(ANY, st.integers(0, 40))
def test_one_line_fits(text: str, width: int) -> None:
    line = one_line(text, width)
    assert cell_len(line) <= width
    assert is_display_safe(line)


def test_one_line_folds_and_cuts() -> None:
    assert one_line("  a\n\n\tb  c ") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("日本語", 5) == "日本…"
    assert one_line("日本語", 4) == "日…"
    assert one_line("x" * 1_000_000, 5) == "xxxx…"


HOSTILE = [
    "@someone and @org/team, mail a@b.example",
    "![x](https://evil.example/x.png)",
    "<img src=https://evil.example/x.png>",
    "<!-- hidden -->",
    "&#64;someone &lt;b&gt;",
    "[link](javascript:alert(1))",
    "# heading",
    "1. list",
    "2) list",
    "- item",
    "===",
    "| a | b |",
    "> quote",
    "``` fence",
    "see #12 and GH-12 and https://evil.example www.evil.example",
    "`@a` ``@b``",
    "$x$ ~~s~~ **b** _i_",
]


def _rendered(markdown: str) -> str:
    markdown_it = pytest.importorskip("markdown_it")
    return markdown_it.MarkdownIt("gfm-like", {"html": True}).render(markdown)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_safe_renders_as_the_words_and_nothing_else(text: str) -> None:
    shown = _rendered(markdown_safe(text))
    tags = set(re.findall(r"<(/?[a-z0-9]+)", shown))
    assert tags <= {"p", "/p", "code", "/code"}, shown
    outside = re.sub(r"<code>.*?</code>", "\0", shown)
    assert not re.search(r"@\w|(?<!\w)#\d|GH-\d", outside)
    assert "<!--" not in shown
    plain = re.sub(r"<[^>]*>", "", shown)
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, char)
    assert plain.strip().replace("` @", "`@").replace("@ `", "@`") == text


@given(ANY)
def test_markdown_safe_never_opens_anything(text: str) -> None:
    shown = _rendered(markdown_safe(text))
    assert set(re.findall(r"<(/?[a-z0-9!]+)", shown)) <= {"p", "/p", "code", "/code"}, shown
    assert not re.search(r"@\w", re.sub(r"<code>.*?</code>", "\0", shown))


@given(ANY, ANY)
def test_fenced_holds_its_text(text: str, info: str) -> None:
    block = fenced(text, info)
    assert block.endswith("\n")
    shown = _rendered(block + "after\n")
    assert shown.count("<pre>") == 1
    assert shown.endswith("<p>after</p>\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]", block)


def test_fence_is_longer_than_any_run_inside() -> None:
    assert fenced("a\n````\nb", "python title=x").startswith("`````pythontitlex\na\n")
    assert fenced("") == "```\n```\n"


@given(ANY)
def test_html_safe(text: str) -> None:
    safe = html_safe(text)
    assert not re.search("[<>\"'\x00-\x08\x0b-\x1f\x80-\x9f]", safe)


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\u0e31"])
@pytest.mark.parametrize("before", ["", "a", "é" * 40, "x" * 31])
def test_piles_of_combining_marks_are_cut(mark: str, before: str) -> None:
    few = before + "o" + mark * 16 + "n"
    assert display_safe(few) == few
    assert is_display_safe(few)
    for count in (17, 18, 40, 500):
        piled = before + "o" + mark * count + "n" + mark * 3
        safe = display_safe(piled)
        assert not is_display_safe(piled)
        assert is_display_safe(safe)
        assert len(safe) == len(piled)
        assert safe == before + "o" + mark * 16 + "\ufffd" * (count - 16) + "n" + mark * 3
