"""How a table is read: what the user chose, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

from batch.sniffing.encodings import spoken_name

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

    `encoding` is Python's name of it. `format` is the file's own ("csv", "xlsx", "xls", "parquet", "json", …), `packed`
    how it was packed ("gzip", "zip" or ""). `separator` is "" for a table of one column, `quote` "" where quotation
    marks mean nothing, `escape` the sign that stands before a literal quotation mark, if there is one. `sheets` are the
    visible ones. `header_row` is the 1-based line or row of the (first) header row, `NO_HEADER` without one;
    `first_row` that of the first row of data; `skipped_lines` how many lines or rows above the header were left out.
    `question` is what only the user can decide, "" if nothing: as long as it stands, the table can be looked at but not
    sent; `remedy` says how to answer.
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
    remedy: str = ""

    @property
    def summary(self) -> str:
        """How the table was read, in a few words: "semicolons, Windows-1251, header in row 5, 4 above it left out"."""
        words = [_SEPARATORS.get(self.separator, f'"{self.separator}" between cells')] if self.is_text else []
        words += [spoken_name(self.encoding)] if self.encoding else []
        words += [f'sheet "{self.sheet}"'] if len(self.sheets) > 1 else []
        words += ["quotation marks are text"] if self.is_text and not self.quote else []
        words += ["single quotation marks"] if self.quote == "'" else []
        words.append(self._header_words)
        words += [f"{self.skipped_lines:,} above it left out"] if self.skipped_lines else []
        return ", ".join(word for word in words if word)

    @property
    def is_text(self) -> bool:
        """Whether the table is of text with separators."""
        return self.format in ("csv", "tsv")

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to be said of how it was read."""
        if self.format in ("parquet", "json"):
            return True
        usual = self.encoding in ("", "utf-8") and self.separator in ("", ",", ";", "\t", "|")
        return usual and self.header_row == 1 and self.header_rows == 1 and not self.skipped_lines

    @property
    def _header_words(self) -> str:
        if self.header_row == NO_HEADER:
            return "" if self.format in ("parquet", "json") else "no header"
        rows = (
            f"rows {self.header_row} and {self.header_row + 1}" if self.header_rows == 2 else f"row {self.header_row}"
        )
        return f"header in {rows}"


_SEPARATORS = {
    "": "one column",
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    " ": "spaces",
    "\x01": "control signs (0x01) between cells",
    "\x1f": "control signs (0x1F) between cells",
}
