"""How a table is read: what the user chose, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

NO_HEADER = 0
NO_QUOTE = "none"


@dataclass(frozen=True)
class TableReading:
    """How the user wants a table to be read. What is "", None or 0 is found out.

    `header_row` is the 1-based line (in text) or row (in a sheet) with the columns' names, `NO_HEADER` if the table has
    none; `header_rows` how many rows the names take. `quote` is a quotation mark, or `NO_QUOTE`. `file_columns` are
    the columns whose cells name files or hold their bytes.
    """

    sheet: str = ""
    header_row: int | None = None
    header_rows: int = 0
    separator: str = ""
    encoding: str = ""
    quote: str = ""
    key_column: str = ""
    file_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadAs:
    """How a table was read.

    `format` is the file's own ("csv", "xlsx", "xls", "parquet", "json", …), `packed` how it was packed ("gzip", "zip"
    or ""). `separator` is "" for a table of one column, `quote` "" where quotation marks mean nothing, `escape` the
    sign that stands before a literal quotation mark, if there is one. `sheets` are the visible ones. `header_row` is
    the 1-based line or row of the (first) header row, `NO_HEADER` without one; `first_row` that of the first row of
    data; `skipped_lines` how many lines or rows above the header were left out. `question` is what only the user can
    decide, "" if nothing: as long as it stands, the table can be looked at but not sent.
    """

    format: str
    packed: str = ""
    encoding: str = ""
    separator: str = ""
    quote: str = ""
    escape: str = ""
    line_end: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    header_row: int = NO_HEADER
    header_rows: int = 0
    first_row: int = 1
    skipped_lines: int = 0
    file_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    question: str = ""
