"""Files from the browser to the server's disk: by Streamlit's uploader up to 200 MB, by a stream up to 2 GB.

Neither keeps a file in memory longer than it takes to write it down.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ui.shared import notices, temp_files
from ui.shared.app_state import OWN_HEADER, UploadGrant, get_state

TYPES = ("jsonl", "json", "ndjson", "csv", "tsv", "parquet", "xlsx", "txt")
_TOKEN, _GRANTED_PATH, _UPLOADER_VERSION = "upload_token", "upload_path", "uploader_version"


def draw() -> None:
    """Offer both ways; a file that has arrived is `current()` on the next run."""
    version = st.session_state.setdefault(_UPLOADER_VERSION, 0)
    st.file_uploader(
        "Requests file, up to 200 MB",
        type=TYPES,
        key=f"uploader-{version}",
        on_change=_store_uploaded,
        args=(f"uploader-{version}",),
        help="JSONL with one request per line, or a CSV, TSV, Parquet or XLSX table, or a text file.",
    )
    with st.expander("Larger file, up to 2 GB", key="large-file"):
        if _TOKEN not in st.session_state:
            _issue_grant()
        _component(
            data={"token": st.session_state[_TOKEN], "accept": ",".join(f".{ending}" for ending in TYPES)},
            key="large-upload",
            on_done_change=_store_streamed,
            on_failed_change=_issue_grant,
        )


def _store_uploaded(key: str) -> None:
    """Write the uploader's file to disk and give its memory back at once."""
    uploaded = st.session_state.get(key)
    if not isinstance(uploaded, UploadedFile):  # taken away, or already kept
        return
    path = temp_files.new_path(get_state().uploads, Path(uploaded.name).suffix)
    with path.open("wb") as file:
        shutil.copyfileobj(uploaded, file)
    set_file(path, uploaded.name)
    release_memory(uploaded.file_id)
    st.session_state[_UPLOADER_VERSION] += 1


def release_memory(file_id: str) -> None:
    """Free both copies that Streamlit keeps of a file; there is no public way (measured with 1.67)."""
    context = get_script_run_ctx()
    manager = context.uploaded_file_mgr if context else None
    if context and isinstance(manager, MemoryUploadedFileManager):
        manager.remove_file(context.session_id, file_id)


def _store_streamed() -> None:
    """Take the file that came by the stream under the name that the browser gave."""
    done = st.session_state["large-upload"].done or {}
    path = Path(st.session_state[_GRANTED_PATH])
    if path.is_file():
        set_file(path, str(done.get("name", "")))
    _issue_grant()


def _issue_grant() -> None:
    """Grant the next upload."""
    path = temp_files.new_path(get_state().uploads, ".upload")
    st.session_state[_GRANTED_PATH] = str(path)
    st.session_state[_TOKEN] = get_state().upload_tokens.issue(UploadGrant(path))


def set_file(path: Path, name: str) -> None:
    """Make a file the composer's input."""
    discard_file()
    st.session_state["file"] = (str(path), Path(name).name or path.name)


def current() -> tuple[Path, str] | None:
    """The composer's file and its name, None if there is none."""
    path, name = st.session_state.get("file") or ("", "")
    return (Path(path), name) if path and Path(path).is_file() else None


def discard_file() -> None:
    """Delete the composer's file."""
    notices.clear("submit")
    upload = current()
    st.session_state["file"] = None
    if upload and upload[0].is_relative_to(get_state().uploads):
        upload[0].unlink(missing_ok=True)


_HTML = """
<label class="pick"><input type="file"><span>Choose a file</span></label>
<p class="status" role="status" aria-live="polite"></p>
<progress max="1" value="0" hidden></progress>
"""
_CSS = """
:host {color: var(--st-text-color); font-family: var(--st-font); font-size: 0.9rem;}
.pick {display: inline-block; padding: 0.4rem 0.9rem; border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius); background: var(--st-background-color); cursor: pointer;}
.pick:focus-within, .pick:hover {border-color: var(--st-primary-color); color: var(--st-link-color);}
.pick input {position: absolute; opacity: 0; width: 1px; height: 1px;}
.status {margin: 0.5rem 0;}
progress {width: 100%; accent-color: var(--st-primary-color);}
"""
_SCRIPT = """
export default function (component) {
  const {parentElement, data, setTriggerValue} = component
  const input = parentElement.querySelector('input')
  const status = parentElement.querySelector('.status')
  const bar = parentElement.querySelector('progress')
  input.accept = data.accept
  const showStatus = (message, share) => {
    status.textContent = message
    bar.hidden = share === undefined
    bar.value = share ?? 0
  }
  input.onchange = () => {
    const file = input.files[0]
    if (!file) return
    const call = new XMLHttpRequest()
    call.open('PUT', '/api/upload/' + data.token)
    call.setRequestHeader('OWN_HEADER', '1')
    call.upload.onprogress = (event) => {
      const share = event.loaded / event.total
      showStatus(`Uploading ${file.name}: ${Math.floor(share * 100)} %`, share)
    }
    const fail = (message) => {
      input.disabled = false
      input.value = ''
      showStatus(message)
      setTriggerValue('failed', message)
    }
    call.onerror = () => fail('The connection broke. Choose the file again.')
    call.onload = () => {
      if (call.status !== 200) {
        let message = 'The server refused the file.'
        try { message = JSON.parse(call.responseText).message ?? message } catch {}
        return fail(message)
      }
      input.disabled = false
      input.value = ''
      showStatus('')
      setTriggerValue('done', {name: file.name})
    }
    input.disabled = true
    showStatus(`Uploading ${file.name}`, 0)
    call.send(file)
  }
}
""".replace("OWN_HEADER", OWN_HEADER)

_component = st.components.v2.component("large-upload", html=_HTML, css=_CSS, js=_SCRIPT)
