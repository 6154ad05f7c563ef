"""What ended while nobody looked is told on return, once, to the browser and account that it concerns."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from batch.model import RunState
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, make_run
from tests.ui.monitor.conftest import ended_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from ui.monitor.since_last_visit import MAX_RUNS, SeenRuns, format_seen, parse_seen
from ui.shared.app_state import AppState


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("1795435200000", SeenRuns(1_795_435_200_000)),
        ("5.r1.r2", SeenRuns(5, ("r1", "r2"))),
        ("", None),
        ("x.r1", None),
        ("5.r1.<b>", None),
        ("9" * 40, None),
        ("5..r1", None),
        ("-1", None),
    ],
)
def test_what_a_browser_has_seen_is_read_with_suspicion(text: str, seen: SeenRuns | None) -> None:
    assert parse_seen(text) == seen


def test_it_fits_a_preference_however_much_there_is_to_tell() -> None:
    names = tuple(f"r{n:012x}" for n in range(40))
    text = format_seen(SeenRuns(1_795_435_200_000, names))
    assert parse_seen(text) == SeenRuns(1_795_435_200_000, names[:MAX_RUNS]) and len(text) < 200


@pytest.fixture
def open_page(page: Open, state: AppState, cookies: CookieJar) -> Callable[..., AppTest]:
    """Come back with the same browser: the preferences that the last visit wrote are sent again."""
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    visits: list[AppTest] = []

    def open_again(**query: str) -> AppTest:
        if visits and "preferences_to_write" in visits[-1].session_state:
            cookies["gbr_preferences"] = visits[-1].session_state["preferences_to_write"]
        visits.append(page(**query))
        return visits[-1]

    return open_again


def banner_text(at: AppTest) -> str:
    text = page_text(at).replace("\\", "")
    return text if "While you were away" in text else ""


def test_the_first_visit_says_nothing_and_the_next_what_ended_since(
    open_page: Callable[[], AppTest], runner: FakeRunner
) -> None:
    runner.runs_of[OWNER] = [ended_run("r1", 1), make_run("r2"), make_run("r3")]
    assert not banner_text(open_page())
    failed = ended_run("r3", 6, state=RunState.FAILED, status_text="failed", counts={}, error="The job failed.")
    runner.runs_of[OWNER] = [ended_run("r1", 1), ended_run("r2", 5), failed]
    text = banner_text(open_page())
    assert "While you were away, 2 runs ended." in text
    assert "20 answered, 2 need attention" in text and "The job failed." in text
    assert "2 runs ended" in banner_text(open_page()), "it stays until it is put aside"


def test_what_was_dismissed_opened_or_deleted_is_not_told_again(
    open_page: Callable[[], AppTest], runner: FakeRunner
) -> None:
    open_page()
    runner.runs_of[OWNER] = [ended_run("r1", 1), ended_run("r2", 2), ended_run("r3", 3)]
    at = open_page()
    at.button(key="ended-run-r2").click().run()
    assert "2 runs ended" in banner_text(at) and "r2" in at.query_params["run"]
    runner.runs_of[OWNER] = [ended_run("r2", 2), ended_run("r3", 3)]
    at = open_page()
    assert "1 run ended" in banner_text(at)
    at.button(key="dismiss-endings").click().run()
    assert not banner_text(at) and not banner_text(open_page())


def test_a_reload_before_the_browser_has_written_its_cookie_brings_nothing_back(
    open_page: Callable[[], AppTest], runner: FakeRunner, page: Open
) -> None:
    open_page()
    runner.runs_of[OWNER] = [ended_run("r1", 1), ended_run("r2", 2)]
    at = open_page()
    at.button(key="dismiss-endings").click().run()
    assert not banner_text(page()), "the cookie is still that of before the click"
    runner.runs_of[OWNER] = [ended_run("r1", 1), ended_run("r2", 2), ended_run("r3", 3)]
    at = page()
    assert "1 run ended" in banner_text(at) and at.button(key="ended-run-r3").label


def test_the_same_holds_for_a_browser_whose_cookie_is_of_an_earlier_version(
    page: Open, cookies: CookieJar, state: AppState, runner: FakeRunner
) -> None:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    name = next(name for name in json.loads(page().session_state["preferences_to_write"]) if name.startswith("ended-"))
    cookies["gbr_preferences"] = json.dumps({name: "1"})
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    at = page()
    assert banner_text(at)
    at.button(key="dismiss-endings").click().run()
    assert not banner_text(page())


def test_what_one_browser_dismissed_another_is_still_told(
    open_page: Callable[[], AppTest], page: Open, runner: FakeRunner, cookies: CookieJar
) -> None:
    other = page().session_state["preferences_to_write"]
    open_page()
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    open_page().button(key="dismiss-endings").click().run()
    assert not banner_text(open_page())
    cookies["gbr_preferences"] = other
    assert "1 run ended" in banner_text(page())


def test_what_ends_while_the_page_is_open_is_not_told_on_return(
    open_page: Callable[[], AppTest], runner: FakeRunner
) -> None:
    runner.runs_of[OWNER] = [make_run("r1")]
    at = open_page()
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    at.run()
    assert not banner_text(at) and [run.id for run in at.session_state["ended_here"]] == ["r1"]
    at.run()
    assert len(at.session_state["ended_here"]) == 1, "once a run and ending"
    assert not banner_text(open_page())


def test_each_account_is_told_of_its_own_runs(open_page: Callable[[], AppTest], runner: FakeRunner) -> None:
    at = press(open_page(), "Rehearse without a key")
    assert not banner_text(at)
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    at.run()
    assert not banner_text(at)
    assert "1 run ended" in banner_text(press(at, "Leave rehearsal"))


def test_of_many_accounts_the_last_ones_are_remembered(
    open_page: Callable[[], AppTest], runner: FakeRunner, cookies: CookieJar
) -> None:
    others = {f"ended-{n:08d}": f"{n}.r{n}" for n in range(9)}
    cookies["gbr_preferences"] = json.dumps(others)
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    kept = json.loads(open_page().session_state["preferences_to_write"])
    mine = kept.keys() - others.keys()
    assert len([name for name in mine if name.startswith("ended-")]) == 1
    assert {name for name in kept if name in others} == {f"ended-{n:08d}" for n in range(5, 9)}


def test_what_follows_keeps_its_place_whether_or_not_there_is_anything_to_tell(
    open_page: Callable[..., AppTest], runner: FakeRunner, page: Open, cookies: CookieJar
) -> None:
    """Else the browser would make it anew, and what is being typed in it would be lost."""
    before = open_page(place="new")
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    after = open_page(place="new")
    cookies.clear()
    assert banner_text(after) and len({_place_of_submit(at) for at in (before, after, page(place="new"))}) == 1


def _place_of_submit(at: AppTest) -> int:
    blocks = {n: child for n, child in at.main.children.items() if isinstance(child, Block)}
    return next(n for n, block in blocks.items() if any(header.value == "Submit" for header in block.get("header")))
