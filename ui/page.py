"""The page, in the order the eye meets it: configuration, submit, monitor, results."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import (
    away,
    banner,
    bell,
    caches,
    configuration,
    errands,
    monitor,
    preferences,
    results,
    session,
    spend,
    style,
    submit,
)
from ui.app_state import get_state

st.set_page_config(
    page_title="Gemini Batch Runner Pro",
    page_icon=str(Path(__file__).parent / "icon.png"),
    layout="wide",
    initial_sidebar_state="auto",
)
runner = get_state().runner
session.begin()
errands.draw("first")
banner.draw()
choice = configuration.draw()
away.draw(runner, choice.account)
submit.draw(runner, choice)
caches.draw(runner, choice.account)
run = monitor.draw(runner, choice.account)
bell.draw(choice.account)
spend.draw(runner, choice.account)
results.draw(runner, choice.account, run)
errands.draw("last")
preferences.draw()
style.draw()
