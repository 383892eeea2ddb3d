"""Token formats of providers, from public facts: the fixed part, the alphabet and the length of what follows.

``FORMATS`` holds formats that can be told by themselves: a fixed prefix or shape that harmless text does not have.

A row is ``(rule, kind, keywords, pattern)``. ``keywords`` are lower-case literals of which one must stand in the text
(they feed one Aho-Corasick automaton). ``pattern`` is RE2 syntax; the secret is group 1,
or the whole match where there is no group. Kinds are what the placeholder says, rules what the finding says.
"""

from __future__ import annotations

from typing import Final

from tracetui.redact.tokens import PREFIXES, W
from tracetui.redact.tokens_apps import APPS
from tracetui.redact.tokens_infra import INFRA

__all__ = ["EVERYWHERE", "FORMATS"]

FORMATS: Final[tuple[tuple[str, str, tuple[str, ...], str, str], ...]] = tuple(
    (*row, PREFIXES.get(row[0], "")) for row in (*INFRA, *APPS)
)
"""``(rule, kind, keywords, pattern, prefix)``: with a ``prefix`` (case counts) the pattern is matched where it begins."""

EVERYWHERE: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("twilio-key", "twilio-key", "S", r"(SK[0-9a-f]{32})(?![\w-])"),
    ("twilio-account-sid", "twilio-id", "A", r"(AC[0-9a-f]{32})(?![\w-])"),
    ("discord-bot-token", "discord-token", "MNO", rf"([MNO]{W}{{23,27}}\.{W}{{6}}\.{W}{{27,40}})(?![\w-])"),
    ("mailgun-signing-key", "mailgun-key", "0123456789abcdef", r"([0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})(?![\w-])"),
    ("mailchimp-key", "mailchimp-key", "0123456789abcdef", r"([0-9a-f]{32}-us\d{1,2})(?![\w-])"),
    ("vault-old-token", "vault-token", "s", r"(s\.[A-Za-z0-9]{24})(?![\w.-])"),
)
"""``(rule, kind, first characters, pattern)``: formats that no keyword announces, tried where a long run of characters
begins; the last one begins two characters before. Anchored, of fixed lengths."""
