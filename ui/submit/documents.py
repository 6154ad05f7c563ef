"""Documents that were dropped to be shared by all requests: kept on the server's disk until they are submitted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from ui.shared import notices, temp_files
from ui.shared.app_state import get_state
from ui.shared.format import clipped, size
from ui.shared.notices import plain
from ui.submit import uploader

TEXTS = ("txt", "md", "rst", "html", "xml", "json", "csv", "tsv", "tex", "log")
MEDIA = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
}
MOST_TEXT_BYTES = 8_000_000  # some two million tokens, more than any model takes
_HELD, _ROUND = "documents", "documents_round"


@dataclass(frozen=True)
class Document:
    """One file: where it lies, and what it was called."""

    path: Path
    name: str

    @property
    def mime_type(self) -> str:
        """What Google calls it; "" for text, which travels as text."""
        return MEDIA.get(self.path.suffix.lstrip(".").lower(), "")

    @property
    def text(self) -> str:
        return "" if self.mime_type else _read(self.path)


def held() -> list[Document]:
    """The documents, in the order in which they came."""
    return [Document(Path(path), name) for path, name in st.session_state.get(_HELD) or []]


def draw() -> None:
    """Take documents, and list those that are here."""
    round_ = st.session_state.setdefault(_ROUND, 0)
    st.file_uploader(
        "Documents",
        type=[*TEXTS, *MEDIA],
        accept_multiple_files=True,
        key=f"documents-{round_}",
        on_change=_keep,
        args=(f"documents-{round_}",),
        help="Text goes before every request, as a part of its own. PDF and pictures are shared through a cache.",
    )
    for document in held():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            weight = size(document.path.stat().st_size)
            st.markdown(f"**{plain(clipped(document.name, 60))}** · {weight}", width="content")
            st.button("Remove", key=f"remove-{document.path.stem}", on_click=remove, args=(document.path,))


def remove(path: Path) -> None:
    """Throw one document away."""
    st.session_state[_HELD] = [found for found in st.session_state.get(_HELD) or [] if found[0] != str(path)]
    path.unlink(missing_ok=True)


def clear() -> None:
    """Throw all documents away."""
    for document in held():
        remove(document.path)


def _keep(key: str) -> None:
    """Write what was dropped to disk and give its memory back at once; what is no text is told and left out."""
    notices.hush("submit")
    for uploaded in st.session_state.get(key) or []:
        path = temp_files.fresh(get_state().uploads, Path(uploaded.name).suffix)
        with path.open("wb") as file:
            shutil.copyfileobj(uploaded, file)
        document = Document(path, Path(uploaded.name).name)
        fault = _fault(document)
        if fault:
            path.unlink()
            notices.tell("submit", "bad", fault)
        else:
            st.session_state.setdefault(_HELD, []).append((str(path), document.name))
        uploader.give_back(uploaded.file_id)
    st.session_state[_ROUND] += 1


def _fault(document: Document) -> str:
    """Why a document cannot be shared; "" if it can."""
    weight = document.path.stat().st_size
    if not weight:
        return f"{document.name} is empty."
    if document.mime_type:
        return ""
    if weight > MOST_TEXT_BYTES:
        return f"{document.name} has {size(weight)}, more text than any model takes."
    try:
        return "" if document.text.strip() else f"{document.name} is empty."
    except UnicodeDecodeError:
        return f"{document.name} is not UTF-8 text. Save it as UTF-8, or as PDF."


@lru_cache(8)
def _read(path: Path) -> str:
    """A document's text. A path is never used for a second file."""
    return path.read_text(encoding="utf-8-sig")
