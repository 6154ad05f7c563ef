"""The ledger: with it the bill can be computed, and it survives whatever the emulator does not."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil  # ships no types
import pytest

from tests.emulator_api import MODEL, ApiClient, client, contents, jsonl, row
from tests.emulator_process import ROOT, EmulatorProcess, start_emulator
from tests.patience import PATIENCE_SECONDS

FIELDS = {"batch_job", "model", "long_context", "prompt", "cached", "candidates", "thoughts", "rows"}


def test_usage_is_the_sum_of_what_the_responses_say(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.create_cache()["name"]
    results = api.run([row(str(i), f"Question {i}", cachedContent=name) for i in range(20)])
    shown = [r["response"]["usageMetadata"] for r in results]
    (usage,) = emulator.ledger()["usage"]
    assert set(usage) == FIELDS
    assert usage["rows"] == 20
    assert usage["model"] == MODEL
    assert usage["prompt"] == sum(u["promptTokenCount"] for u in shown)
    assert usage["cached"] == sum(u["cachedContentTokenCount"] for u in shown)
    assert usage["candidates"] == sum(u["candidatesTokenCount"] for u in shown)
    assert usage["thoughts"] == sum(u.get("thoughtsTokenCount", 0) for u in shown)


def test_usage_is_kept_apart_by_job_and_by_long_context(api: ApiClient, emulator: EmulatorProcess) -> None:
    api.generate("hello")
    api.run([row("a"), row("b", "word " * 200_001)])
    usage = {(u["batch_job"] is None, u["long_context"]): u["rows"] for u in emulator.ledger()["usage"]}
    assert usage == {(True, False): 1, (False, False): 1, (False, True): 1}


def test_a_running_jobs_usage_grows(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1000)
    job = api.file_batch([row(str(i)) for i in range(100)])
    emulator.clock(400)
    (before,) = emulator.ledger()["usage"]
    emulator.clock(300)
    (after,) = emulator.ledger()["usage"]
    assert 0 < before["rows"] < after["rows"] < 100
    assert after["batch_job"] == job


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_rows_done_before_the_end_are_billed(api: ApiClient, emulator: EmulatorProcess, end: str) -> None:
    emulator.settings(pace=1000)
    job = api.file_batch([row(str(i)) for i in range(100)])
    emulator.clock(600)
    api.post(f"{job}:cancel") if end == "cancel" else api.delete(job)
    emulator.clock(1000)
    (usage,) = emulator.ledger()["usage"]
    assert usage["rows"] == 50


def test_deleted_things_stay_in_the_ledger(api: ApiClient, emulator: EmulatorProcess) -> None:
    job, cache = api.file_batch([row("a")], name="my job"), api.create_cache(displayName="mine")["name"]
    file = api.finish_job(job)["metadata"]["inputConfig"]["fileName"]
    for name in (job, cache, file):
        api.delete(name)
    ledger = emulator.ledger()
    (shown,) = ledger["batch_jobs"]
    assert (shown["name"], shown["display_name"], shown["model"]) == (job, "my job", MODEL)
    assert (shown["state"], shown["request_count"]) == ("BATCH_STATE_SUCCEEDED", 1)
    (kept,) = ledger["cached_contents"]
    assert (kept["name"], kept["display_name"], kept["token_count"]) == (cache, "mine", 1501)
    assert kept["deleted_at"]
    assert file in [f["name"] for f in ledger["files"]]
    assert b'"word word' in emulator.sent_bytes("cached_contents", cache)
    assert api.http.get(f"/_emulator/batch_jobs/{job}/requests").content == jsonl([row("a")])


def test_calls_are_counted_by_method_and_route_over_all_versions(api: ApiClient, emulator: EmulatorProcess) -> None:
    job = api.file_batch([row("a")])
    api.get(job)
    with client(emulator, version="v1") as other:
        other.get(job)
    api.call("GET", "batches/none")
    calls = emulator.ledger()["calls"]
    assert calls["POST /models/{model}:batchGenerateContent"] == 1
    assert calls["GET /batches/{id}"] == 3
    assert calls["POST /upload/files"] == 1
    assert not [name for name in calls if "_emulator" in name]


def test_refusals_and_errors_bill_nothing(api: ApiClient, emulator: EmulatorProcess) -> None:
    api.expect_error("POST", f"models/{MODEL}:generateContent", {"contents": []})
    api.run([row("a", "[[emulate: error:13]]")])
    api.post(f"models/{MODEL}:countTokens", {"contents": contents("x")})
    assert emulator.ledger()["usage"] == []


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    first = start_emulator(tmp_path, pace=1000)
    with client(first) as api:
        file, cache = api.upload(b"abc")["name"], api.create_cache(ttl="90000s")["name"]
        done, running = api.file_batch([row("done")]), ""
        first.clock(2000)
        assert api.results(api.get(done))
        api.generate("hello")
        running = api.file_batch([row(str(i)) for i in range(100)])
        url = api.start_upload(6).headers["x-goog-upload-url"]
        api.send_chunk(url, b"one", 0)
        first.settings(max_jobs=7)
        first.clock(600)
        api.get(running)
        before, operation = first.ledger(), api.get(done)
    first.kill()
    with start_emulator(tmp_path, pace=1000) as second, client(second) as api:
        assert second.base_url == first.base_url
        assert second.settings()["max_jobs"] == 7
        assert api.get(file)["name"] == file
        assert api.get(cache)["name"] == cache
        assert api.get(done) == operation
        assert second.ledger()["usage"] == before["usage"]
        assert second.ledger()["calls"].items() >= {k: n for k, n in before["calls"].items() if "POST" in k}.items()
        results = api.results(api.finish_job(running, 500))
        assert [r["key"] for r in results] == [str(i) for i in range(100)]
        last = api.send_chunk(url, b"two", 3, "upload, finalize").json()["file"]["name"]
        assert second.sent_bytes("files", last) == b"onetwo"
        (usage,) = [u for u in second.ledger()["usage"] if u["batch_job"] == running]
        assert usage["rows"] == 100


def test_a_second_emulator_on_the_same_folder_points_to_the_first(tmp_path: Path) -> None:
    with start_emulator(tmp_path) as first:
        command = [sys.executable, "-m", "emulator", "--data-dir", str(tmp_path), "--port", "0"]
        second = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        assert second.returncode == 0
        assert json.loads(second.stdout) == {"base_url": first.base_url}
        assert first.ledger()


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--pace", "fast", "pace is instant, realistic or a number of seconds, not fast"),
        ("--pace", "nan", "pace is instant"),
        ("--host", "192.0.2.1", "cannot listen on 192.0.2.1, port 0: "),
    ],
)
def test_a_start_that_cannot_be_is_told_in_one_line(option: str, value: str, text: str) -> None:
    command = [sys.executable, "-m", "emulator", option, value]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode in (1, 2)
    assert text in done.stderr.splitlines()[-1]


def test_without_a_folder_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with start_emulator() as running, client(running) as api:
        api.upload(b"x")
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_an_idle_emulator_costs_nothing(emulator: EmulatorProcess, api: ApiClient) -> None:
    emulator.settings(job_outcome="stuck")
    api.file_batch([row("a")])
    process = psutil.Process(emulator.process.pid)
    emulator.ledger()
    before = sum(process.cpu_times()[:2])
    switches = process.num_ctx_switches().voluntary
    time.sleep(0.6)  # idleness can only be watched while time passes
    assert sum(process.cpu_times()[:2]) - before <= 0.02
    assert process.num_ctx_switches().voluntary - switches < 10
