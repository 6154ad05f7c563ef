"""What was typed and dropped is there again after a reload, for the same account in the same browser alone."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from batch.model import SendAs
from lifecycle.runner import Runner
from tests.ui.conftest import CookieJar
from tests.ui.page_driver import KEY, Open, give_files, page_text, press
from ui.shared import app_state


def reload(page: Open, cookies: CookieJar, last: AppTest) -> AppTest:
    """Come again with the preferences that the last visit wrote, and with them the name of the browser."""
    cookies["gbr_preferences"] = last.session_state["preferences_to_write"]
    return page()


def test_a_reload_goes_on_with_what_was_typed_until_it_is_sent(
    composer: AppTest, page: Open, cookies: CookieJar
) -> None:
    composer.text_area(key="prompts").set_value("one\ntwo").run()
    composer.text_input(key="run_name").set_value("parcels").run()
    composer.number_input(key="temperature").set_value(0.5)
    composer.session_state["send_as"] = SendAs.FILE
    composer.run()
    again = reload(page, cookies, composer)
    assert again.session_state["send_as"] is SendAs.FILE
    assert (again.text_area(key="prompts").value, again.text_input(key="run_name").value) == ("one\ntwo", "parcels")
    assert again.number_input(key="temperature").value == 0.5
    press(again, "Submit batch")
    (kept,) = app_state.get_state().typed.glob("*.json")
    assert "parcels" not in kept.read_text() and page().number_input(key="temperature").value == 0.5
    again.number_input(key="temperature").set_value(None)
    again.session_state["send_as"] = SendAs.AUTO
    again.run()
    assert not kept.exists()


def test_files_are_kept_too_and_another_tab_may_remove_its_own(
    composer: AppTest, page: Open, cookies: CookieJar, real_runner: Runner
) -> None:
    give_files(composer, {"cities.csv": b"city,river\nBern,Aare\n"})
    again = reload(page, cookies, composer)
    assert "cities.csv" in page_text(again).replace("\\", "")
    press(composer, "Remove")
    assert "cities.csv" in page_text(again.run()).replace("\\", "") and not again.exception


def test_nothing_is_shown_to_another_account_or_browser_and_no_key_is_kept(
    composer: AppTest, page: Open, cookies: CookieJar
) -> None:
    composer.text_area(key="prompts").set_value("a secret plan").run()
    assert page().text_area(key="prompts").value == "", "a browser of another name"
    preferences = composer.session_state["preferences_to_write"]
    cookies.clear()
    cookies["gbr_preferences"] = preferences
    assert page().text_area(key="prompts").value == ""
    (path,) = app_state.get_state().typed.glob("*.json")
    assert KEY not in path.read_text() and path.stat().st_mode & 0o077 == 0 and isinstance(path, Path)
