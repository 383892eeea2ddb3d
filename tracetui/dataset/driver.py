"""What runs in the sandbox: units on standard input, one JSON line each; what became of them on standard output.

Run by its path with nothing of the package (``python -s -S driver.py KIND CODE``), its hashes fixed from outside.
Clock and random numbers are the same each time. ``KIND`` is ``python`` (a function ``rows(unit)``) or ``jinja`` (a
template; the units are one list).
"""

import json
import sys
from typing import Any

_CLOCK = 1_767_225_600.0
"""2026-01-01: what every clock says."""


def _fix() -> None:
    """Take the clock and chance out of reach, before anything is imported that keeps them."""
    import os
    import time as real

    time: Any = real
    state = [0x9E3779B97F4A7C15]

    def urandom(size: int) -> bytes:
        out = bytearray()
        while len(out) < size:
            state[0] = (state[0] * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            out.append(state[0] >> 56)
        return bytes(out[:size])

    setattr(os, "urandom", urandom)  # noqa: B010 - not the function that the types know
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, lambda: _CLOCK)
        setattr(time, f"{name}_ns", lambda: int(_CLOCK * 1_000_000_000))
    now, gmtime = time.gmtime(_CLOCK), time.gmtime
    time.gmtime = time.localtime = lambda seconds=None: now if seconds is None else gmtime(seconds)
    _fix_dates()
    import random

    random.seed(0)


def _fix_dates() -> None:
    import datetime as real

    datetime: Any = real
    moment = real.datetime.fromtimestamp(_CLOCK, real.UTC)

    class FixedDateTime(real.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 1, 1, tzinfo=real.UTC).astimezone(tz) if tz else cls(2026, 1, 1)

        @classmethod
        def utcnow(cls) -> Any:
            return cls(2026, 1, 1)

        @classmethod
        def today(cls) -> Any:
            return cls(2026, 1, 1)

    class FixedDate(real.date):
        @classmethod
        def today(cls) -> Any:
            return cls(moment.year, moment.month, moment.day)

    datetime.datetime, datetime.date = FixedDateTime, FixedDate


def _where(error: BaseException) -> str:
    """The line of the workflow's block at which it failed, and of what kind: no text of a unit."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "workflow":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{type(error).__name__} in line {line} of its code" if line else type(error).__name__


def _python(code: str, out) -> int:  # type: ignore[no-untyped-def]
    class Asked(Exception):
        pass

    def ask(question: str, choices=("yes", "no")):  # type: ignore[no-untyped-def]
        raise Asked(str(question), [str(item) for item in choices])

    space = {"__name__": "workflow", "ask": ask}
    try:
        exec(compile(code, "workflow", "exec"), space)  # noqa: S102 - this is what the sandbox is for
    except BaseException as error:  # noqa: BLE001 - whatever it raises
        out.write(json.dumps({"fatal": _where(error)}) + "\n")
        return 1
    rows = space.get("rows")
    if not callable(rows):
        out.write(json.dumps({"fatal": "it has no function rows(unit)"}) + "\n")
        return 1
    for nth, line in enumerate(sys.stdin):
        try:
            found = rows(json.loads(line))
            found = [] if found is None else [found] if isinstance(found, dict) else list(found)
            told = {"n": nth, "rows": found}
            text = json.dumps(told, allow_nan=False)
        except Asked as asked:
            text = json.dumps({"n": nth, "ask": asked.args[0], "choices": asked.args[1]})
        except BaseException as error:  # noqa: BLE001 - whatever it raises
            text = json.dumps({"n": nth, "error": _where(error)})
        out.write(text + "\n")
    return 0


def _jinja(code: str, out) -> int:  # type: ignore[no-untyped-def]
    sys.path.insert(0, "lib")
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    values = json.loads(sys.stdin.readline())
    try:
        text = made.from_string(code).render(**values)
    except BaseException as error:  # noqa: BLE001 - whatever it raises
        line = getattr(error, "lineno", None)
        told = f"{type(error).__name__} in line {line} of its template" if line else _where(error)
        out.write(json.dumps({"fatal": told}) + "\n")
        return 1
    out.write(json.dumps({"n": 0, "text": text}) + "\n")
    return 0


def main(words: list) -> int:  # type: ignore[type-arg]
    """Run the code; the exit status."""
    with open(words[1], encoding="utf-8") as stream:  # noqa: PTH123 - starts in a few milliseconds
        code = stream.read()
    out = sys.stdout
    sys.stdout = sys.stderr
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    out.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    if words[0] == "jinja":
        return _jinja(code, out)
    _fix()
    return _python(code, out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
