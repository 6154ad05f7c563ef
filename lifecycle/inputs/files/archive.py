"""ZIP archives, read entry by entry: no entry is written under its own name, and none unpacks to more than it says."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from types import TracebackType

from batch.errors import Fault, InputError
from lifecycle.inputs.files.found_file import FoundFile, Unavailable

MOST_ENTRIES = 200_000
MOST_UNPACKED_BYTES = 20 << 30  # what Google stores for a project at most
MOST_EXPANSION, EXPANSION_FROM_BYTES = 200, 100 << 20
PIECE_BYTES = 1 << 20
_LOCKED = Fault("is locked by a password in the archive", "Unpack it, and give the file itself.")
_OUTSIDE = Fault("has a name that leads out of the archive", "Pack the archive again.")
_DAMAGED = Fault("is damaged in the archive", "Pack the archive again.")
_LINK = Fault("is a link, not a file", "Pack the file itself.")


def is_archive(path: Path) -> bool:
    """Whether a file is a ZIP archive of files, by its name and its bytes: office documents are archives, too."""
    if path.suffix.lower() != ".zip" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


class Archive:
    """An open archive. Raises InputError if it cannot be read, or would unpack to absurd size."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
            raise InputError(f"{path.name} cannot be read as a ZIP archive.", "Pack it again.") from error
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        unpacked, packed = sum(entry.file_size for entry in entries), max(1, path.stat().st_size)
        if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED_BYTES:
            self._zip.close()
            raise InputError(
                f"{path.name} holds {len(entries):,} files of {unpacked / 1e9:,.1f} GB together, which is too much.",
                "Give it in several parts.",
            )
        if unpacked > EXPANSION_FROM_BYTES and unpacked > MOST_EXPANSION * packed:
            self._zip.close()
            raise InputError(
                f"{path.name} unpacks to {unpacked // packed:,} times its size, which no scans or recordings do.",
                "Unpack it, and give the folder.",
            )
        self._entries = entries

    def files(self) -> Iterator[FoundFile]:
        """Its files, in the order of the archive."""
        for entry in self._entries:
            fault = _fault_of(entry)
            name = entry.filename.encode("utf-8", "replace").decode()
            if fault is None:
                yield FoundFile(_plain_name(name), entry.file_size, extract=partial(self._extract, entry))
            else:
                yield FoundFile(name, entry.file_size, fault=fault)

    def _extract(self, entry: zipfile.ZipInfo, target: Path) -> None:
        """Write an entry to a path. Raises Unavailable."""
        size = 0
        try:
            with self._zip.open(entry) as source, target.open("wb") as out:
                while piece := source.read(PIECE_BYTES):
                    size += len(piece)
                    if size > entry.file_size:
                        raise Unavailable(_DAMAGED)
                    out.write(piece)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
            raise Unavailable(_DAMAGED) from error

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()


def _fault_of(entry: zipfile.ZipInfo) -> Fault | None:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0] or "\0" in entry.filename:
        return _OUTSIDE
    if stat.S_ISLNK(entry.external_attr >> 16):
        return _LINK
    return _LOCKED if entry.flag_bits & 1 else None


def _plain_name(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).as_posix()
