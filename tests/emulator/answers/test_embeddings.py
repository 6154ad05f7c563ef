"""Embeddings depend on the words, have the size asked for, and are refused where the service refuses them."""

import math
from typing import Any

import pytest

from tests.emulator_api import ApiClient, Json, contents, jsonl

ONE, TWO = "gemini-embedding-001", "gemini-embedding-2"


def vector(api: ApiClient, text: str, model: str = TWO, **more: Any) -> list[float]:
    body = {"content": contents(text)[0], **more}
    values: list[float] = api.post(f"models/{model}:embedContent", body)["embedding"]["values"]
    return values


def length(values: list[float]) -> float:
    return math.sqrt(sum(v * v for v in values))


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / length(one) / length(other)


def test_the_same_text_has_the_same_vector_and_like_texts_are_near(api: ApiClient) -> None:
    a, b, other = (vector(api, text, outputDimensionality=256) for text in ("red lamp", "A red lamp!", "old boats"))
    assert vector(api, "red lamp", outputDimensionality=256) == a != b
    assert cosine(a, b) > 0.7 > 0.3 > cosine(a, other)


def test_only_001_leaves_a_cut_vector_as_it_is(api: ApiClient) -> None:
    assert len(vector(api, "a", ONE)) == 3072
    assert length(vector(api, "a", ONE)) == pytest.approx(1, abs=1e-3)
    assert length(vector(api, "a", ONE, outputDimensionality=768)) < 0.7
    assert length(vector(api, "a", TWO, outputDimensionality=768)) == pytest.approx(1, abs=1e-3)


def test_several_at_once_are_the_same_as_one_by_one(api: ApiClient) -> None:
    requests = [{"content": contents(text)[0], "outputDimensionality": 64} for text in "ab"]
    answer = api.post(f"models/{ONE}:batchEmbedContents", {"requests": requests})
    assert [e["values"] for e in answer["embeddings"]] == [vector(api, t, ONE, outputDimensionality=64) for t in "ab"]


def test_a_task_is_a_field_of_001_alone(api: ApiClient) -> None:
    plain, query = vector(api, "x", ONE), vector(api, "x", ONE, taskType="RETRIEVAL_QUERY")
    assert plain != query
    vector(api, "x", ONE, taskType="RETRIEVAL_DOCUMENT", title="T")


@pytest.mark.parametrize(
    ("model", "more", "word"),
    [
        (ONE, {"outputDimensionality": 3073}, "outputDimensionality"),
        (ONE, {"taskType": "FISHING"}, "task_type"),
        (ONE, {"title": "T"}, "title"),
        (ONE, {"taskType": "CLUSTERING", "title": "T"}, "title"),
        (TWO, {"taskType": "CLUSTERING"}, "task_type"),
        (TWO, {"title": "T"}, "title"),
        (ONE, {"contents": contents("x")}, "contents"),
    ],
)
def test_what_the_service_does_not_take_is_refused(api: ApiClient, model: str, more: Json, word: str) -> None:
    error = api.expect_error("POST", f"models/{model}:embedContent", {"content": contents("x")[0], **more})
    assert error["code"] == 400 and word in error["message"]


def test_a_long_text_counts_as_many_tokens_as_fit(api: ApiClient) -> None:
    file = api.upload(jsonl([{"key": "a", "request": {"content": contents("word " * 5000)[0]}}]))["name"]
    job = api.create(ONE, {"fileName": file}, method="asyncBatchEmbedContent")
    assert api.results(api.finish_job(job))[0]["response"]["tokenCount"] == "2048"


def test_results_may_be_full_of_blanks(api: ApiClient) -> None:
    request = {"content": contents("a b")[0], "outputDimensionality": 8}
    lines: list[bytes] = []
    plain: list[list[float]] = []
    for spacious in (False, True):
        api.emulator.settings(spacious_vectors=spacious)
        file = api.upload(jsonl([{"key": "a", "request": request}]))["name"]
        operation = api.finish_job(api.create(TWO, {"fileName": file}, method="asyncBatchEmbedContent"))
        plain.append(api.results(operation)[0]["response"]["embedding"]["values"])
        lines.append(api.http.get(f"/v1beta/{operation['response']['responsesFile']}:download?alt=media").content)
    assert plain[0] == plain[1]
    assert len(lines[1]) > 8 * 59 > len(lines[0])
    assert lines[1].count(b"\n") == 1
