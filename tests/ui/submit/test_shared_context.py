"""Text and documents are shared by all requests; a cache is chosen or made where one is wanted."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import ContextMode
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import Open, press, submit_button
from tests.ui.pricing_runner import PricingRunner, make_cache
from tests.ui.submit.conftest import (
    button_labels,
    drop_documents,
    part_texts,
    plain_text,
    submitted_requests,
    use_explicit_mode,
)
from ui.shared.app_state import AppState


def test_pasted_text_and_documents_stand_in_the_order_given(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["shared_text"] = "Pasted."
    press(drop_documents(at, ("a.md", b"First."), ("b.txt", b"Second.")), "Submit batch")
    assert part_texts(submitted_requests(runner)[0])[0] == "Pasted.\n\nFirst.\n\nSecond."


def test_the_closed_drawer_says_what_is_shared(at: AppTest) -> None:
    drop_documents(at, ("hand[book].txt", b"Shelf A."))
    at.session_state["shared-closed"] = False
    assert "Shared by all requests: hand[book].txt." in plain_text(at.run())


def test_after_a_submission_nothing_is_shared_any_more(at: AppTest, state: AppState) -> None:
    press(drop_documents(at, ("handbook.txt", b"Shelf A.")), "Submit batch")
    assert "handbook" not in plain_text(at.run()) and list(state.uploads.iterdir()) == []


def test_a_pdf_without_an_explicit_cache_is_not_sent_and_the_way_is_shown(at: AppTest, runner: PricingRunner) -> None:
    drop_documents(at, ("manual.pdf", b"%PDF"))
    assert '"manual.pdf" can be shared only through an explicit cache.' in plain_text(at) and submit_button(at).disabled
    assert runner.submitted == []
    press(at, "Use an explicit cache")
    assert "Create cache" in button_labels(at) and "Use an explicit cache" not in button_labels(at)


def test_a_run_on_a_cache_goes_back_into_the_composer_as_a_file_that_names_it(
    at: AppTest, runner: PricingRunner
) -> None:
    runner.stored_caches = [make_cache("handbook")]
    use_explicit_mode(at).selectbox(key="use_cache").set_value("cachedContents/handbook")
    press(press(at.run(), "Submit batch"), "Edit and run again")
    assert at.session_state["mode"] == "File (JSONL)" and at.session_state["context"] is ContextMode.EXPLICIT
    press(at, "Submit batch")
    assert [request["cachedContent"] for request in submitted_requests(runner)] == ["cachedContents/handbook"] * 2


def test_a_chosen_cache_counts_only_in_mode_explicit(at: AppTest, runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache("handbook")]
    use_explicit_mode(at).selectbox(key="use_cache").set_value("cachedContents/handbook")
    assert "Every request uses this cache" in plain_text(at.run())
    at.session_state["context"] = ContextMode.AUTO
    press(at.run(), "Submit batch")
    assert "cachedContent" not in submitted_requests(runner)[0]


def test_a_chosen_cache_ends_with_the_run_if_one_says_so_for_that_run_only(at: AppTest, runner: PricingRunner) -> None:
    runner.stored_caches = [make_cache("handbook")]
    use_explicit_mode(at).selectbox(key="use_cache").set_value("cachedContents/handbook")
    at.run().checkbox(key="end_cache").check()
    press(at.run(), "Submit batch")
    assert runner.submitted[-1][0].delete_user_caches is True
    assert at.session_state["end_cache"] is False


def test_the_mode_goes_with_the_run(at: AppTest, runner: PricingRunner) -> None:
    press(use_explicit_mode(at), "Submit batch")
    assert runner.submitted[-1][0].context is ContextMode.EXPLICIT


@pytest.mark.parametrize("stored, mode", [("implicit", ContextMode.IMPLICIT), ("nonsense", ContextMode.AUTO)])
def test_a_remembered_mode_is_chosen_again(page: Open, cookies: CookieJar, stored: str, mode: ContextMode) -> None:
    cookies["gbr_preferences"] = json.dumps({"context": stored})
    assert page().session_state["context"] == mode
