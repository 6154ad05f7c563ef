"""A run's rows of the database, kept in its folder: what is needed to take the folder up again without the database."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import msgspec

from batch.errors import InputError
from lifecycle.core.run_files import RUN_RECORD
from lifecycle.core.run_records import CacheRecord, EventRecord, RunRecord, ShardRecord
from lifecycle.storage.store import Store

log = logging.getLogger(__name__)
MOST_BYTES = 256_000_000
MOST_EVENTS = 1_000


class StoredRun(msgspec.Struct):
    """All that a database knows of one run. `prefix` begins the names of what its installation made at Google."""

    prefix: str
    run: RunRecord
    shards: list[ShardRecord]
    caches: list[CacheRecord]
    events: list[EventRecord]


DECODER = msgspec.json.Decoder(StoredRun)


def write(store: Store, folder: Path, run_id: str, prefix: str) -> None:
    """Write what the database knows of a run now. A disk that takes nothing stops nobody, and is logged."""
    run = store.run(run_id)
    if run is None or not folder.is_dir():
        return
    run = replace(run, identity="", token="", lease_until=0.0)
    stored = StoredRun(prefix, run, store.shards(run_id), store.caches(run_id), store.events(run_id, MOST_EVENTS))
    part = folder / f"{RUN_RECORD}.part"
    try:
        part.write_bytes(msgspec.json.encode(stored))
        part.replace(folder / RUN_RECORD)
    except OSError as error:
        log.warning("The record of run %s could not be written: %s", run_id, error.strerror or error)


def read(folder: Path) -> StoredRun:
    """What is written in a run's folder. Raises InputError for a folder that has no such file, or a broken one."""
    path = folder / RUN_RECORD
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is too large for the record of a run.", "Name the folder of a run.")
        return DECODER.decode(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{folder} has no {RUN_RECORD} that can be read.", "Name the folder of a run: DATA_DIR/runs/…"
        ) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise InputError(f"{path} is broken.", "Put the folder back from a copy.") from error
