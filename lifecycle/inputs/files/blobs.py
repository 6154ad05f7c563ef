"""Keeps the bytes that requests refer to: one file a content, named by its SHA-256, and an index of what each is."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from batch.media.blob_uri import blob_sha256
from batch.media.facts import MediaFacts
from lifecycle.core.run_files import BLOBS, MEDIA

INDEX_ROWS = 50_000
INDEX_SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("mime_type", pa.string()),
        ("size_bytes", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("pages", pa.int32()),
        ("seconds", pa.float64()),
        ("source", pa.string()),
    ]
)


class BlobStore:
    """The blobs of one draft under way. Several threads may add at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / BLOBS
        self._index = folder / MEDIA
        self._lock = threading.Lock()
        self._known: dict[str, tuple[MediaFacts, str]] = {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, source: Path, facts: MediaFacts, name: str, *, own: bool = False) -> str:
        """Take over the bytes of a file, and return their SHA-256. The same bytes are kept once.

        `name` is the user's file that they come from. `own`: the file is ours, and is linked rather than copied.
        """
        part = self.folder / f".{secrets.token_hex(8)}.part"
        try:
            if own:
                os.link(source, part)
            else:
                shutil.copyfile(source, part)
            sha256, size = _hash_file(part)  # of what is kept: the user's file may change meanwhile
            with self._lock:
                if sha256 not in self._known:
                    part.replace(self.folder / sha256)
                    self._known[sha256] = replace(facts, size_bytes=size), name
        finally:
            part.unlink(missing_ok=True)
        return sha256

    def link(self, sha256: str, source: Path, facts: MediaFacts, name: str) -> None:
        """Take over a blob of another store as it is."""
        with self._lock:
            if sha256 not in self._known:
                os.link(source, self.folder / sha256)
                self._known[sha256] = facts, name

    def holds(self, sha256: str) -> bool:
        """Whether a blob was added."""
        return sha256 in self._known

    def close(self) -> None:
        """Write the index, unless nothing was added."""
        if not self._known:
            with suppress(OSError):
                self.folder.rmdir()
            return
        rows = list(self._known.items())
        with pq.ParquetWriter(self._index, INDEX_SCHEMA, compression="lz4") as out:
            for start in range(0, len(rows), INDEX_ROWS):
                out.write_table(_index_table(rows[start : start + INDEX_ROWS]))

    def discard(self) -> None:
        """Remove everything that was added."""
        for path in self.folder.glob("*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
        self._index.unlink(missing_ok=True)


def read_index(folder: Path) -> Iterator[tuple[str, MediaFacts, str]]:
    """SHA-256, facts and source of each blob of a draft or run; none where it has no files."""
    if not (folder / MEDIA).exists():
        return
    with pq.ParquetFile(folder / MEDIA) as file:
        for batch in file.iter_batches(INDEX_ROWS):
            for row in batch.to_pylist():
                sha256, source = row.pop("sha256"), row.pop("source")
                yield sha256, MediaFacts(**row), source


def facts_lookup(folder: Path) -> Callable[[str], MediaFacts | None]:
    """What is known of the file at a URI, for the requests in a draft's or run's folder."""
    known = {sha256: facts for sha256, facts, _ in read_index(folder)}
    return lambda uri: known.get(blob_sha256(uri))


def _index_table(rows: list[tuple[str, tuple[MediaFacts, str]]]) -> pa.Table:
    records = [{"sha256": sha256, **vars(facts), "source": source} for sha256, (facts, source) in rows]
    return pa.Table.from_pylist(records, schema=INDEX_SCHEMA)


def _hash_file(path: Path) -> tuple[str, int]:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size
