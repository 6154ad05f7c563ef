"""What an embedding is for is a field or words, by the model, and nothing that the service would not know."""

from __future__ import annotations

import pytest

from batch.kinds.embedding_tasks import DOCUMENT, TASKS, UNSPECIFIED, task_fault, uses_field, with_task
from batch.pricing.catalog import load
from batch.rules.model_rules import ModelRules


@pytest.mark.parametrize("task", ["", UNSPECIFIED, *TASKS])
def test_every_task_of_the_service_may_be_asked_for(task: str) -> None:
    assert task_fault(task, "") is None


def test_an_unknown_task_is_refused_with_those_there_are() -> None:
    fault = task_fault("SUMMARIZE", "")
    assert fault is not None and "SUMMARIZE" in fault.fault and all(task in fault.remedy for task in TASKS)


def test_only_documents_have_titles() -> None:
    assert task_fault(DOCUMENT, "Lamps") is None
    for task in ("", "CLUSTERING"):
        fault = task_fault(task, "Lamps")
        assert fault is not None and DOCUMENT in fault.remedy


@pytest.mark.parametrize(
    ("task", "title", "text"),
    [
        (DOCUMENT, "", "title: none | text: A lamp"),
        (DOCUMENT, "Lamps", "title: Lamps | text: A lamp"),
        ("RETRIEVAL_QUERY", "", "task: search result | query: A lamp"),
        ("SEMANTIC_SIMILARITY", "", "task: sentence similarity | query: A lamp"),
        (UNSPECIFIED, "", "A lamp"),
        ("", "", "A lamp"),
    ],
)
def test_a_task_in_words(task: str, title: str, text: str) -> None:
    assert with_task("A lamp", task, title) == text


def test_the_model_decides_how_a_task_is_told() -> None:
    models = load().models
    assert uses_field(ModelRules("gemini-embedding-001", models["gemini-embedding-001"]))
    assert not uses_field(ModelRules("gemini-embedding-2", models["gemini-embedding-2"]))
    assert uses_field(ModelRules())
