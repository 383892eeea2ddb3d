"""JUnit as Maven's surefire, Gradle and its own consoles print it, and the XML reports that many runners write."""

from __future__ import annotations

import re
from typing import Final

from tracetui.capsule.runners.text import Told, error_of

__all__ = ["read", "read_xml"]

_TIME: Final = r"(?: --)? +Time elapsed: [0-9.,]{1,12} ?s(?:ec)? +<<< (?:FAILURE|ERROR)!$"
_SUREFIRE: Final = re.compile(
    rf"(?:\[ERROR\] +)?([\w$.]{{1,300}})(?:\((?:[\w$, .\[\]]{{0,200}})\))?(?:\[\d{{1,6}}\])?{_TIME}"
)
_SUREFIRE_OLD: Final = re.compile(rf"(?:\[ERROR\] +)?(\w{{1,200}})\(([\w$.]{{1,300}})\){_TIME}")
_SUMMARY: Final = re.compile(r"\[ERROR\]   ([\w$]{1,200})\.(\w{1,200}):\d{1,7} (.*)$")
_CLASS: Final = re.compile(
    r"(?:\[(?:INFO|ERROR|WARNING)\] +)?"
    r"Tests run: (\d{1,7}), +Failures: (\d{1,7}), +Errors: (\d{1,7}), +Skipped: (\d{1,7})"
    r"(?:, Time elapsed: .{1,40}?(?: <<< \w{1,10}!)?(?: --)? -? ?in ([\w$.]{1,300}))?"
)
_GRADLE: Final = re.compile(r"([\w$.]{1,200}) > (.{1,200}?)(?:\(.{0,200}\))? (FAILED|PASSED|SKIPPED)$")
_PLAIN: Final = re.compile(r"\d{1,6}\) (\w{1,200})\(([\w$.]{1,300})\)$")
_PLAIN_OK: Final = re.compile(r"OK \((\d{1,7}) tests?\)$")
_PLAIN_BAD: Final = re.compile(r"Tests run: (\d{1,7}), +Failures: (\d{1,7})$")
_LAUNCHER: Final = re.compile(r" +JUnit \w{1,20}:([\w$. ]{1,300}):(.{1,200}?)(?:\(.{0,200}\))?$")
_THROWN: Final = re.compile(r"\s*(?:=> )?([\w$.]{1,200}(?:Error|Exception|Failure)\b.*)$")


def read(lines: list[str]) -> Told | None:
    """What a runner of JUnit told, None where this is not its output. Ids are ``Class.test`` without packages, which
    not every form tells."""
    told = Told("JUnit")
    test: str | None = None
    per_class = total = False
    for line in lines:
        if test is not None and (found := _THROWN.match(line)) is not None:
            told.fail(test, error_of([found[1]]))
            test = None
        elif (named := _name(line)) is not None:
            test = named
            told.fail(test)
        elif (found := _GRADLE.match(line)) is not None:
            name = f"{found[1].rpartition('.')[2]}.{found[2]}"
            if found[3] == "FAILED":
                test = name
                told.fail(name)
            else:
                (told.passed if found[3] == "PASSED" else told.skipped).add(name)
        elif (found := _SUMMARY.match(line)) is not None:
            told.fail(f"{found[1]}.{found[2]}", error_of([found[3]]))
        elif (found := _CLASS.match(line)) is not None:
            per_class = per_class or found[5] is not None
            total = total or found[5] is None
            if found[5] is not None:
                told.add(int(found[1]) - int(found[4]), int(found[4]))
                if not int(found[2]) + int(found[3]):
                    told.files.add(found[5])
            elif not per_class:
                told.ran, told.skips = int(found[1]) - int(found[4]), int(found[4])
        elif (found := _PLAIN_OK.match(line) or _PLAIN_BAD.match(line)) is not None:
            told.add(int(found[1]))
    return None if told.empty else told


def _name(line: str) -> str | None:
    """The test whose failure a line begins."""
    for pattern, order in ((_SUREFIRE_OLD, (2, 1)), (_PLAIN, (2, 1)), (_LAUNCHER, (1, 2))):
        if (found := pattern.match(line)) is not None:
            return f"{found[order[0]].rpartition('.')[2]}.{found[order[1]]}"
    found = _SUREFIRE.match(line)
    if found is None or "." not in found[1]:
        return None
    return ".".join(found[1].split(".")[-2:])


def read_xml(text: str) -> Told | None:
    """A report in the XML that JUnit's runners write; None for what is none. Entities and outside names are refused."""
    from xml.etree.ElementTree import ParseError, XMLParser

    if "<testsuite" not in text[:4000] or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    parser = XMLParser()  # noqa: S314 - without a document type there is nothing to expand
    try:
        parser.feed(text)
        root = parser.close()
    except ParseError:
        return None
    told = Told("JUnit")
    for case in root.iter("testcase"):
        place, name = case.get("classname") or "", (case.get("name") or "").partition("(")[0]
        test = f"{place.rpartition('.')[2]}.{name}" if place else name
        wrong = next((child for child in case if child.tag in ("failure", "error")), None)
        if wrong is not None:
            said = wrong.get("message") or next(iter((wrong.text or "").strip().splitlines()), "")
            kind = wrong.get("type") or ""
            told.fail(test, error_of([f"{kind}: {said}" if kind and not said.startswith(kind) else said]))
        elif any(child.tag == "skipped" for child in case):
            told.skipped.add(test)
        else:
            told.passed.add(test)
    return None if told.empty else told
