"""Where the program starts. The version is told before anything else is imported."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command line (``sys.argv`` by default) and give the exit status."""
    args = sys.argv[1:] if argv is None else argv
    if args == ["--version"] or args == ["-V"]:
        from tracetui import __version__

        try:
            print(f"tracetui {__version__}", flush=True)
        except OSError:  # a closed pipe, a full disk: told as for every other command, below
            pass
        else:
            return 0
    try:
        from tracetui.cli import run

        return run(args)
    except KeyboardInterrupt:  # while modules were being imported
        return 130


if __name__ == "__main__":
    sys.exit(main())
