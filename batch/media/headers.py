"""What the first bytes of pictures, PDFs and sound tell of their size, read without any library. Pure.

Good enough for what stands in a request in base64, where nothing is to be trusted and every byte is read once.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib

from batch.media.facts import MediaFacts

HEADER_CHARACTERS = 1 << 19  # of base64; a JPEG's size may come after a large preview
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MOST_INFLATED = 16 << 20  # bytes of one object stream
_PDF_LEAF = re.compile(rb"/Type\s{0,9}/Page(?![A-Za-z])")
_PDF_COUNTS = (
    re.compile(rb"/Type\s{0,9}/Pages\b[^>]{0,400}?/Count\s{1,9}(\d{1,9})"),
    re.compile(rb"/Count\s{1,9}(\d{1,9})[^>]{0,400}?/Type\s{0,9}/Pages\b"),
)
_OBJECT_STREAM = re.compile(rb"/Type\s{0,9}/ObjStm")


def inline_facts(mime_type: str, data: str) -> MediaFacts:
    """What the headers of base64 data of this type tell."""
    size = len(data) // 4 * 3
    if mime_type.startswith("image/"):
        width, height = image_size(decode_base64(data[:HEADER_CHARACTERS])) or (None, None)
        return MediaFacts(mime_type, size, width, height)
    if mime_type == "application/pdf":
        return MediaFacts(mime_type, size, pages=pdf_pages(decode_base64(data)))
    seconds = wav_seconds(decode_base64(data[:HEADER_CHARACTERS])) if mime_type.startswith("audio/") else None
    return MediaFacts(mime_type, size, seconds=seconds)


def decode_base64(data: str) -> bytes:
    """The bytes of base64 in either alphabet, padded or cut short; empty if it is no base64."""
    standard = data.replace("-", "+").replace("_", "/").rstrip("=")
    usable = len(standard) - (len(standard) % 4 == 1)
    try:
        return base64.b64decode(standard[:usable] + "=" * (-usable % 4))
    except (binascii.Error, ValueError):
        return b""


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height from the first bytes of a PNG, GIF, JPEG, WebP or HEIC; None for anything else."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", head[16:24])
        if head.startswith((b"GIF87a", b"GIF89a")):
            return struct.unpack("<HH", head[6:10])
        if head.startswith(b"\xff\xd8"):
            return _jpeg_size(head)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _webp_size(head)
        if head[4:8] == b"ftyp":
            return _heif_size(head)
    except (struct.error, IndexError):
        pass
    return None


def pdf_pages(data: bytes) -> int | None:
    """Pages of a PDF, those in compressed object streams included; None if nothing of its page tree can be read."""
    found = [_count_pages(data)]
    for match in _OBJECT_STREAM.finditer(data):
        begin = data.find(b"stream", match.end(), match.end() + 1000)
        if begin < 0:
            continue
        body = data[begin + 6 : begin + 6 + _MOST_INFLATED].lstrip(b"\r\n")
        try:
            found.append(_count_pages(zlib.decompressobj().decompress(body, _MOST_INFLATED)))
        except zlib.error:
            continue  # in another encoding
    return max(max(tree for _, tree in found), sum(leaves for leaves, _ in found)) or None


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


def webm_seconds(head: bytes) -> float | None:
    """Length of a WebM or Matroska file, where its header has one."""
    scale = _ebml_value(head, b"\x2a\xd7\xb1")
    duration = _ebml_value(head, b"\x44\x89")
    if duration is None or len(duration) not in (4, 8):
        return None
    ticks: float = struct.unpack(">f" if len(duration) == 4 else ">d", duration)[0]
    seconds = ticks * (int.from_bytes(scale, "big") if scale else 1_000_000) / 1e9
    return seconds if 0 < seconds < 1e7 else None


def _count_pages(data: bytes) -> tuple[int, int]:
    """Leaves of the page tree that stand in some bytes, and the largest count that a node of it gives."""
    counts = [int(n) for pattern in _PDF_COUNTS for n in pattern.findall(data)]
    return len(_PDF_LEAF.findall(data)), max(counts, default=0)


def _ebml_value(head: bytes, name: bytes) -> bytes | None:
    """The bytes of an element of a short length, found by its name."""
    place = head.find(name) + len(name)
    if place < len(name) or place >= len(head) or not 0x81 <= head[place] <= 0x88:
        return None
    length = head[place] & 0x7F
    value = head[place + 1 : place + 1 + length]
    return value if len(value) == length else None


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


def _heif_size(head: bytes) -> tuple[int, int] | None:
    """The largest size that a HEIC file gives of anything in it: that of the picture, not of its tiles or preview."""
    sizes = []
    place = head.find(b"ispe")
    while place >= 0:
        sizes.append(struct.unpack(">II", head[place + 8 : place + 16]))
        place = head.find(b"ispe", place + 4)
    return max(sizes, key=lambda size: size[0] * size[1], default=None)
