"""How a line of the table reads: colours by what it asks for, retries by their parent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from batch.model import RunState
from tests.ui.fakes import NOW, finished_run, line_of, make_run
from ui.runs.comparison import table
from ui.runs.run_table import colour, frame, title
from ui.runs.running import facts

GOOD = line_of(finished_run(make_run("r1", counts={"answered": 100}, actual_usd=0.5)))


def test_a_line_says_its_state_and_what_it_cost() -> None:
    mixed = replace(GOOD, counts={"answered": 94, "refused": 6}, attention=6, usd_at_least=True, tags=("a",))
    retry = replace(GOOD, retry=2, parent_id="r0", parent_name="scans", usd=None, ended_at=None)
    shown = frame([GOOD, mixed, retry])
    assert list(shown["Name"]) == ["run r1", "run r1", "↳ retry 2 of scans"]
    assert [list(words) for words in shown["State"]][:1] == [["finished"]]
    assert list(shown["Cost"])[:2] == ["$0.50", "at least $0.50"] and list(shown["Took"])[:1] == ["1 min 30 s"]
    assert [bool(shown[name].isna().iloc[-1]) for name in ("Cost", "Took", "Need attention")] == [True, True, True]
    assert shown["Submitted"][0] == NOW.replace(tzinfo=None)
    assert title(replace(retry, parent_name="")) == "↳ retry 2 of r0"


def test_red_means_lost() -> None:
    lost = line_of(finished_run(make_run("r2", counts={"answered": 97, "error_permanent": 3})))
    failed = line_of(replace(finished_run(make_run("r3")), state=RunState.FAILED))
    cancelled = line_of(replace(finished_run(make_run("r4")), state=RunState.CANCELLED))
    again = line_of(finished_run(make_run("r5", counts={"answered": 97, "empty": 3})))
    assert [colour(line) for line in (GOOD, lost, failed, cancelled, again)] == [
        "green",
        "red",
        "red",
        "gray",
        "orange",
    ]


def test_a_name_is_no_markup_in_a_comparison() -> None:
    told = table([replace(GOOD, name="<b>x</b>"), replace(GOOD, usd=None)])
    assert "<b>x" not in told and "&lt;b&gt;x" in told and "not known" in told and "$5.00" in told


def test_a_card_says_how_far_how_long_and_what_it_costs() -> None:
    run = make_run("r1", estimate_usd=0.52, age_seconds=timedelta(minutes=12).total_seconds())
    assert facts(run, 1500.0) == "42 of 100 rows · 2 failed so far · 12 min, usually 25 min · about $0.52"
    assert facts(replace(run, actual_usd=0.21), None).endswith("12 min · spent $0.21 · about $0.52 in all")
