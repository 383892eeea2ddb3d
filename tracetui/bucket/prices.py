"""What responses would have cost at the price list of their model's API, estimated from their tokens.

Prices come from the tables of the package ``genai-prices``, offline: its updater is never started. It takes half a
second to import, so it is asked once logs are indexed, never before a first frame, and what it said is stored. Cache
reads, cache writes (for minutes, for an hour) and the tiers of long contexts count as the table has them. A model that
the table does not know has no price.
"""

from __future__ import annotations

import datetime as _dt
import re
import sqlite3
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from tracetui.model import Tokens

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

__all__ = ["PriceList", "estimate", "price_logs", "table"]

_SUFFIX: Final = re.compile(r"\[[^\[\]]{0,20}\]\Z")
_HOUR_MS: Final = 3_600_000
_MILLION: Final = 1_000_000
_NAME: Final = 200
_KEPT: Final = 400
"""Rates kept: a row is a model in an hour."""
_MOST: Final = 1 << 40
"""Tokens of a response beyond which a log talks nonsense."""


class _Rates(NamedTuple):
    """Dollars a token where the prompt is longer than ``above`` tokens: plain input, output, cache read, cache write,
    and what a cache write for an hour costs more."""

    above: int
    input: float
    output: float
    read: float
    write: float
    long: float


@lru_cache(1)
def table() -> str:
    """The package that the prices come from, and its version."""
    import importlib.metadata

    return f"genai-prices {importlib.metadata.version('genai-prices')}"


def estimate(model: str | None, tokens: Tokens, time: int | None = None) -> float | None:
    """The dollars that one response of ``model`` cost by its API's price list at ``time`` (milliseconds since the
    epoch; None: now). None where the table does not know the model, or the counts cannot be."""
    if not model or max(tokens.prompt, tokens.output) > _MOST:
        return None
    return _cost(_rates(model[:_NAME], _hour(time)), tokens)


def _hour(time: int | None) -> int:
    now = int(_dt.datetime.now(_dt.UTC).timestamp() * 1000)
    return (now if time is None or not 0 < time < now else time) // _HOUR_MS


def _cost(rates: Sequence[_Rates], tokens: Tokens) -> float | None:
    """By the rates of the longest prompts that are not longer than this one; None without rates."""
    held = None
    for found in rates:
        if held is None or tokens.prompt > found.above:
            held = found
    if held is None:
        return None
    return (
        held.input * tokens.input
        + held.output * tokens.output
        + held.read * tokens.cache_read
        + held.write * tokens.cache_write
        + held.long * min(tokens.cache_write_long, tokens.cache_write)
    )


def _rates(model: str, hour: int) -> list[_Rates]:
    """A model's rates in an hour, for prompts of any length first, then for longer ones; none for an unknown model.

    The table's prices are linear in each count, and change for all of a response where its prompt is longer than a
    tier's start: so asking for one count at a time, once within each tier, gives all that there is to know.
    """
    from genai_prices import Usage, calc_price

    at = _dt.datetime.fromtimestamp(hour * _HOUR_MS / 1000, _dt.UTC)

    def ask(tokens: Tokens) -> PriceCalculation | None:
        usage = Usage(
            input_tokens=tokens.prompt,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write,
            **({"cache_write_1h_tokens": tokens.cache_write_long} if tokens.cache_write_long else {}),
        )
        for name, provider in _names(model):
            try:
                return calc_price(usage, name, provider_id=provider, genai_request_timestamp=at)
            except (LookupError, ValueError):
                continue
        return None

    def price(tokens: Tokens) -> float:
        found = ask(tokens)
        return 0.0 if found is None else float(found.total_price)

    probe = ask(Tokens(input=1))
    if probe is None:
        return []
    tiers = [tier.start for value in vars(probe.model_price).values() for tier in getattr(value, "tiers", ())]
    out: list[_Rates] = []
    for above in sorted({0, *tiers}):
        size = above + 1
        plain = price(Tokens(input=size))
        written = price(Tokens(input=size, output=_MILLION)) - plain
        read, write = price(Tokens(cache_read=size)), price(Tokens(cache_write=size))
        more = price(Tokens(cache_write=size, cache_write_long=size)) - write
        out.append(_Rates(above, plain / size, written / _MILLION, read / size, write / size, more / size))
    return out


def _names(model: str) -> list[tuple[str, str | None]]:
    """What a model may be called in the table: as it is, without a suffix in brackets, without the name of a provider
    before it."""
    plain = _SUFFIX.sub("", model)
    provider, slash, rest = plain.rpartition("/")
    out: list[tuple[str, str | None]] = [(plain, None)]
    if slash:
        out += [(rest, provider.rpartition("/")[2]), (rest, None)]
    return out


class PriceList:
    """Rates by model and hour, kept in the index: a log that grows every few seconds is priced without the package."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: dict[tuple[str, int], list[_Rates]] = {}

    def rates(self, model: str, hour: int) -> list[_Rates]:
        """See ``_rates``."""
        key = model, hour
        found = self._known.get(key)
        if found is None:
            row = self._db.execute(
                "SELECT rates FROM rate WHERE model=? AND hour=? AND source=?", (*key, table())
            ).fetchone()
            if row is not None:
                found = [_Rates(*item) for item in orjson.loads(row[0])]
            else:
                found = _rates(model, hour)
                held = orjson.dumps([tuple(item) for item in found]).decode()
                self._db.execute("INSERT OR REPLACE INTO rate VALUES(?,?,?,?)", (*key, table(), held))
            self._known[key] = found
        return found

    def prune(self) -> None:
        """Keep the rates of the latest hours."""
        self._db.execute(
            "DELETE FROM rate WHERE hour < (SELECT min(hour) FROM (SELECT hour FROM rate ORDER BY hour DESC LIMIT ?))",
            (_KEPT,),
        )


def price_logs(db: sqlite3.Connection, cancelled: Callable[[], bool]) -> set[tuple[str, str]]:
    """Estimate the steps of logs that changed since they were last estimated, in the transaction of the caller; gives
    the sessions (harness, id) whose sums changed. What another version of the table estimated is estimated again where
    the log changed, so that a log's prices are of one table."""
    changed: set[tuple[str, str]] = set()
    prices = PriceList(db)
    for log, harness, session, before in db.execute(
        "SELECT id, harness, session, cost_table FROM log WHERE NOT priced"
    ).fetchall():
        if cancelled():
            break
        if before not in (None, table()):
            db.execute("UPDATE step SET estimate=NULL WHERE log=? AND estimate IS NOT NULL", (log,))
        _price_steps(db, log, prices)
        total = db.execute("SELECT sum(estimate) FROM step WHERE log=?", (log,)).fetchone()[0]
        db.execute(
            "UPDATE log SET priced=1, estimate=?, cost_table=? WHERE id=?",
            (total, None if total is None else table(), log),
        )
        if total is not None or before is not None:
            changed.add((harness, session))
    prices.prune()
    return changed


def _price_steps(db: sqlite3.Connection, log: int, prices: PriceList) -> None:
    priced: list[tuple[float, int]] = []
    for step, model, time, *counts in db.execute(
        "SELECT s.id, n.text, s.time, s.t_input, s.t_output, s.t_read, s.t_write, s.t_long "
        "FROM step s JOIN name n ON n.id=s.model WHERE s.log=? AND s.t_input IS NOT NULL AND s.estimate IS NULL",
        (log,),
    ):
        tokens = Tokens(*(max(0, count or 0) for count in counts))
        if max(tokens.prompt, tokens.output) <= _MOST:
            found = _cost(prices.rates(model[:_NAME], _hour(time)), tokens)
            if found is not None:
                priced.append((found, step))
    db.executemany("UPDATE step SET estimate=? WHERE id=?", priced)
