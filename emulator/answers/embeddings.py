"""Embeddings: vectors that depend on the words alone, so that texts with the same words are near each other."""

import re
from functools import lru_cache
from hashlib import shake_128
from typing import Any

import orjson

from emulator.answers.request_scope import RequestScope
from emulator.core.errors import invalid
from emulator.core.models import Model
from emulator.core.request_tokens import PromptCounter
from emulator.schema.checks import check_contents

_WORD = re.compile(r"\w+")
MAX_WORDS = 200  # of a text, that its vector is made of
TASK_TYPES = (
    "TASK_TYPE_UNSPECIFIED",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
)


def embedding_vector(content: dict[str, Any], dimensions: int, model: Model, task: str = "") -> list[float]:
    """A vector, the same for the same content: the sum of one for each word, cut to so many numbers.

    Of length one if it is whole, and, but for 001, where it is cut, too (guide to embeddings).
    """
    import numpy as np  # few rehearsals ask for embeddings

    total = np.zeros(model.dimensions, np.float32)
    for word in _words(content, task):
        total += np.frombuffer(_word_vector(word, model.dimensions), np.int16)
    total /= float(np.linalg.norm(total)) or 1.0
    cut = total[:dimensions]
    if "embedding-001" not in model.id:
        cut = cut / (float(np.linalg.norm(cut)) or 1.0)
    numbers: list[float] = np.round(cut.astype(np.float64), 8).tolist()
    return numbers


def _words(content: dict[str, Any], task: str) -> list[str]:
    """What a vector is made of: the first words of the texts, other parts as they are, and the task."""
    words = [task] if task else []
    for part in content.get("parts", ()):
        if "text" in part:
            words += _WORD.findall(part["text"].lower())[:MAX_WORDS] or [part["text"]]
        else:
            words.append(shake_128(orjson.dumps(part)).hexdigest(8))
    return words[:MAX_WORDS]


@lru_cache(512)
def _word_vector(word: str, dimensions: int) -> bytes:
    return shake_128(word.encode(errors="replace")).digest(2 * dimensions)


def embed(request: dict[str, Any], model: Model, scope: RequestScope) -> tuple[list[float], int]:
    """The embedding of one normalised request and its tokens. Raises the service's refusal.

    An input that is too long is cut, and counts as many tokens as fit: not known, no page tells what becomes of one.
    """
    config = request.get("embedContentConfig") or {}
    dimensions = request.get("outputDimensionality") or config.get("outputDimensionality") or model.dimensions
    if not 1 <= dimensions <= model.dimensions:
        raise invalid(f"outputDimensionality must be from 1 to {model.dimensions}, not {dimensions}.")
    task = request.get("taskType") or config.get("taskType") or ""
    _check_task(task, request.get("title") or config.get("title"), model)
    if "content" not in request:
        raise invalid("* EmbedContentRequest.content: content is not specified\n")
    check_contents({"contents": [request["content"]]}, "EmbedContentRequest")
    counter = PromptCounter(model, scope.count_file_tokens)
    counter.add_content(request["content"])
    tokens = min(sum(counter.counts.values()), model.input_limit)
    return embedding_vector(request["content"], dimensions, model, task), tokens


def _check_task(task: str, title: Any, model: Model) -> None:
    """Task types are for 001; embedding-2 wants the task in the text (guide to embeddings; what it says is assumed)."""
    if task and task not in TASK_TYPES:
        raise invalid(f"Invalid value at 'task_type' (type.googleapis.com/TaskType), \"{task}\"")
    if "embedding-001" not in model.id and (task or title):
        name = "task_type" if task else "title"
        raise invalid(f"* EmbedContentRequest.{name}: not supported for models/{model.id}\n")
    if title and task != "RETRIEVAL_DOCUMENT":
        raise invalid("* EmbedContentRequest.title: only allowed when task_type is RETRIEVAL_DOCUMENT\n")
