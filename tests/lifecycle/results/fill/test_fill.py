"""A table is given back filled in where that can be done, and plain, with the reason, where it cannot."""

from __future__ import annotations

import csv
import datetime
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font

from batch.errors import InputError
from batch.rules.schema_equivalents import DATE_PATTERN
from lifecycle.inputs.tables.reading import ReadAs
from lifecycle.results.export.export import ExportOptions
from lifecycle.results.fill.fill import AUTO, FILL, PLAIN, export_table
from lifecycle.results.read.table import Filter
from tests.lifecycle.results.fill.given_run import filled, given_run
from tests.lifecycle.run_fixture import RunFixture

READ_AS = ReadAs("xlsx", sheet="Tickets", header_row=3, header_rows=1, first_row=4)
FORM = {
    "type": "OBJECT",
    "properties": {
        "mood": {"type": "STRING"}, "urgency": {"type": "INTEGER"}, "angry": {"type": "BOOLEAN"},
        "due": {"type": "STRING", "pattern": DATE_PATTERN}, "tags": {"type": "ARRAY", "items": {"type": "STRING"}},
    },
}  # fmt: skip
ANSWER = {"mood": "=bad", "urgency": 3, "angry": True, "due": "2024-05-01", "tags": ["late", "lost"]}


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """A workbook with a title, an empty row among its rows, one that was hidden, and another sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Tickets"
    rows: list[list[Any]] = [
        ["Week 7"],
        [],
        ["id", "text", "when"],
        [1, "a", datetime.date(2024, 1, 1)],
        [],
        [2, "b", None],
    ]
    for row in [*rows, [3, "c", datetime.date(2024, 1, 3)]]:
        sheet.append(row)
    sheet["A3"].font = sheet["C3"].font = Font(bold=True)
    sheet["B9"] = "=SUM(A4:A7)"
    sheet.row_dimensions[7].hidden = True
    book.create_sheet("Other")["A1"] = "x"
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


@pytest.fixture
def run(tmp_path: Path, tickets: Path) -> RunFixture:
    own: dict[str, list[Any]] = {"id": [1, 2, 3], "text": ["a", "b", "c"], "when": [None] * 3}
    return given_run(tmp_path / "run", tickets, READ_AS, own, [4, 6, 7], [ANSWER, "not JSON", None], FORM)


def test_a_workbook_has_typed_answers_beside_its_own_columns_and_the_account_on_a_sheet(run: RunFixture) -> None:
    path, result = filled(run, "xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Tickets", "Other", "Run details", "About the run"]
    rows = [[cell.value for cell in row] for row in book["Tickets"].iter_rows(max_col=8)]
    assert rows[2] == ["id", "text", "when", "mood", "urgency", "angry", "due", "tags"]
    when = datetime.datetime(2024, 1, 1)
    assert rows[3] == [1, "a", when, "=bad", 3, True, datetime.datetime(2024, 5, 1), "late; lost"]
    assert [row[3:] for row in rows[4:]] == [[None] * 5] * 5
    assert (book["Tickets"]["D4"].data_type, book["Tickets"]["D4"].quotePrefix) == ("s", True)
    assert book["Tickets"]["D3"].font.b
    details = [[cell.value for cell in row][:4] for row in book["Run details"].iter_rows()]
    assert details == [
        ["row", "key", "outcome", "text"],
        [4, "row-0", "answered", None],
        [6, "row-1", "invalid_output", "not JSON"],
        [7, "row-2", "missing", None],
    ]
    assert "nothing came back for 1 of 3 rows" in str(book["About the run"]["A2"].value)
    assert any(note.startswith("The answers begin in column D") for note in result.notes)


def test_only_the_format_that_was_given_is_filled(run: RunFixture, tmp_path: Path) -> None:
    table = run.table()
    plain = export_table(table, tmp_path / "o.csv", "csv", ExportOptions(), way=AUTO)
    assert next(csv.reader(plain.path.read_text().splitlines()))[:2] == ["id", "text (input)"]
    with pytest.raises(InputError, match=r"not made of a table in \.csv"):
        export_table(table, tmp_path / "o.csv", "csv", ExportOptions(), way=FILL)


@pytest.mark.parametrize("more", [{"way": PLAIN}, {"where": Filter(outcomes=("answered",))}])
def test_a_plain_table_is_written_where_it_is_asked_for_or_not_all_rows_are(
    run: RunFixture, tmp_path: Path, more: dict[str, Any]
) -> None:
    way = more.pop("way", AUTO)
    written = export_table(run.table(), tmp_path / "o.xlsx", "xlsx", ExportOptions(**more), way=way)
    assert openpyxl.load_workbook(written.path).sheetnames == ["Results", "About"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace("<sheetData>", "<sheetData><!-- x -->"), "comments"),
        (lambda text: text.replace('<row r="7"', '<row r="8"'), "row 7 is not where it was"),
        (lambda text: text.replace("<worksheet", "<!DOCTYPE x><worksheet"), "document type"),
        (lambda text: text.replace("</sheetData>", ""), "do not end"),
    ],
    ids=["comment", "moved row", "doctype", "cut off"],
)  # fmt: skip
def test_a_workbook_that_cannot_be_edited_with_certainty_comes_plain_with_the_reason(
    run: RunFixture, tmp_path: Path, damage: Any, reason: str
) -> None:
    source = run.folder / "source"
    parts = _parts(source.read_bytes())
    parts["xl/worksheets/sheet1.xml"] = damage(parts["xl/worksheets/sheet1.xml"].decode()).encode()
    with zipfile.ZipFile(source, "w") as out:
        for name, content in parts.items():
            out.writestr(name, content)
    written = export_table(run.table(), tmp_path / "o.xlsx", "xlsx", ExportOptions())
    assert reason in written.notes[0]
    assert openpyxl.load_workbook(written.path).sheetnames == ["Results", "About"]
    with pytest.raises(InputError, match=reason):
        export_table(run.table(), tmp_path / "o.xlsx", "xlsx", ExportOptions(), way=FILL)


def test_every_other_part_of_a_workbook_is_byte_for_byte_what_it_was(run: RunFixture, tickets: Path) -> None:
    before, after = _parts(tickets.read_bytes()), _parts(filled(run, "xlsx")[0].read_bytes())
    changed = {name for name in before if before[name] != after[name]}
    sheet, book = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
    assert changed == {sheet, book, "xl/_rels/workbook.xml.rels", "[Content_Types].xml", "xl/styles.xml"}
    assert set(after) - set(before) == {"xl/worksheets/sheet3.xml", "xl/worksheets/sheet4.xml"}


def test_a_run_whose_draft_does_not_say_how_its_table_was_read_comes_plain(run: RunFixture, tmp_path: Path) -> None:
    (run.folder / "draft.json").write_text(json.dumps({"read_as": {"format": "xlsx"}}))
    written = export_table(run.table(), tmp_path / "o.xlsx", "xlsx", ExportOptions())
    assert openpyxl.load_workbook(written.path).sheetnames == ["Results", "About"]


def _parts(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as parts:
        return {name: parts.read(name) for name in parts.namelist()}
