"""Running workflows when they are due, without a service of ours: the unit files for who has one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

from tracetui.dataset.store import DatasetStore
from tracetui.dataset.workflow import Workflow
from tracetui.model import TracetuiError

__all__ = ["KINDS", "due", "unit_file"]

KINDS: Final = ("systemd", "launchd", "cron")
_SECONDS: Final = {"hour": 3600, "day": 86_400, "week": 604_800}
_CRON: Final = {"hour": "7 * * * *", "day": "30 7 * * *", "week": "30 7 * * 1"}
_SYSTEMD: Final = {"hour": "hourly", "day": "*-*-* 07:30:00", "week": "Mon *-*-* 07:30:00"}
_SLACK: Final = 0.9
"""A timer that comes a little early still finds its workflow due."""


def due(store: DatasetStore, workflows: Iterable[Workflow], now: int) -> list[Workflow]:
    """The workflows that were run or added once and are due again; ``now`` in milliseconds."""
    known = store.known()
    out: list[Workflow] = []
    for workflow in workflows:
        if workflow.every is None or workflow.name not in known:
            continue
        ran = known[workflow.name]
        if ran is None or now - ran >= _SECONDS[workflow.every] * 1000 * _SLACK:
            out.append(workflow)
    return out


def unit_file(workflow: Workflow, kind: str, bucket: str | None, output: str) -> str:
    """The unit file that runs what is due, with where to put it in its comment. ``output``: the folder that reports are
    written to. Raises TracetuiError where the workflow does not say how often it is due."""
    if workflow.every is None:
        raise TracetuiError(f"{workflow.name} does not say how often it is due: `every: hour`, `day` or `week`")
    words = [sys.executable, "-m", "tracetui", *(["--bucket", bucket] if bucket else [])]
    words += ["dataset", "run", "--due", "-o", output]
    if any("\n" in word or "\r" in word for word in words):
        raise TracetuiError("A path with a line break cannot stand in a unit file")
    return {"systemd": _systemd, "launchd": _launchd, "cron": _cron}[kind](workflow, words)


def _cron(workflow: Workflow, words: list[str]) -> str:
    line = shlex.join(words).replace("%", "\\%")
    return f"# crontab -e\n{_CRON[workflow.every or 'day']} {line}\n"


def _systemd(workflow: Workflow, words: list[str]) -> str:
    line = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'
                    for word in words)  # fmt: skip
    name = f"tracetui-{workflow.name}"
    return (
        f"# ~/.config/systemd/user/{name}.service\n[Unit]\nDescription=tracetui: {workflow.name}\n\n"
        f"[Service]\nType=oneshot\nExecStart={line}\n\n"
        f"# ~/.config/systemd/user/{name}.timer; then: systemctl --user enable --now {name}.timer\n"
        f"[Unit]\nDescription=tracetui: {workflow.name}, every {workflow.every}\n\n"
        f"[Timer]\nOnCalendar={_SYSTEMD[workflow.every or 'day']}\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _launchd(workflow: Workflow, words: list[str]) -> str:
    name = f"tracetui.{workflow.name}"
    arguments = "\n".join(f"    <string>{escape(word)}</string>" for word in words)
    return (
        f"<!-- ~/Library/LaunchAgents/{name}.plist; then: launchctl load -w ~/Library/LaunchAgents/{name}.plist -->\n"
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
        f'<plist version="1.0">\n<dict>\n  <key>Label</key>\n  <string>{name}</string>\n'
        f"  <key>ProgramArguments</key>\n  <array>\n{arguments}\n  </array>\n"
        f"  <key>StartInterval</key>\n  <integer>{_SECONDS[workflow.every or 'day']}</integer>\n</dict>\n</plist>\n"
    )
