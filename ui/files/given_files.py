"""What was uploaded: one file of requests, such as a table or JSONL, or a pile of files of which each gives rows."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from batch.errors import InputError
from batch.requests.input_formats import kind_of
from lifecycle.inputs.input_kinds import file_kind
from ui.files import naming

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
    """All files of the composer, in natural order of their names; there is at least one. They lie in `folder`.

    `unpacked` is a table that an archive among them holds beside other files; it lies elsewhere.
    """

    folder: Path
    files: tuple[GivenFile, ...]
    unpacked: GivenFile | None = None

    @cached_property
    def table(self) -> GivenFile | None:
        """The one file that holds all rows; files beside it are there because it names them. None in a pile."""
        if len(self.files) == 1 and holds_requests(self.files[0]):
            return self.files[0]
        table = self._only_table()
        is_naming = table is not None and (self.naming_columns or naming.names_local_files(table.path))
        return table if is_naming else None

    @cached_property
    def naming_columns(self) -> tuple[str, ...]:
        """The columns of the table that name files which were given beside it."""
        table = self._only_table()
        return naming.naming_columns(table.path, self.pile_of_table) if table is not None else ()

    def _only_table(self) -> GivenFile | None:
        tables = [file for file in self.files if is_name_of_table(file.name) and holds_requests(file)]
        if not tables:
            return self.unpacked
        return tables[0] if len(tables) == 1 else None

    @property
    def pile(self) -> tuple[Path, ...]:
        """All that was given, as it was given: single files, folders and archives."""
        return tuple(sorted(self.folder.iterdir()))

    @property
    def pile_of_table(self) -> tuple[Path, ...]:
        """What was given beside the table: where the files lie that it names. Nothing if it is all there is."""
        return self.pile if len(self.files) > 1 or self.unpacked else ()

    @property
    def is_pile(self) -> bool:
        """Whether each file gives rows; otherwise one file holds them."""
        return self.table is None

    @property
    def path(self) -> Path:
        """Where it lies: the one file that holds the rows, or the folder of a pile."""
        return self.folder if self.table is None else self.table.path

    @property
    def name(self) -> str:
        """What it is called: the file that holds the rows, or the first file or folder of a pile."""
        return self.files[0].name.split("/")[0] if self.table is None else self.table.name.split("/")[-1]

    @property
    def kind(self) -> str:
        """What the one file that holds the rows is, by its bytes and its name: a table or requests."""
        holder = self.table or self.files[0]
        return _kind(holder.path, holder.name)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


@lru_cache(256)
def _kind(path: Path, name: str) -> str:
    """A path is never used for a second file. What cannot be told shows when it is read."""
    try:
        return file_kind(path, name)
    except InputError:
        return kind_of(name)


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


def is_name_of_table(name: str) -> bool:
    """Whether a file among others may be a table of them: bare text is one of the documents."""
    plain = name.removesuffix(".gz")
    return _is_name_of_requests(plain) and not plain.lower().endswith(".txt") and not is_clutter(name)


def natural_order(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names by as people do: page 2 before page 10."""
    pieces = re.split(r"(\d+)", name.casefold())
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces if piece]
