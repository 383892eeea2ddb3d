"""Names of tools, servers, models, branches and files are text: decisions reach them; ids are renamed alike."""

from __future__ import annotations

import json
from typing import Any

from tracetui.redact.decisions import Rule
from tracetui.redact.review import Review

CALL = "functions.mcp__acme_crm__find:0"


def _put(place: Any) -> None:
    place.log.put(
        "assistant",
        {
            "id": "msg_a", "type": "message", "role": "assistant", "model": "acme_crm-tuned",
            "content": [
                {"type": "tool_use", "id": CALL, "name": "mcp__acme_crm__find", "input": {"path": "/x/acme_crm.py"}}
            ],
        },
    )  # fmt: skip
    result = [{"type": "tool_result", "tool_use_id": CALL, "content": "1 found"}]
    place.log.put("user", {"role": "user", "content": result}, toolUseResult={"stdout": "1"}, gitBranch="fix/acme_crm")


def _redacted(review: Review) -> list[dict[str, Any]]:
    return [value for _, _, values in review.redacted() for value in values]


def test_a_rule_reaches_names_and_renames_ids_alike(place: Any) -> None:
    _put(place)
    session = place.capture()
    with Review(place.bucket, session) as review:
        review.scan()
        review.add_rule(Rule("literal", "acme_crm", "customer"))
        values = _redacted(review)
        (call,) = [block for value in values for block in _blocks(value) if block.get("name", "").startswith("mcp__")]
        assert call["name"] == "mcp__customer__find"
        assert call["id"] == "functions.mcp__customer__find:0"
        assert [b["tool_use_id"] for value in values for b in _blocks(value) if b["type"] == "tool_result"][-1] == call[
            "id"
        ]
        assert "acme_crm" not in json.dumps(values)
        assert {value["sessionId"] for value in values} == {session.id}


def test_two_ids_stay_two(place: Any) -> None:
    place.log.put("user", {"role": "user", "content": "a"}, agentId="run-alpha")
    place.log.put("user", {"role": "user", "content": "b"}, agentId="run-beta")
    with Review(place.bucket, place.capture()) as review:
        review.scan()
        review.add_rule(Rule("regex", "alpha|beta", "x"))
        ids = [value["agentId"] for value in _redacted(review) if "agentId" in value]
        assert ids == ["run-x", "run-x~2"]


def test_an_excluded_step_keeps_the_names_of_its_tools(place: Any) -> None:
    _put(place)
    with Review(place.bucket, place.capture()) as review:
        review.scan()
        review.exclude("kind", "tool")
        values = _redacted(review)
        (call,) = [block for value in values for block in _blocks(value) if block.get("name", "").startswith("mcp__")]
        assert call["name"] == "mcp__acme_crm__find"
        assert call["input"] == {"path": "‹excluded›"}


def _blocks(value: dict[str, Any]) -> list[dict[str, Any]]:
    content = value["message"]["content"]
    return content if isinstance(content, list) else []
