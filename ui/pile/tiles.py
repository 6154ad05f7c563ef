"""The files of a pile as tiles, twelve a page: the first page of each, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from batch.formatting import plural
from lifecycle.core.run_files import BLOBS
from lifecycle.inputs.files.file_entry import FileEntry
from ui.shared.format import duration, size
from ui.thumbnails.addresses import TILE, picture_address
from ui.thumbnails.tiles import Tile, Tone, grid_html

TILES_PER_PAGE = 12
DRAWN = ("picture", "PDF")
ICONS = {"picture": "image", "PDF": "picture_as_pdf", "sound": "graphic_eq", "video": "movie", "text": "notes"}
_PAGE, _ONLY_PROBLEMS = "pile_page", "pile_only_problems"


def draw(entries: Sequence[FileEntry], folder: Path) -> None:
    """Draw a page of tiles of the files; `folder` has their bytes."""
    problems = [entry for entry in entries if entry.state == "problem"]
    shown = problems if problems and st.session_state.get(_ONLY_PROBLEMS) else entries
    page_count = -(-len(shown) // TILES_PER_PAGE)
    page = min(int(st.session_state.get(_PAGE) or 1), max(1, page_count))
    first = (page - 1) * TILES_PER_PAGE
    on_page = shown[first : first + TILES_PER_PAGE]
    with st.container(key="pile-tiles"):
        st.html(grid_html((file_tile(entry, folder) for entry in on_page), "Files"))
    if page_count <= 1 and (not problems or len(entries) <= TILES_PER_PAGE):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{first + 1:,} to {first + len(on_page):,} of {plural(len(shown), 'file')}", width="content")
        if problems:
            st.toggle(f"Problems only ({len(problems):,})", key=_ONLY_PROBLEMS, persist_state="session")
        if page_count > 1:
            st.pagination(page_count, key=_PAGE, max_visible_pages=5, width="stretch")


def file_tile(entry: FileEntry, folder: Path) -> Tile:
    """One file: its first page or a sign, its name, and a word on what it is or what became of it."""
    address = picture_address(folder / BLOBS, entry.blobs[0], TILE) if entry.kind in DRAWN and entry.blobs else ""
    return Tile(
        icon="broken_image" if tone_of(entry) == "lost" else ICONS.get(entry.kind, "draft"),
        address=address,
        alt=f"First page of {entry.name}" if entry.kind == "PDF" else entry.name,
        name=entry.name,
        words=tile_words(entry),
        tone=tone_of(entry),
    )


def tone_of(entry: FileEntry) -> Tone:
    """Whether a file is lost, or of a kind that asks for a decision."""
    if entry.state != "problem":
        return ""
    return "decide" if entry.kind in ("file", "text") else "lost"


def tile_words(entry: FileEntry) -> str:
    """What stands under a file's name."""
    if entry.state == "problem":
        return entry.words.rstrip(".")
    if entry.copy_of:
        return f"the same as {entry.copy_of}"
    facts = [
        plural(entry.pages, "page") if entry.pages is not None else "",
        duration(entry.seconds) if entry.seconds is not None else "",
        entry.words.rstrip("."),
    ]
    return " · ".join(filter(None, facts)) or size(entry.size_bytes)
