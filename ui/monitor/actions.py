"""Callbacks of the monitor's buttons: each asks the runner once, and leaves a notice if it failed."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from batch.errors import NotFound
from lifecycle.inputs.drafts import Draft, file_kind
from ui.files import uploader
from ui.shared import notices, session, temp_files
from ui.shared.app_state import get_state
from ui.shared.selection import Place, forget_run, open_place, select
from ui.submit import composer, sidebar

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from lifecycle.planning.retry_draft import RetryForecast
    from lifecycle.runner import Runner


def cancel(run_id: str) -> None:
    """Ask for a cancel; the run says itself when Google has done it."""
    with notices.errors_to_notice("monitor"):
        runner, account = get_state().runner, session.require_account()
        runner.runs.cancel(account, run_id)


def resume(run_id: str) -> None:
    """Try again at once what the service had no room or no money for, instead of at the time planned."""
    with notices.errors_to_notice("monitor"):
        get_state().runner.runs.poll_now(session.require_account(), run_id)


def snooze_warning(run_id: str, hours: int) -> None:
    """Go on waiting for a job that takes long; the next warning asks again."""
    with notices.errors_to_notice("monitor"):
        get_state().runner.runs.snooze_warning(session.require_account(), run_id, hours)


def cancel_and_resubmit(retry_forecast: RetryForecast, idempotency_key: str) -> bool:
    """Cancel a run and submit what it leaves unanswered; the new run comes into view. Whether it was done."""
    child_id = ""
    with notices.errors_to_notice("monitor"):
        child_id = get_state().runner.retries.submit_retry(session.require_account(), retry_forecast, idempotency_key)
    if child_id:
        select(child_id)
    return bool(child_id)


def import_job(job: str, file: UploadedFile | None, key_field: str = "") -> bool:
    """Import a batch job made elsewhere, with the file of its requests if there is one. Whether it was done.

    `key_field` names the field that identifies rows; "" has it found.
    """
    notices.clear("import-job")
    imported = None
    with notices.errors_to_notice("import-job"):
        runner, account = get_state().runner, session.require_account()
        draft = _prepare_draft(runner, file) if file is not None else None
        try:
            imported = runner.imports.import_job(account, job, draft=draft, key_field=key_field)
        finally:
            if draft is not None:  # a run that was made of it has its own copy
                shutil.rmtree(draft.folder, ignore_errors=True)
    if imported is not None:
        select(imported.run_id)
        if imported.already_known:
            notices.show("monitor", "note", "A run here has that job already. This is it.")
    return imported is not None


def _prepare_draft(runner: Runner, file: UploadedFile) -> Draft:
    """The requests in a file, as far as they can be read."""
    path = temp_files.new_path(get_state().uploads, Path(file.name).suffix, session.owner_id())
    try:
        with path.open("wb") as out:
            shutil.copyfileobj(file, out)
        return runner.forecasts.prepare_draft(
            path, kind=file_kind(path, file.name), source_name=file.name, owner_id=session.owner_id()
        )
    finally:
        path.unlink(missing_ok=True)
        uploader.release_memory(file.file_id)


def run_again(run_id: str, idempotency_key: str) -> None:
    """Submit the same requests as a new run, once per idempotency key."""
    with notices.errors_to_notice("monitor"):
        runner, account = get_state().runner, session.require_account()
        select(runner.retries.rerun(account, run_id, idempotency_key))
        st.session_state["rerun_idempotency_key"] = secrets.token_urlsafe(12)


def edit(run_id: str) -> None:
    """Put a run's requests back into the composer, and its settings into the sidebar."""
    with notices.errors_to_notice("monitor"):
        runner, account = get_state().runner, session.require_account()
        composer.restore(runner.runs.draft_of(account, run_id))
        sidebar.restore(runner.runs.get(account, run_id).spec)
        open_place(Place.NEW)


def confirm_delete(run_id: str) -> None:
    """Ask before deleting; "" closes the question."""
    st.session_state["to_delete"] = run_id


def delete(run_id: str) -> None:
    """Delete a run with its results; one that a first click or another tab has deleted is as good."""
    with notices.errors_to_notice("monitor"):
        runner, account = get_state().runner, session.require_account()
        with suppress(NotFound):
            runner.runs.delete(account, run_id)
        open_place(Place.RUNS)
        forget_run(run_id)
    st.session_state["to_delete"] = ""
