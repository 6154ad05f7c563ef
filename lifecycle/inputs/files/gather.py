"""Finds the files that a person named: single ones, those in folders and archives, and patterns like `scans/*.tif`."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

from batch.errors import Fault, InputError
from lifecycle.inputs.files.archive import Archive, is_archive
from lifecycle.inputs.files.found_file import FoundFile
from lifecycle.inputs.files.natural_order import natural_key

MOST_FILES = 1_000_000
_LEFT_BEHIND = {".ds_store", "thumbs.db", "desktop.ini"}
_LEADS_OUT = Fault("is a link that leads out of the folder", "Put the file itself there.")


class Gathered:
    """The files in their natural order. `left_out` counts what systems leave behind, and hidden files."""

    def __init__(self, files: list[FoundFile], left_out: int) -> None:
        self.files = files
        self.left_out = left_out


def expand(names: Iterable[str]) -> list[Path]:
    """The paths that a command line names; a name that does not exist may be a pattern. Raises InputError."""
    paths: list[Path] = []
    for name in names:
        matches = [Path(name)] if os.path.lexists(name) else [Path(found) for found in _matches(name)]
        if not matches:
            raise InputError(f"There is no file or folder {name}.", "Check the path.")
        paths += matches
    return paths


def gather(sources: Iterable[Path], open_archives: ExitStack) -> Gathered:
    """All files of these paths. Archives stay open as long as `open_archives`. Raises InputError.

    Names are relative to the folder or archive; where there are several, its own name comes first. Two that would be
    called the same are told apart by a number.
    """
    roots = list(sources)
    several = sum(root.is_dir() or is_archive(root) for root in roots) > 1
    files: list[FoundFile] = []
    left_out = 0
    for root in roots:
        prefix = f"{root.stem if is_archive(root) else root.resolve().name}/" if several else ""
        for file in _files_of(root, open_archives):
            if _is_left_behind(file.name):
                left_out += 1
            else:
                single = root.is_file() and not is_archive(root)
                files.append(replace(file, name=file.name if single else prefix + file.name))
            if len(files) > MOST_FILES:
                raise InputError(f"These are more than {MOST_FILES:,} files.", "Give them in several runs.")
    files.sort(key=lambda file: natural_key(file.name))
    return Gathered(list(_told_apart(files)), left_out)


def _matches(name: str) -> list[str]:
    if not glob.has_magic(name):
        return []
    return sorted(glob.glob(name, recursive=True), key=natural_key)  # noqa: PTH207  # may begin at any folder


def _files_of(root: Path, open_archives: ExitStack) -> Iterator[FoundFile]:
    if root.is_dir():
        yield from _walk(root)
    elif is_archive(root):
        yield from open_archives.enter_context(Archive(root)).files()
    elif root.is_file():
        yield FoundFile(_printable(root.name), root.stat().st_size, path=root)
    else:
        raise InputError(f"There is no file or folder {root}.", "Check the path.")


def _walk(root: Path) -> Iterator[FoundFile]:
    """The files in a folder and the folders in it. Links to folders are not followed, those to files only inside."""
    inside = root.resolve()
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            label = _printable(PurePosixPath(path.relative_to(root).as_posix()).as_posix())
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                yield FoundFile(label, 0, fault=_LEADS_OUT)
                continue
            try:
                status = path.stat()
            except OSError as error:
                yield FoundFile(label, 0, fault=Fault(f"cannot be read: {error.strerror}", "Check the file."))
                continue
            if stat.S_ISREG(status.st_mode):
                yield FoundFile(label, status.st_size, path=path)


def _is_left_behind(name: str) -> bool:
    parts = name.split("/")
    return (
        parts[-1].casefold() in _LEFT_BEHIND
        or any(part.startswith(".") and part != ".." for part in parts)
        or ("__MACOSX" in parts)
    )


def _told_apart(files: Iterable[FoundFile]) -> Iterator[FoundFile]:
    seen: Counter[str] = Counter()
    for file in files:
        seen[file.name] += 1
        yield file if seen[file.name] == 1 else replace(file, name=f"{file.name} ({seen[file.name]})")


def _printable(name: str) -> str:
    """A name as text that UTF-8 can hold: file systems allow bytes that are none."""
    return name.encode("utf-8", "replace").decode()
