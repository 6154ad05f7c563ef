"""One row in full, shown as text whatever it contains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open
from tests.ui.results.conftest import EVIL
from tests.ui.small_results import small_results
from ui.shared.app_state import AppState


def test_one_row_that_fits_is_shown_in_full(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("row-7").run()
    shown = [code.value for code in results.code]
    assert "prompt of row-7" in shown and "answer 7" in shown
    assert any('"finishReason": "STOP"' in text for text in shown)


def test_a_long_answer_is_shown_whole_when_asked_and_never_without_bounds(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": "x" * 5_000_000})
    at = page(run="r1")
    assert max(len(code.value) for code in at.code) < 110_000
    assert any(code.value.endswith("… and 4,996,000 more characters") for code in at.code)
    at.toggle(key="whole-Answer").set_value(True).run()
    assert any(code.value.endswith("… and 4,900,000 more characters, which exports hold") for code in at.code)


def test_active_content_in_an_answer_stays_text(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("evil.example").run()
    assert EVIL in [code.value for code in results.code]
    for kind in ("markdown", "html", "caption", "error"):
        assert all("evil.example" not in str(element.value) for element in results.get(kind))


def test_a_failed_row_shows_its_error_as_text(results: AppTest) -> None:
    search = next(field for field in results.text_input if field.label == "Search")
    search.set_value("failed").run()
    assert results.error[0].value == "Internal \\<b\\>error\\<\\/b\\>\\. \\(code 13\\)".replace("\\/", "/")


CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}
CUT = {"candidates": [{"content": {"parts": [{"text": "half"}]}, "finishReason": "MAX_TOKENS"}]}
REASONS: dict[str, tuple[Any, str]] = {
    "a tool that is asked for is no fault": (
        {"response": {"candidates": [{"content": {"parts": [CALL]}, "finishReason": "STOP"}]}},
        "info",
    ),
    "an answer that was cut off is a warning": ({"response": CUT}, "warning"),
    "nothing came back": (None, "info"),
    "an error is an error": ({"error": {"code": 3, "message": "Wrong."}}, "error"),
}


@pytest.mark.parametrize(("answer", "box"), REASONS.values(), ids=REASONS)
def test_only_what_failed_or_was_refused_looks_like_a_fault(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path, answer: Any, box: str
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": answer})
    at = page(run="r1")
    assert [kind for kind in ("error", "warning", "info") for _ in at.get(kind)] == [box]


def test_the_cost_of_a_row_shows_its_sum(results: AppTest) -> None:
    results.text_input(key="search-r1").set_value("row-7").run()
    shown_text = next(element for element in results.caption if "· cost" in str(element.value))
    assert shown_text.help.replace("\\", "").endswith("at today's prices") and "fresh × 2" in shown_text.help.replace(
        "\\", ""
    )
