"""An answer is waited for only while nobody wants anything else."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.patience import PATIENCE_SECONDS
from ui.shared import background


def script() -> None:
    import threading

    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from ui.shared import background

    context = get_script_run_ctx()
    assert context is not None and context.script_requests is not None
    requests = context.script_requests

    def click_and_never_answer() -> None:
        requests.request_rerun(RerunData())
        threading.Event().wait()

    if "begun" in st.session_state:
        st.caption("drawn again")
    else:
        st.session_state["begun"] = True
        background.run_once("question", "of it", click_and_never_answer)
        st.caption("waited")


def test_a_click_ends_the_wait_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "INITIAL_WAIT_SECONDS", 3 * PATIENCE_SECONDS)
    at = AppTest.from_function(script).run(timeout=PATIENCE_SECONDS)
    assert [caption.value for caption in at.caption] == ["drawn again"]
