"""A workbook holds what one sheet cannot."""

from __future__ import annotations

import io

import openpyxl
import pyarrow as pa

from lifecycle.results.export.xlsx import Workbook


def test_a_full_sheet_is_continued_on_the_next() -> None:
    stream = io.BytesIO()
    with Workbook(stream, sheet_rows=3) as book:
        book.start("Results", ["n"])
        book.write([pa.array(range(5))])
        book.start("About", ["note"])
    sheets = openpyxl.load_workbook(stream)
    assert sheets.sheetnames == ["Results", "Results 2", "Results 3", "About"]
    assert [[row[0].value for row in sheet.iter_rows()] for sheet in sheets] == [
        ["n", 0, 1],
        ["n", 2, 3],
        ["n", 4],
        ["note"],
    ]
