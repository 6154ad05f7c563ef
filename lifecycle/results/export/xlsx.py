"""XLSX, written as a stream: rows go to disk as they come, whatever their number.

Texts are written as texts (`inlineStr`), so nothing in them can become a formula; those that look like one also
carry the "quote prefix", which keeps them texts when a cell is edited. A sheet that is full is continued on the
next one. (openpyxl's own streaming writer was tried: about ten times slower, and it loses carriage returns.)
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO
from xml.sax.saxutils import quoteattr

from batch.responses.spreadsheet_text import SHEET_ROWS
from lifecycle.results.workbook.cells import DATE, MOMENT, CellCount
from lifecycle.results.workbook.sheet_writer import QUOTED, Columns, header_row, joined, rows_xml

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="5"><xf/><xf quotePrefix="1"/>'
    '<xf fontId="1" applyFont="1"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>"
)
_BOLD = 2
_STYLE_OF = {"": 0, QUOTED: 1, DATE: 3, MOMENT: 4}


class Workbook:
    """A workbook on an open binary file. `count` is of the cells that could not be written as they are."""

    def __init__(self, stream: IO[bytes], sheet_rows: int = SHEET_ROWS) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._names: list[str] = []
        self._sheet: IO[bytes] | None = None
        self._limit = sheet_rows
        self._rows = 0
        self._title, self._header = "", ""
        self.count = CellCount()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self._finish()
        elif self._sheet:
            self._sheet.close()
        self._zip.close()

    @property
    def sheets(self) -> int:
        return len(self._names)

    def start(self, title: str, header: Sequence[str]) -> None:
        """Begin a sheet; `header` is its bold first row, repeated where the sheet is continued."""
        self._title, self._header = title, header_row(header, _BOLD, self.count)
        self._open(title)

    def write(self, columns: Columns) -> None:
        """Append rows, given by column."""
        rows = rows_xml(columns, _STYLE_OF.__getitem__, self.count)
        while len(rows):
            room = self._limit - self._rows
            if not room:
                self._open(f"{self._title} {self.sheets + 1}")
                continue
            if self._sheet:
                self._sheet.write(joined(rows[:room]))
            self._rows += len(rows[:room])
            rows = rows[room:]

    def _open(self, title: str) -> None:
        self._close()
        self._names.append(title)
        self._sheet = self._zip.open(f"xl/worksheets/sheet{self.sheets}.xml", "w", force_zip64=True)
        self._put(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{self._header}')
        self._rows = 1

    def _put(self, text: str) -> None:
        if self._sheet:
            self._sheet.write(text.encode())

    def _close(self) -> None:
        if self._sheet:
            self._put("</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    def _finish(self) -> None:
        """Write the parts that name the sheets."""
        self._close()
        numbered = list(enumerate(self._names, 1))
        sheets = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
        self._zip.writestr(
            "xl/workbook.xml",
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}"><sheets>{sheets}</sheets></workbook>',
        )
        parts = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered]
        self._relations("xl/_rels/workbook.xml.rels", [*parts, ("rId0", "styles", "styles.xml")])
        self._relations("_rels/.rels", [("rId1", "officeDocument", "xl/workbook.xml")])
        self._zip.writestr("xl/styles.xml", _STYLES)
        kinds = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
        kinds += [(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n, _ in numbered]
        overrides = "".join(f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in kinds)
        self._zip.writestr(
            "[Content_Types].xml",
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        )

    def _relations(self, part: str, relations: Sequence[tuple[str, str, str]]) -> None:
        items = "".join(f'<Relationship Id="{i}" Type="{_DOC}/{kind}" Target="{to}"/>' for i, kind, to in relations)
        self._zip.writestr(part, f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>')
