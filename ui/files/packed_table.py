"""The table in an archive that also holds the files which it names: it lies beside them, unpacked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from batch.errors import InputError
from lifecycle.inputs.files.archive import Archive, is_archive
from lifecycle.inputs.files.found_file import FoundFile, Unavailable
from ui.shared.upload_folder import UploadRefused, safe_name

MOST_TABLE_BYTES = 200_000_000  # what is unpacked while the page waits; a larger one is given beside the archive


def unpack_table(sources: Iterable[Path], folder: Path, is_table: Callable[[str], bool]) -> Path | None:
    """Unpack the one file among those in the archives whose name is that of a table; None if it is not just one.

    Its path is told by archive and content, so that one path never stands for two tables, and it is written once.
    """
    found: list[tuple[Path, FoundFile]] = []
    with ExitStack() as open_archives:
        try:
            for source in filter(is_archive, sources):
                files = open_archives.enter_context(Archive(source)).files()
                found += [(source, file) for file in files if file.fault is None and is_table(file.name)]
            ((archive, table),) = found
            if table.extract is None or table.size_bytes > MOST_TABLE_BYTES:
                return None
            status = archive.stat()
            target = folder / f"{status.st_ino}-{status.st_mtime_ns}" / safe_name(table.name.split("/")[-1])
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                partial = target.with_name(f"{target.name}.part")
                table.extract(partial)
                partial.replace(target)
            return target
        except (InputError, Unavailable, UploadRefused, ValueError):
            return None
