"""A shard's requests as they are sent, with its files in them: read piece by piece from the disk, never held whole."""

from __future__ import annotations

import base64
from array import array
from bisect import bisect_right
from collections.abc import Generator, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import xxhash

from batch.media.blob_parts import BlobPart, cut_at_blobs, encoded_size, file_reference, inline_frame
from lifecycle.core.run_files import BLOBS

BLOCK_BYTES = 3 * 65_536  # of a file at a time; base64 of a multiple of three has no padding


def with_files(line: bytes, folder: Path, uris: Mapping[str, str]) -> bytes:
    """The JSON of one request as it is sent. `folder` has the files, `uris` are those of the uploaded ones."""
    return b"".join(block for piece in _pieces(line, folder, uris) for block in piece.blocks(0))


class OutgoingRequests:
    """What is uploaded as a batch job's input. `size` is known before anything is read."""

    def __init__(self, requests: Path, folder: Path, uris: Mapping[str, str]) -> None:
        self._requests, self._folder, self._uris = requests, folder, uris

    @cached_property
    def _lines(self) -> tuple[array[int], array[int]]:
        """Where each line begins, in the file and as it is sent; behind the last one the two sizes."""
        offsets, starts = array("q", [0]), array("q", [0])
        with self._requests.open("rb") as lines:
            for line in lines:
                offsets.append(offsets[-1] + len(line))
                starts.append(starts[-1] + sum(piece.size for piece in _pieces(line, self._folder, self._uris)))
        return offsets, starts

    @property
    def size(self) -> int:
        return self._lines[1][-1]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what is sent: blobs are told apart by their names."""
        digest = xxhash.xxh3_64()
        with self._requests.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        for pair in sorted(self._uris.items()):
            digest.update("\n".join(pair).encode())
        return digest.hexdigest()

    def open(self) -> OutgoingStream:
        return OutgoingStream(self)

    def blocks(self, position: int) -> Generator[bytes]:
        """The bytes from a position on."""
        offsets, starts = self._lines
        line_number = bisect_right(starts, position) - 1
        skip = position - starts[line_number]
        with self._requests.open("rb") as lines:
            lines.seek(offsets[line_number])
            for line in lines:
                for piece in _pieces(line, self._folder, self._uris):
                    if skip >= piece.size:
                        skip -= piece.size
                    else:
                        yield from piece.blocks(skip)
                        skip = 0


class OutgoingStream:
    """Reads outgoing requests like a file: in order, from any position."""

    def __init__(self, requests: OutgoingRequests) -> None:
        self._requests = requests
        self._position, self._rest = 0, b""
        self._blocks = requests.blocks(0)

    def __enter__(self) -> OutgoingStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks.close()

    def seek(self, position: int) -> None:
        if position != self._position:
            self._blocks.close()
            self._position, self._rest = position, b""
            self._blocks = self._requests.blocks(position)

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        taken = bytearray(self._rest)
        while len(taken) < size and (block := next(self._blocks, b"")):
            taken += block
        self._rest = bytes(taken[size:])
        del taken[size:]
        self._position += len(taken)
        return bytes(taken)


class _Text:
    """A piece that is sent as it stands."""

    def __init__(self, text: bytes) -> None:
        self._text, self.size = text, len(text)

    def blocks(self, skip: int) -> Iterator[bytes]:
        yield self._text[skip:]


class _Base64:
    """A piece that is a file in base64."""

    def __init__(self, path: Path) -> None:
        self._path, self.size = path, encoded_size(path.stat().st_size)

    def blocks(self, skip: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(skip // 4 * 3)
            skip %= 4
            while raw := file.read(BLOCK_BYTES):
                yield base64.b64encode(raw)[skip:]
                skip = 0


def _pieces(line: bytes, folder: Path, uris: Mapping[str, str]) -> Iterator[_Text | _Base64]:
    for piece in cut_at_blobs(line):
        if not isinstance(piece, BlobPart):
            yield _Text(piece)
        elif piece.sha256 in uris:
            yield _Text(file_reference(uris[piece.sha256], piece.mime_type))
        else:
            before, behind = inline_frame(piece.mime_type)
            yield from (_Text(before), _Base64(folder / BLOBS / piece.sha256), _Text(behind))
