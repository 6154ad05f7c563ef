"""Cuts a request's JSON at the blobs that it refers to, and says what is sent in the place of each."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from batch.media.blob_uri import FILE_URI, blob_sha256

_FILE_DATA = re.compile(rb'"fileData"\s*:\s*(\{[^{}]*\})')


class BlobPart(NamedTuple):
    """A `fileData` that stands for a blob."""

    sha256: str
    mime_type: str


def cut_at_blobs(line: bytes) -> list[bytes | BlobPart]:
    """The JSON of a request in pieces: what is sent as it stands, and each blob between."""
    if b'"blob:' not in line:
        return [line]
    pieces: list[bytes | BlobPart] = []
    end = 0
    for match in _FILE_DATA.finditer(line):
        if FILE_URI.search(match[1]):
            data = json.loads(match[1])
            pieces += [line[end : match.start()], BlobPart(blob_sha256(data["fileUri"]), data.get("mimeType") or "")]
            end = match.end()
    return [*pieces, line[end:]]


def inline_frame(mime_type: str) -> tuple[bytes, bytes]:
    """What stands before and behind a blob's base64 where it is sent inside the request."""
    return b'"inlineData":{"mimeType":%b,"data":"' % json.dumps(mime_type).encode(), b'"}'


def file_reference(uri: str, mime_type: str) -> bytes:
    """What is sent in a blob's place once it is a file at Google."""
    return b'"fileData":{"fileUri":%b,"mimeType":%b}' % (json.dumps(uri).encode(), json.dumps(mime_type).encode())


def encoded_size(size_bytes: int) -> int:
    """Bytes of base64 for so many bytes."""
    return 4 * ((size_bytes + 2) // 3)
