"""What was typed, dropped and chosen for the next run, kept on the server: a reload, or a second tab, goes on with it.

A file for each account and browser, so that neither a browser that changes hands nor a key that is shared shows it to
others. Who is signed out keeps nothing. Keys are never among it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import streamlit as st

from batch.errors import InputError
from batch.model import ContextMode, SendAs, SendFiles
from ui.files import uploader
from ui.shared import preferences, session
from ui.shared.app_state import get_state
from ui.shared.upload_folder import UploadRefused

TEXTS = ("prompts", "template", "file_instruction", "run_name", "shared_text", "system_instruction", "response_schema")
CHOICES: dict[str, Callable[[str | float | int], object]] = {  # by their widget, and what makes one of what was kept
    **dict.fromkeys(("mode", "split", "temperature", "max_output_tokens", "thinking"), lambda value: value),
    **dict.fromkeys(
        ("aspect_ratio", "image_size", "dimensions", "task_type", "max_usd", "canary"), lambda value: value
    ),
    "context": lambda value: ContextMode(str(value)),
    "send_as": lambda value: SendAs(str(value)),
    "send_files": lambda value: SendFiles(str(value)),
}
FIRST = {"context": ContextMode.AUTO, "send_as": SendAs.AUTO, "send_files": SendFiles.AUTO}
ASIDE = ("mode", "split")  # what belongs to a text, and is not worth keeping without one
MAX_FILES = 500  # more are rather dropped again than linked one by one
_OWNER, _SAVED = "kept_owner", "kept_digest"


class _Kept(msgspec.Struct):
    """Values of widgets by their key, and the name of the folder of what was dropped."""

    values: dict[str, str | float | int | None]
    upload: str = ""


_decoder = msgspec.json.Decoder(_Kept)


def restore() -> None:
    """Take up what was kept, once for each account, unless something is here already. Before any widget is drawn."""
    owner_id = session.owner_id()
    if not owner_id or st.session_state.get(_OWNER) == owner_id:
        return
    st.session_state[_OWNER] = owner_id
    if uploader.current() is not None or any(st.session_state.get(name) for name in TEXTS):
        return
    try:
        kept = _decoder.decode(_path().read_bytes())
    except (OSError, msgspec.DecodeError):
        return
    for name in TEXTS:
        if kept.values.get(name):
            st.session_state[name] = kept.values[name]
    for name, make in CHOICES.items():
        value = kept.values.get(name)
        if value is not None and value != "":
            with suppress(ValueError):  # another version knew others
                st.session_state[name] = make(value)
    if kept.upload:
        _link_files(get_state().uploads / Path(kept.upload).name / "files")


def save() -> None:
    """Keep what is here now, if that is something else than the last time. At the end of a run of the page."""
    if not session.owner_id():
        return
    upload = uploader.current()
    values = {name: st.session_state.get(name) for name in (*TEXTS, *CHOICES)}
    content = msgspec.json.encode(_Kept(values, upload.folder.parent.name if upload else ""))
    digest = hashlib.sha256(content).hexdigest()
    if st.session_state.get(_SAVED) == digest:
        return
    st.session_state[_SAVED] = digest
    path = _path()
    chosen = any(values[name] not in (None, "", FIRST.get(name)) for name in CHOICES if name not in ASIDE)
    if chosen or any(values[name] for name in TEXTS) or upload is not None:
        _write(path, content)
    else:
        path.unlink(missing_ok=True)


def _path() -> Path:
    owner = f"{session.owner_id()}:{preferences.browser_id()}"
    return get_state().typed / f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}.json"


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step; only its owner can read it. A full disk keeps nothing."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        partial.replace(path)


def _link_files(folder: Path) -> None:
    """Have the files of an earlier visit under a folder of one's own: another tab may yet use, or remove, the other."""
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if len(files) > MAX_FILES:
        return
    with suppress(InputError, UploadRefused, OSError):
        for path in files:
            uploader.add_file(path, path.relative_to(folder).as_posix())
