"""Decides which files travel inside the requests and which are uploaded first, by arithmetic. Pure.

Inside a request nothing can expire, be lost or have to be waited for, so that is the rule. A file is uploaded where a
request would grow too large with it, or where so many requests have it that repeating it costs more than it is worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batch.formatting import plural
from batch.media.blob_parts import encoded_size
from batch.model import SendFiles

ROW_BYTES = 100_000_000
"""Of one request with its inline data (the page on file inputs, since 2026-01-12)."""
REPEATED_BYTES = 10_000_000
"""Of one content, beyond its first time inside a request: from here on it is uploaded once."""
FRAME_BYTES = 60
"""Roughly what stands around a blob's bytes, or in their place where it is uploaded."""


@dataclass(frozen=True)
class RowFiles:
    """One request: bytes of its own, and the contents that it refers to, repeated as often as it does."""

    size_bytes: int
    blobs: tuple[str, ...]


@dataclass(frozen=True)
class FileDelivery:
    """How the files of a run travel. `sent_bytes` are those of all requests as they are sent, `largest_bytes` those of
    the largest; `inline_bytes` is base64, counted as often as it is sent, `upload_bytes` are files, each counted once.
    """

    uploads: frozenset[str] = frozenset()
    inline_files: int = 0
    inline_bytes: int = 0
    upload_bytes: int = 0
    sent_bytes: int = 0
    largest_bytes: int = 0

    def describe(self) -> str:
        """How the files travel, in a sentence."""
        uploads = len(self.uploads)
        inline = f"{plural(self.inline_files, 'file travels', 'files travel')} inside the requests"
        first = f"{plural(uploads, 'file', 'files')}, {size_text(self.upload_bytes)}, "
        first += "is uploaded first" if uploads == 1 else "are uploaded first"
        return "; ".join([inline] * bool(self.inline_files) + [first] * bool(uploads)) + "."


def decide(
    rows: Iterable[RowFiles], sizes: Mapping[str, int], choice: SendFiles, row_bytes: int = ROW_BYTES
) -> FileDelivery:
    """Decide for each content, the same for all rows. `sizes` are bytes by content, `row_bytes` the most of a row."""
    uses: Counter[str] = Counter()
    large: list[RowFiles] = []
    own_bytes = largest = 0
    for row in rows:
        uses.update(row.blobs)
        own_bytes += row.size_bytes
        size = sent_size(row, sizes, frozenset())
        largest = max(largest, size)
        if size > row_bytes:
            large.append(row)
    uploads = set(uses) if choice is SendFiles.UPLOAD else set[str]()
    if choice is SendFiles.AUTO:
        uploads = {blob for blob, count in uses.items() if (count - 1) * encoded_size(sizes[blob]) > REPEATED_BYTES}
        for row in large:
            uploads |= _lightened(row, sizes, uploads, row_bytes)
    inline = uses.keys() - uploads
    inline_bytes = sum(uses[blob] * encoded_size(sizes[blob]) for blob in inline)
    return FileDelivery(
        uploads=frozenset(uploads),
        inline_files=len(inline),
        inline_bytes=inline_bytes,
        upload_bytes=sum(sizes[blob] for blob in uploads),
        sent_bytes=own_bytes + inline_bytes + FRAME_BYTES * uses.total(),
        largest_bytes=max((sent_size(row, sizes, uploads) for row in large), default=min(largest, row_bytes)),
    )


def size_text(size_bytes: int) -> str:
    """A size as people read it."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:,.1f} {name}"
    return f"{-(-size_bytes // 1000):,} kB"


def sent_size(row: RowFiles, sizes: Mapping[str, int], uploads: frozenset[str] | set[str]) -> int:
    """Bytes of a request as it is sent."""
    inline = sum(encoded_size(sizes[blob]) for blob in row.blobs if blob not in uploads)
    return row.size_bytes + inline + FRAME_BYTES * len(row.blobs)


def _lightened(row: RowFiles, sizes: Mapping[str, int], uploads: set[str], row_bytes: int) -> set[str]:
    """What must be uploaded of a row that is too large: its largest files first, until it fits."""
    chosen = set[str]()
    for blob in sorted(set(row.blobs) - uploads, key=lambda blob: (-sizes[blob], blob)):
        if sent_size(row, sizes, uploads | chosen) <= row_bytes:
            break
        chosen.add(blob)
    return chosen
