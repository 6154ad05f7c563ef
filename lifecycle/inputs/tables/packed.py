"""Tables that are packed: with gzip, or alone in a ZIP archive."""

from __future__ import annotations

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from batch.errors import InputError
from batch.formatting import quoted_list
from lifecycle.inputs.tables.forms import GZIP, ZIP, is_workbook

UNPACKED_BYTES = 4_000_000_000
GLANCE_BYTES = 4_000_000
SUFFIXES = (
    ".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".xlsx", ".xlsm", ".xls", ".xlsb",
    ".ods",
)  # fmt: skip
_BROKEN = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def unpacked(path: Path, form: str, *, glance: bool) -> Iterator[Path]:
    """The table inside of a packed file, for a time. Of a text in gzip a `glance` unpacks the beginning only."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if form == GZIP:
                inner = Path(folder) / (path.name.removesuffix(".gz") or "table")
                with gzip.open(path) as packed:
                    _copy(packed, inner, path, glance=glance)
            else:
                with zipfile.ZipFile(path) as archive:
                    entry = table_entry(archive, path)
                    inner = Path(folder) / Path(entry.filename).name
                    with archive.open(entry) as packed:
                        _copy(packed, inner, path, glance=False)
        except _BROKEN as error:
            raise InputError(f"{path.name} cannot be unpacked: {_reason(error)}.", "Pack it again.") from None
        yield inner


def packed_form(path: Path) -> str:
    """How a file is packed, by its first bytes: `GZIP`, `ZIP` or ""."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError:
        return ""
    if start.startswith(b"\x1f\x8b"):
        return GZIP
    return ZIP if start == b"PK\x03\x04" and not is_workbook(path) else ""


def table_entry(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one table in an archive. Raises InputError if there is none, or more than one."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_hidden(entry.filename)]
    tables = [entry for entry in entries if entry.filename.lower().endswith(SUFFIXES)] or entries
    if len(tables) == 1:
        if tables[0].flag_bits & 1:
            raise InputError(f"{path.name} is protected by a password.", "Unpack it, and choose the table in it.")
        return tables[0]
    if not tables:
        raise InputError(f"{path.name} is empty.", "Choose another file.")
    names = quoted_list([entry.filename for entry in tables], 5)
    raise InputError(f"{path.name} holds {len(tables):,} files: {names}.", "Unpack it, and choose one of them.")


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _copy(packed: _Stream, inner: Path, path: Path, *, glance: bool) -> None:
    size = 0
    with inner.open("wb") as out:
        start = packed.read(GLANCE_BYTES)
        out.write(start)
        if glance and not start.startswith((b"PAR1", b"PK", b"\xd0\xcf")):
            return
        size += len(start)
        while block := packed.read(1 << 20):
            size += len(block)
            if size > UNPACKED_BYTES:
                raise InputError(f"{path.name} unpacks to more than 4 GB.", "Split it.")
            out.write(block)


def _reason(error: BaseException) -> str:
    if isinstance(error, EOFError):
        return "it is cut off"
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
