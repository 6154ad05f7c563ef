"""Rows are priced by what rows like them cost in the same result, and those that were cut off get room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lifecycle.results.read.again import AgainQuote, quote
from lifecycle.results.read.table import Filter
from tests.ui.small_results import small_results


def cut(tokens: int) -> dict[str, Any]:
    candidate = {"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "half"}]}}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": tokens, "totalTokenCount": 5 + tokens}
    return {"response": {"candidates": [candidate], "usageMetadata": usage}}


def test_rows_cost_what_such_rows_cost_and_a_cut_answer_up_to_twice_that(tmp_path: Path) -> None:
    answers = {"a": "one", "b": "two", "c": cut(100), "lost": None}
    table = small_results(tmp_path / "run", answers)  # a millionth of a dollar a line
    assert quote(table, Filter(outcomes=("missing",))) == AgainQuote(1, 0.000001)
    assert quote(table, Filter(outcomes=("truncated", "missing"))) == AgainQuote(2, 0.000003, 100, 256)
    assert quote(table, Filter(outcomes=("truncated",)), most_output=150).output_cap == 150
    assert quote(table, Filter(outcomes=("truncated",)), most_output=100).output_cap is None
    assert quote(table, Filter(keys=("nobody",))).rows == 0


def test_what_nothing_tells_has_no_price(tmp_path: Path) -> None:
    table = small_results(tmp_path / "run", {"lost": None})
    assert quote(table, Filter()) == AgainQuote(1, None)
