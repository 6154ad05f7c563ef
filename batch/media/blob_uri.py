"""How a request names bytes that are kept beside it: by their SHA-256, never by where they came from."""

from __future__ import annotations

import re

PREFIX = "blob:"
_URI = re.compile(r"blob:([0-9a-f]{64})")
FILE_URI = re.compile(rb'"fileUri"\s*:\s*"blob:([0-9a-f]{64})"')
"""Finds the blobs of a line of canonical JSON; inside a text the quotation marks would be escaped."""


def blob_uri(sha256: str) -> str:
    return PREFIX + sha256


def blob_sha256(uri: str) -> str:
    """The SHA-256 that a blob's URI names, in hex; "" for any other address."""
    match = _URI.fullmatch(uri)
    return match[1] if match else ""


def blob_part(sha256: str, mime_type: str) -> bytes:
    """The part of a request that stands for a blob, as JSON."""
    return b'{"fileData":{"fileUri":"blob:%b","mimeType":"%b"}}' % (sha256.encode(), mime_type.encode())


def line_blobs(line: bytes) -> list[str]:
    """The SHA-256 of each blob that a line of `requests.jsonl` refers to, in order, repeated as often as it does."""
    return [match.decode() for match in FILE_URI.findall(line)] if b'"blob:' in line else []
