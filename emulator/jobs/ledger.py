"""The ledger: what Google would know and bill. Deleted things stay in it."""

import base64
from typing import Any

from emulator.core.state import Cache, Job, State, StoredFile
from emulator.jobs.scheduler import JobScheduler


def ledger(state: State, scheduler: JobScheduler) -> dict[str, Any]:
    """Everything of every project; models without their prefix, times as on the wire."""
    return {
        "batch_jobs": [_job(state, job) for job in sorted(state.jobs.values(), key=_created_at)],
        "cached_contents": [_cache(state, cache) for cache in sorted(state.caches.values(), key=_created_at)],
        "files": [_file(state, file) for file in sorted(state.files.values(), key=_created_at)],
        "usage": _usage(state, scheduler),
        "calls": state.store.calls(),
    }


def _created_at(record: Job | Cache | StoredFile) -> float:
    return record.created


def _job(state: State, job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "display_name": job.display_name,
        "model": job.model,
        "state": job.state,
        "request_count": job.rows,
        "successful_count": job.good,
        "failed_count": job.bad,
        "cached_contents": job.caches,
        "input_file": f"files/{job.input_file}" if job.input_file else None,
        "created_at": state.clock.format_timestamp(job.created),
        "ended_at": _timestamp_or_none(state, job.ended),
        "deleted_at": _timestamp_or_none(state, job.deleted),
    }


def _cache(state: State, cache: Cache) -> dict[str, Any]:
    """`token_hours` is what storage is billed on: the size times the life until now, or until its end."""
    lifetime = max(0.0, min(cache.ends, state.clock.now()) - cache.created)
    return {
        "name": cache.name,
        "display_name": cache.display_name,
        "model": cache.model,
        "token_count": cache.total,
        "created_at": state.clock.format_timestamp(cache.created),
        "expire_at": state.clock.format_timestamp(cache.expires),
        "deleted_at": _timestamp_or_none(state, cache.deleted),
        "token_hours": cache.total * lifetime / 3600,
    }


def _file(state: State, file: StoredFile) -> dict[str, Any]:
    """`sha256` in hexadecimal tells which contents were uploaded twice; "" of generated files."""
    return {
        "name": f"files/{file.id}",
        "display_name": file.display_name,
        "mime_type": file.mime,
        "size_bytes": file.size,
        "sha256": base64.b64decode(file.sha256).decode(),
        "state": file.state_at(state.clock.now()),
        "source": file.source,
        "created_at": state.clock.format_timestamp(file.created),
        "expire_at": state.clock.format_timestamp(file.expires),
        "deleted_at": _timestamp_or_none(state, file.deleted),
    }


def _timestamp_or_none(state: State, moment: float | None) -> str | None:
    return None if moment is None else state.clock.format_timestamp(moment)


def _usage(state: State, scheduler: JobScheduler) -> list[dict[str, Any]]:
    """Tokens and rows per job (null: interactive), model and long context; running jobs with what they used so far."""
    rows = [(job, model, bool(long_context), counts) for job, model, long_context, *counts in state.store.usage()]
    fields = ("prompt", "cached", "candidates", "thoughts", "rows")
    return [
        {
            "batch_job": job or None,
            "model": model,
            "long_context": long_context,
            **dict(zip(fields, counts, strict=True)),
        }
        for job, model, long_context, counts in [*rows, *scheduler.usage()]
    ]
