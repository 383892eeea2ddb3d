# mypy: ignore-errors
"""A plugin that pytest loads in a check: it tells each test's outcome beside the output."""

import json
import os

_ASIDE = os.environ.get("TRACETUI_ASIDE", "")
_state = {"config": None, "failed": set()}


def pytest_configure(config):
    """Keep what spells an id as pytest prints it; workers of xdist leave the telling to the process above."""
    if not hasattr(config, "workerinput"):
        _state["config"] = config


def pytest_runtest_logreport(report):
    """Called for setup, call and teardown of each test."""
    config = _state["config"]
    if config is None or not _ASIDE:
        return
    if report.failed:
        _state["failed"].add(report.nodeid)
        word = "failed"
    elif report.skipped:
        word = "skipped"
    elif report.when == "teardown" and report.nodeid not in _state["failed"]:
        word = "ended"
    elif report.when == "call":
        word = "passed"
    else:
        return
    name = config.cwd_relative_nodeid(report.nodeid)
    try:
        with open(os.path.join(_ASIDE, "tests"), "a") as stream:  # noqa: PTH118, PTH123 - any version of Python
            stream.write(json.dumps({"runner": "pytest", "test": name, "outcome": word}) + "\n")
    except (OSError, ValueError):
        pass
