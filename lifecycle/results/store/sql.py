"""DuckDB, kept small: no network, no extensions, a memory limit, and a place to spill."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import duckdb

    Connection = duckdb.DuckDBPyConnection

READER_MB = 80
KEPT_MB = 2  # of freed memory; the allocator would keep up to half a gigabyte for the next query


def connect(memory_mb: int, spill: Path) -> Connection:
    """Open a database in memory that spills to `spill` beyond `memory_mb`."""
    import duckdb  # 0.1 s; who submits and leaves needs no results

    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(spill),
            "threads": 2,
            "allocator_flush_threshold": f"{KEPT_MB}MB",
            "allocator_bulk_deallocation_flush_threshold": f"{KEPT_MB}MB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_file_cache": False,  # result files are replaced by rename; memory is better spent
        },
    )


@cache
def _reader() -> Connection:
    return connect(READER_MB, _spill_folder())


def _spill_folder() -> Path:
    """A folder of this process alone: a name that others know could be theirs already, or a link to elsewhere."""
    folder = tempfile.mkdtemp(prefix="gemini-batch-results-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def cursor() -> Connection:
    """A connection of one's own to the process's reading database; safe to use from any one thread."""
    return _reader().cursor()


def parquet(path: Path) -> str:
    """A Parquet file as a table in SQL."""
    return "read_parquet('" + str(path).replace("'", "''") + "')"


def parquet_with(path: Path, fields: Iterable[pa.Field]) -> str:
    """The same with columns that its writer, an earlier version, may not have known: null of their type then."""
    present = set(pq.read_schema(path).names)
    missing = [field for field in fields if field.name not in present]
    if not missing:
        return parquet(path)
    types = cursor().from_arrow(pa.schema(missing).empty_table()).types
    nulls = (f"NULL::{kind} AS {quoted(field.name)}" for field, kind in zip(missing, types, strict=True))
    return f"(SELECT *, {', '.join(nulls)} FROM {parquet(path)})"


def text(value: str) -> str:
    """A text as SQL, without NUL, which DuckDB's parser refuses."""
    return "'" + value.replace("\0", "\ufffd").replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal_pattern(value: str) -> str:
    """A text as a pattern for DuckDB's regular expressions, whose time is linear in what they read."""
    return "".join(_ESCAPES.get(char, char) for char in value)


_ESCAPES = {"\0": r"\x00"} | {char: f"\\{char}" for char in r"\.+*?()|[]{}^$-"}
