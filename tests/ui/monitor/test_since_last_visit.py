"""What ended while nobody looked is told on return, once, to the browser and account that it concerns."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from batch.model import RunState
from lifecycle.core.models import RunView
from tests.ui.conftest import Jar
from tests.ui.fakes import NOW, FakeRunner, a_run, ended
from tests.ui.shared.test_session import KEY, press, texts
from ui.monitor.desktop_notification import notes
from ui.monitor.since_last_visit import MOST_RUNS, Seen, how, numbers, parsed, written
from ui.shared.app_state import AppState

Open = Callable[..., AppTest]
OWNER = "owner-of-ab12"


def over(run_id: str, minutes: int, **changes: Any) -> RunView:
    """A run that ended so many minutes after NOW."""
    counts = {"answered": 20, "truncated": 2}
    plain = ended(a_run(run_id, counts=counts))
    return type(plain)(**{**vars(plain), "ended_at": NOW + timedelta(minutes=minutes), **changes})


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("1795435200000", Seen(1_795_435_200_000)),
        ("5.r1.r2", Seen(5, ("r1", "r2"))),
        ("", None),
        ("x.r1", None),
        ("5.r1.<b>", None),
        ("9" * 40, None),
        ("5..r1", None),
        ("-1", None),
    ],
)
def test_what_a_browser_has_seen_is_read_with_suspicion(text: str, seen: Seen | None) -> None:
    assert parsed(text) == seen


def test_it_fits_a_preference_however_much_there_is_to_tell() -> None:
    names = tuple(f"r{n:012x}" for n in range(40))
    text = written(Seen(1_795_435_200_000, names))
    assert parsed(text) == Seen(1_795_435_200_000, names[:MOST_RUNS]) and len(text) < 200


@pytest.fixture
def visit(page: Open, state: AppState, cookies: Jar) -> Callable[[], AppTest]:
    """Come back with the same browser: the preferences that the last visit wrote are sent again."""
    cookies["gbr_key"] = state.vault.seal(KEY)
    visits: list[AppTest] = []

    def come() -> AppTest:
        if visits and "preferences_to_write" in visits[-1].session_state:
            cookies["gbr_preferences"] = visits[-1].session_state["preferences_to_write"]
        visits.append(page())
        return visits[-1]

    return come


def told(at: AppTest) -> str:
    said = texts(at).replace("\\", "")
    return said if "While you were away" in said else ""


def test_the_first_visit_says_nothing_and_the_next_what_ended_since(
    visit: Callable[[], AppTest], runner: FakeRunner
) -> None:
    runner.runs_of[OWNER] = [over("r1", 1), a_run("r2"), a_run("r3")]
    assert not told(visit())
    failed = over("r3", 6, state=RunState.FAILED, words="failed", counts={}, error="The job failed.")
    runner.runs_of[OWNER] = [over("r1", 1), over("r2", 5), failed]
    said = told(visit())
    assert "While you were away, 2 runs ended." in said
    assert "20 answered, 2 need attention" in said and "The job failed." in said
    assert "2 runs ended" in told(visit()), "it stays until it is put aside"


def test_what_was_dismissed_opened_or_deleted_is_not_told_again(
    visit: Callable[[], AppTest], runner: FakeRunner
) -> None:
    visit()
    runner.runs_of[OWNER] = [over("r1", 1), over("r2", 2), over("r3", 3)]
    at = visit()
    at.button(key="away-r2").click().run()
    assert "2 runs ended" in told(at) and "r2" in at.query_params["run"]
    runner.runs_of[OWNER] = [over("r2", 2), over("r3", 3)]
    at = visit()
    assert "1 run ended" in told(at)
    at.button(key="away-dismiss").click().run()
    assert not told(at) and not told(visit())


def test_what_ends_while_the_page_is_open_is_not_told_on_return(
    visit: Callable[[], AppTest], runner: FakeRunner
) -> None:
    runner.runs_of[OWNER] = [a_run("r1")]
    at = visit()
    runner.runs_of[OWNER] = [over("r1", 1)]
    at.run()
    assert not told(at) and [run.id for run in at.session_state["ended_here"]] == ["r1"]
    at.run()
    assert len(at.session_state["ended_here"]) == 1, "once a run and ending"
    assert not told(visit())


def test_each_account_is_told_of_its_own_runs(visit: Callable[[], AppTest], runner: FakeRunner) -> None:
    at = press(visit(), "Rehearse without a key")
    assert not told(at)
    runner.runs_of[OWNER] = [over("r1", 1)]
    at.run()
    assert not told(at)
    assert "1 run ended" in told(press(at, "Leave rehearsal"))


def test_of_many_accounts_the_last_ones_are_remembered(
    visit: Callable[[], AppTest], runner: FakeRunner, cookies: Jar
) -> None:
    others = {f"ended-{n:08d}": f"{n}.r{n}" for n in range(9)}
    cookies["gbr_preferences"] = json.dumps(others)
    runner.runs_of[OWNER] = [over("r1", 1)]
    kept = json.loads(visit().session_state["preferences_to_write"])
    mine = kept.keys() - others.keys()
    assert len([name for name in mine if name.startswith("ended-")]) == 1
    assert {name for name in kept if name in others} == {f"ended-{n:08d}" for n in range(5, 9)}


def test_a_notification_holds_numbers_and_nothing_of_a_prompt() -> None:
    run = over("r1", 1, name="How do I tell my doctor", state=RunState.FAILED, error="The prompt was: secret")
    assert notes([run]) == [("r1", "A run has failed", "20 answered, 2 need attention · gemini-3-flash · r1")]
    nothing = over("r2", 1, name="secret", counts={}, error="secret")
    assert (numbers(nothing), how(nothing)) == ("nothing came back", "secret")
    assert "secret" not in str(notes([nothing]))


def test_what_follows_keeps_its_place_whether_or_not_there_is_anything_to_tell(
    visit: Callable[[], AppTest], runner: FakeRunner, page: Open, cookies: Jar
) -> None:
    """Else the browser would make it anew, and what is being typed in it would be lost."""
    before = visit()
    runner.runs_of[OWNER] = [over("r1", 1)]
    after = visit()
    cookies.clear()
    assert told(after) and len({_place_of_submit(at) for at in (before, after, page())}) == 1


def _place_of_submit(at: AppTest) -> int:
    blocks = {n: child for n, child in at.main.children.items() if isinstance(child, Block)}
    return next(n for n, block in blocks.items() if any(header.value == "Submit" for header in block.get("header")))
