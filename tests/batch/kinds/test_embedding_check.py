"""A row to embed is one content, and gets one vector of the run's length."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch.errors import Problem
from batch.kinds.embedding_check import EmbeddingCheck
from batch.model import Generation
from batch.pricing.catalog import load
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, PromptFiles
from batch.rules.model_rules import ModelRules

OLD, NEW = "gemini-embedding-001", "gemini-embedding-2"


def check_for(model: str = OLD, shared: str = "", **settings: Any) -> EmbeddingCheck:
    rules = ModelRules(model, load().models[model])
    return EmbeddingCheck(EncodedSettings(Generation(**settings), shared, rules), model=model, rules=rules)


def accepted(row: CheckedRow | list[Problem]) -> dict[str, Any]:
    assert isinstance(row, CheckedRow), row
    request: dict[str, Any] = json.loads(row.request)
    return request


def refused(row: CheckedRow | list[Problem]) -> str:
    assert isinstance(row, list) and all(problem.remedy for problem in row)
    return " ".join(problem.fault for problem in row)


TEXT = {"content": {"parts": [{"text": "A lamp"}]}}


@pytest.mark.parametrize(
    "line",
    [
        {"key": "a", "request": TEXT},
        {"key": "a", **TEXT},
        {"key": "a", "request": {"content": "A lamp"}},
        {"key": "a", "request": {"contents": [{"parts": [{"text": "A lamp"}]}]}},
        {"key": "a", "request": {"contents": "A lamp"}},
        {"key": "a", "request": {**TEXT, "model": f"models/{OLD}"}},
    ],
)
def test_a_text_is_taken_in_every_form_and_sent_in_one(line: dict[str, Any]) -> None:
    row = check_for().check_line(json.dumps(line).encode(), 1)
    assert accepted(row) == TEXT
    assert isinstance(row, CheckedRow) and (row.key, row.prompt) == ("a", "A lamp")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"request": {"contents": ["a", "b"]}}, "2 contents, and gets one vector"),
        ({"request": {"content": {"parts": [{"text": " "}]}}}, "empty"),
        ({"request": {**TEXT, "generationConfig": {"temperature": 1}}}, 'takes no "generationConfig"'),
        ({"request": {**TEXT, "model": NEW}}, f'asks for the model "{NEW}"'),
        ({"request": {**TEXT, "outputDimensionality": 9}}, "outputDimensionality is 9"),
        ({"request": {**TEXT, "taskType": "POETRY"}}, 'no task type "POETRY"'),
        ({"request": {**TEXT, "title": "Lamps"}}, "can have a title"),
        ({"request": {"content": {"parts": [{"fileData": {"fileUri": "blob:" + "a" * 64}}]}}}, "embeds texts alone"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before(line: dict[str, Any], words: str) -> None:
    assert words in refused(check_for().check_line(json.dumps(line).encode(), 1))


def test_all_vectors_of_a_run_have_one_length() -> None:
    check = check_for(dimensions=768)
    assert accepted(check.check_prompt("A lamp", "a", 1))["outputDimensionality"] == 768
    other = json.dumps({"request": {**TEXT, "outputDimensionality": 256}}).encode()
    assert "asks for 256 numbers, and rows before it for 768" in refused(check.check_line(other, 2))


def test_a_task_is_a_field_or_words_by_the_model() -> None:
    assert accepted(check_for(task_type="clustering").check_prompt("A lamp", "a", 1))["taskType"] == "CLUSTERING"
    check = check_for(NEW, task_type="CLUSTERING")
    request = accepted(check.check_prompt("A lamp", "a", 1))
    assert request["content"]["parts"] == [{"text": "task: clustering | query: A lamp"}]
    assert check.notes["task_in_words"] == 1


def test_shared_text_and_files_are_parts_of_the_same_content() -> None:
    check = check_for(NEW, shared="About lamps.")
    file = b'{"fileData":{"fileUri":"blob:' + b"a" * 64 + b'","mimeType":"image/png"}}'
    parts = accepted(check.check_prompt("A lamp", "a", 1, files=PromptFiles((file,))))["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["text", "fileData", "text"]


@pytest.mark.parametrize(("text", "noted"), [("lamp " * 1_000, 0), ("lamp " * 4_000, 1), ("\U0001f4a1" * 3_000, 1)])
def test_a_text_that_is_longer_than_the_model_reads_is_noted(text: str, noted: int) -> None:
    check = check_for()
    accepted(check.check_prompt(text, "a", 1))
    assert check.notes["embedding_too_long"] == noted


@pytest.mark.parametrize(
    ("text", "words"), [("", "empty"), ("@use_cache lamps\nA lamp", "no caches"), ("\ud800", "half")]
)
def test_a_prompt_that_cannot_be_embedded_is_refused(text: str, words: str) -> None:
    assert words in refused(check_for().check_prompt(text, "a", 1))


def test_settings_of_texts_are_left_out_and_told() -> None:
    assert check_for(temperature=0.5).notes["settings_left_out"] == 1
