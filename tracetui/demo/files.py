"""The project of the demo's story, ``pace``, a small rate limiter: what its files hold at the turns of the story."""

README = """\
# pace

A small rate limiter: at most so many events in so many seconds.

    from pace import Window
    window = Window(limit=5, seconds=60)
    window.allow(time.time())
"""

PYPROJECT = """\
[project]
name = "pace"
version = "0.1.0"
requires-python = ">=3.9"
"""

INIT = '''\
"""pace: a small rate limiter."""
'''

WINDOW = '''\
"""A sliding window: at most ``limit`` events in any ``seconds``."""

from collections import deque


class Window:
    def __init__(self, limit, seconds):
        self.limit = limit
        self.seconds = seconds
        self.events = deque()

    def allow(self, now):
        """Whether one more event may happen at ``now``; counts it if so."""
        while self.events and now - self.events[0] > self.seconds:
            self.events.popleft()
        if len(self.events) >= self.limit:
            return False
        self.events.append(now)
        return True
'''

TEST_WINDOW = """\
import unittest

from pace.window import Window


class WindowTest(unittest.TestCase):
    def test_allows_up_to_the_limit(self):
        window = Window(limit=2, seconds=10)
        self.assertTrue(window.allow(0))
        self.assertTrue(window.allow(1))
        self.assertFalse(window.allow(2))

    def test_old_events_fall_out(self):
        window = Window(limit=1, seconds=10)
        window.allow(0)
        self.assertTrue(window.allow(11))


if __name__ == "__main__":
    unittest.main()
"""

TEST_BOUNDARY = """\
    def test_reset_at_the_boundary(self):
        window = Window(limit=1, seconds=10)
        window.allow(0)
        self.assertTrue(window.allow(10), "an event is out of the window after 10 seconds")

"""

STORE = '''\
"""Windows that outlive the process, kept in SQLite."""

import sqlite3


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("CREATE TABLE IF NOT EXISTS event (key TEXT, at REAL)")
        self.db.execute("CREATE INDEX IF NOT EXISTS event_key ON event (key, at)")

    def record(self, key, at):
        with self.db:
            self.db.execute("INSERT INTO event VALUES (?, ?)", (key, at))

    def count_since(self, key, since):
        row = self.db.execute("SELECT count(*) FROM event WHERE key = ? AND at >= ?", (key, since))
        return row.fetchone()[0]
'''

STATUS_JS = """\
// Shows how much of each window is used.
function bar(used, limit) {
  var width = 20;
  var full = Math.round((used / limit) * width);
  var text = '';
  for (var i = 0; i < width; i++) {
    text += i < full ? '#' : '.';
  }
  return '[' + text + '] ' + used + '/' + limit;
}

module.exports = { bar: bar };
"""

STATUS_TS = """\
// Shows how much of each window is used.
export interface Usage {
  key: string;
  used: number;
  limit: number;
}

const WIDTH = 20;

export function bar({ key, used, limit }: Usage): string {
  const full = Math.min(WIDTH, Math.round((used / limit) * WIDTH));
  const text = '#'.repeat(full) + '.'.repeat(WIDTH - full);
  return `${key} [${text}] ${used}/${limit}`;
}

export function page(rows: Usage[]): string {
  return rows
    .sort((a, b) => b.used / b.limit - a.used / a.limit)
    .map(bar)
    .join('\\n');
}
"""

BUCKETS = '''\
"""A token bucket: bursts up to ``size``, refilled at ``rate`` a second."""


class TokenBucket:
    def __init__(self, size, rate):
        self.size = size
        self.rate = rate
        self.tokens = size
        self.last = 0.0

    def allow(self, now):
        """Whether one more event may happen at ``now``; takes a token if so."""
        self.tokens = min(self.size, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
'''

CLI = '''\
"""pace on the command line: reads times from standard input and says which are let through."""

import sys

from pace.window import Window


def main():
    limit, seconds = int(sys.argv[1]), float(sys.argv[2])
    window = Window(limit, seconds)
    for line in sys.stdin:
        now = float(line)
        print("yes" if window.allow(now) else "no", now)


if __name__ == "__main__":
    main()
'''

PASSED = """\
..
----------------------------------------------------------------------
Ran 2 tests in 0.001s

OK
"""

FAILED_BOUNDARY = """\
..F
======================================================================
FAIL: test_reset_at_the_boundary (test_window.WindowTest)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "tests/test_window.py", line 20, in test_reset_at_the_boundary
    self.assertTrue(window.allow(10), "an event is out of the window after 10 seconds")
AssertionError: False is not true : an event is out of the window after 10 seconds

----------------------------------------------------------------------
Ran 3 tests in 0.001s

FAILED (failures=1)
"""
