"""Batch jobs: create (from a file or inline), get, list, cancel, delete, as long-running operations of the wire."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import Response

from emulator.call.api_call import ApiCall
from emulator.core import model_list
from emulator.core.errors import exhausted, invalid, not_found, over_quota
from emulator.core.model_list import BY_ID
from emulator.core.models import Model
from emulator.core.state import ENDED, Job, State, new_id, sort_key
from emulator.jobs.execution import record_cache_name
from emulator.jobs.quota import count_enqueued_tokens
from emulator.jobs.scheduler import JobScheduler
from emulator.schema import request_fields
from emulator.schema.checks import check_request

_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."


def operation(state: State, job: Job, full: bool = True) -> dict[str, Any]:
    """The operation of a job. A listing leaves the response of inline jobs out (cookbook, Batch_mode 34)."""
    kind = _TYPE + ("EmbedContentBatch" if job.embed else "GenerateContentBatch")
    output = _output(state, job, full)
    metadata: dict[str, Any] = {"@type": kind, "model": f"models/{job.model}"}
    if job.display_name is not None:
        metadata["displayName"] = job.display_name
    if job.input_file:
        metadata["inputConfig"] = {"fileName": f"files/{job.input_file}"}
    if output:
        metadata["output"] = output
    timestamp = state.clock.format_timestamp
    metadata["createTime"] = timestamp(job.created)
    if job.ended is not None:
        metadata["endTime"] = timestamp(job.ended)
    metadata |= {
        "updateTime": timestamp(job.created if _shows_no_progress(state, job) else job.updated),
        "batchStats": batch_stats(job, stale=_shows_no_progress(state, job) or (not full and job.state in ENDED)),
        "state": job.state,
        "name": job.name,
    }
    if job.priority:
        metadata["priority"] = str(job.priority)
    document: dict[str, Any] = {"name": job.name, "metadata": metadata}
    if job.state in ENDED:
        document["done"] = True
        if job.error:
            document["error"] = job.error
        elif full or not job.inline:
            document["response"] = {"@type": kind if job.embed and job.inline else kind + "Output", **output}
    return document


def _shows_no_progress(state: State, job: Job) -> bool:
    """Whether a running job looks as it did when it was created: 25 polls of a small job did (recorded 2026-08-19)."""
    return state.settings.progress == "stale" and job.state not in ENDED


def batch_stats(job: Job, stale: bool = False) -> dict[str, str]:
    """Counters as strings; those that are zero are absent. Stale ones are those that the job began with, as listings
    show them even of a job that has ended (recorded 2026-07-25)."""
    good, bad = (0, 0) if stale else (job.good, job.bad)
    counters = {
        "requestCount": job.rows,
        "successfulRequestCount": good,
        "failedRequestCount": bad,
        "pendingRequestCount": job.rows - good - bad,
    }
    return {name: str(count) for name, count in counters.items() if count}


def _output(state: State, job: Job, full: bool) -> dict[str, Any]:
    if not job.has_results(state.clock.now()):
        return {}
    if not job.inline:
        return {"responsesFile": f"files/batch-{job.id}"}
    if not full:
        return {}
    lines = state.store.body_path("result", job.id).read_bytes().splitlines()
    return {"inlinedResponses": {"inlinedResponses": orjson.Fragment(b"[" + b",".join(lines) + b"]")}}


async def create_generate(call: ApiCall) -> Response:
    """POST models/{model}:batchGenerateContent. Is not idempotent: sent twice it makes two jobs (Batch guide)."""
    return await _create(call, "batchGenerateContent", "CreateGenerateBatch", embed=False)


async def create_embed(call: ApiCall) -> Response:
    """POST models/{model}:asyncBatchEmbedContent."""
    return await _create(call, "asyncBatchEmbedContent", "CreateEmbedBatch", embed=True)


async def _create(call: ApiCall, method: str, message: str, embed: bool) -> Response:
    state = call.state
    body = await call.json()
    batch = request_fields.read_body(message, body).get("batch", {})
    model = model_list.find_model(call.params["model"], method, call.version)
    source = batch.get("inputConfig") or {}
    if ("fileName" in source) == ("requests" in source):
        raise invalid("* BatchGenerateContentRequest.batch.input_config: exactly one source of requests is required\n")
    _check_tier(call, model)
    job = Job(new_id(36), call.owner, model.id, embed, state.clock.now(), 0, 0, 0, batch.get("displayName"))
    job.priority = batch.get("priority", 0)
    job.updated = job.created
    if "fileName" in source:
        await _use_input_file(state, job, source["fileName"])
    else:
        _use_inline_rows(state, job, body, source["requests"].get("requests", []))
    async with call.scheduler.admission_lock:
        await _check_quota(state, call.scheduler, job)
        call.scheduler.schedule(job)
        state.jobs[job.id] = job
        state.save(job)
    return await call.reply(operation(state, job))


def _check_tier(call: ApiCall, model: Model) -> None:
    if call.state.settings.free_tier or call.owner.startswith("f"):
        raise over_quota("batch_requests", "BatchRequestsPerProjectPerModel-FreeTier", 0, model.id)


async def _use_input_file(state: State, job: Job, name: str) -> None:
    file = state.file(job.owner, name.removeprefix("files/"))
    job.input_file = file.id
    await asyncio.to_thread(_scan_input_file, job, state.store.body_path("file", file.id))


def _scan_input_file(job: Job, path: Path) -> None:
    """Note how many requests a file seems to have and which caches they name; the job's start reads it exactly."""
    with path.open("rb") as stream:
        for line in stream:
            job.rows += not line.isspace()
            if b"cached" in line:
                with suppress(orjson.JSONDecodeError, AttributeError):
                    record_cache_name(orjson.loads(line), job.caches)


def _use_inline_rows(state: State, job: Job, body: Any, rows: list[dict[str, Any]]) -> None:
    if not rows:
        raise invalid("* BatchGenerateContentRequest.batch.input_config.requests: requests is not specified\n")
    if any("request" not in row for row in rows):
        raise invalid("* BatchGenerateContentRequest.batch.input_config.requests: a request is not specified\n")
    if not job.embed:
        for row in rows:  # a file's rows are looked at one by one, when they are executed
            check_request(row["request"], BY_ID[job.model])
    job.rows = len(rows)
    for row in rows:
        record_cache_name(row, job.caches)
    state.store.body_path("rows", job.id).write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in _raw_rows(body)))


def _raw_rows(body: Any) -> list[Any]:
    """The rows of a create as the client wrote them, in either spelling."""
    source = body["batch"].get("inputConfig") or body["batch"]["input_config"]
    rows = source["requests"]["requests"]
    return rows if isinstance(rows, list) else [rows]


async def _check_quota(state: State, scheduler: JobScheduler, job: Job) -> None:
    """Raise the 429 of a full queue. It names no quota, as users report (js-genai 1264, python-genai 1901)."""
    await scheduler.advance_jobs(*state.active_jobs(job.owner))
    active_jobs = state.active_jobs(job.owner)
    if len(active_jobs) >= state.settings.max_jobs:
        raise exhausted()
    limit = state.settings.enqueued_limit(job.model)
    if limit is None:
        return
    same_model_jobs = [job, *(other for other in active_jobs if other.model == job.model)]
    for queued_job in same_model_jobs:
        if queued_job.tokens is None:
            queued_job.tokens = await count_enqueued_tokens(state, queued_job)
    if sum(queued_job.tokens or 0 for queued_job in same_model_jobs) > limit:
        raise exhausted()


def find_job(call: ApiCall) -> Job:
    job = call.state.jobs.get(call.params["id"])
    if job is None or job.owner != call.owner or job.deleted is not None:
        raise not_found()
    return job


async def get(call: ApiCall) -> Response:
    job = find_job(call)
    await call.scheduler.advance_jobs(job)
    return await call.reply(operation(call.state, job))


async def list_(call: ApiCall) -> Response:
    await call.scheduler.advance_jobs(*call.state.active_jobs(call.owner))
    jobs = call.state.list_visible(call.state.jobs.values(), call.owner)
    return await call.reply(call.page(jobs, sort_key, lambda job: operation(call.state, job, full=False), "operations"))


async def cancel(call: ApiCall) -> Response:
    """Cancel a job; it is seen to end within seconds. One that has ended stays as it is, and the answer is the same."""
    job = find_job(call)
    await call.scheduler.advance_jobs(job)
    if job.active:
        call.scheduler.cancel(job)
    return await call.reply({})


async def delete(call: ApiCall) -> Response:
    """Delete a job in any state, and its results with it; one that runs stops."""
    job = find_job(call)
    await call.scheduler.advance_jobs(job)
    call.scheduler.delete(job)
    return await call.reply({})
