"""Documents that were dropped to be shared by all requests: kept on the server's disk until they are submitted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from batch.formatting import plural
from ui.files import uploader
from ui.shared import notices, session, temp_files
from ui.shared.app_state import get_state
from ui.shared.format import size, truncate
from ui.shared.notices import escape_markdown

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

TEXT_SUFFIXES = ("txt", "md", "rst", "html", "xml", "json", "csv", "tsv", "tex", "log")
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
}
MAX_TEXT_BYTES = 8_000_000  # some two million tokens, more than any model takes
_DOCUMENTS, _UPLOADER_VERSION = "documents", "documents_version"


@dataclass(frozen=True)
class Document:
    """One file: where it lies, and what it was called."""

    path: Path
    name: str

    @property
    def mime_type(self) -> str:
        """What Google calls it; "" for text, which travels as text."""
        return MEDIA_TYPES.get(self.path.suffix.lstrip(".").lower(), "")

    @property
    def text(self) -> str:
        return "" if self.mime_type else _read(self.path)


def current() -> list[Document]:
    """The documents, in the order in which they came."""
    return [Document(Path(path), name) for path, name, _ in st.session_state.get(_DOCUMENTS) or []]


def draw() -> None:
    """Take documents, and list those that are here."""
    version = st.session_state.setdefault(_UPLOADER_VERSION, 0)
    st.file_uploader(
        "Documents",
        type=[*TEXT_SUFFIXES, *MEDIA_TYPES],
        accept_multiple_files=True,
        key=f"documents-{version}",
        on_change=_store_uploads,
        args=(f"documents-{version}",),
        help="Text goes before every request, as a part of its own. PDF and pictures are shared through a cache.",
    )
    documents = current()
    if len(documents) > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            total = sum(document.path.stat().st_size for document in documents)
            st.markdown(f"**{plural(len(documents), 'document')}** · {size(total)}", width="content")
            st.button("Remove all", key="remove-documents", on_click=clear)
    for document in documents:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            size_text = size(document.path.stat().st_size)
            st.markdown(f"**{escape_markdown(truncate(document.name, 60))}** · {size_text}", width="content")
            st.button("Remove", key=f"remove-{document.path.stem}", on_click=remove, args=(document.path,))


def remove(path: Path) -> None:
    """Delete one document."""
    st.session_state[_DOCUMENTS] = [entry for entry in st.session_state.get(_DOCUMENTS) or [] if entry[0] != str(path)]
    path.unlink(missing_ok=True)


def clear() -> None:
    """Delete all documents."""
    for document in current():
        remove(document.path)


def _store_uploads(key: str) -> None:
    """Write what was dropped to disk and free its memory at once; what cannot be shared is left out, with a notice.

    A newer click may end this at any access to the session, and have it begin again: what is here already is passed
    over, and so is what was given back.
    """
    notices.clear("submit")
    for uploaded in uploader.present(st.session_state.get(key)):
        documents = st.session_state.setdefault(_DOCUMENTS, [])
        if all(file_id != uploaded.file_id for _, _, file_id in documents):
            _store(uploaded, documents)
        uploader.release_memory(uploaded.file_id)
    st.session_state[_UPLOADER_VERSION] = int(key.rpartition("-")[2]) + 1


def _store(uploaded: UploadedFile, documents: list[tuple[str, str, str]]) -> None:
    path = temp_files.new_path(get_state().uploads, Path(uploaded.name).suffix, session.owner_id())
    with path.open("wb") as file:
        shutil.copyfileobj(uploaded, file)
    document = Document(path, Path(uploaded.name).name)
    reason = _rejection_reason(document)
    if reason:
        path.unlink()
        notices.show("submit", "bad", reason)
    else:
        documents.append((str(path), document.name, uploaded.file_id))


def _rejection_reason(document: Document) -> str:
    """Why a document cannot be shared; "" if it can."""
    size_bytes = document.path.stat().st_size
    if not size_bytes:
        return f"{document.name} is empty."
    if document.mime_type:
        return ""
    if size_bytes > MAX_TEXT_BYTES:
        return f"{document.name} has {size(size_bytes)}, more text than any model takes."
    try:
        return "" if document.text.strip() else f"{document.name} is empty."
    except UnicodeDecodeError:
        return f"{document.name} is not UTF-8 text. Save it as UTF-8, or as PDF."


@lru_cache(8)
def _read(path: Path) -> str:
    """A document's text. A path is never used for a second file."""
    return path.read_text(encoding="utf-8-sig")
