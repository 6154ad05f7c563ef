"""Which form a table has, by its bytes: names of files often lie."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple

from batch.errors import InputError
from batch.sniffing.encodings import find_encoding
from batch.sniffing.json_values import json_form
from lifecycle.inputs.tables.text import open_binary

PARQUET, WORKBOOK, GZIP, ZIP, JSON, TEXT = "parquet", "workbook", "gzip", "zip", "json", "text"
HEAD_BYTES = 1 << 16
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CSV = "Save it as CSV or XLSX."
_UNPACK = "Unpack it, or pack it with gzip or zip."
_FOREIGN = (
    (b"%PDF", "a PDF", _CSV),
    (b"SQLite format 3", "a database", "Export its table as CSV."),
    (b"BZh", "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\0", "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x89PNG", "a picture", _CSV),
    (b"\xff\xd8\xff", "a picture", _CSV),
    (b"GIF8", "a picture", _CSV),
    (b"{\\rtf", "a text document (RTF)", _CSV),
    (b"ARROW1\0\0", "an Arrow file", "Save it as Parquet or CSV."),
    (b"FEA1", "a Feather file", "Save it as Parquet or CSV."),
    (b"ORC", "an ORC file", "Save it as Parquet or CSV."),
    (b"Obj\x01", "an Avro file", "Save it as Parquet or CSV."),
    (b"\x09\x08\x08\0\0\x05", "a workbook of Excel 5 or older", _CSV),
    (b"\x09\x04\x06\0", "a workbook of Excel 4 or older", _CSV),
    (b"\x09\x02\x06\0", "a workbook of Excel 3 or older", _CSV),
    (b"\x09\0\x04\0", "a workbook of Excel 2 or older", _CSV),
    (b"PARE", "an encrypted Parquet file", "Save it without encryption."),
    (b"version https://git-lfs", "a placeholder of Git LFS", "Download the file itself."),
)
_PAGES = ("<!doctype html", "<html", "<head", "<body", "<table", "<script", "<meta", "<style")


class Form(NamedTuple):
    """A form, and how JSON is written (see `json_form`)."""

    name: str
    json: str = ""


def form_of(source: Path | str) -> Form:
    """The form of a table. Raises InputError for what is known to be something else."""
    if isinstance(source, str):
        return _text_form("The text", source[:HEAD_BYTES])
    with open_binary(source) as (stream, _):
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        for mark, kind, remedy in _FOREIGN:
            if head.startswith(mark) and (len(mark) > 3 or b"\0" in head or not head[:64].isascii()):
                raise InputError(f"{source.name} is {kind}.", remedy)
        if head.startswith(b"PAR1"):
            return Form(PARQUET)
        if head.startswith(OLE):
            return Form(WORKBOOK)
        if head.startswith(b"\x1f\x8b"):
            return Form(GZIP)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return Form(WORKBOOK if is_workbook(source) else ZIP)
        codec = find_encoding(stream, glance=True).codec
    return _text_form(source.name, head.decode(codec, "replace"))


def _text_form(name: str, start: str) -> Form:
    begin = start.lstrip(" \t\r\n\ufeff")[:2000].casefold()
    if begin.startswith(_PAGES):
        raise InputError(f"{name} is a web page.", "Open it in a spreadsheet, and save it as XLSX or CSV.")
    if begin.startswith("<"):
        tag = begin.partition("?>")[2].lstrip() if begin.startswith("<?xml") else begin
        if "urn:schemas-microsoft-com:office:spreadsheet" in begin or "excel.sheet" in begin:
            raise InputError(f"{name} is a spreadsheet in XML.", "Open it in a spreadsheet, and save it as XLSX.")
        if begin.startswith("<?xml"):
            kind = "a web page" if tag.startswith(_PAGES) else "XML"
            raise InputError(f"{name} is {kind}.", "Save it as CSV or XLSX.")
    written = json_form(start)
    return Form(JSON, written) if written else Form(TEXT)


def is_workbook(path: Path) -> bool:
    """Whether a ZIP archive is a workbook. One that cannot be listed is, if its name says so."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist()[:10_000])
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                return b"spreadsheet" in archive.read("mimetype")
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return path.suffix.lower() in (".xlsx", ".xlsm", ".xlsb", ".ods") or path.suffix.lower() not in (".zip",)
    return "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names)
