"""What programs read: names that are relied on from outside, and null where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson

from lifecycle.core.models import JobView
from terminal.output.documents import job_document, report_document, run_document
from tests.ui.fakes import make_run

MADE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
JOB = JobView(0, "batches/1", "JOB_STATE_RUNNING", 10, {"requests": 10}, MADE, None)


def test_a_runs_document_has_the_names_of_the_contract() -> None:
    document = run_document(make_run("r1"))
    contract = {"id", "state", "stage", "model", "rows", "counts", "estimate_usd", "actual_usd"}
    assert contract <= document.keys()
    assert (document["error"], document["parent_id"], document["actual_usd"]) == (None, None, None)
    assert orjson.loads(orjson.dumps(document))["id"] == "r1"


def test_the_last_line_of_a_submit() -> None:
    document = report_document(make_run("r1", counts={"answered": 3}, actual_usd=0.5, error="No."))
    assert list(document) == ["run_id", "state", "stage", "counts", "cost_usd", "error"]
    assert document["counts"] == {"answered": 3}


def test_an_open_job_expires_and_an_ended_one_does_not() -> None:
    assert job_document(JOB)["expires_at"] == MADE + timedelta(hours=48)
    assert job_document(replace(JOB, ended_at=MADE))["expires_at"] is None
    assert job_document(replace(JOB, created_at=None))["expires_at"] is None
