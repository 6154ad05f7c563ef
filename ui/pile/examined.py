"""The pile of this browser session, looked at once: what each file is, and which are to be left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import NamedTuple

import streamlit as st

from lifecycle.inputs.files.examine import Pages
from lifecycle.inputs.files.file_entry import FileEntry
from lifecycle.inputs.files.pile import ExaminedPile
from ui.files.given_files import Upload
from ui.files.given_input import Progress
from ui.shared import session
from ui.shared.app_state import get_state

PAGES, LEFT_OUT = "file_pages", "files_left_out"
_EXAMINED = "examined_pile"


class _Known(NamedTuple):
    """What was looked at, and what was found."""

    looked_at: tuple[Pages, object]
    pile: ExaminedPile


def pages() -> Pages:
    """Whether a document is one request, or each of its pages."""
    return "whole" if st.session_state.get(PAGES) == "whole" else "each"


def examine(upload: Upload, progress: Progress | None = None) -> ExaminedPile:
    """The pile as it was found. Reads the files if they, or what is to be made of them, are not known yet.

    Raises InputError, such as for an archive that cannot be opened.
    """
    files = tuple((file.name, file.size_bytes, file.path.stat().st_mtime_ns) for file in upload.files)
    looked_at = (pages(), files)
    known: _Known | None = st.session_state.get(_EXAMINED)
    if known is not None and known.looked_at == looked_at and known.pile.folder.exists():
        return known.pile
    is_new = known is None or known.looked_at[1] != files
    if known is not None:
        shutil.rmtree(known.pile.folder, ignore_errors=True)
    state, owner_id = get_state(), session.owner_id() or session.NOBODY
    state.owner_room.require(owner_id)
    pile = state.runner.forecasts.examine_files(upload.pile, pages(), progress, owner_id)
    st.session_state[_EXAMINED] = _Known(looked_at, pile)
    if is_new:
        st.session_state[LEFT_OUT] = ()
        st.session_state["dedupe"] = pile.totals.copies > 0
    return pile


def left_out() -> tuple[str, ...]:
    """The names of the files that are not to be sent."""
    return tuple(st.session_state.get(LEFT_OUT) or ())


def leave_out(names: Iterable[str]) -> None:
    """Leave more files out; also the callback of the buttons."""
    st.session_state[LEFT_OUT] = tuple(dict.fromkeys([*left_out(), *names]))


def put_back() -> None:
    """Send all files again."""
    st.session_state[LEFT_OUT] = ()


def kept(pile: ExaminedPile) -> list[FileEntry]:
    """The files that are to be sent, or cannot be."""
    names = set(left_out())
    return [entry for entry in pile.entries() if entry.name not in names]
