"""Files that cannot be sent: each with what is wrong and the remedy, and one click to leave it out, or all of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from batch.formatting import plural
from lifecycle.inputs.files.file_entry import FileEntry
from ui.pile import examined
from ui.pile.tiles import tone_of
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

INITIAL_PROBLEMS = 6
NAME_CHARACTERS = 80
BADGES = {"decide": ("to decide", "violet"), "lost": ("cannot be read", "red")}


def draw(entries: Sequence[FileEntry]) -> None:
    """Draw the problems, if there are any, and what was mended or left out."""
    problems = [entry for entry in entries if entry.state == "problem"]
    if problems:
        with st.container(border=True, key="file-problems", gap="xsmall"):
            _draw_head(problems, len(entries))
            for entry in problems[:INITIAL_PROBLEMS]:
                _draw_problem(entry)
            if len(problems) > INITIAL_PROBLEMS:
                with st.expander(f"All {len(problems):,}", key="all-file-problems"):
                    lines = [str(entry.fault.fault) + " " + entry.remedy for entry in problems]
                    st.code("\n".join(lines[:1_000]), language=None, wrap_lines=True)
    _draw_mended(entries)


def _draw_head(problems: Sequence[FileEntry], files: int) -> None:
    number = len(problems)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        verb = "file needs" if number == 1 else "files need"
        st.markdown(f"**{number:,} {verb} you before this can be sent**", width="content")
        if files > number:
            fine = files - number
            st.caption(f"{fine:,} {'is' if fine == 1 else 'are'} fine.", width="content")
        label = {1: "Leave it out", 2: "Leave both out"}.get(number, f"Leave all {number:,} out")
        names = [entry.name for entry in problems]
        st.button(label, key="leave-out-all", on_click=examined.leave_out, args=(names,))


def _draw_problem(entry: FileEntry) -> None:
    words, colour = BADGES[tone_of(entry)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        sentence = f"**{escape_markdown(truncate(entry.name, NAME_CHARACTERS))}** {escape_markdown(entry.words)}"
        remedy = f" {escape_markdown(entry.remedy)}" if entry.remedy else ""
        st.markdown(f":{colour}-badge[{words}] {sentence}{remedy}", width="stretch")
        st.button(
            "Leave out",
            key=f"leave-out-{entry.name}",
            type="tertiary",
            on_click=examined.leave_out,
            args=([entry.name],),
        )


def _draw_mended(entries: Sequence[FileEntry]) -> None:
    mended = sum(entry.state == "mended" for entry in entries)
    number = len(examined.left_out())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if mended:
            words = f"{plural(mended, 'file was', 'files were')} mended on the way: turned upright, or converted."
            st.caption(words, width="content")
        if number:
            st.caption(f"{plural(number, 'file is', 'files are')} left out.", width="content")
            st.button("Put back", key="put-back", type="tertiary", on_click=examined.put_back)
