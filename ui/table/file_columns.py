"""Columns of a table that name files or hold them: ticked, their files go with the row; the first ones are shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from batch.formatting import plural
from batch.media.blob_uri import line_blobs
from batch.media.facts import MediaFacts
from lifecycle.core.run_files import BLOBS, REQUESTS
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.files.blobs import read_index
from lifecycle.inputs.tables.opening import Preview
from lifecycle.requests.request_file import open_requests
from ui.files import uploader
from ui.files.given_files import Upload
from ui.shared.format import size
from ui.shared.notices import escape_markdown
from ui.thumbnails.addresses import TILE, picture_address
from ui.thumbnails.tiles import Tile, grid_html

SHOWN = 6
HOLDING_TYPES = ("bytes", "object", "list")
DRAWN = ("image/", "application/pdf")


class RowFile(NamedTuple):
    """The first file of a row, and how many more it has."""

    sha256: str
    more: int


def offered(upload: Upload, preview: Preview) -> tuple[str, ...]:
    """The columns that may be files, those first that name what was given."""
    return tuple(dict.fromkeys([*upload.naming_columns, *preview.file_columns]))


def chosen(upload: Upload, preview: Preview) -> tuple[str, ...]:
    """The columns whose files go with the rows. What would have to be fetched first is so only when it is ticked."""
    ticked = st.session_state.get(_key(upload))
    if ticked is not None:
        return tuple(name for name in offered(upload, preview) if name in ticked)
    types = {column.name: column.type for column in preview.columns}
    return tuple(
        name for name in offered(upload, preview) if name in upload.naming_columns or types.get(name) in HOLDING_TYPES
    )


def draw(upload: Upload, preview: Preview) -> None:
    """Draw the ticks, if there is any such column."""
    names = offered(upload, preview)
    if not names:
        return
    st.session_state.setdefault(_key(upload), list(chosen(upload, preview)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.pills(
            "Columns with files",
            names,
            selection_mode="multi",
            key=_key(upload),
            format_func=escape_markdown,
            persist_state="session",
            width="content",
            help="The file that a ticked column names, or holds, goes with its row. Addresses are fetched by this "
            "computer first; paths are looked for among the files that you gave.",
        )
        with st.container(width="content", key="add-named-files"):
            uploader.draw_add()


def draw_first_files(draft: Draft) -> None:
    """Draw the files of the first rows of a draft."""
    totals = draft.files
    if totals is None or not totals.files:
        return
    known = {sha256: (facts, name) for sha256, facts, name in read_index(draft.folder)}
    tiles = [
        file_tile(file, draft.folder, *known[file.sha256])
        for file in first_files(draft.folder, SHOWN)
        if file.sha256 in known
    ]
    with st.container(key="row-files", gap="xsmall"):
        st.html(grid_html(tiles, "Files of the first rows"))
        told = [plural(totals.files, "file"), size(totals.size_bytes)]
        told += [f"{totals.problems:,} cannot be sent"] if totals.problems else []
        st.caption(" · ".join(told))


def first_files(folder: Path, rows: int) -> Iterator[RowFile]:
    """The first file of each of a draft's first rows that have one."""
    with open_requests(folder / REQUESTS) as lines:
        for line in islice(lines, rows):
            names = list(line_blobs(line))
            if names:
                yield RowFile(names[0], len(names) - 1)


def file_tile(file: RowFile, folder: Path, facts: MediaFacts, name: str) -> Tile:
    """A row's file: the picture itself, or a sign for it."""
    is_drawn = facts.mime_type.startswith(DRAWN)
    return Tile(
        icon="image" if is_drawn else "draft",
        address=picture_address(folder / BLOBS, file.sha256, TILE) if is_drawn else "",
        alt=name,
        name=name,
        words=f"and {file.more:,} more in its row" if file.more else size(facts.size_bytes),
    )


def _key(upload: Upload) -> str:
    return f"file_columns-{upload.path}"
