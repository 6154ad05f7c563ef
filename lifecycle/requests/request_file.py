"""Reads the requests of a draft or run: line by line, each whole, whatever of it is held once for all.

Rows of a file that says what they share are written without it. They are all made here of prompts, so that their bytes
tell where it goes, or all as they were given, and then JSON tells. A line is of another kind if it begins with a tab
(given, among those made of prompts) or a space (whole). A first part that is a number in quotation marks, and a number
between two tabs, are pieces that rows share. None of this can be said by a row: a part is never a text, and within a
text JSON has no tab. Places in the file are those on the disk.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from msgspec import UNSET, MsgspecError, Raw, UnsetType
from numpy.typing import NDArray

from batch.prefixes.request_parts import RawLine, decode_line
from batch.requests.shared.fields import PROMPT_START, SharedFields
from lifecycle.core.run_files import REQUESTS, RESOLVED_REQUESTS, SHARED
from lifecycle.requests.shared_file import Shared, read_shared

GIVEN, WHOLE = b"\t", b" "
"""How a line begins that is not of the kind of its file."""
TAB, QUOTE = b"\t", b'"'
PART, SYSTEM = Raw(b'\t{"text":"part"}'), Raw(b'\t{"parts":[{"text":"system"}]}')
"""What stands in for the fields that all requests share."""
MOST_CONFIGS = 4096
"""So many different settings of rows are remembered."""
SHARED_NAMES = (REQUESTS, RESOLVED_REQUESTS)
"""The files whose rows may be written without what they share."""


def open_requests(path: Path) -> BinaryIO:
    """Open a file of requests; to be read by lines."""
    reader, file = line_reader(path), SelfClosing(io.FileIO(path))
    return cast(BinaryIO, RequestStream(file, reader) if isinstance(reader, SharedLines) else file)


def line_reader(path: Path) -> WholeLines:
    """What makes lines of this file, as they lie on the disk, whole, and others to be written there."""
    shared = read_shared(path.parent) if path.name in SHARED_NAMES else None
    return WholeLines() if shared is None else SharedLines(shared)


def is_whole(path: Path) -> bool:
    """Whether every line of a file of requests lies on the disk as it is sent."""
    return path.name not in SHARED_NAMES or read_shared(path.parent) is None


def rows_of(path: Path) -> tuple[int, int, int]:
    """What the rows of two files have in common if and only if they are the same rows on the disk."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def row_sizes(path: Path) -> NDArray[np.int64]:
    """Bytes of each line as it is sent."""
    with open_requests(path) as lines:
        return np.fromiter(map(len, lines), np.int64)


def content_digest(path: Path) -> str:
    """The SHA-256 of all requests of a file, in hexadecimal digits: the same for the same rows, written alike."""
    digest = hashlib.sha256()
    for name in (path, path.with_name(SHARED)) if not is_whole(path) else (path,):
        with name.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def whole_copy(path: Path) -> Iterator[Path]:
    """A file of requests that has each as it is sent: the file itself where it has them, else a copy for a while."""
    if is_whole(path):
        yield path
        return
    copy = path.with_name(f"{path.name}.whole")
    try:
        with open_requests(path) as lines, copy.open("wb") as out:
            out.writelines(lines)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def shared_fields(path: Path) -> SharedFields:
    """What rows of this file get beside what they say themselves."""
    shared = read_shared(path.parent) if path.name in SHARED_NAMES else None
    return SharedFields() if shared is None else shared.fields


def shared_config(path: Path) -> bytes:
    """The generationConfig that rows of this file get beside their own, as JSON; b"" for none."""
    return shared_fields(path).config_json


class ReopenableFile:
    """A file of requests that can be read again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> BinaryIO:
        return open_requests(self._path)


class SelfClosing(io.BufferedReader):
    """A file that closes when nobody reads it any more: the planner reads parts of it and never reaches an end."""

    def __del__(self) -> None:
        self.close()


class WholeLines:
    """Lines that lie on the disk as they are sent."""

    def whole(self, line: bytes) -> bytes:
        """A line as it is sent, given as it lies on the disk."""
        return line

    def apart(self, line: bytes) -> bytes | None:
        """The JSON of a line without what the run adds to it; None if it is part of the line."""
        return line

    def given(self, line: bytes) -> bytes:
        """A line without what the run adds, as it is written to the disk."""
        return line

    def as_sent(self, line: bytes) -> bytes:
        """A whole line as it is written to the disk."""
        return line


class SharedLines(WholeLines):
    """Lines that leave out what they share; see `batch.prefixes.partial_lines`."""

    def __init__(self, shared: Shared) -> None:
        self._fields, self._pieces, self._prompts = shared.fields, shared.pieces, shared.prompts
        self._has_values = shared.fields.has_values
        self._stand_ins = {b'\t{"text":"%d"}' % n: piece for n, piece in enumerate(self._pieces)}
        for name, value in ((PART, self._fields.part), (SYSTEM, self._fields.system)):
            self._stand_ins[bytes(name)] = b"" if value is None else bytes(value)
        self._configs: dict[bytes, Raw] = {}

    def whole(self, line: bytes) -> bytes:
        if line.startswith(WHOLE):
            return line[1:]
        if line.startswith(GIVEN) or not self._prompts:
            line = line.removeprefix(GIVEN)
            return self._fields.line(line) if self._has_values and line else line
        line = self._with_pieces(line) if self._pieces else line
        return self._fields.prompt_line(line) if self._has_values and line else line

    def apart(self, line: bytes) -> bytes | None:
        if line.startswith(WHOLE):
            return None
        if line.startswith(GIVEN) or not self._prompts:
            return line.removeprefix(GIVEN)
        return self._with_pieces(line)

    def given(self, line: bytes) -> bytes:
        return GIVEN + line if self._prompts else line

    def as_sent(self, line: bytes) -> bytes:
        return WHOLE + line

    def decode(self, line: bytes) -> RawLine:
        """A line with what stands in for what all share."""
        if line.startswith(WHOLE):
            return decode_line(line)
        try:
            row = decode_line(line)
        except MsgspecError:
            if not self._pieces:
                raise
            row = decode_line(self._with_pieces(line))
        request = row.request
        if self._pieces:
            _name_piece(request.contents[0].parts)
        if self._has_values:
            fields = self._fields
            if fields.system is not None and request.systemInstruction is UNSET and request.cachedContent is UNSET:
                request.systemInstruction = SYSTEM
            if fields.part is not None:
                turn = next((turn for turn in request.contents if turn.role is None or turn.role == "user"), None)
                if turn is not None:
                    turn.parts.insert(0, PART)
            if fields.config:
                request.generationConfig = self._config(request.generationConfig)
        return row

    def resolve(self, stand_in: bytes) -> bytes:
        """What something stands in for."""
        return self._stand_ins[stand_in]

    def _config(self, own: Raw | UnsetType) -> Raw:
        written = b"" if own is UNSET else bytes(own)
        known = self._configs.get(written)
        if known is None:
            if len(self._configs) >= MOST_CONFIGS:
                self._configs.clear()
            known = self._configs[written] = self._fields.merged(Raw(written) if written else None)
        return known

    def _with_pieces(self, line: bytes) -> bytes:
        """A line that was made of a prompt, the pieces that it refers to put in."""
        if not self._pieces:
            return line
        at = line.find(PROMPT_START) + len(PROMPT_START)
        if line.startswith(QUOTE, at):
            end = line.index(QUOTE, at + 1)
            line = line[:at] + self._pieces[int(line[at + 1 : end])] + line[end + 1 :]
        if TAB not in line:
            return line
        texts = line.split(TAB)
        for place in range(1, len(texts), 2):
            texts[place] = self._pieces[int(texts[place])]
        return b"".join(texts)


def _name_piece(parts: list[Raw]) -> None:
    """Let a first part that is a piece be stood in for: it is named by a text, which no part is."""
    first = bytes(parts[0])
    if first.startswith(QUOTE):
        parts[0] = Raw(b'\t{"text":%b}' % first)


class RequestStream(io.BufferedIOBase):
    """Whole lines of a file whose rows leave out what they share. Places are those on the disk."""

    def __init__(self, file: SelfClosing, reader: SharedLines) -> None:
        self.on_disk, self.reader = file, reader
        self.raw = file.raw

    def __iter__(self) -> Iterator[bytes]:
        return map(self.reader.whole, self.on_disk)

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self.reader.whole(self.on_disk.readline())
        return line if size is None or size < 0 else line[:size]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET, /) -> int:
        return self.on_disk.seek(place, whence)

    def tell(self) -> int:
        return self.on_disk.tell()

    def close(self) -> None:
        self.on_disk.close()
        super().close()
