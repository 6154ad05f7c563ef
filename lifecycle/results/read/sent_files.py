"""The files that a row's request took along: what they are called, which page, and under which name they lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from batch.media.blob_uri import line_blobs
from batch.media.file_types import kind_of
from lifecycle.core.run_files import BLOBS, MEDIA


class SentFile(NamedTuple):
    """One file: `sha256` names it in the run's folder of blobs; `page` is the one that was cut out, None for all.

    `kind` is "picture", "PDF", "sound", "video" or "file"; "" where nothing is known of it any more.
    """

    sha256: str
    name: str
    page: int | None = None
    kind: str = ""


def sent_files(folder: Path, request: bytes, row: Mapping[str, Any]) -> tuple[SentFile, ...]:
    """The files of a request in their order; `row` has the columns of the input, `folder` is that of its run."""
    blobs = list(dict.fromkeys(line_blobs(request)))
    if not blobs:
        return ()
    known = _index(folder, blobs)
    name, page = _of_row(row)
    return tuple(
        SentFile(sha256, name or str(known.get(sha256, {}).get("source") or sha256), page, _kind(folder, sha256, known))
        for sha256 in blobs
    )


def _of_row(row: Mapping[str, Any]) -> tuple[str, int | None]:
    """The file and page that a row was made of, as its own columns have them: of equal files each has its own name."""
    name, page = row.get("file"), row.get("page")
    made_of_file = isinstance(name, str) and "page" in row
    return (str(name), page if isinstance(page, int) else None) if made_of_file else ("", None)


def _index(folder: Path, blobs: list[str]) -> dict[str, dict[str, Any]]:
    """What the index says of these blobs. Copies have one entry, with the name of the first."""
    if not (folder / MEDIA).exists():
        return {}
    columns = ["sha256", "mime_type", "source"]
    rows = pq.read_table(folder / MEDIA, columns=columns, filters=[("sha256", "in", blobs)]).to_pylist()
    return {row["sha256"]: row for row in rows}


def _kind(folder: Path, sha256: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    return kind_of(known[sha256]["mime_type"]) if sha256 in known and (folder / BLOBS / sha256).is_file() else ""
