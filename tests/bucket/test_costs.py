"""Costs: the prices of the table exactly, offline and once; stored with sessions; by prompt none is lost or twice."""

from __future__ import annotations

import dataclasses
import datetime
import random
from pathlib import Path

import pytest

from tests.bucket.logs import Claude, found, session_of, uuid_of
from tracetui.bucket import Bucket, prices
from tracetui.bucket.prices import estimate, table
from tracetui.model import Tokens

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z
KNOWN = ["claude-sonnet-4-5-20250929", "claude-opus-4-8", "gpt-5.3-codex", "gpt-5.5", "gemini-2.5-pro", "deepseek-chat"]


@pytest.mark.parametrize("model", KNOWN)
def test_rates_give_what_the_table_gives(model: str) -> None:
    from genai_prices import Usage, calc_price

    chance = random.Random(5)
    at = datetime.datetime.fromtimestamp(NOON / 1000, datetime.UTC)
    sizes = [0, 1, 900, 150_000, 199_999, 200_000, 200_001, 271_999, 272_001, 900_000]
    for _ in range(40):
        tokens = Tokens(*(chance.choice(sizes) for _ in range(4)))
        if "claude" in model:
            tokens = dataclasses.replace(tokens, cache_write_long=chance.randrange(tokens.cache_write + 1))
        usage = Usage(input_tokens=tokens.prompt, output_tokens=tokens.output, cache_read_tokens=tokens.cache_read,
                      cache_write_tokens=tokens.cache_write,
                      cache_write_1h_tokens=tokens.cache_write_long)  # fmt: skip
        wanted = float(calc_price(usage, model, genai_request_timestamp=at).total_price)
        assert estimate(model, tokens, NOON) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    assert estimate(model, Tokens(1000, 100), NOON) == estimate(f"{model}[1m]", Tokens(1000, 100), NOON)


def test_long_contexts_cost_their_tier() -> None:
    short, long = (estimate(KNOWN[0], Tokens(input=count), NOON) for count in (200_000, 200_001))
    assert short is not None
    assert long is not None
    assert long == pytest.approx(2 * short, rel=1e-4)


@pytest.mark.parametrize("model", [None, "", "m", "<synthetic>", "claude-x", "x/y", "/", "\ud800", "a" * 5000, "[1m]"])
def test_unknown_models_have_none(model: str | None) -> None:
    assert estimate(model, Tokens(1000, 100), NOON) is None


def test_times_and_counts_may_be_nonsense() -> None:
    for time in (None, -5, 0, 1 << 70):
        assert estimate(KNOWN[0], Tokens(1000, 100), time) is not None
    assert estimate(KNOWN[0], Tokens(1 << 60, 1), NOON) is None


def test_nothing_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import genai_prices
    import httpx2

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(httpx2.Client, "__init__", never)
    monkeypatch.setattr(genai_prices.UpdatePrices, "start", never)
    assert estimate("claude-haiku-4-5", Tokens(1000, 100), NOON) is not None


def test_estimates_are_stored_with_the_session(bucket: Bucket, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = session_of(uuid_of(1), turns=2)
    path = log.write(logs / f"{log.session}.jsonl")
    bucket.capture(found(logs))
    one = estimate("claude-sonnet-4-6", Tokens(3, 5, 7, 0), NOON)
    assert one is not None
    (row,) = bucket.sessions()
    assert row.cost_usd is None
    assert row.cost_estimate_usd == pytest.approx(4 * one)
    assert row.cost_table == table()
    # A log that grows within the hour is priced by what was stored: the package is not asked again.
    monkeypatch.setattr(prices, "_rates", lambda *_: pytest.fail("asked again"))
    log.message("one more")
    path.write_bytes(log.data)
    bucket.capture(found(logs))
    (row,) = bucket.sessions()
    assert row.cost_estimate_usd == pytest.approx(5 * one)
    # What another version said is said anew where the log changes, so that a session's prices are of one table.
    monkeypatch.setattr(prices, "table", lambda: "genai-prices 99")
    monkeypatch.setattr(prices, "_rates", lambda *_: [prices._Rates(0, 1.0, 0.0, 0.0, 0.0, 0.0)])
    log.message("and more")
    path.write_bytes(log.data)
    bucket.capture(found(logs))
    (row,) = bucket.sessions()
    assert (row.cost_estimate_usd, row.cost_table) == (pytest.approx(6 * 3.0), "genai-prices 99")


def test_a_model_that_nobody_knows_has_no_estimate(bucket: Bucket, logs: Path) -> None:
    log = session_of(uuid_of(2), turns=1)
    (logs / "x.jsonl").write_bytes(log.data.replace(b"claude-sonnet-4-6", b"my-own-model"))
    bucket.capture(found(logs))
    (row,) = bucket.sessions()
    assert (row.cost_usd, row.cost_estimate_usd, row.cost_table) == (None, None, None)


def test_prompts_and_projects_add_up(bucket: Bucket, logs: Path) -> None:
    """What a subagent cost belongs to the prompt behind which it was started; all prompts are the session."""
    main = Claude(uuid_of(3))
    main.prompt("one").message("answer")
    main.prompt("two").call("Task", {"prompt": "look"}, "toolu_a").put(
        "user",
        message={"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_a", "content": "ok"}]},
        toolUseResult={"agentId": "a1", "content": "ok"},
    )
    main.prompt("three")
    main.write(logs / f"{main.session}.jsonl")
    agent = Claude(main.session, agent="a1")
    agent.prompt("look").message("seen").message("said")
    agent.write(logs / main.session / "subagents" / "agent-a1.jsonl")
    other = Claude(uuid_of(4), cwd="/home/dev/other").prompt("x").message("y")
    other.write(logs / f"{other.session}.jsonl")
    bucket.capture(found(logs))
    one = estimate("claude-sonnet-4-6", Tokens(3, 5, 7, 0), NOON)
    assert one is not None
    row = bucket.session(main.session)
    assert row.cost_estimate_usd == pytest.approx(4 * one)
    (log,) = [item for item in bucket.logs(row.id) if item.agent is None]
    by_prompt = bucket.accounts.prompt_costs(log)
    numbers = [step.number for step in bucket.step_rows(log) if step.kind == "prompt"]
    assert by_prompt.keys() <= set(numbers)
    assert [by_prompt[number].total for number in numbers[:2]] == [pytest.approx(one), pytest.approx(3 * one)]
    assert by_prompt[numbers[0]].stated is None
    by_project = bucket.accounts.costs("project")
    assert {name: cost.total for name, cost in by_project.items()} == {
        "/home/dev/limit": pytest.approx(4 * one),
        "/home/dev/other": pytest.approx(one),
    }
    assert bucket.accounts.costs("harness")["claude"].total == pytest.approx(5 * one)
    assert bucket.accounts.costs("model").keys() == {"claude-sonnet-4-6"}


def test_what_the_log_states_goes_first(bucket: Bucket, logs: Path) -> None:
    log = Claude(uuid_of(5)).prompt("x").message("y").message("z")
    log.lines[-1] = log.lines[-1].replace(b'"userType"', b'"costUSD": 0.25, "userType"')
    log.write(logs / "s.jsonl")
    bucket.capture(found(logs))
    (row,) = bucket.sessions()
    one = estimate("claude-sonnet-4-6", Tokens(3, 5, 7, 0), NOON)
    assert one is not None
    assert (row.cost_usd, row.cost_estimate_usd) == (0.25, pytest.approx(2 * one))
    cost = bucket.accounts.costs("session")[row.id]
    assert (cost.stated, cost.estimate) == (0.25, pytest.approx(one))
    assert cost.total == pytest.approx(0.25 + one)
