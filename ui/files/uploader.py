"""Files from the browser to the server's disk: one table or file of requests, or a pile of files and folders.

They are streamed, so that no file is ever whole in memory, and lie in a folder of this browser session.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from batch.formatting import plural
from lifecycle.core.run_files import owner_folder_name
from ui.files import drop_zone
from ui.files.given_files import GivenFile, Upload, holds_requests, is_name_of_table, natural_order
from ui.files.packed_table import unpack_table
from ui.shared import notices, selection, session
from ui.shared.app_state import get_state
from ui.shared.selection import Place
from ui.shared.upload_folder import UploadFolder, UploadRefused, safe_name

TYPES = ("jsonl", "json", "ndjson", "csv", "tsv", "parquet", "xlsx", "txt")
_FOLDER, _TOKEN, _LISTED = "upload_folder", "upload_token", "upload_listed"
MAX_LISTED_FAILURES = 5


def draw(on_paste: Callable[[], None] | None = None) -> None:
    """Draw the drop zone; what has arrived is `current()` on the next run."""
    _draw("drop-zone", small=False, on_paste=on_paste)


def draw_add() -> None:
    """Draw the buttons that add to what is here."""
    _draw("drop-zone-add", small=True)


def _draw(key: str, *, small: bool, on_paste: Callable[[], None] | None = None) -> None:
    token = "" if session.account() is None else _token()
    drop_zone.draw(key, token, lambda: _on_done(key), _start_rehearsal, small=small, on_paste=on_paste)


def _token() -> str:
    """What lets the browser send files to this session's folder."""
    folder = _folder()
    folder.owner_id = session.owner_id()  # who is connected now; the files stay where they are
    tokens = get_state().upload_tokens
    if tokens.peek(st.session_state.get(_TOKEN, "")) is not folder:  # none yet, or its time is over
        st.session_state[_TOKEN] = tokens.issue(folder)
    token: str = st.session_state[_TOKEN]
    return token


def _start_rehearsal() -> None:
    """Files were given by who is signed out, and nobody may send anything without an account: here is one."""
    notices.clear("submit")
    with notices.errors_to_notice("submit"):
        session.rehearse()
        selection.open_place(Place.NEW)  # where the files wait, whatever runs there are from before


def _on_done(key: str) -> None:
    """Look at what arrived, and say what did not."""
    notices.clear("submit")
    st.session_state.pop(_LISTED, None)
    stored, failed = drop_zone.outcome(key)
    if stored:
        st.session_state["mode"] = "File (JSONL)"
    if failed:
        notices.show("submit", "bad", describe_failures(failed))


def describe_failures(failed: Sequence[tuple[str, str]]) -> str:
    """Which files did not arrive, and why."""
    listed = " ".join(f"{name}: {reason}" for name, reason in failed[:MAX_LISTED_FAILURES])
    rest = len(failed) - MAX_LISTED_FAILURES
    return f"{plural(len(failed), 'file')} did not arrive. {listed}" + (f" And {rest:,} more." if rest > 0 else "")


def current() -> Upload | None:
    """What the composer was given, None if nothing."""
    folder: UploadFolder | None = st.session_state.get(_FOLDER)
    if folder is None:
        return None
    if _LISTED not in st.session_state:
        st.session_state[_LISTED] = _list(folder)
    upload: Upload | None = st.session_state[_LISTED]
    return upload


def _list(folder: UploadFolder) -> Upload | None:
    files = [GivenFile(path, path.relative_to(folder.kept).as_posix(), path.stat().st_size) for path in folder.files()]
    files.sort(key=lambda file: natural_order(file.name))
    if not files:
        return None
    table = None
    if len(files) > 1 or not holds_requests(files[0]):
        table = unpack_table((file.path for file in files), folder.path / "unpacked", is_name_of_table)
    unpacked = GivenFile(table, table.name, table.stat().st_size) if table else None
    return Upload(folder.kept, tuple(files), unpacked)


def set_file(path: Path, name: str) -> None:
    """Make one file all that the composer holds. The file itself stays where it is: it is linked, or else copied."""
    discard_all()
    add_file(path, name)


def add_file(path: Path, name: str) -> None:
    """Add a file of this server to what the composer holds."""
    folder = _folder()
    folder.reserve(path.stat().st_size, files=1)
    partial = folder.new_partial()
    try:
        os.link(path, partial)
    except OSError:
        shutil.copyfile(path, partial)
    folder.keep(partial, _safe_or_own_name(path, name))
    st.session_state.pop(_LISTED, None)


def _safe_or_own_name(path: Path, name: str) -> str:
    try:
        return safe_name(name)
    except UploadRefused:
        return safe_name(path.name)


def discard_all() -> None:
    """Delete all files; what is still on its way is refused."""
    notices.clear("submit")
    folder: UploadFolder | None = st.session_state.pop(_FOLDER, None)
    get_state().upload_tokens.redeem(st.session_state.pop(_TOKEN, ""))
    st.session_state.pop(_LISTED, None)
    st.session_state["media_resolution"] = ""  # it was chosen for these files
    if folder is not None:
        shutil.rmtree(folder.path, ignore_errors=True)


def _folder() -> UploadFolder:
    """This session's folder; a new one, with a name of its own, after all was discarded."""
    if _FOLDER not in st.session_state:
        state, owner_id = get_state(), session.owner_id()
        name = owner_folder_name(owner_id, secrets.token_hex(12))
        st.session_state[_FOLDER] = UploadFolder(state.uploads / name, owner_id)
    folder: UploadFolder = st.session_state[_FOLDER]
    return folder


def present(uploads: object) -> list[UploadedFile]:
    """The files of a file uploader that are still in memory.

    A callback that a newer click had begin again finds in their place what says that they were given back.
    """
    given = uploads if isinstance(uploads, list | tuple) else [uploads]
    return [uploaded for uploaded in given if isinstance(uploaded, UploadedFile)]


def release_memory(file_id: str) -> None:
    """Free both copies that Streamlit keeps of a file; there is no public way (measured with 1.67)."""
    context = get_script_run_ctx()
    manager = context.uploaded_file_mgr if context else None
    if context and isinstance(manager, MemoryUploadedFileManager):
        manager.remove_file(context.session_id, file_id)
