"""What this browser remembers between visits: model, modes, the last run. Never a key.

Written through extra-streamlit-components, read from the handshake: read through the component, the first run would
find nothing and the page would be drawn again. The component sits in a form, because it answers, and an answer
outside a form draws the page again too. In a fragment it was worse: Streamlit 1.67 sends what changed in the same
moment as one message under the fragment's name, and a click elsewhere was then never drawn.
"""

from __future__ import annotations

import hashlib
import json
import secrets

import extra_streamlit_components as stx
import streamlit as st

from ui.shared import session

COOKIE = "gbr_preferences"
YEAR_SECONDS = 365 * 86_400
_READ, _WRITTEN = "preferences", "preferences_to_write"
_BROWSER = "browser"


def recall(name: str, default: str = "") -> str:
    """A remembered value, or the default. Right on the first run."""
    return _stored().get(name, default)


def remember(**values: str) -> None:
    """Keep values for the next visit; the browser is asked only if something changed."""
    stored = _stored()
    if any(stored.get(name) != value for name, value in values.items()):
        stored.update(values)
        st.session_state[_WRITTEN] = json.dumps(stored, separators=(",", ":"), sort_keys=True)


def browser_id() -> str:
    """A name for this browser, kept beside its preferences. Without cookies it holds for one visit.

    A new one is made of the cookie, so that a reload before it was written makes the same again.
    """
    if not recall(_BROWSER):
        source = session.cookie(COOKIE) or secrets.token_hex(16)
        remember(**{_BROWSER: hashlib.sha256(source.encode()).hexdigest()[:16]})
    return recall(_BROWSER)


def names(prefix: str) -> list[str]:
    """The names of remembered values that begin so."""
    return [name for name in _stored() if name.startswith(prefix)]


def forget(name: str) -> None:
    """Keep a value no longer; the browser hears of it with the next that is remembered."""
    _stored().pop(name, None)


def _stored() -> dict[str, str]:
    if _READ not in st.session_state:
        st.session_state[_READ] = _parse(session.cookie(COOKIE))
    stored: dict[str, str] = st.session_state[_READ]
    return stored


def _parse(text: str) -> dict[str, str]:
    """Anyone can edit this cookie: take short texts from it and nothing else."""
    try:
        decoded = json.loads(text or "{}")
    except ValueError:
        return {}
    pairs = decoded.items() if isinstance(decoded, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str) and len(value) < 200}


def draw() -> None:
    """Mount the cookie component once there is something to write, and keep it mounted until it has written."""
    text = st.session_state.get(_WRITTEN)
    with st.container(key="preferences"):
        if text:
            with st.form("preferences-form", border=False):
                digest = hashlib.sha256(text.encode()).hexdigest()[:12]
                manager = stx.CookieManager(key="preferences-read")
                manager.set(COOKIE, text, key=f"preferences-{digest}", max_age=YEAR_SECONDS, same_site="strict")
                st.form_submit_button("Remember", disabled=True)
