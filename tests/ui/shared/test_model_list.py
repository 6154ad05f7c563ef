"""The list of models never holds the page up: the catalog's until the service has told its own, then what it told."""

from __future__ import annotations

import threading

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import Account, ModelChoice
from tests.patience import PATIENCE_SECONDS
from tests.ui.fakes import FakeAccounts, FakeRunner
from ui.shared import background, model_list
from ui.shared.app_state import AppState


class GatedAccounts(FakeAccounts):
    """A service that tells its models, a new one each time, only while `gate` is open."""

    def __init__(self, runner: FakeRunner) -> None:
        super().__init__(runner)
        self.gate, self.times = threading.Event(), 0

    def models(self, account: Account | None) -> list[ModelChoice]:
        if account is None:
            return [ModelChoice("catalog", "Of the catalog", None, None, None, "")]
        self.times += 1
        assert self.gate.wait(PATIENCE_SECONDS)
        return [ModelChoice(f"service-{self.times}", "Of the service", None, None, None, "")]


def script() -> None:
    import streamlit as st

    from lifecycle.core.models import Account
    from ui.shared import model_list

    choices = model_list.available_models(Account("owner", False, "", ""))
    st.caption(", ".join(choice.id for choice in choices))


@pytest.fixture
def accounts(state: AppState, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> GatedAccounts:
    monkeypatch.setattr(background, "INITIAL_WAIT_SECONDS", 0.0)
    gated = GatedAccounts(runner)
    runner.accounts = gated
    return gated


def shown_models(at: AppTest) -> str:
    return str(at.run().caption[0].value)


def wait_for_answer(at: AppTest) -> None:
    at.session_state["background-models"].future.result(PATIENCE_SECONDS)


def test_the_catalog_is_shown_until_the_service_has_answered(accounts: GatedAccounts) -> None:
    at = AppTest.from_function(script)
    assert shown_models(at) == "catalog"
    accounts.gate.set()
    wait_for_answer(at)
    assert shown_models(at) == shown_models(at) == "service-1"


def test_what_was_told_before_is_shown_while_the_service_is_asked_anew(
    accounts: GatedAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = AppTest.from_function(script)
    accounts.gate.set()
    shown_models(at)
    wait_for_answer(at)
    monkeypatch.setattr(model_list, "MAX_AGE_SECONDS", -1.0)
    monkeypatch.setattr(background, "INITIAL_WAIT_SECONDS", PATIENCE_SECONDS)  # it must not be waited for
    accounts.gate.clear()
    assert shown_models(at) == shown_models(at) == "service-1"
    assert accounts.times == 2, "one question at a time"
    accounts.gate.set()
    wait_for_answer(at)
    monkeypatch.setattr(model_list, "MAX_AGE_SECONDS", 60.0)
    assert shown_models(at) == "service-2"
