"""The API's JSON for batch jobs, read and written in one place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batch.model import model_id

Json = dict[str, Any]

STATS = {
    "requests": "requestCount",
    "succeeded": "successfulRequestCount",
    "failed": "failedRequestCount",
    "pending": "pendingRequestCount",
}


@dataclass(frozen=True)
class Operation:
    """A batch job as the service tells it. `state` is the wire's BATCH_STATE_…; `stats` None before it is told.

    Results are in `responses_file` (a name) or in `inlined` (a list), wherever the reply carries them
    (metadata.output, metadata.dest or response); `error` is the job's own message.
    """

    name: str
    display_name: str
    model: str
    state: str
    done: bool
    stats: dict[str, int] | None
    responses_file: str
    inlined: list[Json] | None
    error: str
    created_at: datetime | None
    ended_at: datetime | None


def parse_operation(body: Json) -> Operation:
    """Read an operation of create, get or list."""
    meta = _dict(body.get("metadata"))
    outputs = [_dict(meta.get("output")), _dict(body.get("response")), _dict(meta.get("dest"))]
    return Operation(
        name=str(body.get("name") or meta.get("name") or ""),
        display_name=str(meta.get("displayName") or ""),
        model=model_id(str(meta.get("model") or "")),
        state=str(meta.get("state") or "BATCH_STATE_UNSPECIFIED"),
        done=bool(body.get("done")),
        stats=_stats(meta.get("batchStats")),
        responses_file=next((str(o["responsesFile"]) for o in outputs if o.get("responsesFile")), ""),
        inlined=next((list(i) for o in outputs if (i := _inlined_responses(o)) is not None), None),
        error=_error_text(body.get("error") or meta.get("error")),
        created_at=timestamp(meta.get("createTime")),
        ended_at=timestamp(meta.get("endTime")),
    )


def job_state(wire: str) -> str:
    """The SDK's name for a wire state: BATCH_STATE_RUNNING is JOB_STATE_RUNNING."""
    return wire.replace("BATCH_STATE_", "JOB_STATE_", 1)


def file_batch_body(display_name: str, file_name: str) -> Json:
    """The body of a create whose requests are in an uploaded JSONL file."""
    return {"displayName": display_name, "inputConfig": {"fileName": file_name}}


def inline_batch_body(display_name: str, rows: list[tuple[str, Json]]) -> Json:
    """The body of a create that carries its requests; each has its key in `metadata`, the only place for it."""
    requests = [{"request": request, "metadata": {"key": key}} for key, request in rows]
    return {"displayName": display_name, "inputConfig": {"requests": {"requests": requests}}}


def result_lines(inlined: list[Json]) -> Iterator[Json]:
    """Inlined responses in the form of a result file's lines; a response without a key stays without.

    `metadata` is kept whole, under whatever names its sender chose, but for one that is the key alone.
    """
    for item in inlined:
        metadata = _dict(item.get("metadata"))
        key = metadata.get("key")
        line: Json = {"key": key} if isinstance(key, str) else {}
        if metadata.keys() - line.keys():
            line["metadata"] = metadata
        yield line | {name: item[name] for name in ("response", "error") if name in item}


def timestamp(text: object) -> datetime | None:
    """An RFC 3339 time with up to nanoseconds, cut to microseconds; None if it is none."""
    if not isinstance(text, str):
        return None
    head, dot, tail = text.removesuffix("Z").partition(".")
    try:
        moment = datetime.fromisoformat(f"{head}.{tail[:6].ljust(6, '0')}" if dot else head)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stats(raw: object) -> dict[str, int] | None:
    """Counters arrive as strings and zero ones are absent; no counters at all means not known."""
    if not isinstance(raw, dict) or not raw:
        return None
    return {ours: _int(raw.get(theirs)) for ours, theirs in STATS.items()}


def _inlined_responses(output: Json) -> list[Json] | None:
    nested = output.get("inlinedResponses")
    items = nested.get("inlinedResponses") if isinstance(nested, dict) else nested
    return [i for i in items if isinstance(i, dict)] if isinstance(items, list) else None


def _error_text(raw: object) -> str:
    return str(raw.get("message") or f"error code {raw.get('code')}") if isinstance(raw, dict) else ""


def _dict(raw: object) -> Json:
    return raw if isinstance(raw, dict) else {}


def _int(raw: object) -> int:
    try:
        return int(str(raw or 0))
    except ValueError:
        return 0
