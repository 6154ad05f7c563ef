"""Whether a picture may end too early: a glance at its end, which costs nothing beside decoding it all."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 4_096
_ENDS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}


def may_be_cut_short(path: Path, mime_type: str, size_bytes: int) -> bool:
    """Whether the end of a JPEG, PNG or WebP is not where it should be; other pictures are decoded anyway."""
    with path.open("rb") as stream:
        if mime_type == "image/webp":
            return int.from_bytes(stream.read(8)[4:], "little") + 8 > size_bytes
        if mime_type not in _ENDS:
            return False
        stream.seek(max(0, size_bytes - TAIL_BYTES))
        return _ENDS[mime_type] not in stream.read()
