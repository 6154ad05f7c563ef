"""The line above a form: what was given, and how to take it away."""

from __future__ import annotations

import streamlit as st

from ui.files import uploader
from ui.files.given_files import Upload
from ui.shared.format import size, truncate
from ui.shared.notices import escape_markdown


def draw(upload: Upload, facts: str = "") -> None:
    """Draw it; `facts` is what more is known of it, such as "2,431 rows"."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="given"):
        draw_line(upload, facts)


def draw_line(upload: Upload, facts: str = "") -> None:
    """The same inside of a line that holds more."""
    others = len(upload.files) - 1
    number = f" and {others:,} more" if others else ""
    if upload.table is not None and upload.table is upload.unpacked:
        number = f" from {escape_markdown(truncate(upload.files[0].name, 60))}{number}"
    told = " · ".join(filter(None, (facts, size(upload.size_bytes))))
    st.markdown(f"**{escape_markdown(truncate(upload.name, 80))}**{number} · {told}", width="content")
    st.button("Remove", on_click=uploader.discard_all, key="remove-file")
