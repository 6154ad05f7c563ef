"""Small things that the browser does for the page once each: set a cookie, start a download, scroll to a section."""

from __future__ import annotations

import secrets
from typing import Literal

import streamlit as st

from ui.shared.app_state import OWN_HEADER

Action = Literal["cookie", "download", "scroll"]
_KEY = "browser_actions"

_SCRIPT = """
const done = (window.gbrActionsDone ??= new Set())
const handlers = {
  cookie: (token) => fetch('/api/session', {
    method: 'POST', credentials: 'same-origin', keepalive: true, headers: {'OWN_HEADER': '1'}, body: token,
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
  for (const [id, action, value] of component.data?.actions ?? []) {
    if (done.has(id)) continue
    done.add(id)
    handlers[action](value)
  }
}
""".replace("OWN_HEADER", OWN_HEADER)

_component = st.components.v2.component("browser-actions", js=_SCRIPT)


def request(action: Action, value: str) -> None:
    """Ask for one action; it is run when the page is next drawn. A newer one of the same kind replaces it."""
    actions = st.session_state.setdefault(_KEY, {})
    actions[action] = (secrets.token_hex(8), action, value)


def draw(moment: Literal["first", "last"]) -> None:
    """Hand the actions to the browser, which runs each once however often they are drawn.

    Drawn first, so that a cookie is on its way before the page shows what it stands for; and last, for what was
    requested in between.
    """
    with st.container(key=f"browser-actions-{moment}"):
        _component(
            data={"actions": list(st.session_state.get(_KEY, {}).values())}, key=f"browser-actions-{moment}-component"
        )
