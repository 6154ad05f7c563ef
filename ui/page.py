"""The page, in the order the eye meets it: configuration, submit, monitor, results."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.account import caches, spend, stored_files
from ui.layout import banner, style
from ui.login import visitor
from ui.monitor import desktop_notification, since_last_visit
from ui.monitor import panel as monitor_panel
from ui.results import panel as results_panel
from ui.shared import browser_actions, preferences, session
from ui.shared.app_state import get_state
from ui.submit import panel as submit_panel
from ui.submit import sidebar

st.set_page_config(
    page_title="Gemini Batch Runner Pro",
    page_icon=str(Path(__file__).parent / "icon.png"),
    layout="wide",
    initial_sidebar_state="auto",
)
if not visitor.admit(get_state().login):
    st.stop()
runner = get_state().runner
session.begin()
browser_actions.draw("first")
banner.draw()
sidebar_values = sidebar.draw()
since_last_visit.draw(runner, sidebar_values.account)
submit_panel.draw(runner, sidebar_values)
caches.draw(runner, sidebar_values.account)
stored_files.draw(runner, sidebar_values.account)
run = monitor_panel.draw(runner, sidebar_values.account)
desktop_notification.draw(sidebar_values.account)
spend.draw(runner, sidebar_values.account)
results_panel.draw(runner, sidebar_values.account, run)
browser_actions.draw("last")
preferences.draw()
style.draw()
