"""The page is where it was led to, whatever a browser that lags behind still names."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from ui.shared import selection

SWITCH = "place-switch"


@pytest.fixture
def moved(composer: AppTest) -> AppTest:
    """A page whose person has just gone from New to Runs."""
    composer.button_group(key=SWITCH).set_value("runs").run()
    assert place(composer) == "runs"
    return composer


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    context = SimpleNamespace(is_history_navigation=False)
    monkeypatch.setattr(selection, "get_script_run_ctx", lambda: context)
    return context


def place(at: AppTest) -> str:
    assert not at.exception
    return str(at.session_state[SWITCH])


def test_a_tick_that_names_the_old_address_leads_nowhere(moved: AppTest) -> None:
    moved.query_params.clear()
    moved.run()
    assert place(moved) == "runs"
    assert moved.query_params["place"] == "runs"


def test_a_switch_that_shows_the_old_place_is_no_click(moved: AppTest) -> None:
    moved.query_params.clear()
    moved.button_group(key=SWITCH).set_value("new").run()
    assert place(moved) == "runs"


def test_a_click_after_the_browser_has_caught_up_is_one(moved: AppTest) -> None:
    moved.run()
    moved.button_group(key=SWITCH).set_value("new").run()
    assert place(moved) == "new"


def test_who_goes_back_is_back(moved: AppTest, history: SimpleNamespace) -> None:
    history.is_history_navigation = True
    moved.query_params.clear()
    moved.run()
    history.is_history_navigation = False
    moved.run()
    assert place(moved) == "new"


def test_an_old_address_counts_again_after_a_while(moved: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "CATCH_UP_SECONDS", -1.0)
    moved.query_params.clear()
    moved.run()
    assert place(moved) == "new"
