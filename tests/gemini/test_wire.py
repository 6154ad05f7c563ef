"""The API's JSON for batch jobs, read as it really arrives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gemini.wire import file_batch_body, inline_batch_body, job_state, parse_operation, result_lines, timestamp

# Shape: google-gemini/cookbook, Batch_mode.ipynb, and the REST reference of batch mode.
FINISHED = {
    "name": "batches/abc123",
    "metadata": {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": "models/gemini-3.8-flash",
        "displayName": "d",
        "state": "BATCH_STATE_SUCCEEDED",
        "createTime": "2026-11-22T10:00:00.123456789Z",
        "endTime": "2026-11-22T11:00:00Z",
        "batchStats": {"requestCount": "3", "successfulRequestCount": "1", "failedRequestCount": "2"},
        "output": {"responsesFile": "files/batch-abc123"},
    },
    "done": True,
    "response": {"responsesFile": "files/batch-abc123"},
}


def test_a_finished_file_job_is_read_whole() -> None:
    """Counters are strings and zero ones absent; times have nine digits."""
    op = parse_operation(FINISHED)
    assert (op.name, op.model, op.state, op.done) == (
        "batches/abc123",
        "gemini-3.8-flash",
        "BATCH_STATE_SUCCEEDED",
        True,
    )
    assert op.stats == {"requests": 3, "succeeded": 1, "failed": 2, "pending": 0}
    assert op.created_at == datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
    assert op.responses_file == "files/batch-abc123"
    assert op.inlined is None


@pytest.mark.parametrize("place", ["output", "dest", "response"])
def test_results_are_found_wherever_the_reply_carries_them(place: str) -> None:
    """In metadata.output, metadata.dest, or response; nested once or twice."""
    for inlined in (
        {"inlinedResponses": {"inlinedResponses": [{"response": {}}]}},
        {"inlinedResponses": [{"response": {}}]},
    ):
        body = (
            {"name": "batches/a", "metadata": {}, "response": inlined}
            if place == "response"
            else {"name": "batches/a", "metadata": {place: inlined}}
        )
        assert parse_operation(body).inlined == [{"response": {}}]


def test_no_counters_means_not_known_rather_than_zero() -> None:
    assert parse_operation({"name": "batches/a", "metadata": {"state": "BATCH_STATE_PENDING"}}).stats is None


def test_a_jobs_own_error_is_kept() -> None:
    body = {
        "name": "batches/a",
        "metadata": {"state": "BATCH_STATE_FAILED"},
        "error": {"code": 3, "message": "no such field"},
    }
    assert parse_operation(body).error == "no such field"


@pytest.mark.parametrize(
    "body", [{}, {"metadata": None}, {"name": None, "metadata": {"batchStats": {"requestCount": "many"}}}]
)
def test_a_strange_reply_never_crashes(body: dict[str, object]) -> None:
    assert parse_operation(body).state == "BATCH_STATE_UNSPECIFIED"


def test_every_inline_request_carries_its_key_in_metadata() -> None:
    body = inline_batch_body("d", [("k1", {"contents": []})])
    assert body["inputConfig"]["requests"]["requests"] == [{"request": {"contents": []}, "metadata": {"key": "k1"}}]
    assert file_batch_body("d", "files/a")["inputConfig"] == {"fileName": "files/a"}


def test_an_inlined_response_without_a_key_stays_without() -> None:
    """It is unmatched, never matched by its position."""
    lines = list(result_lines([{"response": {"a": 1}, "metadata": {"key": "k"}}, {"error": {"code": 3}}]))
    assert lines == [{"key": "k", "response": {"a": 1}}, {"error": {"code": 3}}]


def test_metadata_of_an_inlined_response_is_kept_whole() -> None:
    """Senders mark rows with names of their own (ruby_llm: `custom_id`), and Google repeats them."""
    others = {"custom_id": "c", "page": 1}
    lines = list(
        result_lines([{"response": {}, "metadata": others}, {"response": {}, "metadata": {"key": "k", **others}}])
    )
    assert lines == [
        {"metadata": others, "response": {}},
        {"key": "k", "metadata": {"key": "k", **others}, "response": {}},
    ]


def test_states_and_times() -> None:
    assert job_state("BATCH_STATE_RUNNING") == "JOB_STATE_RUNNING"
    assert job_state("SOMETHING_NEW") == "SOMETHING_NEW"
    assert timestamp("2026-11-22T10:00:00Z") == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert timestamp("yesterday") is None
    assert timestamp(None) is None
