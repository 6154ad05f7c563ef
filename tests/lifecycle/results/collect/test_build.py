"""What was used and what is paid for beside the text, from received lines into result files and the account."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batch.errors import InputError
from batch.kinds.image import IMAGE
from batch.kinds.text import TEXT
from batch.model import Usage
from batch.pricing import catalog, rates
from lifecycle.results.collect import build
from lifecycle.results.read.table import ResultTable
from lifecycle.results.store.reconciliation import Reconciliation
from tests.lifecycle.run_fixture import RunFixture, answer, balanced, error

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
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    picture = {"inlineData": {"mimeType": "image/png", "data": data}}
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


def test_a_mixed_run_is_told_row_by_row(run: RunFixture) -> None:
    run.send("abcdef").receive(
        [
            {"key": "c", **answer("C")},
            {"key": "a", **answer("A")},
            {"key": "b", **error(13)},
            {"key": "d", "response": {"promptFeedback": {"blockReason": "SAFETY"}}},
            {"key": "a", **answer("A again")},
            {"key": "zz", **answer("whose?")},
            answer("no key"),
            b"{not json",
            b"",
        ]
    )
    account = run.build()
    assert [row["outcome"] for row in run.rows()] == [
        *("answered", "error_transient", "answered", "prompt_blocked", "missing", "missing")
    ]
    assert [row["text"] for row in run.rows()] == ["A", "", "C", "", "", ""]
    assert (account.sent, account.returned, account.matched, account.missing) == (6, 8, 4, 2)
    assert (account.duplicate, account.unmatched, account.earlier) == (1, 3, 0)
    assert account.counts == {"answered": 2, "prompt_blocked": 1, "error_transient": 1, "missing": 2}
    assert balanced(account)
    assert [(row["key"], row["text"]) for row in run.others()] == [
        *(("a", "A again"), ("zz", "whose?"), (None, "no key"), (None, ""))
    ]


def test_a_job_whose_rows_all_failed_answered_nothing(run: RunFixture) -> None:
    run.send("abc").receive({"key": key, **error(3, "no such field")} for key in "cba")
    assert run.build().counts == {"error_permanent": 3}


def test_rows_that_a_cancel_came_before_cost_nothing_and_are_no_errors(run: RunFixture) -> None:
    """The served rows of a job that was cancelled while it ran are kept and billed; the others have code 1."""
    run.send(["a", "b", "c"]).receive([{"key": "a", **answer("a")}, {"key": "b", "error": {"code": 1}}])
    run.receive([{"key": "c", "error": {"code": 1}}], shard=1)
    account = run.build(cancelled=run.received[:1])
    assert [(row["outcome"], row["cost_usd"]) for row in run.rows()][1:] == [
        ("no_response", 0.0),
        ("error_transient", 0.0),
    ]
    assert account.usd == run.rows()[0]["cost_usd"] and account.unpriced == 0


def test_an_unknown_price_is_not_zero(run: RunFixture) -> None:
    run.send("ab").receive([{"key": "a", **answer("A")}, {"key": "b", **error(13)}])
    account = run.build(price=lambda usage: None)
    assert account.usd is None
    assert [row["cost_usd"] for row in run.rows()] == [None, 0.0]
    assert account.unpriced == 1


def test_rows_that_tell_no_usage_leave_a_lower_bound(run: RunFixture) -> None:
    run.send("ab").receive([{"key": "a", **answer("A")}, {"key": "b", "response": None}])
    account = run.build()
    assert account.usd == pytest.approx(20e-6)
    assert account.unpriced == 1


def test_a_run_without_results_is_all_missing(run: RunFixture) -> None:
    account = run.send("abc").build()
    assert account.counts == {"missing": 3}
    assert (account.usd, account.complete) == (0.0, False)
    assert ResultTable(run.folder).page()[1] == 3


def test_an_empty_run_has_empty_results(run: RunFixture) -> None:
    assert run.send([]).build() == Reconciliation(usd=0.0)
    page, total = ResultTable(run.folder).page()
    assert (len(page), total) == (0, 0)


def test_building_again_gives_the_same(run: RunFixture) -> None:
    run.send("abc").receive([{"key": "b", **answer("B")}])
    first = run.build(), run.rows()
    (run.folder / ".building-left").mkdir()
    (run.folder / ".building-left" / "wide.arrows").write_bytes(b"half")
    assert (run.build(), run.rows()) == first
    assert sorted(path.name for path in run.folder.iterdir()) == [
        *("inputs.parquet", "others.parquet", "received", "requests.jsonl", "results.parquet")
    ]


def test_a_build_that_dies_leaves_the_old_results(run: RunFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    run.send("ab").receive([{"key": "a", **answer("A")}])
    run.build()
    before = (run.folder / "results.parquet").read_bytes()
    run.receive([{"key": "b", **answer("B")}])

    def die(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(build, "write_results", die)
    with pytest.raises(OSError, match="full"):
        run.build()
    assert (run.folder / "results.parquet").read_bytes() == before
    assert not list(run.folder.glob(".building-*"))


def test_inputs_out_of_order_are_a_mistake(run: RunFixture) -> None:
    run.send("ab")
    table = pq.read_table(run.folder / "inputs.parquet")
    pq.write_table(table.take([1, 0]), run.folder / "inputs.parquet")
    with pytest.raises(InputError, match="input order"):
        run.build()
