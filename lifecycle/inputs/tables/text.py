"""The bytes and the text of an input, whether a file or pasted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from batch.errors import InputError
from batch.requests.input_formats import detect_encoding


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
    """A source's text in its own encoding, the stream below it, and its size; `notes` tells of a fallback."""
    with open_binary(source) as (stream, size):
        encoding, bad = detect_encoding(stream)
        if bad:
            notes.append(
                f"The file is not UTF-8 (line {bad}); it was read as Windows-1252. If letters look wrong, save it as"
                " UTF-8 and choose it again."
            )
        stream.seek(0)
        yield io.TextIOWrapper(stream, encoding, newline=""), stream, max(size, 1)
