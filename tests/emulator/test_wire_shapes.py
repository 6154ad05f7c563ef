"""Golden wire shapes, each with its origin: every field that was recorded is there, and none that was not."""

from typing import Any

import pytest

from tests.emulator.wire_shapes import differences, read_golden
from tests.emulator_api import FOX, MODEL, ApiClient, Json, contents, jsonl, row

GOLDEN = read_golden("operations", "rows", "things")


def operations(api: ApiClient) -> dict[str, Json]:
    api.emulator.settings(pace=100)
    rows = [{"request": {"contents": contents(str(i))}} for i in range(3)]
    body = {"batch": {"displayName": "d", "inputConfig": {"requests": {"requests": rows}}}}
    pending = api.post(f"models/{MODEL}:batchGenerateContent", body)
    over_file, cancelled = (api.file_batch([row("a")]) for _ in range(2))
    api.post(f"{cancelled}:cancel")
    return {
        "operation_pending": pending,
        "operation_succeeded_inline": api.finish_job(pending["name"], 200),
        "operation_succeeded_file": api.get(over_file),
        "operation_cancelled": api.get(cancelled),
    }


def lines(api: ApiClient) -> dict[str, Json]:
    api.emulator.settings(pace="instant")
    answered, failed = api.run([row("a"), row("b", "[[emulate: error:13]]")])
    request = {"content": {"parts": [{"text": "1"}]}, "output_dimensionality": 3}
    source = {"fileName": api.upload(jsonl([{"key": "r1", "request": request}]))["name"]}
    job = api.create("gemini-embedding-001", source, method="asyncBatchEmbedContent")
    (embedded,) = api.results(api.finish_job(job))
    return {"line_answered": answered, "line_failed": failed, "line_embedded": embedded}


def things(api: ApiClient) -> dict[str, Json]:
    bad_row = {"batch": {"displayName": "d", "inputConfig": {"requests": {"requests": [{"x": 1}]}}}}
    shapes = {
        "file": api.upload(b"x", displayName="n"),
        "cached_content": api.create_cache(displayName="n"),
        "unknown_field_error": api.call("POST", f"models/{MODEL}:batchGenerateContent", bad_row)[1],
        "count_tokens": api.post(f"models/{MODEL}:countTokens", {"contents": contents(FOX)}),
        "bad_key_error": api.http.get("/v1beta/models", headers={"x-goog-api-key": "invalid-"}).json(),
    }
    api.emulator.settings(storage_bytes=1)
    return {**shapes, "storage_quota_error": api.start_upload(5).json()}


@pytest.mark.parametrize("make", [operations, lines, things])
def test_what_is_answered_has_the_recorded_shape(api: ApiClient, make: Any) -> None:
    for name, value in make(api).items():
        assert differences(GOLDEN[name]["shape"], value) == [], name


def test_every_golden_shape_has_an_origin_and_is_compared(api: ApiClient) -> None:
    shapes_by_name = {**operations(api), **lines(api), **things(api)}
    assert set(shapes_by_name) == set(GOLDEN)
    assert all(golden["origin"] for golden in GOLDEN.values())


@pytest.mark.parametrize(
    ("shape", "value"),
    [({"a": "text"}, {}), ({}, {"a": "x"}), ("count", "0"), ("number", "1"), (["text"], []), ({"a": True}, {"a": 1.5})],
)
def test_the_comparison_sees_differences(shape: Any, value: Any) -> None:
    assert differences(shape, value)
