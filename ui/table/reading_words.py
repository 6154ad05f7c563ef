"""How a table was read, and what its columns are, in few words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from batch.formatting import plural
from lifecycle.inputs.tables.opening import Preview
from lifecycle.inputs.tables.reading import NO_HEADER, NO_QUOTE, ReadAs

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
QUOTES = {'"': "double", "'": "single", NO_QUOTE: "none"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252, Western",
    "cp1250": "Windows-1250, Central European",
    "cp1251": "Windows-1251, Cyrillic",
    "cp1253": "Windows-1253, Greek",
    "cp1254": "Windows-1254, Turkish",
    "cp1255": "Windows-1255, Hebrew",
    "cp1256": "Windows-1256, Arabic",
    "cp1257": "Windows-1257, Baltic",
    "cp874": "Windows-874, Thai",
    "cp850": "DOS-850, Western",
    "cp852": "DOS-852, Central European",
    "cp866": "DOS-866, Cyrillic",
    "iso8859-2": "ISO 8859-2, Central European",
    "iso8859-15": "ISO 8859-15, Western",
    "mac_roman": "Mac Roman",
    "mac_cyrillic": "Mac Cyrillic",
    "koi8-r": "KOI8-R, Cyrillic",
    "gb18030": "GB 18030, Chinese",
    "big5": "Big5, Chinese",
    "cp932": "Shift-JIS, Japanese",
    "euc_jp": "EUC-JP, Japanese",
    "cp949": "EUC-KR, Korean",
}
FORMATS = {
    "csv": "CSV",
    "tsv": "TSV",
    "xlsx": "a workbook",
    "xls": "an old workbook",
    "parquet": "Parquet",
    "json": "JSON",
    "jsonl": "JSON lines",
}
NUMBERS = ("number", "whole number", "integer", "decimal")


def describe_reading(read_as: ReadAs) -> str:
    """How it was read: "semicolon · Windows-1252 · header in row 3"."""
    parts = [f'sheet "{read_as.sheet}"'] if read_as.sheet else []
    if read_as.separator:
        parts.append(_named(SEPARATORS, read_as.separator))
    if read_as.encoding:
        parts.append(encoding_name(read_as.encoding).partition(",")[0])
    if read_as.header_row > 1 or read_as.header_rows > 1:
        rows = f"rows {read_as.header_row} to {read_as.header_row + read_as.header_rows - 1}"
        parts.append(f"header in {rows}" if read_as.header_rows > 1 else f"header in row {read_as.header_row}")
    elif read_as.header_row == NO_HEADER and read_as.separator:
        parts.append("no header")
    if read_as.packed:
        parts.append(f"unpacked from {read_as.packed}")
    return " · ".join(parts) or FORMATS.get(read_as.format, read_as.format)


def describe_size(preview: Preview) -> str:
    """Rows and columns, as far as they were counted: "2,431 rows · 5 columns"."""
    rows = "" if preview.row_count is None else f"{plural(preview.row_count, 'row')} · "
    return f"{rows}{plural(len(preview.columns), 'column')}"


def describe_column(type_: str, empty: int, rows_seen: int) -> str:
    """What a column is: "text, 14 empty"."""
    if rows_seen and empty == rows_seen:
        return "all empty"
    return f"{type_}, {empty:,} empty" if empty else type_


def encoding_name(encoding: str) -> str:
    """An encoding as people know it."""
    folded = encoding.casefold().replace("_", "-").removesuffix("-sig")
    return ENCODINGS.get(folded) or ENCODINGS.get(encoding.casefold()) or encoding


def _named(names: Mapping[str, str], sign: str) -> str:
    return names.get(sign) or f'"{sign}"'
