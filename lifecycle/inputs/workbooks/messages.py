"""What is asked of the process that reads a sheet, and what it answers; each one line of JSON."""

from __future__ import annotations

import msgspec


class SheetJob(msgspec.Struct, frozen=True):
    """Copy a sheet's rows to `spool`, a Parquet file of texts. What is "", None or 0 is found out."""

    path: str
    spool: str
    sheet: str = ""
    header_row: int | None = None
    header_rows: int = 0
    max_columns: int = 0


class SheetReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the sheet was read; with a `fault`, what went wrong and its `remedy`.

    The spool has the columns `line`, `hidden` (columns whose cell has a formula without a value or an error, by number)
    and "0", "1", …: a text for each of `names`. `kinds` are those of the values in each column.
    """

    fault: str = ""
    remedy: str = ""
    format: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    kinds: tuple[tuple[str, ...], ...] = ()
    header_row: int = 0
    header_rows: int = 0
    first_row: int = 1
    skipped_rows: int = 0
    notes: tuple[str, ...] = ()
    question: str = ""
    choice: str = ""
