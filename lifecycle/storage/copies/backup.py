"""One file with all runs, results and bills, written while everything works, and put back in an empty place.

It is a tar: what it is of, the database as a SQLite file (whatever the database is here), and the folders of the runs.
No key is in it: the database has none, and secrets of the data folder are left out.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec
from sqlalchemy import Connection, Table, delete, func, select

from batch.errors import InputError
from batch.model import Stage
from lifecycle.core.run_files import RUN_RECORD
from lifecycle.storage import audit_log, schema
from lifecycle.storage.data_folder import INSTALLATION_FILE, count_run_folders, make_private
from lifecycle.storage.migrations import VERSION
from lifecycle.storage.store import Store

FORMAT = 1
MANIFEST, DATABASE, RUNS = "backup.json", "database.db", "runs"
KEPT_FILES = (audit_log.AUDIT_FILE, "rehearsal-identity", INSTALLATION_FILE)
PASSING = ("revoked:", "forgot:", "served_at", "data_folder")  # settings of this place and these days
ROWS_AT_ONCE = 1_000
NUMBERED = ("event", "observation")  # their ids are the database's own


class Manifest(msgspec.Struct):
    """What a copy is of. `made_at` is in epoch seconds."""

    format: int
    schema: int
    made_at: float
    runs: int
    unfinished: int


MANIFEST_DECODER = msgspec.json.Decoder(Manifest)


@dataclass(frozen=True)
class BackupSummary:
    """What was copied. `unfinished` runs go on from where they were when it is put back."""

    path: Path
    runs: int
    unfinished: int
    size_bytes: int


def write_backup(store: Store, data_dir: Path, target: Path) -> BackupSummary:
    """Write a copy; it appears whole or not at all. Raises InputError for a place that exists or takes nothing.

    The rows are read in one transaction, before the files: files that are there later than their row are no harm, since
    every stage may be run again.
    """
    if target.exists():
        raise InputError(f"{target} exists.", "Choose another name, so that no older copy is lost.")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as name:
            copied = Path(name) / DATABASE
            manifest, unfinished = _copy_database(store, copied)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with (
                os.fdopen(descriptor, "wb") as out,
                tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                _add_bytes(tar, MANIFEST, msgspec.json.encode(manifest))
                _add_file(tar, DATABASE, copied)
                for kept in KEPT_FILES:
                    _add_copy(tar, kept, data_dir / kept, Path(name))
                for run_id in sorted(unfinished):
                    _add_run(tar, data_dir / RUNS / run_id, Path(name), is_final=not unfinished[run_id])
        part.replace(target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error.strerror or error}.",
            "Choose a place with room that can be written to.",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return BackupSummary(target, manifest.runs, manifest.unfinished, target.stat().st_size)


def _copy_database(store: Store, path: Path) -> tuple[Manifest, dict[str, bool]]:
    """Copy all rows as they are at one moment; returns each run, and whether it is still under way."""
    with closing(Store(f"sqlite:///{path}")) as copy, store.snapshot() as source, copy.writing() as target:
        target.execute(delete(schema.setting))
        for table in schema.metadata.sorted_tables:
            _copy_rows(source, target, table)
        r = schema.run
        target.execute(r.update().values(token="", lease_until=0.0))
        runs = {str(row.id): row.stage != Stage.FINISHED for row in target.execute(select(r.c.id, r.c.stage))}
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    return Manifest(FORMAT, VERSION, time.time(), len(runs), sum(runs.values())), runs


def _copy_rows(source: Connection, target: Connection, table: Table) -> None:
    rows = source.execute(select(table).execution_options(yield_per=ROWS_AT_ONCE)).mappings()
    for part in rows.partitions(ROWS_AT_ONCE):
        values = [dict(row) for row in part]
        if table is schema.setting:
            values = [row for row in values if not str(row["name"]).startswith(PASSING)]
        if table.name in NUMBERED:
            values = [{name: value for name, value in row.items() if name != "id"} for row in values]
        if values:
            target.execute(table.insert(), values)


def _add_run(tar: tarfile.TarFile, folder: Path, scratch: Path, *, is_final: bool) -> None:
    """Add a run's folder. What another process is still writing is copied first, so that it has one size."""
    for path in _files(folder):
        name = f"{RUNS}/{folder.name}/{path.relative_to(folder).as_posix()}"
        if is_final and path.name != RUN_RECORD:
            with suppress(FileNotFoundError):  # the run was deleted meanwhile
                _add_file(tar, name, path)
        else:
            _add_copy(tar, name, path, scratch)


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order; links are left out."""
    if folder.is_dir():
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _add_copy(tar: tarfile.TarFile, name: str, path: Path, scratch: Path) -> None:
    """Add a file that may be changed, or go, at any moment."""
    with suppress(FileNotFoundError):
        copied = Path(shutil.copyfile(path, scratch / "copy"))
        _add_file(tar, name, copied)


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    with path.open("rb") as stream:
        tar.addfile(_entry(name, os.fstat(stream.fileno()).st_size), stream)


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_entry(name, len(content)), io.BytesIO(content))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry


def restore_backup(source: Path, url: str, data_dir: Path) -> Manifest:
    """Put a copy back in a place that has no runs. Raises InputError for another place, and for what is no copy."""
    if count_run_folders(data_dir):
        raise InputError(
            f"DATA_DIR ({data_dir}) has runs already.", "Set DATA_DIR to an empty folder, so that nothing is mixed up."
        )
    make_private(data_dir)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=data_dir) as name:
        unpacked = Path(name)
        manifest = _unpack(source, unpacked)
        with closing(Store(f"sqlite:///{unpacked / DATABASE}")) as copy, closing(Store(url)) as store:
            _fill(copy, store, lambda: _move(unpacked, data_dir))
    return manifest


def _unpack(source: Path, folder: Path) -> Manifest:
    """Unpack a copy, and nothing that one does not have."""
    try:
        with tarfile.open(source) as tar:
            for entry in tar:
                if not _belongs(entry):
                    raise InputError(f"{source} holds {entry.name!r}, which no copy does.", "Name a file of `backup`.")
                tar.extract(entry, folder, filter="data")
        manifest = MANIFEST_DECODER.decode((folder / MANIFEST).read_bytes())
    except (OSError, tarfile.TarError, msgspec.DecodeError) as error:
        raise InputError(f"{source} is no copy that can be read: {error}.", "Name a file of `backup`.") from error
    if manifest.format > FORMAT or manifest.schema > VERSION:
        raise InputError(
            f"{source} was written by a newer version of this program.", "Use that version or a later one."
        )
    if not (folder / DATABASE).exists():
        raise InputError(f"{source} has no database in it.", "Name a file of `backup`.")
    return manifest


def _belongs(entry: tarfile.TarInfo) -> bool:
    parts = PurePosixPath(entry.name).parts
    if not entry.isreg() or ".." in parts or entry.name.startswith("/"):
        return False
    return entry.name in (MANIFEST, DATABASE, *KEPT_FILES) or (len(parts) > 2 and parts[0] == RUNS)


def _fill(copy: Store, store: Store, move_files: Callable[[], None]) -> None:
    """Copy the rows, and move the files before they count; all or nothing as far as the database goes."""
    with copy.snapshot() as source, store.writing() as target:
        if target.execute(select(func.count()).select_from(schema.run)).scalar_one():
            raise InputError("The database has runs already.", "Set DATABASE_URL to an empty one.")
        target.execute(delete(schema.setting))
        for table in schema.metadata.sorted_tables:
            _copy_rows(source, target, table)
        move_files()


def _move(unpacked: Path, data_dir: Path) -> None:
    if (unpacked / RUNS).exists():
        with suppress(OSError):
            (data_dir / RUNS).rmdir()
        (unpacked / RUNS).rename(data_dir / RUNS)
    for kept in KEPT_FILES:
        if (unpacked / kept).exists():
            (unpacked / kept).replace(data_dir / kept)
