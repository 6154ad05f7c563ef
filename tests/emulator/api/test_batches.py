"""Batch jobs: keys and metadata are kept, order too, counters move and add up, endings are those of the service."""

import asyncio
import re
from pathlib import Path

import pytest

from emulator.core.settings import Settings
from emulator.core.state import Job, State
from emulator.core.store import Store
from emulator.jobs.scheduler import JobScheduler
from tests.emulator_api import MODEL, ApiClient, Json, client, contents, jsonl, row, text_of
from tests.emulator_process import EmulatorProcess, start_emulator

NANOS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def stats(operation: Json) -> dict[str, int]:
    counters = operation["metadata"]["batchStats"]
    assert all(isinstance(count, str) and count != "0" for count in counters.values())
    return {name: int(count) for name, count in counters.items()}


def test_a_new_job_is_pending_without_done_and_without_output(api: ApiClient) -> None:
    file = api.upload(jsonl([row("a"), row("b")]))["name"]
    body = {"batch": {"displayName": "my job", "inputConfig": {"fileName": file}}}
    operation = api.post(f"models/{MODEL}:batchGenerateContent", body)
    metadata = operation["metadata"]
    assert "done" not in operation
    assert "output" not in metadata
    assert re.fullmatch(r"batches/[a-z0-9]{36}", operation["name"])
    assert metadata["name"] == operation["name"]
    assert metadata["@type"] == "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    assert (metadata["model"], metadata["displayName"]) == (f"models/{MODEL}", "my job")
    assert metadata["state"] == "BATCH_STATE_PENDING"
    assert metadata["inputConfig"] == {"fileName": file}
    assert metadata["batchStats"] == {"requestCount": "2", "pendingRequestCount": "2"}
    assert NANOS.fullmatch(metadata["createTime"])


def test_a_finished_file_job_points_to_its_results_twice(api: ApiClient) -> None:
    operation = api.finish_job(api.file_batch([row("a")]))
    output = {"responsesFile": f"files/batch-{operation['name'].removeprefix('batches/')}"}
    assert operation["done"] is True
    assert operation["metadata"]["output"] == output
    type_ = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput"
    assert operation["response"] == {"@type": type_, **output}
    assert NANOS.fullmatch(operation["metadata"]["endTime"])
    assert stats(operation) == {"requestCount": 1, "successfulRequestCount": 1}


def test_rows_keep_their_keys_and_their_order(api: ApiClient) -> None:
    keys = [f"key-{i * 7919 % 1000}" for i in range(200)]
    results = api.run([row(key, f"Question {key}") for key in keys])
    assert [result["key"] for result in results] == keys
    assert all(set(result) == {"key", "response"} for result in results)


def test_other_fields_of_a_line_come_back_lists_emptied(api: ApiClient) -> None:
    (result,) = api.run([{**row("a"), "note": "kept", "tags": ["lost"]}])
    assert (result["note"], result["tags"]) == ("kept", [])


def test_inline_rows_keep_their_metadata_and_their_order(api: ApiClient) -> None:
    rows = [{"request": {"contents": contents(f"Q{i}")}, "metadata": {"key": f"k{i}", "n": str(i)}} for i in range(30)]
    operation = api.finish_job(api.inline_batch(rows))
    results = api.results(operation)
    assert [result["metadata"] for result in results] == [sent["metadata"] for sent in rows]
    assert all("key" not in result for result in results)
    assert operation["response"]["inlinedResponses"]["inlinedResponses"] == results


def test_large_inline_jobs_come_back_in_any_order(api: ApiClient, emulator: EmulatorProcess) -> None:
    rows = [{"request": {"contents": contents(str(i))}, "metadata": {"request_id": str(i)}} for i in range(120)]
    results = api.results(api.finish_job(api.inline_batch(rows)))
    ids = [result["metadata"]["request_id"] for result in results]
    assert ids != sorted(ids, key=int)
    assert sorted(ids, key=int) == [str(i) for i in range(120)]
    emulator.settings(result_order="input")
    results = api.results(api.finish_job(api.inline_batch(rows)))
    assert [result["metadata"]["request_id"] for result in results] == [str(i) for i in range(120)]


def test_inline_rows_without_metadata_get_none(api: ApiClient) -> None:
    rows = [{"request": {"contents": contents("x")}, **more} for more in ({}, {"metadata": None}, {"metadata": {}})]
    results = api.results(api.finish_job(api.inline_batch(rows)))
    assert [result.get("metadata", "none") for result in results] == ["none", "none", {}]


def test_a_line_without_a_key_gets_none(api: ApiClient) -> None:
    (result,) = api.run([{"request": {"contents": contents("x")}}])
    assert "key" not in result


def test_blank_lines_are_no_rows(api: ApiClient) -> None:
    file = api.upload(b"\n" + jsonl([row("a")]) + b"  \n\n" + jsonl([row("b")]))["name"]
    operation = api.finish_job(api.create(MODEL, {"fileName": file}))
    assert [result["key"] for result in api.results(operation)] == ["a", "b"]
    assert stats(operation) == {"requestCount": 2, "successfulRequestCount": 2}


def test_one_bad_row_does_not_spoil_the_others(api: ApiClient) -> None:
    bad = {"key": "bad", "request": {"contents": contents("x"), "thinking_config": {}}}
    good, wrong, fine = api.run([row("good"), bad, row("fine")])
    assert wrong == {"key": "bad", "error": {"code": 3, "message": "no such field: 'thinking_config'"}}
    assert "response" in good
    assert "response" in fine


def test_counters_move_and_always_add_up(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100)
    name = api.file_batch([row(str(i), "[[emulate: error:13]]" if i % 4 == 0 else "x") for i in range(100)])
    seen = []
    for seconds in (10, 20, 20, 20, 31):
        operation = api.finish_job(name, seconds)
        counts = stats(operation)
        assert counts.pop("requestCount") == 100
        assert sum(counts.values()) == 100
        seen.append((operation["metadata"]["state"], counts.get("pendingRequestCount", 0)))
    assert [state for state, _ in seen] == [
        "BATCH_STATE_PENDING",
        *["BATCH_STATE_RUNNING"] * 3,
        "BATCH_STATE_SUCCEEDED",
    ]
    pending = [left for _, left in seen]
    assert pending == sorted(pending, reverse=True)
    assert len(set(pending)) == 5
    assert counts == {"successfulRequestCount": 75, "failedRequestCount": 25}


def test_a_job_succeeds_even_if_every_row_fails(api: ApiClient) -> None:
    operation = api.finish_job(api.file_batch([row("a", "[[emulate: error:3]]")]))
    assert operation["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"
    assert stats(operation) == {"requestCount": 1, "failedRequestCount": 1}


def test_a_listing_has_operations_without_inlined_responses(api: ApiClient) -> None:
    inline = api.inline_batch([{"request": {"contents": contents("x")}}])
    file = api.file_batch([row("a")])
    for name in (inline, file):
        api.finish_job(name)
    shown = {operation["name"]: operation for operation in api.get("batches")["operations"]}
    assert set(shown) == {inline, file}
    assert "output" not in shown[inline]["metadata"]
    assert "response" not in shown[inline]
    assert stats(shown[inline]) == {"requestCount": 1, "pendingRequestCount": 1}, "as recorded: not brought up to date"
    assert shown[file]["metadata"]["output"]["responsesFile"].startswith("files/batch-")


def test_a_listing_is_paged_newest_first(api: ApiClient) -> None:
    names = [api.inline_batch([{"request": {"contents": contents("x")}}]) for _ in range(5)]
    first = api.get("batches", pageSize=3)
    second = api.get("batches", pageSize=3, pageToken=first["nextPageToken"])
    assert [op["name"] for op in first["operations"] + second["operations"]] == names[::-1]
    assert "nextPageToken" not in second


def test_a_listing_lags_by_setting_but_get_does_not(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(list_lag_seconds=30)
    name = api.inline_batch([{"request": {"contents": contents("x")}}])
    assert api.get("batches") == {}
    assert api.get(name)["name"] == name
    emulator.clock(31)
    assert [op["name"] for op in api.get("batches")["operations"]] == [name]


@pytest.mark.parametrize("inline", [False, True])
def test_a_job_cancelled_while_it_runs_keeps_what_was_served(
    api: ApiClient, emulator: EmulatorProcess, inline: bool
) -> None:
    emulator.settings(pace=100)
    rows = [row(str(i)) for i in range(50)]
    sent = [{"request": r["request"], "metadata": {"key": r["key"]}} for r in rows]
    name = api.inline_batch(sent) if inline else api.file_batch(rows)
    emulator.clock(60)
    assert api.post(f"{name}:cancel") == {}
    assert api.get(name)["metadata"]["state"] == "BATCH_STATE_RUNNING"
    operation = api.finish_job(name, 5)
    assert (operation["metadata"]["state"], operation["done"]) == ("BATCH_STATE_SUCCEEDED", True)
    assert stats(operation) == {"requestCount": 50, "successfulRequestCount": 25, "failedRequestCount": 25}
    results = api.results(operation)
    keys = [result["metadata"]["key"] if inline else result["key"] for result in results]
    assert keys == [str(i) for i in range(50)]
    assert all("response" in result for result in results[:25])
    assert all(result["error"] == {"code": 1} for result in results[25:])
    (used,) = emulator.ledger()["usage"]
    assert used["rows"] == 25


def test_a_second_cancel_does_not_let_more_rows_be_served(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100)
    name = api.file_batch([row(str(i)) for i in range(50)])
    for seconds in (60, 1, 5):
        emulator.clock(seconds)
        assert api.post(f"{name}:cancel") == {}
    assert stats(api.get(name))["successfulRequestCount"] == 25


def test_a_job_cancelled_before_it_runs_is_cancelled_and_has_an_error(
    api: ApiClient, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace=100)
    name = api.file_batch([row("a")])
    api.post(f"{name}:cancel")
    operation = api.get(name)
    assert (operation["metadata"]["state"], operation["done"]) == ("BATCH_STATE_CANCELLED", True)
    assert operation["error"]["code"] == 13
    assert stats(operation) == {"requestCount": 1, "pendingRequestCount": 1}
    assert emulator.ledger()["usage"] == []


def test_a_cancel_that_came_before_a_crash_ends_as_it_would_have(tmp_path: Path) -> None:
    with start_emulator(tmp_path, pace=100) as first:
        with client(first) as api:
            name = api.file_batch([row(str(i)) for i in range(50)])
            first.clock(60)
            api.post(f"{name}:cancel")
        first.kill()
    with start_emulator(tmp_path) as second, client(second) as api:
        assert stats(api.finish_job(name, 5)) == {
            "requestCount": 50,
            "successfulRequestCount": 25,
            "failedRequestCount": 25,
        }


def test_by_setting_a_cancel_throws_the_results_away(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100, cancel="discard")
    name = api.file_batch([row(str(i)) for i in range(50)])
    emulator.clock(60)
    assert api.post(f"{name}:cancel") == {}
    operation = api.finish_job(name, 100)
    assert operation["metadata"]["state"] == "BATCH_STATE_CANCELLED"
    assert (operation["done"], operation["error"]["code"]) == (True, 1)
    assert "response" not in operation
    assert "output" not in operation["metadata"]
    assert 0 < stats(operation)["pendingRequestCount"] < 50


def test_cancelling_what_has_ended_changes_nothing(api: ApiClient) -> None:
    name = api.file_batch([row("a")])
    before = api.finish_job(name)
    assert api.post(f"{name}:cancel", {}) == {}
    assert api.get(name) == before


def test_a_deleted_job_takes_its_results_along(api: ApiClient) -> None:
    name = api.file_batch([row("a")])
    output = api.finish_job(name)["metadata"]["output"]["responsesFile"]
    api.delete(name)
    assert api.expect_error("GET", f"{output}:download")["code"] == 404


def test_by_setting_a_running_job_shows_no_progress(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100, progress="stale")
    created = api.get(api.file_batch([row(str(i)) for i in range(50)]))
    running = api.finish_job(created["name"], 60)
    assert running["metadata"] == {**created["metadata"], "state": "BATCH_STATE_RUNNING"}
    assert stats(api.finish_job(created["name"], 60)) == {"requestCount": 50, "successfulRequestCount": 50}


def test_a_deleted_job_is_gone_even_while_it_runs(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100)
    name = api.file_batch([row("a")])
    emulator.clock(50)
    assert api.get(name)["metadata"]["state"] == "BATCH_STATE_RUNNING"
    assert api.delete(name) == {}
    assert api.expect_error("GET", name)["status"] == "NOT_FOUND"
    assert api.expect_error("DELETE", name)["code"] == 404
    assert api.get("batches") == {}


def test_a_broken_line_fails_the_whole_job(api: ApiClient) -> None:
    file = api.upload(jsonl([row("a")]) + b"{not json\n")["name"]
    operation = api.finish_job(api.create(MODEL, {"fileName": file}))
    assert operation["metadata"]["state"] == "BATCH_STATE_FAILED"
    assert operation["error"]["code"] == 3
    assert "line 2" in operation["error"]["message"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"key":"\xff"}',
        b'{"key":"\\ud800"}',
        b'{"key":NaN}',
        b'{"key":1e999}',
        b'{"key":"a\x01"}',
        b"[" * 2000,
        b"{} x",
    ],
)
def test_a_line_that_no_parser_takes_fails_its_job_and_no_other(api: ApiClient, line: bytes) -> None:
    file = api.upload(jsonl([row("a")]) + line + b"\n")["name"]
    broken, sound = api.create(MODEL, {"fileName": file}), api.file_batch([row("a")])
    error = api.finish_job(broken)["error"]
    assert (error["code"], "line 2 is not a valid JSON object" in error["message"]) == (3, True)
    assert api.get(sound)["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


def test_a_mistake_of_the_emulator_fails_its_job_and_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = State(Store(tmp_path), Settings(pace="0"))
    now = state.clock.now()
    job = Job("job", "owner", MODEL, False, now - 1, now - 1, now - 1, 1)
    state.jobs[job.id] = job
    state.store.body_path("rows", job.id).write_bytes(jsonl([row("a")]))
    monkeypatch.setattr("emulator.jobs.execution.execute", lambda *_: 1 / 0)
    asyncio.run(JobScheduler(state).advance_jobs(job))
    state.store.close()
    assert (job.state, job.error and job.error["code"]) == ("BATCH_STATE_FAILED", 13)
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\n\n", b'"text"\n', b"[1]\n"])
def test_a_file_without_requests_fails_the_job(api: ApiClient, content: bytes) -> None:
    file = api.upload(content or b"", "jsonl")["name"]
    operation = api.finish_job(api.create(MODEL, {"fileName": file}))
    assert operation["metadata"]["state"] == "BATCH_STATE_FAILED"


def test_a_line_whose_request_is_no_object_fails_alone(api: ApiClient) -> None:
    results = api.run([{"key": "a", "request": "text"}, {"key": "b", "request": None}, {"key": "c"}, row("d")])
    assert [result.get("error", {}).get("code") for result in results] == [3, 3, 3, None]


def test_a_job_over_a_missing_file_is_refused(api: ApiClient) -> None:
    body = {"batch": {"displayName": "x", "inputConfig": {"fileName": "files/nowhere"}}}
    assert api.expect_error("POST", f"models/{MODEL}:batchGenerateContent", body)["code"] == 403


@pytest.mark.parametrize(
    "source", [{}, {"fileName": "files/a", "requests": {"requests": []}}, {"requests": {"requests": []}}]
)
def test_a_job_needs_one_source_with_something_in_it(api: ApiClient, source: Json) -> None:
    body = {"batch": {"displayName": "x", "inputConfig": source}}
    assert api.expect_error("POST", f"models/{MODEL}:batchGenerateContent", body)["code"] == 400


@pytest.mark.parametrize("model", ["gemini-1.5-pro", "gemini-embedding-001", "a/b"])
def test_unknown_and_unfit_models_are_refused(api: ApiClient, model: str) -> None:
    error = api.expect_error("POST", f"models/{model}:batchGenerateContent", {"batch": {}})
    assert error["status"] == "NOT_FOUND"
    assert error["message"].startswith(f"models/{model} is not found for API version v1beta, or is not supported for")


@pytest.mark.parametrize("model", ["gemini-2.0-flash-001", "gemini-3-pro-preview"])
def test_models_that_were_shut_down_are_no_longer_available(api: ApiClient, model: str) -> None:
    assert "batchGenerateContent" in api.get(f"models/{model}")["supportedGenerationMethods"]
    error = api.expect_error("POST", f"models/{model}:batchGenerateContent", {"batch": {}})
    assert (error["code"], "is no longer available" in error["message"]) == (404, True)


def test_creating_twice_makes_two_jobs(api: ApiClient) -> None:
    rows = [{"request": {"contents": contents("x")}}]
    assert api.inline_batch(rows) != api.inline_batch(rows)
    assert len(api.get("batches")["operations"]) == 2


def test_results_are_shuffled_by_setting_but_complete(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(result_order="shuffled")
    keys = [str(i) for i in range(300)]
    answers = api.run([row(key) for key in keys])
    assert [a["key"] for a in answers] != keys
    assert sorted(a["key"] for a in answers) == sorted(keys)


@pytest.mark.parametrize(("wanted", "extra"), [(3, 3), (1000, 40)])
def test_results_are_duplicated_by_setting(api: ApiClient, emulator: EmulatorProcess, wanted: int, extra: int) -> None:
    emulator.settings(duplicate_rows=wanted)
    operation = api.finish_job(api.file_batch([row(str(i)) for i in range(40)]))
    keys = [result["key"] for result in api.results(operation)]
    assert (len(keys), len(set(keys))) == (40 + extra, 40)
    assert stats(operation)["successfulRequestCount"] == 40


def test_a_failed_job_has_an_error_and_no_results(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="failed")
    operation = api.finish_job(api.file_batch([row("a")]))
    assert operation["metadata"]["state"] == "BATCH_STATE_FAILED"
    assert (operation["done"], operation["error"]["code"]) == (True, 13)
    assert "output" not in operation["metadata"]
    assert emulator.ledger()["usage"] == []


def test_an_expired_job_has_nothing(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="expired")
    operation = api.finish_job(api.file_batch([row("a")]))
    assert operation["metadata"]["state"] == "BATCH_STATE_EXPIRED"
    assert "output" not in operation["metadata"]


def test_a_partial_success_has_some_results(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="partially_succeeded")
    operation = api.finish_job(api.file_batch([row(str(i)) for i in range(9)]))
    assert operation["metadata"]["state"] == "BATCH_STATE_PARTIALLY_SUCCEEDED"
    assert len(api.results(operation)) == 6
    assert stats(operation) == {"requestCount": 9, "successfulRequestCount": 6, "failedRequestCount": 3}


def test_a_stuck_job_waits_until_it_is_let_go(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    name = api.file_batch([row("a")])
    assert api.finish_job(name, 3600)["metadata"]["state"] == "BATCH_STATE_PENDING"
    emulator.settings(job_outcome="succeeded")
    assert api.finish_job(name)["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


def test_a_job_expires_after_48_hours(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    name = api.file_batch([row("a")])
    assert "done" not in api.finish_job(name, 48 * 3600 - 60)
    operation = api.finish_job(name, 120)
    assert operation["metadata"]["state"] == "BATCH_STATE_EXPIRED"
    assert (operation["done"], operation["error"]["code"]) == (True, 4)


def test_a_raw_state_is_shown_as_it_is(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="BATCH_STATE_MEDITATING")
    name = api.file_batch([row("a")])
    operation = api.finish_job(name)
    assert operation["metadata"]["state"] == "BATCH_STATE_MEDITATING"
    assert "done" not in operation
    emulator.settings(job_outcome="succeeded")
    assert api.finish_job(name)["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


def test_the_outcome_in_force_when_a_job_ends_decides(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="failed")
    first = api.file_batch([row("a")])
    emulator.clock(1)
    emulator.settings(job_outcome="succeeded")
    assert api.get(first)["metadata"]["state"] == "BATCH_STATE_FAILED"


def test_a_new_pace_applies_to_jobs_that_run(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=10_000)
    name = api.file_batch([row(str(i)) for i in range(100)])
    before = stats(api.finish_job(name, 6_000))
    assert before["pendingRequestCount"] == 50
    emulator.settings(pace=100)
    assert stats(api.get(name))["pendingRequestCount"] == 50
    assert api.finish_job(name, 45)["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


def test_the_realistic_pace_takes_about_twenty_seconds(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace="realistic")
    names = [api.inline_batch([{"request": {"contents": contents("x")}}] * n) for n in (10, 1200)]
    emulator.clock(15)
    assert [api.finish_job(name, 0)["metadata"]["state"] for name in names] == ["BATCH_STATE_RUNNING"] * 2
    emulator.clock(10)
    assert [api.finish_job(name, 0)["metadata"]["state"] for name in names] == ["BATCH_STATE_SUCCEEDED"] * 2


def test_results_are_kept_for_six_weeks(api: ApiClient, emulator: EmulatorProcess) -> None:
    inline = api.inline_batch([{"request": {"contents": contents("x")}}])
    name = api.file_batch([row("a")])
    output = api.finish_job(name)["metadata"]["output"]["responsesFile"]
    emulator.clock(41 * 24 * 3600)
    assert api.results(api.get(inline))
    emulator.clock(2 * 24 * 3600)
    assert "output" not in api.get(inline)["metadata"]
    assert api.expect_error("GET", f"{output}:download")["code"] == 403


def test_jobs_belong_to_their_key(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.file_batch([row("a")])
    output = api.finish_job(name)["metadata"]["output"]["responsesFile"]
    with client(emulator, "key-two") as other:
        assert other.get("batches") == {}
        for method, path in (("GET", name), ("POST", f"{name}:cancel"), ("DELETE", name)):
            assert other.expect_error(method, path)["code"] == 404
        assert other.expect_error("GET", f"{output}:download")["code"] == 403
        file = api.upload(jsonl([row("a")]))["name"]
        body = {"batch": {"displayName": "x", "inputConfig": {"fileName": file}}}
        assert other.expect_error("POST", f"models/{MODEL}:batchGenerateContent", body)["code"] == 403


def test_embedding_rows_from_a_file_and_inline(api: ApiClient) -> None:
    model, method = "gemini-embedding-001", "asyncBatchEmbedContent"
    request = {"content": {"parts": [{"text": "one"}]}, "output_dimensionality": 3}
    file = api.upload(jsonl([{"key": "r1", "request": request}]))["name"]
    operation = api.finish_job(api.create(model, {"file_name": file}, method=method))
    assert operation["metadata"]["@type"].endswith("v1main.EmbedContentBatch")
    (result,) = api.results(operation)
    assert (result["key"], result["response"]["tokenCount"]) == ("r1", "2")
    assert len(result["response"]["embedding"]["values"]) == 3
    inline = {"requests": {"requests": [{"request": request, "metadata": {"key": "a"}}, {"request": {}}]}}
    good, bad = api.results(api.finish_job(api.create(model, inline, method=method)))
    assert good["response"]["embedding"] == result["response"]["embedding"]
    assert good["metadata"] == {"key": "a"}
    assert bad["error"]["code"] == 3


def test_image_rows_carry_a_picture(api: ApiClient) -> None:
    request = {"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}
    (result,) = api.run([row("a", "Draw a lamp", **request)], "gemini-3-pro-image")
    *_, text, picture = result["response"]["candidates"][0]["content"]["parts"]
    assert "[simulated]" in text["text"]
    assert picture["inlineData"]["mimeType"] == "image/jpeg"
    assert result["response"]["usageMetadata"]["candidatesTokensDetails"][0]["modality"] == "IMAGE"


def test_all_versions_are_one_state(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.file_batch([row("a")])
    for version in ("v1", "v1alpha"):
        with client(emulator, version=version) as other:
            assert other.get(name)["name"] == name
    with client(emulator, version="v1beta1") as strange:
        assert strange.expect_error("GET", name)["code"] == 404


def test_answers_differ_with_the_prompt_and_repeat_with_it(api: ApiClient) -> None:
    texts = [text_of(r["response"]) for r in api.run([row(str(i), f"Tell me about thing {i % 20}") for i in range(40)])]
    assert texts[:20] == texts[20:]
    assert len(set(texts)) == 20
    assert len({len(text) for text in texts}) > 8
    assert all("[simulated]" in text for text in texts)


def test_what_was_sent_can_be_read_back(api: ApiClient, emulator: EmulatorProcess) -> None:
    rows = [{"request": {"contents": contents("x")}, "metadata": {"key": "a"}}]
    inline = api.inline_batch(rows)
    assert emulator.sent_bytes("batch_jobs", inline) == jsonl(rows).replace(b": ", b":").replace(b", ", b",")
    name = api.file_batch([row("a")])
    api.delete(api.get(name)["metadata"]["inputConfig"]["fileName"])
    api.delete(name)
    assert emulator.sent_bytes("batch_jobs", name) == jsonl([row("a")])


def test_priority_is_echoed_as_text(api: ApiClient) -> None:
    body: Json = {"batch": {"display_name": "x", "priority": -2, "input_config": {"requests": {"requests": []}}}}
    body["batch"]["input_config"]["requests"]["requests"] = [{"request": {"contents": contents("x")}}]
    assert api.post(f"models/{MODEL}:batchGenerateContent", body)["metadata"]["priority"] == "-2"
