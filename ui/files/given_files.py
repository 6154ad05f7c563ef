"""What was uploaded: one file of requests, such as a table or JSONL, or a pile of files of which each gives rows."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from batch.errors import InputError
from batch.requests.input_formats import kind_of

DOCUMENT_SIGNATURES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"ID3", b"OggS")
MAX_ARCHIVE_ENTRIES = 1000  # an archive of one table has few entries; reading stops there


@dataclass(frozen=True)
class GivenFile:
    """A file on the server's disk. `name` is its relative path as the browser gave it."""

    path: Path
    name: str
    size_bytes: int


@dataclass(frozen=True)
class Upload:
    """All files of the composer, in natural order of their names; there is at least one. They lie in `folder`."""

    folder: Path
    files: tuple[GivenFile, ...]

    @property
    def is_pile(self) -> bool:
        """Whether each file gives rows; otherwise the one file holds them."""
        return len(self.files) > 1 or not holds_requests(self.files[0])

    @property
    def path(self) -> Path:
        """Where it lies: the one file of requests, or the folder of a pile."""
        return self.folder if self.is_pile else self.files[0].path

    @property
    def name(self) -> str:
        """What it is called: the file, or the first file or folder of a pile."""
        return self.files[0].name.split("/")[0]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def holds_requests(file: GivenFile) -> bool:
    """Whether a file by itself is a table or a file of requests; an archive is if that is all it holds."""
    with file.path.open("rb") as stream:
        if stream.read(8).startswith(DOCUMENT_SIGNATURES):
            return False
    if file.name.lower().endswith(".zip"):
        return _is_archive_of_one_table(file.path)
    return _is_name_of_requests(file.name.removesuffix(".gz"))


def _is_archive_of_one_table(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()[:MAX_ARCHIVE_ENTRIES]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False
    names = [entry.filename for entry in entries if not entry.is_dir() and not is_clutter(entry.filename)]
    return len(names) == 1 and _is_name_of_requests(names[0])


def is_clutter(name: str) -> bool:
    """Whether a path is of what operating systems leave in folders and archives, and nobody means."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1].lower() in ("thumbs.db", "desktop.ini")


def _is_name_of_requests(name: str) -> bool:
    try:
        kind_of(name)
    except InputError:
        return False
    return True


def natural_order(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names by as people do: page 2 before page 10."""
    pieces = re.split(r"(\d+)", name.casefold())
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces if piece]
