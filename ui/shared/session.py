"""The account of this browser session: signed out, connected with a key, or rehearsing.

The key itself stays in the runner's memory. A cookie carries it encrypted; the page's script never sees it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import unquote

import streamlit as st

from batch.errors import InputError, KeyMissing
from lifecycle.core.models import Account, KeyCheck, Visitor
from ui.limits.rate_limit import TooOften
from ui.login import visitor
from ui.shared import browser_actions
from ui.shared.app_state import CookieChange, get_state
from ui.shared.cookie_crypto import COOKIE_SECONDS

KEY_COOKIE = "gbr_key"
NOBODY = "nobody"  # whose checked inputs count together: those of who is signed out
REHEARSAL_COOKIE = "gbr_rehearsal"
_ACCOUNT, _ENCRYPTED_KEY, _REMEMBERED, _REHEARSAL = (
    "account",
    "encrypted_key",
    "key_is_remembered",
    "rehearsal_identity",
)


def begin() -> None:
    """Sign in from the cookies or the environment, on the first run of a browser session only."""
    if _ACCOUNT in st.session_state:
        _stay_signed_in()
        return
    state, cookies = get_state(), _cookies()
    key = _decrypt(cookies.get(KEY_COOKIE, ""))
    rehearsing, _, identity = (state.cookie_cipher.decrypt(cookies.get(REHEARSAL_COOKIE)) or "").partition(":")
    st.session_state[_REMEMBERED] = key is not None
    st.session_state[_ENCRYPTED_KEY] = cookies.get(KEY_COOKIE, "") if key else ""
    st.session_state[_REHEARSAL] = identity or f"rehearsal-{secrets.token_urlsafe(24)}"
    st.session_state[_ACCOUNT] = None
    if rehearsing == "on" and identity:
        st.session_state[_ACCOUNT] = state.runner.accounts.register_rehearsal(identity, visitor=_person())
    else:
        st.session_state[_ACCOUNT] = _connect_again(key)
    _note("open")


def _stay_signed_in() -> None:
    """The server lets go of a key that nobody used for long: bring it back, unless it was forgotten meanwhile."""
    current, accounts = account(), get_state().runner.accounts
    if current is None or accounts.keep(current):
        return
    if current.rehearsal:
        st.session_state[_ACCOUNT] = accounts.register_rehearsal(st.session_state[_REHEARSAL], visitor=_person())
    elif accounts.is_forgotten(current):
        st.session_state[_ACCOUNT], st.session_state[_ENCRYPTED_KEY], st.session_state[_REMEMBERED] = None, "", False
    else:
        st.session_state[_ACCOUNT] = _connect_again(_decrypt(st.session_state[_ENCRYPTED_KEY]))


def _connect_again(key: str | None) -> Account | None:
    """The account of a key that this browser brought, or else of the installation's own."""
    state = get_state()
    if key:
        return state.runner.accounts.register_key(key, visitor=_person())
    own = state.key_from_environment
    return state.runner.accounts.register_key(own, permanent=True, visitor=_person()) if own else None


def _decrypt(encrypted: str) -> str | None:
    """The key in a cookie; None if there is none in it, or it was taken back."""
    state = get_state()
    key = state.cookie_cipher.decrypt(encrypted)
    return None if key is None or state.runner.accounts.is_revoked(encrypted) else key


def _revoke() -> None:
    """Take back the encrypted key of this session, wherever a copy of it is."""
    if st.session_state[_ENCRYPTED_KEY]:
        get_state().runner.accounts.revoke(st.session_state[_ENCRYPTED_KEY], COOKIE_SECONDS)


def _cookies() -> Mapping[str, str]:
    """The cookies of the handshake, decoded; only texts (AppTest puts mocks there)."""
    jar = st.context.cookies.to_dict()
    return {name: unquote(value) for name, value in jar.items() if isinstance(value, str)}


def cookie(name: str) -> str:
    """One cookie as the browser sent it when this session began; "" if absent."""
    return _cookies().get(name, "")


def time_zone() -> str | None:
    """The visitor's time zone, None if his browser does not tell."""
    name = st.context.timezone
    return name if isinstance(name, str) else None


def account() -> Account | None:
    """The account of this session, None when signed out."""
    current: Account | None = st.session_state.get(_ACCOUNT)
    return current


def owner_id() -> str:
    """Whose the files are that this session makes; "" when signed out."""
    current = account()
    return current.owner_id if current else ""


def require_account() -> Account:
    """The account of this session. Raises KeyMissing when signed out, for instance by another tab's doing."""
    current = account()
    if current is None:
        raise KeyMissing("You are not connected.", "Enter a Gemini API key, or rehearse without one.")
    return current


def remembered() -> bool:
    """Whether this browser keeps the key."""
    return bool(st.session_state.get(_REMEMBERED))


def from_environment() -> bool:
    """Whether the connected key is the installation's own, which this page cannot forget."""
    return bool(get_state().key_from_environment) and not st.session_state.get(_ENCRYPTED_KEY)


def connect(key: str, *, remember: bool) -> KeyCheck:
    """Check a key with free calls; when it works, connect with it and remember it only if asked."""
    state = get_state()
    try:
        state.limits.connecting.spend(_visitor())
    except TooOften as error:
        return KeyCheck(False, str(error))
    check = state.runner.accounts.check_key(key, visitor=_person())
    if check.ok:
        st.session_state[_ACCOUNT] = check.account or state.runner.accounts.register_key(key, visitor=_person())
        _note("connect")
        _revoke()
        st.session_state[_ENCRYPTED_KEY] = state.cookie_cipher.encrypt(key)
        remember_key(remember)
    return check


def remember_key(remember: bool) -> None:
    """Write the connected key's cookie, or remove it."""
    if not remember and not remembered():
        return
    if not remember and (key := _decrypt(st.session_state[_ENCRYPTED_KEY])):
        _revoke()
        st.session_state[_ENCRYPTED_KEY] = get_state().cookie_cipher.encrypt(key)
    st.session_state[_REMEMBERED] = remember
    _send_cookie_change(CookieChange(KEY_COOKIE, st.session_state[_ENCRYPTED_KEY] if remember else ""))


def forget() -> None:
    """Remove the key from this browser and from the server, at once; a copy of the cookie is worth nothing then."""
    current = account()
    if current is not None:
        _note("forget")
        get_state().runner.accounts.forget(current)
        get_state().withdraw_tickets(current.owner_id)
    _revoke()
    st.session_state[_ACCOUNT], st.session_state[_ENCRYPTED_KEY], st.session_state[_REMEMBERED] = None, "", False
    _send_cookie_change(CookieChange(KEY_COOKIE, ""))


def rehearse() -> None:
    """Enter rehearsal under this browser's identity. Raises InputError if that is done too often from here."""
    identity = st.session_state[_REHEARSAL]
    try:
        get_state().limits.rehearsing.spend(_visitor())
    except TooOften as error:
        raise InputError(str(error)) from error
    st.session_state[_ACCOUNT] = get_state().runner.accounts.register_rehearsal(identity, visitor=_person())
    _note("rehearse")
    _send_cookie_change(CookieChange(REHEARSAL_COOKIE, get_state().cookie_cipher.encrypt(f"on:{identity}")))


def leave_rehearsal() -> None:
    """Go back to the key that was connected before, if any; rehearsal runs stay for the next time."""
    state = get_state()
    st.session_state[_ACCOUNT] = _connect_again(_decrypt(st.session_state[_ENCRYPTED_KEY]))
    _send_cookie_change(
        CookieChange(REHEARSAL_COOKIE, state.cookie_cipher.encrypt(f"off:{st.session_state[_REHEARSAL]}"))
    )


def _visitor() -> str:
    """What tells visitors apart: the name they logged in with, or their address, which may be a proxy's."""
    person = _person()
    return person.user or person.address


def _person() -> Visitor:
    """Who is at the page, and from where."""
    rules = get_state().login
    return Visitor(visitor.user(rules), visitor.address(rules))


def _note(what: str) -> None:
    current = account()
    if current is not None:
        get_state().runner.accounts.note(current, what)


def _send_cookie_change(change: CookieChange) -> None:
    browser_actions.request("cookie", get_state().cookie_tokens.issue((change,)))
