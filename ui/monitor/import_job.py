"""Adopt a batch job that was made elsewhere with the same key: by its name, or from a list of such jobs."""

from __future__ import annotations

import secrets
from datetime import datetime

import streamlit as st

from batch.formatting import count
from lifecycle.core.foreign_jobs import Elsewhere
from lifecycle.core.job_states import words as job_words
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from ui.monitor import actions
from ui.shared import background, notices
from ui.shared.format import clipped
from ui.shared.notices import plain
from ui.submit import uploader

NAME = "jobs-elsewhere"
LISTED = 20
FRESH_SECONDS = 600.0


def draw(runner: Runner, account: Account) -> None:
    """Draw the drawer. Google is asked for a list only when the user asks for one."""
    with st.expander("Recover a batch job", key="recover", on_change="rerun") as drawer:
        if not drawer.open:
            return
        st.caption(
            "A job made with this key by a script or another installation becomes a run: watched, collected, priced "
            "and exported like any other. Nothing of it is cancelled or deleted unless you cancel the run."
        )
        round_ = st.session_state.setdefault("recover_round", secrets.token_urlsafe(6))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(
                "Name of the batch job", key="recover-job", placeholder="batches/abc123", max_chars=300, width=320
            )
            st.button("Recover", key="recover-go", type="primary", on_click=_recover, args=(round_,))
            st.button("List jobs made elsewhere", key="recover-list", on_click=_list)
        st.file_uploader(
            "Its requests, if you have them",
            type=uploader.TYPES,
            key=f"recover-file-{round_}",
            help="Google does not give requests back. With their file, prompts stand beside answers and rows can be "
            "sent again; without it, there are keys and answers.",
        )
        notices.draw("recover")
        if st.session_state.get("recover_listing"):
            _listing(runner, account)


def _recover(round_: str, name: str = "") -> None:
    """Adopt the job that was named, or the one that was chosen from the list."""
    given = name or str(st.session_state.get("recover-job") or "")
    if actions.recover(given, st.session_state.get(f"recover-file-{round_}")):
        st.session_state["recover_round"] = secrets.token_urlsafe(6)
        st.session_state["recover-job"] = ""
        st.session_state["recover_listing"] = False


def _list() -> None:
    background.forget(NAME)
    st.session_state["recover_listing"] = True


def _listing(runner: Runner, account: Account) -> None:
    """The jobs that no run here has, each with a button."""
    asked: background.Asked[list[Elsewhere]] = background.ask(
        NAME, account.owner, lambda: runner.imports.jobs_elsewhere(account), FRESH_SECONDS
    )
    if asked.trouble is not None:
        st.error(plain(f"{asked.trouble} {asked.trouble.remedy}".strip()))
        return
    if asked.found is None:
        background.draw_waiting(NAME, "Asking Google for its list of jobs…")
        return
    if not asked.found:
        st.caption("Every job under this key belongs to a run here.")
    for job in asked.found[:LISTED]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Recover this",
                key=f"recover-{job.name}",
                on_click=_recover,
                args=(st.session_state["recover_round"], job.name),
            )
            st.caption(plain(_words(job)), width="content")
    if len(asked.found) > LISTED:
        st.caption(f"The newest {LISTED} of {count(len(asked.found), 'job')}; others can be recovered by their name.")


def _words(job: Elsewhere) -> str:
    requests = "requests not known" if job.requests is None else count(job.requests, "request")
    named = clipped(job.display_name, 60) or "no display name"
    return f"{named} · {requests} · {job.model} · {job_words(job.state)} · made {_when(job.created_at)} · {job.name}"


def _when(moment: datetime | None) -> str:
    return f"{moment:%d %b %Y, %H:%M} UTC" if moment else "at an unknown time"
