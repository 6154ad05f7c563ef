"""The files that a row was sent with, small beside its answer; a click opens them large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from lifecycle.core.models import RunView
from lifecycle.core.run_files import BLOBS
from lifecycle.results.read.row_detail import RowDetail
from lifecycle.results.read.sent_files import SentFile
from ui.media import picture_dialog
from ui.media.picture_dialog import LargePicture, Shown
from ui.shared.notices import escape_markdown
from ui.thumbnails.addresses import LARGE, TILE, picture_address
from ui.thumbnails.tiles import Tile, tile_html

DRAWN = ("picture", "PDF")
ICONS = {"picture": "image", "PDF": "picture_as_pdf", "sound": "graphic_eq", "video": "movie"}
MAX_FILES = 12


@contextmanager
def beside(detail: RowDetail, run: RunView, folder: Path) -> Iterator[None]:
    """Draw the files of a row, and what this context draws beside them; `folder` is that of the run that answered."""
    if not detail.files:
        yield
        return
    with st.container(key="row-files"):
        files, answer = st.columns((2, 5), gap="medium")
    with files:
        _draw_files(detail, f"sent-{run.id}", folder)
    with answer:
        yield


def _draw_files(detail: RowDetail, series: str, folder: Path) -> None:
    st.caption("File" if len(detail.files) == 1 else "Files")
    drawn = [file for file in detail.files if file.kind in DRAWN]
    for number, file in enumerate(detail.files[:MAX_FILES]):
        st.html(tile_html(file_tile(file, folder)))
        if file in drawn:
            place = drawn.index(file)
            st.button(
                "Open large",
                key=f"open-{series}-{number}",
                icon=":material/zoom_in:",
                on_click=picture_dialog.open_at,
                args=(series, place),
            )
    if len(detail.files) > MAX_FILES:
        st.caption(escape_markdown(f"and {len(detail.files) - MAX_FILES:,} more"))
    picture_dialog.draw(series, len(drawn), lambda position: look_up(drawn[position], detail, folder))


def file_tile(file: SentFile, folder: Path) -> Tile:
    """One file: its picture or first page, or a sign; its name and page."""
    address = picture_address(folder / BLOBS, file.sha256, TILE) if file.kind in DRAWN else ""
    return Tile(
        icon=ICONS.get(file.kind, "draft"),
        address=address,
        alt=describe(file),
        name=file.name,
        words="" if file.page is None else f"page {file.page:,}",
        reason="" if file.kind else "The file is not here any more.",
    )


def look_up(file: SentFile, detail: RowDetail, folder: Path) -> Shown:
    """A file as it is opened large, with the answer under it."""
    return Shown(
        title=describe(file),
        facts="The first page." if file.kind == "PDF" and file.page is None else detail.key,
        texts=(("Answer", detail.text),) if detail.text else (),
        pictures=(LargePicture(picture_address(folder / BLOBS, file.sha256, LARGE)),),
    )


def describe(file: SentFile) -> str:
    """A file's name and page."""
    return file.name if file.page is None else f"{file.name}, page {file.page:,}"
