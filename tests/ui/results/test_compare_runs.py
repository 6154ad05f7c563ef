"""Two runs side by side on the page: in words, narrowed, and with what differs marked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from batch.text_diff import diff_texts
from tests.ui.conftest import CookieJar
from tests.ui.fakes import NOW, FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, page_text
from tests.ui.small_results import small_results
from ui.results.compare_runs import mark_differences, summary
from ui.shared.app_state import AppState

NONE = dict.fromkeys(
    (
        "both", "only_one", "only_two", "same", "changed", "better", "worse", "better_formed", "worse_formed",
        "cheaper", "dearer", "asked_otherwise",
    ),
    0,
)  # fmt: skip
FAILED = {"error": {"code": 13, "message": "It broke."}}


@pytest.mark.parametrize(
    ("counts", "usd", "expected"),
    [
        (
            {"both": 4, "changed": 1, "same": 3, "cheaper": 2, "dearer": 1},
            (0.2, 0.1),
            [
                "Of 4 rows in both runs, 1 changed and 3 stayed the same.",
                "These answers cost $0.10 instead of $0.20, 50 % less: 2 cheaper, 1 dearer. Caches are not in it.",
            ],
        ),
        (
            {"both": 1, "same": 1, "better": 2, "worse": 1, "worse_formed": 3, "only_two": 5, "asked_otherwise": 1},
            (None, 0.1),
            [
                "Of 1 row in both runs, 0 changed and 1 stayed the same.",
                "Outcome better in 2, worse in 1.",
                "Form of the JSON better in 0, worse in 3.",
                "What these answers cost is not known of all; 0 cheaper, 0 dearer.",
                "5 only in the later run: not compared.",
                "1 row had another prompt: not the same question.",
            ],
        ),
    ],
)
def test_a_comparison_in_words(
    counts: dict[str, int], usd: tuple[float | None, float | None], expected: list[str]
) -> None:
    assert summary({**NONE, **counts}, usd) == expected


def test_nothing_of_an_answer_is_markup() -> None:
    left, right = diff_texts('<img src=x onerror="a()"> one', "<b>two</b> & one")
    for pieces, tag in ((left, "del"), (right, "ins")):
        rendered = mark_differences(pieces, tag, "Earlier")
        rest = rendered.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
        assert rest.count("<") == 2 and rest.startswith('<div class="gbr-pair"') and rest.endswith("</div>")


@pytest.fixture
def compared(
    page: Callable[..., AppTest], runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> AppTest:
    """The later run is being looked at, and the drawer is open."""
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    answers: dict[str, dict[str, Any]] = {
        "early": {"a": "the red house", "b": FAILED, "c": "same", "d": "as before"},
        "late": {"a": "the blue house", "b": "works now", "c": "same", "e": "new"},
    }
    prompts = {"c": "another prompt"}
    runner.tables["early"] = small_results(tmp_path / "early", answers["early"])
    runner.tables["late"] = small_results(tmp_path / "late", answers["late"], prompts)
    later = finished_run(make_run("late", created_at=NOW + timedelta(hours=1)))
    runner.runs_of["owner-of-ab12"] = [later, finished_run(make_run("early"))]
    at = page(run="late")
    at.session_state["compare"] = True
    return at.run()


def test_the_only_other_run_is_compared_at_once_the_later_against_the_earlier(compared: AppTest) -> None:
    text = page_text(compared).replace("\\", "")
    assert "Of 3 rows in both runs, 2 changed and 1 stayed the same." in text
    assert "Outcome better in 1, worse in 0." in text
    assert "1 only in the earlier and 1 only in the later run: not compared." in text
    assert "1 row had another prompt: not the same question." in text
    pairs = next(frame.value for frame in compared.dataframe if "Later" in frame.value)
    assert list(pairs["Key"]) == ["a", "b"] and list(pairs["Later"]) == ["the blue house", "works now"]
    assert list(pairs["Outcome"]) == ["answered", "failed for now → answered"]


def test_rows_are_narrowed_to_a_kind_and_a_single_one_is_opened_with_its_difference(compared: AppTest) -> None:
    kinds = next(field for field in compared.get("pills") if field.label == "Rows that are")
    assert kinds.value == "changed"
    kinds.set_value("better").run()
    assert not compared.exception, "one of the two has no answer"
    assert ":orange-background[It broke\\.]" in [element.value for element in compared.markdown]
    kinds.set_value("asked_otherwise").run()
    text_value = page_text(compared)
    assert "Prompt, earlier" in text_value and "another prompt" in [code.value for code in compared.code]
    rendered = [element.value for element in compared.get("html") if 'gbr-pair"' in element.value]
    assert [">same</div>" in text for text in rendered] == [True, True]


def test_a_run_that_was_deleted_meanwhile_is_no_error(compared: AppTest, runner: FakeRunner) -> None:
    runner.runs_of["owner-of-ab12"] = runner.runs_of["owner-of-ab12"][:1]
    del runner.tables["early"]
    compared.run()
    assert not compared.exception
    assert "No other run" in page_text(compared) or "no such run" in page_text(compared)
