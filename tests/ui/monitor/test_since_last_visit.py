"""What ended while nobody looked is told on return, until somebody has read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from batch.model import RunState
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, line_of, make_run
from tests.ui.monitor.conftest import ended_run
from tests.ui.page_driver import KEY, OWNER, Open, page_text, press
from ui.monitor.since_last_visit import MAX_RUNS, how, tell
from ui.shared.app_state import AppState


@pytest.fixture
def open_page(page: Open, state: AppState, cookies: CookieJar) -> Callable[..., AppTest]:
    """Come back with the key; no preference is kept by this browser."""

    def open_again(**query: str) -> AppTest:
        cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
        return page(**query)

    return open_again


def told(at: AppTest) -> str:
    lines = [line for line in page_text(at).replace("\\", "").splitlines() if "While you were away" in line]
    return lines[0] if lines else ""


def test_one_line_tells_what_ended_and_goes_for_good_when_read(
    open_page: Callable[..., AppTest], runner: FakeRunner
) -> None:
    runner.runs_of[OWNER] = [ended_run("r1", 1, name="in*voices", rows=22), make_run("r2")]
    at = open_page()
    assert told(at) == "While you were away, **in*voices** ended: 20 of 22 rows good, 2 to try again."
    assert told(open_page()), "it stays until it was read"
    at.button(key="read-endings").click().run()
    assert not told(at) and not told(open_page())


def test_of_several_there_is_one_number(open_page: Callable[..., AppTest], runner: FakeRunner) -> None:
    failed = ended_run("r3", 6, state=RunState.FAILED, counts={}, error="The job failed.", rows=3)
    runner.runs_of[OWNER] = [ended_run("r1", 1, rows=22), ended_run("r2", 5, rows=22), failed]
    at = open_page()
    assert told(at) == "While you were away, **3 runs ended**: 7 rows need attention."
    labels = [button.label.replace("\\", "") for button in at.button]
    assert "run r3: failed: the job failed" in labels and "run r1: finished, 2 to try again" in labels
    at.button(key="ended-run-r2").click().run()
    assert "r2" in at.query_params["run"]
    assert "2 runs" in told(at) and "2 runs" in told(open_page()), "what was opened was read"


def test_a_run_that_the_address_opens_was_read(
    page: Open, open_page: Callable[..., AppTest], runner: FakeRunner
) -> None:
    open_page()
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    assert not told(page(run="r1")) and not told(open_page())


def test_more_than_can_be_named_are_read_at_once_as_well(open_page: Callable[..., AppTest], runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [ended_run(f"r{n}", n) for n in range(MAX_RUNS + 9)]
    at = open_page()
    assert f"{MAX_RUNS + 9} runs" in told(at)
    at.button(key="read-endings").click().run()
    assert not told(at) and not told(open_page())


def test_what_ends_while_the_page_is_open_is_not_told_unless_it_was_out_of_sight(
    open_page: Callable[..., AppTest], runner: FakeRunner
) -> None:
    runner.runs_of[OWNER] = [make_run("r1"), make_run("r2")]
    at = open_page()
    runner.runs_of[OWNER] = [ended_run("r1", 1), make_run("r2")]
    at.run()
    at.run()
    assert not told(at) and [run.id for run in at.session_state["ended_here"]] == ["r1"], "once a run"
    assert not told(open_page())
    at.session_state["ended_away"].add("r1")  # as the browser's word does
    runner.read_endings.clear()
    assert "run r1" in told(at.run()) and "run r1" in told(open_page())


def test_each_account_is_told_of_its_own_runs(open_page: Callable[..., AppTest], runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    at = press(open_page(), "Rehearse without a key")
    assert not told(at)
    assert told(press(at, "Leave rehearsal"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": {"answered": 3}, "rows": 3}, "ended: all 3 rows good"),
        (
            {"counts": {"answered": 301, "truncated": 13, "refused": 6}, "rows": 320},
            "ended: 301 of 320 rows good, 6 to decide, 13 to try again",
        ),
        ({"state": RunState.CANCELLED, "counts": {}, "rows": 9}, "was cancelled after 0 of 9"),
        ({"state": RunState.FAILED, "counts": {}, "error": "No. Why"}, "failed: no"),
        (
            {"unsent_rows": 610, "counts": {"answered": 301, "refused": 6, "missing": 612}, "rows": 919},
            "stopped at its budget, 610 rows not sent: 301 of 919 rows good, 6 to decide, 2 to try again",
        ),
    ],
)
def test_how_a_run_ended(changes: dict[str, object], words: str) -> None:
    line = line_of(ended_run("r1", 1, **changes))
    assert how(line) == words
    assert tell([line, line], 2).startswith("**2 runs ended**: ")


def test_what_follows_keeps_its_place_whether_or_not_there_is_anything_to_tell(
    open_page: Callable[..., AppTest], runner: FakeRunner, page: Open, cookies: CookieJar
) -> None:
    """Else the browser would make it anew, and what is being typed in it would be lost."""
    before = open_page(place="new")
    runner.runs_of[OWNER] = [ended_run("r1", 1)]
    after = open_page(place="new")
    cookies.clear()
    assert told(after) and len({_place_of_submit(at) for at in (before, after, page(place="new"))}) == 1


def _place_of_submit(at: AppTest) -> int:
    blocks = {n: child for n, child in at.main.children.items() if isinstance(child, Block)}
    return next(n for n, block in blocks.items() if any(header.value == "Submit" for header in block.get("header")))
