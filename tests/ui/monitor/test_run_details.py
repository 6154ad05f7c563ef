"""What a run has at Google is told with its age."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from lifecycle.core.models import CacheView, JobView
from tests.ui.fakes import NOW, FakeRunner, finished_run, make_run
from tests.ui.page_driver import OWNER, Open, page_text


def test_ages_of_jobs_files_and_caches_are_told(page: Open, runner: FakeRunner) -> None:
    later = NOW + timedelta(hours=3)
    job = JobView(0, "batches/a", "JOB_STATE_RUNNING", 5, None, NOW, None, state_since=NOW + timedelta(hours=1))
    job = replace(job, file="files/f", file_until=NOW + timedelta(hours=48))
    cache = CacheView("g", "cachedContents/c", 4000, later + timedelta(minutes=20), None, None, created_at=NOW)
    runner.runs_of[OWNER] = [make_run("r1", jobs=(job,), caches=(cache,), google_now=later)]
    text = page_text(page(run="r1")).replace("\\", "")
    assert "JOB_STATE_RUNNING (running) for 2 h · made 3 h ago · batches/a" in text
    assert "Input file of job 1: Google deletes it in 45 h 0 min · files/f" in text
    assert "Cache of 4,000 tokens · made 3 h ago · expires in 20 min unless it is renewed" in text


def test_where_results_are_kept_is_told(page: Open, runner: FakeRunner) -> None:
    run = finished_run(
        make_run("r1", imported_job="batches/abc", google_now=NOW, results_until=NOW + timedelta(days=2))
    )
    runner.runs_of[OWNER] = [run]
    assert "saved on this computer" in (text := page_text(page(run="r1")).replace("\\", ""))
    assert "Google deletes it in 48 h 0 min" in text
