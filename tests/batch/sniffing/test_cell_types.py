"""Cells look like numbers, dates and truths in the ways that people write them."""

from __future__ import annotations

import pytest

from batch.sniffing.cell_types import DATE, EMPTY, NUMBER, TEXT, TRUTH, cell_type, column_type


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", EMPTY), ("  ", EMPTY), ("3", NUMBER), ("-3.5", NUMBER), ("1.234,56", NUMBER), ("1e-5", NUMBER),
        ("$ 5", NUMBER), ("12 %", NUMBER), ("(300)", NUMBER), ("2024-01-31", DATE), ("31.01.2024 14:30", DATE),
        ("2024-01-31T14:30:00.123Z", DATE), ("14:30", DATE), ("yes", TRUTH), ("FALSE", TRUTH), ("Ann", TEXT),
        ("3 pies", TEXT), ("x" * 50, TEXT), ("5;2", TEXT), ("007b", TEXT), ("24.12.2026", DATE),
    ],
)  # fmt: skip
def test_a_cell_has_a_type(text: str, kind: str) -> None:
    assert cell_type(text) == kind


def test_a_column_has_the_type_of_nearly_all_cells() -> None:
    assert column_type(["1", "", "2"] * 10 + ["x"]) == NUMBER
    assert column_type(["1", "x"]) == TEXT
    assert column_type(["", ""]) == EMPTY
