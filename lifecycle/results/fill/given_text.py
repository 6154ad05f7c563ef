"""A table of text as it was given: unpacked, behind its byte order mark, in bytes of which lines can be told."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, cast

from batch.errors import InputError
from batch.sniffing.encodings import named_encoding
from lifecycle.results.fill.given_table import GivenTable
from lifecycle.results.workbook.xml_outline import UnusualPart

_BLOCK = 1 << 20
_GLANCE = 1 << 16
_WIDE = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
_MARKS = (codecs.BOM_UTF8, *_WIDE)


@dataclass(frozen=True)
class GivenText:
    """A text's mark at its start, and its encoding by Python's name; `inner` is the one that it is worked on in."""

    mark: bytes
    encoding: str

    @property
    def wide(self) -> bool:
        """Whether a sign takes two or four bytes, so that lines cannot be told by single ones."""
        return self.encoding.startswith(("utf-16", "utf-32"))

    @property
    def inner(self) -> str:
        return "utf-8" if self.wide else self.encoding


@contextmanager
def open_text(given: GivenTable) -> Iterator[tuple[IO[bytes], GivenText]]:
    """A text behind its mark, in its inner encoding."""
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(given.path.open("rb"))
        if given.read_as.packed == "gzip":
            file = cast(IO[bytes], stack.enter_context(gzip.open(file, "rb")))
        elif given.read_as.packed == "zip":
            file = stack.enter_context(_only_file(stack.enter_context(zipfile.ZipFile(file))))
        elif given.read_as.packed:
            raise UnusualPart(f"it is packed as {given.read_as.packed}")
        start = file.read(_GLANCE)
        mark = next((mark for mark in _MARKS if start.startswith(mark)), b"")
        text = GivenText(mark, _WIDE.get(mark) or _encoding(given.read_as.encoding, start))
        file.seek(len(mark))
        yield (cast(IO[bytes], _Recoded(file, text.encoding)) if text.wide else file), text


def _encoding(spoken: str, start: bytes) -> str:
    """An encoding by Python's name."""
    if spoken.casefold().startswith("utf-16"):
        return "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
    try:
        return codecs.lookup(named_encoding(spoken).codec).name.removesuffix("-sig")
    except (InputError, LookupError):
        raise UnusualPart(f"its encoding {spoken} is not known") from None


def _only_file(archive: zipfile.ZipFile) -> IO[bytes]:
    inside = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX")]
    if len(inside) != 1:
        raise UnusualPart("its archive holds more than one file")
    return archive.open(inside[0])


class _Recoded(io.RawIOBase):
    """A text of two or four bytes a sign, read as UTF-8."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file, self._decoder = file, codecs.getincrementaldecoder(encoding)("surrogatepass")

    def read(self, size: int = -1) -> bytes:
        while block := self._file.read(size):
            if text := self._decoder.decode(block):
                return text.encode("utf-8", "surrogatepass")
        return self._decoder.decode(b"", True).encode("utf-8", "surrogatepass")


class Encoder:
    """Takes bytes in the inner encoding, and writes them in the text's own behind its mark, many at a time."""

    def __init__(self, out: IO[bytes], text: GivenText) -> None:
        self._out, self._text = out, text
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        self._pieces: list[bytes] = []
        self._size = 0
        out.write(text.mark)

    def write(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        block = b"".join(self._pieces)
        if self._text.wide:
            block = self._decoder.decode(block).encode(self._text.encoding, "surrogatepass")
        self._out.write(block)
        self._pieces, self._size = [], 0
