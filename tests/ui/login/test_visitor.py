"""The page behind a login: a way in for who is not known, and nothing else."""

from __future__ import annotations

import pytest
import streamlit as st

from tests.ui.fakes import FakeRunner
from tests.ui.page_driver import KEY, Open, page_text
from ui.login import visitor
from ui.login.rules import LoginRules
from ui.shared.app_state import AppState


def lock(state: AppState, mode: str) -> None:
    object.__setattr__(state, "login", LoginRules(mode, allowed=("@firm.test",)))
    object.__setattr__(state, "key_from_environment", KEY)


class OidcUser(dict[str, object]):
    is_logged_in = True


@pytest.mark.parametrize("mode", ["oidc", "proxy"])
def test_who_is_not_known_sees_no_page_and_has_no_account(
    page: Open, state: AppState, runner: FakeRunner, mode: str
) -> None:
    lock(state, mode)
    at = page()
    assert "account" not in at.session_state and [header.value for header in at.header] == []
    assert [button.label for button in at.button] == (["Log in"] if mode == "oidc" else [])


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({"email": "ann@firm.test"}, "ann@firm.test"),
        ({"email": "ann@firm.test", "email_verified": True}, "ann@firm.test"),
        ({"email": "ann@firm.test", "email_verified": False, "sub": "1"}, ""),
        ({"email": "eve@evil.example"}, ""),
        ({}, ""),
    ],
)
def test_a_user_of_the_provider_is_known_by_the_address_it_vouches_for(
    page: Open, state: AppState, monkeypatch: pytest.MonkeyPatch, known: dict[str, object], name: str
) -> None:
    lock(state, "oidc")
    monkeypatch.setattr(st, "user", OidcUser(known))
    assert visitor.user(state.login) == name
    at = page()
    assert ("account" in at.session_state) is bool(name)
    if not name:
        assert [button.label for button in at.button] == ["Log out"] and "not open to your account" in page_text(at)
