"""The table that a run was made of, as it was given, and how it was read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

import msgspec

from lifecycle.core.run_files import DRAFT, SOURCE
from lifecycle.inputs.tables.reading import ReadAs

WORKBOOK, PARQUET = "xlsx", "parquet"
DELIMITED = ("csv", "tsv")
RECORDS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True)
class GivenTable:
    """A table's file, its name when it was given, how it was read, and the names of its columns."""

    path: Path
    name: str
    read_as: ReadAs
    columns: tuple[str, ...]

    @property
    def format(self) -> str:
        """The format that it can be given back in, "" if in none. That of a text is its name's, if it tells one."""
        told = self.read_as
        if told.format in DELIMITED:
            suffix = PurePath(self.name).suffix.lower().lstrip(".")
            return (suffix if suffix in DELIMITED else told.format) if told.encoding else ""
        if told.format == WORKBOOK:
            return WORKBOOK if told.sheet and not told.packed else ""
        if told.format == "json":
            return RECORDS.get(PurePath(self.name).suffix.lower(), "") if not told.packed else ""
        return PARQUET if told.format == PARQUET and not told.packed else ""

    def fits(self, format: str) -> bool:
        """Whether the table can be given back in a file of this format."""
        return bool(self.format) and format == self.format


class _Stored(msgspec.Struct):
    source_name: str = ""
    read_as: ReadAs | None = None
    columns: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Stored).decode


def given_table(folder: Path) -> GivenTable | None:
    """The table of a run's folder; None where it was made of something else, or where the table was not kept."""
    if not (folder / SOURCE).exists():
        return None
    try:
        stored = _decode((folder / DRAFT).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    if stored.read_as is None:
        return None
    return GivenTable(folder / SOURCE, stored.source_name, stored.read_as, stored.columns)
