"""Any table comes back equal beside its answers, in the form and the types that it came in."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifecycle.core.run_files import INPUTS
from lifecycle.inputs.drafts import prepare
from lifecycle.inputs.tables.reading import TableReading
from tests.lifecycle.results.fill.given_run import filled
from tests.lifecycle.run_fixture import RunFixture, answer

NAMES = ("name", "when", "amount", "note")
DAYS = st.dates(datetime.date(1950, 1, 1), datetime.date(2090, 1, 1))
WORDS = st.text(st.sampled_from("abc XYZ \u00e4\u00df0189'\",;|=+-@\n"), min_size=1, max_size=9).map(str.strip)
ROWS = st.lists(
    st.tuples(st.integers(1, 10**9).map("n{}".format), DAYS, st.floats(-1e6, 1e6), WORDS), min_size=2, max_size=5
)
SMALL = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run_of(folder: Path, source: Path, kind: str, reading: TableReading | None = None) -> RunFixture:
    """A run of all rows of a table, each answered with its name."""
    draft = prepare(source, folder, kind=kind, template="Say {{name}}.", source_name=source.name, reading=reading)
    run = RunFixture(draft.folder)
    rows = pq.read_table(folder / INPUTS, columns=["key", "name"]).to_pylist()
    run.receive({"key": row["key"], **answer(f"Hello {row['name']}")} for row in rows)
    run.build()
    return run


def test_of_text(tmp_path_factory: pytest.TempPathFactory) -> None:
    @SMALL
    @given(
        ROWS,
        st.sampled_from([",", ";", "\t", "|"]),
        st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        st.sampled_from(["\n", "\r\n"]),
    )
    def check(rows: list[tuple[Any, ...]], separator: str, encoding: str, quoting: Any, line_end: str) -> None:
        folder, text = tmp_path_factory.mktemp("text"), io.StringIO()
        writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=line_end)
        writer.writerows([NAMES, *rows])
        source = folder / "table.csv"
        source.write_bytes(text.getvalue().encode(encoding))
        reading = TableReading(encoding=encoding, separator=separator)
        path, _ = filled(run_of(folder / "run", source, "csv", reading), "csv")
        written = path.read_bytes().decode(encoding)
        back = list(csv.reader(io.StringIO(written, newline=""), delimiter=separator))
        given = list(csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=separator))
        assert [row[:4] for row in back] == given
        assert [row[4] for row in back] == ["text", *(f"Hello {row[0]}" for row in rows)]
        assert written.count(line_end) == text.getvalue().count(line_end)

    check()


def test_of_a_workbook(tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(SMALL, max_examples=3)
    @given(ROWS, st.integers(0, 3), st.integers(0, 2), st.integers(0, 1))
    def check(rows: list[tuple[Any, ...]], above: int, left: int, gap: int) -> None:
        folder, book = tmp_path_factory.mktemp("book"), openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for n, row in enumerate([NAMES, *rows]):
            for column, value in enumerate(row, left + 1):
                cell = sheet.cell(above + 1 + n + (gap if n > 1 else 0), column, value)
                if isinstance(value, str):
                    cell.data_type = "s"
        source = folder / "table.xlsx"
        book.save(source)
        path, _ = filled(run_of(folder / "run", source, "xlsx"), "xlsx")
        before, after = (openpyxl.load_workbook(one).worksheets[0] for one in (source, path))
        cells = {cell.coordinate: (cell.value, cell.data_type) for row in before.iter_rows() for cell in row}
        assert {name: (after[name].value, after[name].data_type) for name in cells} == cells
        assert after.cell(above + 1, left + 5).value == "text"
        for row in list(after.iter_rows(min_row=above + 2)):
            assert row[left + 4].value == (f"Hello {row[left].value}" if row[left].value else None)

    check()


def test_of_parquet(tmp_path_factory: pytest.TempPathFactory) -> None:
    @SMALL
    @given(ROWS)
    def check(rows: list[tuple[Any, ...]]) -> None:
        folder = tmp_path_factory.mktemp("parquet")
        table = pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=list(NAMES))
        source = folder / "table.parquet"
        pq.write_table(table, source)
        back = pq.read_table(filled(run_of(folder / "run", source, "parquet"), "parquet")[0])
        assert back.select(list(NAMES)).equals(table)
        assert back.column("text").to_pylist() == [f"Hello {row[0]}" for row in rows]

    check()
