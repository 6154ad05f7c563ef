"""A big job: worked on while nobody looks, in bounded memory, and everybody else is answered meanwhile."""

import time

import psutil  # ships no types
import pytest

from tests.emulator_api import MODEL, ApiClient, jsonl, row
from tests.emulator_process import EmulatorProcess
from tests.patience import PATIENCE_SECONDS

ROWS = 30_000


@pytest.mark.slow
def test_a_big_job_lets_others_through_and_moves(api: ApiClient, emulator: EmulatorProcess) -> None:
    file = api.upload(jsonl(row(str(i), f"Is {i} good?") for i in range(ROWS)))["name"]
    process = psutil.Process(emulator.process.pid)
    job = api.create(MODEL, {"fileName": file})
    pending, waits = [], []
    while not (operation := api.get(job)).get("done"):
        pending.append(int(operation["metadata"]["batchStats"]["pendingRequestCount"]))
        asked = time.monotonic()
        api.get("models")
        waits.append(time.monotonic() - asked)
        time.sleep(0.1)  # the work is real and takes its time
    assert len(set(pending)) > 2
    assert pending == sorted(pending, reverse=True)
    assert max(waits) < PATIENCE_SECONDS, "a call waited for the whole job"
    assert process.memory_info().rss < 200 << 20
    results = api.results(operation)
    assert [result["key"] for result in results] == [str(i) for i in range(ROWS)]
    assert operation["metadata"]["batchStats"] == {"requestCount": str(ROWS), "successfulRequestCount": str(ROWS)}


def test_a_big_job_is_stopped_by_a_cancel(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1000)
    file = api.upload(jsonl(row(str(i)) for i in range(ROWS)))["name"]
    job = api.create(MODEL, {"fileName": file})
    emulator.clock(600)
    api.get(job)
    api.post(f"{job}:cancel")
    emulator.clock(5)
    while not (operation := api.get(job)).get("done"):
        time.sleep(0.1)  # what was due by the cancel is real work
    assert operation["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"
    used = sum(u["rows"] for u in emulator.ledger()["usage"])
    assert used == int(operation["metadata"]["batchStats"].get("successfulRequestCount", 0)) < ROWS * 0.7


def test_answers_do_not_wait_for_acknowledgements(api: ApiClient) -> None:
    """Without TCP_NODELAY the later answers of a connection come forty milliseconds late, every one."""
    waits = []
    for _ in range(20):
        began = time.monotonic()
        api.get("files")
        waits.append(time.monotonic() - began)
    assert sorted(waits)[5] < 0.035
