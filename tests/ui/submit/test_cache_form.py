"""A cache's price is told before it is made, and one that exists can be chosen."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from batch.errors import ApiError
from batch.formatting import money
from cache_utils import CachedText
from lifecycle.planning import cache_estimate
from tests.ui.page_driver import press
from tests.ui.pricing_runner import GUIDE, PricingRunner, make_cache
from tests.ui.submit.conftest import drop_documents, part_texts, plain_text, submitted_requests, use_explicit_mode


def test_a_cache_is_made_of_everything_shared_and_used_by_every_request(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["shared_text"], at.session_state["system_instruction"] = GUIDE, "Be brief."
    drop_documents(at, ("manual.pdf", b"%PDF << /Type /Pages /Count 3 >>"), ("plan.png", b"\x89PNG"))
    use_explicit_mode(at)
    at.selectbox(key="cache_hours").set_value(6)
    press(at.run(), "Create cache")
    ((wanted, name, seconds),) = runner.created
    assert (name, seconds, wanted.text, wanted.system_instruction) == ("manual", 6 * 3600, GUIDE, "Be brief.")
    assert [file.mime_type for file in wanted.files] == ["application/pdf", "image/png"]
    assert "Every request uses this cache" in plain_text(at)
    press(at, "Submit batch")
    assert [request["cachedContent"] for request in submitted_requests(runner)] == ["cachedContents/manual"] * 2
    assert [part_texts(request) for request in submitted_requests(runner)] == [["Who?"], ["Where?"]]
    assert "systemInstruction" not in submitted_requests(runner)[0]


def test_before_a_cache_is_made_its_price_and_break_even_are_said(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["shared_text"] = GUIDE
    element = cache_estimate.estimate_cache(
        CachedText("gemini-3-flash", text=GUIDE), 1.0, runner.forecasts.tariff("gemini-3-flash")
    )
    price = f"{money(element.usd_to_make)} to make, {money(element.usd_per_hour)} an hour to keep."
    pays = f"Pays from {element.break_even_requests} requests on, if kept 1 hour."
    assert f"About {element.tokens:,} tokens: {price} {pays}" in plain_text(use_explicit_mode(at))


def test_too_little_text_for_a_cache_is_said_before(at: AppTest) -> None:
    at.session_state["shared_text"] = "Too short."
    assert "This model takes caches from 1,024 tokens" in plain_text(use_explicit_mode(at))


def test_a_refused_cache_says_why_and_nothing_is_chosen(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["shared_text"] = GUIDE
    use_explicit_mode(at)
    runner.error = ApiError("The free tier has no explicit caches.", "Enable billing.")
    press(at, "Create cache")
    assert "The free tier has no explicit caches. Enable billing." in plain_text(at)
    assert at.session_state["use_cache"] == ""


def test_only_living_caches_of_this_model_can_be_chosen(at: AppTest, runner: PricingRunner) -> None:
    other = make_cache("other", model="gemini-9")
    runner.stored_caches = [make_cache("handbook"), make_cache("gone", expired=True), other]
    assert use_explicit_mode(at).selectbox(key="use_cache").options == [
        "The run makes its own and deletes them",
        "handbook · 20,000 tokens · 30 min left",
    ]
