"""Pictures as files for users, named by their rows' keys, in a folder or a ZIP, with a table beside them."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from batch.formatting import plural
from lifecycle.results.export.export import ExportOptions, ExportResult, export
from lifecycle.results.read.table import ALL_ROWS, ResultTable

TABLE_FORMATS = ("csv", "xlsx", "parquet", "jsonl")
LONGEST_NAME = 120
BATCH_ROWS = 1024
_UNSAFE = re.compile(r"[^\w.\- #()+,=@]")


def export_pictures(
    table: ResultTable, target: Path, options: ExportOptions | None = None, *, table_format: str = "csv"
) -> ExportResult:
    """Write every picture and a table of all rows into a folder, or a file `.zip`; the table names the pictures.

    Whatever a key is, its pictures lie in the folder itself: `KEY.jpg`, or `KEY-1.jpg`, `KEY-2.jpg` where there are
    several. Files of the same names are replaced, others in the folder are left alone.
    """
    names = PictureNames()  # the table is given the same: both go through all rows in their order
    options = replace(options or ExportOptions(), where=ALL_ROWS, picture_names=PictureNames().of)
    with tempfile.TemporaryDirectory(prefix=".pictures-", dir=target.parent) as scratch:
        written = export(table, Path(scratch) / f"results.{table_format}", table_format, options)
        if target.suffix.lower() == ".zip":
            part = Path(scratch) / "pictures.zip"
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                count = _copy(table, names, lambda source, name: archive.write(source, name))
                archive.write(written.path, written.path.name, zipfile.ZIP_DEFLATED)
            part.replace(target)
        else:
            target.mkdir(exist_ok=True)
            count = _copy(table, names, lambda source, name: _place(source, target / name))
            _place(written.path, target / written.path.name)
    return ExportResult(target, written.rows, (*written.notes, f"{plural(count, 'picture')}."))


def _place(source: Path, target: Path) -> None:
    """Copy a file so that it is there whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def _copy(table: ResultTable, names: PictureNames, put: Callable[[Path, str], object]) -> int:
    count = 0
    for source, name in picture_files(table, names):
        put(source, name)
        count += 1
    return count


def picture_files(table: ResultTable, names: PictureNames) -> Iterator[tuple[Path, str]]:
    """Each picture of a result: where it is, and the name that users know it by."""
    with pq.ParquetFile(table.results, pre_buffer=False) as results:
        for batch in results.iter_batches(BATCH_ROWS, columns=["key", "file", "pictures"], use_threads=False):
            for row in batch.to_pylist():
                pictures = row["pictures"] or []
                folder = table.run_folder(row["file"])
                for picture, name in zip(pictures, names.of(row["key"], pictures), strict=True):
                    yield folder / picture["file"], name


def safe_name(name: str, otherwise: str) -> str:
    """A name for a file that is safe on every system."""
    return _UNSAFE.sub("_", name).strip(". ")[:LONGEST_NAME] or otherwise


class PictureNames:
    """Names for pictures: safe on every system, and no two the same in any case."""

    def __init__(self) -> None:
        self._taken: set[str] = {f"results.{kind}" for kind in TABLE_FORMATS}

    def of(self, key: str, pictures: list[dict[str, str]]) -> list[str]:
        stem = safe_name(key, "row")
        numbers = [""] if len(pictures) == 1 else [f"-{n}" for n in range(1, len(pictures) + 1)]
        suffixes = [Path(picture["file"]).suffix for picture in pictures]
        attempt, names = 1, [f"{stem}{n}{suffix}" for n, suffix in zip(numbers, suffixes, strict=False)]
        while self._taken & {name.casefold() for name in names}:
            attempt += 1
            names = [f"{stem}~{attempt}{n}{suffix}" for n, suffix in zip(numbers, suffixes, strict=False)]
        self._taken.update(name.casefold() for name in names)
        return names
