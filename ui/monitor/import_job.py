"""Import a batch job that was made elsewhere with the same key: by its name, or from a list of such jobs."""

from __future__ import annotations

import secrets
from datetime import datetime

import streamlit as st

from batch.formatting import plural
from lifecycle.core.foreign_jobs import ForeignJob
from lifecycle.core.job_states import describe_job_state
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from ui.files import uploader
from ui.monitor import actions
from ui.shared import background, notices
from ui.shared.format import truncate
from ui.shared.notices import escape_markdown

NAME = "foreign-jobs"
MAX_LISTED = 20
MAX_AGE_SECONDS = 600.0


def draw(runner: Runner, account: Account) -> None:
    """Draw the expander. Google is asked for a list only when the user asks for one."""
    with st.expander("Recover a batch job", key="import-job", on_change="rerun") as drawer:
        if not drawer.open:
            return
        st.caption(
            "A job made with this key by a script or another installation becomes a run: watched, collected, priced "
            "and exported like any other. Nothing of it is cancelled or deleted unless you cancel the run."
        )
        version = st.session_state.setdefault("import_version", secrets.token_urlsafe(6))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(
                "Name of the batch job",
                key="import-job-name",
                placeholder="batches/abc123",
                max_chars=300,
                persist_state="session",
                width=320,
            )
            st.button("Recover", key="import-job-submit", type="primary", on_click=_import, args=(version,))
            st.button("List jobs made elsewhere", key="import-job-list", on_click=_request_list)
        st.file_uploader(
            "Its requests, if you have them",
            type=uploader.TYPES,
            key=f"import-job-file-{version}",
            help="Google does not give requests back. With their file, prompts stand beside answers and rows can be "
            "sent again; without it, there are keys and answers.",
        )
        st.text_input(
            "Field that identifies rows",
            key="import-job-field",
            persist_state="session",
            placeholder="found by itself",
            max_chars=100,
            width=320,
            help="What its maker called the key: key, custom_id, request_id, … It is found by its values; "
            "name it where the run says that it could not be found.",
        )
        notices.draw("import-job")
        if st.session_state.get("import_lists_jobs"):
            _draw_list(runner, account)


def _import(version: str, name: str = "") -> None:
    """Import the job that was named, or the one that was chosen from the list. Once for each `version` of the form."""
    if version != st.session_state.get("import_version"):
        return
    job_name = name or str(st.session_state.get("import-job-name") or "")
    if actions.import_job(
        job_name,
        next(iter(uploader.present(st.session_state.get(f"import-job-file-{version}"))), None),
        str(st.session_state.get("import-job-field") or ""),
    ):
        st.session_state["import_version"] = secrets.token_urlsafe(6)
        st.session_state["import-job-name"] = st.session_state["import-job-field"] = ""
        st.session_state["import_lists_jobs"] = False


def _request_list() -> None:
    background.invalidate(NAME)
    st.session_state["import_lists_jobs"] = True


def _draw_list(runner: Runner, account: Account) -> None:
    """The jobs that no run here has, each with a button."""
    result: background.BackgroundResult[list[ForeignJob]] = background.run_once(
        NAME, account.owner_id, lambda: runner.imports.list_foreign_jobs(account), MAX_AGE_SECONDS
    )
    if result.error is not None:
        notices.draw_error(result.error)
        return
    if result.value is None:
        background.draw_pending(NAME, "Asking Google for its list of jobs…")
        return
    if not result.value:
        st.caption("Every job under this key belongs to a run here.")
    for job in result.value[:MAX_LISTED]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Recover this",
                key=f"import-{job.name}",
                on_click=_import,
                args=(st.session_state["import_version"], job.name),
            )
            st.caption(escape_markdown(_describe_job(job)), width="content")
    if len(result.value) > MAX_LISTED:
        st.caption(
            f"The newest {MAX_LISTED} of {plural(len(result.value), 'job')}; others can be recovered by their name."
        )


def _describe_job(job: ForeignJob) -> str:
    requests = "requests not known" if job.requests is None else plural(job.requests, "request")
    display_name = truncate(job.display_name, 60) or "no display name"
    facts = (display_name, requests, job.model, describe_job_state(job.state), f"made {_format_time(job.created_at)}")
    return " · ".join((*facts, job.name))


def _format_time(moment: datetime | None) -> str:
    return f"{moment:%d %b %Y, %H:%M} UTC" if moment else "at an unknown time"
