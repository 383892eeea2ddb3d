"""Three weeks in the life of ``pace``: who asked what of which agent, and what became of it.

The turns are chosen so that every screen has something true to show: edits that stand, that were reformatted, renamed,
undone, dropped or are not committed yet; failures, a subagent, a compaction, branches of talk, a leaked key.
"""

from __future__ import annotations

from pathlib import Path

from tracetui.demo import files
from tracetui.demo.claude import Claude
from tracetui.demo.codex import Codex
from tracetui.demo.pi import Pi
from tracetui.demo.world import World
from tracetui.model import to_iso

__all__ = ["tell"]

_TESTS = "python3 -m unittest discover -s tests"
_BEN = ("Ben Example", "ben@example.org")


def tell(world: World) -> list[Path]:
    """Live through the story; gives the log files that its agents left."""
    logs: list[Path] = []
    claude = world.home / ".claude" / "projects" / "".join(c if c.isalnum() else "-" for c in str(world.repo))
    codex = world.home / ".codex" / "sessions"
    pi = world.home / ".pi" / "agent" / "sessions" / f"--{str(world.repo).strip('/').replace('/', '-')}--"

    def keep_claude(agent: Claude, *subs: Claude) -> None:
        logs.append(agent.save(claude / f"{agent.session}.jsonl"))
        logs.extend(sub.save(claude / agent.session / "subagents" / f"agent-{sub.agent}.jsonl") for sub in subs)

    def keep_codex(agent: Codex) -> None:
        stamp = (to_iso(agent.started) or "")[:19]
        day = stamp[:10].replace("-", "/")
        logs.append(agent.save(codex / day / f"rollout-{stamp.replace(':', '-')}-{agent.session}.jsonl"))

    def keep_pi(agent: Pi) -> None:
        stamp = (to_iso(agent.started) or "").replace(":", "-").replace(".", "-")
        logs.append(agent.save(pi / f"{stamp}_{agent.session}.jsonl"))

    world.at(21, "09:00")
    world.tree |= {
        "README.md": files.README,
        "pyproject.toml": files.PYPROJECT,
        "pace/__init__.py": files.INIT,
        "web/status.js": files.STATUS_JS,
        ".gitignore": ".env\n__pycache__/\n",
    }
    world.commit("Begin")

    keep_claude(_window(world))
    keep_codex(_store(world))
    keep_pi(_port(world))
    keep_claude(*_bursts(world))
    first = _flaky(world)
    world.flaky = first.session
    keep_codex(first)
    keep_codex(_fork(world, first))
    keep_claude(_headless(world))
    keep_claude(_warmup(world))
    keep_pi(_today(world))
    world.finish()
    return logs


def _window(world: World) -> Claude:
    """Written, tested, committed; most of it stands today."""
    world.at(20, "10:12")
    agent = Claude(world)
    agent.prompt("Write a sliding window rate limiter in pace/window.py, with tests. Standard library only.")
    agent.title("Sliding window rate limiter")
    agent.thinking(
        "A deque of event times is enough: drop from the left what is older than the window, then compare the length "
        "with the limit. Tests with unittest, since there must be no dependency."
    )
    agent.plan(("Write the window", "in_progress"), ("Write the tests", "pending"), ("Run them", "pending"))
    agent.read("README.md")
    agent.write("pace/window.py", files.WINDOW)
    agent.write("tests/test_window.py", files.TEST_WINDOW)
    agent.command(_TESTS, "ModuleNotFoundError: No module named 'pace'\n", 1, 0.4)
    agent.thinking("The tests run from the folder itself; the package must be on the path.")
    agent.command(f"PYTHONPATH=. {_TESTS}", files.PASSED, 0, 0.5)
    agent.edit(
        "pace/__init__.py", files.INIT, files.INIT + "\nfrom pace.window import Window\n\n__all__ = ['Window']\n"
    )
    agent.plan(("Write the window", "completed"), ("Write the tests", "completed"), ("Run them", "completed"))
    agent.message(
        "`pace/window.py` holds `Window(limit, seconds)` with one method, `allow(now)`.\n\n"
        "- events older than the window are dropped first\n- both tests pass with `PYTHONPATH=.`"
    )
    world.commit("Add a sliding window rate limiter")
    agent.prompt("Now a small command line: times on stdin, yes or no for each.")
    agent.write("pace/cli.py", files.CLI)
    agent.command("printf '1\\n2\\n3\\n' | PYTHONPATH=. python3 -m pace.cli 2 10", "yes 1.0\nyes 2.0\nno 3.0\n", 0, 0.2)
    agent.message("Done: `python3 -m pace.cli LIMIT SECONDS` reads one time a line.")
    world.commit("Add the command line")
    return agent


def _store(world: World) -> Codex:
    """Landed, and taken back whole a week later."""
    world.at(15, "14:30")
    agent = Codex(world)
    agent.prompt("Windows must survive a restart. Keep the events in SQLite, one table, keyed.")
    agent.thinking("**Planning the store**\n\nOne table of (key, at) with an index is enough; counting is one query.")
    agent.plan(("Read the window", "in_progress"), ("Write the store", "pending"))
    agent.read("pace/window.py")
    agent.write("pace/store.py", files.STORE)
    agent.command("PYTHONPATH=. python3 -c 'import pace.store'", "", 0, 0.1)
    agent.message("The store stands in `pace/store.py`: `record(key, at)` and `count_since(key, since)`.")
    kept = world.commit("Keep windows in SQLite")
    world.at(9, "11:05")
    world.revert(kept)
    return agent


def _port(world: World) -> Pi:
    """Ported by the agent, then edited by a person: partly there."""
    world.at(12, "16:20")
    agent = Pi(world)
    agent.name("Port the status page to TypeScript")
    agent.prompt("Port web/status.js to TypeScript. Show the key as well, fullest window first.")
    agent.thinking("repeat() replaces the loop; a page function sorts by share.")
    agent.read("web/status.js")
    agent.write("web/status.ts", files.STATUS_TS)
    agent.command("git rm -q web/status.js", "", 0, 0.1)
    del world.tree["web/status.js"]
    agent.command("npx tsc --noEmit web/status.ts", "sh: 1: tsc: not found\n", 127, 0.9)
    agent.message("`web/status.ts` has `bar` and `page`. I could not check the types: no compiler is installed here.")
    world.commit("Port the status page to TypeScript")
    world.at(8, "10:40")
    text = (
        world.tree["web/status.ts"]
        .replace("WIDTH", "COLUMNS")
        .replace("    .map(bar)\n    .join('\\n');", ".map(bar).join('\\n');")
    )
    world.tree["web/status.ts"] = text
    world.commit("Say columns, not width", author=_BEN)
    return agent


def _bursts(world: World) -> tuple[Claude, Claude]:
    """A question with a subagent, a key that leaked into the output, a try that was dropped before any commit."""
    world.at(6, "09:45")
    agent = Claude(world)
    agent.prompt("Customers say that bursts get through the limiter. Find out why, and add a token bucket beside it.")
    agent.title("Why bursts get through the limiter")
    agent.thinking(
        "First see where the limiter is called and how it is set up. A subagent can look while I read the window."
    )

    def look(sub: Claude) -> None:
        sub.thinking("Look for every place that makes a Window.")
        sub.search("Window(")
        sub.read("pace/cli.py")
        sub.read("pace/window.py")

    sub = agent.task(
        "Find callers of Window",
        "Find every place that makes a Window and say with which limits. Report paths and lines.",
        look,
        "`pace/cli.py:10` makes the only Window outside the tests; limit and seconds come from the command line.",
    )
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    key = "ghp" + "_" + world.token(alphabet, 36)
    agent.command(
        "cat .env",
        f"PACE_LIMIT=5\nPACE_SECONDS=60\nGITHUB_TOKEN={key}\n"
        f"DATABASE_URL=postgres://pace:{world.token(alphabet, 16)}@db.example.org:5432/pace\n",
        0,
        0.1,
    )
    agent.web(
        "https://example.org/rate-limiting",
        "How do token buckets treat bursts?",
        "A token bucket allows bursts up to its size and refills at a steady rate.",
    )
    agent.write("pace/buckets.py", files.BUCKETS.replace("min(self.size, ", "min(self.size + 1, "))
    agent.edit("pace/buckets.py", "min(self.size + 1, ", "min(self.size, ")
    agent.command(
        "PYTHONPATH=. python3 -c 'from pace.buckets import TokenBucket; print(TokenBucket(2, 1).allow(0))'", "True\n"
    )
    agent.edit(
        "pace/window.py",
        "        self.events = deque()\n",
        "        self.events = deque()\n        self.refused = 0\n",
    )
    agent.edit(
        "pace/window.py",
        "            return False\n",
        "            self.refused += 1\n            return False\n",
    )
    agent.message(
        "Bursts get through because a sliding window allows its whole limit at once. `TokenBucket(size, rate)` smooths "
        "them. I also count what is refused, so that you can see it."
    )
    world.commit("Add a token bucket\n\nThe window counts what it refuses.")
    agent.prompt("Drop the counter again, nobody reads it.")
    agent.edit("pace/window.py", "            self.refused += 1\n", "")
    agent.edit("pace/window.py", "        self.refused = 0\n", "")
    agent.message("The counter is gone.")
    world.commit("Drop the counter of refusals")
    return agent, sub


def _flaky(world: World) -> Codex:
    """The failure that the demo's capsule carries: the test is committed, the mend stays behind until the fork."""
    world.at(3, "15:10")
    agent = Codex(world)
    agent.prompt("CI fails now and then in the rate-limit test when the clock is exact. Reproduce it first.")
    agent.thinking("**Reproducing**\n\nAn event exactly `seconds` old: `>` keeps it in the window. A test can show it.")
    agent.read("pace/window.py")
    agent.read("tests/test_window.py")
    agent.edit("tests/test_window.py", "\n\nif __name__", f"\n{files.TEST_BOUNDARY.rstrip()}\n\n\nif __name__")
    agent.command(f"PYTHONPATH=. {_TESTS}", files.FAILED_BOUNDARY, 1, 0.5)
    agent.message("Reproduced: an event that is exactly 10 seconds old still counts. The test fails every time now.")
    world.commit("Add a failing test for the boundary")
    agent.prompt("Good. What would you change?")
    agent.compaction(
        "The user wants the flaky rate-limit test mended. It is reproduced by test_reset_at_the_boundary in "
        "tests/test_window.py; pace/window.py compares with > where >= is meant. Nothing is mended yet."
    )
    agent.message("One character: `>=` instead of `>` in `Window.allow`. Rounding the clock would hide the cause.")
    return agent


def _fork(world: World, parent: Codex) -> Codex:
    """Continues the talk above in a thread of its own, whose file replays the parent's lines first."""
    world.at(2, "09:20")
    agent = Codex(world, forked_from_id=parent.session)
    agent.records += [record | {"timestamp": agent.records[0]["timestamp"]} for record in parent.records]
    agent.totals = list(parent.totals)
    agent.context = parent.context
    agent.prompt("Do it.")
    agent.edit("pace/window.py", "now - self.events[0] > self.seconds", "now - self.events[0] >= self.seconds")
    agent.command(f"PYTHONPATH=. {_TESTS}", files.PASSED.replace("..", "...").replace("2 tests", "3 tests"), 0, 0.5)
    agent.message("Mended and green: 3 tests pass.")
    world.commit("Mend the window's boundary\n\nAn event exactly `seconds` old is out.")
    return agent


def _headless(world: World) -> Claude:
    world.at(2, "12:00")
    agent = Claude(world, entrypoint="sdk-cli")
    agent.prompt("Summarise the last commit in one line.")
    agent.message("The window's boundary is mended: an event exactly `seconds` old no longer counts.")
    return agent


def _warmup(world: World) -> Claude:
    world.at(1, "08:00")
    agent = Claude(world)
    agent.prompt("Warmup")
    agent.message("Ready.")
    return agent


def _today(world: World) -> Pi:
    """In the middle of it: nothing is committed yet."""
    world.at(0, "11:30")
    agent = Pi(world)
    agent.prompt("Let the command line choose between window and bucket: --bucket SIZE RATE.")
    agent.thinking("argparse with a mutually exclusive choice. Keep the old positional form working.")
    agent.read("pace/cli.py")
    agent.read("pace/buckets.py")
    agent.edit(
        "pace/cli.py",
        "    limit, seconds = int(sys.argv[1]), float(sys.argv[2])\n    window = Window(limit, seconds)\n",
        '    if sys.argv[1] == "--bucket":\n'
        "        limiter = TokenBucket(float(sys.argv[2]), float(sys.argv[3]))\n"
        "    else:\n"
        "        limiter = Window(int(sys.argv[1]), float(sys.argv[2]))\n",
    )
    agent.edit("pace/cli.py", "window.allow(now)", "limiter.allow(now)")
    agent.edit("pace/cli.py", "from pace.window", "from pace.buckets import TokenBucket\nfrom pace.window")
    agent.command(
        "printf '0\\n0\\n0\\n' | PYTHONPATH=. python3 -m pace.cli --bucket 2 1", "yes 0.0\nyes 0.0\nno 0.0\n", 0, 0.2
    )
    agent.message("`--bucket SIZE RATE` works; the old form is unchanged. Not committed.")
    return agent
