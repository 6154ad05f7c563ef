"""The person at the page, and the way in for who is not known yet."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.login.rules import OIDC, PROXY, LoginRules


def user(rules: LoginRules) -> str:
    """The name under which this visitor logged in; "" without a login, or for who may not come in."""
    found = ""
    if rules.mode == OIDC:
        found = _oidc_user()
    elif rules.mode == PROXY:
        found = str(st.context.headers.get(rules.header) or "").strip()
    return found if rules.is_allowed(found) else ""


def address(rules: LoginRules) -> str:
    """From where the visitor calls: as a trusted proxy says, else as the connection does."""
    forwarded = str(st.context.headers.get("X-Forwarded-For") or "") if rules.mode == PROXY else ""
    known = forwarded.rpartition(",")[2].strip() or st.context.ip_address  # the last entry is the proxy's own
    return known if isinstance(known, str) else "this computer"


def admit(rules: LoginRules) -> bool:
    """Whether the page may be drawn; draws the way in where it may not."""
    if not rules.mode or user(rules):
        return True
    st.title("Gemini Batch Runner Pro")
    if rules.mode == OIDC and not _is_logged_in():
        st.write("This page belongs to a team. Log in to use it.")
        st.button("Log in", on_click=st.login, type="primary")
    elif rules.mode == OIDC:
        st.write("You are logged in, but this page is not open to your account. Ask who runs it.")
        st.button("Log out", on_click=st.logout)
    else:
        st.write("The proxy in front of this page names nobody who may use it. Ask who runs it.")
    return False


def _is_logged_in() -> bool:
    return bool(getattr(st.user, "is_logged_in", False))


def _oidc_user() -> str:
    """The address that the provider vouches for, else the provider's own name of the account."""
    if not _is_logged_in():
        return ""
    known: Any = st.user
    email = str(known.get("email") or "")
    return email if email and known.get("email_verified") is not False else str(known.get("sub") or "")
