"""Who is asking: signed in on the first run or not at all, and never by a bad cookie."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.core.models import KeyCheck
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeAccounts, FakeRunner
from tests.ui.page_driver import KEY, Open, page_text, press
from ui.limits.rate_limit import RateLimit
from ui.shared.app_state import AppState
from ui.shared.cookie_crypto import CookieCipher


def type_key(at: AppTest, key: str, *, remember: bool = False) -> AppTest:
    at.text_input(key="typed_key").set_value(key)
    at.checkbox(key="typed_remember").set_value(remember)
    return press(at, "Check key")


def test_a_first_visit_is_signed_out_and_shows_both_ways_in(page: Open) -> None:
    at = page()
    labels = [element.label for element in at.button]
    assert "Check key" in labels and "Rehearse without a key" in labels and "Start a rehearsal" in labels
    assert {element.value for element in at.header} == {"Configuration", "Submit", "Monitor", "Results"}


def test_a_encrypted_key_signs_in_on_the_first_run(page: Open, state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    assert "key ending in ab12" in page_text(page())


def test_a_cookie_that_the_browser_percent_encoded_still_opens(page: Open, state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY).replace("_", "%5F").replace("-", "%2D")
    assert "key ending in ab12" in page_text(page())


@pytest.mark.parametrize(
    "encrypted", ["rubbish", "", "%", "gAAAAA" * 20, CookieCipher("foreign").encrypt(KEY), object()]
)
def test_a_bad_cookie_is_signed_out_and_no_error(page: Open, cookies: CookieJar, encrypted: object) -> None:
    cookies["gbr_key"] = cookies["gbr_rehearsal"] = cookies["gbr_preferences"] = encrypted
    at = page()
    assert "Check key" in [element.label for element in at.button]
    assert not at.error


def test_a_rehearsal_goes_on_after_a_reload(page: Open, state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_rehearsal"] = state.cookie_cipher.encrypt("on:rehearsal-token")
    at = page()
    assert "nothing reaches Google" in page_text(at)
    assert at.session_state["account"].owner_id == "owner-of-rehearsal-token"


def test_a_rehearsal_that_was_left_is_not_entered_but_keeps_its_identity(
    page: Open, state: AppState, cookies: CookieJar
) -> None:
    cookies["gbr_rehearsal"] = state.cookie_cipher.encrypt("off:rehearsal-token")
    at = page()
    assert at.session_state["account"] is None
    assert press(at, "Rehearse without a key").session_state["account"].owner_id == "owner-of-rehearsal-token"


def test_a_good_key_connects_and_is_kept_nowhere_on_the_page(page: Open) -> None:
    at = type_key(page(), KEY)
    assert "key ending in ab12" in page_text(at) and not at.error
    assert KEY not in repr(at.session_state) and KEY not in repr(at.main) + repr(at.sidebar)


def test_a_key_is_remembered_only_if_asked(page: Open, state: AppState) -> None:
    at = type_key(page(), KEY)
    assert "browser_actions" not in at.session_state
    at = type_key(page(), KEY, remember=True)
    _, kind, token = at.session_state["browser_actions"]["cookie"]
    changes = state.cookie_tokens.redeem(token)
    assert kind == "cookie" and changes is not None
    assert [(change.name, state.cookie_cipher.decrypt(change.encrypted)) for change in changes] == [("gbr_key", KEY)]


def test_forgetting_signs_out_and_removes_the_cookie(
    page: Open, state: AppState, cookies: CookieJar, runner: FakeRunner
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    at = page()
    press(at, "Forget")
    changes = state.cookie_tokens.redeem(at.session_state["browser_actions"]["cookie"][2])
    assert changes is not None and [(change.name, change.encrypted) for change in changes] == [("gbr_key", "")]
    assert at.session_state["account"] is None and runner.calls == [("forget", "owner-of-ab12")]


@pytest.mark.parametrize("words", ["The key is not valid.", "Google cannot be reached."])
def test_a_key_that_does_not_work_is_told_in_words_and_not_kept(page: Open, runner: FakeRunner, words: str) -> None:
    runner.check = KeyCheck(False, words, "Try [this](http://evil.example).")
    at = type_key(page(), KEY, remember=True)
    assert words.rstrip(".") in at.error[0].value and "](" not in at.error[0].value
    assert at.session_state["account"] is None and "browser_actions" not in at.session_state


def test_the_installations_own_key_signs_in_by_itself_and_cannot_be_forgotten(
    page: Open, state: AppState, runner: FakeRunner
) -> None:
    object.__setattr__(state, "key_from_environment", KEY)
    at = page()
    assert "key ending in ab12" in page_text(at)
    assert "Forget" not in [element.label for element in at.button]


def test_leaving_a_rehearsal_goes_back_to_the_key(page: Open, state: AppState, cookies: CookieJar) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    cookies["gbr_rehearsal"] = state.cookie_cipher.encrypt("on:rehearsal-token")
    at = page()
    assert "key ending in ab12" in page_text(press(at, "Leave rehearsal"))


def accounts_of(runner: FakeRunner) -> FakeAccounts:
    assert isinstance(runner.accounts, FakeAccounts)
    return runner.accounts


def test_a_stolen_copy_of_a_forgotten_cookie_does_not_connect(
    page: Open, state: AppState, cookies: CookieJar, runner: FakeRunner
) -> None:
    """The browser is told to delete its cookie; a copy elsewhere is not in its power."""
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    press(page(), "Forget")
    at = page()
    assert at.session_state["account"] is None and "Check key" in [element.label for element in at.button]


def test_a_key_that_is_no_longer_remembered_leaves_no_cookie_that_works(
    page: Open, state: AppState, cookies: CookieJar, runner: FakeRunner
) -> None:
    """The session stays connected, and may remember it again: by a new cookie."""
    cookies["gbr_key"] = copy = state.cookie_cipher.encrypt(KEY)
    at = page()
    at.checkbox(key="keep_key").uncheck().run()
    assert at.session_state["account"] is not None and accounts_of(runner).revoked == {copy}
    at.checkbox(key="keep_key").check().run()
    changes = state.cookie_tokens.redeem(at.session_state["browser_actions"]["cookie"][2])
    assert changes is not None and state.cookie_cipher.decrypt(changes[0].encrypted) == KEY
    assert changes[0].encrypted not in accounts_of(runner).revoked


def test_a_key_that_left_the_memory_comes_back_with_its_page(page: Open, runner: FakeRunner) -> None:
    """An open page that nobody touched for long; its owner did not ask to forget."""
    at = type_key(page(), KEY)
    accounts_of(runner).dropped.add("owner-of-ab12")
    assert at.run().session_state["account"].owner_id == "owner-of-ab12"
    assert accounts_of(runner).dropped == set()


def test_a_key_that_was_forgotten_in_another_tab_does_not_come_back(page: Open, runner: FakeRunner) -> None:
    at = type_key(page(), KEY)
    accounts_of(runner).forget(at.session_state["account"])
    assert at.run().session_state["account"] is None
    assert accounts_of(runner).dropped == {"owner-of-ab12"} and at.session_state["encrypted_key"] == ""


def test_a_rehearsal_that_left_the_memory_comes_back(page: Open, runner: FakeRunner) -> None:
    at = press(page(), "Rehearse without a key")
    before = at.session_state["account"]
    accounts_of(runner).dropped.add(before.owner_id)
    assert at.run().session_state["account"] == before


def test_keys_cannot_be_guessed_at_speed(page: Open, state: AppState, runner: FakeRunner) -> None:
    limits = replace(state.limits, connecting=RateLimit(2, 60), rehearsing=RateLimit(0, 60))
    object.__setattr__(state, "limits", limits)
    runner.check = KeyCheck(False, "The key is not valid.")
    at = page()
    said = [type_key(at, f"guess-{n}").error[0].value for n in range(3)]
    assert "not valid" in said[1] and "Too many tries" in said[2]
    assert "Too many tries" in press(at, "Rehearse without a key").error[0].value
    assert at.session_state["account"] is None


def test_files_can_be_added_once_there_is_an_account(page: Open, state: AppState) -> None:
    """Who is signed out is given no address to send anything to."""
    at = page()
    assert "upload_token" not in at.session_state
    press(at, "Rehearse without a key")
    folder = state.upload_tokens.peek(at.session_state["upload_token"])
    assert folder is not None and folder.owner_id == at.session_state["account"].owner_id


def test_who_forgets_a_key_takes_its_tickets_back(page: Open, state: AppState) -> None:
    at = type_key(page(), KEY)
    token = at.session_state["upload_token"]
    assert state.upload_tokens.peek(token) is not None
    press(at, "Forget")
    assert state.upload_tokens.peek(token) is None
