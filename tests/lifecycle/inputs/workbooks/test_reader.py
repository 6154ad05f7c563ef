"""A sheet is read by another process, whatever that process makes of it."""

from __future__ import annotations

import sys
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from lifecycle.inputs.workbooks import reader
from lifecycle.inputs.workbooks.messages import SheetJob


@pytest.fixture
def workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workbook in the caller's folder, named as a person names it there."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["city", "people"], ["Ulm", 126_000], ["Bonn", 336_000]):
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    monkeypatch.chdir(tmp_path)
    return Path("book.xlsx")


def test_a_sheet_is_copied_to_texts(workbook: Path) -> None:
    reply = reader.ask_for_sheet(SheetJob(str(workbook), "rows.parquet"))
    assert (reply.fault, reply.names, reply.header_row, reply.first_row) == ("", ("city", "people"), 1, 2)
    assert pq.read_table("rows.parquet").column("0").to_pylist() == ["Ulm", "Bonn"]


def test_a_file_that_is_no_workbook_is_told(workbook: Path) -> None:
    workbook.write_bytes(b"PK, but nothing more")
    assert reader.ask_for_sheet(SheetJob(str(workbook), "rows.parquet")).fault


@pytest.mark.parametrize(
    ("program", "seconds", "fault"),
    [
        ("import time; time.sleep(600)", 0.2, "takes too long to read"),
        ("import os; os.abort()", 60.0, "is too large to read, or breaks the program that reads it"),
        ("print('no JSON')", 60.0, "is too large to read, or breaks the program that reads it"),
    ],
)
def test_a_process_that_breaks_or_hangs_is_told(
    workbook: Path, monkeypatch: pytest.MonkeyPatch, program: str, seconds: float, fault: str
) -> None:
    monkeypatch.setattr(reader, "COMMAND", [sys.executable, "-c", program])
    assert reader.ask_for_sheet(SheetJob(str(workbook), "rows.parquet"), seconds).fault == fault
