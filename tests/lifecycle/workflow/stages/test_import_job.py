"""A batch job made elsewhere becomes an ordinary run: adopted once, accounted for honestly, left alone at Google."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from batch.errors import InputError, NotFound
from batch.model import RunState
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_progress import ImportedJob, RunProgress
from lifecycle.results.export.export import export
from lifecycle.runner import Runner
from lifecycle.workflow.shards import download
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until, wait_until_ended
from tests.lifecycle.simulation import Job, Simulation


def request(text: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


class Elsewhere:
    """Another program with the same key: it makes jobs with Google's own client and remembers nothing."""

    def __init__(self, base_url: str, key: str = KEY) -> None:
        from gemini.client import GeminiClient

        self.gateway = GeminiClient(key, base_url)

    def inline(self, *texts: str, keys: bool = True, name: str = "made elsewhere") -> str:
        metadata = [{"key": f"k{n}"} if keys else {} for n in range(len(texts))]
        return self.inline_with(dict(zip(texts, metadata, strict=True)), name)

    def inline_with(self, metadata: Mapping[str, dict[str, Any]], name: str = "made elsewhere") -> str:
        """A job of these texts, each with its metadata."""
        rows = [
            {"request": request(text), **({"metadata": given} if given else {})} for text, given in metadata.items()
        ]
        body = {"displayName": name, "inputConfig": {"requests": {"requests": rows}}}
        return str(self.gateway.create_batch(MODEL, body)["name"])

    def file(self, path: Path, *texts: str) -> str:
        path.write_text(
            "".join(json.dumps({"key": f"k{n}", "request": request(t)}) + "\n" for n, t in enumerate(texts))
        )
        uploaded = self.gateway.upload_file(path, "theirs")
        body = {"displayName": "made elsewhere", "inputConfig": {"fileName": uploaded["name"]}}
        return str(self.gateway.create_batch(MODEL, body)["name"])


@pytest.fixture
def elsewhere(emulator: EmulatorProcess) -> Elsewhere:
    return Elsewhere(emulator.base_url)


@pytest.fixture
def runner(bench: Bench) -> Runner:
    return bench.open()


@pytest.fixture
def account(runner: Runner) -> Account:
    return runner.accounts.register_key(KEY)


def rows_of(runner: Runner, account: Account, run_id: str) -> dict[str, tuple[str, str, str]]:
    """Prompt, outcome and answer by key."""
    page, _ = runner.runs.results(account, run_id).page()
    return {str(row.key): (str(row.prompt), str(row.outcome), str(row.text)) for row in page.itertuples()}


def test_a_job_that_has_ended_is_collected_priced_and_left_alone(
    runner: Runner, account: Account, elsewhere: Elsewhere, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    job = elsewhere.file(tmp_path / "theirs.jsonl", "one", "[[emulate: safety]] two", "[[emulate: error:13]] three")
    run_id, known, _ = runner.imports.import_job(account, job, name="theirs")
    run = wait_until_ended(runner, account, run_id)
    assert not known and run.state is RunState.FINISHED
    assert (run.name, run.rows, run.model, run.imported_job) == ("theirs", 3, MODEL, job)
    assert run.counts == {"answered": 1, "answer_blocked": 1, "error_transient": 1}
    assert run.actual_usd and not run.inputs_known
    found = rows_of(runner, account, run_id)
    assert [(key, prompt, outcome) for key, (prompt, outcome, _) in found.items()] == [
        ("k0", "", "answered"),
        ("k1", "", "answer_blocked"),
        ("k2", "", "error_transient"),
    ]
    assert "one" in found["k0"][2]
    told = emulator.ledger()
    assert not any(":cancel" in call or call.startswith("DELETE") for call in told["calls"])
    assert len(told["batch_jobs"]) == 1


def test_with_the_requests_own_file_inputs_stand_beside_answers_and_rows_can_be_sent_again(
    runner: Runner, account: Account, elsewhere: Elsewhere, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.jsonl"
    job = elsewhere.file(theirs, "one", "[[emulate: drop_row]] two", "three")
    run_id, *_ = runner.imports.import_job(account, job, draft=runner.forecasts.prepare_draft(theirs, kind="jsonl"))
    run = wait_until_ended(runner, account, run_id)
    assert run.inputs_known and run.counts == {"answered": 2, "missing": 1}
    assert {key: prompt for key, (prompt, *_) in rows_of(runner, account, run_id).items()}["k1"].endswith("two")
    child = runner.retries.retry(account, run_id, "again")
    wait_until_ended(runner, account, child)
    jobs = emulator.ledger()["batch_jobs"]
    assert [made["request_count"] for made in jobs] == [3, 1]


def test_a_file_of_other_requests_is_left_aside(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    job = elsewhere.inline("one", "two")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"key": "nothing-of-it", "request": request("other")}) + "\n")
    run_id, *_ = runner.imports.import_job(account, job, draft=runner.forecasts.prepare_draft(other, kind="jsonl"))
    run = wait_until_ended(runner, account, run_id)
    assert (run.rows, run.counts, run.inputs_known) == (2, {"answered": 2}, False)
    assert list(rows_of(runner, account, run_id)) == ["k0", "k1"]
    assert "left aside" in "".join(event.text for event in runner.runs.events(account, run_id))


REQUEST_IDS = {"alpha": {"request_id": "r0", "page": 1}, "beta": {"request_id": "r1", "page": 2}}


def export_rows(runner: Runner, account: Account, run_id: str, folder: Path, form: str) -> list[dict[str, Any]]:
    """The exported rows as texts, whatever the format."""
    path = export(runner.runs.results(account, run_id), folder / f"out.{form}", form).path
    if form in ("jsonl", "json"):
        text = path.read_text()
        rows = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
        return [{**row, **row["input"]} for row in rows]
    if form == "csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    if form == "parquet":
        return list(pq.read_table(path).to_pylist())
    header, *rows = openpyxl.load_workbook(path)["Results"].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "parquet", "xlsx"])
def test_whatever_google_echoes_is_a_column_of_every_export(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path, form: str
) -> None:
    run_id, *_ = runner.imports.import_job(account, elsewhere.inline_with(REQUEST_IDS))
    assert wait_until_ended(runner, account, run_id).counts == {"answered": 2}
    rows = export_rows(runner, account, run_id, tmp_path, form)
    assert [(row["key"], row["request_id"], str(row["page"])) for row in rows] == [
        ("r0", "r0", "1"),
        ("r1", "r1", "2"),
    ]
    assert "alpha" in rows[0]["text"] and "beta" in rows[1]["text"]


def test_what_google_echoes_is_in_the_text_for_reading(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    run_id, *_ = runner.imports.import_job(account, elsewhere.inline_with(REQUEST_IDS))
    wait_until_ended(runner, account, run_id)
    text = export(runner.runs.results(account, run_id), tmp_path / "out.txt", "txt").path.read_text()
    assert "r1  [answered]\nrequest_id: r1\npage: 2\n\n" in text


INPUTS_WITH_IDS = {
    "own field": [{"request_id": "r1"}, {"request_id": "r0"}],
    "metadata": [{"metadata": {"request_id": "r1", "page": 2}}, {"metadata": {"request_id": "r0", "page": 1}}],
    "key": [{"key": "r1"}, {"key": "r0"}],
    "another key beside": [{"key": "a", "request_id": "r1"}, {"key": "b", "request_id": "r0"}],
    "id": [{"id": "r1"}, {"id": "r0"}],
}


@pytest.mark.parametrize("given", INPUTS_WITH_IDS.values(), ids=list(INPUTS_WITH_IDS))
def test_answers_are_joined_to_the_input_by_whatever_identifies_rows(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path, given: list[dict[str, Any]]
) -> None:
    """The input's order is not the results', so that a join by place would be seen."""
    source = tmp_path / "in.jsonl"
    texts = ("beta", "alpha")
    lines = [{**own, "request": request(text)} for own, text in zip(given, texts, strict=True)]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    draft = runner.forecasts.prepare_draft(source, kind="jsonl")
    run_id, *_ = runner.imports.import_job(account, elsewhere.inline_with(REQUEST_IDS), draft=draft)
    run = wait_until_ended(runner, account, run_id)
    assert (run.counts, run.inputs_known) == ({"answered": 2}, True)
    rows = export_rows(runner, account, run_id, tmp_path, "jsonl")
    assert [row["prompt"] for row in rows] == ["beta", "alpha"]
    assert all(row["prompt"] in row["text"] for row in rows)
    assert [row.get("request_id") for row in rows] == ["r1", "r0"]
    assert [row["page"] for row in rows] == [2, 1]


def test_ids_that_repeat_attach_no_answer_and_are_told(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"request_id": "r0", "request": request(t)}) + "\n" for t in ("one", "two")))
    job = elsewhere.inline_with({"one": {"request_id": "r0"}, "two": {"request_id": "r0"}})
    draft = runner.forecasts.prepare_draft(source, kind="jsonl")
    run_id, *_ = runner.imports.import_job(account, job, draft=draft)
    run = wait_until_ended(runner, account, run_id)
    assert (run.counts, run.inputs_known) == ({"answered": 2}, False)
    told = "".join(event.text for event in runner.runs.events(account, run_id))
    assert 'Not unique over the results: "request_id"' in told and "numbered" in told
    assert [row["key"] for row in export_rows(runner, account, run_id, tmp_path, "jsonl")] == [
        "response-000001",
        "response-000002",
    ]


def test_the_field_can_be_named_where_two_contradict_each_other(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    given = [{"custom_id": "a", "doc_id": "2"}, {"custom_id": "b", "doc_id": "1"}]
    source.write_text(
        "".join(json.dumps({**own, "request": request(f"text {n}")}) + "\n" for n, own in enumerate(given))
    )
    job = elsewhere.inline_with(
        {"text 0": {"custom_id": "b", "doc_id": "2"}, "text 1": {"custom_id": "a", "doc_id": "1"}}
    )
    draft = runner.forecasts.prepare_draft(source, kind="jsonl")
    run_id, *_ = runner.imports.import_job(account, job, draft=draft)
    assert not wait_until_ended(runner, account, run_id).inputs_known
    assert "name" in "".join(event.text for event in runner.runs.events(account, run_id))
    runner.runs.delete(account, run_id)
    run_id, *_ = runner.imports.import_job(account, job, draft=draft, key_field="doc_id")
    assert wait_until_ended(runner, account, run_id).inputs_known
    rows = export_rows(runner, account, run_id, tmp_path, "jsonl")
    assert all(row["prompt"] in row["text"] for row in rows)
    assert [row["custom_id (input)"] for row in rows] == ["b", "a"]  # what the results say, beside what the file says


def test_a_field_that_no_result_has_is_told(runner: Runner, account: Account, elsewhere: Elsewhere) -> None:
    run_id, *_ = runner.imports.import_job(account, elsewhere.inline_with(REQUEST_IDS), key_field="custom_id")
    wait_until_ended(runner, account, run_id)
    told = "".join(event.text for event in runner.runs.events(account, run_id))
    assert '"custom_id"; the fields of the results are: "request_id", "page"' in told


def test_own_fields_of_a_run_made_here_are_columns_of_its_exports(
    runner: Runner, account: Account, tmp_path: Path
) -> None:
    lines = [{"custom_id": f"c{n}", "metadata": {"page": n}, "request": request(f"text {n}")} for n in range(2)]
    draft = runner.forecasts.prepare_draft("\n".join(map(json.dumps, lines)), kind="jsonl")
    run_id = runner.submissions.submit(account, draft, RunSpec(model=MODEL), "ticket")
    wait_until_ended(runner, account, run_id)
    rows = export_rows(runner, account, run_id, tmp_path, "jsonl")
    assert [(row["input"], row["prompt"]) for row in rows] == [
        ({"custom_id": "c0", "page": 0}, "text 0"),
        ({"custom_id": "c1", "page": 1}, "text 1"),
    ]


def test_results_without_keys_are_numbered_and_no_input_is_claimed_for_them(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    job = elsewhere.inline("alpha", "beta", keys=False)
    run_id, *_ = runner.imports.import_job(account, job)
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"answered": 2}
    found = rows_of(runner, account, run_id)
    assert list(found) == ["response-000001", "response-000002"] and "alpha" in found["response-000001"][2]
    written = export(runner.runs.results(account, run_id), tmp_path / "out.jsonl", "jsonl", layout="gemini").path
    assert [json.loads(line)["key"] for line in written.read_text().splitlines()] == list(found)


def test_requests_that_nothing_came_back_for_are_counted_as_missing(
    runner: Runner, account: Account, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    job = elsewhere.file(tmp_path / "t.jsonl", "one", "[[emulate: drop_row]] two", "[[emulate: drop_key]] three")
    run = wait_until_ended(runner, account, runner.imports.import_job(account, job).run_id)
    assert (run.rows, run.counts) == (3, {"answered": 2, "missing": 1})
    assert sorted(rows_of(runner, account, run.id)) == ["k0", "response-000001", "unknown-000001"]


def test_a_job_under_way_is_watched_to_its_end(
    runner: Runner, account: Account, elsewhere: Elsewhere, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace=1000)
    run_id, *_ = runner.imports.import_job(account, elsewhere.inline("one"))
    wait_until(lambda: bool(runner.runs.get(account, run_id).jobs and runner.runs.get(account, run_id).jobs[0].state))
    assert runner.runs.get(account, run_id).state is RunState.ACTIVE
    emulator.clock(2000)
    assert wait_until_ended(runner, account, run_id).counts == {"answered": 1}


def test_a_cancel_by_the_user_reaches_google(
    runner: Runner, account: Account, elsewhere: Elsewhere, emulator: EmulatorProcess
) -> None:
    emulator.settings(job_outcome="stuck")
    run_id, *_ = runner.imports.import_job(account, elsewhere.inline("one"))
    runner.runs.cancel(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    assert (run.state, run.counts) == (RunState.CANCELLED, {"missing": 1})
    assert emulator.ledger()["batch_jobs"][0]["state"] == "BATCH_STATE_CANCELLED"


def test_a_job_adopted_by_mistake_is_left_to_itself_and_can_be_adopted_again(
    bench: Bench, runner: Runner, account: Account, elsewhere: Elsewhere, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace=1000)
    job = elsewhere.inline("one")
    run_id, *_ = runner.imports.import_job(account, job)
    wait_until(lambda: bool(runner.runs.get(account, run_id).jobs))
    runner.runs.detach(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    assert (run.state, run.cost_is_lower_bound) == (RunState.CANCELLED, True)
    emulator.clock(2000)
    wait_until(lambda: emulator.ledger()["batch_jobs"][0]["state"] == "BATCH_STATE_SUCCEEDED")
    assert not any("cancel" in call or call.startswith("DELETE") for call in emulator.ledger()["calls"])
    runner.runs.delete(account, run_id)
    again = wait_until_ended(runner, account, runner.imports.import_job(account, job).run_id)
    assert again.counts == {"answered": 1} and sum(bill.usd or 0.0 for bill in runner.billing.run_costs(account)) > 0
    own = bench.submit(runner, account, "one")
    with pytest.raises(InputError, match="made elsewhere"):
        runner.runs.detach(account, own)


def test_a_job_is_adopted_once_even_if_many_ask_at_the_same_moment(
    bench: Bench, account: Account, elsewhere: Elsewhere
) -> None:
    job, found = elsewhere.inline("one"), []
    runners = [bench.open(start=False) for _ in range(3)]
    for each in runners:
        each.accounts.register_key(KEY)
    threads = [
        threading.Thread(target=lambda r=r: found.append(r.imports.import_job(account, job))) for r in runners * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len({each.run_id for each in found}) == 1
    again = runners[0].imports.import_job(account, job)
    assert again.already_known and again.run_id == found[0].run_id
    assert len(runners[0].runs.list_recent(account)) == 1


def test_a_job_of_a_run_here_is_that_runs(bench: Bench, runner: Runner, account: Account) -> None:
    run_id = bench.submit(runner, account, "one")
    wait_until_ended(runner, account, run_id)
    job = runner.runs.get(account, run_id).jobs[0].name
    assert runner.imports.import_job(account, job) == (run_id, True, True)
    assert runner.imports.list_foreign_jobs(account) == []


def test_another_keys_job_and_an_absent_one_are_not_found_in_the_same_words(
    runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    theirs = Elsewhere(emulator.base_url, "another-made-up-key").inline("secret")
    said = []
    for job in (theirs, "batches/nowhere"):
        with pytest.raises(NotFound) as caught:
            runner.imports.import_job(account, job)
        said.append(str(caught.value).replace(job, "X"))
    assert said[0] == said[1] == "Google finds no batch job X under this key."
    assert runner.runs.list_recent(account) == []


def test_jobs_made_elsewhere_are_listed_until_they_are_adopted(
    runner: Runner, account: Account, elsewhere: Elsewhere
) -> None:
    job = elsewhere.inline("one", "two", name="theirs")
    (found,) = runner.imports.list_foreign_jobs(account)
    assert (found.name, found.display_name, found.model, found.requests) == (job, "theirs", MODEL, 2)
    runner.imports.import_job(account, job)
    wait_until_ended(runner, account, runner.imports.import_job(account, job).run_id)
    assert runner.imports.list_foreign_jobs(account) == []


@pytest.mark.parametrize("outcome", ["failed", "expired"])
def test_a_job_that_ended_badly_says_so_and_every_request_is_missing(
    runner: Runner, account: Account, elsewhere: Elsewhere, emulator: EmulatorProcess, outcome: str
) -> None:
    emulator.settings(job_outcome=outcome)
    run = wait_until_ended(runner, account, runner.imports.import_job(account, elsewhere.inline("one", "two")).run_id)
    assert (run.state, run.counts, run.rows) == (RunState.FAILED, {"missing": 2}, 2)
    assert run.error


def test_what_was_asked_is_not_known_and_cannot_be_sent_again(
    runner: Runner, account: Account, elsewhere: Elsewhere
) -> None:
    run_id = runner.imports.import_job(account, elsewhere.inline("[[emulate: error:13]] one")).run_id
    wait_until_ended(runner, account, run_id)
    for again in (
        lambda: runner.retries.retry(account, run_id, "t"),
        lambda: runner.retries.rerun(account, run_id, "t"),
        lambda: runner.runs.draft_of(account, run_id),
    ):
        with pytest.raises(InputError, match="made elsewhere"):
            again()


def test_a_deleted_recovery_can_be_made_again(runner: Runner, account: Account, elsewhere: Elsewhere) -> None:
    job = elsewhere.inline("one")
    first = runner.imports.import_job(account, job).run_id
    wait_until_ended(runner, account, first)
    runner.runs.delete(account, first)
    second = runner.imports.import_job(account, job)
    assert not second.already_known and wait_until_ended(runner, account, second.run_id).counts == {"answered": 1}


@pytest.mark.parametrize("crash_after", [False, True])
def test_dying_at_any_write_loses_nothing_and_leaves_the_job_alone(tmp_path: Path, crash_after: bool) -> None:
    """One recovery for each write of its life, killed just before or just after it."""
    with Simulation(tmp_path) as simulation:
        for write in range(1 + crash_after, 60, 2):
            job = f"batches/theirs-{write}"
            now = simulation.google.now
            simulation.google.jobs.append(Job(job, "theirs", [f"{job}-a", f"{job}-b"], now, now + 1))
            imported = ImportedJob(name=job, display_name="theirs", requests=2, created_at=now)
            run_id = simulation.submit(progress=RunProgress(imported_job=imported))
            simulation.process.store.crash_in, simulation.process.store.crash_after = write, crash_after
            simulation.run_until_ended(run_id)
            assert sorted(simulation.answers(run_id)) == [f"{job}-a", f"{job}-b"]
            assert (simulation.row(run_id).state, simulation.row(run_id).rows) == ("finished", 2)
            if simulation.process.store.crash_in > 0:
                break
        assert simulation.process.store.crash_in > 0, "a recovery has more writes than were tried"
        assert not {"create", "cancel", "upload", "delete file"}.intersection(simulation.google.calls)


def test_a_recovery_that_cannot_go_on_does_not_cancel_a_job_that_may_be_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(*_: object) -> int:
        raise InputError("This cannot be done.")

    with Simulation(tmp_path) as simulation:
        now = simulation.google.now
        simulation.google.jobs.append(Job("batches/theirs", "theirs", ["a"], now, now + 1))
        imported = ImportedJob(name="batches/theirs", display_name="theirs", requests=1, created_at=now)
        run_id = simulation.submit(progress=RunProgress(imported_job=imported))
        real, looks = download.download_results, iter([impossible])
        monkeypatch.setattr(download, "download_results", lambda *given: next(looks, real)(*given))
        simulation.run_until_ended(run_id)
        assert simulation.row(run_id).state == "failed" and sorted(simulation.answers(run_id)) == ["a"]
        assert "cancel" not in simulation.google.calls
