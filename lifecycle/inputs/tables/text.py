"""The bytes and the text of an input, whether a file or pasted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from batch.errors import InputError
from batch.requests.input_formats import reject_binary
from batch.sniffing.encodings import UTF8, find_encoding


@contextmanager
def open_binary(source: Path | str) -> Iterator[tuple[BinaryIO, int]]:
    """A source's bytes and their number, whether a file or pasted text. Raises InputError if it cannot be opened."""
    if isinstance(source, str):
        pasted = source.encode("utf-8", "surrogatepass")
        yield io.BytesIO(pasted), len(pasted)
        return
    try:
        file = source.open("rb")
        size = source.stat().st_size
    except OSError as error:
        raise InputError(f"The file {source.name} cannot be read: {error.strerror}.", "Choose another file.") from None
    with file:
        yield file, size


@contextmanager
def open_text(source: Path | str, notes: list[str]) -> Iterator[tuple[TextIO, BinaryIO, int]]:
    """A source's text in its own encoding, the stream below it, and its size; `notes` tells of an unusual one.

    Raises InputError for what is not text, or in an encoding that is not clear.
    """
    with open_binary(source) as (stream, size):
        reject_binary(stream.read(8))
        stream.seek(0)
        found = find_encoding(stream)
        if found.question:
            raise InputError(found.question, "Save it as UTF-8.", found.bad_line or None)
        if found.codec != UTF8 and found.bad_line:
            notes.append(
                f"The file is not UTF-8 (line {found.bad_line}); it was read as {found.name}. If letters look wrong,"
                " save it as UTF-8 and choose it again."
            )
        stream.seek(0)
        yield io.TextIOWrapper(stream, found.codec, errors="replace", newline=""), stream, max(size, 1)
