"""What the browser does for the page: set a cookie, copy, download, scroll, keep the address; never stay blank."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

import streamlit as st

from ui.shared.app_state import OWN_HEADER

Action = Literal["cookie", "copy", "download", "scroll", "address"]
_KEY = "browser_actions"
PAUSE_MS = 700  # in typing, after which what was typed is used

_SCRIPT = """
const done = (window.gbrActionsDone ??= new Set())
const handlers = {
  cookie: (token) => fetch('/api/session', {
    method: 'POST', credentials: 'same-origin', keepalive: true, headers: {'OWN_HEADER': '1'}, body: token,
  }),
  copy: async (text) => {
    let words = 'Copied.'
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      words = 'Copy it from here:' // not allowed here: the page shows the text
    }
    for (let tries = 0; tries < 40; tries++) {
      const place = document.querySelector('.gbr-copied')
      if (place) place.textContent = words
      if (place) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  },
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
  // In the place of the address that is there, if it is of the same place: "back" leaves the place in one step, and
  // what the server is told of the address by the next click may be older without any harm.
  address: (query) => {
    const here = new URLSearchParams(location.search)
    const there = new URLSearchParams(query)
    if (here.get('run') !== there.get('run') || (here.get('place') ?? there.get('place')) !== there.get('place')) return
    if (![...here.keys(), ...there.keys()].some((name) => name !== 'run' && name !== 'place')) return
    history.replaceState(history.state, '', location.pathname + '?' + query + location.hash)
  },
}
// A text box tells what was typed only when it is left: it is asked to after a pause, so that the price follows, the
// button is ready when it is reached for, and a reload loses nothing.
const LONG = 200_000  // what is sent again with every click
const commit = (box) => box.dispatchEvent(
  new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true}))
const onType = (event) => {
  const box = event.target
  if (box.tagName !== 'TEXTAREA') return
  clearTimeout(box.gbrPause)
  if (event.isComposing || box.value.length > LONG) return
  box.gbrPause = setTimeout(() => commit(box), PAUSE_MS)
}
window.removeEventListener('input', window.gbrOnType)
window.addEventListener('input', onType)
window.gbrOnType = onType
// Streamlit throws the whole page away where a message does not fit what it shows. What is open is in the address and
// on the server: it is opened anew, once in a while at most.
const RELOAD_MS = 20_000
const onBlank = () => {
  if (document.getElementById('root')?.childElementCount !== 0) return
  const last = Number(sessionStorage.getItem('gbr-reloaded') ?? 0)
  if (Date.now() - last < RELOAD_MS) return
  sessionStorage.setItem('gbr-reloaded', String(Date.now()))
  location.reload()
}
// Menus and dialogs stand beside the page, and Streamlit tells only the page whether it is dark.
const matchScheme = () => {
  const app = document.querySelector('.stApp')
  if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme
}
const onSecond = () => { onBlank(); matchScheme() }
clearInterval(window.gbrSecondTimer)
window.gbrSecondTimer = setInterval(onSecond, 1_000)

export default function (component) {
  matchScheme()
  for (const [id, action, value] of component.data?.actions ?? []) {
    if (done.has(id)) continue
    done.add(id)
    handlers[action](value)
  }
}
""".replace("OWN_HEADER", OWN_HEADER).replace("PAUSE_MS", str(PAUSE_MS))

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


def draw_address(place: Mapping[str, str], view: Mapping[str, str], visit: int) -> None:
    """Have the address of a place say how it is looked at, so that a reload and a second tab find it so. To be drawn in
    the fragment that changes it. `visit` tells one time that the place was opened from another.
    """
    query = urlencode({**place, **{name: value for name, value in view.items() if value}})
    key = f"address-{'-'.join(place.values())}"
    wanted: tuple[int, str, str] | None = st.session_state.get(key)
    if wanted is None or wanted[:2] != (visit, query):
        wanted = st.session_state[key] = (visit, query, secrets.token_hex(8))
    with st.container(key=key):
        _component(data={"actions": [(wanted[2], "address", query)]}, key=f"{key}-component")
