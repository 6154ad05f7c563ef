"""The page: a bar, the place that is open, and a line for each of the others."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui.account import caches, spend, stored_files
from ui.files import kept
from ui.layout import error_notice, fold, store_notice, style, top_bar
from ui.login import visitor
from ui.monitor import desktop_notification, since_last_visit
from ui.monitor import panel as monitor_panel
from ui.run import panel as run_panel
from ui.shared import browser_actions, preferences, selection, session
from ui.shared.app_state import get_state
from ui.shared.format import truncate
from ui.shared.selection import Place
from ui.submit import composer, sending, sidebar
from ui.submit import panel as submit_panel

st.set_page_config(
    page_title="Gemini Batch Runner Pro",
    page_icon=str(Path(__file__).parent / "icon.png"),
    layout="wide",
    initial_sidebar_state=256,
)
if not visitor.admit(get_state().login):
    st.stop()
runner = get_state().runner
if store_notice.draw(runner):
    error_notice.forget_fragments_not_drawn()
    st.stop()
session.begin()
selection.catch_up()
browser_actions.draw("first")
sending.finish()
kept.restore()
selection.page_changed()  # it is being drawn
account = session.account()
runs = monitor_panel.overview(runner, account)
run = run_panel.find(runner, account, selection.last_run())
place = selection.settle(session.owner_id(), has_runs=bool(runs.total), composing=not composer.is_empty())
top_bar.draw(place, runs.total, run)
sidebar_values = sidebar.draw()


def _draw_open(opened: Place) -> None:
    if opened is Place.NEW:
        submit_panel.draw(runner, sidebar_values, first_visit=not runs.total)
    elif opened is Place.RUNS:
        monitor_panel.draw(runner, account, runs)
        caches.draw(runner, account)
        stored_files.draw(runner, account)
        spend.draw(runner, account)
    else:
        run_panel.draw(runner, account, run)


def _draw_line(folded: Place) -> None:
    if folded is Place.NEW:
        fold.draw(folded, submit_panel.summary(), "New run")
    elif folded is Place.RUNS:
        monitor_panel.draw_folded(runner, account, runs)
    elif run is None:
        fold.draw(folded, "Open a run to see its answers here.")
    else:
        fold.draw(folded, f"{truncate(run.name or run.id, 60)}: {run.state_words}", "Open")


if place is not Place.RUN:
    since_last_visit.draw(runner, account)
with error_notice.section(f"place-{place}"):
    _draw_open(place)
if place is Place.RUN:
    since_last_visit.draw(runner, account)  # below what was opened, which is to be seen at once
with error_notice.section(f"folds-{place}"):
    for other in (Place.RUNS, Place.NEW, Place.RUN):
        if other is not place:
            _draw_line(other)
desktop_notification.draw(account)
browser_actions.draw("last")
kept.save()
preferences.draw()
style.draw()
