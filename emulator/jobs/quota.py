"""How many input tokens a job adds to the queue of its model."""

import asyncio
from time import perf_counter
from typing import Any

import orjson

from emulator.answers.request_scope import World
from emulator.core.errors import ApiError
from emulator.core.request_tokens import Counts, content_tokens, request_tokens
from emulator.core.state import Job, State
from emulator.jobs.execution import SLICE
from emulator.schema.request_fields import Unreadable, read


async def enqueued(state: State, job: Job) -> int:
    """Input tokens over all rows of a job, without what is in caches (whether those count is not known).

    Rows that cannot be read count nothing. Yields to other requests while it counts.
    """
    world = World(state, job.owner, job.created, abroad=job.embed)
    source = state.store.body("file", job.input_file) if job.input_file else state.store.body("rows", job.id)
    total, until = 0, perf_counter() + SLICE
    with source.open("rb") as lines:
        for line in lines:
            total += _tokens(line, job.embed, world)
            if perf_counter() > until:
                await asyncio.sleep(0)
                until = perf_counter() + SLICE
    return total


def _tokens(line: bytes, embed: bool, world: World) -> int:
    try:
        request: Any = orjson.loads(line)["request"]
        if embed:
            counts: Counts = {}
            content_tokens(read("EmbedContentRequest", request)["content"], counts, world.weigh)
        else:
            counts = request_tokens(read("GenerateContentRequest", request), world.weigh)
    except (ValueError, KeyError, TypeError, Unreadable, ApiError):
        return 0
    return sum(counts.values())
