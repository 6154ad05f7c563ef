"""Files that are uploaded: once a content, waited for, kept while they are needed, and gone at the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from batch.model import SendFiles, Stage
from gemini.client import GeminiClient
from lifecycle.core.models import Account, RunSpec, RunView
from lifecycle.core.transport import BatchLimits
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.runner import Runner
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until, wait_until_ended
from tests.run_checks import find_leftovers


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Draft]:
    """Four pictures, of which two have the same content; and two of these four."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, red in (("a", 10), ("b", 20), ("c", 30), ("copy of a", 10)):
        Image.new("RGB", (60, 40), (red, 0, 90)).save(folder / f"{name}.png")
    two = [folder / "a.png", folder / "c.png"]
    return {
        "all": prepare_files(FileInput([folder], "Caption."), folder / "draft"),
        "two": prepare_files(FileInput(two, "Caption."), folder / "second-draft"),
    }


@pytest.fixture
def runner(bench: Bench) -> Runner:
    return bench.open()


@pytest.fixture
def account(runner: Runner) -> Account:
    return runner.accounts.register_key(KEY)


def submit(runner: Runner, account: Account, draft: Draft, **spec: Any) -> str:
    return runner.submissions.submit(account, draft, RunSpec(MODEL, send_files=SendFiles.UPLOAD, **spec), "")


def uploads(emulator: EmulatorProcess) -> list[dict[str, Any]]:
    """The pictures that were uploaded, in order."""
    files = sorted(emulator.ledger()["files"], key=lambda file: str(file["created_at"]))
    return [file for file in files if file["mime_type"] == "image/png"]


def alive(emulator: EmulatorProcess) -> list[str]:
    return [file["name"] for file in uploads(emulator) if not file["deleted_at"]]


def job_names(run: RunView) -> list[str]:
    return [job.name for job in run.jobs if job.name]


def client(emulator: EmulatorProcess) -> GeminiClient:
    return GeminiClient(KEY, emulator.base_url)


def events(runner: Runner, account: Account, run_id: str) -> str:
    return " ".join(event.text for event in runner.runs.events(account, run_id))


def stage_of(runner: Runner, account: Account, run_id: str) -> Stage:
    return runner.runs.get(account, run_id).stage


def test_each_content_is_uploaded_once_waited_for_and_deleted(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(file_processing_seconds=0.5)
    run = wait_until_ended(runner, account, submit(runner, account, drafts["all"]))
    assert (run.state, run.counts) == ("finished", {"answered": 4})
    assert Counter(file["sha256"] for file in uploads(emulator)).most_common(1)[0][1] == 1
    assert len(uploads(emulator)) == 3 and find_leftovers(emulator.ledger()) == []
    assert "3 files, 1 kB, are uploaded first." in events(runner, account, run.id)
    assert b'"files/' not in emulator.sent_bytes("batch_jobs", run.jobs[0].name)
    assert emulator.sent_bytes("batch_jobs", run.jobs[0].name).count(b"/v1beta/files/") == 4


def test_two_runs_share_a_file_until_the_last_has_ended(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(job_outcome="stuck")
    first = submit(runner, account, drafts["all"])
    wait_until(lambda: stage_of(runner, account, first) is Stage.RUNNING)
    second = submit(runner, account, drafts["two"])
    wait_until(lambda: stage_of(runner, account, second) is Stage.RUNNING)
    assert len(uploads(emulator)) == 3
    runner.runs.cancel(account, first)
    wait_until_ended(runner, account, first)
    assert len(alive(emulator)) == 2
    emulator.settings(job_outcome="succeeded")
    runner.runs.poll_now(account, second)
    assert wait_until_ended(runner, account, second).counts == {"answered": 2}
    assert len(uploads(emulator)) == 3 and alive(emulator) == []


def test_rows_whose_file_cannot_be_processed_fail_alone_at_no_cost(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(job_outcome="stuck")
    first = submit(runner, account, drafts["two"])
    wait_until(lambda: stage_of(runner, account, first) is Stage.RUNNING)
    emulator.settings(file_processing="fails", job_outcome="succeeded")
    run = wait_until_ended(runner, account, submit(runner, account, drafts["all"]))
    assert (run.state, run.counts) == ("finished", {"answered": 3, "error_permanent": 1})
    row = next(iter(runner.runs.results(account, run.id).page(limit=9)[0]["error_message"][1:2]))
    assert row == "Google could not process the file. Failed to process the file."
    assert run.actual_usd is not None and len(job_names(run)) == 1
    runner.runs.poll_now(account, first)
    wait_until_ended(runner, account, first)
    assert alive(emulator) == []


def test_a_run_whose_files_all_fail_ends_with_the_reason(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(file_processing="fails")
    run = wait_until_ended(runner, account, submit(runner, account, drafts["all"]))
    assert (run.state, run.counts, run.actual_usd) == ("finished", {"error_permanent": 4}, 0.0)
    assert emulator.ledger()["batch_jobs"] == [] and find_leftovers(emulator.ledger()) == []


def test_a_full_storage_is_waited_out(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(storage_bytes=10)
    run_id = submit(runner, account, drafts["all"])
    wait_until(lambda: runner.runs.get(account, run_id).state == "waiting_for_capacity")
    assert "file storage, 20 GB, is full" in runner.runs.get(account, run_id).note
    emulator.settings(storage_bytes=10**9)
    runner.runs.poll_now(account, run_id)
    assert wait_until_ended(runner, account, run_id).counts == {"answered": 4}


def test_a_file_that_is_gone_when_its_row_is_worked_on_is_uploaded_and_the_row_sent_again(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(job_outcome="stuck")
    run_id = submit(runner, account, drafts["all"])
    wait_until(lambda: stage_of(runner, account, run_id) is Stage.RUNNING)
    gone = uploads(emulator)[0]["name"]
    client(emulator).delete_file(gone)
    emulator.settings(job_outcome="succeeded")
    runner.runs.poll_now(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    assert (run.state, run.counts, len(job_names(run))) == ("finished", {"answered": 4}, 2)
    assert "found an uploaded file gone, at no cost" in events(runner, account, run_id)
    assert find_leftovers(emulator.ledger()) == []


def test_a_late_job_names_files_that_live_long_enough(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    emulator.settings(max_jobs=1, job_outcome="stuck")
    run_id = submit(runner, account, drafts["all"], rows_per_job=2)
    wait_until(lambda: runner.runs.get(account, run_id).state == "waiting_for_capacity")
    assert len(uploads(emulator)) == 3  # those of the second job are uploaded when the first has been refused room
    emulator.clock(30 * 3600)
    emulator.settings(max_jobs=100, job_outcome="succeeded")
    runner.runs.poll_now(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"answered": 4} and alive(emulator) == []
    again = Counter(file["sha256"] for file in uploads(emulator))
    assert sorted(again.values()) == [1, 2, 2]


def test_the_meter_waits_for_room_that_other_files_take(
    bench: Bench, emulator: EmulatorProcess, drafts: dict[str, Draft], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecycle.runner.BatchLimits", lambda: BatchLimits(storage_bytes=1000))
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    (tmp_path / "foreign").write_bytes(b"x" * 900)
    foreign = client(emulator).upload_file(tmp_path / "foreign", "not ours", "text/plain")
    run_id = submit(runner, account, drafts["all"])
    wait_until(lambda: runner.runs.get(account, run_id).state == "waiting_for_capacity")
    assert "1 kB more wait for room" in runner.runs.get(account, run_id).note and not uploads(emulator)
    client(emulator).delete_file(foreign["name"])
    runner.runs.poll_now(account, run_id)
    assert wait_until_ended(runner, account, run_id).counts == {"answered": 4}


def test_a_retry_has_the_files_though_its_parent_is_deleted(
    emulator: EmulatorProcess, runner: Runner, account: Account, drafts: dict[str, Draft]
) -> None:
    parent = wait_until_ended(runner, account, submit(runner, account, drafts["two"], canary=1))
    child = runner.retries.retry(account, parent.id, "", outcomes=["answered"])
    assert wait_until_ended(runner, account, child).counts == {"answered": 2}
    runner.runs.delete(account, parent.id)
    again = runner.retries.rerun(account, child, "again")
    assert wait_until_ended(runner, account, again).counts == {"answered": 2}
    assert find_leftovers(emulator.ledger()) == []
