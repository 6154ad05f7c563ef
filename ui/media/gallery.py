"""Pictures that came back, fifteen a page; where none came, the reason stands in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from batch.formatting import money, plural
from batch.model import Outcome
from batch.responses.outcome_tables import LABELS
from lifecycle.core.models import RunView
from lifecycle.core.run_files import PICTURES
from lifecycle.results.read.table import Filter, ResultTable
from ui.media import picture_dialog
from ui.media.picture_dialog import LargePicture, Shown
from ui.shared.format import OUTCOME_COLOURS, size, truncate
from ui.thumbnails.addresses import LARGE, TILE, WHOLE, picture_address
from ui.thumbnails.tiles import Tile, Tone, tile_html

PICTURES_PER_PAGE = 15
NAME_CHARACTERS = 40
REASON_CHARACTERS = 120
TONES: Mapping[str, Tone] = {"orange": "again", "violet": "decide", "red": "lost", "gray": "again"}
ICONS = {"orange": "refresh", "violet": "block", "red": "error", "gray": "hourglass_disabled"}
Picture = Mapping[str, Any]
_NUMBERED = re.compile(r"row-\d+")


class Row(NamedTuple):
    """One row of the table, its pictures, and the folder that they are in."""

    cells: Mapping[Any, Any]
    pictures: Sequence[Picture]
    folder: Path

    def address(self, picture: Picture, edge: int) -> str:
        return picture_address(self.folder, Path(str(picture["file"])).stem, edge)


def draw(run: RunView, table: ResultTable, where: Filter, page_key: str, page: int) -> None:
    """Draw one page of tiles of the rows that fit. `page_key` is that of the page's number."""
    first = (page - 1) * PICTURES_PER_PAGE
    rows, total = read_rows(table, where, first, PICTURES_PER_PAGE, clip=REASON_CHARACTERS)
    if not total:
        st.caption("No row fits.")
        return
    with st.grid("auto", min_column_width=168, gap="small", key="gallery"):
        for position, row in enumerate(rows, first):
            _draw_tile(run, row, position)
    last = min(first + PICTURES_PER_PAGE, total)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = f"{first + 1:,} to {last:,} of {plural(total, 'row')} · a name opens the picture large, with its prompt"
        st.caption(words, width="content")
        if total > PICTURES_PER_PAGE:
            st.pagination(-(-total // PICTURES_PER_PAGE), key=page_key, width="stretch", persist_state="session")
    picture_dialog.draw(run.id, total, lambda position: look_up(table, where, position))


def read_rows(
    table: ResultTable, where: Filter, first: int, limit: int, clip: int | None = None
) -> tuple[list[Row], int]:
    """Some of the rows that fit, in input order, and how many fit. Texts are cut to `clip` characters."""
    frame, total = table.page(where, offset=first, limit=limit, clip=clip)
    cells = frame.to_dict("records")
    pictures = table.pictures([int(row["n"]) for row in cells])
    return [
        Row(row, pictures.get(int(row["n"]), ()), table.folder_of(str(row["run"])) / PICTURES) for row in cells
    ], total


def _draw_tile(run: RunView, row: Row, position: int) -> None:
    with st.container(border=True, gap=None, key=f"tile-{run.id}-{position}"):
        st.html(tile_html(row_tile(row)))
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall"):
            st.button(
                truncate(row_name(row), NAME_CHARACTERS),
                key=f"picture-{run.id}-{position}",
                type="tertiary",
                on_click=picture_dialog.open_at,
                args=(run.id, position),
                width="stretch",
            )
            st.caption(row_cost(row), width="content")


def row_name(row: Row) -> str:
    """What a tile is called: the row's own key, or how its prompt begins where the key was only numbered."""
    first_line: str = row.cells["prompt"].strip().partition("\n")[0]
    key: str = row.cells["key"]
    return first_line if first_line and _NUMBERED.fullmatch(key) else key


def row_tile(row: Row) -> Tile:
    """The first picture of a row, or why there is none."""
    if row.pictures:
        badge = f"{len(row.pictures):,} pictures" if len(row.pictures) > 1 else ""
        return Tile("image", row.address(row.pictures[0], TILE), alt=row.cells["prompt"], badge=badge)
    outcome = Outcome(row.cells["outcome"])
    colour, reason = OUTCOME_COLOURS[outcome], row.cells["error_message"] or LABELS[outcome]
    if row.cells["text"]:
        return Tile("notes", reason="No picture came, but words.", tone="again")
    return Tile(ICONS.get(colour, "notes"), reason=_first_words(reason), tone=TONES.get(colour, ""))


def _first_words(reason: str) -> str:
    """What fits into a tile: a message without what follows its colon, which the dialog has in full."""
    head = reason.partition(":")[0]
    return truncate(head[:1].upper() + head[1:], REASON_CHARACTERS)


def row_cost(row: Row) -> str:
    """What a row cost; a table has NaN where that is not known."""
    usd = row.cells["cost_usd"]
    return "–" if usd is None or usd != usd else money(usd)


def look_up(table: ResultTable, where: Filter, position: int) -> Shown:
    """One row of the series, with all that the dialog tells of it."""
    (row, *_), _ = read_rows(table, where, position, 1)
    facts = [LABELS[Outcome(row.cells["outcome"])], row_cost(row)]
    facts += [f"{one['width']:,} × {one['height']:,} pixels, {size(one['size_bytes'])}" for one in row.pictures[:1]]
    texts = (
        ("Why there is none", "" if row.pictures else row.cells["error_message"]),
        ("Prompt", row.cells["prompt"]),
        ("Words that came", row.cells["text"]),
    )
    return Shown(
        title=row.cells["key"],
        facts=" · ".join(facts),
        texts=tuple((title, text) for title, text in texts if text),
        pictures=tuple(large_picture(row, number) for number in range(len(row.pictures))),
        instead=None if row.pictures else row_tile(row),
    )


def large_picture(row: Row, number: int) -> LargePicture:
    """One of a row's pictures as it is opened large, and as a file named by the row."""
    picture = row.pictures[number]
    ending = Path(str(picture["file"])).suffix
    name = f"{row.cells['key']}{f'-{number + 1}' if len(row.pictures) > 1 else ''}{ending}"
    return LargePicture(row.address(picture, LARGE), row.address(picture, WHOLE), name)
