"""Small things that the browser does for the page once each: set a cookie, start a download, scroll to a section."""

from __future__ import annotations

import secrets
from typing import Literal

import streamlit as st

from ui.shared.app_state import OWN_HEADER

Action = Literal["cookie", "download", "scroll"]
_KEY = "errands"

_SCRIPT = """
const done = (window.gbrErrandsDone ??= new Set())
const run = {
  cookie: (ticket) => fetch('/api/session', {
    method: 'POST', credentials: 'same-origin', keepalive: true, headers: {'OWN_HEADER': '1'}, body: ticket,
  }),
  download: (address) => {
    const link = document.createElement('a')
    link.href = address
    link.download = ''
    document.body.append(link)
    link.click()
    link.remove()
  },
  scroll: (section) => {
    const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches
    const target = document.querySelector('.st-key-' + section)
    target?.scrollIntoView({behavior: calm ? 'auto' : 'smooth', block: 'start'})
  },
}
export default function (component) {
  for (const [id, kind, value] of component.data?.errands ?? []) {
    if (done.has(id)) continue
    done.add(id)
    run[kind](value)
  }
}
""".replace("OWN_HEADER", OWN_HEADER)

_component = st.components.v2.component("errands", js=_SCRIPT)


def request(action: Action, value: str) -> None:
    """Ask for one errand; it is run when the page is next drawn. A newer one of the same kind replaces it."""
    actions = st.session_state.setdefault(_KEY, {})
    actions[action] = (secrets.token_hex(8), action, value)


def draw(moment: Literal["first", "last"]) -> None:
    """Hand the errands to the browser, which runs each once however often they are drawn.

    Drawn first, so that a cookie is on its way before the page shows what it stands for; and last, for what was
    posted in between.
    """
    with st.container(key=f"errands-{moment}"):
        _component(data={"errands": list(st.session_state.get(_KEY, {}).values())}, key=f"errands-{moment}-component")
