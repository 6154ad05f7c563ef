"""A job made elsewhere becomes a run once, or the reason why not is told."""

from __future__ import annotations

from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import OWNER, Open, page_text, press


def test_a_job_is_recovered_by_its_name_or_the_reason_is_told(page: Open, runner: FakeRunner) -> None:
    at = page(place="runs")
    at.session_state["import-job"] = True
    at.run()
    at.text_input(key="import-job-name").input("nothing").run()
    at = press(at, "Recover")
    assert "Google finds no batch job nothing" in page_text(at).replace("\\", "")
    at.text_input(key="import-job-name").input("batches/abc").run()
    at.text_input(key="import-job-field").input("custom_id").run()
    at = press(at, "Recover")
    assert runner.calls[-1] == ("import-job", "batches/abc", "None", "custom_id")
    assert at.query_params["run"] == runner.imported["batches/abc"]


def test_a_recovered_run_without_inputs_says_so_and_is_not_offered_again(page: Open, runner: FakeRunner) -> None:
    runner.runs_of[OWNER] = [finished_run(make_run("r1", imported_job="batches/abc", inputs_known=False))]
    at = page(run="r1")
    assert "What it was asked is not known here" in page_text(at)
    assert not {"Run again", "Edit and run again"}.intersection(element.label for element in at.button)
