"""One row in full, shown as text whatever it contains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text
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
    assert any("Internal <b>error</b>. (code 13)" in str(one.value).replace("\\", "") for one in results.caption)
    assert all("<b>" not in str(one.value) for one in results.caption)


CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}
CUT = {"candidates": [{"content": {"parts": [{"text": "half"}]}, "finishReason": "MAX_TOKENS"}]}
REASONS: dict[str, tuple[Any, str, str]] = {
    "a tool that is asked for": (
        {"response": {"candidates": [{"content": {"parts": [CALL]}, "finishReason": "STOP"}]}},
        ":violet-badge[asks for a tool]",
        "Run the tool and send its result",
    ),
    "an answer that was cut off": ({"response": CUT}, ":orange-badge[cut off]", "with a higher limit"),
    "nothing came back": (None, ":orange-badge[missing]", "Send it again"),
    "an error": ({"error": {"code": 3, "message": "Wrong."}}, ":red-badge[failed for good]", "Wrong. (code 3)"),
}


@pytest.mark.parametrize(("answer", "badge", "words"), REASONS.values(), ids=REASONS)
def test_a_row_says_what_happened_and_what_can_be_done_in_the_colour_of_its_group(
    page: Open,
    runner: FakeRunner,
    state: AppState,
    cookies: CookieJar,
    tmp_path: Path,
    answer: Any,
    badge: str,
    words: str,
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": answer})
    text = page_text(page(run="r1"))
    assert badge in text and words in text.replace("\\", "")
    assert "MAX_TOKENS" not in text.replace("\\", "")


def test_an_answer_is_shown_as_the_fields_that_were_asked_for(
    page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    schema = {"type": "OBJECT", "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}}}
    runner.tables["r1"] = small_results(tmp_path / "r1", {"a": '{"name": "<b>Ada</b>"}'}, schema=schema)
    (fields,) = [str(one.value) for one in page(run="r1").get("html") if '<div class="gbr-fields">' in str(one.value)]
    assert "<td>&lt;b&gt;Ada&lt;/b&gt;</td>" in fields and '<td class="quiet">not given</td>' in fields


def test_a_row_is_sent_again_in_its_place_and_once(results: AppTest, runner: FakeRunner) -> None:
    at = results.text_input(key="search-r1").set_value("failed").run()
    (button,) = [one for one in at.button if one.label.startswith("Send this row again")]
    button.click().run()
    at.run()
    assert runner.calls == [("send_again", "r1", "1")]
    assert [run.parent_id for run in runner.runs_of[OWNER]] == ["r1", ""]


def test_marks_and_notes_stay_with_the_row_and_narrow_the_table(results: AppTest) -> None:
    at = results.text_input(key="search-r1").set_value("row-7").run()
    at.get("menu_button")[-1].click("wrong").run()
    at.text_area(key="note-r1-row-7").set_value("of another page").run()
    at.text_input(key="search-r1").set_value("").run()
    at.multiselect(key="columns-r1").set_value(["key", "mark"]).run()
    at.toggle(key="marked-r1").set_value(True).run()
    frame = at.dataframe[0].value
    assert list(frame.iloc[0]) == ["row-7", "wrong: of another page"] and len(frame) == 1


def test_the_cost_of_a_row_shows_its_sum(results: AppTest) -> None:
    results.text_input(key="search-r1").set_value("row-7").run()
    shown_text = next(element for element in results.caption if "· cost" in str(element.value))
    assert shown_text.help.replace("\\", "").endswith("at today's prices") and "fresh × 2" in shown_text.help.replace(
        "\\", ""
    )
