"""Text and documents are shared by all requests; a cache is chosen or made where one is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.errors import ApiError
from batch.model import ContextMode
from cache_utils import CachedText
from lifecycle.planning import cache_estimate
from tests.ui.conftest import CookieJar
from tests.ui.pricing_runner import GUIDE, PricingRunner, make_cache
from tests.ui.shared.test_session import KEY, page_text, press
from ui.shared.app_state import AppState
from ui.shared.format import money

Open = Callable[..., AppTest]


@pytest.fixture
def runner(tmp_path: Path) -> PricingRunner:
    return PricingRunner(tmp_path)


@pytest.fixture
def at(page: Open, state: AppState, cookies: CookieJar) -> AppTest:
    """The page of someone signed in, two prompts typed and the shared context open."""
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    at = page()
    at.session_state["prompts"] = "Who?\nWhere?"
    at.session_state["shared-closed"] = True
    return at.run()


def drop_documents(at: AppTest, *given: tuple[str, bytes]) -> AppTest:
    (box,) = [element for element in at.get("file_uploader") if element.label == "Documents"]
    box.upload(given[0][0], given[0][1], "application/octet-stream")
    at.run()
    assert not at.exception
    return drop_documents(at, *given[1:]) if given[1:] else at


def use_explicit_mode(at: AppTest) -> AppTest:
    at.session_state["context"] = ContextMode.EXPLICIT
    at.run()
    assert not at.exception
    return at


def plain_text(at: AppTest) -> str:
    return page_text(at).replace("\\", "")


def button_labels(at: AppTest) -> list[str]:
    return [element.label for element in at.button]


def submitted_requests(runner: PricingRunner) -> list[dict[str, object]]:
    """The requests of the last submission."""
    return [json.loads(line)["request"] for line in runner.submitted[-1][2]]


def part_texts(request: dict[str, object]) -> list[str]:
    (content,) = request["contents"]
    return [part["text"] for part in content["parts"]]


# -- text --------------------------------------------------------------------------------------------------------------


def test_a_text_document_goes_before_every_request_as_a_part_of_its_own(at: AppTest, runner: PricingRunner) -> None:
    press(drop_documents(at, ("handbook.txt", b"\xef\xbb\xbfShelf A holds drills.")), "Submit batch")
    assert [part_texts(request) for request in submitted_requests(runner)] == [
        ["Shelf A holds drills.", "Who?"],
        ["Shelf A holds drills.", "Where?"],
    ]


def test_pasted_text_and_documents_stand_in_the_order_given(at: AppTest, runner: PricingRunner) -> None:
    at.session_state["shared_text"] = "Pasted."
    press(drop_documents(at, ("a.md", b"First."), ("b.txt", b"Second.")), "Submit batch")
    assert part_texts(submitted_requests(runner)[0])[0] == "Pasted.\n\nFirst.\n\nSecond."


def test_a_document_can_be_removed_and_its_file_goes(at: AppTest, runner: PricingRunner, state: AppState) -> None:
    drop_documents(at, ("handbook.txt", b"Shelf A holds drills."))
    assert "**handbook.txt** · 21 B" in plain_text(at)
    press(press(at, "Remove"), "Submit batch")
    assert [part_texts(request) for request in submitted_requests(runner)] == [["Who?"], ["Where?"]]
    assert list(state.uploads.iterdir()) == []


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("scan.txt", b"\xff\xfe\x00\x01 binary", "scan.txt is not UTF-8 text."),
        ("empty.md", b" \n", "empty.md is empty."),
        ("nothing.pdf", b"", "nothing.pdf is empty."),
        ("huge.txt", b"x" * 8_000_001, "huge.txt has 8.0 MB, more text than any model takes."),
    ],
)
def test_what_cannot_be_shared_is_told_and_left_out(
    at: AppTest, state: AppState, name: str, content: bytes, words: str
) -> None:
    assert words in plain_text(drop_documents(at, (name, content)))
    assert list(state.uploads.iterdir()) == [] and "Remove" not in button_labels(at)


def test_the_closed_drawer_says_what_is_shared(at: AppTest) -> None:
    drop_documents(at, ("hand[book].txt", b"Shelf A."))
    at.session_state["shared-closed"] = False
    assert "Shared by all requests: hand[book].txt." in plain_text(at.run())


def test_after_a_submission_nothing_is_shared_any_more(at: AppTest, state: AppState) -> None:
    press(drop_documents(at, ("handbook.txt", b"Shelf A.")), "Submit batch")
    assert "handbook" not in plain_text(at.run()) and list(state.uploads.iterdir()) == []


# -- pages and pictures ------------------------------------------------------------------------------------------------


def test_a_pdf_without_an_explicit_cache_is_not_sent_and_the_way_is_shown(at: AppTest, runner: PricingRunner) -> None:
    drop_documents(at, ("manual.pdf", b"%PDF"))
    assert '"manual.pdf" can be shared only through an explicit cache.' in plain_text(press(at, "Submit batch"))
    assert runner.submitted == []
    press(at, "Use an explicit cache")
    assert "Create cache" in button_labels(at) and "Use an explicit cache" not in button_labels(at)


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


def test_a_run_on_a_cache_goes_back_into_the_composer_as_a_file_that_names_it(
    at: AppTest, runner: PricingRunner
) -> None:
    runner.kept = [make_cache("handbook")]
    use_explicit_mode(at).selectbox(key="use_cache").set_value("cachedContents/handbook")
    press(press(at.run(), "Submit batch"), "Edit and run again")
    assert at.session_state["mode"] == "File (JSONL)" and at.session_state["context"] is ContextMode.EXPLICIT
    press(at, "Submit batch")
    assert [request["cachedContent"] for request in submitted_requests(runner)] == ["cachedContents/handbook"] * 2


# -- caches that exist -------------------------------------------------------------------------------------------------


def test_only_living_caches_of_this_model_can_be_chosen(at: AppTest, runner: PricingRunner) -> None:
    other = make_cache("other", model="gemini-9")
    runner.kept = [make_cache("handbook"), make_cache("gone", expired=True), other]
    assert use_explicit_mode(at).selectbox(key="use_cache").options == [
        "The run makes its own and deletes them",
        "handbook · 20,000 tokens · 30 min left",
    ]


def test_a_chosen_cache_counts_only_in_mode_explicit(at: AppTest, runner: PricingRunner) -> None:
    runner.kept = [make_cache("handbook")]
    use_explicit_mode(at).selectbox(key="use_cache").set_value("cachedContents/handbook")
    assert "Every request uses this cache" in plain_text(at.run())
    at.session_state["context"] = ContextMode.AUTO
    press(at.run(), "Submit batch")
    assert "cachedContent" not in submitted_requests(runner)[0]


def test_a_chosen_cache_ends_with_the_run_if_one_says_so_for_that_run_only(at: AppTest, runner: PricingRunner) -> None:
    runner.kept = [make_cache("handbook")]
    use_explicit_mode(at).selectbox(key="use_cache").set_value("cachedContents/handbook")
    at.run().checkbox(key="end_cache").check()
    press(at.run(), "Submit batch")
    assert runner.submitted[-1][0].end_cache is True
    assert at.session_state["end_cache"] is False


def test_the_mode_goes_with_the_run(at: AppTest, runner: PricingRunner) -> None:
    press(use_explicit_mode(at), "Submit batch")
    assert runner.submitted[-1][0].context is ContextMode.EXPLICIT


@pytest.mark.parametrize("stored, mode", [("implicit", ContextMode.IMPLICIT), ("nonsense", ContextMode.AUTO)])
def test_a_remembered_mode_is_chosen_again(page: Open, cookies: CookieJar, stored: str, mode: ContextMode) -> None:
    cookies["gbr_preferences"] = json.dumps({"context": stored})
    assert page().session_state["context"] == mode
