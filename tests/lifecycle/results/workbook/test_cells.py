"""Values become cells of their own type, and what a sheet cannot hold is counted."""

from __future__ import annotations

import datetime
import decimal

import pyarrow as pa
import pytest

from lifecycle.results.workbook.cells import DATE, EPOCH_1904, MOMENT, CellCount, cells, text_cell


def text(content: str) -> str:
    return f' t="inlineStr"><is><t xml:space="preserve">{content}</t></is></c>'


@pytest.mark.parametrize(
    ("values", "bodies"),
    [
        (pa.array(["a<&>\r", "", None]), [text("a&lt;&amp;&gt;&#13;"), None, None]),
        (pa.array([1, None, 2**60]), ["><v>1</v></c>", None, text(str(2**60))]),
        (pa.array([0.5, float("nan"), 1e300]), ["><v>0.5</v></c>", text("nan"), text("1e+300")]),
        (pa.array([True, False, None]), [' t="b"><v>1</v></c>', ' t="b"><v>0</v></c>', None]),
        (pa.array([decimal.Decimal("1.10")]), ["><v>1.10</v></c>"]),
        (pa.array([["a", "b"], None]), [text('["a","b"]'), None]),
        (pa.nulls(1), [None]),
    ],
)
def test_a_column_of_each_type(values: pa.Array, bodies: list[str | None]) -> None:
    assert cells(values, CellCount()).bodies.to_pylist() == bodies


def test_days_are_counted_as_the_workbook_counts_them() -> None:
    days = pa.array([datetime.date(2024, 2, 29), datetime.date(1899, 12, 31)])
    found = cells(days, CellCount())
    assert (found.kind, found.bodies.to_pylist()) == (DATE, ["><v>45351</v></c>", text("1899-12-31")])
    assert cells(days, CellCount(), epoch=EPOCH_1904).bodies[0].as_py() == "><v>43889</v></c>"
    moment = cells(pa.array([datetime.datetime(2024, 2, 29, 6)]), CellCount())
    assert (moment.kind, moment.bodies.to_pylist()) == (MOMENT, ["><v>45351.25</v></c>"])


def test_what_could_run_is_marked_and_what_cannot_be_held_is_counted() -> None:
    count = CellCount()
    found = cells(pa.array(["=1", "-5", "x" * 40_000, "\x01", None]), count)
    assert found.quoted is not None and found.quoted.to_pylist() == [True, False, False, False, False]
    assert (count.replaced, count.truncated, count.formulas) == (1, 1, 1)
    assert list(count.notes()) == [
        "1 cell held more than Excel allows (32,767 characters) and was cut.",
        "1 cell had characters that XLSX cannot hold; \ufffd stands for them.",
    ]
    assert text_cell("a", count) == text("a")
