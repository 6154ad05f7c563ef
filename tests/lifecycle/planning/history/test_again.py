"""Rows are priced by what they and rows like them used in the same result, and those that were cut off get room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from batch.model import Tariff
from lifecycle.planning.history.again import AgainQuote, quote
from lifecycle.planning.history.measured_rows import measured_rows
from lifecycle.results.read.table import Filter
from tests.ui.small_results import small_results

TARIFF = Tariff(4.0, 2.0, 20.0, 10.0, 0.4, None, 1.0, 1024, 2048)  # USD per million tokens: 2 in, 10 out, 0.4 cached


def cut(tokens: int) -> dict[str, Any]:
    candidate = {"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "half"}]}}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": tokens, "totalTokenCount": 5 + tokens}
    return {"response": {"candidates": [candidate], "usageMetadata": usage}}


def test_rows_cost_what_such_rows_cost_and_a_cut_answer_what_the_forecast_takes_it_for(tmp_path: Path) -> None:
    answers = {"a": "one", "b": "two", "c": cut(100), "lost": None}
    table = small_results(tmp_path / "run", answers)  # a millionth of a dollar a line
    assert quote(table, Filter(outcomes=("missing",))) == AgainQuote(1, 0.000001)
    again = quote(table, Filter(outcomes=("truncated",)), TARIFF)
    measured = measured_rows(table.results, {"c"}, again.output_cap)
    assert (again.rows, again.old_cap, again.output_cap) == (1, 100, 256) and measured and again.usd
    assert 100 < measured.output.expected <= 256
    assert abs(again.usd - 0.000001 - (measured.output.expected - 100) * 10 / 1e6) < 1e-12
    assert quote(table, Filter(outcomes=("truncated",)), TARIFF, most_output=150).output_cap == 150
    assert quote(table, Filter(outcomes=("truncated",)), TARIFF, most_output=100).output_cap is None
    assert quote(table, Filter(keys=("nobody",))).rows == 0


def test_caches_are_made_anew_where_that_is_cheaper_than_to_do_without(tmp_path: Path) -> None:
    usage = {"promptTokenCount": 1000, "cachedContentTokenCount": 900, "candidatesTokenCount": 7}
    candidate = {"finishReason": "STOP", "content": {"parts": [{"text": "yes"}]}}
    line = {"response": {"candidates": [candidate], "usageMetadata": usage}}
    table = small_results(tmp_path / "run", {"a": line, "b": line, "lost": None})
    without = 0.000001 + 900 * (2.0 - 0.4) / 1e6
    prices = [quote(table, Filter(keys=("lost",)), TARIFF, caches_usd=usd).usd for usd in (0.0005, 9.0)]
    assert prices == [0.000001 + 0.0005, without]
    unknown = replace(TARIFF, output_batch=None)
    assert quote(table, Filter(keys=("lost",)), unknown).usd == 0.000001, "nothing more is put out than before"


def test_what_nothing_tells_has_no_price(tmp_path: Path) -> None:
    table = small_results(tmp_path / "run", {"lost": None})
    assert quote(table, Filter()) == AgainQuote(1, None)
