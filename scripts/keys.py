"""Write docs/keys.md from the registry of actions.

python scripts/keys.py            writes it
python scripts/keys.py --check    status 1 when it is not current
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PLACES = {
    "app": "Everywhere",
    "screen": "Every screen",
    "main": "Main screen",
    "list": "Every list",
    "query": "A query line",
    "sessions": "Sessions",
    "timeline": "Timeline",
    "step": "Step",
    "tree": "A JSON tree",
    "search": "Search",
    "commit": "A commit",
    "diff": "A diff of a session",
    "blame": "Blame",
    "repositories": "Repositories",
    "ctx": "A context",
    "redact": "The redaction editor",
    "marking": "The text of the redaction editor",
    "rules": "Rules that stay",
    "seal": "The last screen before a seal",
    "player": "The replay player",
    "verdict": "The verdict",
    "first": "First run",
    "jump": "Jump dialog",
    "dialog": "Dialogs",
}
HEAD = """# Keys

This page is made by `scripts/keys.py` from the registry of actions (`tracetui/tui/actions.py`). The same registry feeds
the footer, the help screen (`?`) and the palette (`:`).

Any action can be given other keys in the config file, by its id; several keys are parted by commas:

```toml
[keys]
"timeline.next-prompt" = "p,ctrl+down"
```

A mouse does what keys do: a click puts the cursor on a row, a double click opens it, the wheel scrolls, the lines
between panes can be dragged, the strip below the timeline and the keys in the footer can be clicked.
"""


def page() -> str:
    """The text of docs/keys.md."""
    from tracetui.tui.actions import ACTIONS, keys_of

    contexts = list(dict.fromkeys(action.context for action in ACTIONS))
    contexts.sort(key=lambda name: list(PLACES).index(name) if name in PLACES else len(PLACES))
    lines = [HEAD]
    for context in contexts:
        lines.append(f"\n## {PLACES.get(context, context.capitalize())}\n\n| keys | does | id |\n|---|---|---|\n")
        for action in ACTIONS:
            if action.context == context:
                keys = ", ".join(f"`{key}`" for key in keys_of(action)).replace("|", "\\|")
                lines.append(f"| {keys or '–'} | {action.help} | `{action.id}` |\n")
    return "".join(lines)


def main() -> int:
    path = ROOT / "docs" / "keys.md"
    text = page()
    if "--check" in sys.argv[1:]:
        if path.read_text(encoding="utf-8") == text:
            return 0
        print("docs/keys.md is not current; write it with: python scripts/keys.py", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
