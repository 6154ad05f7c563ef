"""Golden wire shapes, each with its origin: every field that was recorded is there, and none that was not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.emulator_api import FOX, MODEL, ApiClient, Json, contents, jsonl, row

KINDS = {  # names that stand for any value of a kind; every other value of a golden shape stands for itself
    "text": re.compile(".+", re.S),
    "count": re.compile(r"[1-9]\d*"),
    "batch name": re.compile("batches/[a-z0-9]{36}"),
    "file name": re.compile("files/[a-z0-9]{12}"),
    "result file name": re.compile("files/batch-[a-z0-9]{36}"),
    "nanoseconds": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"),
    "microseconds": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
}
GOLDEN: dict[str, Json] = {
    name: golden
    for path in sorted((Path(__file__).parent / "golden").glob("*.json"))
    for name, golden in json.loads(path.read_text()).items()
}


def differences(shape: Any, value: Any, place: str = "$") -> list[str]:
    """Where a value leaves a shape; empty if nowhere."""
    if shape == "anything":
        return []
    if shape == "number":
        return [] if isinstance(value, (int, float)) and not isinstance(value, bool) else [f"{place}: {value!r}"]
    if isinstance(shape, str) and shape in KINDS:
        return [] if isinstance(value, str) and KINDS[shape].fullmatch(value) else [f"{place}: {value!r} is no {shape}"]
    if isinstance(shape, dict) and isinstance(value, dict):
        odd = [f"{place}: {name}" for name in shape.keys() ^ value.keys()]
        return odd + [d for n in shape.keys() & value.keys() for d in differences(shape[n], value[n], f"{place}.{n}")]
    if isinstance(shape, list) and isinstance(value, list):
        same = value and len(shape) in (1, len(value))
        shapes = shape * len(value) if len(shape) == 1 else shape
        found = [d for i, v in enumerate(value) for d in differences(shapes[i], v, f"{place}[{i}]")] if same else []
        return found if same else [f"{place}: {value!r}"]
    return [] if shape == value else [f"{place}: {value!r} is not {shape!r}"]


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
