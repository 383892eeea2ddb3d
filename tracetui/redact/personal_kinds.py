"""Personal data that is looked for when asked: phone and card numbers, IBAN, SSN, MAC and public addresses, streets.

In logs of agents most of what has these shapes is none (ids, times, versions), so that they are off unless the user
says otherwise; checksums are computed where there are any. The patterns stand in ``detectors/personal.toml``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from tracetui.redact.finding import Finding
from tracetui.redact.tables import table

__all__ = ["scan_personal"]


class _Kind(NamedTuple):
    """``pattern`` in RE2's syntax, group 1 is the value; ``test`` says whether a match is one."""

    kind: str
    why: str
    pattern: str
    test: Callable[[str], bool]


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15 and len(set(_digits(text))) >= 4


def _card(text: str) -> bool:
    """ISO/IEC 7812: the Luhn sum."""
    digits = [int(char) for char in _digits(text)]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 3:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    """ISO 13616: the number of the letters and digits, country last, is 1 modulo 97."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _ssn(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _mac(text: str) -> bool:
    return len(set(text.replace("-", ":").split(":"))) >= 3


def _public(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return address.is_global and text not in _RESOLVERS and not text.endswith((".0", ".255"))


_RESOLVERS: Final = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222"})


def _any(text: str) -> bool:
    return True


_TESTS: Final[dict[str, Callable[[str], bool]]] = {
    "phone": _phone, "card": _card, "iban": _iban, "ssn": _ssn, "mac": _mac, "public": _public, "any": _any,
}  # fmt: skip


@cache
def _patterns() -> list[tuple[_Kind, Any]]:
    import re2

    kinds = (
        _Kind(row["kind"], row["why"], row["pattern"], _TESTS[row["test"]]) for row in table("personal")["personal"]
    )
    return [(kind, re2.compile(kind.pattern.encode())) for kind in kinds]


def scan_personal(text: str) -> list[Finding]:
    """What of these kinds stands in a text: findings of tier 2, in its code points. Linear in its length."""
    if len(text) < 8:
        return []
    # One byte a code point, so that offsets hold.
    raw = text.encode("ascii", "replace")
    out: list[Finding] = []
    for kind, pattern in _patterns():
        for match in pattern.finditer(raw):
            start, end = match.span(1)
            if kind.test(text[start:end]):
                out.append(Finding(start, end, kind.kind, f"personal-{kind.kind}", 2, "plain", kind.why))
    return out
