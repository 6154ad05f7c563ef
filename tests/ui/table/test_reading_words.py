"""How a table was read is one short sentence."""

from __future__ import annotations

import pytest

from lifecycle.inputs.tables.opening import Preview, PreviewColumn
from lifecycle.inputs.tables.reading import ReadAs
from ui.table.reading_words import describe_column, describe_reading, describe_size, encoding_name


@pytest.mark.parametrize(
    ("read_as", "words"),
    [
        (
            ReadAs("csv", encoding="cp1252", separator=";", header_row=3, header_rows=1),
            "semicolon · Windows-1252 · header in row 3",
        ),
        (
            ReadAs("csv", encoding="utf-8-sig", separator=",", header_row=1, header_rows=2),
            "comma · UTF-8 · header in rows 1 to 2",
        ),
        (ReadAs("csv", separator="~", packed="gzip"), '"~" · no header · unpacked from gzip'),
        (ReadAs("xlsx", sheet="Data", header_row=1, header_rows=1), 'sheet "Data"'),
        (ReadAs("parquet"), "Parquet"),
    ],
)
def test_a_reading_in_words(read_as: ReadAs, words: str) -> None:
    assert describe_reading(read_as) == words


def test_sizes_and_columns_in_words() -> None:
    column = PreviewColumn("a", "text", 0)
    assert describe_size(Preview((column,), (), 2431, 5, ReadAs("csv"))) == "2,431 rows · 1 column"
    assert describe_size(Preview((column, column), (), None, 5, ReadAs("csv"))) == "2 columns"
    assert [describe_column("date", n, 9) for n in (0, 3, 9)] == ["date", "date, 3 empty", "all empty"]
    assert encoding_name("UTF_8-sig") == "UTF-8" and encoding_name("x-odd") == "x-odd"
