"""A desktop notification when a run ends, in a browser that allows it and was asked to by a click.

Nothing of a prompt or an answer is in it, nor the run's name, which may be how the first prompt begins: others may see
the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lifecycle.core.models import Account, RunLine
from ui.monitor import since_last_visit
from ui.shared.format import STATE_TITLES

_KEY = "desktop-notification-component"

_HTML = '<button type="button" hidden></button><span role="status" aria-live="polite"></span>'
_CSS = """
:host {color: var(--st-text-color); font-family: var(--st-font); font-size: 0.9rem;}
button {font: inherit; color: inherit; padding: 0.35rem 0.8rem; border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius); background: var(--st-background-color); cursor: pointer;}
button:hover, button:focus-visible {border-color: var(--st-primary-color); color: var(--st-link-color);}
button:not([hidden]) + span:not(:empty) {margin-left: 0.6rem;}
"""
_SCRIPT = """
const PREFERENCE = 'gbr-notify'
const handled = (window.gbrEndingsHandled ??= new Set())
let preference = ''  // where the browser keeps nothing
const readPreference = () => {
  try { return localStorage.getItem(PREFERENCE) ?? preference } catch { return preference }
}
const savePreference = (value) => { preference = value; try { localStorage.setItem(PREFERENCE, value) } catch {} }

const notify = (id, title, body) => {
  try {
    const note = new Notification(title, {body, tag: 'gbr-' + id})
    note.onclick = () => { window.focus(); note.close() }
  } catch { savePreference('') }  // a browser that shows notifications of installed apps only
}

export default function (component) {
  const {parentElement, data, setTriggerValue} = component
  const button = parentElement.querySelector('button')
  const status = parentElement.querySelector('span')
  const show = () => {
    const state = 'Notification' in window ? Notification.permission : 'absent'
    const on = state === 'granted' && readPreference() === 'on'
    button.hidden = state === 'absent' || state === 'denied'
    button.textContent = on ? 'Stop notifying' : 'Notify me when a run ends'
    status.textContent = on ? 'This browser tells you when a run ends, also while this page is hidden.'
      : state === 'denied' ? 'This browser does not let this page notify you; its settings for the page decide.' : ''
    return on
  }
  button.onclick = async () => {
    const on = show()
    savePreference(on ? 'off' : 'on')
    if (!on) await Notification.requestPermission()
    show()
  }
  const on = show()
  const unseen = []
  for (const [id, title, body] of data?.ended ?? []) {
    if (handled.has(id)) continue
    handled.add(id)
    if (document.hidden) unseen.push(id)
    if (on) notify(id, title, body)
  }
  if (unseen.length) setTriggerValue('unseen', unseen)
}
"""

_component = st.components.v2.component("desktop-notification", html=_HTML, css=_CSS, js=_SCRIPT)


def draw(account: Account | None) -> None:
    """Offer to notify while something is under way, and tell the browser what has ended while the page was open."""
    ended = since_last_visit.ended_here()
    with st.container(key="desktop-notification"):
        if account is not None and (ended or st.session_state.get("under_way")):
            _component(data={"ended": notifications(ended)}, key=_KEY, on_unseen_change=lambda: _on_unseen(account))


def notifications(ended: Sequence[RunLine]) -> list[tuple[str, str, str]]:
    """(id, title, text) of each ending."""
    return [(run.id, _title(run), f"{since_last_visit.counts_line(run)} · {run.model} · {run.id}") for run in ended]


def _title(run: RunLine) -> str:
    return "A run was stopped at its budget" if run.held_back_rows else STATE_TITLES[run.state]


def _on_unseen(account: Account) -> None:
    """Runs ended while the page was out of sight: it says so when it is seen again."""
    unseen_ids = st.session_state[_KEY].unseen
    if isinstance(unseen_ids, list):
        since_last_visit.add_unseen(account, [name for name in unseen_ids if isinstance(name, str)])
