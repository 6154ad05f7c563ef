"""A picture opened large, with what it was asked for; the ones beside it are a click away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import streamlit as st

from ui.shared.format import truncate
from ui.shared.notices import escape_markdown
from ui.thumbnails.tiles import Tile, tile_html

MAX_CHARACTERS = 4_000


@dataclass(frozen=True)
class LargePicture:
    """A picture at the address where it is large. `original` is the file itself, "" if it is not to be had."""

    address: str
    original: str = ""
    file_name: str = ""


@dataclass(frozen=True)
class Shown:
    """One row of a series: its pictures, or the tile that stands in their place, and the texts that belong to it."""

    title: str
    facts: str
    texts: tuple[tuple[str, str], ...] = ()
    pictures: tuple[LargePicture, ...] = ()
    instead: Tile | None = None


def open_at(name: str, position: int) -> None:
    """Open the picture at a position of the series `name`; also the callback of whatever is clicked."""
    st.session_state[_key(name)] = position


def draw(name: str, total: int, look_up: Callable[[int], Shown]) -> None:
    """Draw the dialog of a series if one of its pictures is open. `look_up` is asked for the picture at a position."""
    if st.session_state.get(_key(name)) is None:
        return

    @st.dialog("Picture", width="large", on_dismiss=lambda: _close(name))
    def show() -> None:
        position = min(max(int(st.session_state.get(_key(name)) or 0), 0), total - 1)
        shown = look_up(position)
        if total > 1:
            _draw_steps(name, position, total)
        st.markdown(f"**{escape_markdown(truncate(shown.title, 200))}**")
        st.caption(escape_markdown(shown.facts))
        for picture in shown.pictures:
            st.html(_large_html(picture, shown.title))
        if shown.instead is not None:
            st.html(tile_html(shown.instead))
        for title, text in shown.texts:
            st.caption(title)
            st.code(truncate(text, MAX_CHARACTERS), language=None, wrap_lines=True)

    show()


def _large_html(picture: LargePicture, title: str) -> str:
    image = f'<img class="gbr-large" src="{escape(picture.address)}" alt="{escape(truncate(title, 200))}">'
    if not picture.original:
        return image
    return (
        f'{image}<a href="{escape(picture.original)}" download="{escape(picture.file_name)}">Download the picture</a>'
    )


def _draw_steps(name: str, position: int, total: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        steps = (("Previous", "chevron_left", -1, position <= 0), ("Next", "chevron_right", 1, position >= total - 1))
        for label, icon, step, is_end in steps:
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"{label.lower()}-{name}",
                on_click=open_at,
                args=(name, position + step),
                disabled=is_end,
            )
        st.caption(f"{position + 1:,} of {total:,}", width="content")


def _close(name: str) -> None:
    st.session_state[_key(name)] = None


def _key(name: str) -> str:
    return f"open-picture-{name}"
