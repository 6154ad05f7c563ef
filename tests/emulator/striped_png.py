"""A small picture to send."""

from __future__ import annotations

import struct
import zlib


def striped_png(seed: int, size: int = 64) -> bytes:
    """A small PNG of coloured stripes, the same for the same seed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    red, green, blue = seed & 255, seed >> 8 & 255, seed >> 16 & 255
    row = b"\0" + b"".join(bytes(((red + 3 * x) & 255, (green + x) & 255, (blue + 2 * x) & 255)) for x in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    note = b"Comment\0made by a test"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", note)
        + chunk(b"IDAT", zlib.compress(row * size))
        + chunk(b"IEND", b"")
    )
