"""What a draft's requests weigh with the files that they refer to, and how those travel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from batch.errors import InputError
from batch.media.blob_uri import line_blobs
from batch.model import SendAs, SendFiles
from batch.planning.file_delivery import ROW_BYTES, FileDelivery, RowFiles, decide, sent_size, size_text
from lifecycle.core.run_files import BLOBS, UPLOADS
from lifecycle.core.transport import BatchLimits

_decode_uploads = msgspec.json.Decoder(frozenset[str]).decode


def plan_delivery(requests: Path, choice: SendFiles, row_bytes: int = ROW_BYTES) -> FileDelivery | None:
    """How the files of these requests travel; None where they refer to none."""
    if not has_files(requests.parent):
        return None
    sizes = _Sizes(requests.parent)
    return decide(_rows(requests), sizes, choice, row_bytes)


def delivery_error(delivery: FileDelivery | None) -> InputError | None:
    """Why files cannot travel like this; None if they can."""
    if delivery is None or delivery.largest_bytes <= ROW_BYTES:
        return None
    size, limit = size_text(delivery.largest_bytes), size_text(ROW_BYTES)
    return InputError(
        f"The largest request has {size} with its files inside, and Google takes {limit}.",
        "Let files be uploaded first where that is needed: send them by Auto.",
    )


def row_limit(send_as: SendAs, limits: BatchLimits | None = None) -> int:
    """Bytes that one request may have with the files inside it."""
    return min(ROW_BYTES, (limits or BatchLimits()).inline_bytes) if send_as is SendAs.INLINE else ROW_BYTES


def has_files(folder: Path) -> bool:
    """Whether requests of a draft or run refer to files beside them."""
    return (folder / BLOBS).is_dir()


def write_uploads(delivery: FileDelivery, folder: Path) -> None:
    """Keep with a run which of its files are uploaded."""
    part = folder / f"{UPLOADS}.part"
    part.write_bytes(msgspec.json.encode(sorted(delivery.uploads)))
    part.replace(folder / UPLOADS)


def read_uploads(folder: Path) -> frozenset[str]:
    """The SHA-256 of each of a run's files that are uploaded."""
    path = folder / UPLOADS
    return _decode_uploads(path.read_bytes()) if path.exists() else frozenset()


class SentSizes:
    """How large lines of a run's requests are as they are sent; the files are in its folder."""

    def __init__(self, folder: Path) -> None:
        self.with_files, self._uploads = has_files(folder), read_uploads(folder)
        self._sizes = _Sizes(folder)

    def of_line(self, line: bytes) -> int:
        return sent_size(_row(line), self._sizes, self._uploads) if self.with_files else len(line)

    def of_file(self, requests: Path) -> Iterator[int]:
        """One size a line."""
        with _open(requests) as lines:
            yield from map(self.of_line, lines)

    def uploads_of_file(self, requests: Path) -> Iterator[float]:
        """Bytes of uploaded files, one figure a line: of one that several lines name, each has its share."""
        if not self._uploads:
            with _open(requests) as lines:
                yield from (0.0 for _ in lines)
            return
        uses = Counter(blob for row in _rows(requests) for blob in set(row.blobs) & self._uploads)
        for row in _rows(requests):
            yield sum(self._sizes[blob] / uses[blob] for blob in set(row.blobs) & self._uploads)


def _open(requests: Path) -> BinaryIO:
    from lifecycle.requests.request_file import open_requests  # numpy, which most verbs of the terminal do without

    return open_requests(requests)


def _rows(requests: Path) -> Iterator[RowFiles]:
    with _open(requests) as lines:
        yield from map(_row, lines)


def _row(line: bytes) -> RowFiles:
    return RowFiles(len(line), tuple(line_blobs(line)))


class _Sizes(dict[str, int]):
    """Bytes of each blob beside the requests, looked at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._blobs = folder / BLOBS

    def __missing__(self, sha256: str) -> int:
        size = self[sha256] = (self._blobs / sha256).stat().st_size
        return size
