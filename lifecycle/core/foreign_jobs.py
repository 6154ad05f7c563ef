"""A batch job made elsewhere under the same key, adopted as a run: found by its name, and never twice.

What is known of it is what Google tells: its model, its state and how many requests it has. The requests themselves
are not given back; who has their file may give it, so that inputs stand beside answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from batch.errors import ApiError, InputError, NotFound
from batch.responses import service_errors
from gemini.wire import Operation, job_state, parse_operation
from lifecycle.core.run_progress import ImportedJob

if TYPE_CHECKING:
    from gemini.client import GeminiClient

INVALID_JOB_NAME = InputError(
    "That is not a batch job's name.", "It looks like batches/abc123; Google's reply to the creation of a job tells it."
)
_NAME = re.compile(r"(?:.*/)?batches/([\w-]{1,150})/?|([\w-]{1,150})", re.ASCII)


class ImportedRun(NamedTuple):
    """The run that has a batch job.

    `already_known` if it had it before; `job_ended` if Google had ended the job by then.
    """

    run_id: str
    already_known: bool
    job_ended: bool


@dataclass(frozen=True)
class ForeignJob:
    """A batch job under this key that no run here has. `state` is JOB_STATE_…; `requests` is None where not told."""

    name: str
    display_name: str
    model: str
    state: str
    requests: int | None
    created_at: datetime | None


def job_name(pasted: str) -> str:
    """`batches/…` from what a person pastes: the name, the bare id, or an address that ends with it."""
    match = _NAME.fullmatch(pasted.strip())
    if match is None:
        raise INVALID_JOB_NAME
    return f"batches/{match[1] or match[2]}"


def fetch_job(client: GeminiClient, name: str) -> Operation:
    """The job as Google tells it now. Raises NotFound for one that does not exist and one of another's key alike."""
    try:
        return parse_operation(client.get_batch(name))
    except ApiError as error:
        if not service_errors.is_gone(error, or_bad_name=True):
            raise
        raise NotFound(
            f"Google finds no batch job {name} under this key.",
            "Check the name, and that the key belongs to the project that made the job.",
        ) from None


def job_facts(op: Operation, inputs_known: bool, key_field: str = "") -> ImportedJob:
    """What the run remembers of the job it is made for; `inputs_known` tells whether its requests are here.

    `key_field` is the field of the results that identifies rows, if the user named one.
    """
    return ImportedJob(
        name=op.name,
        display_name=op.display_name,
        requests=op.stats["requests"] if op.stats else 0,
        created_at=op.created_at.timestamp() if op.created_at else None,
        inputs_known=inputs_known,
        key_field=key_field,
    )


def idempotency_key(name: str) -> str:
    """The ticket of the run that adopts a job: an owner has one run of each ticket, whoever asks at the same time."""
    return f"recover:{name.removeprefix('batches/')}"[:80]


def foreign_job(op: Operation) -> ForeignJob:
    """A job as it is offered for adoption."""
    requests = op.stats["requests"] if op.stats else None
    return ForeignJob(op.name, op.display_name, op.model, job_state(op.state), requests, op.created_at)
