"""The drawer shows every cache under a key, the forgotten ones included, and extends or deletes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.errors import ApiError
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open, page_text, press
from tests.ui.pricing_runner import PricingRunner, make_cache
from ui.shared.app_state import AppState


@pytest.fixture
def runner(tmp_path: Path) -> PricingRunner:
    return PricingRunner(tmp_path)


@pytest.fixture
def signed_in(state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)


@pytest.fixture
def open_caches(page: Open, signed_in: None) -> Callable[[], AppTest]:
    """Open the page and then the drawer."""

    def open_drawer() -> AppTest:
        at = page(place="runs")
        at.session_state["caches"] = True
        at.run()
        assert not at.exception
        return at

    return open_drawer


def plain_text(at: AppTest) -> str:
    return page_text(at).replace("\\", "")


def button_labels(at: AppTest) -> list[str]:
    return [element.label for element in at.button]


def test_signed_out_there_is_no_drawer(page: Open) -> None:
    assert "Caches at Google" not in [element.label for element in page(place="runs").expander]


def test_nothing_is_asked_before_the_drawer_is_opened(page: Open, signed_in: None, runner: PricingRunner) -> None:
    at = page(place="runs").run()
    assert "Caches at Google" in [element.label for element in at.expander] and runner.list_calls == 0


def test_without_caches_it_says_that_nothing_is_charged(open_caches: Callable[[], AppTest]) -> None:
    assert "nothing is charged for storage" in plain_text(open_caches())


def test_each_cache_tells_age_size_expiry_cost_and_who_needs_it(
    open_caches: Callable[[], AppTest], runner: PricingRunner
) -> None:
    runner.stored_caches = [
        make_cache("handbook", runs=("r7",), ours=True),
        make_cache("old *one*", expired=True, seconds_left=-5.0),
        make_cache("odd", tokens=None, usd_per_hour=None, usd_so_far=None),
    ]
    words = plain_text(open_caches())
    facts = "gemini-3-flash · 20,000 tokens · 2 h old · expires in 30 min · $0.020 an hour · $0.046 so far"
    assert f"{facts} · made by a run · needed by r7" in words
    assert "size not known · 2 h old · expires in 30 min · not known an hour · not known so far" in words
    assert "**old *one***" in words and "expires in -" not in words
    assert "2 caches, not known an hour, 1 idle" in words


def test_the_hourly_cost_of_all_is_summed(open_caches: Callable[[], AppTest], runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache("a"), make_cache("b", usd_per_hour=0.3), make_cache("gone", expired=True)]
    assert "2 caches, $0.32 an hour, 2 idle" in plain_text(open_caches())


def test_a_cache_is_extended_to_a_longer_life_only(open_caches: Callable[[], AppTest], runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache("handbook", seconds_left=2 * 3600.0)]
    at = open_caches()
    box = at.selectbox(key="hours-cachedContents/handbook")
    assert box.options == ["6 hours from now", "24 hours from now", "48 hours from now"]
    box.set_value(24)
    press(at.run(), "Extend")
    assert runner.calls == [("extend", "cachedContents/handbook", "86400")]
    runner.stored_caches = [make_cache("long", seconds_left=52 * 3600.0)]
    assert "Extend" not in button_labels(press(at, "Look again"))


def test_a_cache_that_a_run_needs_cannot_be_deleted(open_caches: Callable[[], AppTest], runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache("needed", runs=("r1",)), make_cache("idle")]
    at = open_caches()
    assert at.button(key="delete-cachedContents/needed").disabled
    at.button(key="delete-cachedContents/idle").click()
    at.run()
    assert runner.calls == [("delete cache", "cachedContents/idle")]
    assert "1 cache deleted" in plain_text(at) and "**idle**" not in plain_text(at)


def test_all_idle_caches_are_deleted_after_asking(open_caches: Callable[[], AppTest], runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache("a"), make_cache("b"), make_cache("needed", runs=("r1",))]
    at = press(open_caches(), "Delete all that no run needs")
    assert runner.calls == []
    assert "Delete 2 caches for good" not in button_labels(press(at, "Keep them"))
    press(press(at, "Delete all that no run needs"), "Delete 2 caches for good")
    assert [call[1] for call in runner.calls] == ["cachedContents/a", "cachedContents/b"]


def test_many_caches_are_shown_a_page_at_a_time(open_caches: Callable[[], AppTest], runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache(f"c{n}") for n in range(300)]
    assert sum(label == "Delete" for label in button_labels(open_caches())) == 8


def test_a_list_that_cannot_be_had_says_why(open_caches: Callable[[], AppTest], runner: PricingRunner) -> None:
    runner.error = ApiError("Google cannot be reached.", "Try again.")
    at = open_caches()
    assert "Google cannot be reached. Try again." in plain_text(at)
    runner.error = None
    assert "nothing is charged" in plain_text(press(at, "Look again"))


def test_the_list_is_asked_for_once_while_it_is_fresh(
    open_caches: Callable[[], AppTest], runner: PricingRunner
) -> None:
    open_caches().run().run()
    assert runner.list_calls == 1
