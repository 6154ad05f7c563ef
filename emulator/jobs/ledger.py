"""The ledger: what Google would know and bill. Deleted things stay in it."""

from typing import Any

from emulator.core.state import Cache, Job, State, StoredFile
from emulator.jobs.scheduler import Engine


def ledger(state: State, engine: Engine) -> dict[str, Any]:
    """Everything of every project; models without their prefix, times as on the wire."""
    return {
        "batch_jobs": [_job(state, job) for job in sorted(state.jobs.values(), key=_by_time)],
        "cached_contents": [_cache(state, cache) for cache in sorted(state.caches.values(), key=_by_time)],
        "files": [_file(state, file) for file in sorted(state.files.values(), key=_by_time)],
        "usage": _usage(state, engine),
        "calls": state.store.calls(),
    }


def _by_time(thing: Job | Cache | StoredFile) -> float:
    return thing.created


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
        "created_at": state.clock.shown(job.created),
        "ended_at": _maybe(state, job.ended),
        "deleted_at": _maybe(state, job.deleted),
    }


def _cache(state: State, cache: Cache) -> dict[str, Any]:
    """`token_hours` is what storage is billed on: the size times the life until now, or until its end."""
    life = max(0.0, min(cache.ends, state.clock.now()) - cache.created)
    return {
        "name": cache.name,
        "display_name": cache.display_name,
        "model": cache.model,
        "token_count": cache.total,
        "created_at": state.clock.shown(cache.created),
        "expire_at": state.clock.shown(cache.expires),
        "deleted_at": _maybe(state, cache.deleted),
        "token_hours": cache.total * life / 3600,
    }


def _file(state: State, file: StoredFile) -> dict[str, Any]:
    return {
        "name": f"files/{file.id}",
        "display_name": file.display_name,
        "mime_type": file.mime,
        "size_bytes": file.size,
        "source": file.source,
        "created_at": state.clock.shown(file.created),
        "expire_at": state.clock.shown(file.expires),
        "deleted_at": _maybe(state, file.deleted),
    }


def _maybe(state: State, moment: float | None) -> str | None:
    return None if moment is None else state.clock.shown(moment)


def _usage(state: State, engine: Engine) -> list[dict[str, Any]]:
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
        for job, model, long_context, counts in [*rows, *engine.usage()]
    ]
