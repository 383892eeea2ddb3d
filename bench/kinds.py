"""Made-up texts of the kinds that tool results consist of, for ``bench/redact.py --kinds``."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import sysconfig
import textwrap
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

__all__ = ["kinds"]

SIZE = 1_000_000
"""Characters of each kind."""


def _cut(texts: Iterable[str], each: int = 6_000) -> list[str]:
    out: list[str] = []
    size = 0
    for text in texts:
        for at in range(0, len(text), each):
            out.append(text[at : at + each])
            size += len(out[-1])
            if size > SIZE:
                return out
    return out


def kinds() -> dict[str, list[str]]:
    """Name -> strings, a megabyte each; the code is the running Python's standard library."""
    rng = random.Random(5)
    files = [path for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")) if path.stat().st_size > 2_000]
    code = [path.read_text("utf-8", "replace") for path in files]

    def digits(size: int) -> str:
        return "".join(rng.choices("0123456789abcdef", k=size))

    def blob(size: int) -> str:
        return base64.b64encode(rng.randbytes(size)).decode()

    def coloured(text: str) -> str:
        def word(match: re.Match[str]) -> str:
            return f"\x1b[{rng.choice((1, 31, 32, 36))}m{match[0]}\x1b[0m" if rng.random() < 0.3 else match[0]

        return re.sub(r"\w+", word, text)

    def each_line(text: str, mark: str) -> str:
        return "\n".join(mark.format(n=nth) + line for nth, line in enumerate(text.split("\n"), 1))

    def rows(count: int, row: str) -> str:
        """Lines of a table; ``H`` is 40 hexadecimal digits, ``B`` 43 of base64, ``N`` a number."""
        return "\n".join(
            re.sub("[HBN]", lambda m: {"H": digits(40), "B": blob(33)[:43], "N": str(rng.randrange(10**6))}[m[0]], row)
            for _ in range(count)
        )

    items = [
        {"id": n, "name": "alpha", "size": rng.randrange(10**6), "tags": ["x"], "sha": digits(40)} for n in range(400)
    ]
    tables = {
        "npm lock": '      "integrity": "sha512-BB==",\n      "dev": true,',
        "go.sum": "github.com/foo/cobra v1.2.0 h1:B=",
        "hashes of pip": "    --hash=sha256:HH \\",
        "hex dump": "0000a4f0: 6f2e 7465 7874 206f 6620 616e 7920 736f  N..text of",
        "ls -l": "-rw-r--r--  1 dev staff   4096 Mar  2 10:07 src/aN.tsx",
        "git log": "commit H\nAuthor: Jo Doe <joN@acme-corp.io>\n\n    Mend things #N\n",
        "csv": "N,N,0.6604,2026-03-02T10:00:07Z,ok",
        "test output": "tests/test_thing.py::test_some_thing_N[a-N] PASSED [ 10%]",
        "names of secrets": "const tokenN = getToken(authKey, passwordField); // secret handling",
    }
    return {
        "code": _cut(code),
        "words": _cut(" ".join(re.findall(r"[A-Za-z]+[.,]?", text)) for text in code),
        "lines": [line.strip() for text in code[:40] for line in text.split("\n") if line.strip()],
        "cat -n": _cut(each_line(text, "{n:6d}→") for text in code),
        "grep": _cut(each_line(text, "src/package/module.py:{n}:") for text in code),
        "diff": _cut(each_line(text, "+") for text in code),
        "json of code": _cut(json.dumps({"path": "/srv/x", "content": text}) for text in code),
        "json of json of code": _cut(json.dumps({"r": json.dumps({"content": text})}) for text in code),
        "json, indented": _cut([json.dumps(items, indent=2)] * 30),
        "json, dense": _cut([json.dumps(items)] * 30),
        "colours": _cut(map(coloured, code)),
        "colours in json": _cut(json.dumps({"o": coloured(text)}) for text in code),
        "minified": _cut((re.sub(r"\s+", " ", text).replace(" = ", "=").replace(", ", ",") for text in code), 60_000),
        "percent": _cut(map(quote, code)),
        "html": _cut(map(html.escape, code)),
        "base64": _cut([blob(30_000) for _ in range(40)], 40_000),
        "base64 in lines": _cut(["\n".join(textwrap.wrap(blob(30_000), 76)) for _ in range(40)], 40_000),
        "base64 of code": _cut((base64.b64encode(text.encode()).decode() for text in code), 40_000),
        **{name: _cut(rows(400, row) for _ in range(60)) for name, row in tables.items()},
    }
