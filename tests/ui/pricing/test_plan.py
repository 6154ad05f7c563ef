"""What a draft will cost stands on the page before it is submitted, every choice of the plan can be changed, and a
budget holds."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import ContextMode
from tests.ui.page_driver import page_text, press
from tests.ui.pricing.conftest import choose, compose, plan_titles, price, upload, without_exception
from tests.ui.pricing_runner import GUIDE, PricingRunner


def test_the_plan_says_what_is_shared_and_what_caching_it_saves(at: AppTest) -> None:
    compose(at)
    (title,) = plan_titles(at)
    assert title.startswith("Plan: 1 explicit cache, input $0.0") and "instead of $0.0" in title
    table = at.dataframe[0].value
    assert list(table["Choice"]) == ["explicit"] and list(table["Requests"]) == [60]
    assert table["Shared text"][0].startswith("The guide says which parcels go where")
    assert table["Explicit"][0] < table["None"][0] == table["Implicit"][0]
    assert table["Cache pays"][0].startswith("up to ")


def test_prompts_that_share_nothing_have_a_plan_of_one_line(at: AppTest) -> None:
    compose(at, "One?\nTwo?", "")
    assert plan_titles(at) == ["Plan: no text is shared that a cache could pay for"] and not at.dataframe


def test_a_text_that_goes_on_from_another_shows_what_it_adds(at: AppTest) -> None:
    asked = [[GUIDE, f"Part {chapter} of the guide. " * 400, f"{n}?"] for chapter in "AB" for n in range(20)]
    upload(at, asked)
    table = at.dataframe[0].value
    assert sorted(text[:6] for text in table["Shared text"]) == ["Part A", "Part B", "The gu"]
    total = table[table["Shared text"].str.startswith("The")]["#"].iloc[0]
    assert sorted(table["Continues"].dropna()) == [total, total]


def test_many_groups_are_shown_ten_at_a_time(at: AppTest) -> None:
    documents = [f"Document {n}. {GUIDE}" for n in range(25)]
    upload(at, [[text, f"{q}?"] for text in documents for q in range(30)])
    seen = []
    for page in (1, 2, 3):
        at.session_state["groups_page"] = page
        seen.append(list(without_exception(at.run()).dataframe[0].value["Shared text"]))
    assert [len(texts) for texts in seen] == [10, 10, 5]
    assert len({text for texts in seen for text in texts}) == 25


def test_texts_that_begin_alike_are_cut_and_one_click_keeps_them_whole(at: AppTest, runner: PricingRunner) -> None:
    upload(at, [[f"{GUIDE}\n\nAnd parcel {n}?"] for n in range(80)])
    assert plan_titles(at)[0].startswith("Plan: 1 explicit cache")
    assert "cut at a line end: the beginning is cached. That saves $0.0" in page_text(at).replace("\\", "")
    press(at, "Keep texts whole")
    assert runner.forecast_requests[-1][1].split == "part"
    assert plan_titles(at)[0].startswith("Plan: no cache yet")
    assert "80 rows begin alike inside a text" in page_text(at).replace("\\", "")
    press(at, "Cache beginnings of texts")
    assert plan_titles(at)[0].startswith("Plan: 1 explicit cache")


def test_a_choice_changes_the_plan_and_can_be_taken_back(at: AppTest) -> None:
    compose(at)
    expected = price(at)
    choose(at, "none")
    assert plan_titles(at) == ["Plan: no explicit cache"] and price(at) != expected
    assert list(at.dataframe[0].value["Choice"]) == ["none (yours)"]
    choose(at, "")
    assert plan_titles(at)[0].startswith("Plan: 1 explicit cache") and price(at) == expected


@pytest.mark.parametrize(
    "mode, choice",
    [(ContextMode.NONE, "none"), (ContextMode.IMPLICIT, "none"), (ContextMode.EXPLICIT, "explicit")],
)
def test_the_other_modes_are_the_same_plan_with_the_choice_forced(at: AppTest, mode: ContextMode, choice: str) -> None:
    at.session_state["context"], at.session_state["hours"] = mode, 40.0
    assert list(compose(at).dataframe[0].value["Choice"]) == [choice]


def test_given_hours_decide(at: AppTest, runner: PricingRunner) -> None:
    compose(at)
    at.number_input(key="hours").set_value(40.0)
    assert plan_titles(without_exception(at.run())) == ["Plan: no explicit cache"]
    assert runner.forecast_requests[-1][1].hours == 40.0
