"""What the buttons do: callbacks that ask the runner, once, and tell how it went."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from lifecycle.inputs.drafts import Draft, kind_of
from ui.shared import browser_actions, notices, session, temp_files
from ui.shared.app_state import get_state
from ui.shared.selection import change_page, select
from ui.submit import composer, sidebar, uploader

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from lifecycle.planning.retry_draft import RetryOffer
    from lifecycle.runner import Runner


def cancel(run_id: str) -> None:
    """Ask for a cancel; the run says itself when Google has done it."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        runner.runs.cancel(account, run_id)


def keep(run_id: str, hours: int) -> None:
    """Go on waiting for a job that takes long; the next warning asks again."""
    with notices.telling("monitor"):
        get_state().runner.runs.keep(session.required(), run_id, hours)


def submit_elsewhere(offer: RetryOffer, ticket: str) -> bool:
    """Cancel a run and submit what it leaves unanswered; the new run comes into view. Whether it was done."""
    child = ""
    with notices.telling("monitor"):
        child = get_state().runner.retries.send_retry(session.required(), offer, ticket)
    if child:
        select(child)
    return bool(child)


def recover(job: str, file: UploadedFile | None) -> bool:
    """Adopt a batch job made elsewhere, with the file of its requests if there is one. Whether it was done."""
    notices.hush("recover")
    found = None
    with notices.telling("recover"):
        runner, account = get_state().runner, session.required()
        draft = _draft(runner, file) if file is not None else None
        try:
            found = runner.imports.recover(account, job, draft=draft)
        finally:
            if draft is not None:  # a run that was made of it has its own copy
                shutil.rmtree(draft.folder, ignore_errors=True)
    if found is not None:
        select(found.run_id)
        if found.known:
            notices.tell("monitor", "note", "A run here has that job already. This is it.")
    return found is not None


def _draft(runner: Runner, file: UploadedFile) -> Draft:
    """The requests in a file, as far as they can be read."""
    path = temp_files.fresh(get_state().uploads, Path(file.name).suffix)
    try:
        with path.open("wb") as out:
            shutil.copyfileobj(file, out)
        return runner.forecasts.prepare(path, kind=kind_of(file.name), source_name=file.name)
    finally:
        path.unlink(missing_ok=True)
        uploader.give_back(file.file_id)


def run_again(run_id: str, ticket: str) -> None:
    """Submit the same requests as a new run, once per ticket."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        select(runner.retries.rerun(account, run_id, ticket))
        st.session_state["rerun_ticket"] = secrets.token_urlsafe(12)


def edit(run_id: str) -> None:
    """Put a run's requests back into the composer, and its settings into the sidebar."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        composer.take(runner.runs.draft_of(account, run_id))
        sidebar.take(runner.runs.run(account, run_id).spec)
        browser_actions.post("scroll", "submit")
        change_page()


def ask_to_delete(run_id: str) -> None:
    """Ask before deleting; "" takes the question back."""
    st.session_state["to_delete"] = run_id


def delete(run_id: str) -> None:
    """Delete a run with its results."""
    with notices.telling("monitor"):
        runner, account = get_state().runner, session.required()
        runner.runs.delete(account, run_id)
        st.query_params.pop("run", None)
    st.session_state["to_delete"] = ""
    change_page()
