"""What was used and what is paid for beside the text, from received lines into result files and the account."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from batch.kinds.registry import IMAGE
from batch.kinds.text import TEXT
from batch.model import Usage
from batch.pricing import catalog, rates
from tests.lifecycle.hand_made_run import RunFixture, answer

CATALOG = catalog.load()
FLASH = CATALOG.tariff("gemini-2.5-flash", date(2026, 11, 28))
assert FLASH is not None
SOUND: dict[str, Any] = {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 800}]}


def price(usage: Usage) -> float | None:
    assert FLASH is not None
    return rates.usage_usd(usage, FLASH)


def searched(*queries: str) -> dict[str, Any]:
    line = answer("found")
    line["response"]["candidates"][0]["groundingMetadata"] = {"webSearchQueries": list(queries)}
    return line


def test_usage_by_kind_is_in_the_rows_the_account_and_the_bill(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a", "b", "c"])
    run.receive(
        [
            {"key": "a", **answer("heard", prompt=900, output=10, **SOUND)},
            {"key": "b", **searched("x", "y", "x")},
            {"key": "c", **answer("more", prompt=10, output=5, totalTokenCount=65)},
        ]
    )
    account = run.build(price)
    heard, found, more = run.rows()
    # 100 × 0.15 + 800 × 0.5 + 10 × 1.25 millionths; a grounded prompt is 0.035; 50 more of output
    assert heard["audio_tokens"] == 800
    assert heard["cost_usd"] == pytest.approx(427.5e-6)
    assert (found["search_queries"], found["grounded_prompts"]) == (2, 1)
    assert found["cost_usd"] == pytest.approx(0.035 + 7.75e-6)
    assert more["unitemised_tokens"] == 50
    assert more["cost_usd"] == pytest.approx((10 * 0.15 + 55 * 1.25) * 1e-6)
    used = Usage(920, 0, 20, audio=800, unitemised=50, search_queries=2, grounded_prompts=1)
    assert account.usage == used
    billed = run.table().billed_usage()
    assert billed.total == used
    assert FLASH is not None
    assert rates.run_usd(billed, FLASH) == pytest.approx(account.usd)


def test_searches_of_unknown_fee_make_the_cost_a_lower_bound_and_are_said(tmp_path: Path) -> None:
    assert FLASH is not None
    unpriced = replace(FLASH, search_prompt=None)
    run = RunFixture(tmp_path / "r").send(["a", "b"])
    run.receive([{"key": "a", **searched("x")}, {"key": "b", **answer("plain")}])
    account = run.build(lambda usage: rates.usage_usd(usage, unpriced), search_priced=False)
    assert account.usd == pytest.approx(2 * 7.75e-6)
    assert account.unpriced == 1
    assert account.notes == (
        "Search fees are not included in the cost: 1 answer came with web searches, and the price of those is not "
        "known. Give it in CATALOG_FILE.",
    )
    assert run.build(price).notes == ()


def test_usage_that_is_empty_is_not_known_and_makes_the_cost_a_lower_bound(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a"])
    line = answer("A")
    line["response"]["usageMetadata"] = {}
    run.receive([{"key": "a", **line}])
    account = run.build(price)
    assert (run.rows()[0]["cost_usd"], run.rows()[0]["prompt_tokens"], account.unpriced) == (None, None, 1)


def request_for(modalities: list[str]) -> dict[str, Any]:
    return {"contents": [], "generationConfig": {"responseModalities": modalities}}


def test_a_picture_that_was_asked_for_and_did_not_come_is_no_answer(tmp_path: Path) -> None:
    kinds = {"drawn": ["TEXT", "IMAGE"], "said": ["TEXT", "IMAGE"], "text": ["TEXT"]}
    run = RunFixture(tmp_path / "r").send(kinds, request=lambda key: request_for(kinds[key]))
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    drawn = {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "Here."}, picture]}}]}
    run.receive(
        [
            {"key": "drawn", "response": drawn},
            {"key": "said", **answer("I drew it.")},
            {"key": "text", **answer("Words.")},
        ]
    )
    for kind in (TEXT, IMAGE):
        run.build(kind=kind)
        assert [row["outcome"] for row in run.rows()] == ["answered", "invalid_output", "answered"]
    assert run.rows()[1]["text"] == "I drew it."
    assert run.rows()[1]["error_message"].endswith("a picture was asked for, and none came")


def test_a_model_made_for_pictures_is_asked_for_one_unless_the_request_says_otherwise(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a"]).receive([{"key": "a", **answer("I drew it.")}])
    run.build(kind=IMAGE)
    assert run.rows()[0]["outcome"] == "invalid_output"
    run.build(kind=TEXT)
    assert run.rows()[0]["outcome"] == "answered"


def test_what_is_paid_for_beside_the_text_is_in_the_rows(tmp_path: Path) -> None:
    run = RunFixture(tmp_path / "r").send(["a", "b"])
    line = answer("first")
    second = {"finishReason": "STOP", "content": {"parts": [{"text": "second"}, {"functionCall": {"name": "f"}}]}}
    line["response"]["candidates"].append(second)
    run.receive([{"key": "a", **line}, {"key": "b", **answer("plain")}])
    account = run.build()
    assert account.extras == ("other_answers", "tool_calls")
    both, plain = run.rows()
    assert (both["text"], json.loads(both["other_answers"])) == ("first", ["second"])
    assert json.loads(both["tool_calls"]) == [{"name": "f"}]
    assert (plain["other_answers"], plain["tool_calls"], plain["executed_code"]) == (None, None, None)
