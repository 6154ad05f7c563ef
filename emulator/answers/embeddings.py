"""Embeddings: unit vectors that depend on the text alone. Nearness means nothing here."""

import math
import struct
from hashlib import shake_128
from typing import Any

import orjson

from emulator.answers.request_scope import RequestScope
from emulator.core.errors import invalid
from emulator.core.models import Model
from emulator.core.request_tokens import PromptCounter
from emulator.schema.checks import check_contents


def embedding_vector(content: dict[str, Any], dimensions: int) -> list[float]:
    """A vector of length one, the same for the same content."""
    raw = shake_128(orjson.dumps(content)).digest(2 * dimensions)
    values = struct.unpack(f"<{dimensions}h", raw)
    norm = math.sqrt(sum(v * v for v in values)) or 1.0
    return [round(v / norm, 8) for v in values]


def embed(request: dict[str, Any], model: Model, scope: RequestScope) -> tuple[list[float], int]:
    """The embedding of one normalised request and its tokens. Raises the service's refusal."""
    config = request.get("embedContentConfig") or {}
    dimensions = request.get("outputDimensionality") or config.get("outputDimensionality") or model.dimensions
    if not 1 <= dimensions <= model.dimensions:
        raise invalid(f"outputDimensionality must be from 1 to {model.dimensions}, not {dimensions}.")
    if "content" not in request:
        raise invalid("* EmbedContentRequest.content: content is not specified\n")
    check_contents({"contents": [request["content"]]}, "EmbedContentRequest")
    counter = PromptCounter(model, scope.count_file_tokens)
    counter.add_content(request["content"])
    return embedding_vector(request["content"], dimensions), sum(counter.counts.values())
