"""Workbooks of other programs and other times: ODS, XLS, XLSB, and those that are locked or very wide."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest

from batch.errors import InputError
from lifecycle.inputs.input_kinds import file_kind
from lifecycle.inputs.tables.opening import Preview, table_preview

SECTOR, FREE, END, FAT = 512, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="Menu">
<table:table-row><table:table-cell office:value-type="string"><text:p>Menu of May</text:p></table:table-cell>
</table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>dish</text:p></table:table-cell>
<table:table-cell office:value-type="string"><text:p>n</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="string"><text:p>soup</text:p></table:table-cell>
<table:table-cell office:value-type="float" office:value="1.5"><text:p>1,5</text:p></table:table-cell></table:table-row>
<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="string"><text:p>cake</text:p>
</table:table-cell><table:table-cell office:value-type="float" office:value="2"><text:p>2</text:p></table:table-cell>
</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"""


def preview(path: Path) -> Preview:
    return table_preview(path, file_kind(path))


def test_ods(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.replace("\n", ""))
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    found = preview(tmp_path / "a.ods")
    assert (found.read_as.format, found.read_as.header_row, found.names) == ("ods", 2, ("dish", "n"))
    assert found.rows == (("soup", "1.5"), ("cake", "2"), ("cake", "2"))


def compound_file(*streams: tuple[str, bytes]) -> bytes:
    """A file of streams, as programs of the nineties kept them: at most two, of some thousand bytes each."""
    fat, data, entries = [FAT], b"", []
    for name, content in streams:
        padded = content.ljust(max(4096, -(-len(content) // SECTOR) * SECTOR), b"\0")
        first, count = len(fat), len(padded) // SECTOR
        fat += [*range(first + 1, first + count), END]
        entries.append((name, 2, FREE, first, len(padded)))
        data += padded
    folder = [("Root Entry", 5, 1, END, 0), *entries]
    listed = b""
    for n, (name, kind, child, start, size) in enumerate(folder):
        raw = name.encode("utf-16-le") + b"\0\0"
        right = n + 1 if 0 < n < len(folder) - 1 else FREE
        listed += raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, FREE, right, child)
        listed += b"\0" * 36 + struct.pack("<IQ", start, size)
    place = len(fat)
    fat += [END] + [FREE] * (127 - place)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<9I", 0, 1, place, 0, 4096, END, 0, END, 0) + struct.pack("<109I", 0, *[FREE] * 108)
    return head + struct.pack("<128I", *fat) + data + listed.ljust(SECTOR, b"\0")


def test_xls(tmp_path: Path) -> None:
    def record(kind: int, content: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def label(row: int, column: int, text: str) -> bytes:
        return record(0x204, struct.pack("<4HB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))

    def number(row: int, column: int, value: float) -> bytes:
        return record(0x203, struct.pack("<3Hd", row, column, 0, value))

    def book(place: int) -> bytes:
        sheet = record(0x85, struct.pack("<I4B", place, 0, 0, 4, 0) + b"Menu")
        return record(0x809, struct.pack("<4HII", 0x600, 5, 0, 0, 0, 6)) + sheet + record(0x0A)

    cells = label(0, 0, "dish") + label(0, 1, "n") + label(1, 0, "Käse") + number(1, 1, 1.5)
    sheet = record(0x809, struct.pack("<4HII", 0x600, 0x10, 0, 0, 0, 6)) + cells + record(0x0A)
    (tmp_path / "a.xls").write_bytes(compound_file(("Workbook", book(len(book(0))) + sheet)))
    found = preview(tmp_path / "a.xls")
    assert (found.read_as.format, found.names, found.rows) == ("xls", ("dish", "n"), (("Käse", "1.5"),))


def test_xlsb(tmp_path: Path) -> None:
    def record(kind: int, content: bytes = b"") -> bytes:
        name = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return name + bytes([len(content)]) + content

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    def row(number: int, *cells: str | float) -> bytes:
        written = record(0, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 0))
        for place, cell in enumerate(cells):
            head = struct.pack("<II", place, 0)
            written += (
                record(6, head + text(cell)) if isinstance(cell, str) else record(5, head + struct.pack("<d", cell))
            )
        return written

    rows = row(0, "dish", "n") + row(1, "Käse", 1.5)
    sheet = record(129) + record(148, struct.pack("<4I", 0, 1, 0, 1)) + record(145) + rows + record(146) + record(130)
    book = record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + text("rId1") + text("Menu"))
    book += record(144) + record(132)
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{relation}/{{}}" Target="{{}}"/></Relationships>'
    )
    with zipfile.ZipFile(tmp_path / "a.xlsb", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("_rels/.rels", relations.format("officeDocument", "xl/workbook.bin"))
        archive.writestr("xl/_rels/workbook.bin.rels", relations.format("worksheet", "worksheets/sheet1.bin"))
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    found = preview(tmp_path / "a.xlsb")
    assert (found.read_as.format, found.names, found.rows) == ("xlsb", ("dish", "n"), (("Käse", "1.5"),))


def test_a_workbook_with_a_password_is_refused_in_words(tmp_path: Path) -> None:
    streams = ("EncryptionInfo", b"\4\0\4\0\x40\0\0\0"), ("EncryptedPackage", b"\0" * 4096)
    (tmp_path / "a.xlsx").write_bytes(compound_file(*streams))
    with pytest.raises(InputError, match="password"):
        preview(tmp_path / "a.xlsx")


def test_a_sheet_as_wide_as_sheets_can_be(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([f"c{n}" for n in range(16_384)])
    sheet.append(list(range(16_384)))
    book.save(tmp_path / "a.xlsx")
    found = preview(tmp_path / "a.xlsx")
    assert (len(found.names), found.names[-1], found.rows[0][-1]) == (16_384, "c16383", "16383")


def test_a_text_as_wide_as_that_with_long_names(tmp_path: Path) -> None:
    lines = [",".join(f"a column of some length {n}" for n in range(9_000)), *[",".join(["x"] * 9_000)] * 3]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    found = preview(tmp_path / "a.csv")
    assert (len(found.names), found.row_count, found.rows[0][-1]) == (9_000, 3, "x")
    (tmp_path / "b.csv").write_text(",".join("abc" for _ in range(70_000)) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="more than 20,000 columns"):
        preview(tmp_path / "b.csv")
