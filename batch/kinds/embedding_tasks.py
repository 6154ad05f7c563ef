"""What an embedding is for: a field of the request, or, where a model has none, words around the text.

Names and words: the guide to embeddings of gemini-embedding-001 and of gemini-embedding-2 (copies of 2026).
"""

from __future__ import annotations

from batch.errors import Fault
from batch.formatting import quoted_list
from batch.rules.model_rules import ModelRules

DOCUMENT = "RETRIEVAL_DOCUMENT"  # the one task whose texts may have a title
_QUERY_WORDS = {
    "RETRIEVAL_QUERY": "search result",
    "QUESTION_ANSWERING": "question answering",
    "FACT_VERIFICATION": "fact checking",
    "CODE_RETRIEVAL_QUERY": "code retrieval",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
    "SEMANTIC_SIMILARITY": "sentence similarity",
}
TASKS = (DOCUMENT, *_QUERY_WORDS)
UNSPECIFIED = "TASK_TYPE_UNSPECIFIED"


def task_fault(task: str, title: str) -> Fault | None:
    """Why a task and a title cannot be sent; None if they can."""
    if task and task not in (*TASKS, UNSPECIFIED):
        return Fault(f'There is no task type "{task[:60]}".', f"The task types are {quoted_list(TASKS)}.")
    if title and task != DOCUMENT:
        return Fault(
            "Only a document to be searched can have a title.", f'Write "taskType": "{DOCUMENT}", or no title.'
        )
    return None


def uses_field(rules: ModelRules) -> bool:
    """Whether the model takes the task as a field; one that is not known is taken to."""
    return rules.facts.task_field is not False


def with_task(text: str, task: str, title: str = "") -> str:
    """A text with its task in words, for models that have no field for it."""
    if task == DOCUMENT:
        return f"title: {title or 'none'} | text: {text}"
    words = _QUERY_WORDS.get(task)
    return f"task: {words} | query: {text}" if words else text
