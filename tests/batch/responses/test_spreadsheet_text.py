"""Words and cells of a report."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.model import Outcome
from batch.responses.spreadsheet_text import (
    FLAT_COLUMNS,
    escape_formula,
    excel_cell,
    export_name,
    headline,
    input_column_names,
    is_formula,
    outcome_lines,
    strip_illegal,
)


def test_the_flat_row_is_as_agreed() -> None:
    assert (
        *("key", "prompt", "outcome", "text", "error_code", "error_message"),
        *("prompt_tokens", "cached_tokens", "output_tokens", "thoughts_tokens", "cost_usd"),
    ) == FLAT_COLUMNS


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", "-", "=", "+49 30 123"]
)
def test_what_a_spreadsheet_would_run_is_neutralised(text: str) -> None:
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize("text", ["\n=1", "\uff1d1+1", "\uff0bcmd", "\uff0d5", "\uff20SUM(A1)"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\u00a0", "\u200b", "\ufeff\u00a0\u2060", "\u200f"])
def test_signs_in_other_forms_and_behind_what_is_dropped_are_seen(before: str, text: str) -> None:
    """Some programs fold full-width signs to plain ones, and drop what has no width at a cell's beginning."""
    assert escape_formula(before + text) == "'" + before + text
    assert escape_formula(f"{before}=1+1") == f"'{before}=1+1"


@pytest.mark.parametrize("text", ["\u00a05", "\ufefftext", "\u200b", "text\n=1", "１２", "\ufeff"])
def test_what_has_no_width_is_no_formula_by_itself(text: str) -> None:
    assert escape_formula(text) == text


@pytest.mark.parametrize(
    "text", ["-5", "+3.14", "-1e-5", "-1,234.5", "-0", "+.5", "-12%", "5=5", "a=b", "", " =1", "'=1"]
)
def test_numbers_and_ordinary_texts_are_left_alone(text: str) -> None:
    assert escape_formula(text) == text


@given(st.text())
def test_a_neutralised_text_is_no_formula_and_loses_nothing(text: str) -> None:
    assert not is_formula(escape_formula(text))
    assert escape_formula(text).endswith(text)


@given(st.lists(st.text(max_size=4) | st.sampled_from([*FLAT_COLUMNS, "Key", "TEXT", "key (input)"]), unique=True))
def test_no_two_columns_have_the_same_name_in_any_case(columns: list[str]) -> None:
    shown = input_column_names(columns)
    folded = [name.casefold() for name in (*shown.values(), *FLAT_COLUMNS)]
    assert len(set(folded)) == len(folded)
    assert list(shown) == columns


def test_a_name_that_is_free_is_kept() -> None:
    assert input_column_names(["city", "key"]) == {"city": "city", "key": "key (input)"}


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            {Outcome.ANSWERED: 9412, Outcome.EMPTY: 80, Outcome.MISSING: 8},
            "SUCCEEDED: 9,412 answered, 88 need attention",
        ),
        ({Outcome.ANSWERED: 1, Outcome.REFUSED: 1}, "SUCCEEDED: 1 answered, 1 needs attention"),
        ({Outcome.ANSWERED: 3}, "SUCCEEDED: 3 answered"),
        ({Outcome.MISSING: 2}, "SUCCEEDED: 0 answered, 2 need attention"),
        ({}, "SUCCEEDED: 0 answered"),
    ],
)
def test_the_headline_counts_what_needs_attention(counts: dict[str, int], words: str) -> None:
    assert headline("SUCCEEDED", counts) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            {Outcome.ANSWERED: 3, Outcome.NO_RESPONSE: 16, Outcome.MISSING: 1},
            "CANCELLED: 3 answered, 17 need attention, 17 of them not served before the cancel",
        ),
        (
            {Outcome.ANSWERED: 3, Outcome.NO_RESPONSE: 1, Outcome.TRUNCATED: 1},
            "CANCELLED: 3 answered, 2 need attention, 1 of them not served before the cancel",
        ),
        ({Outcome.ANSWERED: 3}, "CANCELLED: 3 answered"),
    ],
)
def test_rows_that_a_cancel_came_before_are_named_among_those_that_need_attention(
    counts: dict[str, int], words: str
) -> None:
    assert headline("CANCELLED", counts) == words


def test_the_breakdown_lists_what_occurs_in_one_order() -> None:
    lines = outcome_lines({"missing": 1200, "answered": 3, "empty": 0})
    assert [line.split()[:2] for line in lines] == [["3", "answered:"], ["1,200", "missing:"]]


def test_an_incomplete_export_says_so_in_its_name() -> None:
    assert export_name("prices", "csv", complete=True) == "prices.csv"
    assert export_name("prices", ".csv", complete=False) == "prices-incomplete.csv"


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert strip_illegal("a\x1b[31mb\x00\tc\r\n") == "a\ufffd[31mb\ufffd\tc\r\n"


@given(st.text())
def test_a_cell_is_legal_and_bounded(text: str) -> None:
    held, replaced, cut = excel_cell(text)
    assert (held == text) == (not replaced and not cut)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", held)


@pytest.mark.parametrize("text", ["x" * 32_767, "😀" * 16_383])
def test_a_cell_of_the_greatest_length_is_kept(text: str) -> None:
    assert excel_cell(text) == (text, False, False)


@pytest.mark.parametrize("text", ["x" * 32_768, "😀" * 16_384])
def test_a_longer_cell_is_cut_between_characters(text: str) -> None:
    held, _, cut = excel_cell(text)
    assert cut
    assert len(held.encode("utf-16-le")) // 2 <= 32_767
    assert held.startswith(text[:16_000])
