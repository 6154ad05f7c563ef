"""Several runs are tagged, renamed, compared and deleted where they are listed, and nothing happens twice."""

from __future__ import annotations

from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunQuery
from tests.ui.page_driver import page_text, press
from tests.ui.runs.conftest import Place
from ui.runs import filters


def names(place: Place) -> list[str]:
    return list(place.at.dataframe[0].value["Name"]) if place.at.dataframe else []


def test_ticked_runs_are_tagged_renamed_and_deleted(place: Place) -> None:
    page = place.runner.run_table.page(place.account, RunQuery(ended_only=True))
    first, second, third = (line.id for line in page.lines[:3])
    rows = sum(line.rows for line in page.lines[1:3])
    assert "Tick runs to compare" in page_text(place.at)
    place.tick(first)
    at = press(place.at, "Rename")
    at.text_input(key=f"runs-name-{first}").input("Week *48*")
    press(at, "Save")
    assert names(place)[0] == "Week *48*"
    place.tick(second, third, "r-gone")
    assert "**2 selected**" in page_text(place.at) and f"{rows} rows" in page_text(place.at)
    at = press(place.at, "Tag")
    at.multiselect(key=f"runs-add-{second}-{third}").set_value(["scans"])
    press(at, "Save")
    assert all("scans" in line.tags for line in place.runner.run_table.lines(place.account, [second, third]))
    at = press(place.at, "Delete")
    assert f"Delete **2 runs** and their {rows} rows? This cannot be undone." in page_text(at)
    press(at, "Keep")
    assert len(place.runner.run_table.lines(place.account, [second, third])) == 2
    at = press(press(place.at, "Delete"), "Delete 2 runs")
    assert place.runner.run_table.lines(place.account, [second, third]) == []
    assert f"Deleted 2 runs with {rows} rows" in page_text(at.run()).replace("\\", "")
    assert "Tick runs to compare" in page_text(at)


def test_retries_that_stay_are_told_before_their_parent_goes_and_a_second_delete_is_none(place: Place) -> None:
    lines = place.runner.run_table.page(place.account, RunQuery(ended_only=True)).lines
    retry = next(line for line in lines if line.parent_id)
    place.tick(retry.parent_id)
    at = press(place.at, "Delete")
    assert "retry stays as a run of its own" in page_text(at) or "retries stay" in page_text(at)
    place.runner.runs.delete(place.account, retry.parent_id)  # in another tab
    at = press(at, "Delete 1 run")
    assert not at.error and not at.exception
    assert [line.parent_id for line in place.runner.run_table.lines(place.account, [retry.id])] == [""]


def test_a_run_under_way_is_not_deleted(place: Place) -> None:
    running = place.runner.run_table.under_way(place.account)
    ended = place.runner.run_table.page(place.account, RunQuery(ended_only=True)).lines[0]
    place.tick(running[0].id, ended.id)
    at = press(place.at, "Delete")
    assert "1 run is still under way" in page_text(at)
    press(at, "Delete 1 run")
    assert {run.id for run in place.runner.run_table.under_way(place.account)} == {run.id for run in running}
    assert place.runner.run_table.lines(place.account, [ended.id]) == []


def test_filters_have_numbers_that_add_up_and_are_cleared(place: Place) -> None:
    counts = place.runner.run_table.page(place.account, RunQuery()).counts
    assert sum(counts.values()) == 12 and counts[RunGroup.RUNNING] == 2
    assert "1 to 10 of 10 ended runs" in page_text(place.at)
    place.at.text_input(key=filters.TEXT).set_value("scans").run()
    assert names(place) and all("scans" in name or "retry" in name for name in names(place))
    place.at.text_input(key=filters.TEXT).set_value("no such words").run()
    assert "No run fits" in page_text(place.at)
    press(place.at, "Clear filters")
    assert len(names(place)) == 10
    place.at.selectbox(key=filters.ORDER).set_value("By name").run()
    assert names(place)[0].startswith("captions")


def test_two_runs_stand_side_by_side_in_numbers(place: Place) -> None:
    lines = place.runner.run_table.page(place.account, RunQuery(ended_only=True)).lines[:2]
    place.tick(*(line.id for line in lines))
    at = press(place.at, "Compare")
    told = "".join(str(element.proto.body) for element in at.get("html"))
    assert all(line.title in told for line in lines) and "Cost of 1,000 good rows" in told
    at = press(at, "Row by row")
    later, earlier = sorted(lines, key=lambda line: line.created_at, reverse=True)
    assert later.id in at.query_params["run"]
    assert at.session_state["compare"] and at.session_state[f"compare-with-{later.id}"] == earlier.id


def test_cards_of_runs_under_way_cancel_and_open(place: Place) -> None:
    running = place.runner.run_table.under_way(place.account)
    assert [at.label for at in place.at.button if at.key == f"cancel-{running[0].id}"] == ["Cancel"]
    place.at.button(key=f"cancel-{running[0].id}").click().run()
    card = place.at.button(key=f"cancel-{running[0].id}")
    assert card.label == "Cancelling…" and card.disabled
    place.at.button(key=f"open-{running[1].id}").click().run()
    assert running[1].id in place.at.query_params["run"]
