"""A file read in blocks of whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

BLOCK = 4_000_000


def line_blocks(path: Path) -> Iterator[bytes]:
    """A file in blocks of whole lines, about BLOCK bytes each; nothing if there is no file.

    Read, not mapped: mapped pages count as the process's memory. Between two blocks other threads get their turn.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block + file.readline()
