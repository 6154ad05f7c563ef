"""What tries say together."""

from __future__ import annotations

from dataclasses import replace

from batch.model import Outcome, Usage
from lifecycle.planning.tried_rows import TriedRow, Tries, field_names

ROW = TriedRow(0, "a", "Who?", {}, Outcome.ANSWERED, "me", usage=Usage(10, 0, 90), usd=0.5)
CUT = replace(ROW, outcome=Outcome.TRUNCATED, usage=Usage(10, 0, 300))
LOST = replace(ROW, outcome=Outcome.NO_RESPONSE, usage=None, usd=None, lost=True)


def tries(*rows: TriedRow, cap: int | None = 300) -> Tries:
    return Tries("draft", "gemini", rows, output_cap=cap)


def test_shares_and_costs_are_counted_by_row() -> None:
    both = tries(ROW, CUT, LOST)
    assert (both.fitting, both.cut_off, both.lost, both.usd) == (1, 1, 1, 1.0)
    assert [usage.output for usage in both.usages] == [90, 300]


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    assert tries(ROW, replace(ROW, usd=None)).usd is None


def test_a_suggested_cap_is_twice_what_was_seen_within_the_model_s_own() -> None:
    assert tries(CUT).suggested_cap(65_536) == 768
    assert tries(CUT).suggested_cap(500) == 500
    assert tries(CUT).suggested_cap(300) is None
    assert tries(ROW).suggested_cap(None) is None
    assert tries(CUT, cap=None).suggested_cap(None) is None


def test_fields_come_in_the_schema_s_order_and_then_as_they_came() -> None:
    row = replace(ROW, values={"extra": 1, "mood": "good"})
    assert field_names([row], {"properties": {"mood": {}, "part": {}}}) == ("mood", "part", "extra")
    assert field_names([row], {}) == ("extra", "mood")
