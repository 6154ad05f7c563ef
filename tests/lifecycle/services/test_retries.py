"""What is sent again is what was priced, and the merged result says where each row came from."""

from __future__ import annotations

import orjson
import pytest

from batch.errors import InputError
from lifecycle.results.read.table import Filter
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, Bench, wait_until_ended
from tests.lifecycle.whole_requests import whole_requests


def test_a_prepared_retry_is_sent_once_and_merged_with_its_origin(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, "fine\n[[emulate: max_tokens]] b\nwell"))
    came_back = runner.runs.so_far(account, run.id, 1, 10, 100)  # as it was seen before the run ended
    assert came_back.total == 3 and [line.outcome for line in came_back.lines] == ["truncated", "answered"]
    offer = runner.retries.retry_forecast(account, run.id, where=Filter(search="emulate"), max_output_tokens=77)
    assert (offer.parent_id, offer.draft.rows) == (run.id, 1)
    assert offer.forecast.estimate.usd.worst is not None
    assert runner.runs.retries_of(account, run.id) == []
    sent = orjson.loads(whole_requests(offer.draft.folder / "requests.jsonl"))
    assert sent["request"]["generationConfig"]["maxOutputTokens"] == 77
    same, more = (
        runner.retries.retry_forecast(account, run.id, where=where) for where in (Filter(search="emulate"), Filter())
    )
    child = runner.retries.submit_retry(account, offer, "t")
    assert runner.retries.submit_retry(account, offer, "t") == child
    assert runner.retries.submit_retry(account, same, "from another tab") == child
    with pytest.raises(InputError, match="1 were just sent again"):
        runner.retries.submit_retry(account, more, "from a third")
    assert runner.retries.send_again(account, run.id, Filter(search="emulate")) == child
    wait_until_ended(runner, account, child)
    assert [found.id for found in runner.runs.retries_of(account, run.id)] == [child]
    rows, total = runner.runs.results(account, run.id).page()
    assert total == 3 and list(rows["run"]) == [run.id, child, run.id]
    assert sum("sent again" in event.text for event in runner.runs.events(account, run.id)) == 1
