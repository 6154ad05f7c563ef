"""Whether a table or a file of requests names the files that were given beside it, and in which columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from batch.errors import InputError
from batch.requests.input_formats import TABLE_KINDS, kind_of
from lifecycle.inputs.drafts import table_preview
from lifecycle.inputs.files.named_files import NamedFiles
from lifecycle.inputs.local_parts import MARK

LOOKED_AT_BYTES = 1_000_000
MOST_MISSING = 0.5  # of the names in a column's first rows


def names_local_files(path: Path) -> bool:
    """Whether the first lines of a file of requests name files."""
    with path.open("rb") as lines:
        return MARK in lines.read(LOOKED_AT_BYTES)


def naming_columns(path: Path, pile: Iterable[Path]) -> tuple[str, ...]:
    """The columns of a table whose first cells name files of the pile; none of what is not a table."""
    try:
        kind = kind_of(path.name.removesuffix(".gz"))
        if kind not in TABLE_KINDS:
            return ()
        preview = table_preview(path, kind)
        with NamedFiles(pile) as named:
            columns = zip(preview.names, zip(*preview.rows, strict=True), strict=False)
            return tuple(name for name, cells in columns if _are_named(cells, named))
    except InputError:
        return ()


def _are_named(cells: tuple[str, ...], named: NamedFiles) -> bool:
    names = [cell for cell in cells if cell.strip()]
    missing = sum(name not in named for name in names)
    return bool(names) and missing <= MOST_MISSING * len(names)
