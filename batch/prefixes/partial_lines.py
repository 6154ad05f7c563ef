"""Lines of a batch that leave out what all of its rows share: a scan reads a row without reading that again.

A source of lines whose stream has a `reader` of this kind gives lines on the disk by `on_disk`, and whole ones when it
is read itself. What was left out is stood in for by a few bytes, each begun with a tab, which no JSON value is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from batch.prefixes.request_parts import RawLine

STANDS_IN = b"\t"
"""How begins what stands in a request for something longer."""


class LineReader(Protocol):
    """Reads lines as they lie on the disk."""

    def decode(self, line: bytes) -> RawLine:
        """A line with all that its request has, partly by what stands in for it. Raises MsgspecError."""

    def resolve(self, stand_in: bytes) -> bytes:
        """What something stands in for."""

    def whole(self, line: bytes) -> bytes:
        """The line as it is sent."""


def partial(stream: Iterable[bytes]) -> tuple[Iterable[bytes], LineReader | None]:
    """The lines of a stream as they lie on the disk, and their reader if they leave something out."""
    reader: LineReader | None = getattr(stream, "reader", None)
    return (stream, None) if reader is None else (getattr(stream, "on_disk", stream), reader)
