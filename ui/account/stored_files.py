"""Files at Google: how much of the storage is taken. Nothing is asked before it is opened."""

from __future__ import annotations

import streamlit as st

from lifecycle.core.models import Account
from lifecycle.core.transport import StoredFiles
from lifecycle.runner import Runner
from ui.shared import background, notices

NAME = "stored-files"
MAX_AGE_SECONDS = 30.0
NOTE = (
    "Uploaded documents and pictures, and the requests and results of jobs. A run deletes what it uploaded when it "
    "ends; Google deletes every file after 48 hours. Uploads wait while there is no room."
)


def draw(runner: Runner, account: Account | None) -> None:
    """Draw the expander."""
    with st.container(key="stored-files-drawer"):
        if account is not None:
            _draw_content(runner, account)


def _draw_content(runner: Runner, account: Account) -> None:
    with st.expander("Files at Google", key="stored-files", on_change="rerun") as drawer:
        if not drawer.open:
            return
        result: background.BackgroundResult[StoredFiles] = background.run_once(
            NAME, account.owner_id, lambda: runner.accounts.stored_files(account), MAX_AGE_SECONDS
        )
        if error := result.error:
            notices.draw_error(error)
        elif result.value is None:
            background.draw_pending(NAME, "Looking for files…")
        else:
            st.progress(result.value.share, text=f"{result.value.describe()}.")
            st.caption(NOTE)
