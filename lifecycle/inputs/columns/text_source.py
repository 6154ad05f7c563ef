"""A text as UTF-8, read in blocks of bytes and line by line in turns."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from batch.sniffing.encodings import UTF8

READ_BYTES = 1 << 20


class TextSource:
    """Reads a stream from where it stands. What means nothing in the encoding becomes the replacement character."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream = stream
        self._decoder = None if codec == UTF8 else codecs.getincrementaldecoder(codec)("replace")
        self._buffer = b""
        self._at = 0
        self._rest = ""  # of a line that was read in part
        self._first = True
        self._ended = False
        self._filled = 0

    def block(self, size: int) -> bytes:
        """About `size` bytes of UTF-8, or what is left; b"" at the end."""
        while not self._ended and len(self._buffer) - self._at < size:
            self._fill(size)
        data, self._buffer, self._at = self._buffer[self._at :], b"", 0
        return data

    def unread(self, data: bytes) -> None:
        """Put back what was read of a block."""
        self._buffer, self._at = data + self._buffer[self._at :], 0

    def readline(self, limit: int) -> str:
        """The next line with its line feed, or `limit` characters of it; "" at the end."""
        if not self._rest:
            self._rest = self._line(limit)
        line, self._rest = self._rest[:limit], self._rest[limit:]
        return line

    @property
    def place(self) -> int:
        """How many bytes of UTF-8 were read."""
        return self._filled - (len(self._buffer) - self._at)

    def _line(self, limit: int) -> str:
        seen = self._at
        while (end := self._buffer.find(b"\n", seen)) < 0 and len(self._buffer) - self._at < 4 * limit:
            seen = len(self._buffer)
            if self._ended:
                break
            seen -= self._at  # the buffer is cut at its place
            self._fill(READ_BYTES)
        end = len(self._buffer) if end < 0 else end + 1
        line, self._at = self._buffer[self._at : end], end
        return line.decode("utf-8", "replace")

    def _fill(self, size: int) -> None:
        raw = self._stream.read(size)
        self._ended = not raw
        text = raw if self._decoder is None else self._decoder.decode(raw, not raw).encode("utf-8", "replace")
        if self._first and self._decoder is None:
            text = text.removeprefix(codecs.BOM_UTF8)
        self._first = False
        self._filled += len(text)
        self._buffer, self._at = self._buffer[self._at :] + text, 0
