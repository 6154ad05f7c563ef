"""How many input tokens a job adds to the queue of its model."""

import asyncio
from time import perf_counter
from typing import Any

import orjson

from emulator.answers.request_scope import RequestScope
from emulator.core.errors import ServiceError
from emulator.core.model_list import BY_ID
from emulator.core.models import Model
from emulator.core.request_tokens import PromptCounter, request_tokens
from emulator.core.state import Job, State
from emulator.jobs.execution import SLICE_SECONDS
from emulator.schema.request_fields import InvalidField, read


async def count_enqueued_tokens(state: State, job: Job) -> int:
    """Input tokens over all rows of a job, without what is in caches (whether those count is not known).

    Rows that cannot be read count nothing. Yields to other requests while it counts.
    """
    scope = RequestScope(state, job.owner, job.created, allow_gcs=job.embed)
    source = state.store.body_path("file", job.input_file) if job.input_file else state.store.body_path("rows", job.id)
    total, deadline = 0, perf_counter() + SLICE_SECONDS
    with source.open("rb") as lines:
        for line in lines:
            total += _row_tokens(line, job.embed, BY_ID[job.model], scope)
            if perf_counter() > deadline:
                await asyncio.sleep(0)
                deadline = perf_counter() + SLICE_SECONDS
    return total


def _row_tokens(line: bytes, embed: bool, model: Model, scope: RequestScope) -> int:
    try:
        request: Any = orjson.loads(line)["request"]
        if embed:
            counter = PromptCounter(model, scope.count_file_tokens)
            counter.add_content(read("EmbedContentRequest", request)["content"])
            counts = counter.counts
        else:
            counts = request_tokens(read("GenerateContentRequest", request), model, scope.count_file_tokens)
    except (ValueError, KeyError, TypeError, InvalidField, ServiceError):
        return 0
    return sum(counts.values())
