"""Opens ``PROGRAM demo`` in a pseudo-terminal as a user would, looks for its first session, and leaves by ``q``.

    python scripts/open_demo.py PROGRAM

Status 1 with what the terminal showed last where the demo does not come up, or does not end.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile

from tests.pty.terminal import Terminal

EXPECTED = b"Sessions"


def main(program: str) -> int:
    """The exit status for the program at this path."""
    with tempfile.TemporaryDirectory() as home:
        # Nothing of the checkout may help the installed program: no PYTHONPATH, an empty home.
        environ = {"HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        with Terminal([program, "demo"], environ, (120, 40), home) as terminal:
            terminal.read(quiet=2.0, longest=60.0, until=EXPECTED, first=60.0)
            if EXPECTED not in terminal.output:
                shown = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", bytes(terminal.output))[-2000:]
                print(f"The demo did not open; the terminal showed:\n{shown.decode('utf-8', 'replace')}")
                return 1
            terminal.press(b"q")
            status = terminal.wait(20)
    print("the wheel's demo opens" if status == 0 else f"the demo ended with {status}")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
