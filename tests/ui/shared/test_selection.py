"""How a place is looked at is in its address, so that a reload and a second tab find it so, and tabs do not fight."""

from __future__ import annotations

from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import Open, page_text, press
from tests.ui.results.conftest import narrow, results, rows
from tests.ui.runs.conftest import Place, place

__all__ = ["place", "results"]


def address(at: AppTest, scope: str) -> dict[str, str]:
    """What the browser was told to have in its address."""
    return dict(parse_qsl(at.session_state[f"address-{scope}"][1]))


def test_runs_are_found_as_they_were_looked_at(place: Place, page: Open) -> None:
    assert address(place.at, "runs") == {"place": "runs"}
    place.at.text_input(key="runs-text").set_value("a").run()
    place.at.session_state["runs-group"], place.at.session_state["runs-retries"] = "good", False
    place.at.selectbox(key="runs-order").set_value("By name").run()
    kept = address(place.at, "runs")
    assert kept == {"place": "runs", "find": "a", "show": "good", "sort": "By name", "retries": "no"}
    again, other = page(**kept), page(place="runs", show="nonsense", sort="nonsense")
    shown = [list(one.dataframe[0].value["Name"]) for one in (place.at, again, other)]
    assert again.text_input(key="runs-text").value == "a" and again.selectbox(key="runs-order").value == "By name"
    assert shown[0] == shown[1] != shown[2] and address(other, "runs") == {"place": "runs"}
    other.text_input(key="runs-text").set_value("nothing like it").run()  # another tab is another look
    assert "No run fits" in page_text(other) and list(again.run().dataframe[0].value["Name"]) == shown[0]


def test_a_result_is_found_as_it_was_looked_at(results: AppTest, page: Open, cookies: CookieJar) -> None:
    assert address(results, "r1") == {"run": "r1"}
    narrow(results, Outcome.ANSWERED)
    results.text_input(key="search-r1").set_value("5").run()
    results.selectbox(key="order-r1").set_value("key")
    results.toggle(key="descending-r1").set_value(True).run()
    kept = address(results, "r1")
    assert kept == {"run": "r1", "find": "5", "kinds": "answered", "sort": "key", "down": "yes"}
    again = page(**kept)
    assert rows(again) == rows(results) and rows(again)[0] == "row-59" and address(again, "r1") == kept
    press(again, "Clear the filter")
    assert address(again, "r1") == {"run": "r1", "sort": "key", "down": "yes"}
    odd = page(run="r1", rows="good,nonsense", kinds="nonsense", errors="0,1", groups="g", sort="nonsense")
    assert len(rows(odd)) == 50 and address(odd, "r1") == {"run": "r1", "rows": "good"}
