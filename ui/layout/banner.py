"""The title, and the line that says where calls go whenever they do not go to Google."""

from __future__ import annotations

import streamlit as st

from ui.shared import session
from ui.shared.notices import escape_markdown


def draw() -> None:
    """Draw the title and, if calls do not go to Google, a banner that stays in sight."""
    account = session.account()
    with st.container(key="banner"):
        if account and account.rehearsal:
            st.warning("**Rehearsal.** Answers are simulated. Nothing reaches Google, and nothing costs money.")
        elif account and account.destination:
            st.warning(f"Calls go to **{escape_markdown(account.destination)}**, not to Google.")
    st.title("Gemini Batch Runner Pro", anchor=False)
