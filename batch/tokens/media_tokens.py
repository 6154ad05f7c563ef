"""How many tokens inline pictures, PDFs and sound have, read from their own headers. Pure.

The rules are Google's for its 2.x models: a picture of at most 384 pixels a side is 258 tokens, a larger one 258 for
each tile of 768 pixels; a PDF page 258; sound 32 a second. Gemini 3 models may count pictures and pages otherwise
(their media resolution can be chosen); what is really counted shows in a sample or a canary.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct

TILE_TOKENS = 258
PAGE_TOKENS = 258
AUDIO_TOKENS_PER_SECOND = 32
_SMALL, _TILE = 384, 768
_HEADER_CHARACTERS = 1 << 19  # a JPEG's size may come after a large preview
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def count_media_tokens(mime_type: str, data: str) -> int | None:
    """Tokens of base64 data of this type; None if it cannot be told."""
    if mime_type.startswith("image/"):
        size = image_size(decode_base64(data[:_HEADER_CHARACTERS]))
        return image_tokens(*size) if size else None
    if mime_type == "application/pdf":
        pages = pdf_pages(decode_base64(data))
        return pages * PAGE_TOKENS if pages else None
    if mime_type.startswith("audio/"):
        seconds = wav_seconds(decode_base64(data[:_HEADER_CHARACTERS]))
        return None if seconds is None else round(seconds * AUDIO_TOKENS_PER_SECOND)
    return None


def decode_base64(data: str) -> bytes:
    """The bytes of base64 in either alphabet, padded or cut short; empty if it is no base64."""
    standard = data.replace("-", "+").replace("_", "/").rstrip("=")
    usable = len(standard) - (len(standard) % 4 == 1)
    try:
        return base64.b64decode(standard[:usable] + "=" * (-usable % 4))
    except (binascii.Error, ValueError):
        return b""


def image_tokens(width: int, height: int) -> int:
    """Tokens of a picture of that many pixels."""
    if width <= _SMALL and height <= _SMALL:
        return TILE_TOKENS
    return -(-width // _TILE) * -(-height // _TILE) * TILE_TOKENS


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height from the first bytes of a PNG, GIF, JPEG or WebP; None for anything else."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", head[16:24])
        if head.startswith((b"GIF87a", b"GIF89a")):
            return struct.unpack("<HH", head[6:10])
        if head.startswith(b"\xff\xd8"):
            return _jpeg_size(head)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp_size(head)
    except (struct.error, IndexError):
        pass
    return None


def pdf_pages(data: bytes) -> int | None:
    """Pages of a PDF; None if its page tree is compressed and cannot be read without a PDF library."""
    leaves = len(re.findall(rb"/Type\s*/Page(?![A-Za-z])", data))
    counts = [int(n) for n in re.findall(rb"/Type\s*/Pages\b[^>]{0,400}?/Count\s+(\d+)", data)]
    counts += [int(n) for n in re.findall(rb"/Count\s+(\d+)[^>]{0,400}?/Type\s*/Pages\b", data)]
    return max([leaves, *counts]) or None


def wav_seconds(head: bytes) -> float | None:
    """Length of a WAV file from its header; None for other formats."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    offset, rate = 12, 0
    while offset + 8 <= len(head):
        kind, length = head[offset : offset + 4], int.from_bytes(head[offset + 4 : offset + 8], "little")
        if kind == b"fmt ":
            rate = int.from_bytes(head[offset + 16 : offset + 20], "little")
        if kind == b"data":
            return length / rate if rate else None
        offset += 8 + length + length % 2
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    offset = 2
    while offset + 9 <= len(head) and head[offset] == 0xFF:
        if head[offset + 1] in _JPEG_SIZES:
            height, width = struct.unpack(">HH", head[offset + 5 : offset + 9])
            return width, height
        offset += 2 + int.from_bytes(head[offset + 2 : offset + 4], "big")
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    chunk_type = head[12:16]
    if chunk_type == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if chunk_type == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if chunk_type == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
