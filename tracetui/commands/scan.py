"""``scan``: propose what to scrub in a session, a log file or any text."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracetui.commands.address import parse_address
from tracetui.commands.common import find_logs, opened
from tracetui.commands.out import JsonLines, Paper
from tracetui.model import TracetuiError
from tracetui.text import format as fmt
from tracetui.text.safe import display_safe
from tracetui.text.width import cut

if TYPE_CHECKING:
    import argparse

    from tracetui.redact.finding import Finding
    from tracetui.redact.known import Known
    from tracetui.redact.review import Review

EXAMPLES: Final = (
    ("tracetui scan 019c3f2a", "what a session holds that should not be shared"),
    ("tracetui scan 019c3f2a:12-40 --check", "exit status 1 while findings of tier 1 or 2 are open"),
    ("tracetui scan session.jsonl --json", "a log file, without a bucket"),
    ("git diff | tracetui scan - --check", "any text"),
)
_LIMIT: Final = 512 * 1024 * 1024
_SHOWN: Final = 60
_PACKED: Final = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04", b"7z\xbc\xaf")
"""How packed files begin, in which nothing can be found."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's words and flags."""
    parser.add_argument(
        "what", metavar="ID|FILE|-", help="a session (or a range of its steps), a file, - for standard input"
    )
    parser.add_argument("--check", action="store_true", help="exit status 1 when a finding of tier 1 or 2 is open")
    parser.add_argument("--reveal", action="store_true", help="print the values too")
    parser.add_argument(
        "--personal", action="store_true",
        help="look for phone, card, IBAN, SSN, hardware and public addresses, streets too",
    )  # fmt: skip
    parser.add_argument("--deep", action="store_true", help="ask detect-secrets too")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME",
        help="look for the value of this environment variable; '*': of all whose name says secret",
    )  # fmt: skip
    parser.add_argument(
        "--env-file", action="append", default=[], metavar="FILE", help="look for the values of a .env file"
    )
    parser.add_argument("--json", action="store_true", help="JSON Lines, one finding each")


def run(args: argparse.Namespace) -> int:
    """Scan; the exit status."""
    if args.what != "-" and not os.path.exists(args.what):  # noqa: PTH110 - never raises
        if args.what.startswith(("/", "./", "../", "~")) or args.what.endswith(
            (".jsonl", ".json", ".zst", ".txt", ".log")
        ):
            raise TracetuiError(f"There is no file {ascii(args.what)[1:-1]}")
        return _session(args)
    found = [*_file(args)]
    return _tell(args, found)


def known_values(args: argparse.Namespace) -> list[tuple[str, str]]:
    """The user's own names, and the values that the flags let be read."""
    from tracetui.redact.known import local_values

    return local_values(names=getattr(args, "env", ()), files=getattr(args, "env_file", ()))


def _tell(args: argparse.Namespace, found: list[dict[str, Any]]) -> int:
    same = _count(found)
    values = [item.pop("_value") for item in found]
    if args.json:
        out = JsonLines()
        for item, value in zip(found, values):
            out.write({**item, "value": value} if args.reveal else item)
    else:
        _print(args, found, values, same)
    still = sum(1 for item in found if item["tier"] <= 2 and item["decision"] == "open")
    return 1 if args.check and still else 0


def _session(args: argparse.Namespace) -> int:
    from tracetui.redact.review import Review

    address = parse_address(args.what)
    with opened(args) as bucket:
        session, logs = find_logs(bucket, address)
        span = None
        if address.first is not None:
            span = address.span(logs[0].numbers, session.id)
        paths = {log.path for log in logs}
        with Review(bucket, session) as review:
            review.scan(known=known_values(args), deep=args.deep, personal=args.personal or None)
            found = []
            for place in review.places():
                step = place.step
                if (address.agent or address.part or span) and place.log_path not in paths:
                    continue
                if span is not None and (step is None or not span[0] <= step <= span[1]):
                    continue
                found.append(place_json(review, place, step, reveal=args.reveal))
        return _tell(args, found)


def place_json(review: Review, place: Any, step: int | None, *, reveal: bool = False) -> dict[str, Any]:
    """A finding of a session as ``scan --json`` prints it; ``_value`` and ``_same`` are for the caller."""
    return {
        "id": place.id,
        "session": review.session.id,
        "agent": place.agent,
        "step": step,
        "source": {"path": place.log_path, "line": place.source.line},
        "field": place.field,
        "in_key": place.in_key,
        "start": place.start,
        "end": place.end,
        "kind": place.kind,
        "rule": place.rule,
        "tier": place.tier,
        "view": place.view,
        "why": place.why,
        "copies": 1,
        "decision": review.state.of(place),
        "_value": review.value_of(place) if reveal else None,
        "_same": place.value,
        "part": place.part,
    }


def _count(found: list[dict[str, Any]]) -> list[str]:
    """Fill in how often each value was found; gives what is equal for equal values."""
    same = [item.pop("_same") for item in found]
    counts = Counter(same)
    for item, value in zip(found, same):
        item["copies"] = counts[value]
    return same


class _How(NamedTuple):
    """What is asked beside the detectors."""

    deep: bool
    personal: bool


def _file(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Findings of a file or of standard input: record by record where it is a session log, entry by entry where it is
    a capsule, else as one text."""
    from tracetui.redact.known import Known, log_values

    name = args.what
    known = Known([*known_values(args), *log_values(str(Path(name).absolute()) if name != "-" else None)])
    if name == "-":
        yield from _data(sys.stdin.buffer.read(_LIMIT + 1), name, known, how=_How(args.deep, args.personal))
        return
    path = Path(name)
    if not path.is_file():
        raise TracetuiError(f"{ascii(name)[1:-1]} is not a file")
    from tracetui.capsule.foreign import is_capsule

    if is_capsule(path):
        from tracetui.capsule.verify import Capsule

        with Capsule(path) as capsule:
            for entry in capsule.manifest.entries:
                yield from _data(capsule.read(entry), f"{name}!{entry}", known, how=_How(args.deep, args.personal))
        return
    from tracetui.harness.sources import open_lines

    try:
        with open_lines(name) as stream:
            data = stream.read(_LIMIT + 1)
    except OSError as error:
        raise TracetuiError(f"{ascii(name)[1:-1]} cannot be read ({error.strerror or error})") from None
    yield from _data(data, name, known, how=_How(args.deep, args.personal))


def _data(data: bytes, name: str, known: Known, *, how: _How) -> Iterator[dict[str, Any]]:
    if len(data) > _LIMIT:
        raise TracetuiError("More than 512 MB cannot be scanned at once; index it and scan the session")
    if data.startswith(_PACKED):
        raise TracetuiError(f"{ascii(name)[1:-1]} is packed; unpack it, and scan what comes out")
    found = _log(data, name, known, how=how)
    yield from _text(_decoded(data), name, 1, None, known, how=how) if found is None else found


def _decoded(data: bytes) -> str:
    """A file as text: UTF-8, or UTF-16 where it begins with that mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" in data[:64]:
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "replace")


def _log(data: bytes, name: str, known: Known, *, how: _How) -> list[dict[str, Any]] | None:
    """Findings of a session log; None where the bytes are none."""
    import io

    from tracetui.harness import detect
    from tracetui.harness.lines import records_of
    from tracetui.model import Record
    from tracetui.redact.findings import scan_records
    from tracetui.redact.known import Known, log_values

    if data.lstrip(b"\xef\xbb\xbf \t\r\n\0")[:1] != b"{":
        return None
    records: list[Record] = []
    damaged: list[int] = []
    for item in records_of(io.BytesIO(data)):
        if isinstance(item, Record):
            records.append(item)
        elif item.line:
            damaged.append(item.line)
    harness = detect([record.value for record in records[:20]])
    if harness is None:
        return None
    reader = harness.reader(Path(name).name.removesuffix(".zst").removesuffix(".jsonl"))
    steps: dict[int, int] = {}
    for record in records:
        reader.feed(record)
        for step in reader.take():
            for source in step.sources:
                steps.setdefault(source.line, step.number)
    known = Known([*known.values, *log_values(reader.facts.cwd, remote=reader.facts.repo, folder=reader.facts.cwd)])
    session, agent = reader.facts.session or None, reader.facts.agent
    out = []
    for record, field, in_key, text, found in scan_records(records, harness.name, known=known, many=_many(how)):
        line = record.source.line
        out.append(_item(found, text, name, line, session, agent, steps.get(line), field, in_key=in_key))
    if damaged:
        # What a broken line holds is no record, but it stands in the file.
        lines = data.split(b"\n")
        for line in sorted({*damaged}):
            if line <= len(lines):
                out += _text(_decoded(lines[line - 1]), name, line, session, known, how=how)
    return out


def _many(how: _How) -> Any:
    from tracetui.redact.personal_kinds import scan_personal
    from tracetui.redact.scanner import scan_many, settle

    def scan(texts: list[str]) -> list[list[Finding]]:
        results = scan_many(texts)
        if how.personal:
            results = [settle([*found, *scan_personal(text)]) for text, found in zip(texts, results)]
        if not how.deep:
            return results
        from tracetui.redact.outside import Outside

        with Outside() as outside:
            return [settle([*a, *b]) for a, b in zip(results, outside.scan(texts))]

    return scan


def _text(text: str, name: str, line: int, session: str | None, known: Known, *, how: _How) -> Iterator[dict[str, Any]]:
    """Findings of a text that begins in this line of a file."""
    from tracetui.redact.scanner import settle

    found = settle([*_many(how)([text])[0], *known.scan(text)])
    at = 0
    for item in found:
        line += text.count("\n", at, item.start)
        at = item.start
        yield _item(item, text, name, line, session, None, None, "", in_key=False)


def _item(
    found: Finding, text: str, path: str, line: int, session: str | None, agent: str | None, step: int | None,
    field: str, *, in_key: bool,
) -> dict[str, Any]:  # fmt: skip
    from hashlib import blake2b

    from tracetui.redact.forms import plain_value

    value = plain_value(text[found.start : found.end], found.view)
    name = blake2b(
        f"{path}\0{line}\0{field}\0{found.start}\0{found.rule}".encode("utf-8", "replace"), digest_size=6
    ).hexdigest()
    return {
        "id": name,
        "session": session,
        "agent": agent,
        "step": step,
        "source": {"path": path, "line": line},
        "field": field,
        "in_key": in_key,
        "start": found.start,
        "end": found.end,
        "kind": found.kind,
        "rule": found.rule,
        "tier": found.tier,
        "view": found.view,
        "why": found.why,
        "copies": 1,
        "decision": "open",
        "_value": value,
        "_same": value,
        "part": 1,
    }


def _print(args: argparse.Namespace, found: list[dict[str, Any]], values: list[str | None], same: list[str]) -> None:
    """For people: one line a value, the surest first; weak findings are only counted."""
    paper = Paper()
    groups: dict[tuple[str, str], list[tuple[dict[str, Any], str | None]]] = {}
    for item, value, equal in zip(found, values, same):
        if item["tier"] <= 2 or args.reveal:
            groups.setdefault((item["decision"], equal), []).append((item, value))
    weak = sum(1 for item in found if item["tier"] == 3)
    rows = [sorted(items, key=lambda entry: entry[0]["tier"]) for items in groups.values()]
    rows.sort(key=lambda items: (items[0][0]["decision"] != "open", items[0][0]["tier"], -len(items)))
    for items in rows[:_SHOWN]:
        first, value = items[0]
        tier, kind, why, decision = first["tier"], first["kind"], first["why"], first["decision"]
        where = f"step {first['step']}" if first["step"] else f"line {first['source']['line']}"
        copies = f" · {fmt.plural(len(items), 'place')}" if len(items) > 1 else ""
        sign = ("!" if paper.ascii else "▲") if decision == "open" else " "
        line = f"{sign} tier {tier}  {kind:<18} {decision:<9} {where}{copies}  {why}"
        if args.reveal and value is not None:
            line += f"  {value}"
        paper.line(paper.style(cut(display_safe(line), paper.width), "warn" if decision == "open" else "muted"))
    if len(rows) > _SHOWN:
        paper.line(f"… and {fmt.plural(len(rows) - _SHOWN, 'more value')}; all of them: --json")
    still = sum(1 for item in found if item["tier"] <= 2 and item["decision"] == "open")
    said = f"{fmt.plural(still, 'finding')} open in tiers 1 and 2" if still else "No finding is open in tiers 1 and 2"
    paper.line(said + (f"; {weak:,} weak (--reveal lists them)" if weak else ""))
